package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/assay-por/assay/merkle/build"
)

// Runner is a [build.Runner] whose tasks are done by those who Work on the queue. Several may run the same tasks at once.
type Runner struct {
	Queue *Queue
	// Waiting, if not nil, is called once in a Run, when half a minute has passed without any worker.
	Waiting func()
}

// TaskError is how a task ended that has no result.
type TaskError struct {
	Task  build.Task
	Tries int
	Why   string // the sentence of the one who tried last
}

// Error names the task.
func (e *TaskError) Error() string {
	again := ""
	if e.Tries > 1 {
		again = fmt.Sprintf(" (at try %d, the last)", e.Tries)
	}
	return fmt.Sprintf("%s #%d: %s%s", e.Task.Stage, e.Task.Index, e.Why, again)
}

// Run puts the tasks that are not done into the queue, and waits for them. The error of a task is a *TaskError. When Run fails, or
// the context ends, tasks that nobody has begun are taken out again, and those that were begun go on; another Runner that waits for
// the same tasks puts them in again. A database that is out of reach is waited for, up to a minute; what fails then, or at once, is
// a *DatabaseError.
func (r *Runner) Run(ctx context.Context, tasks []build.Task, done func(context.Context, build.Task) (bool, error), each func(build.Task)) error {
	client, err := r.Queue.river(r.Queue.client)
	if err != nil {
		return err
	}
	if each == nil {
		each = func(build.Task) {}
	}
	s := &stage{q: r.Queue, client: client, done: done, each: each, jobs: map[int64]build.Task{}}
	var missing []build.Task
	for _, t := range tasks {
		switch is, err := done(ctx, t); {
		case err != nil:
			return err
		case !is:
			missing = append(missing, t)
		}
	}
	err = s.run(ctx, missing, r.Waiting)
	if err == nil {
		return nil
	}
	s.takeBack(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// stage is the tasks that a Runner waits for.
type stage struct {
	q      *Queue
	client *river.Client[pgx.Tx]
	done   func(context.Context, build.Task) (bool, error)
	each   func(build.Task)
	jobs   map[int64]build.Task // not ended
}

// The pace at which jobs are asked after: at first and after news, and at most.
const (
	soon  = 50 * time.Millisecond
	later = time.Second
)

func (s *stage) run(ctx context.Context, tasks []build.Task, waiting func()) error {
	if err := s.put(ctx, tasks); err != nil {
		return err
	}
	workers := &watch{q: s.q}
	looked, attended, pace := time.Now(), time.Now(), soon
	for len(s.jobs) > 0 {
		if err := sleep(ctx, pace); err != nil {
			return err
		}
		before := len(s.jobs)
		if err := s.ask(ctx); err != nil {
			return err
		}
		if pace = min(2*pace, later); len(s.jobs) < before {
			pace = soon
		}
		if time.Since(looked) < s.q.silence/5 {
			continue
		}
		looked = time.Now()
		// A failure is no matter here: ask finds it too.
		if n, err := workers.look(ctx); n > 0 || err != nil {
			attended = looked
		}
		if waiting != nil && time.Since(attended) > s.q.lonely {
			waiting()
			waiting = nil
		}
	}
	return nil
}

// batch is how many jobs River is asked for at once.
const batch = 1000

// put gives every task a job, its own or the one that it has already.
func (s *stage) put(ctx context.Context, tasks []build.Task) error {
	for some := range slices.Chunk(tasks, batch) {
		params := make([]river.InsertManyParams, len(some))
		for i, t := range some {
			params[i].Args = job{t}
		}
		err := s.q.patiently(ctx, func(ctx context.Context) error {
			rows, err := s.client.InsertMany(ctx, params)
			for i, row := range rows {
				s.jobs[row.Job.ID] = some[i]
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ask finds out which jobs have ended.
func (s *stage) ask(ctx context.Context) error {
	var gone []build.Task
	for some := range slices.Chunk(slices.Sorted(maps.Keys(s.jobs)), batch) {
		rows := map[int64]*rivertype.JobRow{}
		err := s.q.patiently(ctx, func(ctx context.Context) error {
			list, err := s.client.JobList(ctx, river.NewJobListParams().IDs(some...).First(batch))
			if err == nil {
				for _, row := range list.Jobs {
					rows[row.ID] = row
				}
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range some {
			row := rows[id]
			if row != nil && row.FinalizedAt == nil {
				continue
			}
			is, err := s.ended(ctx, s.jobs[id], row)
			if err != nil {
				return err
			}
			if !is {
				gone = append(gone, s.jobs[id])
			}
			delete(s.jobs, id)
		}
	}
	return s.put(ctx, gone)
}

// ended looks after the result of a task whose job has ended, or is gone with row nil: another Runner took it back.
func (s *stage) ended(ctx context.Context, t build.Task, row *rivertype.JobRow) (bool, error) {
	is, err := s.done(ctx, t)
	switch {
	case err != nil:
		return false, err
	case is:
		s.each(t)
		return true, nil
	case row == nil:
		return false, nil
	case row.State == rivertype.JobStateCompleted:
		return false, &TaskError{t, row.Attempt, "its worker says that it is done, but its result is not in the store: does the worker use another store?"}
	case len(row.Errors) == 0:
		return false, &TaskError{t, row.Attempt, "its job was cancelled in the database"}
	}
	return false, &TaskError{t, row.Attempt, row.Errors[len(row.Errors)-1].Error}
}

// takeBack removes the jobs that nobody has begun. What it cannot remove does no harm.
func (s *stage) takeBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stuck)
	defer cancel()
	for some := range slices.Chunk(slices.Collect(maps.Keys(s.jobs)), batch) {
		waiting := river.NewJobDeleteManyParams().IDs(some...).First(batch).
			States(rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateScheduled)
		if _, err := s.client.JobDeleteMany(ctx, waiting); err != nil {
			return
		}
	}
}
