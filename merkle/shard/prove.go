package shard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"

	"github.com/assay-por/assay/merkle"
)

// ErrNotFound says that no row of the shard has the look-up handle.
var ErrNotFound = errors.New("no customer of this shard has that look-up handle")

// Prove returns the inclusion proof of the row with a look-up handle as far as the shard knows it: Statement and Top are the
// caller's to fill in, and an opening's Total, of a copy of it (SPEC parts 8 and 29). The identity is the row's, so that the caller can check the whole proof without the
// customer id. It returns [ErrNotFound] if there is no such row.
func (f *File[S]) Prove(handle [32]byte) (merkle.Proof[S], merkle.Hash, error) {
	p, err := f.prove(handle)
	return p.Proof, p.Identity, err
}

func (f *File[S]) prove(handle [32]byte) (Proved[S], error) {
	prefix := binary.BigEndian.Uint64(handle[:])
	// The refs of one prefix may begin in the page before the first that begins with it.
	page := max(0, sort.Search(len(f.pages), func(i int) bool { return f.pages[i] >= prefix })-1)
	for ; page < len(f.pages) && f.pages[page] <= prefix; page++ {
		refs, err := f.page(page)
		if err != nil {
			return Proved[S]{}, fmt.Errorf("page #%d of the index: %w", page, err)
		}
		at, _ := slices.BinarySearchFunc(refs, ref{prefix: prefix}, ref.cmp)
		for ; at < len(refs) && refs[at].prefix == prefix; at++ {
			p, err := f.leaf(uint64(refs[at].leaf), one)
			if err != nil {
				return Proved[S]{}, err
			}
			if binary.BigEndian.Uint64(p.Handle[:]) != prefix {
				return Proved[S]{}, fmt.Errorf("the index takes leaf #%d for another: the file is damaged", refs[at].leaf)
			}
			if p.Handle == handle {
				return p, nil
			}
		}
	}
	return Proved[S]{}, ErrNotFound
}

// page returns a page of the index.
func (f *File[S]) page(page int) ([]ref, error) {
	return f.refs.get(uint64(page), func() ([]ref, error) { //nolint:gosec // an index
		refs := make([]ref, min(pageRefs, f.header.Leaves-uint64(page)*pageRefs)) //nolint:gosec // an index
		raw, err := f.read(f.indexAt+int64(page)*pageRefs*refSize, len(refs)*refSize)
		if err != nil {
			return nil, err
		}
		for i := range refs {
			b := raw[i*refSize:]
			refs[i] = ref{binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:])}
			if uint64(refs[i].leaf) >= f.header.Leaves {
				return nil, fmt.Errorf("leaf #%d of %d: the file is damaged", refs[i].leaf, f.header.Leaves)
			}
		}
		if !slices.IsSortedFunc(refs, ref.cmp) || refs[0].prefix != f.pages[page] {
			return nil, errors.New("it is not in order: the file is damaged")
		}
		return refs, nil
	})
}

// At returns the proof of a leaf, as [File.Prove] does of a look-up handle.
func (f *File[S]) At(leaf uint64) (Proved[S], error) {
	if leaf >= f.header.Leaves {
		return Proved[S]{}, fmt.Errorf("leaf #%d of %d", leaf, f.header.Leaves)
	}
	return f.leaf(leaf, one)
}

// Proved is a row's proof, as [File.Prove] returns it, with the row's handle and identity.
type Proved[S merkle.Sum[S]] struct {
	Handle   [32]byte
	Identity merkle.Hash
	Proof    merkle.Proof[S]
}

// All yields the proofs of all rows in leaf order, for which every block is read once and the index never. After an error it
// ends.
func (f *File[S]) All() iter.Seq2[Proved[S], error] {
	return func(yield func(Proved[S], error) bool) {
		for i := range f.header.Leaves {
			p, err := f.leaf(i, each)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// Which rows are held to what they open to when a leaf is proved: its own; or, where each leaf of a block is in its turn, all of the block at once:
// many at a time cost less.
const (
	one  = false
	each = true
)

// leaf proves a leaf: it descends from the top run to the leaf's block.
func (f *File[S]) leaf(leaf uint64, each bool) (Proved[S], error) {
	var parts [][]merkle.Node[S] // of the path, the highest first
	r := f.top
	for level := f.level; ; level-- {
		index := leaf >> (fanoutBits * (level + 1)) // of the node above the leaf at this level
		part, err := r.tree.Path(index % fanout)
		if err != nil {
			return Proved[S]{}, err
		}
		parts = append(parts, part)
		above := r.nodes[index%fanout]
		if level > 0 {
			if r, err = f.run(level-1, index, above); err != nil {
				return Proved[S]{}, err
			}
			continue
		}
		b, err := f.block(index, above)
		if err != nil {
			return Proved[S]{}, err
		}
		path, err := b.tree.Path(leaf % fanout)
		if err != nil {
			return Proved[S]{}, err
		}
		for _, part := range slices.Backward(parts) {
			path = append(path, part...)
		}
		if err := f.opens(b, leaf, each); err != nil {
			return Proved[S]{}, err
		}
		row := b.rows[leaf%fanout]
		return Proved[S]{Handle: row.Handle, Identity: row.Identity, Proof: merkle.Proof[S]{
			Kind: f.kind.Tree, Snapshot: f.header.Snapshot, Balances: row.Sum, Opening: row.Opening, Nonce: row.Nonce,
			Shard: merkle.Place{Count: uint64(f.header.Count), Index: uint64(f.header.Index), Leaf: leaf, Leaves: f.header.Leaves},
			Path:  path,
		}}, nil
	}
}

// opens holds sums to what they open to.
func (f *File[S]) opens(b *block[S], leaf uint64, each bool) error {
	at := leaf % fanout
	rows := b.rows[at : at+1]
	switch {
	case f.kind.Opens == nil, each && at > 0: // nothing is hidden, or it was looked at
		return nil
	case each:
		rows = b.rows
	}
	if err := f.kind.Opens(rows); err != nil {
		return fmt.Errorf("rows from #%d: %w", leaf, err)
	}
	return nil
}
