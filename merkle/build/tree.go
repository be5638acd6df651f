package build

import (
	"context"
	"encoding/binary"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/shard"
)

// runLeaves is how many customers one goroutine hashes at a time: a power of two, so that the top of a run is a node of the
// shard's tree.
const runLeaves = 1 << 11

// run is a hashed run of a shard: the top of its subtree, and its part of both files.
type run struct {
	count        int
	top          merkle.Node[merkle.Plain]
	rows, leaves []byte
	err          error
}

// buildShard hashes a shard's customers run by run, several at a time, and writes the runs in order.
func buildShard(ctx context.Context, in Input, out *output, index int, part []place, tell func(n int)) (ShardResult, error) {
	sink, err := out.shard(in, index, len(part))
	if err != nil {
		return ShardResult{}, err
	}
	defer sink.abandon()

	// Each hasher answers on its own channel; the channels queue in the order of the runs, and no more are in flight than fit.
	queue := make(chan chan run, 2*workers())
	g, ctx := errgroup.WithContext(ctx)
	hashers := make(chan *hasher, workers())
	for range workers() {
		hashers <- newHasher(in)
	}
	g.Go(func() error {
		defer close(queue)
		for rest := part; len(rest) > 0; {
			some := rest[:min(runLeaves, len(rest))]
			rest = rest[len(some):]
			answer := make(chan run, 1)
			var h *hasher
			select {
			case h = <-hashers:
			case <-ctx.Done():
				return ctx.Err()
			}
			go func() {
				answer <- h.hash(some)
				hashers <- h
			}()
			select {
			case queue <- answer:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	tree := merkle.NewBuilder[merkle.Plain](merkle.Shard, merkle.KindPlain)
	g.Go(func() error {
		for answer := range queue {
			r := <-answer
			if r.err != nil {
				return r.err
			}
			if err := sink.write(r); err != nil {
				return err
			}
			if err := tree.AddNode(r.top); err != nil {
				return err
			}
			tell(r.count)
		}
		return ctx.Err()
	})
	if err := g.Wait(); err != nil {
		return ShardResult{}, err
	}
	top, err := tree.Top()
	if err != nil {
		return ShardResult{}, err
	}
	root := merkle.Root(merkle.Shard, merkle.KindPlain, uint64(len(part)), top)
	return ShardResult{Leaves: uint64(len(part)), Root: root.Hash, Sum: root.Sum}, sink.close(root.Hash)
}

// hasher hashes runs, one at a time.
type hasher struct {
	ledger               *ledger.Ledger
	keys                 merkle.Keys
	snapshot             merkle.Hash
	leaves               bool
	tree                 *merkle.Builder[merkle.Plain]
	sums                 merkle.Plain // of the run's leaves, one after the other
	rowsSize, leavesSize int          // of the run before, which this one's will be near
}

func newHasher(in Input) *hasher {
	return &hasher{
		ledger: in.Ledger, keys: in.Keys.Clone(), snapshot: in.Snapshot, leaves: in.LeavesFile,
		tree: merkle.NewBuilder[merkle.Plain](merkle.Shard, merkle.KindPlain),
	}
}

func (h *hasher) hash(part []place) (r run) {
	r.count = len(part)
	h.tree.Reset()
	h.sums = h.sums[:0]
	r.rows = make([]byte, 0, h.rowsSize+h.rowsSize/16)
	r.leaves = make([]byte, 0, h.leavesSize+h.leavesSize/16)
	for _, p := range part {
		id := h.ledger.Customer(int(p.customer))
		start := len(h.sums)
		h.sums = h.ledger.Balances(int(p.customer), h.sums)
		row := shard.Row{
			Handle: h.keys.Handle(id), Nonce: h.keys.Nonce(id),
			// Should the buffer grow, the sums before it live on in the old one.
			Sum: h.sums[start:len(h.sums):len(h.sums)],
		}
		row.Identity = merkle.Identity(h.snapshot, row.Nonce, id)
		r.rows = row.AppendBinary(r.rows)
		if h.leaves {
			r.leaves = append(r.leaves, row.Identity[:]...)
			r.leaves = row.Sum.AppendBinary(r.leaves)
		}
		if r.err = h.tree.Add(row.Identity, row.Sum); r.err != nil {
			return r
		}
	}
	h.rowsSize, h.leavesSize = len(r.rows), len(r.leaves)
	r.top, r.err = h.tree.Top()
	r.top.Sum = slices.Clone(r.top.Sum) // it may be a leaf's, whose buffer is used again
	return r
}

// leavesHeader begins a leaves file (SPEC part 6).
func leavesHeader(snapshot merkle.Hash, index, leaves int) []byte {
	b := append([]byte("assay/v1/leaves\n"), snapshot[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(index))     //nolint:gosec // at most 2^20 shards
	return binary.BigEndian.AppendUint64(b, uint64(leaves)) //nolint:gosec // a length
}
