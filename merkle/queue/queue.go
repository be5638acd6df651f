// Package queue has the tasks of a build done by many machines. River keeps a job for each task in a schema of its own on
// PostgreSQL; workers take jobs, and leave results in the store of the build.
//
// The queue only spreads the work. Whether a task is done is what the store says, and to do a task again, or twice at once, changes
// nothing: so whenever it is in doubt whether somebody is still at a task, it is given to somebody else. All of the schema may be
// dropped between two builds.
//
// Workers tell every few seconds which jobs they have in hand. A job that nobody told of for a while is put back, by whoever sees
// that first: the loss of a machine costs seconds, not the time after which River rescues a job.
//
// What is stored is the tasks, the host names of workers, and the errors of tasks, word for word. The one who gives Work what to do
// sees to it that errors hold no customer's data, as everywhere.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/assay-por/assay/merkle/build"
)

// DatabaseError says that the database failed. Its text may name the host and the user.
type DatabaseError struct{ Err error }

// Error says what the database said.
func (e *DatabaseError) Error() string { return "the queue's database: " + e.Err.Error() }

// Unwrap returns it.
func (e *DatabaseError) Unwrap() error { return e.Err }

func ofDatabase(err error) error {
	if err == nil {
		return nil
	}
	return &DatabaseError{err}
}

// MinConns is how many connections the pool of a Queue must allow: one listens, the others fetch, finish and watch jobs.
const MinConns = 4

// Queue is the tasks of builds in a schema of a database.
type Queue struct {
	pool    *pgxpool.Pool
	schema  string // as it is written in SQL
	client  river.Config
	silence time.Duration // after which who said nothing is taken for lost
	unready time.Duration // how long an unreachable database is waited for
	lonely  time.Duration // how long no worker may be seen before the caller is told
}

// New is the queue in a schema of the pool's database; nobody is asked yet. Its name starts with a letter or _, and letters, digits and _ follow. A nil log drops what River
// says about itself, which may name the host and the user of the database.
func New(pool *pgxpool.Pool, schema string, log *slog.Logger) (*Queue, error) {
	if n := pool.Config().MaxConns; n < MinConns {
		return nil, fmt.Errorf("the queue's pool has %d connections, want at least %d", n, MinConns)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{
		pool: pool, schema: pgx.Identifier{schema}.Sanitize(), client: river.Config{Schema: schema, Logger: log},
		silence: 10 * time.Second, unready: time.Minute, lonely: 30 * time.Second,
	}
	if _, err := q.river(q.client); err != nil {
		return nil, err
	}
	return q, nil
}

func (q *Queue) river(c river.Config) (*river.Client[pgx.Tx], error) {
	return river.NewClient(riverpgxv5.New(q.pool), &c)
}

// Migrate makes the schema, or brings it up to what this version needs. Several processes may do so at once. Where the schema is
// there already, it takes no right but to make tables in it. An error is a *DatabaseError.
func (q *Queue) Migrate(ctx context.Context) error { return ofDatabase(q.migrate(ctx)) }

func (q *Queue) migrate(ctx context.Context) error {
	tx, err := q.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it holds a lock and nothing else
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('assay queue ' || $1, 0))", q.client.Schema); err != nil {
		return err
	}
	var there bool
	if err := q.pool.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL", q.schema).Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := q.pool.Exec(ctx, "CREATE SCHEMA "+q.schema); err != nil {
			return err
		}
	}
	m, err := rivermigrate.New(riverpgxv5.New(q.pool), &rivermigrate.Config{Schema: q.client.Schema, Logger: q.client.Logger})
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err = q.pool.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+q.schema+".assay_worker (id text PRIMARY KEY, at timestamptz NOT NULL, jobs bigint[] NOT NULL)")
	return err
}

// job is a task as River stores it.
type job struct{ build.Task }

// Kind is what River calls it.
func (job) Kind() string { return "assay_task" }

// InsertOpts allow one job for a task, as long as it has not ended.
func (job) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		MaxAttempts: attempts,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	}
}

// attempts is how often a task is tried. That a worker was lost in the middle of it counts: the task may be what it died of.
const attempts = 5

// retry waits 1, 8, 27 and 64 seconds.
type retry struct{}

// NextRetry is River's name for it.
func (retry) NextRetry(j *rivertype.JobRow) time.Time {
	n := time.Duration(j.Attempt)
	return time.Now().Add(n * n * n * time.Second)
}

// Final says that to try a task again is of no use, as its input is at fault. Work then ends it with this error at once.
func Final(err error) error { return finalError{err} }

// finalError is to River an order to cancel, with the words of the error alone.
type finalError struct{ error }

func (e finalError) Unwrap() []error { return []error{e.error, river.JobCancel(e.error)} }

// isPassing reports whether an error of the database may be gone a moment later.
func isPassing(err error) bool {
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return true // the connection's
	}
	switch said.Code[:2] {
	case "08", "40", "53", "57": // connections, conflicts, resources, the operator
		return true
	}
	return false
}

// patiently repeats what the database fails at while it starts, or is out of reach.
func (q *Queue) patiently(ctx context.Context, do func(context.Context) error) error {
	for deadline := time.Now().Add(q.unready); ; {
		once, cancel := context.WithTimeout(ctx, q.unready)
		err := do(once)
		cancel()
		if err == nil || ctx.Err() != nil || !isPassing(err) || time.Now().After(deadline) {
			return ofDatabase(err)
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
