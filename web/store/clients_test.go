package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/assay-por/assay/web/store/pgtest"
)

// TestClients: what is written is what is read, by pages too.
func TestClients(t *testing.T) {
	s, ctx := opened(t, filepath.Join(t.TempDir(), "assay.db")), t.Context()
	var want []Client
	for i := range 5 {
		c := Client{ID: fmt.Sprint("c", 5-i), Name: "An auditor", Kind: []string{Machine, Person}[i%2], Roles: []string{"auditor", "viewer"}, Tier: "basic", Created: day,
			Scope: Scope{Entities: []string{"Demo Exchange Ltd, \"Malta\""}, Reports: []string{"aa"}, From: "2026-01-01", Until: "2026-12-31"}, Expires: day.AddDate(0, 0, 90)}
		if err := s.Write(ctx, func(tx *Tx) error { return tx.CreateClient(ctx, c) }); err != nil {
			t.Fatal(err)
		}
		want = append(want, c)
	}
	slices.Reverse(want) // of one second, by id
	var got []Client
	for after := ""; ; after = got[len(got)-1].ID {
		page, err := s.Clients(ctx, after, 2)
		if err != nil || len(page) > 2 {
			t.Fatalf("%d: %v", len(page), err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	change := want[1]
	change.Name, change.Roles, change.Tier, change.Scope, change.Expires, change.Disabled = "Another", []string{"viewer"}, "partner", Scope{}, time.Time{}, day.Add(time.Hour)
	err := s.Write(ctx, func(tx *Tx) error {
		return tx.ChangeClient(ctx, change.ID, func(c *Client) error { *c = change; return nil })
	})
	if one, more := s.Client(ctx, change.ID); err != nil || more != nil || !cmp.Equal(change, one) {
		t.Errorf("%v %v %s", err, more, cmp.Diff(change, one))
	}
	err = s.Write(ctx, func(tx *Tx) error { return tx.ChangeClient(ctx, "c9", func(*Client) error { return nil }) })
	if _, more := s.Client(ctx, "c9"); !errors.Is(err, ErrUnknown) || !errors.Is(more, ErrUnknown) {
		t.Errorf("%v %v", err, more)
	}
}

// TestKeysOf: the keys of one client, or of all, by pages; a key has all its credentials wherever a page ends.
func TestKeysOf(t *testing.T) {
	s, ctx := opened(t, filepath.Join(t.TempDir(), "assay.db")), t.Context()
	for i := range 6 {
		k := sample(fmt.Sprint("k", i))
		k.Client = fmt.Sprint("c", i%2)
		k.Credentials = append(k.Credentials, k.Credentials[0])
		if err := s.create(k); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(client, after string, most int) (all []string) {
		t.Helper()
		page, err := s.KeysOf(ctx, client, after, most)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page {
			if len(k.Credentials) != 2 {
				t.Errorf("%s has %d credentials", k.ID, len(k.Credentials))
			}
			all = append(all, k.ID)
		}
		return all
	}
	for _, tt := range []struct {
		client, after string
		most          int
		want          []string
	}{
		{"", "", 4, []string{"k0", "k1", "k2", "k3"}}, {"", "k3", 4, []string{"k4", "k5"}}, {"", "k5", 4, nil}, {"c1", "", 2, []string{"k1", "k3"}}, {"c1", "k3", 2, []string{"k5"}}, {"c2", "", 9, nil},
	} {
		if diff := cmp.Diff(tt.want, ids(tt.client, tt.after, tt.most)); diff != "" {
			t.Errorf("%+v: %s", tt, diff)
		}
	}
	if err := s.Write(ctx, func(tx *Tx) error { return tx.CreateKey(ctx, Key{ID: "k9", Client: "c9"}) }); err == nil {
		t.Error("a key of nobody")
	}
}

// TestOlder: a key of before there were clients is of one of its own, and as good as it was.
func TestOlder(t *testing.T) {
	pgtest.OfFiles(t)
	path, ctx := filepath.Join(t.TempDir(), "assay.db"), t.Context()
	if err := private(path); err != nil {
		t.Fatal(err)
	}
	db, err := connect(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	all, err := goose.NewProvider(goose.DialectSQLite3, db.db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"INSERT INTO keys (id, name, permissions, reports, networks, created) VALUES ('k1', 'old', 'proof:read:any', 'aa', '', 1)",
		"INSERT INTO credentials (key_id, number, mac, created, until) VALUES ('k1', 1, 'm', 1, 2)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.close(); err != nil {
		t.Fatal(err)
	}
	s := opened(t, path)
	k, err := s.Key(ctx, "k1")
	c, more := s.Client(ctx, k.Client)
	if err != nil || more != nil || k.Name != "old" || !cmp.Equal(k.Reports, []string{"aa"}) || !cmp.Equal(c.Roles, []string{"service"}) || c.Tier != "standard" {
		t.Errorf("%+v %v, %+v %v", k, err, c, more)
	}
}

// TestResults: an answer is kept until its time is over, once.
func TestResults(t *testing.T) {
	s, ctx := opened(t, filepath.Join(t.TempDir(), "assay.db")), t.Context()
	want := Result{Name: []byte("n"), Request: []byte("r"), Sealed: []byte("s"), Until: day}
	for i, at := range []time.Time{day.Add(-time.Second), day} {
		err := s.Write(ctx, func(tx *Tx) error {
			if i == 0 {
				if err := tx.KeepResult(ctx, want); err != nil {
					return err
				}
				if tx.Nested(ctx, func() error { return tx.KeepResult(ctx, want) }) == nil {
					t.Error("it is kept twice")
				}
			}
			if err := tx.ForgetResults(ctx, at); err != nil {
				return err
			}
			got, err := tx.Result(ctx, want.Name)
			if i == 0 && !cmp.Equal(&want, got) || i == 1 && got != nil {
				t.Errorf("at %s: %+v", at, got)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
