package confidential

import (
	"fmt"
	"slices"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/merkle"
)

// Blocks works on runs of a shard's leaves, with additions done many at once. It is safe for concurrent use.
type Blocks struct{ idle sync.Pool }

// Blocks returns what works on runs of leaves.
func (p *Parameters) Blocks() *Blocks {
	return &Blocks{sync.Pool{New: func() any { return newCommitter(p) }}}
}

// Top returns the top of the tree over a run of a shard's leaves, of which there is one at least (SPEC part 6).
func (b *Blocks) Top(leaves []Leaf) merkle.Node[Point] {
	k := b.idle.Get().(*committer)
	defer b.idle.Put(k)
	identities, points := make([]merkle.Hash, len(leaves)), make([]grumpkin.G1Affine, len(leaves))
	for i, l := range leaves {
		identities[i], points[i] = l.Identity, l.Sum.at
	}
	return k.subtree(merkle.Shard, identities, points)
}

// Pairs adds the first and second node of a row, the third and fourth, and so on; it never fails.
func (b *Blocks) Pairs(row []merkle.Node[Point]) ([]Point, error) {
	k := b.idle.Get().(*committer)
	defer b.idle.Put(k)
	sums := make([]Point, len(row)/2)
	for i := range sums {
		sums[i] = row[2*i].Sum
		k.adder.add(&sums[i].at, &row[2*i+1].Sum.at)
	}
	k.adder.flush()
	return sums, nil
}

// Open commits again to balances with the leaves' blindings, and refuses a leaf of another commitment (SPEC part 29, Row).
func (b *Blocks) Open(leaves []Leaf, balances []merkle.Plain) error {
	k := b.idle.Get().(*committer)
	defer b.idle.Put(k)
	c, r := new(chunk), make([]fr.Element, len(leaves))
	for i, l := range leaves {
		if r[i].SetBytesCanonical(l.Blinding[:]) != nil {
			return fmt.Errorf("row #%d: its blinding is not below the group's order", i)
		}
		if slices.ContainsFunc(balances[i], func(e merkle.Entry) bool { return int(e.Asset) >= len(k.p.assets) }) {
			return fmt.Errorf("row #%d: an asset is outside the registry", i)
		}
		c.append(Row{l.Identity, balances[i]})
	}
	for i, point := range k.commit(c, r) {
		if leaves[i].Sum.at != point {
			return fmt.Errorf("row #%d does not open to its balances", i)
		}
	}
	return nil
}
