package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/store"
)

func newApps(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "app",
		Short: "Register, list, change, disable and enable the apps that have tokens of the server",
		Long: `An app is let in by tokens (server.oauth): for a customer who allowed it, with the role delegate; or for itself, with the roles service and viewer. It shows who it is by assertions that it
signs (--keys) or by a certificate (--certificate-name; server.client_auth); an app on the customer's own device shows nothing (--public). It has no secret. Its tokens are bound to a key of
its own (DPoP) or to its certificate, unless --bearer says that they need not be. A change holds from the server's next request on.`,
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("admin app needs a verb: register, list, change, disable or enable")
		},
	}
	cmd.AddCommand(newAppRegister(a), newAppList(a), newAppChange(a),
		newAppSwitch(a, "disable", "Let an app in no more, from the server's next request on", authn.Maker.Disable),
		newAppSwitch(a, "enable", "Let an app in again", authn.Maker.Enable))
	return cmd
}

// appFlags are what an app is to be, as flags say it.
type appFlags struct {
	enrolmentFlags
	oauth.Wish
	keys   string
	public bool
}

func (w *appFlags) add(f *pflag.FlagSet) {
	w.enrolmentFlags.add(f)
	f.StringVar(&w.Owner, "owner", "", "who answers for it, as customers are told")
	f.StringArrayVar(&w.Redirects, "redirect", nil, "where customers' browsers are sent back to, exactly, again for each; without one it asks no customer")
	f.StringVar(&w.keys, "keys", "", "file of the public keys that it signs assertions with (a JWK set)")
	f.StringVar(&w.Certificate, "certificate-name", "", "the DNS name in the certificate that it shows")
	f.BoolVar(&w.public, "public", false, "it runs on the customer's own device, and shows nothing")
	f.BoolVar(&w.Native, "native", false, "it runs on the customer's own device, and may be answered there, at any port of http://127.0.0.1 or http://[::1]")
	f.BoolVar(&w.Bearer, "bearer", false, "its tokens need not be bound to a key: whoever has one may use it")
}

func (w *appFlags) read() (wish oauth.Wish, err error) {
	wish = w.Wish
	if wish.Enrolment, err = w.enrolmentFlags.read(); err != nil {
		return wish, err
	}
	switch {
	case w.public:
		wish.Auth = oauth.ByNothing
	case w.Certificate != "":
		wish.Auth = oauth.ByCertificate
	default:
		wish.Auth = oauth.ByKey
	}
	if w.keys == "" {
		return wish, nil
	}
	if wish.Keys, err = os.ReadFile(w.keys); err != nil {
		return wish, unreadable("--keys: %v", err)
	}
	return wish, nil
}

// appRecord is an app as it is shown.
type appRecord struct {
	clientRecord
	Owner       string   `json:"owner"`
	By          string   `json:"by"` // private_key_jwt, tls_client_auth or none
	Certificate string   `json:"certificate,omitempty"`
	Redirects   []string `json:"redirects,omitempty"`
	Native      bool     `json:"native"`
	Bearer      bool     `json:"bearer"`
}

func (m keyMaker) appRecord(c store.Client, of store.App) appRecord {
	return appRecord{clientRecord: clientRecordOf(c, m.Now), Owner: of.Owner, By: of.Auth, Certificate: of.Certificate, Redirects: of.Redirects, Native: of.Native, Bearer: of.Bearer}
}

// changeApp makes a change of an app, and says what it is now.
func (a *app) changeApp(cmd *cobra.Command, change func(keyMaker, *store.Tx) (store.Client, error)) error {
	m, err := a.keyMaker(cmd)
	if err != nil {
		return err
	}
	var r appRecord
	if err := m.write(func(tx *store.Tx) error {
		c, err := change(m, tx)
		if err != nil {
			return err
		}
		of, err := tx.App(m.ctx, c.ID)
		r = m.appRecord(c, of)
		return err
	}); err != nil {
		return err
	}
	return a.say(cmd, r, "app %s, %s: %s", r.ID, r.State, strings.Join(r.Roles, " "))
}

func newAppRegister(a *app) *cobra.Command {
	var w appFlags
	cmd := &cobra.Command{
		Use:   "register --name NAME --owner OWNER --role ROLE --keys FILE",
		Short: "Register an app; its id is its client_id",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wish, err := w.read()
			if err != nil {
				return err
			}
			return a.changeApp(cmd, func(m keyMaker, tx *store.Tx) (store.Client, error) {
				c, _, err := oauth.Register(m.ctx, tx, m.Maker, wish)
				return c, err
			})
		},
	}
	w.add(cmd.Flags())
	return cmd
}

func newAppChange(a *app) *cobra.Command {
	var w appFlags
	cmd := &cobra.Command{
		Use:   "change ID --name NAME --owner OWNER --role ROLE --keys FILE",
		Short: "Make an app another one: all that the flags say, and nothing that they do not",
		Args:  oneArg("admin app change takes the id of one app"),
		RunE: func(cmd *cobra.Command, args []string) error {
			wish, err := w.read()
			if err != nil {
				return err
			}
			return a.changeApp(cmd, func(m keyMaker, tx *store.Tx) (store.Client, error) {
				c, _, err := oauth.Change(m.ctx, tx, m.Maker, args[0], wish)
				return c, err
			})
		},
	}
	w.add(cmd.Flags())
	return cmd
}

func newAppSwitch(a *app, verb, short string, turn clientTurn) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Args:  oneArg("admin app " + verb + " takes the id of one app"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeApp(cmd, func(m keyMaker, tx *store.Tx) (store.Client, error) {
				if _, err := tx.App(m.ctx, args[0]); err != nil {
					return store.Client{}, err
				}
				return turn(m.Maker, m.ctx, tx, args[0])
			})
		},
	}
}

func newAppList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the apps, those that are not let in any more too",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.keyMaker(cmd)
			if err != nil {
				return err
			}
			all, err := m.records.Apps(m.ctx)
			if err != nil {
				return unreadable("server.database: %v", err)
			}
			shown := []appRecord{}
			for _, of := range all {
				c, err := m.records.Client(m.ctx, of.Client)
				if err != nil {
					return unreadable("server.database: %v", err)
				}
				shown = append(shown, m.appRecord(c, of))
			}
			if a.json {
				return a.say(cmd, shown, "")
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "id\tstate\tshows\troles\tanswered at\towner\tname")
			for _, r := range shown {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.State, r.By, strings.Join(r.Roles, " "), orElse(strings.Join(r.Redirects, " "), "nowhere"), r.Owner, r.Name)
			}
			return w.Flush()
		},
	}
}
