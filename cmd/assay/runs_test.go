package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/runs"
	"github.com/assay-por/assay/web/store"
)

// A workshop is an exchange whose statements two of three people must approve, with a database in which runs are asked for.
type workshop struct {
	*exchange
	people []*keys.Signer
	store  *store.Store
	worker *os.Process
	n      byte // runs asked for
}

func newWorkshop(t *testing.T, lines string) *workshop {
	t.Helper()
	w := &workshop{exchange: newExchange(t, "[worker]\nruns = \"runs\"\n[server]\nreports = \"reports\"\n"+lines+
		"[approvals]\nrequired = 2\nkeys = [\"p0.pub\", \"p1.pub\", \"p2.pub\"]\n")}
	writeKEK(t, w.dir)
	id, err := age.ParseX25519Identity(strings.TrimSpace(read(t, w.dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		key, err := keys.GenerateSigner(rand.Reader, attest.Ed25519)
		if err == nil {
			err = key.Save(filepath.Join(w.dir, fmt.Sprintf("p%d.age", i)), keys.Lock{Recipients: []age.Recipient{id.Recipient()}})
		}
		if err != nil {
			t.Fatal(err)
		}
		w.people = append(w.people, key)
	}
	if w.store, err = store.Open(t.Context(), filepath.Join(w.dir, "assay.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// works starts the worker; one that works already is killed first.
func (w *workshop) works(t *testing.T) (stderr string) {
	t.Helper()
	if w.worker != nil {
		_ = w.worker.Kill()
		_, _ = w.worker.Wait() // what it held is free once it is gone
	}
	stderr, w.worker = background(t, w.dir, w.assay, opened("worker")...)
	return stderr
}

func (w *workshop) does(t *testing.T, change func(*store.Tx) (store.Run, error)) (r store.Run) {
	t.Helper()
	err := w.store.Write(t.Context(), func(tx *store.Tx) (err error) { r, err = change(tx); return err })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// by is who asks for the next thing.
func (w *workshop) by() runs.Asker {
	w.n++
	return runs.Asker{Client: "c", Credential: "k", ID: strings.Repeat("a", 15) + string('a'+w.n), At: time.Now()}
}

func (w *workshop) asks(t *testing.T, period, at string) (id string) {
	t.Helper()
	return w.does(t, func(tx *store.Tx) (store.Run, error) {
		return runs.Ask(t.Context(), tx, w.by(), runs.Wish{Period: period, Instant: at, Unsigned: true})
	}).ID
}

// reaches waits until a run is in a state, and its last event says so in such words.
func (w *workshop) reaches(t *testing.T, id, state, words string) store.Run {
	t.Helper()
	return w.is(t, id, words, state)
}

// is is reaches for one of several states.
func (w *workshop) is(t *testing.T, id, words string, states ...string) store.Run {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for {
		r, err := w.store.Run(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		events, err := w.store.RunEvents(t.Context(), id, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(states, r.State) && slices.ContainsFunc(events, func(e store.RunEvent) bool { return strings.Contains(e.Text, words) }) {
			return r
		}
		if time.Now().After(deadline) || r.State == runs.Failed && !slices.Contains(states, r.State) {
			t.Fatalf("it is %s, want %s and %q: %v", r.State, strings.Join(states, " or "), words, events)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (w *workshop) approve(t *testing.T, r store.Run, kind string, by ...attest.Signer) {
	t.Helper()
	e, err := attest.Sign(kind, r.Draft, by...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	w.does(t, func(tx *store.Tx) (store.Run, error) { return runs.Approve(t.Context(), tx, r.ID, time.Now(), raw) })
}

func (w *workshop) publish(t *testing.T, r store.Run) {
	t.Helper()
	w.does(t, func(tx *store.Tx) (store.Run, error) {
		return runs.Publish(t.Context(), tx, r.ID, time.Now(), r.Digest)
	})
}

// TestWorkerRuns: what was asked for is drawn up, waits for people, is published where the server shows it, and is withdrawn by the same people; whatever
// moment the worker is killed at.
func TestWorkerRuns(t *testing.T) {
	w := newWorkshop(t, "")
	w.must(t, "ledger", "synth", "--customers", "100000", "--held", "2", "--out", "ledger.csv")
	id := w.asks(t, "2026-10", "2026-10-31T00:00:00Z")
	w.works(t)
	w.reaches(t, id, runs.Running, "reserves: ") // the tree is being built
	for range 3 {
		w.works(t)
		w.is(t, id, "taken up again", runs.Running, runs.Waiting) // it may be built meanwhile
	}
	r := w.reaches(t, id, runs.Waiting, "waiting for approvals of the draft")
	if isThere(w.dir, "reports", id) {
		t.Error("what nobody approved is shown")
	}
	w.approve(t, r, attest.PayloadType, w.people[0], w.people[2])
	w.reaches(t, id, runs.Waiting, "waiting for somebody to ask that the draft be published")
	w.works(t)
	w.publish(t, r)
	time.Sleep(50 * time.Millisecond) // somewhere between the wish and its end
	w.works(t)
	done := w.reaches(t, id, runs.Published, "")
	if done.Statement != r.Digest {
		t.Errorf("published %s, approved %s", done.Statement, r.Digest)
	}
	w.judges(t, 0, "bundle", "reports/"+id+"/bundle.zip", "--log", "log")

	signed, err := report.Read([]byte(read(t, w.dir, "reports", id, "bundle", report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	takenBack := w.does(t, func(tx *store.Tx) (store.Run, error) {
		return runs.Withdraw(t.Context(), tx, w.by(), signed, "A ledger was left out.")
	})
	w.reaches(t, takenBack.ID, runs.Waiting, "waiting for approvals of the withdrawal")
	w.approve(t, takenBack, attest.PayloadEntry, w.people[1])
	w.reaches(t, takenBack.ID, runs.Waiting, "1 of 2 are there")
	w.works(t)
	w.approve(t, takenBack, attest.PayloadEntry, w.people[2])
	w.reaches(t, takenBack.ID, runs.Published, "")
	has(t, w.judges(t, 1, "bundle", "reports/"+id+"/bundle.zip", "--log", "log"), "A ledger was left out.")
}

// TestWorkerRuns_ChangedDraft: a draft that changed is another one, for which nobody's word was given.
func TestWorkerRuns_ChangedDraft(t *testing.T) {
	w := newWorkshop(t, "")
	id := w.asks(t, "2026-10", "2026-10-31T00:00:00Z")
	w.works(t)
	r := w.reaches(t, id, runs.Waiting, "waiting for approvals of the draft")
	w.approve(t, r, attest.PayloadType, w.people[0], w.people[1])
	w.reaches(t, id, runs.Waiting, "waiting for somebody")
	w.write(t, "assay.toml", strings.Replace(read(t, w.dir, "assay.toml"), `included = ["spot"]`, `included = ["spot", "savings"]`, 1))
	w.works(t)
	w.publish(t, r)
	other := w.reaches(t, id, runs.Waiting, "0 of 2 are there, and 2 of an older draft")
	if other.Digest == r.Digest || other.Publish != "" {
		t.Errorf("draft %s, to be published: %q", other.Digest, other.Publish)
	}
	err := w.store.Write(t.Context(), func(tx *store.Tx) error {
		_, err := runs.Publish(t.Context(), tx, id, time.Now(), other.Digest)
		return err
	})
	var c *runs.Conflict
	if !errors.As(err, &c) {
		t.Errorf("what nobody approved is to be published: %v", err)
	}
}

// TestWorkerRuns_Moved: a report whose figures moved too far since the last one that is shown waits for somebody to confirm that, in the run's own folder.
func TestWorkerRuns_Moved(t *testing.T) {
	w := newWorkshop(t, "")
	w.works(t)
	publishes := func(id string) {
		t.Helper()
		r := w.reaches(t, id, runs.Waiting, "waiting for approvals of the draft")
		w.approve(t, r, attest.PayloadType, w.people[0], w.people[1])
		w.publish(t, r)
		w.reaches(t, id, runs.Published, "")
	}
	publishes(w.asks(t, "2026-10", "2026-10-31T00:00:00Z"))
	w.must(t, "ledger", "synth", "--customers", "3", "--held", "1", "--out", "ledger.csv")
	id := w.asks(t, "2026-11", "2026-11-15T00:00:00Z")
	w.reaches(t, id, runs.Waiting, "waiting for somebody to confirm what moved since the former statement")
	var r review
	unmarshal(t, w.must(t, "report", "--run", id, "--json"), &r)
	if r.Confirm == "" || len(r.Drifts) == 0 {
		t.Fatalf("nothing to confirm: %+v", r)
	}
	w.must(t, "confirm", r.Confirm, "--run", id)
	w.does(t, func(tx *store.Tx) (store.Run, error) { return runs.Resume(t.Context(), tx, id, time.Now()) })
	publishes(id)
	w.judges(t, 0, "bundle", "reports/"+id+"/bundle.zip", "--log", "log")

	// Another one of the same period takes its place, or is none.
	w.reaches(t, w.asks(t, "2026-11", "2026-11-15T00:00:00Z"), runs.Failed, "")
	again := w.does(t, func(tx *store.Tx) (store.Run, error) {
		return runs.Ask(t.Context(), tx, w.by(), runs.Wish{Period: "2026-11", Instant: "2026-11-15T00:00:00Z", Supersedes: "A wallet was left out."})
	})
	publishes(again.ID)
	has(t, w.judges(t, 1, "bundle", "reports/"+id+"/bundle.zip", "--log", "log"), "A wallet was left out.")
	w.judges(t, 0, "bundle", "reports/"+again.ID+"/bundle.zip", "--log", "log")
}

// TestWorkerRuns_BrokenServer: whoever can write to the database as they like has nothing signed that the people did not approve, and no file written elsewhere.
func TestWorkerRuns_BrokenServer(t *testing.T) {
	w := newWorkshop(t, "")
	ctx := t.Context()
	w.works(t)
	id := w.asks(t, "2026-10", "2026-10-31T00:00:00Z")
	r := w.reaches(t, id, runs.Waiting, "waiting for approvals of the draft")
	forged := func(r store.Run, kind string, by ...attest.Signer) {
		t.Helper()
		w.does(t, func(tx *store.Tx) (store.Run, error) {
			for i, key := range []string{"../../../forged", w.people[0].PublicKey().KeyID(), w.people[1].PublicKey().KeyID()} {
				if err := tx.AddApproval(ctx, r.ID, r.Digest, key, []byte(envelope(t, kind, string(r.Draft), by[i%len(by)])), time.Now()); err != nil {
					return r, err
				}
			}
			return tx.ChangeRun(ctx, r.ID, func(r *store.Run) error { r.Publish, r.Due = r.Digest, time.Now(); return nil })
		})
	}
	mallory, err := keys.GenerateSigner(rand.Reader, attest.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	forged(r, attest.PayloadType, mallory)
	w.reaches(t, id, runs.Failed, "which is not among the 1 keys given")
	if isThere(w.dir, "forged.dsse.json") || isThere(w.dir, "reports", id) || isThere(w.dir, "runs", id, fileEnvelope) {
		t.Error("a forged approval was of use")
	}

	id = w.asks(t, "2026-10", "2026-10-31T00:00:00Z")
	r = w.reaches(t, id, runs.Waiting, "waiting for approvals of the draft")
	w.approve(t, r, attest.PayloadType, w.people[0], w.people[1])
	w.publish(t, r)
	w.reaches(t, id, runs.Published, "")
	signed, err := report.Read([]byte(read(t, w.dir, "reports", id, "bundle", report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := w.does(t, func(tx *store.Tx) (store.Run, error) {
		r := store.Run{ID: "../../../forged", Kind: runs.Finding, State: runs.Asked, About: signed.Digest.String(), Content: []byte("{}"), Created: time.Now(), Changed: time.Now(), Due: time.Now()}
		return r, tx.AddRun(ctx, r)
	})
	w.reaches(t, elsewhere.ID, runs.Failed, "no id of a run")
	if isThere(w.dir, "forged.dsse.json") {
		t.Error("a run's id leads out of its folder")
	}
	signed.Statement.Predicate.Approvals = report.Approvals{Keys: []attest.PublicKey{}} // as if nobody had to
	takenBack := w.does(t, func(tx *store.Tx) (store.Run, error) { return runs.Withdraw(ctx, tx, w.by(), signed, "Nobody knows.") })
	w.reaches(t, takenBack.ID, runs.Waiting, "waiting for approvals of the withdrawal "+takenBack.Digest+": 0 of 2 are there")
	forged(takenBack, attest.PayloadEntry, w.people[0]) // one person, three times
	w.reaches(t, takenBack.ID, runs.Waiting, "waiting for approvals of the withdrawal "+takenBack.Digest+": 1 of 2 are there")
	w.judges(t, 0, "bundle", "reports/"+id+"/bundle.zip", "--log", "log")
}
