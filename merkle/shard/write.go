package shard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
)

// BlockRows is how many rows every block but the last has.
const BlockRows = fanout

// Block is a block on its way into a file: its rows are encoded and hashed.
type Block[S merkle.Sum[S]] struct {
	rows    []byte
	handles []uint64 // their first 8 bytes
	top     merkle.Node[S]
}

// Packer makes blocks, apart from the file that they will be in, so that several goroutines can. A Packer is for one of them.
type Packer[S merkle.Sum[S]] struct {
	kind Kind[S]
	tree *merkle.Builder[S]
	size int // of the block before, which the next one's will be near
}

// NewPacker returns a Packer of a kind of tree.
func NewPacker[S merkle.Sum[S]](kind Kind[S]) *Packer[S] {
	return &Packer[S]{kind: kind, tree: merkle.NewBuilder[S](merkle.Shard, kind.Tree)}
}

// Pack makes a block of 1 to [BlockRows] rows in leaf order. It keeps none of them.
func (p *Packer[S]) Pack(rows []Row[S]) (Block[S], error) {
	if len(rows) == 0 || len(rows) > fanout {
		return Block[S]{}, fmt.Errorf("block of %d rows: want 1 to %d", len(rows), fanout)
	}
	b := Block[S]{rows: make([]byte, 0, p.size+p.size/8), handles: make([]uint64, len(rows))}
	for i, r := range rows {
		b.rows = r.AppendBinary(b.rows)
		b.handles[i] = binary.BigEndian.Uint64(r.Handle[:])
	}
	p.size = len(b.rows)
	var err error
	if b.top, err = p.kind.top(p.tree, rows); err != nil {
		return Block[S]{}, err
	}
	// The sum may be a row's own.
	b.top.Sum, _, err = p.kind.Decode(b.top.Sum.AppendBinary(nil), merkle.MaxAssets)
	return b, err
}

// Writer seals blocks into a file as they come. In memory it holds a run of each level, and the index: 16 bytes a row.
type Writer[S merkle.Sum[S]] struct {
	kind   Kind[S]
	header Header
	sealed io.WriteCloser
	at     int64 // what of the contents is written
	rows   uint64
	runs   [][]node[S] // of each kept level, the lowest first: the run that is not written yet
	index  []ref
}

// NewWriter begins a file of a kind of tree for one recipient. Nothing is complete before [Writer.Close].
func NewWriter[S merkle.Sum[S]](kind Kind[S], w io.Writer, recipient age.Recipient, header Header) (*Writer[S], error) {
	if err := header.check(); err != nil {
		return nil, err
	}
	sealed, err := age.Encrypt(w, recipient)
	if err != nil {
		return nil, fmt.Errorf("seal shard #%d: %w", header.Index, err)
	}
	return begin(kind, sealed, header)
}

func begin[S merkle.Sum[S]](kind Kind[S], sealed io.WriteCloser, header Header) (*Writer[S], error) {
	w := &Writer[S]{kind: kind, header: header, sealed: sealed, index: make([]ref, 0, header.Leaves)}
	return w, w.put(header.encode(kind.magic()))
}

// Write appends a block. Blocks come in leaf order, and all but the last are full.
func (w *Writer[S]) Write(b Block[S]) error {
	if w.rows%fanout != 0 {
		return errors.New("a block follows one that is not full")
	}
	if w.rows+uint64(len(b.handles)) > w.header.Leaves {
		return fmt.Errorf("more than the %d rows that the header names", w.header.Leaves)
	}
	for i, h := range b.handles {
		w.index = append(w.index, ref{h, uint32(w.rows) + uint32(i)}) //nolint:gosec // below 2^31
	}
	w.rows += uint64(len(b.handles))
	n := node[S]{where: w.at, size: len(b.rows), Node: b.top}
	if err := w.put(b.rows); err != nil {
		return err
	}
	return w.keep(0, n)
}

// keep adds a node to a level's run. A full one is written only now, since the last full run may be the top run.
func (w *Writer[S]) keep(level int, n node[S]) error {
	if level == len(w.runs) {
		w.runs = append(w.runs, nil)
	}
	if len(w.runs[level]) == fanout {
		if err := w.flush(level); err != nil {
			return err
		}
	}
	w.runs[level] = append(w.runs[level], n)
	return nil
}

// flush writes a level's run, and keeps the node that it gives in the level above.
func (w *Writer[S]) flush(level int) error {
	run := encodeRun(w.runs[level])
	top, err := w.topOf(w.runs[level])
	if err != nil {
		return err
	}
	n := node[S]{where: w.at, size: len(run), Node: top}
	if err := w.put(run); err != nil {
		return err
	}
	w.runs[level] = w.runs[level][:0]
	return w.keep(level+1, n)
}

func encodeRun[S merkle.Sum[S]](run []node[S]) (b []byte) {
	for _, n := range run {
		b = n.appendBinary(b)
	}
	return b
}

func (w *Writer[S]) topOf(run []node[S]) (merkle.Node[S], error) {
	b := merkle.NewBuilder[S](merkle.Shard, w.kind.Tree)
	for _, n := range run {
		if err := b.AddNode(n.Node); err != nil {
			return n.Node, err
		}
	}
	return b.Top()
}

// Close completes the file and returns the shard root (SPEC part 6). It does not close the writer below.
func (w *Writer[S]) Close() (root merkle.Node[S], err error) {
	if w.rows != w.header.Leaves {
		return root, fmt.Errorf("%d rows were written, the header names %d", w.rows, w.header.Leaves)
	}
	for level := 0; level < len(w.runs)-1; level++ {
		if err := w.flush(level); err != nil {
			return root, err
		}
	}
	top := w.runs[len(w.runs)-1]
	highest, err := w.topOf(top)
	if err != nil {
		return root, err
	}
	root = merkle.Root(merkle.Shard, w.kind.Tree, w.rows, highest)
	indexAt := w.at
	if err := w.putIndex(); err != nil {
		return root, err
	}
	end := encodeRun(top)
	size := len(end)
	end = append(end, root.Hash[:]...)
	end = binary.BigEndian.AppendUint64(end, uint64(indexAt)) //nolint:gosec // an offset
	end = binary.BigEndian.AppendUint32(end, uint32(size))    //nolint:gosec // at most 64 nodes
	if err := w.put(end); err != nil {
		return root, err
	}
	return root, w.sealed.Close()
}

// putIndex writes the index and its pages' beginnings.
func (w *Writer[S]) putIndex() error {
	slices.SortFunc(w.index, ref.cmp)
	var pages, buf []byte
	for page := range slices.Chunk(w.index, pageRefs) {
		pages = binary.BigEndian.AppendUint64(pages, page[0].prefix)
		buf = buf[:0]
		for _, r := range page {
			buf = binary.BigEndian.AppendUint64(buf, r.prefix)
			buf = binary.BigEndian.AppendUint32(buf, r.leaf)
		}
		if err := w.put(buf); err != nil {
			return err
		}
	}
	return w.put(pages)
}

func (w *Writer[S]) put(b []byte) error {
	n, err := w.sealed.Write(b)
	w.at += int64(n)
	return err
}
