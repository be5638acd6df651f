package shard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
)

// What a file keeps in memory of what it read, verified: runs of some 60 KB as read at 50 assets, pages of 12 KB, blocks.
const (
	heldRuns   = 32
	heldPages  = 128
	heldBlocks = 4
)

// File is an opened shard. It is safe for concurrent use while what it reads from is open.
type File[S merkle.Sum[S]] struct {
	kind    Kind[S]
	header  Header
	plain   io.ReaderAt
	root    merkle.Node[S]
	top     *run[S]
	level   int // of the top run; 0 is the nodes that stand for blocks
	indexAt int64
	pages   []uint64 // the first prefix of each page of the index

	runs   *cache[*run[S]]
	blocks *cache[*block[S]]
	raw    *cache[[]byte] // blocks as they were read; none, unless Keep says so
	refs   *cache[[]ref]
}

// Keep makes f keep as many runs and pages in memory as given, if those are more than it keeps anyway, and of its rows so many bytes, as
// they are in the file but unsealed: to unseal a row is to unseal a chunk of 64 KiB around it. In memory a run takes some 50 bytes for each
// node and asset of its 64 nodes, a page 16 KB. Call it before f is read.
func (f *File[S]) Keep(runs, pages, bytes int) {
	f.runs.limit, f.refs.limit = max(f.runs.limit, runs), max(f.refs.limit, pages)
	block := (f.indexAt - int64(headerSize)) / int64(f.nodes(0)) //nolint:gosec // below 2^25; with what is not in blocks
	f.raw.limit = int(int64(bytes) / max(block, 1))
}

// run is a decoded run, with the tree over its nodes.
type run[S merkle.Sum[S]] struct {
	nodes []node[S]
	tree  *merkle.Tree[S]
}

// block is a decoded block, with the tree over its rows.
type block[S merkle.Sum[S]] struct {
	rows []Row[S]
	tree *merkle.Tree[S]
}

// Open opens a shard file of a kind of tree, of size bytes, and reads its header and its end: some 64 nodes, and 8 bytes for every 1,024 leaves. The
// file must be of the shard that want describes; want.Leaves may be 0 for any number. The caller holds [File.Root] to the shard
// list: every later read is held to that root.
func Open[S merkle.Sum[S]](kind Kind[S], r io.ReaderAt, size int64, identity age.Identity, want Header) (*File[S], error) {
	plain, length, err := age.DecryptReaderAt(r, size, identity)
	if err != nil {
		return nil, fmt.Errorf("open shard #%d: %w", want.Index, err)
	}
	f, err := open(kind, plain, length, want)
	if err != nil {
		return nil, fmt.Errorf("shard file #%d: %w", want.Index, err)
	}
	return f, nil
}

// open opens contents that are unsealed already.
func open[S merkle.Sum[S]](kind Kind[S], plain io.ReaderAt, size int64, want Header) (*File[S], error) {
	f := &File[S]{kind: kind, plain: plain, runs: newCache[*run[S]](heldRuns), blocks: newCache[*block[S]](heldBlocks), raw: newCache[[]byte](0), refs: newCache[[]ref](heldPages)}
	if size < int64(headerSize+endSize) {
		return nil, fmt.Errorf("it is cut short: %d bytes, want at least %d", size, headerSize+endSize)
	}
	raw, err := f.read(0, headerSize)
	if err != nil {
		return nil, err
	}
	if f.header, err = decodeHeader(raw, kind.magic()); err != nil {
		return nil, err
	}
	if want.Leaves == 0 {
		want.Leaves = f.header.Leaves
	}
	if f.header != want {
		return nil, fmt.Errorf("it is shard #%d of %d with %d leaves and %d assets of snapshot %v, want shard #%d of %d with %d leaves and %d assets of snapshot %v",
			f.header.Index, f.header.Count, f.header.Leaves, f.header.Assets, f.header.Snapshot,
			want.Index, want.Count, want.Leaves, want.Assets, want.Snapshot)
	}
	for f.nodes(f.level) > fanout {
		f.level++
	}
	return f, f.readEnd(size)
}

// nodes returns how many nodes a kept level has.
func (f *File[S]) nodes(level int) uint64 {
	n := f.header.Leaves
	for range level + 1 {
		n = (n + fanout - 1) / fanout
	}
	return n
}

// readEnd reads what follows the index.
func (f *File[S]) readEnd(size int64) error {
	raw, err := f.read(size-endSize, endSize)
	if err != nil {
		return err
	}
	named, indexAt, topSize := merkle.Hash(raw), binary.BigEndian.Uint64(raw[32:]), binary.BigEndian.Uint32(raw[40:])
	leaves := int64(f.header.Leaves) //nolint:gosec // below 2^31
	pages := (leaves + pageRefs - 1) / pageRefs
	f.indexAt = size - endSize - int64(topSize) - 8*pages - refSize*leaves
	if f.indexAt < int64(headerSize) || indexAt != uint64(f.indexAt) {
		return fmt.Errorf("it has %d bytes, which its %d leaves, its index at %d and its top run of %d do not add up to", size, leaves, indexAt, topSize)
	}
	if raw, err = f.read(f.indexAt+refSize*leaves, int(8*pages)+int(topSize)); err != nil {
		return err
	}
	f.pages = make([]uint64, pages)
	for i := range f.pages {
		f.pages[i] = binary.BigEndian.Uint64(raw[8*i:])
	}
	if !slices.IsSorted(f.pages) {
		return errors.New("the pages of its index are not in order")
	}
	if f.top, err = f.decodeRun(raw[8*pages:], int(f.nodes(f.level))); err != nil { //nolint:gosec // at most 64
		return fmt.Errorf("top run: %w", err)
	}
	f.root = merkle.Root(merkle.Shard, f.kind.Tree, f.header.Leaves, f.top.tree.Top())
	if f.root.Hash != named {
		return fmt.Errorf("its top run gives the root %v, it names %v", f.root.Hash, named)
	}
	return nil
}

// read reads size bytes of the contents.
func (f *File[S]) read(where int64, size int) ([]byte, error) {
	b := make([]byte, size)
	n, err := f.plain.ReadAt(b, where)
	if n == size {
		return b, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("byte %d: %w", where, err)
}

// follow reads what a node stands for, which lies between header and index.
func (f *File[S]) follow(n node[S]) ([]byte, error) {
	if n.where < int64(headerSize) || n.where > f.indexAt || int64(n.size) > f.indexAt-n.where {
		return nil, fmt.Errorf("a node stands for %d bytes from byte %d, which cannot be", n.size, n.where)
	}
	return f.read(n.where, n.size)
}

func (f *File[S]) decodeRun(raw []byte, count int) (*run[S], error) {
	r := &run[S]{nodes: make([]node[S], count)}
	tops := make([]merkle.Node[S], count)
	var err error
	for i := range r.nodes {
		if r.nodes[i], raw, err = f.kind.decodeNode(raw, int(f.header.Assets)); err != nil {
			return nil, fmt.Errorf("node #%d of %d: %w", i, count, err)
		}
		tops[i] = r.nodes[i].Node
	}
	if len(raw) != 0 {
		return nil, fmt.Errorf("%d bytes follow its %d nodes", len(raw), count)
	}
	r.tree, err = f.kind.tree(tops)
	return r, err
}

// run returns the run of a level that a node of the level above stands for.
func (f *File[S]) run(level int, index uint64, above node[S]) (*run[S], error) {
	return f.runs.get(uint64(level)<<32|index, func() (*run[S], error) { //nolint:gosec // a level is below 6
		raw, err := f.follow(above)
		if err != nil {
			return nil, err
		}
		r, err := f.decodeRun(raw, int(min(fanout, f.nodes(level)-index*fanout))) //nolint:gosec // at most 64
		if err == nil {
			err = same(r.tree.Top(), above)
		}
		if err != nil {
			return nil, fmt.Errorf("run #%d of level %d: %w", index, level, err)
		}
		return r, nil
	})
}

// block returns the block that a node stands for.
func (f *File[S]) block(index uint64, above node[S]) (*block[S], error) {
	return f.blocks.get(index, func() (*block[S], error) {
		raw, err := f.raw.get(index, func() ([]byte, error) { return f.follow(above) })
		if err != nil {
			return nil, err
		}
		b, err := f.decodeBlock(raw, int(min(fanout, f.header.Leaves-index*fanout))) //nolint:gosec // at most 64
		if err == nil {
			err = same(b.tree.Top(), above)
		}
		if err != nil {
			return nil, fmt.Errorf("rows from #%d: %w", index*fanout, err)
		}
		return b, nil
	})
}

func (f *File[S]) decodeBlock(raw []byte, count int) (*block[S], error) {
	b := &block[S]{rows: make([]Row[S], count)}
	leaves := make([]merkle.Node[S], count)
	var err error
	for i := range b.rows {
		if b.rows[i], raw, err = f.kind.decodeRow(raw, int(f.header.Assets)); err != nil {
			return nil, fmt.Errorf("row #%d of %d: %w", i, count, err)
		}
		leaves[i] = merkle.Leaf(merkle.Shard, b.rows[i].Identity, b.rows[i].Sum)
	}
	if len(raw) != 0 {
		return nil, fmt.Errorf("%d bytes follow %d rows", len(raw), count)
	}
	b.tree, err = f.kind.tree(leaves)
	return b, err
}

// same holds what was hashed from the file to the node kept for it.
func same[S merkle.Sum[S]](got merkle.Node[S], kept node[S]) error {
	if got.Hash != kept.Hash || !bytes.Equal(got.Sum.AppendBinary(nil), kept.Sum.AppendBinary(nil)) {
		return fmt.Errorf("they give the node %v, the tree has %v there: the file is damaged", got.Hash, kept.Hash)
	}
	return nil
}

// Header returns the file's header.
func (f *File[S]) Header() Header { return f.header }

// Root returns the shard root (SPEC part 6).
func (f *File[S]) Root() merkle.Node[S] { return f.root }
