package audit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/storetest"
)

func access(client string, at time.Time, status int, took time.Duration) Access {
	return Access{At: at, Client: client, Credential: client + "-key", Network: "192.0.2.0/24", Operation: "POST /v1/proofs", Status: status, Took: took}
}

// TestReads: what was read is in the database a moment later, those alike within a second as one row.
func TestReads(t *testing.T) {
	log := opened(t)
	r := NewReads(log, func(err error) { t.Error(err) })
	r.Keep(access("a", noon, 200, time.Millisecond))
	r.Keep(access("a", noon.Add(900*time.Millisecond), 200, 3*time.Millisecond))
	r.Keep(access("a", noon, 404, time.Millisecond))
	r.Keep(access("b", noon, 200, time.Millisecond))
	r.write(t.Context())
	r.Keep(access("a", noon, 200, 2*time.Millisecond)) // joins the row that is there
	r.Keep(access("a", noon.Add(time.Second), 200, 2*time.Millisecond))
	r.write(t.Context())
	key := func(client string, at time.Time, status int) store.UsageKey {
		return store.UsageKey{At: at.Unix(), Client: client, Network: "192.0.2.0/24", Operation: "POST /v1/proofs", Status: status}
	}
	a := []store.Usage{
		{UsageKey: key("a", noon.Add(time.Second), 200), Count: 4, Took: 8 * time.Millisecond, Longest: 3 * time.Millisecond},
		{UsageKey: key("a", noon, 404), Count: 1, Took: time.Millisecond, Longest: time.Millisecond},
	}
	b := store.Usage{UsageKey: key("b", noon, 200), Count: 1, Took: time.Millisecond, Longest: time.Millisecond}
	for name, tt := range map[string]struct {
		client string
		since  time.Time
		want   []store.Usage
	}{
		"one":   {"a", noon, a},
		"all":   {"", noon, append(append([]store.Usage{}, a...), b)},
		"later": {"b", noon.Add(time.Second), nil},
	} {
		got, err := log.Usage(t.Context(), tt.client, tt.since, 100)
		if d := cmp.Diff(tt.want, got); err != nil || d != "" {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	if err := log.Write(t.Context(), func(tx *store.Tx) error { return tx.ForgetUsage(t.Context(), noon.Add(time.Second)) }); err != nil {
		t.Fatal(err)
	}
	if got, err := log.Usage(t.Context(), "", noon, 100); err != nil || len(got) != 1 || got[0].Count != 1 {
		t.Errorf("what is old is there still: %v %v", got, err)
	}
}

// TestRing: where there is no room a customer's read is refused, anything else is counted, and what waits is written once it can be.
func TestRing(t *testing.T) {
	k := newKept(t)
	var faults []error
	r := NewReads(k.log, func(err error) { faults = append(faults, err) })
	r.most = 3
	sqlite3(t, k.path, "ALTER TABLE usage RENAME TO away;")
	keep, err := r.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	r.Keep(access("a", noon, 200, 0))
	r.Keep(access("a", noon, 200, 0))
	r.Keep(access("a", noon, 200, 0)) // one place is reserved
	r.write(t.Context())
	if _, err := r.Reserve(); !errors.Is(err, ErrRing) {
		t.Errorf("there is room: %v", err)
	}
	keep(access("a", noon, 200, 0))
	if _, err := r.Reserve(); !errors.Is(err, ErrRing) {
		t.Errorf("there is room: %v", err)
	}
	if len(faults) != 1 {
		t.Errorf("faults %v", faults)
	}
	sqlite3(t, k.path, "ALTER TABLE away RENAME TO usage;")
	r.write(t.Context())
	if got, err := k.log.Usage(t.Context(), "a", noon, 10); err != nil || len(got) != 1 || got[0].Count != 3 {
		t.Errorf("%v %v", got, err)
	}
	rows := told(t, k.log)
	if last := rows[len(rows)-1]; last != "1× usage.lost server reads came faster than they could be kept" {
		t.Errorf("the log says %q", last)
	}
	if _, err := r.Reserve(); err != nil {
		t.Errorf("after all was written: %v", err)
	}
}

// TestKeeper: in a moment reads and denials are there, a row of another process is told to the logger, and a head is signed;
// at the end nothing is left over.
func TestKeeper(t *testing.T) {
	k := newKept(t)
	other, err := store.Open(t.Context(), k.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	var said syncBuffer
	config := k.config(noon)
	before := time.Now().Add(-time.Minute)
	config.Now, config.Logger = time.Now, slog.New(slog.NewJSONHandler(&said, nil))
	keeper, err := NewKeeper(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { keeper.Run(ctx) })
	keeper.Reads.Keep(access("a", time.Now(), 200, time.Millisecond))
	record(t, other, "by another process")
	within(t, "the row of another process is told", func() bool { return strings.Contains(said.String(), `"object":"by another process"`) })
	within(t, "the read is in the database", func() bool {
		got, err := k.log.Usage(t.Context(), "a", before, 10)
		return err == nil && len(got) == 1
	})
	for range 3 {
		if err := keeper.Denials.Record(With(t.Context(), asker("", "192.0.2.7")), "authenticate", "x", "y"); err != nil {
			t.Fatal(err)
		}
	}
	keeper.Reads.Keep(access("a", time.Now(), 200, time.Millisecond))
	stop()
	running.Wait()
	rows, err := k.log.NewestEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if head, err := k.heads.Last(k.key.PublicKey()); err != nil || int64(head.Seq) != rows.Seq {
		t.Errorf("the last head is of row %d, and the log ends with row %d: %v", head.Seq, rows.Seq, err)
	}
	if v := k.verify(t); len(v.Faults) > 0 {
		t.Error(v.Faults)
	}
	if got, err := k.log.Usage(t.Context(), "a", before, 10); err != nil || len(got) != 1 || got[0].Count != 2 {
		t.Errorf("reads at the end: %v %v", got, err)
	}
	if got := strings.Count(said.String(), `"msg":"audit"`); got != int(rows.Seq)-keptRows {
		t.Errorf("%d rows are told of %d: %s", got, int(rows.Seq)-keptRows, said.String())
	}
}

// within waits for what must be so in a moment.
func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
	}
}

// syncBuffer is a buffer that one writes while another reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// BenchmarkReads keeps reads of one client as fast as it can, and has them written.
func BenchmarkReads(b *testing.B) {
	log := storetest.Open(b, filepath.Join(b.TempDir(), "assay.db"))
	r := NewReads(log, func(err error) { b.Error(err) })
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	for b.Loop() {
		keep, err := r.Reserve()
		for ; err != nil; keep, err = r.Reserve() { // it is slower than this
			time.Sleep(time.Millisecond)
		}
		keep(access("a", time.Now(), 200, time.Millisecond))
	}
	stop()
	running.Wait()
}
