package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/assay-por/assay/web/store/pgtest"
)

func opened(t *testing.T, path string) *Store {
	t.Helper()
	s, err := openAt(t.Context(), path)
	return ready(t, s, err)
}

// openedFile is opened, and a file wherever the tests run.
func openedFile(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	return ready(t, s, err)
}

func ready(t *testing.T, s *Store, err error) *Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(s.Write(t.Context(), func(tx *Tx) error { return tx.SealOlder(t.Context(), sealer(t)) }), s.Checkpoint(t.Context()), s.Unseal(t.Context(), sealer(t))); err != nil {
		t.Fatal(err)
	}
	return s
}

// openAt opens a database of SQLite, or in its place one of PostgreSQL where the tests run on that.
func openAt(ctx context.Context, path string) (*Store, error) {
	if url := pgtest.URL(path); url != "" {
		return OpenPostgres(ctx, url)
	}
	return Open(ctx, path)
}

// TestOnPostgres runs all tests of this room on PostgreSQL too.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }

// sealer seals with one key that everybody knows.
func sealer(t testing.TB) Sealer {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return known{gcm}
}

type known struct{ gcm cipher.AEAD }

func (k known) Seal(_, place string, plain []byte) ([]byte, error) {
	return k.gcm.Seal(nil, nil, plain, []byte(place)), nil
}

func (k known) Open(_, place string, sealed []byte) ([]byte, error) {
	return k.gcm.Open(nil, nil, sealed, []byte(place))
}

func (k known) Newest(string, []byte) bool { return true }

// create, change, revoke and used are changes by themselves; who has the key is made along.
func (s *Store) create(k Key) error {
	ctx := context.Background()
	return s.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Client(ctx, k.Client); errors.Is(err, ErrUnknown) {
			if err := tx.CreateClient(ctx, Client{ID: k.Client, Created: day}); err != nil {
				return err
			}
		}
		return tx.CreateKey(ctx, k)
	})
}

func (s *Store) change(id string, change func(*Key) error) error {
	ctx := context.Background()
	return s.Write(ctx, func(tx *Tx) error { return tx.ChangeKey(ctx, id, change) })
}

func (s *Store) revoke(id string, at time.Time) error {
	ctx := context.Background()
	return s.Write(ctx, func(tx *Tx) error { return tx.RevokeKey(ctx, id, at) })
}

func (s *Store) used(id string, at time.Time) error {
	ctx := context.Background()
	return s.Write(ctx, func(tx *Tx) error { return tx.KeyUsed(ctx, id, at) })
}

var day = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

func sample(id string) Key {
	return Key{
		ID: id, Client: "c1", Name: "Backend of the exchange", Permissions: []string{"proof:read:any"}, Reports: []string{"aa", "bb"}, Networks: []string{"10.0.0.0/8"}, Created: day,
		Credentials: []Credential{{MAC: []byte("a MAC"), Created: day, Until: day.AddDate(0, 0, 90)}},
	}
}

// TestKeys: what is written by one process is what another one reads at once.
func TestKeys(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "a b?c%20.db"), t.Context()
	s, other := opened(t, path), opened(t, path)
	if _, err := other.Key(ctx, "one"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	want := sample("one")
	if err := errors.Join(s.create(want), s.create(sample("two"))); err != nil {
		t.Fatal(err)
	}
	same := func() {
		t.Helper()
		got, err := other.Key(ctx, "one")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
	same()
	if err := s.create(want); err == nil {
		t.Error("a second key of the same id")
	}
	same()
	err := s.change("one", func(k *Key) error {
		k.Credentials[0].Until = day.AddDate(0, 0, 1)
		k.Credentials = append(k.Credentials, Credential{Public: []byte("a public key"), Created: day.AddDate(0, 0, 2), Until: day.AddDate(0, 0, 3)})
		want.Credentials = k.Credentials
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same()
	fault := errors.New("no")
	if err := s.change("one", func(k *Key) error { k.Credentials[0].Until = day; return fault }); !errors.Is(err, fault) {
		t.Error(err)
	}
	same()
	for _, at := range []time.Time{day.Add(time.Hour), day.Add(time.Minute)} { // used goes forward alone, and revoked stays
		want.Used, want.Revoked = day.Add(time.Hour), day.Add(time.Hour)
		if err := errors.Join(s.used("one", at), s.revoke("one", at)); err != nil {
			t.Fatal(err)
		}
		same()
	}
	if k, c, err := other.KeyAndClient(ctx, "one"); err != nil || !cmp.Equal(want, k) || c.ID != "c1" {
		t.Errorf("%v %+v %+v", err, k, c)
	}
	for name, err := range map[string]error{
		"revoke": s.revoke("three", day),
		"change": s.change("three", func(*Key) error { return nil }),
	} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	all, err := other.Keys(ctx)
	if diff := cmp.Diff([]Key{want, sample("two")}, all); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if err := s.create(Key{ID: "both", Client: "c1", Credentials: []Credential{{MAC: []byte("m"), Public: []byte("p")}}}); err == nil {
		t.Error("a credential of two kinds")
	}
	if _, err := other.Key(ctx, "both"); !errors.Is(err, ErrUnknown) {
		t.Errorf("half of a key is there: %v", err)
	}
}

// TestSettings: what is told is on the disk, and nobody else reads it.
func TestSettings(t *testing.T) {
	pgtest.OfFiles(t)
	path := filepath.Join(t.TempDir(), "assay.db")
	s := opened(t, path)
	if err := s.create(sample("one")); err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := s.write.QueryRowContext(t.Context(), "PRAGMA "+setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s: %v", setting, got, err)
		}
	}
	if _, err := s.read.ExecContext(t.Context(), "DELETE FROM credentials"); err == nil {
		t.Error("who only reads has written")
	}
	for _, ending := range []string{"", "-wal", "-shm", "-lock"} {
		info, err := os.Stat(path + ending)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v", path+ending, info.Mode(), err)
		}
	}
}

func TestRefuses(t *testing.T) {
	pgtest.OfFiles(t)
	dir := t.TempDir()
	open := filepath.Join(dir, "open.db")
	if err := os.WriteFile(open, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.db")
	if err := os.WriteFile(other, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	s := opened(t, newer)
	if _, err := s.write.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{open: "chmod 600", other: "not a database", newer: "a newer version", dir: "want a file", filepath.Join(dir, "no", "x.db"): "no such file"} {
		if s, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v %v, want %q", path, s, err, want)
		}
	}
}

// TestAtOnce: many open a new database and write to it at the same time, and all of it is there.
func TestAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	const processes, each = 8, 10
	var wait sync.WaitGroup
	errs := make(chan error, processes*(each+3))
	for p := range processes {
		wait.Go(func() {
			s, err := openAt(context.Background(), path)
			if errs <- err; err != nil {
				return
			}
			errs <- s.Unseal(context.Background(), sealer(t))
			for i := range each {
				errs <- s.create(sample(fmt.Sprint(p, " ", i)))
			}
			errs <- s.Close()
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if all, err := opened(t, path).Keys(t.Context()); err != nil || len(all) != processes*each {
		t.Errorf("%d keys: %v", len(all), err)
	}
}

func BenchmarkKey(b *testing.B) {
	s, err := openAt(b.Context(), filepath.Join(b.TempDir(), "assay.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Unseal(b.Context(), sealer(b)), s.create(sample("one"))); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := s.KeyAndClient(b.Context(), "one"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNoKey(b *testing.B) {
	s, err := openAt(b.Context(), filepath.Join(b.TempDir(), "assay.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Unseal(b.Context(), sealer(b)), s.create(sample("one"))); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := s.KeyAndClient(b.Context(), "two"); !errors.Is(err, ErrUnknown) {
			b.Fatal(err)
		}
	}
}

// TestUpdates: the credentials of a database of before are there after it is brought up to date, and still guarded.
func TestUpdates(t *testing.T) {
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
	if _, err := all.UpTo(ctx, 2); err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(ctx, `INSERT INTO keys (id, name, permissions, reports, networks, created) VALUES ('one', 'before', 'proof:read:any', '', '', 1);
		INSERT INTO credentials (key_id, number, mac, created, until) VALUES ('one', 1, x'0102', 1, 9)`)
	if err := errors.Join(err, db.close()); err != nil {
		t.Fatal(err)
	}
	s := opened(t, path)
	sum := []byte("the digest of a certificate     ")
	err = s.Write(ctx, func(tx *Tx) error {
		return tx.ChangeKey(ctx, "one", func(k *Key) error {
			k.Credentials = append(k.Credentials, Credential{Certificate: sum, Created: day, Until: day})
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.KeyByCertificate(ctx, sum)
	want := []Credential{{MAC: []byte{1, 2}, Created: second(1), Until: second(9)}, {Certificate: sum, Created: day, Until: day}}
	if diff := cmp.Diff(want, got.Credentials); err != nil || got.ID != "one" || diff != "" {
		t.Errorf("%v %+v %s", err, got, diff)
	}
	if _, err := s.KeyByCertificate(ctx, []byte{1, 2}); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	for name, c := range map[string]Credential{"no kind": {}, "two": {MAC: sum, Certificate: sum}} {
		if err := s.create(Key{ID: name, Credentials: []Credential{c}}); err == nil {
			t.Errorf("a credential of %s", name)
		}
	}
}
