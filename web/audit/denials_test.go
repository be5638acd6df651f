package audit

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/store"
)

// clock is one that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// told are the rows of a log in short.
func told(t *testing.T, log *store.Store) []string {
	t.Helper()
	rows, err := log.Events(t.Context(), 0, most)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, row := range rows {
		e, err := Read(row)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Join(strings.Fields(fmt.Sprintf("%d× %s %s %s %s %s", e.Count, e.Action, e.Client, e.From, e.Object, e.Reason)), " "))
	}
	return all
}

func same(t *testing.T, log *store.Store, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, told(t, log)); d != "" {
		t.Error(d)
	}
}

func asker(client, address string) Origin {
	return Origin{Client: client, Address: netip.MustParseAddr(address)}
}

// TestDenials: the first is a row at once, those that follow are one row a second, and after a second without any the next is a first.
func TestDenials(t *testing.T) {
	log, c := opened(t), &clock{now: noon}
	d := NewDenials(log, c.Now)
	deny := func(o Origin, reason string) {
		t.Helper()
		if err := d.Record(With(t.Context(), o), "authenticate", "POST /v1/proofs", reason); err != nil {
			t.Fatal(err)
		}
	}
	flush := func() {
		t.Helper()
		if err := d.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	one, other := asker("", "192.0.2.7"), asker("c1", "2001:db8:0:1::1")
	for range 5 {
		deny(one, "no key")
	}
	deny(asker("", "192.0.2.8"), "revoked") // of the same network
	deny(other, "revoked")
	first := []string{"1× authenticate 192.0.2.0/24 POST /v1/proofs no key", "1× authenticate c1 2001:db8::/48 POST /v1/proofs revoked"}
	same(t, log, first...)
	flush()
	same(t, log, first...) // the second is not over
	c.add(time.Second)
	flush()
	second := append(first, "5× authenticate 192.0.2.0/24 POST /v1/proofs no key; revoked")
	same(t, log, second...)
	deny(one, "no key") // is counted still
	same(t, log, second...)
	c.add(time.Second)
	flush()
	third := append(second, "1× authenticate 192.0.2.0/24 POST /v1/proofs no key")
	same(t, log, third...)
	c.add(time.Second)
	flush()
	deny(one, "no key")
	deny(one, "no key")
	fourth := append(third, "1× authenticate 192.0.2.0/24 POST /v1/proofs no key")
	same(t, log, fourth...)
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, log, append(fourth, "1× authenticate 192.0.2.0/24 POST /v1/proofs no key")...)
	if err := d.Record(t.Context(), "a", "b", "c"); !errors.Is(err, ErrNobody) {
		t.Error(err)
	}
}

// TestDenialFlood: however many kinds there are, rows are few, and no denial is without its count.
func TestDenialFlood(t *testing.T) {
	log, c := opened(t), &clock{now: noon}
	d := NewDenials(log, c.Now)
	const floods = 1000
	var wait sync.WaitGroup
	for i := range floods {
		wait.Go(func() {
			ctx := With(t.Context(), asker("", fmt.Sprintf("10.%d.%d.1", i/256, i%256)))
			if err := d.Record(ctx, "authenticate", "POST /v1/proofs", "no key"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := log.Events(t.Context(), 0, most)
	if err != nil {
		t.Fatal(err)
	}
	var counted int64
	for _, row := range rows {
		e, err := Read(row)
		if err != nil {
			t.Fatal(err)
		}
		counted += e.Count
	}
	if len(rows) > manyKinds+2 || counted != floods {
		t.Errorf("%d rows of %d denials", len(rows), counted)
	}
}

// TestDenialFloodForLong: strangers who go on for minutes, from ever new networks or from one, make about a row a second of it, and none is
// without its count.
func TestDenialFloodForLong(t *testing.T) {
	const seconds = 240
	for name, tt := range map[string]struct {
		from func(second, i int) string
		most int64 // rows
	}{
		"ever new networks": {func(second, i int) string { return fmt.Sprintf("10.%d.%d.1", second, i) }, manyFirsts + seconds + 2*manyRows},
		"few networks":      {func(_, i int) string { return fmt.Sprintf("10.0.%d.1", i%20) }, 20 * (1 + manyRows + seconds/60)},
	} {
		log, c := opened(t), &clock{now: noon}
		d := NewDenials(log, c.Now)
		for second := range seconds {
			for i := range manyKinds + 8 {
				if err := d.Record(With(t.Context(), asker("", tt.from(second, i))), "authenticate", "POST /v1/proofs", "no key"); err != nil {
					t.Fatal(err)
				}
			}
			c.add(time.Second)
			if err := d.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		var counted, last int64
		for {
			rows, err := log.Events(t.Context(), last, most)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				break
			}
			for _, row := range rows {
				e, err := Read(row)
				if err != nil {
					t.Fatal(err)
				}
				counted, last = counted+e.Count, row.Seq
			}
		}
		if last > tt.most || counted != seconds*(manyKinds+8) {
			t.Errorf("%s: %d rows, want at most %d, of %d denials", name, last, tt.most, counted)
		}
	}
}

// TestDenialBehindAFlood: what is denied to a client that is known is told by itself, however many strangers are turned away meanwhile.
func TestDenialBehindAFlood(t *testing.T) {
	log, c := opened(t), &clock{now: noon}
	d := NewDenials(log, c.Now)
	for i := range 2 * manyKinds {
		if err := d.Record(With(t.Context(), asker("", fmt.Sprintf("10.0.%d.1", i))), "authenticate", "POST /v1/proofs", "no key"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Record(With(t.Context(), asker("c1", "192.0.2.7")), "authorize", "POST /v1/keys", "it needs key:write"); err != nil {
		t.Fatal(err)
	}
	rows, err := log.Events(t.Context(), manyKinds, most)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	if e, err := Read(rows[1]); err != nil || e.Client != "c1" || e.From != "192.0.2.0/24" || e.Object != "POST /v1/keys" {
		t.Errorf("%+v %v", e, err)
	}
}

// TestDenialIsNotLost: one that cannot be written is told to whoever denied, and the next one is a first again.
func TestDenialIsNotLost(t *testing.T) {
	k := newKept(t)
	d := NewDenials(k.log, time.Now)
	ctx := With(t.Context(), asker("", "192.0.2.7"))
	sqlite3(t, k.path, "ALTER TABLE audit RENAME TO away;")
	for range 2 {
		if err := d.Record(ctx, "a", "b", "c"); err == nil {
			t.Error("a denial is nowhere")
		}
	}
	sqlite3(t, k.path, "ALTER TABLE away RENAME TO audit;")
	if err := d.Record(ctx, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	if got := told(t, k.log); len(got) != keptRows+1 {
		t.Errorf("%d rows: %q", len(got), got)
	}
}

// TestPlain: what was sent is kept as canonical JSON can hold it, and no more than has room.
func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\u202e\xff":         "a?b??",
		strings.Repeat("é", 300): strings.Repeat("é", 254) + "…",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
