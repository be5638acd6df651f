package build

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/merkle/store"
)

// ErrNotFound says that no customer of the snapshot has the look-up handle.
var ErrNotFound = errors.New("no customer of this snapshot has that look-up handle")

// prover makes inclusion proofs (SPEC parts 8 and 29) out of the shard files of a build, which it never writes to: a read-only copy will
// do. It opens a shard when it is first needed, and keeps the last one. A prover is for one goroutine.
type prover[S merkle.Sum[S]] struct {
	kind      kind[S]
	files     store.Store
	result    Result
	statement merkle.Hash
	assets    int
	identity  age.Identity
	top       *merkle.Tree[S]
	climber   merkle.Climber[S]
	file      store.File     // of the shard that is open, or nil
	open      *shard.File[S] // as read from it
}

// newProver returns a prover of a built snapshot: the plan's folder, what [Run] returned or [ParseShards] read, the number of assets, the
// digest of the signed statement's payload, and the identity that the shard files are sealed to.
func newProver[S merkle.Sum[S]](k kind[S], files store.Store, result Result, assets int, statement merkle.Hash, identity age.Identity) (*prover[S], error) {
	if assets < 1 || assets > merkle.MaxAssets || len(result.Shards) > shard.MaxShards {
		return nil, fmt.Errorf("%d assets and %d shards: want 1 to %d, and at most %d", assets, len(result.Shards), merkle.MaxAssets, shard.MaxShards)
	}
	top, err := topTree(k, result.Shards)
	if err != nil {
		return nil, err
	}
	if root := top.Root(); root.Hash != result.Root {
		return nil, fmt.Errorf("the shards give the root %v, want %v", root.Hash, result.Root)
	}
	return &prover[S]{kind: k, files: files, result: result, statement: statement, assets: assets, identity: identity, top: top}, nil
}

// Prove returns the proof of the customer with a look-up handle. The shard is that of the customer's order key, see [ShardOf],
// or -1 to look through all shards. A proof that does not give the root is an error, never returned. It returns [ErrNotFound]
// if there is no such customer.
func (p *prover[S]) Prove(ctx context.Context, handle [32]byte, index int) (merkle.Proof[S], error) {
	first, end := index, index+1
	if index < 0 {
		first, end = 0, len(p.result.Shards)
	}
	for i := first; i < end; i++ {
		if err := ctx.Err(); err != nil {
			return merkle.Proof[S]{}, err
		}
		file, err := p.shard(ctx, i)
		if err != nil {
			return merkle.Proof[S]{}, err
		}
		proof, identity, err := file.Prove(handle)
		if errors.Is(err, shard.ErrNotFound) {
			continue
		}
		if err != nil {
			return merkle.Proof[S]{}, fmt.Errorf("shard #%d: %w", i, err)
		}
		return p.finish(proof, identity)
	}
	return merkle.Proof[S]{}, ErrNotFound
}

// All yields the proofs of all customers of a shard, in the order of its leaves. After an error it ends.
func (p *prover[S]) All(ctx context.Context, index int) iter.Seq2[shard.Proved[S], error] {
	return func(yield func(shard.Proved[S], error) bool) {
		file, err := p.shard(ctx, index)
		if err != nil {
			yield(shard.Proved[S]{}, err)
			return
		}
		for proved, err := range file.All() {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				proved.Proof, err = p.finish(proved.Proof, proved.Identity)
			}
			if err != nil {
				yield(shard.Proved[S]{}, fmt.Errorf("shard #%d: %w", index, err))
				return
			}
			if !yield(proved, nil) {
				return
			}
		}
	}
}

// finish adds what the shard does not know, and checks the whole.
func (p *prover[S]) finish(proof merkle.Proof[S], identity merkle.Hash) (merkle.Proof[S], error) {
	return p.finishBy(&p.climber, proof, identity)
}

func (p *prover[S]) finishBy(climber *merkle.Climber[S], proof merkle.Proof[S], identity merkle.Hash) (merkle.Proof[S], error) {
	var err error
	proof.Statement = p.statement
	if proof.Top, err = p.top.Path(proof.Shard.Index); err != nil {
		return merkle.Proof[S]{}, err
	}
	if proof.Opening != nil {
		opening := *proof.Opening
		opening.Total = p.kind.above(p.result.Shards[proof.Shard.Index])
		proof.Opening = &opening
	}
	root, err := climber.Root(proof, identity)
	if err == nil && root.Hash != p.result.Root {
		err = fmt.Errorf("it gives the root %v, want %v", root.Hash, p.result.Root)
	}
	if err != nil {
		return merkle.Proof[S]{}, fmt.Errorf("the proof of leaf #%d of shard #%d does not hold: %w", proof.Shard.Leaf, proof.Shard.Index, err)
	}
	return proof, nil
}

// shard opens a shard file in place of the one before, and holds it to the shard list.
func (p *prover[S]) shard(ctx context.Context, index int) (*shard.File[S], error) {
	if p.open != nil && int(p.open.Header().Index) == index {
		return p.open, nil
	}
	if index < 0 || index >= len(p.result.Shards) {
		return nil, fmt.Errorf("shard #%d of %d", index, len(p.result.Shards))
	}
	if err := p.Close(); err != nil {
		return nil, err
	}
	var err error
	if p.file, p.open, err = p.openShard(ctx, index); err != nil {
		return nil, err
	}
	return p.open, nil
}

// openShard opens a shard file and holds it to the shard list.
func (p *prover[S]) openShard(ctx context.Context, index int) (store.File, *shard.File[S], error) {
	f, err := p.files.Open(ctx, ShardFile(index))
	if err != nil {
		return nil, nil, err
	}
	listed := p.result.Shards[index]
	opened, err := shard.Open(p.kind.Kind, f, f.Size(), p.identity, shard.Header{
		Snapshot: p.result.Snapshot, Index: uint32(index), Count: uint32(len(p.result.Shards)), //nolint:gosec // the shard list was checked
		Assets: uint16(p.assets), Leaves: listed.Leaves, //nolint:gosec // newProver checked it
	})
	if err == nil && opened.Root().Hash != listed.Root {
		err = fmt.Errorf("shard file #%d has the root %v, the shard list %v: it is of another build", index, opened.Root().Hash, listed.Root)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, opened, nil
}

// Close closes the shard file that is open. It may go on and open another.
func (p *prover[S]) Close() error {
	if p.file == nil {
		return nil
	}
	f := p.file
	p.file, p.open = nil, nil
	return f.Close()
}
