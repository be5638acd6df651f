package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle/build"
)

func TestRun_ManyWorkers(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			y := newToy(t, usePostgres(t, shared))
			for range workers {
				y.process(t, "worker")
			}
			all := tasks(quick, 20)
			if err := errors.Join(y.write(key(all[3])), y.write(key(all[19]))); err != nil { // of a former Run
				t.Fatal(err)
			}
			ended, err := y.run(t, y.queue(t), all)()
			if err != nil || ended != 18 {
				t.Fatalf("%d tasks ended, want 18; error %v", ended, err)
			}
			for i, task := range all {
				want := 1
				if i == 3 || i == 19 {
					want = 0
				}
				if n := y.count("ended-" + key(task)); n != want {
					t.Errorf("%v was done by %d workers, want %d", task, n, want)
				}
			}
		})
	}
}

func TestRun_WorkersKilledInTheMiddle(t *testing.T) {
	y := newHastyToy(t, usePostgres(t, shared))
	all := append(tasks(held, 2), tasks(quick, 5)...)
	result := y.run(t, y.queue(t), all)
	for range 3 {
		w := y.process(t, "worker")
		waitFor(t, "at a task", func() bool { return w.began(y, all[0]) || w.began(y, all[1]) })
		w.kill()
	}
	y.process(t, "worker")
	y.goOn(t)
	y.wantDone(t, all, result)
}

// What a worker was lost in the middle of is given to others, but not for ever: it may be what the worker was lost of.
func TestRun_TaskKillsWorkers(t *testing.T) {
	y := newHastyToy(t, usePostgres(t, shared))
	result := y.run(t, y.queue(t), tasks(deadly, 1))
	for range attempts {
		<-y.process(t, "worker").ended
	}
	_, err := result()
	var failed *TaskError
	if !errors.As(err, &failed) || failed.Tries != attempts || !strings.Contains(err.Error(), "deadly #0: its worker, ") {
		t.Errorf("got %v", err)
	}
}

func TestRun_WorkerPaused(t *testing.T) {
	y := newHastyToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(held, 1)
	result := y.run(t, q, all)
	paused := y.process(t, "worker")
	waitFor(t, "at the task", func() bool { return paused.began(y, all[0]) })
	paused.signal(t, syscall.SIGSTOP)
	other := y.process(t, "worker")
	waitFor(t, "taken over", func() bool { return other.began(y, all[0]) })
	y.goOn(t)
	y.wantDone(t, all, result)
	other.kill()
	paused.signal(t, syscall.SIGCONT)
	waitFor(t, "done by the paused worker too", func() bool { return y.has("ended-held-0." + paused.pid()) })
	more := tasks(quick, 3)
	y.wantDone(t, more, y.run(t, q, more))
}

func TestRun_DatabaseRestarted(t *testing.T) {
	p := usePostgres(t, startPostgres)
	t.Cleanup(func() { _ = p.remove() })
	y := newToy(t, p)
	all := append(tasks(held, 2), tasks(quick, 30)...)
	y.process(t, "worker")
	ctx, cancel := context.WithCancel(t.Context())
	q, told := y.queue(t), make(chan bool, 100)
	var g errgroup.Group
	g.Go(func() error { return q.Work(ctx, y.do, Options{Reachable: func(is bool) { told <- is }}) })
	result := y.run(t, q, all)
	waitFor(t, "begun", func() bool { return y.count("begun-held-*") == 2 })
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	y.goOn(t) // both end while it is away
	waitFor(t, "done", func() bool { return y.count("ended-held-*") == 2 })
	if <-told {
		t.Error("the database was told to answer, want that it does not")
	}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	if !<-told {
		t.Error("the database was told not to answer, want that it does")
	}
	y.wantDone(t, all, result)
	cancel()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestRun_FinalError(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	q, all := y.queue(t), append(tasks(faulty, 1), tasks(held, 3)...)
	y.process(t, "worker")
	ended, err := y.run(t, q, all)()
	want := &TaskError{all[0], 1, "balances.csv: line 7: the balance is no number"}
	var got *TaskError
	if ended != 0 || !errors.As(err, &got) || cmp.Diff(want, got) != "" || err.Error() != "faulty #0: "+want.Why {
		t.Fatalf("%d tasks ended, error %v", ended, err)
	}
	if n := q.jobs(t, "state <> 'running' AND finalized_at IS NULL"); n != 0 {
		t.Errorf("%d tasks wait for workers without a Runner", n)
	}
	if err := y.write("mended"); err != nil {
		t.Fatal(err)
	}
	y.goOn(t)
	y.wantDone(t, all, y.run(t, q, all)) // what failed can be put in again
}

func TestRun_ErrorThatPasses(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	y.process(t, "worker")
	all := tasks(flaky, 2)
	y.wantDone(t, all, y.run(t, y.queue(t), all))
}

func TestRun_TwoOfTheSameTasks(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	a, b, c, all := y.queue(t), y.queue(t), y.queue(t), append(tasks(held, 1), tasks(quick, 8)...)
	first, second := y.run(t, a, all), y.run(t, b, all)
	ctx, cancel := context.WithCancel(t.Context())
	third := make(chan error, 1)
	go func() { third <- (&Runner{Queue: c}).Run(ctx, all, y.done, nil) }()
	waitFor(t, "put in", func() bool { return a.jobs(t, "true") == len(all) })
	cancel() // takes back what the others wait for too
	if err := <-third; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context was cancelled", err)
	}
	y.process(t, "worker")
	y.goOn(t)
	y.wantDone(t, all, first)
	y.wantDone(t, all, second)
	for _, task := range all {
		if n := a.jobs(t, fmt.Sprintf("state = 'completed' AND args ->> 'stage' = '%s' AND args ->> 'index' = '%d'", task.Stage, task.Index)); n != 1 {
			t.Errorf("%v was done %d times", task, n)
		}
	}
}

func TestRun_CoordinatorKilled(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(held, 3)
	killed := y.process(t, "coordinator", "QUEUE_STAGE="+held, "QUEUE_TASKS=3")
	y.process(t, "worker")
	waitFor(t, "begun", func() bool { return y.count("begun-held-*") == 1 })
	killed.kill()
	result := y.run(t, q, all)
	y.goOn(t)
	y.wantDone(t, all, result)
	if n := q.jobs(t, "true"); n != len(all) {
		t.Errorf("%d jobs for %d tasks", n, len(all))
	}
}

func TestRun_Interrupted(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(held, 3)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- (&Runner{Queue: q}).Run(ctx, all, y.done, nil) }()
	w := y.process(t, "worker")
	waitFor(t, "begun", func() bool { return y.count("begun-held-*") == 1 })
	cancel()
	if err := <-result; err != context.Canceled { //nolint:errorlint // that very error
		t.Errorf("got %v, want context.Canceled", err)
	}
	if running, other := q.jobs(t, "state = 'running'"), q.jobs(t, "state <> 'running'"); running != 1 || other != 0 {
		t.Errorf("%d jobs are running and %d others there, want 1 and 0", running, other)
	}
	y.goOn(t)
	waitFor(t, "done", func() bool { return y.has("ended-held-0." + w.pid()) })
}

func TestRun_NobodyWorks(t *testing.T) {
	y := newHastyToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(quick, 2)
	q.lonely = 100 * time.Millisecond
	if err := q.beat(t.Context(), "a worker that is gone", []int64{}); err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 2)
	result := make(chan error, 1)
	go func() {
		result <- (&Runner{q, func() { told <- struct{}{} }}).Run(t.Context(), all, y.done, nil)
	}()
	<-told
	y.process(t, "worker")
	if err := <-result; err != nil || len(told) > 0 {
		t.Errorf("error %v; told %d times more", err, len(told))
	}
}

// A worker is there, but knows nothing of a job that it should be at: the answer to its fetch was lost.
func TestRun_JobInNobodysHand(t *testing.T) {
	y := newHastyToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(quick, 1)
	w := y.process(t, "worker")
	waitFor(t, "a worker there", func() bool { return q.count(t, "assay_worker", "true") == 1 })
	w.signal(t, syscall.SIGSTOP) // it takes no job for now
	result := y.run(t, q, all)
	waitFor(t, "put in", func() bool { return q.jobs(t, "true") == 1 })
	_, err := q.pool.Exec(t.Context(), "UPDATE "+q.schema+".river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = array(SELECT id FROM "+q.schema+".assay_worker)")
	if err != nil {
		t.Fatal(err)
	}
	w.signal(t, syscall.SIGCONT)
	y.wantDone(t, all, result)
}

func TestRun_ResultInAnotherStore(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	y.process(t, "worker")
	never := func(context.Context, build.Task) (bool, error) { return false, nil }
	err := (&Runner{Queue: y.queue(t)}).Run(t.Context(), tasks(quick, 1), never, nil)
	if err == nil || !strings.Contains(err.Error(), "quick #0: its worker says that it is done, but its result is not in the store") {
		t.Errorf("got %v", err)
	}
}

func TestRun_StoreFails(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	broken := errors.New("no store")
	err := (&Runner{Queue: y.queue(t)}).Run(t.Context(), tasks(quick, 1), func(context.Context, build.Task) (bool, error) { return false, broken }, nil)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestWork_StopsSoftly(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(held, 2)
	result := y.run(t, q, all)
	w := y.process(t, "worker")
	waitFor(t, "begun", func() bool { return y.count("begun-held-*") == 1 })
	w.signal(t, syscall.SIGTERM)
	waitFor(t, "stopping", func() bool { return y.has("stopping") })
	y.goOn(t)
	<-w.ended
	if y.count("ended-held-*") != 1 || y.count("begun-held-*") != 1 || w.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("the task in hand was not finished, or another begun; exit code %d", w.cmd.ProcessState.ExitCode())
	}
	if n := q.count(t, "assay_worker", "true"); n != 0 {
		t.Error("it seems to be there still")
	}
	y.process(t, "worker")
	y.wantDone(t, all, result)
}

func TestWork_StopsAtOnce(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(held, 1)
	result := y.run(t, q, all)
	w := y.process(t, "worker")
	waitFor(t, "begun", func() bool { return w.began(y, all[0]) })
	w.signal(t, syscall.SIGTERM)
	waitFor(t, "stopping", func() bool { return y.has("stopping") })
	w.signal(t, syscall.SIGTERM)
	<-w.ended
	if code := w.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := q.jobs(t, "state = 'available' AND attempt = 0"); n != 1 {
		t.Error("the task in hand was not given back, or it counts as tried")
	}
	y.process(t, "worker")
	y.goOn(t)
	y.wantDone(t, all, result)
}

func TestWork_GraceEnds(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(held, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return q.Work(ctx, y.do, Options{Grace: 50 * time.Millisecond}) })
	result := y.run(t, q, all)
	waitFor(t, "begun", func() bool { return y.count("begun-held-*") == 1 })
	cancel()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if n := q.jobs(t, "state = 'available' AND attempt = 0"); n != 1 {
		t.Error("the task in hand was not given back, or it counts as tried")
	}
	y.process(t, "worker")
	y.goOn(t)
	y.wantDone(t, all, result)
}

func TestWork_TaskTakesTooLong(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	q, all := y.queue(t), tasks(held, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return q.Work(ctx, y.do, Options{Timeout: 500 * time.Millisecond, Rescue: time.Hour}) })
	result := y.run(t, q, all)
	waitFor(t, "given up", func() bool { return q.jobs(t, "errors[1] ->> 'error' = 'it took longer than 500ms'") == 1 })
	y.goOn(t)
	y.wantDone(t, all, result)
	cancel()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestMigrate_AllAtOnce(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	var g errgroup.Group
	for range 5 {
		g.Go(func() error {
			_, end, err := y.open() // which migrates
			if err == nil {
				end()
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestNew_Refuses(t *testing.T) {
	y := newToy(t, usePostgres(t, shared))
	open := func(url, schema string) error {
		pool, err := pgxpool.New(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		q, err := New(pool, schema, nil)
		if err == nil {
			err = (&Runner{Queue: q}).Run(t.Context(), tasks(quick, 1), y.done, nil)
		}
		return err
	}
	for _, tt := range []struct{ url, schema, want string }{
		{strings.Replace(y.URL, "conns=4", "conns=3", 1), "assay", "the queue's pool has 3 connections, want at least 4"},
		{y.URL, `a"b`, "Schema name can only contain letters"},
		{y.URL, "never_migrated", "42P01"},
	} {
		if err := open(tt.url, tt.schema); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: got %v, want %q", tt.url, tt.schema, err, tt.want)
		}
	}
}

// jobs counts jobs.
func (q *Queue) jobs(t *testing.T, condition string) int { return q.count(t, "river_job", condition) }

func (q *Queue) count(t *testing.T, table, condition string) (n int) {
	t.Helper()
	if err := q.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+q.schema+"."+table+" WHERE "+condition).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// goOn lets held tasks end.
func (y toy) goOn(t *testing.T) {
	t.Helper()
	if err := y.write("go"); err != nil {
		t.Fatal(err)
	}
}
