package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
)

// Lease is how long a worker holds a run without a word; it prolongs that about every [Beat].
const (
	Lease = 15 * time.Second
	Beat  = 3 * time.Second
)

// ErrLost says that a run is not this worker's any more: it was silent for too long.
var ErrLost = errors.New("the run was taken up by another worker")

// Worker is one who does runs. Two of one name never work at the same time: what one of them left, the next one takes up at once.
type Worker struct {
	Store *store.Store
	Name  string
	Now   func() time.Time
}

// Claim takes up the run that is to be done next, or returns [store.ErrNoRun].
func (w Worker) Claim(ctx context.Context) (r store.Run, err error) {
	err = w.Store.Write(ctx, func(tx *store.Tx) error {
		at := w.Now()
		if held, err := tx.RunHeld(ctx, w.Name, at); err != nil || held {
			return errors.Join(err, store.ErrNoRun)
		}
		next, err := tx.DueRun(ctx, Running, w.Name, at)
		if err != nil {
			return err
		}
		r, err = tx.ChangeRun(ctx, next.ID, func(r *store.Run) error {
			if r.Cancel {
				return cancelled(ctx, tx, r, at)
			}
			left := r.State == Running
			r.State, r.Worker, r.Lease, r.Due = Running, w.Name, at.Add(Lease), time.Time{}
			if left {
				return note(ctx, tx, r, at, EventProgress, "taken up again")
			}
			if before, err := tx.RunSaid(ctx, r.ID, EventStarted, ""); err != nil || before.Seq > 0 {
				return err
			}
			return note(ctx, tx, r, at, EventStarted, "")
		})
		return err
	})
	if err == nil && r.State != Running {
		return w.Claim(ctx)
	}
	return r, err
}

// change alters a run that is this worker's.
func (w Worker) change(ctx context.Context, id string, change func(*store.Tx, *store.Run, time.Time) error) (r store.Run, err error) {
	err = w.Store.Write(ctx, func(tx *store.Tx) error {
		at := w.Now()
		r, err = tx.ChangeRun(ctx, id, func(r *store.Run) error {
			if r.State != Running || r.Worker != w.Name {
				return fmt.Errorf("%w: %s", ErrLost, id)
			}
			r.Lease = at.Add(Lease)
			return change(tx, r, at)
		})
		return err
	})
	return r, err
}

// Renew prolongs the hold of a run, and reports whether it is to be cancelled.
func (w Worker) Renew(ctx context.Context, id string) (cancel bool, err error) {
	r, err := w.change(ctx, id, func(*store.Tx, *store.Run, time.Time) error { return nil })
	return r.Cancel, err
}

// Progress tells how far a stage is.
func (w Worker) Progress(ctx context.Context, id, text string) error {
	_, err := w.change(ctx, id, func(tx *store.Tx, r *store.Run, at time.Time) error { return note(ctx, tx, r, at, EventProgress, text) })
	return err
}

// Stage tells what a stage did; what was told before is not told again.
func (w Worker) Stage(ctx context.Context, id, text string) error {
	_, err := w.change(ctx, id, func(tx *store.Tx, r *store.Run, at time.Time) error {
		if before, err := tx.RunSaid(ctx, id, EventStage, clip(text)); err != nil || before.Seq > 0 {
			return err
		}
		return note(ctx, tx, r, at, EventStage, text)
	})
	return err
}

// Drafted keeps a report's draft. If it is another one than before, what was approved and asked of that one does not count for it.
func (w Worker) Drafted(ctx context.Context, id string, draft []byte) (store.Run, error) {
	return w.change(ctx, id, func(tx *store.Tx, r *store.Run, at time.Time) error {
		digest := Digest(draft)
		if digest == r.Digest {
			return nil
		}
		r.Draft, r.Digest, r.Publish = draft, digest, ""
		return note(ctx, tx, r, at, EventDrafted, digest)
	})
}

// Wait lays a run down until somebody does something about it, or until a time if one is given.
func (w Worker) Wait(ctx context.Context, id, text string, until time.Time) error {
	return w.end(ctx, id, func(tx *store.Tx, r *store.Run, at time.Time) error {
		if r.Cancel {
			return cancelled(ctx, tx, r, at)
		}
		r.State = Waiting
		if r.Due.IsZero() { // else something was done meanwhile
			r.Due = until
		}
		last, err := tx.RunSaid(ctx, id, EventWaiting, "")
		if err != nil || last.Text == clip(text) {
			return err
		}
		return errors.Join(note(ctx, tx, r, at, EventWaiting, text), tx.AddHookEvent(ctx, at, store.RunWaiting, r.ID))
	})
}

// Fail ends a run that cannot be done as things are.
func (w Worker) Fail(ctx context.Context, id, text string) error {
	return w.end(ctx, id, func(tx *store.Tx, r *store.Run, at time.Time) error {
		if r.Cancel {
			return cancelled(ctx, tx, r, at)
		}
		r.State, r.Due = Failed, time.Time{}
		return errors.Join(note(ctx, tx, r, at, EventFailed, text), record(ctx, tx, r, at, audit.Failed, text))
	})
}

// Publish ends a run whose statement, withdrawal or finding is there for everybody to see.
func (w Worker) Publish(ctx context.Context, id, statement string) error {
	return w.end(ctx, id, func(tx *store.Tx, r *store.Run, at time.Time) error {
		r.State, r.Due, r.Statement, r.Cancel = Published, time.Time{}, statement, false
		return errors.Join(note(ctx, tx, r, at, EventPublished, statement), record(ctx, tx, r, at, audit.Done, ""), tell(ctx, tx, r, at))
	})
}

// tell has others told what is public now (SPEC part 28).
func tell(ctx context.Context, tx *store.Tx, r *store.Run, at time.Time) error {
	switch r.Kind {
	case Report:
		return tx.AddHookEvent(ctx, at, store.RunPublished, r.ID)
	case Withdrawal:
		return tx.AddHookEvent(ctx, at, store.ReportWithdrawn, r.About)
	}
	return nil
}

// Release gives a run back that is to be gone on with at once, by whoever comes next.
func (w Worker) Release(ctx context.Context, id string) error {
	return w.end(ctx, id, func(*store.Tx, *store.Run, time.Time) error { return nil })
}

// Cancelled ends a run that was to be cancelled.
func (w Worker) Cancelled(ctx context.Context, id string) error {
	return w.end(ctx, id, func(tx *store.Tx, r *store.Run, at time.Time) error { return cancelled(ctx, tx, r, at) })
}

// end is change by which the run is nobody's afterwards.
func (w Worker) end(ctx context.Context, id string, change func(*store.Tx, *store.Run, time.Time) error) error {
	_, err := w.change(ctx, id, func(tx *store.Tx, r *store.Run, at time.Time) error {
		r.Worker, r.Lease = "", time.Time{}
		return change(tx, r, at)
	})
	return err
}

// record tells the audit log how a run ended.
func record(ctx context.Context, tx *store.Tx, r *store.Run, at time.Time, outcome, reason string) error {
	ctx = audit.With(ctx, audit.Origin{Client: "worker"})
	return audit.Record(ctx, tx, audit.Act{At: at, Action: r.Kind + ".publish", Object: r.ID, Outcome: outcome, Reason: reason})
}
