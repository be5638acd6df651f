package anomaly

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/storetest"
)

// watched is a watch whose clock a test turns.
type watched struct {
	*Watch
	path   string
	at     time.Time
	weighs map[string]int
}

const (
	home, away = "192.0.2.0/24", "198.51.100.0/24"
	read, ask  = "GET /v1/me", "POST /v1/proofs"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func watch(t testing.TB) *watched {
	t.Helper()
	w := &watched{path: filepath.Join(t.TempDir(), "assay.db"), at: noon}
	w.begins(t, false)
	return w
}

// begins is another server on the same database.
func (w *watched) begins(t testing.TB, tells bool) {
	t.Helper()
	var err error
	db := storetest.Sealed(t, w.path)
	w.Watch, err = New(t.Context(), Config{Store: db, Key: []byte("a test's"), Random: rand.Reader, Now: func() time.Time { return w.at }, Tells: tells,
		Weigh: func(all map[string]int) { w.weighs = maps.Clone(all) }, Fault: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
}

func machine(network string) Asker {
	return Asker{Client: "backend", Credential: "key", Kind: store.Machine, Network: network}
}

func person(network string, proved time.Time) Asker {
	return Asker{Client: "ada", Credential: "session", Kind: store.Person, Network: network, Proved: proved}
}

func (w *watched) asks(t testing.TB, a Asker, operation string, times int) (last string) {
	for range times {
		last = w.Arrive(t.Context(), a, operation, false)
	}
	return last
}

// looks has a client look up so many customers, of whom the first are not there.
func (w *watched) looks(t testing.TB, a Asker, from, many, missed int) {
	for i := range many {
		w.Looked(t.Context(), a, fmt.Sprint("customer ", from+i), i >= missed)
	}
}

// lives has somebody do the same each hour, for days.
func (w *watched) lives(t testing.TB, a Asker, days, requests, customers int) {
	for range days * 24 {
		w.asks(t, a, read, requests)
		w.looks(t, a, 0, customers, 0)
		w.at = w.at.Add(time.Hour)
	}
}

// found are all findings, oldest first, and what was done.
func (w *watched) found(t testing.TB) []string {
	t.Helper()
	if err := w.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := w.Store.Anomalies(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	said := []string{}
	for _, f := range all {
		said = append(said, f.Rule+" "+f.Action)
	}
	return said
}

func (w *watched) undo(t testing.TB, number int) store.Anomaly {
	t.Helper()
	all, err := w.Store.Anomalies(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	f := all[len(all)-1-number]
	if err := w.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.UndoAnomaly(t.Context(), f.ID, "ada", w.at) }); err != nil {
		t.Fatal(err)
	}
	if err := w.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestEdges: each rule says nothing at its edge, and is right there beyond it; of a client that is new it only tells.
func TestEdges(t *testing.T) {
	m := machine(home)
	for name, tt := range map[string]struct {
		days, requests, customers int // of each hour before
		at, beyond                func(*watched)
		want                      string
	}{
		"origin, of 30 days": {30, 1, 0, func(*watched) {}, func(w *watched) { w.asks(t, machine(away), read, 1) }, "origin hold"},
		"origin, of 29 days": {29, 1, 0, func(w *watched) { w.asks(t, machine(away), read, 1) }, func(w *watched) { w.at = w.at.AddDate(0, 0, 2); w.asks(t, machine("203.0.113.0/24"), read, 1) }, "origin hold"},
		"burst":              {8, 50, 0, func(w *watched) { w.asks(t, m, read, 150) }, func(w *watched) { w.asks(t, m, read, 1) }, "burst halve"},
		"burst of little":    {8, 2, 0, func(w *watched) { w.asks(t, m, read, 100) }, func(w *watched) { w.asks(t, m, read, 1) }, "burst halve"},
		"burst in a week":    {6, 50, 0, func(w *watched) { w.asks(t, m, read, 150) }, func(w *watched) { w.asks(t, m, read, 1) }, "burst alert"},
		"mix":                {8, 10, 0, func(w *watched) { w.asks(t, m, read, 20); w.asks(t, m, ask, 20) }, func(w *watched) { w.asks(t, m, ask, 1) }, "mix alert"},
		"mix of little":      {8, 10, 0, func(w *watched) { w.asks(t, m, ask, 29) }, func(w *watched) { w.asks(t, m, ask, 1) }, "mix alert"},
		"customers":          {8, 1, 40, func(w *watched) { w.asks(t, m, read, 1); w.looks(t, m, 0, 200, 0) }, func(w *watched) { w.looks(t, m, 200, 1, 0) }, "enumeration throttle"},
		"customers, the same again": {8, 1, 40, func(w *watched) {
			for range 20 {
				w.looks(t, m, 0, 200, 0)
			}
		}, func(w *watched) { w.looks(t, m, 200, 1, 0) }, "enumeration throttle"},
		"nobody":            {8, 1, 1, func(w *watched) { w.looks(t, m, 0, 50, 10) }, func(w *watched) { w.looks(t, m, 50, 1, 1) }, "enumeration throttle"},
		"nobody, of little": {8, 1, 1, func(w *watched) { w.looks(t, m, 0, 49, 49) }, func(w *watched) { w.looks(t, m, 49, 1, 1) }, "enumeration throttle"},
		"nobody, in a week": {6, 1, 1, func(w *watched) { w.looks(t, m, 0, 50, 10) }, func(w *watched) { w.looks(t, m, 50, 1, 1) }, "enumeration alert"},
		"parallel":          {8, 40, 0, func(w *watched) { w.asks(t, m, read, 51); w.asks(t, machine(away), read, 50) }, func(w *watched) { w.asks(t, machine(away), read, 1) }, "parallel suspend"},
		"parallel, two sites": {8, 60, 0, func(w *watched) {
			w.lives(t, machine(away), 8, 60, 0)
			w.lives(t, m, 1, 60, 0)
			w.asks(t, m, read, 60)
			w.asks(t, machine(away), read, 60)
		}, func(w *watched) {
			w.at = w.at.Add(time.Minute)
			w.asks(t, m, read, 51)
			w.asks(t, machine("203.0.113.0/24"), read, 51)
		}, "parallel suspend"},
		"parallel, other minutes": {8, 40, 0, func(w *watched) {
			w.asks(t, m, read, 60)
			w.at = w.at.Add(time.Minute)
			w.asks(t, machine(away), read, 60)
		},
			func(w *watched) { w.asks(t, m, read, 51) }, "parallel suspend"},
		"parallel, two keys": {8, 60, 0, func(w *watched) {
			w.asks(t, m, read, 60)
			w.asks(t, Asker{Client: "backend", Credential: "other", Network: away}, read, 60)
		},
			func(w *watched) { w.asks(t, machine(away), read, 51) }, "parallel suspend"},
		"dormant": {8, 1, 0, func(w *watched) { w.at = w.at.Add(29 * day); w.asks(t, m, read, 1) }, func(w *watched) { w.at = w.at.Add(30 * day); w.asks(t, m, read, 1) }, "dormant suspend"},
		"failures": {8, 1, 0, func(w *watched) {
			for range 20 {
				w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
			}
		}, func(w *watched) { w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away}) }, "failures lock"},
		"failures, slowly": {8, 1, 0, func(w *watched) {
			for range 60 {
				w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
				w.at = w.at.Add(15 * time.Second)
			}
		}, func(w *watched) {
			for range 5 {
				w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
			}
		}, "failures lock"},
		"failures of nobody": {8, 1, 0, func(*watched) {}, func(w *watched) {
			for range 21 {
				w.Refused(t.Context(), Refusal{Network: away})
			}
		}, "failures alert"},
		"a request again": {8, 1, 0, func(*watched) {}, func(w *watched) {
			w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: home, Again: true})
		}, "reuse alert"},
		"a request again, from elsewhere": {8, 1, 0, func(*watched) {}, func(w *watched) {
			w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away, Again: true})
		}, "reuse suspend"},
		"a revoked key": {8, 1, 0, func(*watched) {}, func(w *watched) {
			w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away, Ended: true})
		}, "reuse alert"},
		"guesses at how somebody signs in": {8, 1, 0, func(w *watched) { w.failsToSignIn(t, "ada", 4, 16) }, func(w *watched) { w.failsToSignIn(t, "ada", 0, 1) }, "failures alert"},
		"guesses of names that nobody has": {8, 1, 0, func(w *watched) { w.failsToSignIn(t, "", 3, 17) }, func(w *watched) { w.failsToSignIn(t, "", 1, 0) }, "failures alert"},
		"guesses from here and there":      {8, 1, 0, func(w *watched) { w.failsToSignIn(t, "ada", 20, 0); w.failsToSignIn(t, "bob", 20, 0) }, func(w *watched) { w.failsToSignIn(t, "bob", 0, 7) }, "failures alert"},
		"a token of before": {8, 1, 0, func(w *watched) {
			ctx := audit.With(t.Context(), audit.Origin{Client: "app"})
			for _, reason := range []string{"the app gave it back", ""} {
				if err := w.Store.Write(ctx, func(tx *store.Tx) error {
					return audit.Record(ctx, tx, audit.Act{At: w.at, Action: "grant.revoke", Object: "grant", Outcome: audit.Done, Reason: reason})
				}); err != nil {
					t.Fatal(err)
				}
			}
		}, func(w *watched) {
			ctx := audit.With(t.Context(), audit.Origin{Client: "app"})
			if err := w.Store.Write(ctx, func(tx *store.Tx) error {
				return audit.Record(ctx, tx, audit.Act{At: w.at, Action: "grant.revoke", Object: "grant", Outcome: audit.Done, Reason: "an old token of it turned up"})
			}); err != nil {
				t.Fatal(err)
			}
		}, "reuse alert"},
		"a key that acts for others, from where they are": {31, 1, 0, func(w *watched) {
			w.asks(t, Asker{Client: "backend", Credential: "grant", Kind: "app", Network: away}, read, 1)
		}, func(w *watched) { w.asks(t, machine("203.0.113.0/24"), read, 1) }, "origin hold"},
		"a passkey's copy": {8, 1, 0, func(*watched) {}, func(w *watched) {
			ctx := audit.With(t.Context(), audit.Local())
			if err := w.Store.Write(ctx, func(tx *store.Tx) error {
				return audit.Record(ctx, tx, audit.Act{At: w.at, Action: "passkey.suspend", Object: "ada", Outcome: audit.Done})
			}); err != nil {
				t.Fatal(err)
			}
		}, "reuse alert"},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			w.lives(t, m, tt.days, tt.requests, tt.customers)
			w.at = w.at.Add(time.Minute)
			if tt.at(w); len(w.found(t)) > 0 {
				t.Errorf("at the edge: %v", w.found(t))
			}
			tt.beyond(w)
			if diff := cmp.Diff([]string{tt.want}, w.found(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPages: each rule has a page, each action a word there, and what undoing it does.
func TestPages(t *testing.T) {
	page, err := os.ReadFile("../../docs/anomalies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range Rules {
		if !strings.Contains(string(page), "\n## "+rule+"\n") || quiet[rule] == 0 || quiet[rule] > longest {
			t.Errorf("%s is not explained, or quiet for %v", rule, quiet[rule])
		}
	}
	for _, action := range []string{Alert, Hold, Halve, Throttle, Lock, Suspend, StepUp} {
		if !strings.Contains(string(page), action) || undo[action] == "" {
			t.Errorf("%s is not explained", action)
		}
	}
}

// failsToSignIn puts on record that somebody could not be signed in: so many rows, and one more that stands for several.
func (w *watched) failsToSignIn(t *testing.T, person string, rows int, several int64) {
	t.Helper()
	ctx := audit.With(t.Context(), audit.Local())
	err := w.Store.Write(ctx, func(tx *store.Tx) error {
		for range rows {
			if err := audit.Record(ctx, tx, audit.Act{At: w.at, Action: "sign-in", Object: person, Outcome: audit.Denied}); err != nil {
				return err
			}
		}
		if several == 0 {
			return nil
		}
		return audit.Record(ctx, tx, audit.Act{At: w.at, Action: "sign-in", Object: person, Outcome: audit.Denied, Count: several})
	})
	if err != nil {
		t.Fatal(err)
	}
}
