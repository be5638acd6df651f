package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// withPeople is a database with people of these ids.
func withPeople(t *testing.T, ids ...string) *Store {
	t.Helper()
	s := opened(t, filepath.Join(t.TempDir(), "assay.db"))
	wrote(t, s, func(ctx context.Context, tx *Tx) error {
		for _, id := range ids {
			a := Account{Client: id, Login: id, LoginMAC: "mac of " + id}
			if err := errors.Join(tx.CreateClient(ctx, Client{ID: id, Kind: Person, Created: day}), tx.CreateAccount(ctx, a)); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

func wrote(t *testing.T, s *Store, change func(context.Context, *Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), func(tx *Tx) error { return change(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// TestAccounts: what is written is what is read; a name is one person's, and who is slower changes nothing.
func TestAccounts(t *testing.T) {
	s := withPeople(t, "ada", "bob")
	want := Account{Client: "ada", Login: "ada", LoginMAC: "mac of ada", Password: "$argon2id$", TOTP: []byte{1, 2}, Step: 7, Recovery: []string{"x", "y"},
		Passkeys: []Passkey{{ID: []byte{1}, Name: "Laptop", PublicKey: []byte{2}, Model: []byte{3}, Transports: []string{"usb"}, Count: 4, Synced: true, Created: day, Used: day}}}
	wrote(t, s, func(ctx context.Context, tx *Tx) error {
		return tx.ChangeAccount(ctx, "ada", func(a *Account) error {
			version := a.version
			*a = want
			a.version = version
			return nil
		})
	})
	for name, read := range map[string]func() (Account, error){
		"by id":   func() (Account, error) { return s.Account(t.Context(), "ada") },
		"by name": func() (Account, error) { return s.AccountOf(t.Context(), "mac of ada") },
		"all":     func() (Account, error) { all, err := s.Accounts(t.Context(), "", 1); return all[0], err },
	} {
		got, err := read()
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Account{})); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	if page, err := s.Accounts(t.Context(), "ada", 5); err != nil || len(page) != 1 || page[0].Client != "bob" {
		t.Errorf("%v %v", page, err)
	}
	for name, tt := range map[string]struct {
		change func(context.Context, *Tx) error
		want   error
	}{
		"another's name": {func(ctx context.Context, tx *Tx) error {
			return tx.ChangeAccount(ctx, "bob", func(a *Account) error { a.LoginMAC = "mac of ada"; return nil })
		}, ErrTaken},
		"made anew": {func(ctx context.Context, tx *Tx) error {
			return errors.Join(tx.CreateClient(ctx, Client{ID: "c", Created: day}), tx.CreateAccount(ctx, Account{Client: "c", LoginMAC: "mac of ada"}))
		}, ErrTaken},
		"nobody": {func(ctx context.Context, tx *Tx) error {
			return tx.ChangeAccount(ctx, "eve", func(*Account) error { return nil })
		}, ErrUnknown},
		"changed between": {func(ctx context.Context, tx *Tx) error {
			return tx.ChangeAccount(ctx, "bob", func(*Account) error { return tx.ChangeAccount(ctx, "bob", func(*Account) error { return nil }) })
		}, ErrChanged},
	} {
		if err := s.Write(t.Context(), func(tx *Tx) error { return tt.change(t.Context(), tx) }); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// TestSessions: they are found by their token, change it once at a time, and are forgotten when they are over.
func TestSessions(t *testing.T) {
	s := withPeople(t, "ada", "bob")
	at := func(minutes int) time.Time { return day.Add(time.Duration(minutes) * time.Minute) }
	one := Session{ID: "s1", Token: "t1", Client: "ada", Class: "phr", Proved: day, Network: "192.0.2.0/24", Created: day, Until: at(60), Seen: day}
	wrote(t, s, func(ctx context.Context, tx *Tx) error {
		other, long := one, one
		other.ID, other.Token, other.Client = "s2", "t2", "bob"
		long.ID, long.Token, long.Until = "s3", "t3", at(120)
		return errors.Join(tx.CreateSession(ctx, one), tx.CreateSession(ctx, other), tx.CreateSession(ctx, long))
	})
	changed := one
	changed.Token, changed.Proved = "t4", at(1)
	wrote(t, s, func(ctx context.Context, tx *Tx) error { return tx.ChangeSession(ctx, changed, "t1") })
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.ChangeSession(t.Context(), changed, "t1") }); !errors.Is(err, ErrChanged) {
		t.Errorf("by the token of before: %v", err)
	}
	got, err := s.SessionOf(t.Context(), "t4")
	if diff := cmp.Diff(changed, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := s.SessionOf(t.Context(), "t1"); !errors.Is(err, ErrUnknown) {
		t.Errorf("the token of before: %v", err)
	}
	ids := func(client string) (out []string) {
		t.Helper()
		all, err := s.SessionsOf(t.Context(), client)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			out = append(out, s.ID)
		}
		return out
	}
	wrote(t, s, func(ctx context.Context, tx *Tx) error { return tx.SessionSeen(ctx, "s3", at(50)) })
	wrote(t, s, func(ctx context.Context, tx *Tx) error { return tx.ForgetSessions(ctx, at(55), at(25)) })
	if diff := cmp.Diff([]string{"s3"}, ids("ada")); diff != "" || len(ids("bob")) != 0 {
		t.Errorf("%s %v", diff, ids("bob"))
	}
	wrote(t, s, func(ctx context.Context, tx *Tx) error { return tx.EndSessionsOf(ctx, "ada", "s3") })
	if len(ids("ada")) != 1 {
		t.Error("the one that is left out was ended")
	}
	wrote(t, s, func(ctx context.Context, tx *Tx) error { return tx.EndSession(ctx, "s3") })
	if len(ids("ada")) != 0 {
		t.Error("it was not ended")
	}
}

// TestOnce: what is good once is taken once, and proposals are decided once.
func TestOnce(t *testing.T) {
	s := withPeople(t, "ada")
	wrote(t, s, func(ctx context.Context, tx *Tx) error {
		if err := errors.Join(tx.AddInvitation(ctx, "i1", "ada", day), tx.AddInvitation(ctx, "i2", "ada", day)); err != nil {
			return err
		}
		if _, _, err := tx.TakeInvitation(ctx, "i1"); !errors.Is(err, ErrUnknown) {
			t.Errorf("in whose place another one is: %v", err)
		}
		if client, until, err := tx.TakeInvitation(ctx, "i2"); err != nil || client != "ada" || !until.Equal(day) {
			t.Errorf("%s %s %v", client, until, err)
		}
		if _, _, err := tx.TakeInvitation(ctx, "i2"); !errors.Is(err, ErrUnknown) {
			t.Errorf("again: %v", err)
		}
		first, err := tx.Answer(ctx, "c", day)
		again, more := tx.Answer(ctx, "c", day)
		if err != nil || more != nil || !first || again {
			t.Errorf("%t %v, %t %v", first, err, again, more)
		}
		return nil
	})
	p := Proposal{ID: "p1", Kind: "k", Object: "o", Version: "v", Change: []byte("{}"), Digest: "d", Reason: "r", Person: "ada", Created: day, Until: day.Add(time.Hour), State: Pending}
	second := p
	second.ID = "p2"
	wrote(t, s, func(ctx context.Context, tx *Tx) error {
		return errors.Join(tx.CreateProposal(ctx, p), tx.CreateProposal(ctx, second), tx.DecideProposal(ctx, "p1", Confirmed, "bob", day))
	})
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.DecideProposal(t.Context(), "p1", Rejected, "eve", day) }); !errors.Is(err, ErrChanged) {
		t.Errorf("decided again: %v", err)
	}
	p.State, p.By, p.Decided = Confirmed, "bob", day
	all, err := s.Proposals(t.Context(), "", 5)
	if diff := cmp.Diff([]Proposal{second, p}, all); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if rest, err := s.Proposals(t.Context(), "p2", 5); err != nil || len(rest) != 1 || rest[0].ID != "p1" {
		t.Errorf("%v %v", rest, err)
	}
}

// TestNested: what fails within a change is taken back, and the change goes on.
func TestNested(t *testing.T) {
	s := withPeople(t)
	failed := errors.New("it failed")
	wrote(t, s, func(ctx context.Context, tx *Tx) error {
		add := func(id string) error { return tx.CreateClient(ctx, Client{ID: id, Created: day}) }
		err := tx.Nested(ctx, func() error { return errors.Join(add("a"), tx.Nested(ctx, func() error { return add("b") }), failed) })
		if !errors.Is(err, failed) {
			t.Errorf("%v", err)
		}
		return errors.Join(tx.Nested(ctx, func() error { return add("c") }), add("d"))
	})
	all, err := s.Clients(t.Context(), "", 9)
	if err != nil || len(all) != 2 || all[0].ID != "c" || all[1].ID != "d" {
		t.Errorf("%v %v", all, err)
	}
}
