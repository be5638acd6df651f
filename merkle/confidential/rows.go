package confidential

import (
	"fmt"
	"iter"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle"
)

// Row is one row of a shard: a customer's identity and balances, or a decoy's (SPEC part 29, Row).
type Row struct {
	Identity merkle.Hash
	Balances merkle.Plain
}

// Rows are a shard's rows in order. They are read many times, and each time must be the same; that they were is found out.
// What they yield may be used again by the next one. An error ends the reading and the work.
type Rows = iter.Seq2[Row, error]

// chunkRows is how many rows are worked on at once. It is a power of two, so that a chunk is a subtree.
const chunkRows = 1 << 12

// chunk is a run of rows, whose index in the shard is first and up.
type chunk struct {
	first      int
	identities []merkle.Hash
	ends       []int
	entries    []merkle.Entry
}

func (c *chunk) rows() int { return len(c.ends) }

// row returns the entries of row i of the chunk.
func (c *chunk) row(i int) []merkle.Entry {
	start := 0
	if i > 0 {
		start = c.ends[i-1]
	}
	return c.entries[start:c.ends[i]]
}

func (c *chunk) reset(first int) {
	c.first, c.identities, c.ends, c.entries = first, c.identities[:0], c.ends[:0], c.entries[:0]
}

func (c *chunk) append(r Row) {
	c.identities = append(c.identities, r.Identity)
	c.entries = append(c.entries, r.Balances...)
	c.ends = append(c.ends, len(c.entries))
}

func pool() *sync.Pool { return &sync.Pool{New: func() any { return new(chunk) }} }

// table is what is proved of: count rows over some assets.
type table struct {
	rows    Rows
	count   int
	assets  int
	workers int
	watch   func(*chunk) // if any, sees every chunk, in order
}

// parallel is how many workers read the rows, at most limit.
func (t *table) parallel(limit int) int {
	n := t.workers
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return max(1, min(n, limit, (t.count+chunkRows-1)/chunkRows))
}

// chunks reads all rows and hands them to do in chunks, in order. A chunk is do's until it gives it back to free.
func (t *table) chunks(free *sync.Pool, do func(*chunk) error) error {
	c := free.Get().(*chunk)
	c.reset(0)
	seen := 0
	for r, err := range t.rows {
		if err != nil {
			return err
		}
		for i, e := range r.Balances {
			if int(e.Asset) >= t.assets || e.Amount.IsZero() || i > 0 && e.Asset <= r.Balances[i-1].Asset {
				return fmt.Errorf("row #%d: entry #%d is zero, out of order or of no asset of the registry", seen, i)
			}
		}
		if seen == t.count {
			return fmt.Errorf("there are more rows than the %d that were told", t.count)
		}
		c.append(r)
		if seen++; c.rows() == chunkRows || seen == t.count {
			if t.watch != nil {
				t.watch(c)
			}
			if err := do(c); err != nil {
				return err
			}
			c = free.Get().(*chunk)
			c.reset(seen)
		}
	}
	if seen != t.count {
		return fmt.Errorf("there are %d rows, %d were told", seen, t.count)
	}
	return nil
}

// pass reads all rows on all cores, at most limit of them. Each worker has a state that start made; in the end join is called with
// each, one after the other.
func pass[S any](t *table, limit int, start func() S, do func(S, *chunk), join func(S)) error {
	free := pool()
	var mu sync.Mutex
	var g errgroup.Group
	work := make(chan *chunk)
	for range t.parallel(limit) {
		g.Go(func() error {
			s := start()
			for c := range work {
				do(s, c)
				free.Put(c)
			}
			mu.Lock()
			defer mu.Unlock()
			join(s)
			return nil
		})
	}
	err := t.chunks(free, func(c *chunk) error { work <- c; return nil })
	close(work)
	_ = g.Wait() // no worker fails
	return err
}
