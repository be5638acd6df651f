package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

const oneDay = 24 * time.Hour

func newAdmin(a *app) *cobra.Command {
	admin := &cobra.Command{
		Use:   "admin",
		Short: "Say who may ask the server for what is not public, and how often",
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("admin needs a verb: client, key, person, limit or move")
		},
	}
	key := &cobra.Command{
		Use:   "key",
		Short: "Make, list, rotate and revoke API keys of the server's clients",
		Long: `API keys are for clients of the server (admin client) that ask for what is not public, such as customers' proofs. A key has an id, and a secret that is shown once and sent
in the field Assay-Key; or no secret, but the public key with which its client signs each request (RFC 9421), or the certificate that it shows when it connects (server.client_auth).
A key that may change something has no secret, and names the networks that it is used from, none wider than /8 (IPv6: /32). Records lie in server.database, without secrets; the server
need not be stopped, and a change holds from its next request on.`,
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("admin key needs a verb: create, list, rotate or revoke")
		},
	}
	key.AddCommand(newKeyCreate(a), newKeyList(a), newKeyRotate(a), newKeyRevoke(a))
	admin.AddCommand(newClients(a), key, newPersons(a), newLimits(a), newMove(a))
	return admin
}

// keyMaker makes and ends API keys, as whoever sits at this machine.
type keyMaker struct {
	authn.Maker
	records *store.Store
	ctx     context.Context
}

// keyMaker opens what API keys are made with.
func (a *app) keyMaker(cmd *cobra.Command) (keyMaker, error) {
	c, err := a.load()
	if err != nil {
		return keyMaker{}, err
	}
	records, pepper, err := a.keyStore(cmd.Context(), c)
	return keyMaker{authn.Maker{Pepper: pepper, Random: rand.Reader, Now: time.Now()}, records, audit.With(cmd.Context(), audit.Local())}, err
}

// write makes a change.
func (m keyMaker) write(change func(*store.Tx) error) error {
	if err := m.records.Write(m.ctx, change); err != nil {
		return refused("%v", err)
	}
	return nil
}

func newKeyCreate(a *app) *cobra.Command {
	var permissions, networks []string
	var w authn.Wish
	var days int
	var public, certificate string
	cmd := &cobra.Command{
		Use:   "create --name NAME --permission PERMISSION",
		Short: "Make an API key; it is shown once",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if w.Permissions, err = authz.Parse(permissions); err != nil {
				return usage("--permission: %v", err)
			}
			if w.Networks, err = authn.ParseNetworks(networks); err != nil {
				return usage("--cidr: %v", err)
			}
			if w.Public, err = clientKey(public); err != nil {
				return err
			}
			if w.Certificate, err = clientCertificate(certificate); err != nil {
				return err
			}
			w.Life = time.Duration(days) * oneDay
			m, err := a.keyMaker(cmd)
			if err != nil {
				return err
			}
			var k store.Key
			var secret authn.Secret
			if err := m.write(func(tx *store.Tx) (err error) { k, secret, err = m.Issue(m.ctx, tx, w); return err }); err != nil {
				return err
			}
			return a.sayMade(cmd, k, secret)
		},
	}
	f := cmd.Flags()
	f.StringVar(&w.Client, "client", "", "id of the client whose it is (default: one of its own is made, with the roles that the permissions take)")
	f.StringVar(&w.Name, "name", "", "what it is for")
	f.StringArrayVar(&permissions, "permission", nil, "what it may: "+permissionsInText()+"; again for each")
	f.StringArrayVar(&w.Reports, "report", nil, "digest of a statement that it is for, again for each (default: all)")
	f.StringArrayVar(&networks, "cidr", nil, "network that it is used from, such as 192.0.2.0/24, by the connection's address, again for each (default: any)")
	f.IntVar(&days, "days", int(authn.Life/oneDay), "how many days it is good, at most 365")
	f.StringVar(&public, "public-key", "", "the public key that its client signs requests with (ed25519:…), instead of a secret")
	f.StringVar(&certificate, "certificate", "", "file of the certificate that its client shows (PEM; server.client_auth), instead of a secret")
	return cmd
}

func permissionsInText() string {
	var all []string
	for _, p := range authz.Of(authz.Roles()...) {
		all = append(all, string(p))
	}
	return strings.Join(all, ", ")
}

// clientKey reads the public key of a client; nil if none is given.
func clientKey(text string) (ed25519.PublicKey, error) {
	if text == "" {
		return nil, nil
	}
	k, err := attest.ParsePublicKey(text)
	if err != nil {
		return nil, usage("--public-key: %v", err)
	}
	digits, ok := strings.CutPrefix(k.String(), string(attest.Ed25519)+":")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return nil, usage("--public-key: %s, want a key of ed25519", k)
	}
	if k.SmallOrder() {
		return nil, usage("--public-key: %s is of small order, and everybody could sign for it", k)
	}
	return raw, nil
}

func newKeyList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the API keys, those that are of no use any more too",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.keyMaker(cmd)
			if err != nil {
				return err
			}
			all, err := m.records.Keys(cmd.Context())
			if err != nil {
				return unreadable("server.database: %v", err)
			}
			shown := make([]keyRecord, len(all))
			for i, k := range all {
				shown[i] = recordOf(k, m.Now)
			}
			if a.json {
				return a.say(cmd, shown, "")
			}
			return table(cmd, shown)
		},
	}
}

func table(cmd *cobra.Command, all []keyRecord) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "id\tclient\tstate\texpires\tused\tby\tpermissions\treports\tnetworks\tname")
	for _, k := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Client, k.State, k.Expires, orElse(k.Used, "never"), k.By, strings.Join(k.Permissions, " "),
			orElse(strings.Join(k.Reports, " "), "all"), orElse(strings.Join(k.Networks, " "), "any"), k.Name)
	}
	return w.Flush()
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func newKeyRotate(a *app) *cobra.Command {
	var days int
	var overlap time.Duration
	var public, certificate string
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Give an API key another secret, public key or certificate; the old one is good for a while still",
		Args:  oneArg("admin key rotate takes the id of one key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := clientKey(public)
			if err != nil {
				return err
			}
			sum, err := clientCertificate(certificate)
			if err != nil {
				return err
			}
			if raw != nil && sum != nil {
				return usage("a key is shown by a signature or by a certificate: give --public-key or --certificate")
			}
			m, err := a.keyMaker(cmd)
			if err != nil {
				return err
			}
			var k store.Key
			var secret authn.Secret
			if err := m.write(func(tx *store.Tx) (err error) {
				life := time.Duration(days) * oneDay
				if sum != nil {
					k, err = m.Bind(m.ctx, tx, args[0], sum, life, overlap)
					return err
				}
				k, secret, err = m.Rotate(m.ctx, tx, args[0], raw, life, overlap)
				return err
			}); err != nil {
				return err
			}
			return a.sayMade(cmd, k, secret)
		},
	}
	cmd.Flags().IntVar(&days, "days", int(authn.Life/oneDay), "how many days from now the key is good, at most 365")
	cmd.Flags().DurationVar(&overlap, "overlap", authn.Overlap, "how long the old one is good still, at most 168h; 0s ends it now")
	cmd.Flags().StringVar(&public, "public-key", "", "the public key that its client signs requests with from now on (ed25519:…), instead of a secret")
	cmd.Flags().StringVar(&certificate, "certificate", "", "file of the certificate that its client shows from now on (PEM), instead of a secret")
	return cmd
}

func newKeyRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "End an API key for good, from the server's next request on",
		Args:  oneArg("admin key revoke takes the id of one key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.keyMaker(cmd)
			if err != nil {
				return err
			}
			if err := m.write(func(tx *store.Tx) error { return m.Revoke(m.ctx, tx, args[0]) }); err != nil {
				return err
			}
			return a.say(cmd, map[string]string{"id": args[0], "state": authn.Revoked}, "API key %s is revoked", args[0])
		},
	}
}

// keyRecord is an API key as it is shown. Key is its secret, which is shown once.
type keyRecord struct {
	ID          string   `json:"id"`
	Client      string   `json:"client"`
	Name        string   `json:"name"`
	State       string   `json:"state"`
	By          string   `json:"by"` // secret, signature or certificate
	Permissions []string `json:"permissions"`
	Reports     []string `json:"reports,omitempty"`
	Networks    []string `json:"networks,omitempty"`
	Created     string   `json:"created"`
	Expires     string   `json:"expires"`
	Former      string   `json:"former,omitempty"` // until when the credential before is good
	Used        string   `json:"used,omitempty"`
	Certificate string   `json:"certificate,omitempty"` // its SHA-256
	Key         string   `json:"key,omitempty"`
}

func recordOf(k store.Key, now time.Time) keyRecord {
	stamp := func(t time.Time) string { return t.Format(time.RFC3339) }
	r := keyRecord{ID: k.ID, Client: k.Client, Name: k.Name, State: authn.State(k, now), By: "secret", Permissions: k.Permissions, Reports: k.Reports, Networks: k.Networks, Created: stamp(k.Created)}
	last := k.Credentials[len(k.Credentials)-1]
	r.Expires = stamp(last.Until)
	switch {
	case last.Public != nil:
		r.By = "signature"
	case last.Certificate != nil:
		r.By, r.Certificate = "certificate", hex.EncodeToString(last.Certificate)
	}
	if n := len(k.Credentials); n > 1 && now.Before(k.Credentials[n-2].Until) {
		r.Former = stamp(k.Credentials[n-2].Until)
	}
	if !k.Used.IsZero() {
		r.Used = stamp(k.Used)
	}
	return r
}

// sayMade shows a key that was made or rotated, and its secret, if it has one, this once.
func (a *app) sayMade(cmd *cobra.Command, k store.Key, secret authn.Secret) error {
	r := recordOf(k, k.Credentials[len(k.Credentials)-1].Created)
	r.Key = secret.Show()
	text := fmt.Sprintf("API key %s of client %s, good until %s", r.ID, r.Client, r.Expires)
	if r.Former != "" {
		text += "\nthe old credential is good until " + r.Former
	}
	if r.Certificate != "" {
		return a.say(cmd, r, "%s\nconnect with the certificate %s", text, r.Certificate)
	}
	if r.Key == "" {
		return a.say(cmd, r, "%s\nsign requests with keyid=%q (RFC 9421, tag %q)", text, r.ID, "assay-request-1")
	}
	return a.say(cmd, r, "%s\nsend it in the field Assay-Key; it is not shown again:\n\n%s", text, r.Key)
}
