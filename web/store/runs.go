package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrNoRun says that there is no such run.
var ErrNoRun = errors.New("there is no such run")

// Run is the record of what a worker is asked to do (package web/runs says what the words in it mean). Times are of whole
// seconds, in UTC.
type Run struct {
	ID, Kind, State    string
	Client, Credential string // who asked
	Period, Instant    string // as they were asked for
	Supersedes         string // why it takes the place of the statement of the same period
	Unsigned           bool
	About              string // digest of a published statement
	Digest             string // of the draft
	Publish            string // digest of the draft that is to be published
	Statement          string // digest of the statement that was published
	Created, Changed   time.Time
	Due                time.Time // when a worker is to look at it; zero: not before somebody does something
	Cancel             bool      // whoever works on it is to stop
	Worker             string
	Lease              time.Time // until then it is Worker's
	Events             int64     // number of the last event

	Content, Draft []byte // lists leave them out
}

// RunEvent is something that happened to a run. They are numbered from 1, and some are taken out when a newer one says more.
type RunEvent struct {
	Seq        int64
	At         time.Time
	Kind, Text string
}

// AddRun adds a run, after all that are there.
func (t *Tx) AddRun(ctx context.Context, r Run) error {
	_, err := t.tx.ExecContext(ctx, `INSERT INTO runs (id, number, kind, state, client, credential, period, instant, supersedes, unsigned, about, content, draft, digest, publish, statement,
		created, changed, due, cancel, worker, lease, events) VALUES (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM runs), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Kind, r.State, r.Client, r.Credential, r.Period, r.Instant, r.Supersedes, r.Unsigned, r.About, r.Content, r.Draft, r.Digest, r.Publish, r.Statement,
		r.Created.Unix(), r.Changed.Unix(), perhaps(r.Due), r.Cancel, r.Worker, unix(r.Lease), r.Events)
	return err
}

// ChangeRun lets change alter what may change of a run. Nobody else alters it meanwhile.
func (t *Tx) ChangeRun(ctx context.Context, id string, change func(*Run) error) (Run, error) {
	r, err := t.Run(ctx, id)
	if err != nil {
		return r, err
	}
	if err := change(&r); err != nil {
		return r, err
	}
	_, err = t.tx.ExecContext(ctx, `UPDATE runs SET state = ?, draft = ?, digest = ?, publish = ?, statement = ?, changed = ?, due = ?, cancel = ?, worker = ?, lease = ?, events = ?
		WHERE id = ?`, r.State, r.Draft, r.Digest, r.Publish, r.Statement, r.Changed.Unix(), perhaps(r.Due), r.Cancel, r.Worker, unix(r.Lease), r.Events, id)
	return r, err
}

// RunSaid is the newest event of that kind of a run, with that text if one is given; zero if there is none.
func (t *Tx) RunSaid(ctx context.Context, run, kind, text string) (e RunEvent, err error) {
	var at int64
	err = t.tx.QueryRowContext(ctx, "SELECT seq, at, kind, text FROM run_events WHERE run_id = ? AND kind = ? AND (? = '' OR text = ?) ORDER BY seq DESC LIMIT 1", run, kind, text, text).
		Scan(&e.Seq, &at, &e.Kind, &e.Text)
	if errors.Is(err, sql.ErrNoRows) {
		return RunEvent{}, nil
	}
	e.At = second(at)
	return e, err
}

// AddRunEvent adds the next event of a run, and takes out those of one kind.
func (t *Tx) AddRunEvent(ctx context.Context, run string, e RunEvent, without string) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM run_events WHERE run_id = ? AND kind = ?", run, without)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO run_events (run_id, seq, at, kind, text) VALUES (?, ?, ?, ?, ?)", run, e.Seq, e.At.Unix(), e.Kind, e.Text)
	return err
}

// AddApproval keeps what an approver signed; one key counts once.
func (t *Tx) AddApproval(ctx context.Context, run, digest, key string, envelope []byte, at time.Time) error {
	_, err := t.tx.ExecContext(ctx, "INSERT INTO run_approvals (run_id, digest, key_id, envelope, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (run_id, digest, key_id) DO NOTHING",
		run, digest, key, envelope, at.Unix())
	return err
}

// Run is a run as it is now, or [ErrNoRun].
func (t *Tx) Run(ctx context.Context, id string) (Run, error) {
	return oneRun(t.tx.QueryContext(ctx, wholeRun+" WHERE id = ?", id))
}

// DueRun is the run that a worker is to do at that time, or [ErrNoRun]: one that was left while it was worked on, else the one that is due for longest.
func (t *Tx) DueRun(ctx context.Context, running, worker string, at time.Time) (Run, error) {
	return oneRun(t.tx.QueryContext(ctx, wholeRun+" WHERE (state = ? OR due <= ?) AND (lease <= ? OR worker = ?) ORDER BY (state = ?) DESC, due, number LIMIT 1",
		running, at.Unix(), at.Unix(), worker, running))
}

// RunHeld reports whether another worker has a run at that time.
func (t *Tx) RunHeld(ctx context.Context, worker string, at time.Time) (bool, error) {
	var n int
	err := t.tx.QueryRowContext(ctx, "SELECT count(*) FROM runs WHERE lease > ? AND worker <> ?", at.Unix(), worker).Scan(&n)
	return n > 0, err
}

// Run is a run as it is now, or [ErrNoRun].
func (s *Store) Run(ctx context.Context, id string) (Run, error) {
	return oneRun(s.read.QueryContext(ctx, wholeRun+" WHERE id = ?", id))
}

// RunOf is the run that published a statement, or [ErrNoRun].
func (s *Store) RunOf(ctx context.Context, kind, statement string) (Run, error) {
	return oneRun(s.read.QueryContext(ctx, wholeRun+" WHERE kind = ? AND statement = ?", kind, statement))
}

// Runs are runs without their content and draft, newest first: no more than most, of one state if it is given, and only those before a run if that is given.
func (s *Store) Runs(ctx context.Context, state, before string, most int) ([]Run, error) {
	return collectRuns(s.read.QueryContext(ctx, selectRuns+", NULL, NULL FROM runs WHERE (? = '' OR state = ?) AND (? = '' OR number < (SELECT number FROM runs WHERE id = ?)) "+
		"ORDER BY number DESC LIMIT ?", state, state, before, before, most))
}

// RunEvents are the events of a run after one of that number, oldest first, and no more than most.
func (s *Store) RunEvents(ctx context.Context, run string, after int64, most int) ([]RunEvent, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT seq, at, kind, text FROM run_events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?", run, after, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []RunEvent
	for rows.Next() {
		var e RunEvent
		var at int64
		if err := rows.Scan(&e.Seq, &at, &e.Kind, &e.Text); err != nil {
			return nil, err
		}
		e.At = second(at)
		all = append(all, e)
	}
	return all, rows.Err()
}

// Approvals are the envelopes that approvers signed of a draft, by their keys' ids.
func (s *Store) Approvals(ctx context.Context, run, digest string) (map[string][]byte, error) {
	return collectApprovals(s.read.QueryContext(ctx, selectApprovals, run, digest))
}

// Approvals are the same, with what this change added.
func (t *Tx) Approvals(ctx context.Context, run, digest string) (map[string][]byte, error) {
	return collectApprovals(t.tx.QueryContext(ctx, selectApprovals, run, digest))
}

const selectApprovals = "SELECT key_id, envelope FROM run_approvals WHERE run_id = ? AND digest = ?"

func collectApprovals(rows *sql.Rows, err error) (map[string][]byte, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string][]byte{}
	for rows.Next() {
		var key string
		var envelope []byte
		if err := rows.Scan(&key, &envelope); err != nil {
			return nil, err
		}
		all[key] = envelope
	}
	return all, rows.Err()
}

const (
	selectRuns = `SELECT id, kind, state, client, credential, period, instant, supersedes, unsigned, about, digest, publish, statement, created, changed, due, cancel, worker, lease, events`
	wholeRun   = selectRuns + ", content, draft FROM runs"
)

func oneRun(rows *sql.Rows, err error) (Run, error) {
	all, err := collectRuns(rows, err)
	if err == nil && len(all) == 0 {
		err = ErrNoRun
	}
	if err != nil {
		return Run{}, err
	}
	return all[0], nil
}

func collectRuns(rows *sql.Rows, err error) ([]Run, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Run
	for rows.Next() {
		var r Run
		var created, changed, lease int64
		var due sql.NullInt64
		if err := rows.Scan(&r.ID, &r.Kind, &r.State, &r.Client, &r.Credential, &r.Period, &r.Instant, &r.Supersedes, &r.Unsigned, &r.About, &r.Digest, &r.Publish, &r.Statement,
			&created, &changed, &due, &r.Cancel, &r.Worker, &lease, &r.Events, &r.Content, &r.Draft); err != nil {
			return nil, fmt.Errorf("runs: %w", err)
		}
		r.Created, r.Changed, r.Due = second(created), second(changed), maybe(due)
		if lease > 0 {
			r.Lease = second(lease)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// unix is a time as it is kept, 0 for none; perhaps is NULL for none.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func perhaps(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: unix(t), Valid: !t.IsZero()} }
