package anomaly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
)

// How often a watch looks after what it holds.
const (
	keeps  = time.Minute
	adds   = 10 * time.Second // what it has counted to what other servers have
	tidies = time.Hour
	looks  = 30 * time.Second // at findings whose action ends by itself
	unused = time.Hour        // of a client without a request, after which it is in the database alone
	kept   = 400 * day        // findings, and what clients usually do
	page   = 500              // rows of the audit log
)

// Run keeps what is found, and what clients usually do, until ctx ends, and then once more.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := w.Turn(ctx); err != nil && ctx.Err() == nil {
			w.Fault(err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	last := context.WithoutCancel(ctx)
	if err := errors.Join(w.Add(last), w.flush(last), w.Keep(last)); err != nil {
		w.Fault(err)
	}
}

// Turn does what is to be done once a second.
func (w *Watch) Turn(ctx context.Context) error {
	now := w.Now()
	var err error
	if now.Sub(w.added) >= adds {
		w.added = now
		err = w.Add(ctx)
	}
	err = errors.Join(err, w.review(ctx), w.flush(ctx), w.Look(ctx))
	if now.Sub(w.kept) >= keeps {
		w.kept = now
		err = errors.Join(err, w.Keep(ctx))
		if n := w.passed.Swap(0); n > 0 {
			err = errors.Join(err, fmt.Errorf("%d requests were not looked at: more than %d clients ask within an hour", n, maxClients))
		}
	}
	if now.Sub(w.tidied) >= tidies {
		w.tidied = now
		err = errors.Join(err, w.Store.Write(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.ForgetAnomalies(ctx, now.Add(-kept)), tx.ForgetHabits(ctx, now.Add(-kept)), tx.ForgetTallies(ctx, now.Add(-2*time.Hour)))
		}))
	}
	return err
}

// Look takes what is in force from the database, where it may have been undone.
func (w *Watch) Look(ctx context.Context) error {
	version, err := w.Store.AnomaliesVersion(ctx)
	if err != nil {
		return err
	}
	now := w.Now()
	if version == w.seen && now.Sub(w.looked) < looks {
		return nil
	}
	all, err := w.Store.CurrentAnomalies(ctx, now, now.Add(-longest), 2*maxOpen)
	if err != nil {
		return err
	}
	w.seen, w.looked = version, now
	w.finding.Lock()
	defer w.finding.Unlock()
	clear(w.open)
	clear(w.undone)
	for _, f := range all {
		switch {
		case f.Undone.IsZero():
			w.open[what{aboutOf(f), f.Action}] = f
		case now.Before(f.Undone.Add(quiet[f.Rule])):
			if until := f.Undone.Add(quiet[f.Rule]); until.After(w.undone[aboutOf(f)]) {
				w.undone[aboutOf(f)] = until
			}
		}
	}
	for _, f := range w.waiting {
		w.open[what{aboutOf(f), f.Action}] = f
	}
	w.enforce()
	return nil
}

// flush puts into the database what was found: the finding, its row of the audit log, and that it is to be told.
func (w *Watch) flush(ctx context.Context) error {
	w.finding.Lock()
	waiting := w.waiting
	w.finding.Unlock()
	if len(waiting) == 0 {
		return nil
	}
	var told []store.Anomaly
	err := w.Store.Write(ctx, func(tx *store.Tx) error {
		told = told[:0]
		for _, f := range waiting {
			there, err := tx.OpenAnomaly(ctx, f) // another server found it
			if err != nil {
				return err
			}
			if there {
				continue
			}
			if err := record(ctx, tx, f); err != nil {
				return err
			}
			told = append(told, f)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("what was found is not kept yet: %w", err)
	}
	w.finding.Lock()
	w.waiting = w.waiting[len(waiting):]
	w.finding.Unlock()
	for _, f := range told {
		if w.Told != nil {
			w.Told(f.Rule, f.Action)
		}
	}
	return nil
}

func record(ctx context.Context, tx *store.Tx, f store.Anomaly) error {
	ctx = audit.With(ctx, audit.Origin{Client: audit.Server})
	about := f.Client
	if f.Credential != "" {
		about += " " + f.Credential
	}
	act := audit.Act{At: f.At, Action: "anomaly.found", Object: f.ID, Outcome: audit.Done, Reason: fmt.Sprintf("%s of %s: %s; usual: %s; done: %s", f.Rule, about, f.Saw, f.Usual, f.Action)}
	return errors.Join(tx.AddAnomaly(ctx, f), audit.Record(ctx, tx, act), tx.AddHookEvent(ctx, f.At, store.AnomalyFound, f.ID))
}

// review looks for acts of other rooms that are findings here.
func (w *Watch) review(ctx context.Context) error {
	for {
		rows, err := w.Store.Events(ctx, w.reviewed, page)
		if err != nil {
			return err
		}
		for _, row := range rows {
			e, err := audit.Read(row)
			if err != nil {
				return fmt.Errorf("row %d of the audit log: %w", row.Seq, err)
			}
			w.triedToSignIn(e)
			if f, is := reused(e); is {
				f.At = w.Now()
				w.raise(f)
			}
			w.reviewed = row.Seq
		}
		if len(rows) < page {
			return nil
		}
	}
}

// Keep puts into the database what clients usually do, and follows those no more that have not asked for a while.
func (w *Watch) Keep(ctx context.Context) error {
	w.mu.RLock()
	all := maps.Clone(w.clients)
	w.mu.RUnlock()
	now := w.Now()
	var these []*client
	var errs []error
	for _, c := range all {
		if c.clean() {
			these = append(these, c)
		}
		if len(these) == batch {
			errs, these = append(errs, w.put(ctx, these, now)), nil
		}
	}
	errs = append(errs, w.put(ctx, these, now))
	w.leave(now)
	return errors.Join(errs...)
}

// batch is how many records are one change.
const batch = 256

// clean reports whether there is something to be kept of a client, which is about to be.
func (c *client) clean() (was bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was, c.dirty = c.dirty, false
	return was
}

// put writes what some clients do, and what other servers have written of them; what cannot be written is to be kept still.
func (w *Watch) put(ctx context.Context, these []*client, now time.Time) error {
	if len(these) == 0 {
		return nil
	}
	ids := make([]string, len(these))
	for i, c := range these {
		ids[i] = c.id
	}
	err := w.Store.Write(ctx, func(tx *store.Tx) error {
		before, err := tx.Habits(ctx, ids)
		if err != nil {
			return err
		}
		for _, c := range these {
			record, err := w.record(c, before[c.id], now)
			if err != nil {
				return err
			}
			if err := tx.KeepHabits(ctx, c.id, record, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	for _, c := range these {
		c.mu.Lock()
		c.dirty = true
		c.mu.Unlock()
	}
	return fmt.Errorf("what %d clients usually do is not kept yet: %w", len(these), err)
}

// record is what is to be kept of a client, with what was before; that is another server's where there are several.
func (w *Watch) record(c *client, before []byte, now time.Time) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var other habits
	if before != nil && json.Unmarshal(before, &other) == nil { // what is none was told of when it was read
		w.turn(c, now)
		w.join(c, other)
	}
	return json.Marshal(c.habits)
}

// leave follows those no more who have not asked for a while, and whose record is kept.
func (w *Watch) leave(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, c := range w.clients {
		if !c.mu.TryLock() { // it asks
			continue
		}
		if !c.dirty && c.minute < now.Add(-unused).Unix()/60 {
			c.gone = true
			delete(w.clients, id)
		}
		c.mu.Unlock()
	}
}
