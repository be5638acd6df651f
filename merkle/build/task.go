package build

import "context"

// Task is one step of a build: a pure function of the plan and of the results of the stage before it, which leaves its result in
// the store. To do it again, or twice at once, changes nothing.
type Task struct {
	Plan  string `json:"plan"`  // the plan's id, a digest of all that the build depends on
	Stage string `json:"stage"` // "scan" or "shard"
	Index int    `json:"index"`
}

// Runner has the tasks of one stage done, in any order, on any number of machines. It returns when all are done, or with the first
// error. done tells whether a task's result is in the store: that, and nothing that the runner keeps, is the truth. each, if not
// nil, is called as tasks end, by one goroutine at a time.
type Runner interface {
	Run(ctx context.Context, tasks []Task, done func(context.Context, Task) (bool, error), each func(Task)) error
}
