package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

// withApp is a database with an app, and a grant of it with a refresh token.
func withApp(t *testing.T) (*store.Store, string, store.Grant, store.Token) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "assay.db")
	s := storetest.Open(t, path)
	now := time.Unix(1_800_000_000, 0).UTC()
	g := store.Grant{ID: "grant", App: "app", Subject: "mac", Content: []byte("whose"), Created: now, Until: now.Add(time.Hour)}
	c := store.Token{ID: "token", Grant: "grant", Content: []byte("what for"), Until: now.Add(time.Minute), Issued: "other"}
	change(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.CreateClient(ctx, store.Client{ID: "app", Name: "Wallet", Kind: store.OfApp, Created: now}), tx.PutApp(ctx, store.App{Client: "app", Owner: "Wallet Ltd", Auth: "none"}),
			tx.AddGrant(ctx, g), tx.AddToken(ctx, c), tx.Push(ctx, store.Pushed{ID: "pushed", Content: []byte("wanted"), Until: now.Add(time.Minute)}))
	})
	return s, path, g, c
}

func change(t *testing.T, s *store.Store, do func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return do(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// TestGrants: what is kept is there as it was; what is taken is taken once, what is used is used once, and what is ended is gone with its tokens.
func TestGrants(t *testing.T) {
	s, _, g, c := withApp(t)
	ctx := t.Context()
	got, err := s.Grant(ctx, "grant")
	if diff := cmp.Diff(g, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	token, err := s.Token(ctx, "token")
	if diff := cmp.Diff(c, token); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if a, err := s.App(ctx, "app"); err != nil || a.Owner != "Wallet Ltd" {
		t.Errorf("%+v %v", a, err)
	}
	if all, err := s.GrantsOf(ctx, "mac", g.Created, 10); err != nil || len(all) != 1 {
		t.Errorf("%v %v", all, err)
	}
	if all, err := s.GrantsOf(ctx, "mac", g.Until, 10); err != nil || len(all) != 0 {
		t.Errorf("those that are over: %v %v", all, err)
	}
	change(t, s, func(ctx context.Context, tx *store.Tx) error {
		if p, err := tx.TakePushed(ctx, "pushed"); err != nil || string(p.Content) != "wanted" {
			t.Errorf("%+v %v", p, err)
		}
		if _, err := tx.TakePushed(ctx, "pushed"); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("taken again: %v", err)
		}
		if err := errors.Join(tx.UseToken(ctx, "token", g.Created), tx.SucceedToken(ctx, "token", "", "next")); err != nil {
			t.Error(err)
		}
		if err := tx.UseToken(ctx, "token", g.Created); !errors.Is(err, store.ErrChanged) {
			t.Errorf("used again: %v", err)
		}
		if err := tx.SucceedToken(ctx, "token", "", "third"); !errors.Is(err, store.ErrChanged) {
			t.Errorf("in the place of another: %v", err)
		}
		g.Until = g.Until.Add(time.Hour)
		return tx.ChangeGrant(ctx, g)
	})
	if got, err := s.Grant(ctx, "grant"); err != nil || !got.Until.Equal(g.Until) {
		t.Errorf("%+v %v", got, err)
	}
	if token, err := s.Token(ctx, "token"); err != nil || !token.Used.Equal(g.Created) || token.Successor != "next" {
		t.Errorf("%+v %v", token, err)
	}
	change(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.EndGrant(ctx, "grant") })
	_, none := s.Grant(ctx, "grant")
	_, nor := s.Token(ctx, "token")
	if !errors.Is(none, store.ErrUnknown) || !errors.Is(nor, store.ErrUnknown) {
		t.Errorf("after its end: %v %v", none, nor)
	}
	err = s.Write(ctx, func(tx *store.Tx) error { return tx.EndGrant(ctx, "grant") })
	if !errors.Is(err, store.ErrUnknown) {
		t.Errorf("ended again: %v", err)
	}
}

// TestGrantsAreTidied: what is over goes, and nothing else.
func TestGrantsAreTidied(t *testing.T) {
	s, _, g, c := withApp(t)
	change(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.TidyGrants(ctx, c.Until) })
	if _, err := s.Token(t.Context(), "token"); !errors.Is(err, store.ErrUnknown) {
		t.Error(err)
	}
	if _, err := s.Grant(t.Context(), "grant"); err != nil {
		t.Error(err)
	}
	change(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.TidyGrants(ctx, g.Until) })
	if _, err := s.Grant(t.Context(), "grant"); !errors.Is(err, store.ErrUnknown) {
		t.Error(err)
	}
}

// TestGrantsAreSealed: who writes to the database alone lets nobody in for longer, for another, or by another token.
func TestGrantsAreSealed(t *testing.T) {
	for name, statement := range map[string]string{
		"a grant's end": "UPDATE grants SET until = until + 1", "a grant's customer": "UPDATE grants SET subject = 'another'", "a grant's id": "UPDATE grants SET id = 'another'; UPDATE grants SET id = 'grant2'",
		"a token's end": "UPDATE tokens SET until = until + 1", "a token's id": "UPDATE tokens SET id = 'another'", "an app's record": "UPDATE apps SET record = x'00'", "what was pushed": "UPDATE pushed SET until = until + 1",
	} {
		s, path, _, _ := withApp(t)
		if _, there := pgtest.SQL(t, path, "SET session_replication_role = replica; "+statement); !there {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		ctx := t.Context()
		_, grants := s.GrantsOf(ctx, "mac", time.Unix(0, 0), 10)
		_, others := s.GrantsOf(ctx, "another", time.Unix(0, 0), 10)
		_, token := s.Token(ctx, "token")
		_, moved := s.Token(ctx, "another")
		_, app := s.App(ctx, "app")
		_, pushed := s.Pushed(ctx, "pushed")
		if err := errors.Join(grants, others, token, moved, app, pushed); !errors.Is(err, store.ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
