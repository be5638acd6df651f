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

// runLeaves is how many customers one goroutine hashes at a time: whole blocks of a shard file.
const runLeaves = 32 * shard.BlockRows

// run is a hashed run of a shard: its part of both files.
type run struct {
	count  int
	blocks []shard.Block
	leaves []byte
	err    error
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
	g.Go(func() error {
		for answer := range queue {
			r := <-answer
			if r.err != nil {
				return r.err
			}
			if err := sink.write(r); err != nil {
				return err
			}
			tell(r.count)
		}
		return ctx.Err()
	})
	if err := g.Wait(); err != nil {
		return ShardResult{}, err
	}
	root, err := sink.close()
	return ShardResult{Leaves: uint64(len(part)), Root: root.Hash, Sum: root.Sum}, err
}

// hasher hashes runs, one at a time.
type hasher struct {
	ledger     *ledger.Ledger
	keys       merkle.Keys
	snapshot   merkle.Hash
	leaves     bool
	packer     *shard.Packer
	rows       []shard.Row  // of one block
	sums       merkle.Plain // of the block's rows, one after the other
	leavesSize int          // of the run before, which this one's will be near
}

func newHasher(in Input) *hasher {
	return &hasher{
		ledger: in.Ledger, keys: in.Keys.Clone(), snapshot: in.Snapshot, leaves: in.LeavesFile, packer: shard.NewPacker(),
	}
}

func (h *hasher) hash(part []place) (r run) {
	r.count = len(part)
	r.leaves = make([]byte, 0, h.leavesSize+h.leavesSize/16)
	for some := range slices.Chunk(part, shard.BlockRows) {
		h.rows, h.sums = h.rows[:0], h.sums[:0]
		for _, p := range some {
			h.rows = append(h.rows, h.row(p))
		}
		block, err := h.packer.Pack(h.rows)
		if err != nil {
			r.err = err
			return r
		}
		r.blocks = append(r.blocks, block)
		if h.leaves {
			for _, row := range h.rows {
				r.leaves = append(r.leaves, row.Identity[:]...)
				r.leaves = row.Sum.AppendBinary(r.leaves)
			}
		}
	}
	h.leavesSize = len(r.leaves)
	return r
}

func (h *hasher) row(p place) shard.Row {
	id := h.ledger.Customer(int(p.customer))
	start := len(h.sums)
	h.sums = h.ledger.Balances(int(p.customer), h.sums)
	row := shard.Row{
		Handle: h.keys.Handle(id), Nonce: h.keys.Nonce(id),
		// Should the buffer grow, the sums before it live on in the old one.
		Sum: h.sums[start:len(h.sums):len(h.sums)],
	}
	row.Identity = merkle.Identity(h.snapshot, row.Nonce, id)
	return row
}

// leavesHeader begins a leaves file (SPEC part 6).
func leavesHeader(snapshot merkle.Hash, index, leaves int) []byte {
	b := append([]byte("assay/v1/leaves\n"), snapshot[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(index))     //nolint:gosec // at most 2^20 shards
	return binary.BigEndian.AppendUint64(b, uint64(leaves)) //nolint:gosec // a length
}
