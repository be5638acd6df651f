package confidential

import (
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle"
)

// Shard is what a shard is built from.
type Shard struct {
	Snapshot merkle.Hash
	Index    uint32
	Key      merkle.BlindKey // the snapshot's
	Count    uint64          // how many rows there are; without any, a decoy is made
	Rows     Rows
	// Relations are what every row is proved to satisfy, or none.
	Relations []Relation
	Workers   int // how many goroutines work at once; 0 for as many as run at once
}

// Leaf is a shard's leaf, and the blinding that its customer is given (SPEC part 29, In a customer's proof).
type Leaf struct {
	Identity merkle.Hash
	Sum      Point
	Blinding [32]byte
}

// TopRow is what the top level takes of a shard: a row of its own, whose identity is the shard root's hash (SPEC part 29, Tree).
// Totals and Blinding are secret; the others are published in the shard list.
type TopRow struct {
	Root     merkle.Hash
	Leaves   uint64
	Total    Point
	Totals   merkle.Plain
	Blinding [32]byte
}

// Committed is a shard whose rows are committed to: its root stands, its proof is to be made.
type Committed struct {
	Root merkle.Node[Point] // the shard's, closed
	Top  TopRow
	work *work
}

// work is what commitments leave for the proof.
type work struct {
	params    *Parameters
	relations []relation
	table     *table
	leaves    int // the tree's
	snapshot  merkle.Hash
	index     uint32
	key       merkle.BlindKey
	blindings []fr.Element // of every row
	columns   []fr.Element // S, the sum of the rows' bits
	sum       fr.Element   // R, the sum of the rows' blindings
	digest    merkle.Hash
	root      merkle.Node[Point]
}

// Commit commits to every row and builds the shard's tree (SPEC part 29, Row, Tree and Who builds). Leaves are handed to emit in
// order, some thousand at a time; an error of emit ends the work. Of a shard in which an asset's total reaches 2^128 it says so by a
// [merkle.OverflowError]: more shards are needed then.
func (p *Parameters) Commit(s Shard, emit func([]Leaf) error) (*Committed, error) {
	if s.Count > math.MaxInt32 {
		return nil, fmt.Errorf("shard has %d rows, want at most 2^31 − 1: use more shards", s.Count)
	}
	t := &table{rows: s.Rows, count: int(s.Count), assets: len(p.assets), workers: s.Workers}
	if s.Count == 0 {
		id := decoy(s.Key, s.Snapshot, s.Index)
		t.count, t.rows = 1, func(yield func(Row, error) bool) { yield(Row{Identity: id}, nil) }
	}
	relations, err := p.relations(s.Relations)
	if err != nil {
		return nil, err
	}
	d, err := digest(t)
	if err != nil {
		return nil, err
	}
	key := shardKey(s.Key, s.Snapshot, s.Index, d)
	w := &work{params: p, relations: relations, table: t, snapshot: s.Snapshot, index: s.Index, key: s.Key, digest: d, blindings: make([]fr.Element, t.count)}
	draw := func(c *chunk, r []fr.Element) {
		f := newPRF(key, &p.wide)
		for i := range r {
			r[i] = f.at("row", c.first+i)
		}
	}
	if err := w.commit(merkle.Shard, draw, emit); err != nil {
		return nil, err
	}
	totals, err := w.totals()
	if err != nil {
		return nil, err
	}
	blinding := newPRF(key, &p.wide).scalar("total")
	total := p.commitRow(totals, blinding)
	return &Committed{
		Root: w.root,
		Top:  TopRow{Root: w.root.Hash, Leaves: uint64(t.count), Total: total, Totals: totals, Blinding: blinding.Bytes()}, //nolint:gosec // at least 1
		work: w,
	}, nil
}

// Prove makes the shard's proof: the contents of its file (SPEC part 29, Files). The rows are read again. It takes 32 bytes of
// random; two proofs of one shard differ, and both hold.
func (c *Committed) Prove(random io.Reader) ([]byte, error) { return c.instance().prove(random) }

// instance is what the shard's proof shows: rows less total row add up to nothing.
func (c *Committed) instance() *instance {
	x := &instance{work: c.work, columns: slices.Clone(c.work.columns)}
	var blinding fr.Element
	blinding.SetBytes(c.Top.Blinding[:])
	x.remainder.Sub(&c.work.sum, &blinding)
	minus := fr.One()
	x.addRow(c.Top.Totals, *minus.Neg(&minus))
	x.begin(levelShard)
	x.script.absorb("total", c.Top.Total.AppendBinary(nil))
	return x
}

// addRow adds a row's bits, times by, to what Q opens to.
func (x *instance) addRow(balances merkle.Plain, by fr.Element) {
	for _, e := range balances {
		for b := range width {
			if column := &x.columns[int(e.Asset)*width+b]; bit(e.Amount, b) {
				column.Add(column, &by)
			}
		}
	}
}

// commit commits to every row, adds up bits and blindings, and builds the tree.
func (w *work) commit(level merkle.Level, draw func(*chunk, []fr.Element), emit func([]Leaf) error) error {
	t, m := w.table, len(w.params.assets)
	tops := make([]merkle.Node[Point], (t.count+chunkRows-1)/chunkRows)
	counts := make([]uint64, m*bytesWide<<8)
	turn := newQueue()
	free := pool()
	chunks := make(chan *chunk)
	var mu sync.Mutex
	var g errgroup.Group
	for range t.parallel(math.MaxInt) {
		g.Go(func() error {
			k := newCommitter(w.params)
			mine := make([]uint32, len(counts))
			var sum fr.Element
			for c := range chunks {
				fault := w.related(c)
				r := w.blindings[c.first : c.first+c.rows()]
				draw(c, r)
				points := k.commit(c, r)
				tops[c.first/chunkRows] = k.subtree(level, c.identities, points)
				countBytes(mine, c)
				for i := range r {
					sum.Add(&sum, &r[i])
				}
				turn.wait(c.first/chunkRows, func() error {
					if fault != nil {
						return fault
					}
					return emitLeaves(emit, c, points, r)
				})
				free.Put(c)
			}
			mu.Lock()
			defer mu.Unlock()
			w.sum.Add(&w.sum, &sum)
			for i := range mine {
				counts[i] += uint64(mine[i])
			}
			return nil
		})
	}
	err := t.chunks(free, func(c *chunk) error { chunks <- c; return turn.err() })
	close(chunks)
	_ = g.Wait() // no worker fails
	if err == nil {
		err = turn.err()
	}
	if err != nil {
		return err
	}
	w.columns, w.leaves = columnsOf(counts), t.count
	return w.close(level, tops)
}

// close joins the tops of the chunks' trees and closes the root.
func (w *work) close(level merkle.Level, tops []merkle.Node[Point]) error {
	b := merkle.NewBuilder[Point](level, merkle.KindConfidential)
	for _, n := range tops {
		if err := b.AddNode(n); err != nil {
			return err
		}
	}
	top, err := b.Top()
	w.root = merkle.Root(level, merkle.KindConfidential, uint64(w.leaves), top) //nolint:gosec // at least 1
	return err
}

func emitLeaves(emit func([]Leaf) error, c *chunk, points []grumpkin.G1Affine, r []fr.Element) error {
	if emit == nil {
		return nil
	}
	leaves := make([]Leaf, len(points))
	for i := range leaves {
		leaves[i] = Leaf{c.identities[i], Point{points[i]}, r[i].Bytes()}
	}
	return emit(leaves)
}

// countBytes counts which byte of which asset has which value, how often.
func countBytes(counts []uint32, c *chunk) {
	for _, e := range c.entries {
		for at, v := range amountBytes(e.Amount) {
			if v != 0 {
				counts[tableIndex(int(e.Asset), at, v)]++
			}
		}
	}
}

// columnsOf turns counts of bytes into counts of bits.
func columnsOf(counts []uint64) []fr.Element {
	columns := make([]fr.Element, len(counts)>>8*8)
	for at := range len(counts) >> 8 {
		for b := range 8 {
			n := uint64(0)
			for v := range 256 {
				if v>>b&1 == 1 {
					n += counts[at<<8|v]
				}
			}
			columns[at*8+b].SetUint64(n)
		}
	}
	return columns
}

// totals are what the rows add up to, or a [merkle.OverflowError].
func (w *work) totals() (merkle.Plain, error) {
	var p merkle.Plain
	for j := range w.params.assets {
		n := w.total(j)
		if n.BitLen() > width {
			return nil, &merkle.OverflowError{Asset: uint16(j)} //nolint:gosec // at most 1,024 assets
		}
		if n.Sign() != 0 {
			low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
			p = append(p, merkle.Entry{Asset: uint16(j), Amount: merkle.Amount{Hi: n.Rsh(n, 64).Uint64(), Lo: low}}) //nolint:gosec // at most 1,024 assets
		}
	}
	return p, nil
}

// total is T_j.
func (w *work) total(j int) *big.Int {
	sum := new(big.Int)
	for b := width - 1; b >= 0; b-- {
		sum.Lsh(sum, 1)
		sum.Add(sum, new(big.Int).SetUint64(w.columns[j*width+b].Uint64()))
	}
	return sum
}

// commitRow commits to one row.
func (p *Parameters) commitRow(balances merkle.Plain, blinding fr.Element) Point {
	c := new(chunk)
	c.append(Row{Balances: balances})
	return Point{newCommitter(p).commit(c, []fr.Element{blinding})[0]}
}

// CommitRow returns the commitment of a row to balances with a blinding that a [Leaf] has (SPEC part 29, Row): what its customer computes.
func (p *Parameters) CommitRow(balances merkle.Plain, blinding [32]byte) (Point, error) {
	var r fr.Element
	if err := r.SetBytesCanonical(blinding[:]); err != nil {
		return Point{}, fmt.Errorf("blinding is not below the group's order")
	}
	return p.commitRow(balances, r), nil
}

func bit(a merkle.Amount, b int) bool {
	if b < 64 {
		return a.Lo>>b&1 == 1
	}
	return a.Hi>>(b-64)&1 == 1
}

// queue lets workers act in the order of their chunks.
type queue struct {
	mu   sync.Mutex
	cond *sync.Cond
	next int
	fail error
}

func newQueue() *queue {
	q := new(queue)
	q.cond = sync.NewCond(&q.mu)
	return q
}

// wait calls do when all chunks before n are done with, unless one of them failed.
func (q *queue) wait(n int, do func() error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.next != n {
		q.cond.Wait()
	}
	if q.fail == nil {
		q.fail = do()
	}
	q.next++
	q.cond.Broadcast()
}

func (q *queue) err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.fail
}
