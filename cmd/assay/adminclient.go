package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

func newClients(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Make, list, change, disable and enable the server's clients, who have API keys",
		Long: `A client is a service of the exchange, or somebody else whom it lets ask: an auditor. It has roles, of which a key of it may a part, a tier that its limits are by,
a scope (legal entities, statements, days) and an end, which auditors must have. A change holds from the server's next request on.`,
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("admin client needs a verb: create, list, change, disable or enable")
		},
	}
	cmd.AddCommand(newClientCreate(a), newClientList(a), newClientChange(a),
		newClientSwitch(a, "disable", "Let in no key of a client, from the server's next request on", authn.Maker.Disable),
		newClientSwitch(a, "enable", "Let in the keys of a client again", authn.Maker.Enable))
	return cmd
}

// enrolmentFlags are what a client is to be, as flags say it.
type enrolmentFlags struct {
	roles   []string
	expires string
	authn.Enrolment
}

func (e *enrolmentFlags) add(f *pflag.FlagSet) {
	f.StringVar(&e.Name, "name", "", "what it is called")
	f.StringArrayVar(&e.roles, "role", nil, "what it is: "+rolesInText()+"; again for each")
	f.StringVar(&e.Tier, "tier", authn.Standard, "what its limits are by: "+strings.Join(authz.Tiers, ", "))
	f.StringArrayVar(&e.Scope.Entities, "entity", nil, "legal entity whose statements it is for, again for each (default: all)")
	f.StringArrayVar(&e.Scope.Reports, "report", nil, "digest of a statement that it is for, again for each (default: all)")
	f.StringVar(&e.Scope.From, "from", "", "day of the first instant that it is for, such as 2026-01-01")
	f.StringVar(&e.Scope.Until, "until", "", "day of the last")
	f.StringVar(&e.expires, "expires", "", "when it is let in no longer, such as 2027-03-31 or 2027-03-31T12:00:00Z; auditors must say, 180 days from now at most (default: never)")
}

func rolesInText() string {
	var all []string
	for _, r := range authz.Roles() {
		all = append(all, string(r))
	}
	return strings.Join(all, ", ")
}

// read is the enrolment that the flags say.
func (e *enrolmentFlags) read() (authn.Enrolment, error) {
	var err error
	if e.Roles, err = authz.ParseRoles(e.roles); err != nil {
		return e.Enrolment, usage("--role: %v", err)
	}
	if e.expires == "" {
		return e.Enrolment, nil
	}
	if e.Expires, err = time.Parse(time.RFC3339, e.expires); err != nil {
		if e.Expires, err = time.Parse(time.DateOnly, e.expires); err != nil {
			return e.Enrolment, usage("--expires: %q is no day such as 2027-03-31, and no time such as 2027-03-31T12:00:00Z", e.expires)
		}
	}
	return e.Enrolment, nil
}

func newClientCreate(a *app) *cobra.Command {
	var e enrolmentFlags
	cmd := &cobra.Command{
		Use:   "create --name NAME --role ROLE",
		Short: "Make a client; it has no key yet",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wish, err := e.read()
			if err != nil {
				return err
			}
			return a.changeClient(cmd, func(m keyMaker, tx *store.Tx) (store.Client, error) { return m.Enrol(m.ctx, tx, wish) })
		},
	}
	e.add(cmd.Flags())
	return cmd
}

func newClientChange(a *app) *cobra.Command {
	var e enrolmentFlags
	cmd := &cobra.Command{
		Use:   "change ID --name NAME --role ROLE",
		Short: "Make a client another one: all that the flags say, and nothing that they do not",
		Args:  oneArg("admin client change takes the id of one client"),
		RunE: func(cmd *cobra.Command, args []string) error {
			wish, err := e.read()
			if err != nil {
				return err
			}
			return a.changeClient(cmd, func(m keyMaker, tx *store.Tx) (store.Client, error) { return m.ChangeClient(m.ctx, tx, args[0], wish) })
		},
	}
	e.add(cmd.Flags())
	return cmd
}

// clientTurn turns a client on or off.
type clientTurn = func(authn.Maker, context.Context, *store.Tx, string) (store.Client, error)

func newClientSwitch(a *app, verb, short string, turn clientTurn) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Args:  oneArg("admin client " + verb + " takes the id of one client"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeClient(cmd, func(m keyMaker, tx *store.Tx) (store.Client, error) { return turn(m.Maker, m.ctx, tx, args[0]) })
		},
	}
}

// changeClient makes a change of a client, and says what it is now.
func (a *app) changeClient(cmd *cobra.Command, change func(keyMaker, *store.Tx) (store.Client, error)) error {
	m, err := a.keyMaker(cmd)
	if err != nil {
		return err
	}
	var c store.Client
	if err := m.write(func(tx *store.Tx) (err error) { c, err = change(m, tx); return err }); err != nil {
		return err
	}
	r := clientRecordOf(c, m.Now)
	return a.say(cmd, r, "client %s, %s: %s", r.ID, r.State, strings.Join(r.Roles, " "))
}

func newClientList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the clients, those that are not let in any more too",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.keyMaker(cmd)
			if err != nil {
				return err
			}
			shown := []clientRecord{}
			for after := ""; ; {
				page, err := m.records.Clients(m.ctx, after, 500)
				if err != nil {
					return unreadable("server.database: %v", err)
				}
				if len(page) == 0 {
					break
				}
				for _, c := range page {
					shown = append(shown, clientRecordOf(c, m.Now))
				}
				after = page[len(page)-1].ID
			}
			if a.json {
				return a.say(cmd, shown, "")
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "id\tstate\texpires\ttier\troles\tscope\tname")
			for _, c := range shown {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.State, orElse(c.Expires, "never"), c.Tier, strings.Join(c.Roles, " "), orElse(c.scope(), "all"), c.Name)
			}
			return w.Flush()
		},
	}
}

// clientRecord is a client as it is shown.
type clientRecord struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	State    string   `json:"state"`
	Roles    []string `json:"roles"`
	Tier     string   `json:"tier"`
	Entities []string `json:"entities,omitempty"`
	Reports  []string `json:"reports,omitempty"`
	From     string   `json:"from,omitempty"`
	Until    string   `json:"until,omitempty"`
	Created  string   `json:"created"`
	Expires  string   `json:"expires,omitempty"`
}

func clientRecordOf(c store.Client, now time.Time) clientRecord {
	r := clientRecord{ID: c.ID, Name: c.Name, State: authn.ClientState(c, now), Roles: c.Roles, Tier: c.Tier, Entities: c.Scope.Entities, Reports: c.Scope.Reports,
		From: c.Scope.From, Until: c.Scope.Until, Created: c.Created.Format(time.RFC3339)}
	if !c.Expires.IsZero() {
		r.Expires = c.Expires.Format(time.RFC3339)
	}
	return r
}

// scope is in a few words what the client is for; empty: all.
func (r clientRecord) scope() string {
	var parts []string
	parts = append(parts, r.Entities...)
	parts = append(parts, r.Reports...)
	if r.From != "" {
		parts = append(parts, "from "+r.From)
	}
	if r.Until != "" {
		parts = append(parts, "until "+r.Until)
	}
	return strings.Join(parts, ", ")
}
