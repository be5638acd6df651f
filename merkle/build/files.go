package build

import (
	"bufio"
	"context"
	"encoding/binary"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/merkle/store"
)

// shardFiles writes a shard's rows, block by block, into the sealed file and the leaves file.
type shardFiles[S merkle.Sum[S]] struct {
	worker *Worker
	index  int
	kind   kind[S]
	packer *shard.Packer[S]
	rows   []shard.Row[S] // of one block

	file   store.Writer
	sealed *shard.Writer[S]
	leaves store.Writer // nil if not asked for
	out    *bufio.Writer
	buf    []byte
}

func newFiles[S merkle.Sum[S]](w *Worker, index int, k kind[S]) *shardFiles[S] {
	return &shardFiles[S]{worker: w, index: index, kind: k, packer: shard.NewPacker(k.Kind)}
}

func (f *shardFiles[S]) begin(ctx context.Context, rows, shards int) (err error) {
	plan := f.worker.Plan
	columns, err := plan.columns()
	if err != nil {
		return err
	}
	if f.file, err = f.worker.Store.Create(ctx, ShardFile(f.index)); err != nil {
		return err
	}
	f.sealed, err = shard.NewWriter(f.kind.Kind, f.file, f.worker.Recipient, shard.Header{
		Snapshot: plan.Snapshot, Index: uint32(f.index), Count: uint32(shards), Assets: uint16(len(columns)), Leaves: uint64(rows), //nolint:gosec // the plan was checked
	})
	if err != nil || !plan.Leaves {
		return err
	}
	if f.leaves, err = f.worker.Store.Create(ctx, LeavesFile(f.index)); err != nil {
		return err
	}
	f.out = bufio.NewWriterSize(f.leaves, 1<<16)
	_, err = f.out.Write(leavesHeader(plan.Snapshot, f.index, rows))
	return err
}

// leavesHeader begins a leaves file (SPEC part 6).
func leavesHeader(snapshot merkle.Hash, index, leaves int) []byte {
	b := append([]byte("assay/v1/leaves\n"), snapshot[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(index))     //nolint:gosec // at most 2^20 shards
	return binary.BigEndian.AppendUint64(b, uint64(leaves)) //nolint:gosec // a length
}

// add adds a row. What it points to is the file's until the block is full.
func (f *shardFiles[S]) add(row shard.Row[S]) error {
	f.rows = append(f.rows, row)
	if len(f.rows) == shard.BlockRows {
		return f.flush()
	}
	return nil
}

// flush writes the block.
func (f *shardFiles[S]) flush() error {
	block, err := f.packer.Pack(f.rows)
	if err == nil {
		err = f.sealed.Write(block)
	}
	for i := 0; i < len(f.rows) && f.leaves != nil && err == nil; i++ {
		f.buf = append(f.buf[:0], f.rows[i].Identity[:]...)
		f.buf = f.rows[i].Sum.AppendBinary(f.buf)
		_, err = f.out.Write(f.buf)
	}
	f.rows = f.rows[:0]
	return err
}

// commit completes the files and returns the shard's root.
func (f *shardFiles[S]) commit() (root merkle.Node[S], err error) {
	if len(f.rows) > 0 {
		if err := f.flush(); err != nil {
			return root, err
		}
	}
	if root, err = f.sealed.Close(); err != nil {
		return root, err
	}
	if err := f.file.Commit(); err != nil || f.leaves == nil {
		return root, err
	}
	if err := f.out.Flush(); err != nil {
		return root, err
	}
	return root, f.leaves.Commit()
}

// close gives up what was not committed.
func (f *shardFiles[S]) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
	if f.leaves != nil {
		_ = f.leaves.Close()
	}
}
