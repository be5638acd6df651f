package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// together has many who look something up at once share a question to the database. Who comes while questions are under way waits for the
// next, with all others who came meanwhile. It is put when they have asked, so that each sees whatever was changed before; nothing is kept.
type together[T any] struct {
	put func(ctx context.Context, ids []string) (map[string]T, error) // answers for each of the ids, or fails for all

	mu    sync.Mutex
	under int          // questions under way
	next  *question[T] // what is to be asked then; nil: nobody waits
}

// question is one that some wait for.
type question[T any] struct {
	ids   []string
	found map[string]T
	err   error
	over  chan struct{}
}

const (
	questions = 2               // under way at once: while one is answered another is on its way
	longest   = 5 * time.Second // that a question takes; whoever asks may have less time
)

var errUnanswered = errors.New("a question to the database was not answered")

// look looks an id up. What is found is shared with all who look for it too, and is not to be changed.
func (t *together[T]) look(ctx context.Context, id string) (found T, err error) {
	t.mu.Lock()
	q := t.next
	if q == nil {
		q = &question[T]{over: make(chan struct{})}
		t.next = q
	}
	if !slices.Contains(q.ids, id) {
		q.ids = append(q.ids, id)
	}
	if t.under < questions {
		t.under++
		t.next = nil
		t.mu.Unlock()
		t.ask(ctx, q)
	} else {
		t.mu.Unlock()
	}
	select {
	case <-q.over:
		return q.found[id], q.err
	case <-ctx.Done():
		return found, ctx.Err()
	}
}

// ask puts a question, and has the next one be put by somebody else. Whoever asked first and goes away ends it for nobody.
func (t *together[T]) ask(ctx context.Context, q *question[T]) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer end()
	defer close(q.over)
	defer t.handOn(ctx)
	q.err = errUnanswered // unless there is an answer
	q.found, q.err = t.put(ctx, q.ids)
}

func (t *together[T]) handOn(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.next
	t.next = nil
	if q == nil {
		t.under--
		return
	}
	go t.ask(ctx, q)
}
