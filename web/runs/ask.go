package runs

import (
	"context"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/store"
)

// Asker is who asks, when, and the id that what is asked for gets.
type Asker struct {
	Client, Credential string
	ID                 string
	At                 time.Time
}

// Wish is which report is asked for. What is left empty is for the worker: an instant of now, and the period of its month.
type Wish struct {
	Period     string
	Instant    string // UTC, whole seconds, RFC 3339
	Supersedes string // why it takes the place of the statement of the same period; empty: it does not
	Unsigned   bool   // go on without the wallets' signatures that are missing: those count for nothing
}

// Ask asks for a report.
func Ask(ctx context.Context, tx *store.Tx, by Asker, w Wish) (store.Run, error) {
	if w.Period != "" && !period.MatchString(w.Period) {
		return store.Run{}, invalid("period: want 1 to 32 of A-Z a-z 0-9 . -")
	}
	if w.Instant != "" {
		t, err := report.ParseTime(w.Instant)
		if err != nil {
			return store.Run{}, invalid("instant: want UTC time such as 2026-11-01T00:00:00Z")
		}
		if t.After(by.At) {
			return store.Run{}, invalid("instant: it lies in the future")
		}
	}
	return add(ctx, tx, by, store.Run{Kind: Report, Period: w.Period, Instant: w.Instant, Supersedes: w.Supersedes, Unsigned: w.Unsigned, State: Asked, Due: by.At})
}

// Withdraw asks that a published statement be taken back, for a reason that everybody is told. If nobody had to approve the
// statement, nobody has to approve this.
func Withdraw(ctx context.Context, tx *store.Tx, by Asker, s report.Signed, reason string) (store.Run, error) {
	issued, err := report.NewTime(by.At.UTC().Truncate(time.Second))
	if err != nil {
		return store.Run{}, err
	}
	entry, err := report.NewWithdrawal(s.Statement.Predicate.Snapshot.Exchange.Name, s.Digest, reason, issued)
	if err != nil {
		return store.Run{}, invalid("reason: it is refused by SPEC part 24: %v", err)
	}
	draft, err := entry.JSON()
	if err != nil {
		return store.Run{}, err
	}
	who := s.Statement.Predicate.Approvals
	content, err := attest.Canonical(who)
	if err != nil {
		return store.Run{}, err
	}
	r := store.Run{Kind: Withdrawal, State: Asked, About: s.Digest.String(), Content: content, Draft: draft, Digest: Digest(draft), Publish: Digest(draft), Due: by.At}
	return add(ctx, tx, by, r)
}

// Submit hands in an auditor's finding about a statement; the envelope is one as assay countersign writes it (SPEC part 27).
func Submit(ctx context.Context, tx *store.Tx, by Asker, about report.Digest, envelope []byte) (store.Run, error) {
	_, statement, err := report.ReadFinding(envelope)
	if err != nil {
		return store.Run{}, invalid("it is no finding by the key that it names (SPEC part 27): %v", err)
	}
	if statement != about {
		return store.Run{}, invalid("it is about the statement %s", statement)
	}
	return add(ctx, tx, by, store.Run{Kind: Finding, State: Asked, About: about.String(), Content: envelope, Due: by.At})
}

func add(ctx context.Context, tx *store.Tx, by Asker, r store.Run) (store.Run, error) {
	r.ID, r.Client, r.Credential, r.Created, r.Changed = by.ID, by.Client, by.Credential, by.At, by.At
	if err := tx.AddRun(ctx, r); err != nil {
		return r, err
	}
	return tx.ChangeRun(ctx, r.ID, func(r *store.Run) error { return note(ctx, tx, r, by.At, EventAsked, r.Kind) })
}

// Cancel ends a run, at once or as soon as its worker hears of it. What is being published is not cancelled: it may be public.
func Cancel(ctx context.Context, tx *store.Tx, id string, at time.Time) (store.Run, error) {
	return tx.ChangeRun(ctx, id, func(r *store.Run) error {
		switch {
		case r.State == Published || r.State == Cancelled:
			return conflict("it is %s", r.State)
		case r.State == Running && (r.Kind != Report || r.Publish != ""):
			return conflict("it is being published")
		case r.State == Running:
			r.Cancel, r.Changed = true, at
			return nil
		}
		return cancelled(ctx, tx, r, at)
	})
}

func cancelled(ctx context.Context, tx *store.Tx, r *store.Run, at time.Time) error {
	r.State, r.Due, r.Cancel = Cancelled, time.Time{}, false
	return note(ctx, tx, r, at, EventCancelled, "")
}

// Resume has a run looked at again that failed, or that waits.
func Resume(ctx context.Context, tx *store.Tx, id string, at time.Time) (store.Run, error) {
	return tx.ChangeRun(ctx, id, func(r *store.Run) error {
		if r.State != Failed && r.State != Waiting {
			return conflict("it is %s, and only what failed or waits is resumed", r.State)
		}
		if r.State == Failed {
			r.State = Asked
		}
		r.Due = at
		return note(ctx, tx, r, at, EventResumed, "")
	})
}

// decided refuses what comes too late, or too early.
func decided(r *store.Run) error {
	switch {
	case r.State == Published || r.State == Cancelled || r.Cancel:
		return conflict("it is over")
	case r.Kind == Finding:
		return conflict("a finding is its auditor's, and needs nobody's leave")
	case r.Digest == "":
		return conflict("there is no draft yet")
	}
	return nil
}
