package limit

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

// a clock that tests turn.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func noon() *clock { return &clock{time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)} }

func database(t *testing.T, path string) *store.Store { return storetest.Sealed(t, path) }

// TestOnPostgres runs all tests of this room on PostgreSQL too.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }

func limiter(t *testing.T, c *clock, given Policies) *Limiter {
	t.Helper()
	l, err := New(given, database(t, filepath.Join(t.TempDir(), "assay.db")), c.now)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var home = netip.MustParseAddr("192.0.2.7")

// TestAccepted: over a minute of asking ten times as often, what is accepted is the burst and the rate, within 2 %.
func TestAccepted(t *testing.T) {
	for name, want := range map[string]int{Anonymous: 100 + 60*20, Failures: 30 + 30, Basic: 50 + 60*50, Standard: 500 + 60*500, Partner: 5000 + 60*5000, Auditor: 50 + 60*50, Lookups: 200 + 60*100} {
		c := noon()
		l := limiter(t, c, nil)
		count := func() Verdict {
			switch name {
			case Anonymous:
				return l.Stranger(t.Context(), home)
			case Failures:
				v := l.Suspect(t.Context(), home)
				l.Failed(t.Context(), home)
				return v
			}
			tier, dear := name, ""
			if name == Lookups {
				tier, dear = Partner, Lookups
			}
			v, err := l.Client(t.Context(), "one", tier, dear)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		step, accepted := time.Minute/time.Duration(10*want), 0
		for end := c.at.Add(time.Minute); c.at.Before(end); c.at = c.at.Add(step) {
			switch v := count(); {
			case v.Refused == "":
				accepted++
			case v.Refused != name || v.Retry <= 0:
				t.Fatalf("%s: %+v", name, v)
			}
		}
		if off := accepted - want; off*50 > want || off*50 < -want {
			t.Errorf("%s: %d accepted in a minute, want %d", name, accepted, want)
		}
	}
}

// TestApart: addresses, clients and kinds of requests are counted apart, and a flood of addresses makes no client's count forgotten.
func TestApart(t *testing.T) {
	l := limiter(t, noon(), Policies{Anonymous: {1, time.Hour, 1, 0}, Failures: {1, time.Hour, 1, 0}, Standard: {1, time.Hour, 1, 0}, Lookups: {1, time.Hour, 1, 0}})
	ask := func(address string) bool { return l.Stranger(t.Context(), netip.MustParseAddr(address)).Refused == "" }
	for _, tt := range []struct {
		address string
		want    bool
	}{{"192.0.2.1", true}, {"192.0.2.1", false}, {"::ffff:192.0.2.1", false}, {"192.0.2.2", true}, {"2001:db8::1", true}, {"2001:db8::2", false}, {"2001:db8:0:0:ffff::", false}, {"2001:db8:0:1::1", true}} {
		if got := ask(tt.address); got != tt.want {
			t.Errorf("%s: accepted %t", tt.address, got)
		}
	}
	if v := l.Suspect(t.Context(), netip.MustParseAddr("192.0.2.1")); v.Refused != "" {
		t.Errorf("an address that showed no bad credential: %+v", v)
	}
	if first, second := l.Failed(t.Context(), home), l.Failed(t.Context(), home); first.Refused+second.Refused != "" {
		t.Errorf("what has been refused is refused again: %+v %+v", first, second)
	}
	if v := l.Suspect(t.Context(), home); v.Refused != Failures {
		t.Errorf("after bad credentials: %+v", v)
	}
	client := func(id, tier, dear string) string {
		v, err := l.Client(t.Context(), id, tier, dear)
		if err != nil {
			t.Fatal(err)
		}
		return v.Refused
	}
	if got := client("one", Standard, Lookups) + client("two", Standard, ""); got != "" {
		t.Errorf("the first of each: refused by %s", got)
	}
	if got := client("one", Standard, ""); got != Standard {
		t.Errorf("the second: %q", got)
	}
	if got := client("one", Standard, Lookups); got != Lookups {
		t.Errorf("the second look-up: %q", got)
	}
	for i := range maxAddresses + 10 {
		ask(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String())
	}
	if got := client("one", Standard, ""); got != Standard {
		t.Errorf("after a flood of addresses: %q", got)
	}
	if got := client("three", "platinum", ""); got != "" || tierOf("platinum") != Basic {
		t.Errorf("a tier that nobody knows: %q", got)
	}
}

// TestDay: what is asked in a day of UTC is kept in the database, from one server to the next, and begins anew at midnight.
func TestDay(t *testing.T) {
	c, path := noon(), filepath.Join(t.TempDir(), "assay.db")
	serve := func() *Limiter {
		l, err := New(Policies{Basic: {1000, time.Second, 1000, 10}}, database(t, path), c.now)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	asked := func(l *Limiter, client string, times int) (accepted int, last Verdict) {
		for range times {
			v, err := l.Client(t.Context(), client, Basic, "")
			if err != nil {
				t.Fatal(err)
			}
			if last = v; v.Refused == "" {
				accepted++
			}
		}
		return accepted, last
	}
	first := serve()
	if n, _ := asked(first, "one", 7); n != 7 {
		t.Fatalf("%d of 7", n)
	}
	if err := first.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked(first, "one", 1) // a server that is killed forgets this one
	second := serve()
	if left, day, err := second.Left(t.Context(), "one", Basic); left != 3 || day != 10 || err != nil {
		t.Errorf("left %d of %d: %v", left, day, err)
	}
	n, last := asked(second, "one", 5)
	if n != 3 || !last.Day || last.Refused != Basic || last.Retry != 12*time.Hour {
		t.Errorf("%d of the 3 that are left, %+v", n, last)
	}
	if n, _ := asked(second, "two", 5); n != 5 {
		t.Errorf("another client: %d of 5", n)
	}
	c.at = c.at.Add(12 * time.Hour)
	if n, _ := asked(second, "one", 11); n != 10 {
		t.Errorf("the next day: %d of 10", n)
	}
	if err := second.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := database(t, path)
	day := c.at.Unix() / oneDay
	for which, want := range map[store.Quota]int64{{Day: day - 1, Client: "one"}: 10, {Day: day, Client: "one"}: 10, {Day: day - 1, Client: "two"}: 5, {Day: day, Client: "two"}: 0} {
		if got, err := db.QuotaUsed(t.Context(), which); got != want || err != nil {
			t.Errorf("%+v: %d %v, want %d", which, got, err, want)
		}
	}
	c.at = c.at.AddDate(0, 0, kept)
	asked(second, "one", 1)
	if err := second.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := db.QuotaUsed(t.Context(), store.Quota{Day: day - 1, Client: "one"}); got != 0 || err != nil {
		t.Errorf("after a month: %d %v", got, err)
	}
}

// TestDayOfTwo: two servers that share a database know of what either has counted once both have written.
func TestDayOfTwo(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "assay.db"), noon()
	var both []*Limiter
	for range 2 {
		l, err := New(Policies{Basic: {1000, time.Second, 1000, 10}}, database(t, path), c.now)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, l)
	}
	accepted := 0
	for range 6 {
		for _, l := range both {
			v, err := l.Client(t.Context(), "one", Basic, "")
			if err := errors.Join(err, l.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
			if v.Refused == "" {
				accepted++
			}
		}
	}
	if accepted != 10 && accepted != 11 { // one does not know yet what the other has written meanwhile
		t.Errorf("%d of 10 are accepted", accepted)
	}
}

// TestFlushFails: what cannot be written is written later, once.
func TestFlushFails(t *testing.T) {
	c := noon()
	path := filepath.Join(t.TempDir(), "assay.db")
	pgtest.OfFiles(t) // what is closed there is closed for good
	db, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(nil, db, c.now)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error { _, err := l.Client(t.Context(), "one", Standard, ""); return err }
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(t.Context()); err == nil {
		t.Error("written to a database that is closed")
	}
	if err := ask(); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	if _, err := l.Client(t.Context(), "two", Standard, ""); err == nil {
		t.Error("one of whom nothing is known is let in while the database is away")
	}
	l.days.db = database(t, path)
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if used, err := l.days.db.QuotaUsed(t.Context(), store.Quota{Day: c.at.Unix() / oneDay, Client: "one"}); used != 2 || err != nil {
		t.Errorf("%d %v", used, err)
	}
}

// TestFields: what clients are told is a list of named policies, and how long to wait a whole number of seconds.
func TestFields(t *testing.T) {
	c := noon()
	l := limiter(t, c, Policies{Basic: {2, time.Second, 4, 100}})
	var v Verdict
	for range 5 {
		var err error
		if v, err = l.Client(t.Context(), "one", Basic, ""); err != nil {
			t.Fatal(err)
		}
		if v.Refused == "" {
			h := http.Header{}
			if v.Tell(h); h.Get("Retry-After") != "" {
				t.Errorf("an answer that refuses nothing: %v", h)
			}
		}
	}
	h := http.Header{}
	v.Tell(h)
	if diff := cmp.Diff(http.Header{"Ratelimit-Policy": {`"basic";q=4;w=2`}, "Ratelimit": {`"basic";r=0;t=2`}, "Retry-After": {"1"}}, h); diff != "" {
		t.Error(diff)
	}
	c.at = c.at.Add(time.Second)
	v, err := l.Client(t.Context(), "one", Basic, Lookups)
	if err != nil {
		t.Fatal(err)
	}
	h = http.Header{}
	v.Tell(h)
	if diff := cmp.Diff(http.Header{"Ratelimit-Policy": {`"lookups";q=200;w=2, "basic";q=4;w=2, "basic-day";q=100;w=86400`}, "Ratelimit": {`"lookups";r=199;t=1, "basic";r=1;t=2, "basic-day";r=95;t=43199`}}, h); diff != "" {
		t.Error(diff)
	}
	for name, lines := range h {
		list, err := httpsfv.UnmarshalList(lines)
		if err != nil || len(list) != 3 {
			t.Errorf("%s: %v %v", name, list, err)
		}
	}
}

// TestChanged: a policy that is changed in the database holds from the next look on, whoever changed it, and counts anew.
func TestChanged(t *testing.T) {
	c, path := noon(), filepath.Join(t.TempDir(), "assay.db")
	db, other := database(t, path), database(t, path)
	l, err := New(Policies{Anonymous: {1, time.Hour, 3, 0}}, db, c.now)
	if err != nil {
		t.Fatal(err)
	}
	asked := func(l *Limiter) (accepted int) {
		for range 10 {
			if l.Stranger(t.Context(), home).Refused == "" {
				accepted++
			}
		}
		return accepted
	}
	change := func(do func(*store.Tx) error) {
		t.Helper()
		if err := other.Write(t.Context(), do); err != nil {
			t.Fatal(err)
		}
	}
	look := func() {
		t.Helper()
		if err := l.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked(l); n != 3 {
		t.Errorf("%d of 3", n)
	}
	change(func(tx *store.Tx) error { return tx.SetLimit(t.Context(), Anonymous, "1/h burst 5") })
	if n := asked(l); n != 0 {
		t.Errorf("before it is looked at: %d", n)
	}
	look()
	if n := asked(l); n != 5 {
		t.Errorf("afterwards: %d of 5", n)
	}
	next, err := New(Policies{Anonymous: {1, time.Hour, 3, 0}}, db, c.now)
	if err != nil {
		t.Fatal(err)
	}
	if n := asked(next); n != 5 {
		t.Errorf("a server that is started afterwards: %d of 5", n)
	}
	change(func(tx *store.Tx) error { return tx.SetLimit(t.Context(), Lookups, "whatever a newer version writes") })
	if err := l.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "lookups") {
		t.Errorf("what cannot be read: %v", err)
	}
	change(func(tx *store.Tx) error { return tx.ResetLimit(t.Context(), Lookups) })
	change(func(tx *store.Tx) error { return tx.ResetLimit(t.Context(), Anonymous) })
	look()
	c.at = c.at.Add(10 * time.Hour)
	if n := asked(l); n != 3 {
		t.Errorf("as configured again: %d of 3", n)
	}
	if got := l.Configured()[Anonymous]; got != "1/h burst 3" {
		t.Errorf("configured: %s", got)
	}
	for name, text := range map[string]string{Lookups: "1/s 5/day", "gold": "1/s", Basic: "often"} {
		if got, err := l.Check(name, text); err == nil {
			t.Errorf("%s: %s is %s", name, text, got)
		}
	}
	if got, err := l.Check(Basic, "5/s burst 5 9/day"); got != "5/s 9/day" || err != nil {
		t.Errorf("%s %v", got, err)
	}
}

func TestPolicyText(t *testing.T) {
	for text, want := range map[string]Policy{
		"20/s burst 100": {20, time.Second, 100, 0}, "30/min": {30, time.Minute, 30, 0}, "6/h burst 2": {6, time.Hour, 2, 0}, "50/s 1000000/day": {50, time.Second, 50, 1_000_000},
		"5/min burst 7 9/day": {5, time.Minute, 7, 9},
	} {
		var p Policy
		if err := p.UnmarshalText([]byte(text)); err != nil || p != want || p.String() != text {
			t.Errorf("%s: %+v %s %v", text, p, p, err)
		}
	}
	for _, text := range []string{"", "0/s", "20", "20/d", "20/s burst 0", "-1/s", "20 / s", "20/s 0/day", "20/s 5/day burst 2", "99999999/s", "1.5/s", "20/s burst", " 20/s", "20/s\n"} {
		p := Policy{Rate: 7}
		if err := p.UnmarshalText([]byte(text)); err == nil || p.Rate != 7 {
			t.Errorf("%q is read as %+v", text, p)
		}
	}
	for name, p := range Defaults() {
		var again Policy
		if err := again.UnmarshalText([]byte(p.String())); err != nil || again != p {
			t.Errorf("%s: %s: %+v %v", name, p, again, err)
		}
	}
	if _, err := New(Policies{"gold": {}}, nil, time.Now); err == nil || !strings.Contains(err.Error(), "gold") {
		t.Error(err)
	}
}

// TestCrowd: of many who ask as one at once no more are let in than the burst.
func TestCrowd(t *testing.T) {
	l := limiter(t, noon(), Policies{Anonymous: {1, time.Hour, 300, 0}})
	const crowd, each = 16, 50
	accepted := make(chan int, crowd)
	for range crowd {
		go func() {
			n := 0
			for range each {
				if l.Stranger(t.Context(), home).Refused == "" {
					n++
				}
			}
			accepted <- n
		}()
	}
	all := 0
	for range crowd {
		all += <-accepted
	}
	if all != 300 {
		t.Errorf("%d of %d are let in, want 300", all, crowd*each)
	}
}

func BenchmarkClient(b *testing.B) {
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "assay.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	l, err := New(Policies{Standard: {1_000_000, time.Second, 1_000_000, 1 << 40}}, db, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		if _, err := l.Client(b.Context(), fmt.Sprint(i%100), Standard, ""); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWeigh: of a client whose requests count twice half as many are accepted, of one whose count ten times a tenth, where there is room for one at all;
// of others as many as before, and of it again once nothing is said any more.
func TestWeigh(t *testing.T) {
	c := noon()
	l := limiter(t, c, Policies{Standard: {100, time.Second, 100, 0}, Runs: {6, time.Hour, 2, 0}})
	accepted := func(client, dear string) (n int) {
		for range 200 {
			v, err := l.Client(t.Context(), client, Standard, dear)
			if err != nil {
				t.Fatal(err)
			}
			if v.Refused == "" {
				n++
			}
		}
		c.at = c.at.Add(time.Hour)
		return n
	}
	l.Weigh(map[string]int{"half": 2, "tenth": 10})
	for client, want := range map[string]int{"half": 50, "tenth": 10, "other": 100} {
		if got := accepted(client, ""); got != want {
			t.Errorf("%s: %d, want %d", client, got, want)
		}
	}
	if got := accepted("tenth", Runs); got != 1 {
		t.Errorf("of runs, of which there are two at once: %d", got)
	}
	l.Weigh(nil)
	if got := accepted("tenth", ""); got != 100 {
		t.Errorf("afterwards: %d", got)
	}
}
