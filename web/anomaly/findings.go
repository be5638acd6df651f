package anomaly

import (
	"encoding/base32"
	"fmt"
	"io"
	"time"

	"github.com/assay-por/assay/web/store"
)

// measures are what is in force.
type measures struct {
	suspended map[string]bool      // credentials
	held      map[place]bool       // where a client changes nothing
	locked    map[source]time.Time // until when
	proved    map[string]time.Time // sessions whose person must have shown a passkey since
	weights   map[string]int       // of clients' requests
}

// place is a client in a network; in all of them if that is empty.
type place struct{ client, network string }

// of is what is done about a request.
func (m *measures) of(a Asker, changes bool) string {
	switch since, asked := m.proved[a.Credential]; {
	case m.suspended[a.Credential]:
		return Suspend
	case changes && (m.held[place{a.Client, a.Network}] || m.held[place{a.Client, ""}]):
		return Hold
	case asked && !a.Proved.After(since):
		return StepUp
	}
	return ""
}

// Locked reports whether a credential lets nobody in from a network for now, though it is good. Whoever shows it learns no more than of one that is not.
func (w *Watch) Locked(a Asker) bool {
	return w.Now().Before(w.measures.Load().locked[source{a.Credential, a.Network}])
}

// enforce puts in force what the open findings say. The findings are locked.
func (w *Watch) enforce() {
	m := &measures{map[string]bool{}, map[place]bool{}, map[source]time.Time{}, map[string]time.Time{}, map[string]int{}}
	for _, f := range w.open {
		switch f.Action {
		case Suspend:
			m.suspended[f.Credential] = true
		case Hold:
			m.held[place{f.Client, f.Network}] = true
		case Lock:
			m.locked[source{f.Credential, f.Network}] = f.Until
		case StepUp:
			m.proved[f.Credential] = f.At
		case Halve, Throttle:
			m.weights[f.Client] = max(m.weights[f.Client], weights[f.Action])
		}
	}
	w.measures.Store(m)
	if w.Weigh != nil {
		w.Weigh(m.weights)
	}
}

// stands reports whether there is an open finding of a rule about a client.
func (w *Watch) stands(client, rule string) bool {
	w.finding.Lock()
	defer w.finding.Unlock()
	for which, f := range w.open {
		if which.client == client && which.rule == rule && holds(f, w.Now()) {
			return true
		}
	}
	return false
}

func holds(f store.Anomaly, now time.Time) bool { return f.Until.IsZero() || now.Before(f.Until) }

// raise takes a finding, unless it is one that there is, or somebody said lately that it is as it should be. It is in force at once, and in the database
// within a second.
func (w *Watch) raise(f store.Anomaly) {
	w.finding.Lock()
	defer w.finding.Unlock()
	f.At = f.At.UTC().Truncate(time.Second)
	if f.Rule == Origin && w.openOf(f, func(o store.Anomaly) bool { return o.Rule == Origin }) >= maxOrigins {
		f.Network, f.Saw = "", fmt.Sprintf("more than %d new networks", maxOrigins)
	}
	if f.Action == Alert {
		f.Until = f.At.Add(week * time.Hour) // then it may be told anew
	}
	which := what{aboutOf(f), f.Action}
	if before, there := w.open[which]; there && holds(before, f.At) || f.At.Before(w.undone[which.about]) {
		return
	}
	if len(w.open) >= maxOpen || w.openOf(f, func(o store.Anomaly) bool { return o.Rule == f.Rule }) >= maxOf {
		return
	}
	id, err := w.newID()
	if err != nil {
		w.Fault(err)
		return
	}
	f.ID, f.Undo = id, undo[f.Action]
	w.open[which] = f
	w.waiting = append(w.waiting, f)
	w.enforce()
}

// openOf is how many open findings there are about the same client of some kind.
func (w *Watch) openOf(f store.Anomaly, of func(store.Anomaly) bool) (n int) {
	for _, other := range w.open {
		if other.Client == f.Client && holds(other, f.At) && of(other) {
			n++
		}
	}
	return n
}

var spelling = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID draws an id.
func (w *Watch) newID() (string, error) {
	var id [10]byte
	if _, err := io.ReadFull(w.Random, id[:]); err != nil {
		return "", fmt.Errorf("a finding has no id: %w", err)
	}
	return spelling.EncodeToString(id[:]), nil
}
