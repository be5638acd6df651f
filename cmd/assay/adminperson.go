package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/hidden"
	persons "github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/store"
)

func newPersons(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "person",
		Short: "Invite, list, change, reset, disable and enable the people who sign in at the server",
		Long: `A person signs in, by a passkey or else by a password and a second factor (server.people). They are invited by a link, which is good once and for a quarter of an hour: hand
it to that person, and to nobody else. The first two administrators are made here; from then on one of them asks and another confirms (/v1/proposals), and this is for the day on which
nobody is left who could.`,
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("admin person needs a verb: invite, list, change, reset, disable or enable")
		},
	}
	cmd.AddCommand(newPersonInvite(a), newPersonList(a), newPersonChange(a),
		newPersonOf(a, "reset", "Take from a person all that they sign in by, and invite them anew", func(m personMaker, tx *store.Tx, id string) (store.Client, hidden.Secret, error) {
			return m.people.Reset(m.ctx, tx, id)
		}),
		newPersonOf(a, "disable", "Let a person in no more, from the server's next request on", turned((*persons.People).Disable)),
		newPersonOf(a, "enable", "Let a person in again", turned((*persons.People).Enable)))
	return cmd
}

// turned is a change of a person that invites nobody.
func turned(turn func(*persons.People, context.Context, *store.Tx, string) (store.Client, error)) func(personMaker, *store.Tx, string) (store.Client, hidden.Secret, error) {
	return func(m personMaker, tx *store.Tx, id string) (store.Client, hidden.Secret, error) {
		c, err := turn(m.people, m.ctx, tx, id)
		return c, hidden.Secret{}, err
	}
}

// personMaker makes people, as whoever sits at this machine.
type personMaker struct {
	keyMaker
	people *persons.People
}

func (a *app) personMaker(cmd *cobra.Command) (personMaker, error) {
	c, err := a.load()
	if err != nil {
		return personMaker{}, err
	}
	if len(c.Server.People.Origins) == 0 {
		return personMaker{}, hinted(refused("nobody signs in at this server"), "say at which address, in server.people.origins")
	}
	m, err := a.keyMaker(cmd)
	if err != nil {
		return personMaker{}, err
	}
	p, err := c.people(m.records, m.Pepper, audit.NewDenials(m.records, time.Now))
	if err != nil {
		return personMaker{}, refused("%v", err)
	}
	return personMaker{m, p}, nil
}

// wishFlags are who a person is to be, as flags say it.
type wishFlags struct {
	login string
	enrolmentFlags
}

func (w *wishFlags) add(f *pflag.FlagSet) {
	w.enrolmentFlags.add(f)
	f.StringVar(&w.login, "login", "", "the name that they sign in by, if by a password: an address of mail, or any other of 2 to 64 letters, digits and . _ @ + -")
}

func (w *wishFlags) read() (persons.Wish, error) {
	e, err := w.enrolmentFlags.read()
	return persons.Wish{Login: w.login, Enrolment: e}, err
}

func newPersonInvite(a *app) *cobra.Command {
	var w wishFlags
	cmd := &cobra.Command{
		Use:   "invite --login LOGIN --name NAME --role ROLE",
		Short: "Make a person, and invite them",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wish, err := w.read()
			if err != nil {
				return err
			}
			return a.changePerson(cmd, func(m personMaker, tx *store.Tx) (store.Client, hidden.Secret, error) {
				return m.people.Create(m.ctx, tx, wish)
			})
		},
	}
	w.add(cmd.Flags())
	return cmd
}

func newPersonChange(a *app) *cobra.Command {
	var w wishFlags
	cmd := &cobra.Command{
		Use:   "change ID --login LOGIN --name NAME --role ROLE",
		Short: "Make a person another one: all that the flags say, and nothing that they do not",
		Args:  oneArg("admin person change takes the id of one person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			wish, err := w.read()
			if err != nil {
				return err
			}
			return a.changePerson(cmd, func(m personMaker, tx *store.Tx) (store.Client, hidden.Secret, error) {
				c, err := m.people.Change(m.ctx, tx, args[0], wish)
				return c, hidden.Secret{}, err
			})
		},
	}
	w.add(cmd.Flags())
	return cmd
}

func newPersonOf(a *app, verb, short string, do func(personMaker, *store.Tx, string) (store.Client, hidden.Secret, error)) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Args:  oneArg("admin person " + verb + " takes the id of one person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changePerson(cmd, func(m personMaker, tx *store.Tx) (store.Client, hidden.Secret, error) { return do(m, tx, args[0]) })
		},
	}
}

// personRecord is a person as they are shown. Link is their invitation, which is shown once.
type personRecord struct {
	clientRecord
	Login    string `json:"login"`
	Passkeys int    `json:"passkeys"`
	Password bool   `json:"password"`
	Link     string `json:"link,omitempty"`
}

// changePerson makes a change of a person, and says what they are now.
func (a *app) changePerson(cmd *cobra.Command, change func(personMaker, *store.Tx) (store.Client, hidden.Secret, error)) error {
	m, err := a.personMaker(cmd)
	if err != nil {
		return err
	}
	var r personRecord
	var invitation hidden.Secret
	if err := m.write(func(tx *store.Tx) error {
		c, secret, err := change(m, tx)
		if err != nil {
			return err
		}
		invitation = secret
		account, err := tx.Account(m.ctx, c.ID)
		r = personRecordOf(c, account, m.Now)
		return err
	}); err != nil {
		return err
	}
	text := fmt.Sprintf("person %s, %s: %s", r.ID, r.State, strings.Join(r.Roles, " "))
	if invitation.Reveal() == "" {
		return a.say(cmd, r, "%s", text)
	}
	r.Link = m.people.Link(invitation.Reveal())
	return a.say(cmd, r, "%s\nhand them this link; it is good once, for a quarter of an hour, and is not shown again:\n\n%s", text, r.Link)
}

func personRecordOf(c store.Client, account store.Account, now time.Time) personRecord {
	return personRecord{clientRecord: clientRecordOf(c, now), Login: account.Login, Passkeys: len(account.Passkeys), Password: account.Password != ""}
}

func newPersonList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the people, those who are not let in any more too",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.personMaker(cmd)
			if err != nil {
				return err
			}
			shown, err := m.all()
			if err != nil {
				return unreadable("server.database: %v", err)
			}
			if a.json {
				return a.say(cmd, shown, "")
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "id\tstate\texpires\tsigns in by\troles\tscope\tlogin\tname")
			for _, p := range shown {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.State, orElse(p.Expires, "never"), p.by(), strings.Join(p.Roles, " "), orElse(p.scope(), "all"), p.Login, p.Name)
			}
			return w.Flush()
		},
	}
}

// by is in a few words what a person signs in by.
func (p personRecord) by() string {
	switch {
	case p.Passkeys > 0 && p.Password:
		return "passkey, password"
	case p.Passkeys > 0:
		return "passkey"
	case p.Password:
		return "password"
	}
	return "nothing yet"
}

// all are the people.
func (m personMaker) all() ([]personRecord, error) {
	shown := []personRecord{}
	for after := ""; ; {
		page, err := m.records.Accounts(m.ctx, after, 500)
		if err != nil || len(page) == 0 {
			return shown, err
		}
		for _, account := range page {
			c, err := m.records.Client(m.ctx, account.Client)
			if err != nil {
				return nil, err
			}
			shown = append(shown, personRecordOf(c, account, m.Now))
		}
		after = page[len(page)-1].Client
	}
}
