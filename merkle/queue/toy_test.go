package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assay-por/assay/merkle/build"
)

// A toy build: its store is a folder, its tasks do by their stage. Workers and coordinators are processes of this test's binary.
const (
	quick  = "quick"  // writes its result after a moment
	held   = "held"   // writes it once the file "go" is there
	faulty = "faulty" // fails for good until the file "mended" is there
	flaky  = "flaky"  // fails the first time
	deadly = "deadly" // kills its worker
)

type toy struct {
	Dir, URL, Schema string
	Silence          time.Duration // after which a worker is taken for lost
}

// hasty is a silence for tests that wait for it. Where a task must not be given to a second worker it is too short: on a busy machine a
// worker may say nothing for as long, and be alive.
const hasty = 2 * time.Second

func TestMain(m *testing.M) {
	if role := os.Getenv("QUEUE_ROLE"); role != "" {
		if err := act(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if p, err := shared(); err == nil {
		_ = p.remove()
	}
	os.Exit(code)
}

// act is what the other processes do.
func act(role string) error {
	silence, err := time.ParseDuration(os.Getenv("QUEUE_SILENCE"))
	if err != nil {
		return err
	}
	toy := toy{os.Getenv("QUEUE_DIR"), os.Getenv("QUEUE_URL"), os.Getenv("QUEUE_SCHEMA"), silence}
	q, end, err := toy.open()
	if err != nil {
		return err
	}
	defer end()
	if role == "coordinator" {
		n, _ := strconv.Atoi(os.Getenv("QUEUE_TASKS"))
		return (&Runner{Queue: q}).Run(context.Background(), tasks(os.Getenv("QUEUE_STAGE"), n), toy.done, nil)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	now := make(chan struct{})
	context.AfterFunc(ctx, func() {
		again := make(chan os.Signal, 1)
		signal.Notify(again, syscall.SIGTERM)
		_ = toy.write("stopping")
		<-again
		close(now)
	})
	return q.Work(ctx, toy.do, Options{Now: now})
}

func (y toy) open() (*Queue, func(), error) {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, y.URL)
	if err != nil {
		return nil, nil, err
	}
	var log *slog.Logger
	if os.Getenv("QUEUE_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	q, err := New(pool, y.Schema, log)
	if err != nil {
		return nil, nil, err
	}
	q.silence = y.Silence
	return q, pool.Close, q.Migrate(ctx)
}

func tasks(stage string, n int) []build.Task {
	some := make([]build.Task, n)
	for i := range some {
		some[i] = build.Task{Plan: "toy", Stage: stage, Index: i}
	}
	return some
}

func key(t build.Task) string { return fmt.Sprintf("%s-%d", t.Stage, t.Index) }

func (y toy) path(name string) string { return filepath.Join(y.Dir, name) }

func (y toy) has(name string) bool {
	_, err := os.Stat(y.path(name))
	return err == nil
}

// write makes a file that is there at once or not at all.
func (y toy) write(name string) error {
	part := y.path(fmt.Sprintf("%s.part%d", name, os.Getpid()))
	if err := os.WriteFile(part, nil, 0o600); err != nil {
		return err
	}
	return os.Rename(part, y.path(name))
}

func (y toy) done(_ context.Context, t build.Task) (bool, error) { return y.has(key(t)), nil }

// do is the task. It leaves files that say which process began it, and which ended it.
func (y toy) do(ctx context.Context, t build.Task) error {
	before := y.count("begun-" + key(t))
	if err := y.write(fmt.Sprintf("begun-%s.%d", key(t), os.Getpid())); err != nil {
		return err
	}
	switch {
	case t.Stage == held:
		for !y.has("go") {
			if sleep(ctx, 20*time.Millisecond) != nil {
				return errors.New("given up") // a task's error need not tell that its context ended
			}
		}
	case t.Stage == faulty && !y.has("mended"):
		return Final(errors.New("balances.csv: line 7: the balance is no number"))
	case t.Stage == flaky && before == 0:
		return errors.New("the store does not answer")
	case t.Stage == deadly:
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	default:
		time.Sleep(50 * time.Millisecond)
	}
	if err := y.write(key(t)); err != nil {
		return err
	}
	return y.write(fmt.Sprintf("ended-%s.%d", key(t), os.Getpid()))
}

// count is how many processes did so to a task.
func (y toy) count(did string) int {
	found, _ := filepath.Glob(y.path(did) + ".[0-9]*")
	return len(found)
}

// began reports whether a process is, or was, at a task.
func (p *process) began(y toy, t build.Task) bool { return y.has("begun-" + key(t) + "." + p.pid()) }

// toys are how many there were.
var toys atomic.Int32

// newToy has a schema of its own: a test may run more than once. No worker that lives is taken for lost.
func newToy(t *testing.T, p *postgres) toy {
	return toy{t.TempDir(), p.url(), fmt.Sprint("queue_", toys.Add(1)), 20 * time.Second}
}

// newHastyToy is one whose lost workers are soon missed.
func newHastyToy(t *testing.T, p *postgres) toy {
	y := newToy(t, p)
	y.Silence = hasty
	return y
}

// queue opens the toy's queue in this process.
func (y toy) queue(t *testing.T) *Queue {
	t.Helper()
	q, end, err := y.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return q
}

// process starts another process; it is killed at the end of the test, if it is still there.
func (y toy) process(t *testing.T, role string, env ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "QUEUE_ROLE="+role, "QUEUE_DIR="+y.Dir, "QUEUE_URL="+y.URL, "QUEUE_SCHEMA="+y.Schema, "QUEUE_SILENCE="+y.Silence.String())
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func (p *process) pid() string { return strconv.Itoa(p.cmd.Process.Pid) }

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 6000 {
		if so() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("after five minutes: still not %s", what)
}

// run runs the tasks in this process. Without a result in five minutes, less than what River waits before it rescues a job, it fails.
func (y toy) run(t *testing.T, q *Queue, tasks []build.Task) (result func() (ended int, err error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	type outcome struct {
		ended int
		err   error
	}
	c := make(chan outcome, 1)
	go func() {
		defer cancel()
		var o outcome
		o.err = (&Runner{Queue: q}).Run(ctx, tasks, y.done, func(build.Task) { o.ended++ })
		c <- o
	}()
	return func() (int, error) {
		o := <-c
		return o.ended, o.err
	}
}

// wantDone fails unless every task ended, and has its result.
func (y toy) wantDone(t *testing.T, tasks []build.Task, result func() (int, error)) {
	t.Helper()
	ended, err := result()
	if err != nil || ended != len(tasks) {
		t.Errorf("%d of %d tasks ended, error %v", ended, len(tasks), err)
	}
	for _, task := range tasks {
		if !y.has(key(task)) {
			t.Errorf("%v has no result", task)
		}
	}
}
