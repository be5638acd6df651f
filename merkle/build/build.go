// Package build turns a ledger into the liability side of a report: the root, the shard list, the leaves files that anyone may
// recompute, and the sealed shard files out of which customers get their proofs (SPEC parts 5, 6 and 8).
//
//	run directory
//	├── shards/00000.age                 one sealed file for each shard
//	└── leaves/shard-00000.leaves        one leaves file for each shard, as SPEC part 6 says
//
// The same ledger, secret and snapshot give the same root and the same leaves files, whatever the order of the ledger's rows
// and however often it is built. Both folders appear whole or not at all: everything is written beside them first.
package build

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/shard"
)

// Input is what a build needs.
type Input struct {
	Ledger     *ledger.Ledger
	Keys       merkle.Keys
	Snapshot   merkle.Hash
	Assets     int    // of the registry; that which the ledger was read with
	Shards     int    // 0 for 1
	Dir        string // the run directory; it must exist
	Recipient  age.Recipient
	LeavesFile bool // write leaves files too
	// Progress, if not nil, is told how many customers of a stage, "order" or "tree", are done. It is called by one goroutine
	// at a time.
	Progress func(stage string, done, total int64)
}

// Result is what a build publishes.
type Result struct {
	Kind     merkle.Kind
	Snapshot merkle.Hash
	Shards   []ShardResult
	Leaves   uint64
	Root     merkle.Hash
	Totals   merkle.Plain
}

// ShardResult is one shard of the shard list (SPEC part 6).
type ShardResult struct {
	Leaves uint64
	Root   merkle.Hash
	Sum    merkle.Plain
}

// EmptyShardError says that a shard would have no customers, which a plain tree cannot have (SPEC part 6).
type EmptyShardError struct {
	Shard, Shards int
	Customers     int
}

// Error says what to do.
func (e *EmptyShardError) Error() string {
	return fmt.Sprintf("shard #%d of %d would be empty with %d customers: use fewer shards", e.Shard, e.Shards, e.Customers)
}

// Run builds all shards and the top tree, and writes the files (SPEC parts 5 and 6). When it fails or the context ends, the
// run directory holds what it held before.
func Run(ctx context.Context, in Input) (Result, error) {
	if in.Shards == 0 {
		in.Shards = 1
	}
	if err := in.check(); err != nil {
		return Result{}, err
	}
	p := &progress{tell: in.Progress, total: int64(in.Ledger.Len())}
	order, err := orderCustomers(ctx, in, p.stage("order"))
	if err != nil {
		return Result{}, err
	}
	parts, err := partition(order, in.Shards)
	if err != nil {
		return Result{}, err
	}
	out, err := stageOutput(in.Dir)
	if err != nil {
		return Result{}, err
	}
	defer out.discard()
	result := Result{Snapshot: in.Snapshot}
	tell := p.stage("tree")
	for i, part := range parts {
		s, err := buildShard(ctx, in, out, i, part, tell)
		if err != nil {
			return Result{}, fmt.Errorf("shard #%d: %w", i, err)
		}
		result.Shards = append(result.Shards, s)
	}
	if err := result.close(); err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return result, out.commit()
}

func (in Input) check() error {
	switch {
	case in.Ledger == nil || in.Ledger.Len() == 0:
		return merkle.ErrNoLeaves
	case in.Keys.IsZero():
		return errors.New("the snapshot's keys were not derived")
	case in.Recipient == nil:
		return errors.New("no recipient to seal the shard files to")
	case in.Assets != in.Ledger.Assets():
		return fmt.Errorf("the registry has %d assets, the ledger was read with %d", in.Assets, in.Ledger.Assets())
	case in.Shards < 1 || in.Shards > shard.MaxShards:
		return fmt.Errorf("%d shards: want 1 to %d", in.Shards, shard.MaxShards)
	}
	return nil
}

// close computes the top tree over the shards (SPEC part 6).
func (r *Result) close() error {
	top, err := r.topTree()
	if err != nil {
		return fmt.Errorf("top tree: %w", err)
	}
	root := top.Root()
	r.Kind = merkle.KindPlain
	r.Root, r.Totals, r.Leaves = root.Hash, root.Sum, 0
	for _, s := range r.Shards {
		r.Leaves += s.Leaves
	}
	return nil
}

func (r *Result) topTree() (*merkle.Tree[merkle.Plain], error) {
	leaves := make([]merkle.Node[merkle.Plain], len(r.Shards))
	for i, s := range r.Shards {
		leaves[i] = merkle.Leaf(merkle.Top, s.Root, s.Sum)
	}
	return merkle.NewTree(merkle.Top, merkle.KindPlain, leaves)
}

// place is a customer of the ledger at its place in the tree.
type place struct {
	order    uint64 // first 64 bits of the order key
	customer uint32
}

// orderCustomers sorts the customers by order key (SPEC part 5).
func orderCustomers(ctx context.Context, in Input, tell func(n int)) ([]place, error) {
	order := make([]place, in.Ledger.Len())
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers())
	const batch = 1 << 14
	for first := 0; first < len(order); first += batch {
		g.Go(func() error {
			keys := in.Keys.Clone()
			some := order[first:min(first+batch, len(order))]
			for i := range some {
				key := keys.Order(in.Ledger.Customer(first + i))
				some[i] = place{binary.BigEndian.Uint64(key[:]), uint32(first + i)} //nolint:gosec // a ledger has under 2^31 customers
			}
			tell(len(some))
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(order, byOrder(in.Ledger, in.Keys.Clone()))
	return order, nil
}

// byOrder compares customers by their whole order keys, of which the first 64 bits nearly always decide.
func byOrder(l *ledger.Ledger, keys merkle.Keys) func(a, b place) int {
	return func(a, b place) int {
		if a.order != b.order {
			return cmp.Compare(a.order, b.order)
		}
		x, y := keys.Order(l.Customer(int(a.customer))), keys.Order(l.Customer(int(b.customer)))
		return bytes.Compare(x[:], y[:])
	}
}

// ShardOf returns the shard of a customer by its order key (SPEC part 5).
func ShardOf(order [32]byte, shards int) int {
	return shardOf(binary.BigEndian.Uint64(order[:]), shards)
}

func shardOf(order uint64, shards int) int {
	high, _ := bits.Mul64(order, uint64(shards)) //nolint:gosec // 1 to 2^20 shards
	return int(high)                             //nolint:gosec // below the number of shards
}

// partition cuts the ordered customers into shards, none of them empty.
func partition(order []place, shards int) ([][]place, error) {
	parts := make([][]place, shards)
	rest := order
	for i := range parts {
		n, _ := slices.BinarySearchFunc(rest, i+1, func(p place, s int) int { return cmp.Compare(shardOf(p.order, shards), s) })
		if n == 0 {
			return nil, &EmptyShardError{Shard: i, Shards: shards, Customers: len(order)}
		}
		parts[i], rest = rest[:n], rest[n:]
	}
	return parts, nil
}
