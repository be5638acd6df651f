package build

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Task is one step of a build: a pure function of the plan and of the results of the stage before it, which leaves its result in
// the store. To do it again, or twice at once, changes nothing.
type Task struct {
	Plan  string `json:"plan"`  // the plan's id, a digest of all that the build depends on
	Stage string `json:"stage"` // "scan" or "shard"
	Index int    `json:"index"`
}

const (
	stageScan  = "scan"
	stageShard = "shard"
)

// result is the name of what the task leaves.
func (t Task) result() (string, error) {
	switch t.Stage {
	case stageScan:
		return scanName(t.Index), nil
	case stageShard:
		return shardName(t.Index), nil
	}
	return "", fmt.Errorf("task of the stage %q: want %q or %q: it is of another version", t.Stage, stageScan, stageShard)
}

// Runner has the tasks of one stage done, in any order, on any number of machines. It returns when all are done, or with the first
// error. done tells whether a task's result is in the store: that, and nothing that the runner keeps, is the truth. each, if not
// nil, is called as tasks end, by one goroutine at a time.
type Runner interface {
	Run(ctx context.Context, tasks []Task, done func(context.Context, Task) (bool, error), each func(Task)) error
}

// InProcess does tasks in this process. Scans use all cores by themselves; of shards, one is built on each core.
type InProcess struct {
	Do    func(context.Context, Task) error
	Cores int // 0 for all
}

// Run implements [Runner].
func (r InProcess) Run(ctx context.Context, tasks []Task, done func(context.Context, Task) (bool, error), each func(Task)) error {
	outer := ctx
	g, ctx := errgroup.WithContext(outer)
	g.SetLimit(cores(r.Cores))
	if len(tasks) > 0 && tasks[0].Stage == stageScan {
		g.SetLimit(1)
	}
	var mu sync.Mutex
	for _, t := range tasks {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			is, err := done(ctx, t)
			if err == nil && !is {
				err = r.Do(ctx, t)
			}
			if err != nil || each == nil || is {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			each(t)
			return nil
		})
	}
	return cmp.Or(g.Wait(), outer.Err())
}

func cores(n int) int {
	if n == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}
