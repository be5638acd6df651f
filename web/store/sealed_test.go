package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/assay-por/assay/web/store/pgtest"
)

// older makes a database as the version before sealing left it, with a key in clear.
func older(t *testing.T, path string) {
	t.Helper()
	if err := private(path); err != nil {
		t.Fatal(err)
	}
	db, err := connect(path, 1, "_pragma=journal_mode(WAL)")
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
	if _, err := all.UpTo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	_, err1 := db.ExecContext(t.Context(), "INSERT INTO keys (id, name, permissions, reports, networks, created) VALUES ('one', 'Backend of the exchange', 'proof:read:any', 'aa bb', '10.0.0.0/8', ?)", day.Unix())
	_, err2 := db.ExecContext(t.Context(), "INSERT INTO credentials (key_id, number, mac, created, until) VALUES ('one', 1, ?, ?, ?)", []byte("a MAC"), day.Unix(), day.AddDate(0, 0, 90).Unix())
	if err := errors.Join(err1, err2, db.close()); err != nil {
		t.Fatal(err)
	}
}

// TestUpgrade: what an earlier version kept in clear is sealed, and in clear nowhere any more.
func TestUpgrade(t *testing.T) {
	pgtest.OfFiles(t)
	path := filepath.Join(t.TempDir(), "assay.db")
	older(t, path)
	inClear := func() (found []string) {
		for _, ending := range []string{"", "-wal"} {
			raw, err := os.ReadFile(path + ending)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			for _, text := range []string{"Backend of", "proof:read:any", "10.0.0.0/8"} {
				if strings.Contains(string(raw), text) {
					found = append(found, text+" in "+path+ending)
				}
			}
		}
		return found
	}
	if len(inClear()) == 0 {
		t.Fatal("the older database has nothing in clear: the test looks for nothing")
	}
	s := opened(t, path)
	want := sample("one")
	want.Client = "one" // a key of before is of a client of its own
	got, err := s.Key(t.Context(), "one")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	client, err := s.Client(t.Context(), "one")
	if want := (Client{ID: "one", Kind: Machine, Name: "API key one", Roles: []string{"service"}, Tier: "standard", Created: day}); err != nil || !cmp.Equal(want, client) {
		t.Errorf("%v %s", err, cmp.Diff(want, client))
	}
	if found := inClear(); len(found) > 0 {
		t.Error(found)
	}
}

// TestAltered: a record that was altered, or is another row's, is an error and nothing of what it was.
func TestAltered(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "assay.db"))
	if err := errors.Join(s.create(sample("one")), s.create(sample("two"))); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]string{
		"moved":   "UPDATE keys SET record = (SELECT record FROM keys WHERE id = 'two') WHERE id = 'one'",
		"altered": "UPDATE keys SET record = record || '\\x00' WHERE id = 'one'",
		"gone":    "UPDATE keys SET record = NULL WHERE id = 'one'",
	} {
		if _, err := s.write.ExecContext(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if k, err := s.Key(t.Context(), "one"); !errors.Is(err, ErrAltered) || k.Name != "" || !strings.Contains(err.Error(), "keys.record of one") {
			t.Errorf("%s: %v %v", name, k, err)
		}
	}
	if _, err := s.Key(t.Context(), "two"); err != nil {
		t.Error(err)
	}
}

// TestBoundToTheRecord: whoever can write to the database alone gives no key another credential, time or client, and no client other
// times: what lies in clear beside a record is what the record says, or all of it is refused.
func TestBoundToTheRecord(t *testing.T) {
	for name, change := range map[string]string{
		"a credential more":      "INSERT INTO credentials (key_id, number, public, created, until) VALUES ('one', 2, '\\x0102', 1, 9999999999)",
		"another credential":     "UPDATE credentials SET mac = NULL, public = '\\x0102' WHERE key_id = 'one'",
		"one that is good again": "UPDATE credentials SET until = 9999999999 WHERE key_id = 'one'",
		"not revoked":            "UPDATE keys SET revoked = NULL WHERE id = 'one'",
		"another's":              "UPDATE keys SET client = 'c2' WHERE id = 'one'",
	} {
		s := opened(t, filepath.Join(t.TempDir(), "assay.db"))
		if err := errors.Join(s.create(sample("one")), s.create(sample("two")), s.revoke("one", day)); err != nil {
			t.Fatal(err)
		}
		other := Client{ID: "c2", Kind: Machine, Name: "Other", Tier: "standard", Created: day, Disabled: day}
		if err := s.Write(t.Context(), func(tx *Tx) error { return tx.CreateClient(t.Context(), other) }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Key(t.Context(), "one"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := s.write.ExecContext(t.Context(), change); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if k, err := s.Key(t.Context(), "one"); !errors.Is(err, ErrAltered) || k.Name != "" {
			t.Errorf("%s: %+v %v", name, k, err)
		}
		if _, err := s.OpenAll(t.Context()); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: a drill passes: %v", name, err)
		}
		for _, change := range []string{"disabled = NULL", "disabled = 1", "disabled = NULL, expires = 9999999999"} {
			if _, err := s.write.ExecContext(t.Context(), "UPDATE clients SET "+change+" WHERE id = 'c2'"); err != nil {
				t.Fatal(err)
			}
			if c, err := s.Client(t.Context(), "c2"); !errors.Is(err, ErrAltered) || c.Name != "" {
				t.Errorf("%s: %+v %v", change, c, err)
			}
		}
		if _, err := s.Key(t.Context(), "two"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
