package anomaly

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/store/pgtest"
)

// beside begins a second server on the database of a first, which has to be one that servers share.
func beside(t *testing.T, w *watched) *watched {
	t.Helper()
	if pgtest.URL(w.path) == "" {
		t.Skip("of servers that share a database: see TestOnPostgres")
	}
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := &watched{path: w.path, at: w.at}
	second.begins(t, false)
	return second
}

// TestHalves: of what two servers see half of each, both together find what one would have found, within a turn of each, and not before its edge.
func TestHalves(t *testing.T) {
	m := machine(home)
	for name, tt := range map[string]struct {
		one, other func(*watched)
		edge       func(*watched) // at both: nothing yet
		late       time.Duration  // until they tell each other
		want       []string
	}{
		"burst": {edge: func(w *watched) { w.asks(t, m, read, 75) }, one: func(w *watched) { w.asks(t, m, read, 1) }, want: []string{"burst halve"}},
		"burst of the minute before": {edge: func(w *watched) { w.asks(t, m, read, 75) }, one: func(w *watched) { w.asks(t, m, read, 1) }, late: 30 * time.Second,
			want: []string{"burst halve"}},
		"mix": {edge: func(w *watched) { w.asks(t, m, ask, 14) }, one: func(w *watched) { w.asks(t, m, ask, 2) }, want: []string{"mix alert"}},
		"enumeration": {edge: func(*watched) {}, one: func(w *watched) { w.looks(t, m, 0, 51, 0) }, other: func(w *watched) { w.looks(t, m, 1000, 51, 0) },
			want: []string{"enumeration throttle"}},
		"nobody is found": {edge: func(w *watched) { w.looks(t, m, 0, 24, 24) }, one: func(w *watched) { w.looks(t, m, 24, 2, 2) }, want: []string{"enumeration throttle"}},
		"failures": {edge: func(w *watched) {
			for range 10 {
				w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
			}
		}, one: func(w *watched) { w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away}) }, want: []string{"failures lock"}},
		"parallel": {edge: func(*watched) {}, one: func(w *watched) { w.asks(t, m, read, 51) }, other: func(w *watched) { w.asks(t, machine(away), read, 51) },
			want: []string{"parallel suspend"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			w.lives(t, m, 8, 50, 20)
			w.at = w.at.Add(40 * time.Second)
			second := beside(t, w)
			tell := func(server *watched) {
				t.Helper()
				if err := server.Add(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			tt.edge(w)
			tt.edge(second)
			for _, server := range []*watched{w, second, w} {
				tell(server)
			}
			if found := w.found(t); len(found) > 0 {
				t.Fatalf("at its edge: %v", found)
			}
			tt.one(w)
			if tt.other != nil {
				tt.other(second)
			}
			w.at, second.at = w.at.Add(tt.late), second.at.Add(tt.late)
			tell(w)
			tell(second)
			tell(w)
			second.found(t)
			if diff := cmp.Diff(tt.want, w.found(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestHeldBack: what could not be told to other servers is told later, once.
func TestHeldBack(t *testing.T) {
	w := watch(t)
	w.lives(t, machine(home), 8, 50, 0)
	second := beside(t, w)
	w.asks(t, machine(home), read, 100)
	for range 15 {
		w.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
	}
	gone, goes := context.WithCancel(t.Context())
	goes()
	if err := w.Add(gone); err == nil {
		t.Fatal("told nobody, and says nothing")
	}
	for range 2 {
		if err := w.Add(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	second.asks(t, machine(home), read, 50)
	for range 5 {
		second.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
	}
	if err := second.Add(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := second.found(t); len(found) > 0 {
		t.Errorf("150 requests and 20 failures are no more than usual: %v", found)
	}
	second.asks(t, machine(home), read, 1)
	second.Refused(t.Context(), Refusal{Client: "backend", Credential: "key", Network: away})
	if diff := cmp.Diff([]string{"burst halve", "failures lock"}, second.found(t)); diff != "" {
		t.Error(diff)
	}
}

// TestJoined: of what each of two servers has seen of a client nothing is lost, whichever writes it last.
func TestJoined(t *testing.T) {
	w := watch(t)
	w.lives(t, machine(home), 2, 10, 0)
	second := beside(t, w)
	second.asks(t, machine(away), ask, 5) // it knows the client from here on
	w.asks(t, machine(home), read, 60)
	w.looks(t, machine(home), 0, 30, 0)
	w.at = w.at.Add(time.Hour)
	second.at = w.at
	w.asks(t, machine(home), read, 1)
	second.asks(t, machine(away), ask, 7)
	for _, server := range []*watched{w, second} {
		if err := server.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	third := &watched{path: w.path, at: w.at}
	third.begins(t, false)
	c := third.follow(t.Context(), "backend")
	defer c.mu.Unlock()
	if c.usual != (usual{60, 30}) || c.Now.Requests != 7 || c.Networks[home] == nil || c.Networks[away] == nil || c.Operations[read] == nil || c.Operations[ask] == nil {
		t.Errorf("%+v, of the hour %+v, networks %v, operations %v", c.usual, c.Now, c.Networks, c.Operations)
	}
	if len(c.Hours) != 49 || c.Hours[48].Requests != 60 {
		t.Errorf("%d hours, the last of them %+v", len(c.Hours), c.Hours[len(c.Hours)-1])
	}
}
