package seal_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/seal"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/storetest"
)

var day = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// database opens the one at a path without its keysets.
func database(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func unsealed(t *testing.T, path string, kek byte) (*store.Store, *seal.Keys) {
	t.Helper()
	s := database(t, path)
	k, err := seal.Open(t.Context(), s, storetest.KEK(t, kek), "one", day)
	if err != nil {
		t.Fatal(err)
	}
	return s, k
}

func write(t *testing.T, s *store.Store, change func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, s *store.Store, id string) store.Key {
	t.Helper()
	k := store.Key{
		ID: id, Client: id, Name: "planted name of " + id, Permissions: []string{"proof:read:any"}, Reports: []string{"planted-report"}, Networks: []string{"203.0.113.0/24"}, Created: day,
		Credentials: []store.Credential{{MAC: []byte("a MAC"), Created: day, Until: day.AddDate(0, 0, 90)}},
	}
	write(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.CreateClient(t.Context(), store.Client{ID: id, Created: day}), tx.CreateKey(t.Context(), k))
	})
	return k
}

func wants(t *testing.T, s *store.Store, want store.Key) {
	t.Helper()
	got, err := s.Key(t.Context(), want.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// raw is all that lies at a path and beside it.
func raw(t *testing.T, path string) (all []byte) {
	t.Helper()
	for _, ending := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(path + ending)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// TestOpen: what one process seals another one opens, and nobody who has the bytes alone; without keysets nothing is read or written.
func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	s, _ := unsealed(t, path, 1)
	want := add(t, s, "one")
	other, _ := unsealed(t, path, 1)
	wants(t, other, want)
	write(t, s, func(tx *store.Tx) error { return tx.AddSecret(t.Context(), "pepper", []byte("planted pepper")) })
	write(t, other, func(tx *store.Tx) error {
		got, err := tx.Secret(t.Context(), "pepper")
		if string(got) != "planted pepper" {
			t.Errorf("got %q", got)
		}
		if _, missing := tx.Secret(t.Context(), "salt"); !errors.Is(missing, store.ErrNoSecret) {
			t.Error(missing)
		}
		return err
	})
	for _, planted := range []string{"planted", "203.0.113", "proof:read"} {
		if bytes.Contains(raw(t, path), []byte(planted)) {
			t.Errorf("%q lies in the database in clear", planted)
		}
	}
	closed := database(t, path)
	if k, err := closed.Key(t.Context(), "one"); err == nil || k.Name != "" {
		t.Errorf("%v without keysets", k)
	}
	if err := closed.Write(t.Context(), func(tx *store.Tx) error { return tx.CreateKey(t.Context(), want) }); err == nil {
		t.Error("written without keysets")
	}
}

// TestNothingWaits: whoever can write to a database that is sealed has no record of theirs sealed, as an earlier version's would be.
func TestNothingWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	s, _ := unsealed(t, path, 1)
	add(t, s, "one")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `INSERT INTO keys (id, client, created) VALUES ('mallory', 'one', 1);
		INSERT INTO credentials (key_id, number, public, created, until) VALUES ('mallory', 1, x'01', 1, 9999999999);
		INSERT INTO unsealed_keys (id, name, permissions, reports, networks) VALUES ('mallory', 'm', 'client:write key:write', '', '')`)
	if err != nil {
		t.Fatal(err)
	}
	again := database(t, path)
	if _, err := seal.Open(t.Context(), again, storetest.KEK(t, 1), "one", day); !errors.Is(err, store.ErrAltered) {
		t.Errorf("it is opened: %v", err)
	}
	if k, err := again.Key(t.Context(), "mallory"); err == nil {
		t.Errorf("it was sealed: %+v", k)
	}
}

// TestOtherKEK: another KEK opens nothing, and makes no keyset beside those that are there.
func TestOtherKEK(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	unsealed(t, path, 1)
	var wrapped *seal.WrappedError
	if _, err := seal.Open(t.Context(), database(t, path), storetest.KEK(t, 2), "two", day); !errors.As(err, &wrapped) || wrapped.KEK != "one" {
		t.Errorf("%v", err)
	}
}

// TestMoved: what is sealed opens in its own row and column alone, and not at all if a byte is another one.
func TestMoved(t *testing.T) {
	s, keys := unsealed(t, filepath.Join(t.TempDir(), "assay.db"), 1)
	add(t, s, "one")
	const purpose, place = store.Credentials, "keys|record|one|credentials"
	sealed, err := keys.Seal(purpose, place, []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keys.Open(purpose, place, sealed); err != nil || string(got) != "content" {
		t.Fatalf("%q %v", got, err)
	}
	for _, elsewhere := range []string{"", "keys|record|two|credentials", "keys|name|one|credentials", "secrets|record|one|credentials", place + "|"} {
		if got, err := keys.Open(purpose, elsewhere, sealed); err == nil || got != nil {
			t.Errorf("it opens at %q: %q", elsewhere, got)
		}
	}
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		if got, err := keys.Open(purpose, place, altered); err == nil || got != nil {
			t.Errorf("byte %d is another one, and it opens: %q", i, got)
		}
	}
	for _, cut := range []int{0, 1, 5, 17, len(sealed) - 1} {
		if got, err := keys.Open(purpose, place, sealed[:cut]); err == nil || got != nil {
			t.Errorf("%d bytes of it open: %q", cut, got)
		}
	}
	if _, err := keys.Seal("other", place, nil); err == nil {
		t.Error("sealed for a purpose that has no keyset")
	}
}

// TestRotate: a new key seals in every process, the old ones open what they sealed, and no row needs them once all are sealed anew.
func TestRotate(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "assay.db"), t.Context()
	s, keys := unsealed(t, path, 1)
	server, _ := unsealed(t, path, 1)
	want := []store.Key{add(t, s, "one"), add(t, s, "two")}
	write(t, s, func(tx *store.Tx) error { return keys.Rotate(ctx, tx, store.Credentials, day.AddDate(0, 0, 90)) })
	after, _ := unsealed(t, path, 1)
	want = append(want, add(t, after, "three"))
	for _, k := range want { // the server has the keyset from before
		wants(t, server, k)
	}
	all, err := s.Keysets(ctx)
	rows := slices.DeleteFunc(all, func(k store.Keyset) bool { return k.Purpose != store.Credentials })
	if err != nil || len(rows) != 1 || !rows[0].Created.Equal(day) || !rows[0].Rotated.Equal(day.AddDate(0, 0, 90)) {
		t.Fatalf("%v %v", rows, err)
	}
	inventory, err := seal.Inventory(rows[0])
	if err != nil || len(inventory) != 2 || inventory[0].Newest || !inventory[1].Newest {
		t.Errorf("%v %v", inventory, err)
	}
	interrupted, err := after.Reseal(ctx, store.Resealing{}, 2) // whoever begins anew finds those done
	if err != nil || interrupted.Done() || interrupted.Sealed != 1 {
		t.Fatalf("%+v %v", interrupted, err)
	}
	var r store.Resealing
	for calls := 0; !r.Done(); calls++ {
		if calls > 20 {
			t.Fatal("it does not end")
		}
		if r, err = after.Reseal(ctx, r, 2); err != nil {
			t.Fatal(err)
		}
	}
	if r.Seen != 6 || r.Sealed != 3 {
		t.Errorf("%d rows, %d sealed anew", r.Seen, r.Sealed)
	}
	if r, err = after.Reseal(ctx, store.Resealing{}, 10); err != nil || r.Sealed != 0 {
		t.Errorf("again: %d sealed anew, %v", r.Sealed, err)
	}
	for _, k := range want {
		wants(t, server, k)
	}
	if n, err := server.OpenAll(ctx); n != 6 || err != nil {
		t.Errorf("%d rows open, %v", n, err)
	}
}

// TestRewrap: another KEK unwraps all keysets from then on, and the one before none. What fails in the middle has changed nothing.
func TestRewrap(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "assay.db"), t.Context()
	s, _ := unsealed(t, path, 1)
	want := add(t, s, "one")
	one, two := storetest.KEK(t, 1), storetest.KEK(t, 2)
	fault := errors.New("the power fails")
	err := s.Write(ctx, func(tx *store.Tx) error {
		if _, err := seal.Rewrap(ctx, tx, one, two, "two"); err != nil {
			t.Error(err)
		}
		return fault
	})
	if !errors.Is(err, fault) {
		t.Fatal(err)
	}
	is := func(kek seal.KEK, wraps bool) {
		t.Helper()
		rows, err := s.Keysets(ctx)
		if got := seal.Wraps(kek, rows); err != nil || got != wraps {
			t.Errorf("wraps: %t, want %t, %v", got, wraps, err)
		}
	}
	is(one, true)
	is(two, false)
	write(t, s, func(tx *store.Tx) error { _, err := seal.Rewrap(ctx, tx, one, two, "two"); return err })
	is(one, false)
	is(two, true)
	if _, err := seal.Open(ctx, database(t, path), one, "one", day); err == nil || !strings.Contains(err.Error(), "wrapped by two") {
		t.Errorf("the former KEK: %v", err)
	}
	wants(t, s, want) // it was open
	again, _ := unsealed(t, path, 2)
	wants(t, again, want)
}

// TestAltered: a keyset's row that was altered is no start; a record's is an error that tells which.
func TestAltered(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "assay.db"), t.Context()
	s, _ := unsealed(t, path, 1)
	add(t, s, "one")
	rows, err := s.Keysets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, alter := range map[string]func(*store.Keyset){
		"wrapped": func(k *store.Keyset) { k.Wrapped[len(k.Wrapped)/2] ^= 1 },
		"cut":     func(k *store.Keyset) { k.Wrapped = k.Wrapped[:3] },
		"canary":  func(k *store.Keyset) { k.Canary[len(k.Canary)-1] ^= 1 },
	} {
		row := rows[0]
		row.Wrapped, row.Canary = bytes.Clone(row.Wrapped), bytes.Clone(row.Canary)
		alter(&row)
		write(t, s, func(tx *store.Tx) error { return tx.PutKeyset(ctx, row) })
		if _, err := seal.Open(ctx, database(t, path), storetest.KEK(t, 1), "one", day); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
	write(t, s, func(tx *store.Tx) error { return tx.PutKeyset(ctx, rows[0]) })
	unsealed(t, path, 1)
}

func BenchmarkOpen(b *testing.B) {
	s := storetest.Open(b, filepath.Join(b.TempDir(), "assay.db"))
	keys, err := seal.Open(context.Background(), s, storetest.KEK(b, 1), "one", day)
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := keys.Seal(store.Credentials, "place", make([]byte, 200))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := keys.Open(store.Credentials, "place", sealed); err != nil {
			b.Fatal(err)
		}
	}
}
