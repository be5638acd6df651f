package build

import (
	"runtime"
	"sync"
)

// workers is how many goroutines hash at once.
func workers() int { return runtime.GOMAXPROCS(0) }

// progress adds up what several goroutines have done.
type progress struct {
	tell  func(stage string, done, total int64)
	total int64
	mu    sync.Mutex
}

// stage returns what counts the customers of one stage.
func (p *progress) stage(name string) func(n int) {
	if p.tell == nil {
		return func(int) {}
	}
	var done int64
	return func(n int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		done += int64(n)
		p.tell(name, done, p.total)
	}
}
