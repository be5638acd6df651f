package authn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// AuditorLife is how long an auditor is let in at most.
const AuditorLife = 180 * day

// Disabled is the state of a client that is not let in, until it is enabled again.
const Disabled = "disabled"

// ClientState is the state of a client.
func ClientState(c store.Client, now time.Time) string {
	switch {
	case !c.Disabled.IsZero():
		return Disabled
	case !c.Expires.IsZero() && !now.Before(c.Expires):
		return Expired
	}
	return Good
}

// Enrolment says what a client is to be.
type Enrolment struct {
	Name    string
	Kind    string // store.Person; empty: store.Machine
	Roles   []authz.Role
	Tier    string // one of authz.Tiers
	Scope   authz.Scope
	Expires time.Time // zero: it does not, which auditors must
}

// Standard is the tier of whoever is given no other.
const Standard = "standard"

var isDay = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

// check says what is wrong with an enrolment.
func (e Enrolment) check(now time.Time) error {
	if err := CheckName("client", e.Name, 64); err != nil {
		return err
	}
	if len(e.Roles) == 0 {
		return errors.New("a client without a role may nothing")
	}
	if !slices.Contains(authz.Tiers, e.Tier) {
		return fmt.Errorf("%q is no tier, which are %v", e.Tier, authz.Tiers)
	}
	switch auditor := slices.Contains(e.Roles, authz.Auditor); {
	case auditor && (e.Expires.IsZero() || e.Expires.After(now.Add(AuditorLife))):
		return fmt.Errorf("an auditor is let in for %d days at most: say until when", AuditorLife/day)
	case !e.Expires.IsZero() && !e.Expires.After(now):
		return errors.New("a client that has expired already is let in by nobody: disable it instead")
	}
	return checkScope(e.Scope)
}

func checkScope(s authz.Scope) error {
	if err := checkDigests(s.Reports); err != nil {
		return err
	}
	for _, e := range s.Entities {
		if err := CheckName("legal entity", e, 256); err != nil {
			return err
		}
	}
	for _, d := range []string{s.From, s.Until} {
		if _, err := time.Parse(time.DateOnly, d); d != "" && (err != nil || !isDay.MatchString(d)) {
			return fmt.Errorf("%q is no day such as 2026-11-30", d)
		}
	}
	if s.From != "" && s.Until != "" && s.Until < s.From {
		return fmt.Errorf("no day is from %s until %s", s.From, s.Until)
	}
	return nil
}

func checkDigests(all []string) error {
	for _, r := range all {
		if !isDigest.MatchString(r) {
			return fmt.Errorf("%q is no digest of a statement, which has 64 hex digits in lower case", r)
		}
	}
	return nil
}

// CheckName holds what something is called to be printable, and no secret.
func CheckName(what, name string, most int) error {
	if name == "" || !utf8.ValidString(name) || len(name) > most {
		return fmt.Errorf("the name of a %s has 1 to %d bytes", what, most)
	}
	for _, c := range name {
		if !unicode.IsPrint(c) {
			return fmt.Errorf("the name of a %s is of printable characters, and %q is not", what, c)
		}
	}
	if keyText.MatchString(name) {
		return errors.New("an API key is no name: revoke it, it may have been seen")
	}
	return nil
}

// newID draws an id.
func (m Maker) newID() (string, error) {
	var id [idSize]byte
	_, err := io.ReadFull(m.Random, id[:])
	return spelling.EncodeToString(id[:]), err
}

// Enrol makes a client. It has no key yet.
func (m Maker) Enrol(ctx context.Context, tx *store.Tx, e Enrolment) (store.Client, error) {
	if err := e.check(m.Now); err != nil {
		return store.Client{}, fmt.Errorf("%w: %w", ErrWish, err)
	}
	id, err := m.newID()
	if err != nil {
		return store.Client{}, err
	}
	c := store.Client{ID: id, Kind: cmp.Or(e.Kind, store.Machine), Created: m.Now.UTC().Truncate(time.Second)}
	e.into(&c)
	if err := tx.CreateClient(ctx, c); err != nil {
		return store.Client{}, err
	}
	return c, m.recordOf(ctx, tx, "client.create", c)
}

func (e Enrolment) into(c *store.Client) {
	c.Name, c.Tier, c.Expires, c.Roles = e.Name, e.Tier, time.Time{}, nil
	c.Scope = store.Scope(e.Scope)
	if !e.Expires.IsZero() {
		c.Expires = e.Expires.UTC().Truncate(time.Second)
	}
	for _, r := range e.Roles {
		c.Roles = append(c.Roles, string(r))
	}
}

// ChangeClient makes a client another one, whose keys may from then on what it may.
func (m Maker) ChangeClient(ctx context.Context, tx *store.Tx, id string, e Enrolment) (c store.Client, err error) {
	if err := e.check(m.Now); err != nil {
		return c, fmt.Errorf("%w: %w", ErrWish, err)
	}
	return m.changed(ctx, tx, "client.change", id, e.into)
}

// Disable lets in no key of a client from now on; Enable does again, those that are good still.
func (m Maker) Disable(ctx context.Context, tx *store.Tx, id string) (store.Client, error) {
	return m.changed(ctx, tx, "client.disable", id, func(c *store.Client) {
		if c.Disabled.IsZero() {
			c.Disabled = m.Now.UTC().Truncate(time.Second)
		}
	})
}

// Enable ends what Disable began.
func (m Maker) Enable(ctx context.Context, tx *store.Tx, id string) (store.Client, error) {
	return m.changed(ctx, tx, "client.enable", id, func(c *store.Client) { c.Disabled = time.Time{} })
}

func (m Maker) changed(ctx context.Context, tx *store.Tx, action, id string, change func(*store.Client)) (c store.Client, err error) {
	err = tx.ChangeClient(ctx, id, func(old *store.Client) error {
		change(old)
		c = *old
		return nil
	})
	if err != nil {
		return c, err
	}
	return c, m.recordOf(ctx, tx, action, c)
}

// recordOf puts into the audit log what a client may from now on.
func (m Maker) recordOf(ctx context.Context, tx *store.Tx, action string, c store.Client) error {
	return audit.Record(ctx, tx, audit.Act{At: m.Now, Action: action, Object: c.ID, Outcome: audit.Done, Reason: fmt.Sprintf("roles %v, tier %s", c.Roles, c.Tier)})
}

// RolesOf are the roles of a client.
func RolesOf(c store.Client) []authz.Role {
	all := make([]authz.Role, len(c.Roles))
	for i, r := range c.Roles {
		all[i] = authz.Role(r)
	}
	return all
}
