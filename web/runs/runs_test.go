package runs

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

// TestOnPostgres runs all tests of this room on PostgreSQL too.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }

// A desk is a database with a clock that stands where it is put, and a worker.
type desk struct {
	*testing.T
	store  *store.Store
	path   string
	at     time.Time
	worker Worker
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	path := filepath.Join(t.TempDir(), "assay.db")
	s := storetest.Sealed(t, path)
	d := &desk{T: t, store: s, path: path, at: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	d.worker = Worker{Store: s, Name: "here", Now: func() time.Time { return d.at }}
	return d
}

func (d *desk) do(change func(tx *store.Tx) (store.Run, error)) (r store.Run, err error) {
	d.Helper()
	err = d.store.Write(d.Context(), func(tx *store.Tx) error { r, err = change(tx); return err })
	return r, err
}

func (d *desk) ask(id string) store.Run {
	d.Helper()
	r, err := d.do(func(tx *store.Tx) (store.Run, error) {
		return Ask(d.Context(), tx, Asker{Client: "c", Credential: "k", ID: id, At: d.at}, Wish{Period: "2026-11", Instant: "2026-11-30T00:00:00Z"})
	})
	if err != nil {
		d.Fatal(err)
	}
	return r
}

func (d *desk) claims(w Worker, want string) store.Run {
	d.Helper()
	r, err := w.Claim(d.Context())
	if want == "" && !errors.Is(err, store.ErrNoRun) || want != "" && (err != nil || r.ID != want) {
		d.Fatalf("%s claims %q, %v, want %q", w.Name, r.ID, err, want)
	}
	return r
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) run(id string) store.Run {
	d.Helper()
	r, err := d.store.Run(d.Context(), id)
	d.must(err)
	return r
}

// conflicts wants a refusal of what a run is not in a state for.
func conflicts(t *testing.T, err error, words string) {
	t.Helper()
	var c *Conflict
	if !errors.As(err, &c) || !strings.Contains(c.Sentence, words) {
		t.Errorf("%v, want a conflict with %q", err, words)
	}
}

// TestOneAtATime: one run is worked on, by one worker; who is silent for too long has lost it, and what it does then counts for nothing.
func TestOneAtATime(t *testing.T) {
	d := newDesk(t)
	other := d.worker
	other.Name = "there"
	d.claims(d.worker, "")
	d.ask("one")
	d.at = d.at.Add(time.Second)
	d.ask("two")
	d.claims(d.worker, "one")
	d.claims(other, "")
	d.at = d.at.Add(Lease - time.Second)
	if cancel, err := d.worker.Renew(t.Context(), "one"); cancel || err != nil {
		t.Fatal(cancel, err)
	}
	d.at = d.at.Add(Lease - time.Second)
	d.claims(other, "")
	d.claims(d.worker, "one") // it was killed, and is here again
	d.at = d.at.Add(Lease)
	d.claims(other, "one")
	for name, err := range map[string]error{
		"stage":    d.worker.Stage(t.Context(), "one", "text"),
		"progress": d.worker.Progress(t.Context(), "one", "text"),
		"publish":  d.worker.Publish(t.Context(), "one", "aa"),
		"wait":     d.worker.Wait(t.Context(), "one", "text", time.Time{}),
		"release":  d.worker.Release(t.Context(), "one"),
	} {
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.must(other.Release(t.Context(), "one"))
	d.claims(d.worker, "one") // it is gone on with before another one is begun
	d.must(d.worker.Fail(t.Context(), "one", "no"))
	d.claims(d.worker, "two")
	d.must(d.worker.Wait(t.Context(), "two", "waiting for a node", d.at.Add(30*time.Second)))
	d.claims(d.worker, "")
	d.at = d.at.Add(30 * time.Second)
	d.claims(d.worker, "two")
	d.must(d.worker.Wait(t.Context(), "two", "waiting for people", time.Time{}))
	d.at = d.at.Add(time.Hour)
	d.claims(d.worker, "")
	for _, id := range []string{"one", "two"} {
		if _, err := d.do(func(tx *store.Tx) (store.Run, error) { return Resume(t.Context(), tx, id, d.at) }); err != nil {
			t.Fatal(err)
		}
	}
	d.claims(d.worker, "one")
	if _, err := d.do(func(tx *store.Tx) (store.Run, error) { return Resume(t.Context(), tx, "one", d.at) }); err == nil {
		t.Error("what is worked on was resumed")
	}
}

// TestManyWorkers: of several workers that share a database one does a run, once, and one run is worked on at a time.
func TestManyWorkers(t *testing.T) {
	d := newDesk(t)
	const asked = 12
	for i := range asked {
		d.ask(string(rune('a' + i)))
	}
	var mu sync.Mutex
	did, busy := map[string]int{}, 0
	var all sync.WaitGroup
	for i := range 4 {
		w := Worker{Store: storetest.Sealed(t, d.path), Name: string(rune('A' + i)), Now: d.worker.Now}
		all.Go(func() {
			for {
				mu.Lock()
				over := len(did) == asked && busy == 0
				mu.Unlock()
				if over {
					return
				}
				r, err := w.Claim(t.Context())
				if errors.Is(err, store.ErrNoRun) {
					time.Sleep(time.Millisecond)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				did[r.ID]++
				if busy++; busy > 1 {
					t.Errorf("%d runs are worked on at once", busy)
				}
				busy--
				mu.Unlock()
				if err := errors.Join(w.Stage(t.Context(), r.ID, "build: done"), w.Publish(t.Context(), r.ID, "aa")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	for id, times := range did {
		if times != 1 || d.run(id).State != Published {
			t.Errorf("%s was done %d times, and is %s", id, times, d.run(id).State)
		}
	}
}

// TestEvents: each has a number of its own; how far a stage was is forgotten once anything newer is known, and what was told is not told twice.
func TestEvents(t *testing.T) {
	d := newDesk(t)
	w, ctx := d.worker, t.Context()
	d.ask("one")
	d.claims(w, "one")
	for _, text := range []string{"tree: 1 %", "tree: 2 %"} {
		d.must(w.Progress(ctx, "one", text))
	}
	d.must(w.Stage(ctx, "one", "build: done"))
	d.must(w.Progress(ctx, "one", "draft"))
	for range 2 {
		d.must(w.Wait(ctx, "one", "waiting for people "+strings.Repeat("ä", maxText), d.at))
		d.claims(w, "one")
		d.must(w.Stage(ctx, "one", "build: done"))
	}
	events, err := d.store.RunEvents(ctx, "one", 0, 100)
	d.must(err)
	var got []string
	for i, e := range events {
		if i > 0 && e.Seq <= events[i-1].Seq {
			t.Errorf("event %d after %d", e.Seq, events[i-1].Seq)
		}
		if len(e.Text) > maxText {
			t.Errorf("an event of %d bytes", len(e.Text))
		}
		got = append(got, e.Kind+" "+e.Text[:min(len(e.Text), 18)])
	}
	want := []string{"asked report", "started ", "stage build: done", "waiting waiting for people"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	after, err := d.store.RunEvents(ctx, "one", events[2].Seq, 1)
	if err != nil || len(after) != 1 || after[0] != events[3] {
		t.Errorf("%v %v", after, err)
	}
}

// people are approvers; the draft that they approve is no statement of anything, but a withdrawal.
func people(t *testing.T, n int) (all []*keys.Signer, who report.Approvals) {
	t.Helper()
	var public []attest.PublicKey
	for range n {
		s, err := keys.GenerateSigner(rand.Reader, attest.Ed25519)
		if err != nil {
			t.Fatal(err)
		}
		all, public = append(all, s), append(public, s.PublicKey())
	}
	who, err := report.NewApprovals(2, public...)
	if err != nil {
		t.Fatal(err)
	}
	return all, who
}

func approval(t *testing.T, kind string, payload []byte, by ...attest.Signer) []byte {
	t.Helper()
	e, err := attest.Sign(kind, payload, by...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestWithdrawal: it is for the statement's approvers to say, over the very entry; and not for whoever asked.
func TestWithdrawal(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	all, who := people(t, 3)
	alice, bob, carol := all[0], all[1], all[2]
	mallory, _ := people(t, 2)
	var s report.Signed
	s.Digest, s.Statement.Predicate.Snapshot.Exchange.Name, s.Statement.Predicate.Approvals = report.Digest{7}, "Demo Exchange", who
	if _, err := d.do(func(tx *store.Tx) (store.Run, error) { return Withdraw(ctx, tx, Asker{ID: "none", At: d.at}, s, "") }); !isInvalid(err) {
		t.Errorf("no reason: %v", err)
	}
	r, err := d.do(func(tx *store.Tx) (store.Run, error) {
		return Withdraw(ctx, tx, Asker{ID: "one", At: d.at}, s, "The ledger was not whole.")
	})
	d.must(err)
	approve := func(raw []byte, asker ...attest.PublicKey) error {
		_, err := d.do(func(tx *store.Tx) (store.Run, error) { return Approve(ctx, tx, "one", d.at, raw, asker...) })
		return err
	}
	for name, raw := range map[string][]byte{
		"a stranger":         approval(t, attest.PayloadEntry, r.Draft, mallory[0]),
		"one and a stranger": approval(t, attest.PayloadEntry, r.Draft, alice, mallory[0]),
		"a statement":        approval(t, attest.PayloadType, r.Draft, alice),
		"no envelope":        []byte("{}"),
	} {
		if err := approve(raw); !isInvalid(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	conflicts(t, approve(approval(t, attest.PayloadEntry, append([]byte(" "), r.Draft...), alice)), "it changed since")
	if err := approve(approval(t, attest.PayloadEntry, r.Draft, alice), alice.PublicKey()); !errors.Is(err, ErrSelf) {
		t.Errorf("one's own: %v", err)
	}
	if n := len(d.approvals("one")); n != 0 {
		t.Errorf("%d approvals were kept", n)
	}
	d.claims(d.worker, "one")
	d.must(d.worker.Wait(ctx, "one", "waiting for approvals", time.Time{}))
	for range 2 {
		d.must(approve(approval(t, attest.PayloadEntry, r.Draft, bob)))
	}
	publish := func() error {
		_, err := d.do(func(tx *store.Tx) (store.Run, error) { return Publish(ctx, tx, "one", d.at, r.Digest) })
		return err
	}
	conflicts(t, publish(), "2 approvals of the draft, and 1 are there")
	d.must(approve(approval(t, attest.PayloadEntry, r.Draft, bob, carol)))
	if n := len(d.approvals("one")); n != 2 {
		t.Errorf("%d approvals, want 2", n)
	}
	d.must(publish())
	d.claims(d.worker, "one")
	_, err = d.do(func(tx *store.Tx) (store.Run, error) { return Cancel(ctx, tx, "one", d.at) })
	conflicts(t, err, "being published")
	d.must(d.worker.Publish(ctx, "one", s.Digest.String()))
	conflicts(t, approve(approval(t, attest.PayloadEntry, r.Draft, alice)), "it is over")
	conflicts(t, publish(), "it is over")
	events, err := d.store.Events(ctx, 0, 10)
	if err != nil || len(events) != 1 || !strings.Contains(string(events[0].Text), `"withdrawal.publish"`) || !strings.Contains(string(events[0].Text), `"worker"`) {
		t.Errorf("audit log: %v %v", events, err)
	}
	var told []string
	d.must(d.store.Write(ctx, func(tx *store.Tx) error {
		return tx.SpreadHookEvents(ctx, func(event string) []string { told = append(told, event); return nil })
	}))
	if diff := cmp.Diff([]string{store.RunWaiting, store.ReportWithdrawn}, told); diff != "" {
		t.Errorf("told: %s", diff)
	}
}

func isInvalid(err error) bool {
	var i *Invalid
	return errors.As(err, &i)
}

func (d *desk) approvals(id string) map[string][]byte {
	d.Helper()
	all, err := d.store.Approvals(d.Context(), id, d.run(id).Digest)
	d.must(err)
	return all
}

// TestCancel: what waits ends at once, what is worked on once its worker hears of it.
func TestCancel(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	cancel := func(id string) error {
		_, err := d.do(func(tx *store.Tx) (store.Run, error) { return Cancel(ctx, tx, id, d.at) })
		return err
	}
	for _, id := range []string{"asked", "left", "worked on"} {
		d.ask(id)
	}
	d.must(cancel("asked"))
	d.claims(d.worker, "left")
	d.must(cancel("left"))
	if stop, err := d.worker.Renew(ctx, "left"); !stop || err != nil {
		t.Error(stop, err)
	}
	_, err := d.do(func(tx *store.Tx) (store.Run, error) { return Publish(ctx, tx, "left", d.at, "") })
	conflicts(t, err, "it is over")
	d.claims(d.worker, "worked on") // the one before was killed
	d.must(cancel("worked on"))
	d.must(d.worker.Wait(ctx, "worked on", "waiting for people", time.Time{}))
	for _, id := range []string{"asked", "left", "worked on"} {
		if r := d.run(id); r.State != Cancelled || !r.Due.IsZero() || r.Cancel {
			t.Errorf("%s is %s", id, r.State)
		}
		conflicts(t, cancel(id), "it is cancelled")
	}
	d.claims(d.worker, "")
	if err := cancel("unknown"); !errors.Is(err, store.ErrNoRun) {
		t.Error(err)
	}
}

// TestWishes: what could not be drawn up is not asked for.
func TestWishes(t *testing.T) {
	d := newDesk(t)
	for _, w := range []Wish{{Period: "a/b"}, {Period: strings.Repeat("x", 33)}, {Instant: "yesterday"}, {Instant: "2026-11-30T00:00:00+01:00"}, {Instant: "2026-12-01T00:00:00Z"}} {
		if _, err := d.do(func(tx *store.Tx) (store.Run, error) { return Ask(t.Context(), tx, Asker{ID: "x", At: d.at}, w) }); !isInvalid(err) {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

// TestLists: newest first, those of one second too, in pages, of one state if that is asked for; the first that was asked for is done first.
func TestLists(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"b", "a", "c"} {
		d.ask(id)
	}
	d.at = d.at.Add(time.Second)
	d.ask("d")
	d.claims(d.worker, "b")
	list := func(state, before string, most int) string {
		all, err := d.store.Runs(t.Context(), state, before, most)
		d.must(err)
		var ids string
		for _, r := range all {
			ids += r.ID
		}
		return ids
	}
	for _, tt := range []struct {
		state, before string
		most          int
		want          string
	}{{"", "", 9, "dcab"}, {"", "", 2, "dc"}, {"", "c", 2, "ab"}, {Running, "", 9, "b"}, {Asked, "c", 9, "a"}, {"", "unknown", 9, ""}} {
		if got := list(tt.state, tt.before, tt.most); got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}
