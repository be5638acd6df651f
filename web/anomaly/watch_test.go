package anomaly

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
)

// TestMeasures: what was found is in force at once, in another server a second later too, and until a person undoes it; then the same is not found again for a while.
func TestMeasures(t *testing.T) {
	m, foreign := machine(home), machine(away)
	other := Asker{Client: "backend", Credential: "other", Kind: store.Machine, Network: home}
	for name, tt := range map[string]struct {
		does func(*watched)
		in   func(*watched) bool // force
	}{
		"hold": {func(w *watched) { w.asks(t, foreign, read, 1) }, func(w *watched) bool {
			if w.Arrive(t.Context(), m, ask, true)+w.Arrive(t.Context(), foreign, read, false) != "" {
				t.Error("held from where it is known, or though it changes nothing")
			}
			return w.Arrive(t.Context(), foreign, ask, true) == Hold
		}},
		"halve":    {func(w *watched) { w.asks(t, m, read, 151) }, func(w *watched) bool { return maps.Equal(w.weighs, map[string]int{"backend": 2}) }},
		"throttle": {func(w *watched) { w.looks(t, m, 0, 50, 11) }, func(w *watched) bool { return maps.Equal(w.weighs, map[string]int{"backend": 10}) }},
		"suspend": {func(w *watched) {
			w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: "203.0.113.0/24", Again: true})
		}, func(w *watched) bool {
			if w.asks(t, other, read, 1) != "" {
				t.Error("another key of the client is suspended")
			}
			return w.asks(t, m, read, 1) == Suspend
		}},
		"lock": {func(w *watched) {
			for range 21 {
				w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
			}
		}, func(w *watched) bool {
			if w.Locked(m) {
				t.Error("locked where nobody tried")
			}
			return w.Locked(foreign)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			w.lives(t, m, 30, 50, 0)
			w.at = w.at.Add(time.Minute)
			tt.does(w)
			if !tt.in(w) {
				t.Fatal("not in force at once")
			}
			found := w.found(t)
			if len(found) != 1 || !strings.HasSuffix(found[0], " "+name) {
				t.Fatalf("found %v", found)
			}
			second := &watched{path: w.path, at: w.at}
			second.begins(t, false)
			if !tt.in(second) {
				t.Error("not in force in another server")
			}
			f := w.undo(t, 0)
			if tt.in(w) {
				t.Error("in force though it was undone")
			}
			tt.does(w)
			if again := w.found(t); len(again) != 1 {
				t.Errorf("after somebody said that it is as it should be: %v", again)
			}
			if err := second.Turn(t.Context()); err != nil || tt.in(second) {
				t.Errorf("in force in another server though it was undone: %v", err)
			}
			if f.Undo == "" || f.Saw == "" || f.Usual == "" || len(f.ID) != 16 {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestLockEnds: an hour later.
func TestLockEnds(t *testing.T) {
	w, foreign := watch(t), machine(away)
	w.lives(t, machine(home), 8, 1, 0)
	for range 21 {
		w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
	}
	if w.at = w.at.Add(59 * time.Minute); !w.Locked(foreign) {
		t.Error("not locked any more")
	}
	if w.at = w.at.Add(time.Minute); w.Locked(foreign) {
		t.Error("still locked")
	}
}

// TestGuessesHideNothing: whoever guesses in a client's name from many networks is found there, and the thief who comes afterwards too.
func TestGuessesHideNothing(t *testing.T) {
	w := watch(t)
	w.lives(t, machine(home), 31, 1, 0)
	for network := range 2 * maxOf {
		for range manyFailures + 1 {
			w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: fmt.Sprintf("203.0.%d.0/24", network)})
		}
	}
	if got := w.Arrive(t.Context(), machine(away), ask, true); got != Hold {
		t.Errorf("from where it never came: %q, want it held", got)
	}
}

// TestPeople: of a person nothing is suspended and nothing is held: they show a passkey.
func TestPeople(t *testing.T) {
	w := watch(t)
	w.lives(t, person(home, noon), 31, 60, 0)
	proved := w.at
	a, b := person(home, proved), person(away, proved)
	w.at = w.at.Add(time.Minute)
	w.asks(t, a, read, 51)
	if got := w.asks(t, b, read, 51); got != StepUp {
		t.Errorf("from two places at once: %q", got)
	}
	if got := w.Arrive(t.Context(), b, ask, true); got != StepUp {
		t.Errorf("a change: %q", got)
	}
	w.at = w.at.Add(2 * time.Second)
	if got := w.asks(t, person(away, w.at), read, 1); got != "" {
		t.Errorf("who showed a passkey since: %q", got)
	}
	if diff := cmp.Diff([]string{"origin alert", "parallel step-up"}, w.found(t)); diff != "" {
		t.Error(diff)
	}
}

// TestTells: a server that only tells does nothing.
func TestTells(t *testing.T) {
	w := watch(t)
	w.lives(t, machine(home), 30, 50, 0)
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.begins(t, true)
	w.asks(t, machine(away), read, 151)
	if diff := cmp.Diff([]string{"origin alert", "burst alert"}, w.found(t)); diff != "" || len(w.weighs) > 0 || w.Arrive(t.Context(), machine(away), ask, true) != "" {
		t.Errorf("%s, weights %v", diff, w.weighs)
	}
}

// TestRestart: what a client usually does is known to the next server.
func TestRestart(t *testing.T) {
	w := watch(t)
	w.lives(t, machine(home), 30, 50, 20)
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.begins(t, false)
	w.asks(t, machine(home), read, 150)
	w.looks(t, machine(home), 0, 100, 0)
	if found := w.found(t); len(found) > 0 {
		t.Errorf("what is usual: %v", found)
	}
	w.asks(t, machine(home), read, 1)
	w.looks(t, machine(home), 100, 1, 0)
	if diff := cmp.Diff([]string{"burst halve", "enumeration throttle"}, w.found(t)); diff != "" {
		t.Error(diff)
	}
}

// TestDamaged: a record that is none is told of once, and the client is followed from then on.
func TestDamaged(t *testing.T) {
	w := watch(t)
	if err := w.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.KeepHabits(t.Context(), "backend", []byte(`{"since":"x"`), w.at) }); err != nil {
		t.Fatal(err)
	}
	var told []string
	w.Fault = func(err error) { told = append(told, err.Error()) }
	w.lives(t, machine(home), 8, 50, 0)
	w.asks(t, machine(home), read, 151)
	if len(told) != 1 || !strings.Contains(told[0], "begins anew") || len(w.found(t)) != 1 {
		t.Errorf("told %q, found %v", told, w.found(t))
	}
}

// TestNotLearned: what was found is not usual an hour later; what a person has said to be as it should is.
func TestNotLearned(t *testing.T) {
	for _, learned := range []bool{false, true} {
		w := watch(t)
		w.lives(t, machine(home), 8, 50, 0)
		w.asks(t, machine(home), read, 400)
		w.found(t)
		if learned {
			w.undo(t, 0)
		}
		w.at = w.at.Add(time.Hour)
		w.asks(t, machine(home), read, 1)
		w.mu.RLock()
		peak := w.clients["backend"].usual.peak
		w.mu.RUnlock()
		if want := map[bool]uint32{false: 50, true: 400}[learned]; peak != want {
			t.Errorf("said to be as it should: %t: the fullest minute has %d, want %d", learned, peak, want)
		}
	}
}

// TestRecorded: a finding is a row of the audit log, and told.
func TestRecorded(t *testing.T) {
	w := watch(t)
	w.lives(t, machine(home), 8, 50, 0)
	w.asks(t, machine(home), read, 151)
	w.found(t)
	all, err := w.Store.Anomalies(t.Context(), "backend", "", 2)
	if err != nil || len(all) != 1 {
		t.Fatal(err, all)
	}
	row, err := w.Store.NewestEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := audit.Read(row)
	want := "burst of backend: 151 requests within a minute; usual: 50 in the fullest minute of the week before; done: halve"
	if err != nil || e.Action != "anomaly.found" || e.Object != all[0].ID || e.Reason != want || e.Client != audit.Server {
		t.Errorf("%v %+v", err, e)
	}
	told := ""
	if err := w.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.SpreadHookEvents(t.Context(), func(event string) []string { told += event; return nil })
	}); err != nil || told != store.AnomalyFound {
		t.Errorf("%v %q", err, told)
	}
}

// TestFlood: no flood of clients, networks, keys, failures or findings makes anybody else's history forgotten, and none takes more room than there is.
func TestFlood(t *testing.T) {
	w := watch(t)
	w.lives(t, machine(home), 31, 50, 0)
	for i := range 2 * maxClients {
		w.asks(t, Asker{Client: fmt.Sprint("client ", i), Credential: "k", Kind: store.Machine, Network: home}, read, 1)
	}
	for i := range 2 * maxSuspects {
		w.Refused(t.Context(), Refusal{Credential: fmt.Sprint("key ", i), Network: away})
	}
	for i := range 1000 {
		a := Asker{Client: "backend", Credential: fmt.Sprint("key ", i), Kind: store.Machine, Network: fmt.Sprintf("198.51.%d.0/24", i%256)}
		w.asks(t, a, fmt.Sprint("operation ", i), 1)
	}
	c := w.clients["backend"]
	if len(w.clients) != maxClients || len(w.suspects) != maxSuspects || len(c.Networks) != maxNetworks || len(c.Keys) != maxKeys || len(c.Operations) != maxOperations || len(c.sources) > maxSources {
		t.Errorf("%d clients, %d suspects; of one %d networks, %d keys, %d operations, %d sources", len(w.clients), len(w.suspects), len(c.Networks), len(c.Keys), len(c.Operations), len(c.sources))
	}
	if w.passed.Load() != maxClients+1 {
		t.Errorf("%d requests were passed over", w.passed.Load())
	}
	w.passed.Store(0)
	held := 0
	for _, f := range w.open {
		if f.Client == "backend" && f.Rule == Origin {
			held++
		}
	}
	if held != maxOrigins+1 || w.Arrive(t.Context(), machine("203.0.113.0/24"), ask, true) != Hold {
		t.Errorf("%d findings of new networks", held)
	}
	w.at = w.at.Add(2 * time.Hour) // who does not ask is in the database alone
	if err := w.Keep(t.Context()); err != nil || len(w.clients) != 0 {
		t.Errorf("%d clients: %v", len(w.clients), err)
	}
	w.asks(t, machine(home), read, 1)
	if c := w.clients["backend"]; c.usual.peak != 50 || c.Networks[home] == nil {
		t.Errorf("of before: %+v", c.usual)
	}
}

// TestCustomers: they are counted exactly while they are few, and about when they are many, in as little room; who they are is nowhere.
func TestCustomers(t *testing.T) {
	for _, many := range []int{0, 1, 500, sketched - 1, 5_000, 200_000} {
		var c customers
		for range 2 {
			for i := range many {
				c.add(mac([]byte("key"), fmt.Sprint("canary ", i)))
			}
		}
		off := math.Abs(float64(c.count()) - float64(many))
		if many < sketched && off > 0 || off > 0.15*float64(many) || len(c.least) > sketched {
			t.Errorf("%d are counted as %d, by %d hashes", many, c.count(), len(c.least))
		}
	}
	w := watch(t)
	w.asks(t, machine(home), ask, 1)
	w.Looked(t.Context(), machine(home), "canary@customers.example", true)
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	record, err := w.Store.Habits(t.Context(), "backend")
	if err != nil || !strings.Contains(string(record), home) || strings.Contains(string(record), "canary") || len(record) > 1000 {
		t.Errorf("%v %s", err, record)
	}
}

// TestWeeks: five weeks of clients of many kinds, each week at most one finding about each, and none about most.
func TestWeeks(t *testing.T) {
	w := watch(t)
	const clients, weeks = 14, 5
	r := rand.New(rand.NewPCG(11, 8))
	w.at = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	found := map[string]int{} // by client and week
	seen := 0
	var all []*life
	for i := range clients {
		all = append(all, newLife(i, r))
	}
	for minute := range weeks * week * 60 {
		for _, l := range all {
			l.minute(t, w, r)
		}
		w.at = w.at.Add(time.Minute)
		if minute%60 == 59 {
			seen = len(w.found(t))
		}
	}
	list, err := w.Store.Anomalies(t.Context(), "", "", 1000)
	if err != nil || len(list) != seen {
		t.Fatal(err)
	}
	for _, f := range list {
		number := int(f.At.Sub(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)) / (week * time.Hour))
		t.Logf("week %d: %s: %s, %s: %s (%s)", number, f.Client, f.Rule, f.Action, f.Saw, f.Usual)
		found[fmt.Sprintf("%s in week %d", f.Client, number)]++
	}
	for which, n := range found {
		if n > 1 {
			t.Errorf("%d findings about %s", n, which)
		}
	}
	if len(found) == 0 || len(found) > clients*weeks/20 {
		t.Errorf("%d findings in %d weeks of %d clients", len(found), weeks, clients)
	}
}

// life is what a client does that is as it should be.
type life struct {
	name     string
	kind     int
	rate     float64 // requests of a minute in its busy hours
	networks []string
	keys     []string
	from     int // its first customers
}

// The kinds of clients: the exchange's own app, a job at night, two sites that share a load, a monitor, an auditor who comes now and then, and people.
var kinds = []string{"app", "night", "sites", "monitor", "auditor", "person", "desk"}

func newLife(i int, r *rand.Rand) *life {
	l := &life{name: fmt.Sprintf("%s %d", kinds[i%len(kinds)], i), kind: i % len(kinds), rate: 1 + 79*r.Float64(), from: 100_000 * i}
	if i == 2 { // two sites that are busy from their first day on
		l.rate = 60
	}
	for n := range 3 {
		l.networks = append(l.networks, fmt.Sprintf("10.%d.%d.0/24", i, n))
		l.keys = append(l.keys, fmt.Sprintf("key %d %d", i, n))
	}
	return l
}

// minute is what it does within one: how much goes by the hour and the day of the week, and by chance.
func (l *life) minute(t *testing.T, w *watched, r *rand.Rand) {
	at, m := w.at, machine(l.networks[0])
	m.Client, m.Credential = l.name, l.keys[0]
	hour, workday := at.Hour(), at.Weekday() != time.Saturday && at.Weekday() != time.Sunday
	busy := 0.15 + 0.85*max(0, math.Sin(math.Pi*float64(hour-6)/16))
	if !workday {
		busy *= 0.6
	}
	switch kinds[l.kind] {
	case "app":
		l.lookUp(t, w, m, poisson(r, l.rate*busy), r)
	case "night":
		if hour == 2 && at.Minute() < 20 {
			w.asks(t, m, read, 200+r.IntN(150))
			w.asks(t, m, "GET /v1/reports", r.IntN(3))
		}
	case "sites":
		l.lookUp(t, w, m, poisson(r, l.rate*busy), r)
		m.Network = l.networks[1]
		l.lookUp(t, w, m, poisson(r, l.rate*busy), r)
	case "monitor":
		w.asks(t, m, "GET /v1/health", 4)
		w.asks(t, m, "GET /v1/log/checkpoint", 1)
	case "auditor":
		if workday && hour == 10 && at.YearDay()%3 == 0 && at.Minute()%7 == 0 {
			w.asks(t, m, []string{"GET /v1/runs", "GET /v1/audit", "GET /v1/reports"}[r.IntN(3)], 1+r.IntN(8))
		}
	case "person", "desk":
		if workday && hour >= 9 && hour < 17 && r.IntN(4) == 0 {
			a := Asker{Client: l.name, Credential: fmt.Sprint(l.name, at.YearDay()), Network: l.networks[r.IntN(2)*(l.kind-5)], Kind: store.Person, Proved: at}
			w.asks(t, a, []string{"GET /v1/runs", "GET /v1/runs/{id}", "GET /v1/clients", "GET /v1/audit", "POST /v1/runs"}[r.IntN(5)], 1+r.IntN(5))
		}
	}
}

// lookUp looks up as many customers, most of whom come again, and one of fifty of whom is not there.
func (l *life) lookUp(t *testing.T, w *watched, m Asker, many int, r *rand.Rand) {
	for range many {
		w.asks(t, m, ask, 1)
		w.Looked(t.Context(), m, fmt.Sprint(l.from+int(3000*r.Float64()*r.Float64())), r.IntN(50) > 0)
	}
}

// poisson draws how many come of whom so many come on the average.
func poisson(r *rand.Rand, mean float64) (n int) {
	for p := r.Float64(); p > math.Exp(-mean); n++ {
		p *= r.Float64()
	}
	return n
}

// BenchmarkArrive is what a request of a client costs; four ask at once.
func BenchmarkArrive(b *testing.B) {
	w := watch(b)
	w.lives(b, machine(home), 8, 50, 0)
	b.SetParallelism(4)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			w.Arrive(b.Context(), machine(home), read, false)
		}
	})
}

// BenchmarkLooked is what a look-up costs beside.
func BenchmarkLooked(b *testing.B) {
	w := watch(b)
	w.lives(b, machine(home), 8, 50, 0)
	names := make([]string, 1<<16)
	for i := range names {
		names[i] = fmt.Sprint("customer ", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.Looked(b.Context(), machine(home), names[i%len(names)], true)
	}
}

// TestTogether: of many who ask at once, while it is kept and looked after, none is lost.
func TestTogether(t *testing.T) {
	w := watch(t)
	const clients, each = 4, 500
	var all sync.WaitGroup
	for i := range 2 * clients {
		all.Go(func() {
			a := Asker{Client: fmt.Sprint("client ", i%clients), Credential: "key", Kind: store.Machine, Network: home}
			for n := range each {
				w.Arrive(t.Context(), a, read, false)
				w.Looked(t.Context(), a, fmt.Sprint(n), true)
				w.Refused(t.Context(), Refusal{Client: a.Client, Credential: "key", Network: away})
			}
		})
	}
	for range 20 {
		if err := w.Turn(t.Context()); err != nil {
			t.Error(err)
		}
		if err := w.Keep(t.Context()); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	if found := w.found(t); len(found) != clients {
		t.Errorf("guesses at %d keys: %v", clients, found)
	}
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.begins(t, false)
	for i := range clients {
		c := w.follow(t.Context(), fmt.Sprint("client ", i))
		if c.Now.Requests != 2*each || c.Now.Lookups != 2*each {
			t.Errorf("client %d: %d requests, %d look-ups", i, c.Now.Requests, c.Now.Lookups)
		}
		c.mu.Unlock()
	}
}
