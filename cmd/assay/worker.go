package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/queue"
	"github.com/assay-por/assay/merkle/store"
)

// newWorker is the verb of a machine that does what others have put into the queue.
func newWorker(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "worker",
		Short: "Do what is asked for over the API, and tasks of a build that runs on another machine",
		Long: `With worker.runs: do the runs that were asked for at the server (POST /v1/runs), one at a time, each in a folder of its own, and tell in server.database how far it is. A
run waits for whoever must approve it and for somebody to ask for its publishing; then it is signed, entered in the log, and shown in server.reports. Withdrawals and
auditors' findings that were handed in there are done likewise. For what is done by hand, such as control import, name the run: assay --run ID control import DIR.

With worker.database: take tasks of builds from the queue there, and leave their results in the store that all machines share. Start one on each machine, and then
"assay build" or "assay run" on one of them.

A worker may be stopped or killed at any moment: the next one goes on. Interrupted, it ends the task in hand, for a minute at most; interrupted once more, it stops at
once.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if c.Worker.Runs == "" {
				return a.workQueue(cmd, c)
			}
			g, ctx := errgroup.WithContext(cmd.Context())
			cmd.SetContext(ctx)
			if c.Worker.Database != "" {
				g.Go(func() error { return a.workQueue(cmd, c) })
			}
			g.Go(func() error { return a.workRuns(cmd, c) })
			return g.Wait()
		},
	}
}

// workQueue does tasks of builds.
func (a *app) workQueue(cmd *cobra.Command, c *Config) error {
	q, end, err := openQueue(cmd.Context(), c)
	if err != nil {
		return err
	}
	defer end()
	key, err := (&stages{ctx: cmd.Context(), app: a, config: c}).openSnapshotKey()
	if err != nil {
		return err
	}
	ordered := &orders{config: c, key: key}
	return work(cmd, a, q, c.Worker.Tasks, ordered.do)
}

// work does tasks until it is interrupted. That is how it ends, so it is no error.
func work(cmd *cobra.Command, a *app, q *queue.Queue, tasks int, do func(context.Context, build.Task) error) error {
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if !a.quiet {
			fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
		}
	}
	now, ended := make(chan struct{}), make(chan struct{})
	defer close(ended)
	context.AfterFunc(cmd.Context(), func() {
		again := make(chan os.Signal, 1)
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(again)
		say("ending the task in hand; interrupt again to stop at once")
		select {
		case <-again:
			close(now)
		case <-ended:
		}
	})
	say("waiting for tasks (stop with Ctrl-C)")
	err := q.Work(cmd.Context(), func(ctx context.Context, t build.Task) error {
		start := time.Now()
		err := do(ctx, t)
		if isFinal(err) {
			err = queue.Final(err)
		}
		after := time.Since(start).Round(100 * time.Millisecond)
		switch {
		case err == nil:
			say("%s #%d: done in %v", t.Stage, t.Index, after)
		case ctx.Err() != nil:
			say("%s #%d: given up after %v", t.Stage, t.Index, after)
		default:
			say("%s #%d: failed after %v: %v", t.Stage, t.Index, after, err)
		}
		return err
	}, queue.Options{Tasks: cmp.Or(tasks, runtime.GOMAXPROCS(0)), Now: now, Reachable: func(ok bool) {
		if ok {
			say("worker.database answers again")
		} else {
			say("worker.database does not answer; waiting for it")
		}
	}})
	return queueError(context.WithoutCancel(cmd.Context()), err)
}

// isFinal reports whether a task that failed would fail again: what it read is at fault, and no network.
func isFinal(err error) bool {
	var f *failure
	var row *ledger.RowError
	var empty *build.EmptyShardError
	var under *build.UnderwaterError
	return errors.As(err, &row) || errors.As(err, &empty) || errors.As(err, &under) || errors.As(err, &f) && f.code != exitNetwork && !errors.Is(err, store.ErrUnreachable)
}

// queueSchema is where the queue lies in the database of [worker].
const queueSchema = "assay_queue"

// openQueue connects to the queue, and makes it if it is not there.
func openQueue(ctx context.Context, c *Config) (*queue.Queue, func(), error) {
	if c.Worker.Database == "" {
		return nil, nil, hinted(refused("worker.database: there is none, so there is no queue"), `name under [worker] the file with its URL, database = "file:queue.url", or the folder of what is asked for over the API, runs = "runs"`)
	}
	url, _, err := databaseURL(c, c.Worker.Database, "worker.database")
	if err != nil {
		return nil, nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil { // of the pool's own parameters; the others were read
		return nil, nil, unreadable("worker.database: a pool_ parameter of the URL is not understood")
	}
	config.MaxConns = queue.MinConns
	config.ConnConfig.ConnectTimeout = 10 * time.Second
	config.ConnConfig.RuntimeParams["application_name"] = "assay"
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		// What a machine held that was switched off is free after half a minute, instead of hours.
		_, err := conn.Exec(ctx, "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3")
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	q, err := queue.New(pool, queueSchema, nil)
	if err == nil {
		err = queueError(ctx, q.Migrate(ctx))
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return q, pool.Close, nil
}

// queueError says what went wrong with the queue, and does not repeat its URL. Errors of tasks and of the store stay as they are.
func queueError(ctx context.Context, err error) error {
	var failed *queue.DatabaseError
	var said *pgconn.PgError
	switch {
	case !errors.As(err, &failed):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &said):
		return connectionError("worker.database", err)
	case said.Code == "42501":
		return hinted(refused("worker.database: its user may not make the schema %s, or tables in it", queueSchema), "have it made: CREATE SCHEMA %s AUTHORIZATION user", queueSchema)
	}
	if err := sessionError("worker.database", said); err != nil {
		return err
	}
	return hinted(refused("worker.database: the server gave it up with SQLSTATE %s", said.Code), "the server's log says more")
}

func (c *Config) checkWorker() error {
	switch {
	case c.Worker.Database != "" && !namesFile(c.Worker.Database):
		return errors.New("database: write file:PATH: the database's URL stands in a file of its own, as it is a secret")
	case c.Worker.Runs != "" && c.Server.Reports == "":
		return errors.New("runs: what is published goes to server.reports, and there is none: name the folder that the server shows")
	case c.Worker.Tasks < 0:
		return fmt.Errorf("tasks: got %d, want 1 or more, or 0: one for each core", c.Worker.Tasks)
	}
	return nil
}

// runner is who does the tasks of a build: this process, or where there is a [worker], whoever works for its queue. end is called when
// the build has ended.
func (s *stages) runner(w *build.Worker) (r build.Runner, end func() error, err error) {
	if s.config.Worker.Database == "" {
		return build.InProcess{Do: w.Do}, func() error { return nil }, nil
	}
	q, closeQueue, err := openQueue(s.ctx, s.config)
	if err != nil {
		return nil, nil, err
	}
	end = func() error {
		closeQueue()
		return s.dropOrder(context.WithoutCancel(s.ctx), w.Plan.ID())
	}
	if err := s.placeOrder(s.ctx, w.Plan); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return &queue.Runner{Queue: q, Waiting: func() { s.progress.say("build: nobody does its tasks; start assay worker, here or on another machine") }}, end, nil
}
