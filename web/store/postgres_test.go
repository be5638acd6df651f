package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/store/pgtest"
)

// on opens a schema of a server as that of a store of its own.
func on(t *testing.T, server *pgtest.Server, schema string) *Store {
	t.Helper()
	s, err := OpenPostgres(t.Context(), server.URL+" search_path="+schema)
	return ready(t, s, err)
}

// TestPostgres is what SQLite has no part in.
func TestPostgres(t *testing.T) {
	pgtest.OfFiles(t) // once is enough
	server := pgtest.Start(t)
	t.Run("one after the other", func(t *testing.T) { testOneAfterTheOther(t, server) })
	t.Run("settings", func(t *testing.T) { testPostgresSettings(t, server) })
	t.Run("refuses", func(t *testing.T) { testPostgresRefuses(t, server) })
	t.Run("transfer", func(t *testing.T) { testTransfer(t, server) })
	t.Run("killed", func(t *testing.T) { testPostgresKilled(t, server) })
}

// testOneAfterTheOther: over two stores at once, numbers have no gap and none is there twice, counts are of all, what may be done once
// is done once, and a run is one worker's.
func testOneAfterTheOther(t *testing.T, server *pgtest.Server) {
	server.Do(t, "ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'") // it does not matter
	stores, ctx := []*Store{on(t, server, "turns"), on(t, server, "turns")}, t.Context()
	const each = 40
	var nonces, answered, claimed, kept atomic.Int64
	var wait sync.WaitGroup
	for i := range 4 * each {
		s := stores[i%2]
		wait.Go(func() {
			err := s.Write(ctx, func(tx *Tx) error { return chainedOnce(ctx, tx, i, &answered, &claimed) })
			if err != nil {
				t.Error(err)
			}
			name := fmt.Appendf(nil, "nonce %d", i/4) // four ask with the same, two at each store
			if first, err := s.TakeNonce(ctx, name, day); err != nil {
				t.Error(err)
			} else if first {
				nonces.Add(1)
			}
			if s.Write(ctx, func(tx *Tx) error {
				return tx.KeepResult(ctx, Result{Name: name, Request: []byte{1}, Sealed: []byte{2}, Until: day})
			}) == nil {
				kept.Add(1)
			}
		})
	}
	wait.Wait()
	if nonces.Load() != each || answered.Load() != each || kept.Load() != each || claimed.Load() != 1 {
		t.Errorf("%d nonces, %d answers and %d results were the first of %d, and %d have a run, want 1", nonces.Load(), answered.Load(), kept.Load(), each, claimed.Load())
	}
	used, err := stores[0].QuotaUsed(ctx, Quota{Client: "c"})
	if err != nil || used != 4*each {
		t.Errorf("%d of %d are counted: %v", used, 4*each, err)
	}
	events, err := stores[1].Events(ctx, 0, 10*each)
	if err != nil || len(events) != 4*each {
		t.Fatalf("%d rows, want %d: %v", len(events), 4*each, err)
	}
	var before []byte
	for i, e := range events {
		if e.Seq != int64(i+1) || !bytes.Equal(e.Hash, append([]byte{byte(i)}, before...)) {
			t.Fatalf("row %d has the number %d, and is not behind the one before", i+1, e.Seq)
		}
		before = e.Hash[:1]
	}
	if got := server.Do(t, "SELECT count(*), max(number) FROM turns.runs"); got != fmt.Sprintf("%d|%d", 4*each, 4*each) {
		t.Errorf("runs and the last number of them are %s, want %d", got, 4*each)
	}
}

// chainedOnce writes a row behind the last one, adds a run, counts, and answers something that four answer.
func chainedOnce(ctx context.Context, tx *Tx, i int, answered, claimed *atomic.Int64) error {
	last, err := tx.LastEvent(ctx)
	if err != nil {
		return err
	}
	hash := []byte{byte(last.Seq)}
	if last.Seq > 0 {
		hash = append(hash, last.Hash[0])
	}
	first, err := tx.Answer(ctx, fmt.Sprint("challenge ", i/4), day)
	if err != nil {
		return err
	}
	if first {
		answered.Add(1)
	}
	held, err := tx.RunHeld(ctx, fmt.Sprint("worker ", i), day)
	if err != nil {
		return err
	}
	if _, err := tx.AddQuota(ctx, Quota{Client: "c"}, 1); err != nil {
		return err
	}
	lease := time.Time{}
	if !held {
		claimed.Add(1)
		lease = day.Add(time.Minute)
	}
	return errors.Join(tx.AddEvent(ctx, Event{Seq: last.Seq + 1, Text: []byte("{}"), Hash: hash}),
		tx.AddRun(ctx, Run{ID: fmt.Sprint("run ", i), Created: day, Changed: day, Worker: "w", Lease: lease}))
}

func testPostgresSettings(t *testing.T, server *pgtest.Server) {
	server.Do(t, "ALTER DATABASE postgres SET synchronous_commit = off")
	defer server.Do(t, "ALTER DATABASE postgres RESET synchronous_commit")
	s := on(t, server, "settings")
	for setting, want := range map[string]string{"synchronous_commit": "on", "search_path": "settings", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "30s"} {
		var got string
		if err := s.write.QueryRowContext(t.Context(), "SHOW "+setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s: %v", setting, got, err)
		}
	}
	if _, err := s.read.ExecContext(t.Context(), "DELETE FROM credentials"); err == nil {
		t.Error("who only reads has written")
	}
	if got := server.Do(t, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); got != "0" {
		t.Errorf("%s tables are not in the schema", got)
	}
}

func testPostgresRefuses(t *testing.T, server *pgtest.Server) {
	s := on(t, server, "newer")
	if _, err := s.write.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)"); err != nil {
		t.Fatal(err)
	}
	server.Do(t, "CREATE ROLE canary LOGIN")
	for url, want := range map[string]string{
		server.URL + " search_path=newer":                                "a newer version",
		server.URL + " search_path=a,b":                                  "want one name",
		strings.Replace(server.URL, "user=assay", "user=canary", 1):      "permission denied",
		strings.Replace(server.URL, "user=assay", "user=canarynone", 1):  "it refuses one (SQLSTATE 28",
		"postgres://canary:canary@127.0.0.1:1/canary":                    "there is no connection to the database",
		"postgres://canary:canary@127.0.0.1:1/canary?sslmode=canary&a=b": "is not understood",
	} {
		s, err := OpenPostgres(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v %v, want %q", s, err, want)
		}
	}
}

// testTransfer: all rows go from one kind of database to the other and back, and are the same ones; none goes where there are some.
func testTransfer(t *testing.T, server *pgtest.Server) {
	dir, ctx := t.TempDir(), t.Context()
	first, second, third := openedFile(t, filepath.Join(dir, "first.db")), on(t, server, "second"), openedFile(t, filepath.Join(dir, "third.db"))
	if err := errors.Join(first.create(sample("one")), first.create(sample("two")), first.Write(ctx, func(tx *Tx) error {
		return errors.Join(tx.AddRun(ctx, Run{ID: "r", Unsigned: true, Created: day, Changed: day}), tx.AddEvent(ctx, Event{Seq: 1, Text: []byte(`{"a":"\\"}`), Hash: []byte{0}}))
	})); err != nil {
		t.Fatal(err)
	}
	want, err := first.Contents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	delete(want, versions)
	for _, way := range []struct{ from, to *Store }{{first, second}, {second, third}} {
		got, err := Transfer(ctx, way.from, way.to)
		delete(got, versions)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
		if _, err := Transfer(ctx, way.from, way.to); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("once more: %v", err)
		}
	}
	keys, err := third.Keys(ctx)
	if err != nil || len(keys) != 2 || !cmp.Equal(sample("one"), keys[0]) {
		t.Errorf("%v %v", keys, err)
	}
	if err := third.create(Key{ID: "three", Client: "c1", Credentials: []Credential{{MAC: []byte{1}}}}); err != nil {
		t.Errorf("after it was filled: %v", err)
	}
}

// testPostgresKilled: what was told is there after a crash, and the same store goes on.
func testPostgresKilled(t *testing.T, server *pgtest.Server) {
	s, ctx := on(t, server, "killed"), t.Context()
	var told []string
	for round := range 3 {
		var wait sync.WaitGroup
		wait.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d %d", round, i)
				if err := s.create(sample(id)); err != nil {
					return
				}
				told = append(told, id)
				if i == 10*(1+round) {
					wait.Go(func() { server.Kill(t) })
				}
			}
		})
		wait.Wait()
		if _, err := s.Key(ctx, told[0]); err == nil {
			t.Error("a server that is not there has answered")
		}
		server.Begin(t)
		if err := s.Write(ctx, func(*Tx) error { return nil }); err != nil {
			t.Errorf("the first change after it: %v", err)
		}
	}
	for _, id := range told {
		if _, err := s.Key(ctx, id); err != nil {
			t.Errorf("%s was told: %v", id, err)
		}
	}
}
