package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/assay-por/assay/merkle/build"
)

// Options say how a worker works.
type Options struct {
	Tasks   int           // at a time; 0 for 1, as a task uses all cores
	Timeout time.Duration // for one task; 0 for 15 minutes
	Rescue  time.Duration // after which River gives a job to somebody else in any case, more than Timeout; 0 for Timeout and 5 minutes
	Grace   time.Duration // for the tasks in hand once the context has ended; 0 for one minute
	// Now, if not nil, ends the grace when it is closed.
	Now <-chan struct{}
	// Reachable, if not nil, is called when the database stops answering, and when it answers again.
	Reachable func(bool)
}

func (o Options) withDefaults() Options {
	if o.Tasks == 0 {
		o.Tasks = 1
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Minute
	}
	if o.Rescue == 0 {
		o.Rescue = o.Timeout + 5*time.Minute
	}
	if o.Grace == 0 {
		o.Grace = time.Minute
	}
	if o.Reachable == nil {
		o.Reachable = func(bool) {}
	}
	return o
}

// stuck is how long a task may take to notice that its context has ended.
const stuck = 10 * time.Second

// How soon River fetches another job after the last, and how soon after a fetch that found none, as when two workers reached for
// the same job.
const (
	fetchAgain  = 20 * time.Millisecond
	fetchAnyway = 200 * time.Millisecond
)

// Work does tasks until the context ends. It takes no new ones then, and gives those in hand some grace; after that their contexts
// end, and they are somebody else's. It returns nil once none is in hand.
//
// An error of do that is Final ends its task for good; after any other the task is tried again, after 1, 8, 27 and 64 seconds.
// While the database is out of reach, a worker goes on with what it has, and waits; only at the start that is a *DatabaseError.
func (q *Queue) Work(ctx context.Context, do func(context.Context, build.Task) error, o Options) error {
	o = o.withDefaults()
	w := &worker{do: do, timeout: o.Timeout, hands: hands{jobs: map[int64]int{}}}
	c := q.client
	c.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Tasks}}
	c.Workers = river.NewWorkers()
	c.JobTimeout, c.RescueStuckJobsAfter, c.RetryPolicy = o.Timeout, o.Rescue, retry{}
	c.FetchCooldown, c.FetchPollInterval = fetchAgain, fetchAnyway
	if err := river.AddWorkerSafely(c.Workers, w); err != nil {
		return err
	}
	client, err := q.river(c)
	if err != nil {
		return err
	}
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	if err := q.beat(lasting, client.ID(), w.hands.list()); err != nil {
		return ofDatabase(err)
	}
	if err := client.Start(lasting); err != nil {
		return ofDatabase(err)
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		q.attend(lasting, client.ID(), &w.hands, o.Reachable)
	}()
	<-ctx.Done()
	err = stop(lasting, client, o)
	end()
	<-left
	return err
}

// attend tells of the worker's life, and looks after the others', until the context ends.
func (q *Queue) attend(ctx context.Context, id string, h *hands, tell func(reachable bool)) {
	others, reachable := &watch{q: q}, true
	for sleep(ctx, q.silence/5) == nil {
		once, cancel := context.WithTimeout(ctx, q.silence)
		err := q.beat(once, id, h.list())
		cancel()
		if err == nil {
			_, err = others.look(ctx)
		}
		if ok := err == nil; ok != reachable && ctx.Err() == nil {
			reachable = ok
			tell(ok)
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stuck)
	defer cancel()
	_ = q.leave(last, id) // else it is missed in a moment
}

// stop waits for the tasks in hand, and then for their giving up.
func stop(ctx context.Context, client *river.Client[pgx.Tx], o Options) error {
	soft, harden := context.WithTimeout(ctx, o.Grace)
	defer harden()
	go func() {
		select {
		case <-o.Now:
			harden()
		case <-soft.Done():
		}
	}()
	if client.Stop(soft) == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(ctx, stuck)
	defer cancel()
	if client.StopAndCancel(hard) != nil {
		return errors.New("a task in hand did not stop in time: another worker will do it")
	}
	return nil
}

// worker does tasks for River.
type worker struct {
	river.WorkerDefaults[job]
	do      func(context.Context, build.Task) error
	timeout time.Duration
	hands   hands
}

// Work is called by River.
func (w *worker) Work(ctx context.Context, j *river.Job[job]) error {
	w.hands.take(j.ID)
	defer w.hands.drop(j.ID)
	err := w.do(ctx, j.Args.Task)
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("it took longer than %v", w.timeout)
	case ctx.Err() != nil:
		return ctx.Err() // this worker stops: to River no attempt
	}
	return err
}
