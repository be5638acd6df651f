package shard

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
)

// ErrNotFound says that no row of the shard has the look-up handle.
var ErrNotFound = errors.New("no customer of this shard has that look-up handle")

// runLeaves is how many leaves share one kept node: a file in memory keeps the tree above its runs only, and hashes the one run
// that a proof needs again. It is a power of two, so the runs' tops are nodes of the tree.
const runLeaves = 64

// File is an opened shard: its rows, and the upper part of its tree. It is immutable and safe for concurrent use.
type File struct {
	header Header
	runs   [][]byte // encoded rows, runLeaves in each but the last
	tree   *merkle.Tree[merkle.Plain]
	root   merkle.Node[merkle.Plain]
	index  []handleRef
}

// handleRef finds a row; refs are sorted by the first bytes of the handle.
type handleRef struct {
	prefix uint64
	leaf   uint32
}

// Open reads a whole shard file and recomputes its tree. The file must be of the shard that want describes; want.Leaves may be
// 0 for any number. A file that was cut short, altered, or goes on after its end is refused.
func Open(r io.Reader, identity age.Identity, want Header) (*File, error) {
	plain, err := age.Decrypt(r, identity)
	if err != nil {
		return nil, fmt.Errorf("open shard #%d: %w", want.Index, err)
	}
	f := &File{}
	if err := f.read(bufio.NewReaderSize(plain, 1<<16), want); err != nil {
		return nil, fmt.Errorf("shard file #%d: %w", want.Index, err)
	}
	slices.SortFunc(f.index, func(a, b handleRef) int {
		return cmp.Or(cmp.Compare(a.prefix, b.prefix), cmp.Compare(a.leaf, b.leaf))
	})
	return f, nil
}

func (f *File) read(r *bufio.Reader, want Header) error {
	buf := make([]byte, headerSize)
	if _, err := io.ReadFull(r, buf); err != nil {
		return cutShort(err)
	}
	var err error
	if f.header, err = decodeHeader(buf); err != nil {
		return err
	}
	if want.Leaves == 0 {
		want.Leaves = f.header.Leaves
	}
	if f.header != want {
		return fmt.Errorf("it is shard #%d of %d with %d leaves and %d assets of snapshot %v, want shard #%d of %d with %d leaves and %d assets of snapshot %v",
			f.header.Index, f.header.Count, f.header.Leaves, f.header.Assets, f.header.Snapshot,
			want.Index, want.Count, want.Leaves, want.Assets, want.Snapshot)
	}
	var tops []merkle.Node[merkle.Plain]
	for first := uint64(0); first < f.header.Leaves; first += runLeaves {
		run, top, err := f.readRun(r, first, int(min(runLeaves, f.header.Leaves-first))) //nolint:gosec // at most runLeaves
		if err != nil {
			return err
		}
		f.runs, tops = append(f.runs, run), append(tops, top)
	}
	if f.tree, err = merkle.NewTree(merkle.Shard, merkle.KindPlain, tops); err != nil {
		return err
	}
	f.root = merkle.Root(merkle.Shard, merkle.KindPlain, f.header.Leaves, f.tree.Top())
	var root merkle.Hash
	if _, err := io.ReadFull(r, root[:]); err != nil {
		return cutShort(err)
	}
	if root != f.root.Hash {
		return fmt.Errorf("its rows give the root %v, it names %v", f.root.Hash, root)
	}
	if _, err := r.ReadByte(); err == nil {
		return errors.New("it goes on after its end")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// readRun reads n rows and returns them with the top of their subtree.
func (f *File) readRun(r *bufio.Reader, first uint64, n int) (run []byte, top merkle.Node[merkle.Plain], err error) {
	for i := range n {
		start := len(run)
		if run, err = appendRow(run, r); err != nil {
			return nil, top, fmt.Errorf("row #%d: %w", first+uint64(i), err) //nolint:gosec // an index
		}
		f.index = append(f.index, handleRef{binary.BigEndian.Uint64(run[start:]), uint32(first) + uint32(i)}) //nolint:gosec // below 2^31
	}
	tree, _, err := f.runTree(run)
	if err != nil {
		return nil, top, fmt.Errorf("rows from #%d: %w", first, err)
	}
	return slices.Clip(run), tree.Top(), nil
}

// appendRow reads one row, without judging its sum.
func appendRow(b []byte, r *bufio.Reader) ([]byte, error) {
	const fixed = sumAt + 2
	head, err := r.Peek(fixed)
	if err != nil {
		return b, cutShort(err)
	}
	size := fixed + 18*int(binary.BigEndian.Uint16(head[sumAt:]))
	if size > fixed+18*merkle.MaxAssets {
		return b, errors.New("its sum has more entries than a registry has assets")
	}
	start := len(b)
	b = slices.Grow(b, size)[:start+size]
	if _, err := io.ReadFull(r, b[start:]); err != nil {
		return b, cutShort(err)
	}
	return b, nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut short")
	}
	return err
}

// runTree decodes a run's rows and returns the tree over their leaves.
func (f *File) runTree(run []byte) (*merkle.Tree[merkle.Plain], []Row, error) {
	leaves := make([]merkle.Node[merkle.Plain], 0, runLeaves)
	rows := make([]Row, 0, runLeaves)
	for len(run) > 0 {
		row := Row{Handle: [32]byte(run), Nonce: [32]byte(run[nonceAt:]), Identity: merkle.Hash(run[identityAt:])}
		var err error
		if row.Sum, run, err = merkle.DecodePlain(run[sumAt:], int(f.header.Assets)); err != nil {
			return nil, nil, err
		}
		rows = append(rows, row)
		leaves = append(leaves, merkle.Leaf(merkle.Shard, row.Identity, row.Sum))
	}
	tree, err := merkle.NewTree(merkle.Shard, merkle.KindPlain, leaves)
	return tree, rows, err
}

// Header returns the file's header.
func (f *File) Header() Header { return f.header }

// Root returns the shard root (SPEC part 6).
func (f *File) Root() merkle.Node[merkle.Plain] { return f.root }

// Prove returns the inclusion proof of the row with a look-up handle as far as the shard knows it: Statement and Top are the
// caller's to fill in (SPEC part 8). The identity is the row's, so that the caller can check the whole proof without the
// customer id. It returns [ErrNotFound] if there is no such row.
func (f *File) Prove(handle [32]byte) (merkle.Proof[merkle.Plain], merkle.Hash, error) {
	var none merkle.Proof[merkle.Plain]
	prefix := binary.BigEndian.Uint64(handle[:])
	at, _ := slices.BinarySearchFunc(f.index, prefix, func(r handleRef, p uint64) int { return cmp.Compare(r.prefix, p) })
	for ; at < len(f.index) && f.index[at].prefix == prefix; at++ {
		leaf := uint64(f.index[at].leaf)
		tree, rows, err := f.runTree(f.runs[leaf/runLeaves])
		if err != nil {
			return none, merkle.Hash{}, err
		}
		row := rows[leaf%runLeaves]
		if !bytes.Equal(row.Handle[:], handle[:]) {
			continue
		}
		low, err := tree.Path(leaf % runLeaves)
		if err != nil {
			return none, merkle.Hash{}, err
		}
		high, err := f.tree.Path(leaf / runLeaves)
		if err != nil {
			return none, merkle.Hash{}, err
		}
		return merkle.Proof[merkle.Plain]{
			Kind: merkle.KindPlain, Snapshot: f.header.Snapshot, Balances: row.Sum, Nonce: row.Nonce,
			Shard: merkle.Place{Count: uint64(f.header.Count), Index: uint64(f.header.Index), Leaf: leaf, Leaves: f.header.Leaves},
			Path:  append(low, high...),
		}, row.Identity, nil
	}
	return none, merkle.Hash{}, ErrNotFound
}

// Handles yields the look-up handles of all rows in leaf order.
func (f *File) Handles(yield func(handle [32]byte) bool) {
	for _, run := range f.runs {
		for len(run) > 0 {
			if !yield([32]byte(run)) {
				return
			}
			run = run[sumAt+2+18*int(binary.BigEndian.Uint16(run[sumAt:])):]
		}
	}
}
