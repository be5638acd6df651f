package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/queue"
	"github.com/assay-por/assay/merkle/store"
)

// said is what a command prints while it runs.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// workerConfig writes a configuration whose queue is at a URL, and returns its path.
func workerConfig(t *testing.T, url string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"assay.toml": "[worker]\ndatabase = \"file:queue.url\"\n", "queue.url": url + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "assay.toml")
}

func TestWorker(t *testing.T) {
	p := startPostgres(t)
	t.Run("works", func(t *testing.T) { testWorkerWorks(t, p) })
	t.Run("refused", func(t *testing.T) { testWorkerRefused(t, p) })
}

func testWorkerWorks(t *testing.T, p *postgres) {
	path := workerConfig(t, p.url("127.0.0.1", ""))
	ctx, stop := context.WithCancel(t.Context())
	var ended atomic.Int64
	c, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	q, end, err := openQueue(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	cmd, out := &cobra.Command{RunE: func(cmd *cobra.Command, _ []string) error {
		return work(cmd, new(app), q, 1, func(_ context.Context, task build.Task) error {
			if task.Stage == "shard" {
				return refused("the spools of this shard are not those that were scanned")
			}
			ended.Add(1)
			return nil
		})
	}}, new(said)
	cmd.SetErr(out)
	cmd.SetArgs([]string{})
	result := make(chan error, 1)
	go func() { result <- cmd.ExecuteContext(ctx) }()

	runner := &queue.Runner{Queue: q}
	done := func(_ context.Context, task build.Task) (bool, error) {
		return task.Stage == "scan" && ended.Load() > 0, nil
	}
	if err := runner.Run(t.Context(), []build.Task{{Plan: "p", Stage: "scan"}}, done, nil); err != nil {
		t.Error(err)
	}
	err = queueError(t.Context(), runner.Run(t.Context(), []build.Task{{Plan: "p", Stage: "shard", Index: 7}}, done, nil))
	if err == nil || err.Error() != "shard #7: the spools of this shard are not those that were scanned" {
		t.Errorf("got %v", err)
	}
	stop()
	if err := <-result; err != nil {
		t.Errorf("an interrupted worker: %v", err)
	}
	want := regexp.MustCompile(`(?s)^waiting for tasks \(stop with Ctrl-C\)
scan #0: done in \S+s
shard #7: failed after \S+s: the spools of this shard are not those that were scanned
ending the task in hand; interrupt again to stop at once
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("it said:\n%s", out)
	}
}

func testWorkerRefused(t *testing.T, p *postgres) {
	p.do(t, fmt.Sprintf("CREATE ROLE canaryworker LOGIN PASSWORD '%s'", postgresPassword))
	for url, want := range map[string]string{
		strings.Replace(p.url("127.0.0.1", ""), "4711", "4712", 1):                     "worker.database: the server refuses the user or the password (SQLSTATE 28P01)",
		strings.Replace(p.url("127.0.0.1", ""), "/postgres?", "/canarydb?", 1):         "worker.database: the server has no such database",
		"postgres://canaryuser:canary@127.0.0.1:1/postgres":                            "worker.database: connection refused",
		"postgres://canaryuser:canary@db.example/x":                                    "worker.database: the URL in ",
		strings.Replace(p.url("127.0.0.1", ""), "//canaryuser:", "//canaryworker:", 1): "worker.database: its user may not make the schema assay_queue",
		strings.Replace(p.url("127.0.0.1", ""), "?", "?pool_min_conns=canary", 1):      "worker.database: ",
		"postgres://canaryuser:canary@canary.invalid/x?sslmode=verify-full":            "worker.database: its host has no address",
	} {
		c, err := loadConfig(workerConfig(t, url))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, _, err = openQueue(ctx, c)
		cancel()
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, _, err := openQueue(t.Context(), defaultConfig()); err == nil || !strings.HasPrefix(err.Error(), "worker.database: there is none") {
		t.Errorf("got %v", err)
	}
}

// A store that gives no answer for a moment ends no task for good.
func TestOrders_StoreOutOfReach(t *testing.T) {
	c := inBucket(t, t.TempDir(), "127.0.0.1:1", "s3://assay-test/of", "ledger.csv")
	o := &orders{config: c}
	err := o.do(t.Context(), build.Task{Plan: "00", Stage: "scan"})
	if err == nil || isFinal(err) || exitCode(err) != exitNetwork {
		t.Errorf("got %v, exit %d, final: %v", err, exitCode(err), isFinal(err))
	}
}

func TestWorker_FinalErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("connection reset"), false},
		{&failure{code: exitNetwork, err: errors.New("the store does not answer")}, false},
		{refused("spools: %w", store.ErrUnreachable), false},
		{os.ErrNotExist, false},
		{fmt.Errorf("scan: %w", &ledger.RowError{Problem: "is empty"}), true},
		{unreadable("not a plan"), true},
		{fmt.Errorf("shard: %w", &build.EmptyShardError{Shards: 8}), true},
		{fmt.Errorf("shard: %w", &build.UnderwaterError{Customers: 8}), true},
	} {
		if got := isFinal(tt.err); got != tt.want {
			t.Errorf("%v: final: %v, want %v", tt.err, got, tt.want)
		}
	}
}
