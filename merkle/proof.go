package merkle

import (
	"bytes"
	"fmt"
)

// Place says where a leaf stands (SPEC part 8, key "shard"): shard Index of Count, leaf Leaf of Leaves.
type Place struct{ Count, Index, Leaf, Leaves uint64 }

// Proof is one customer's inclusion proof (SPEC part 8). It holds no customer id.
type Proof[S Sum[S]] struct {
	Kind      Kind
	Snapshot  Hash
	Statement Hash // digest of the statement's payload
	Balances  S    // the leaf's sum
	Opening   *Opening[S]
	Nonce     [32]byte
	Shard     Place
	Path      []Node[S] // siblings in the shard tree, lowest first
	Top       []Node[S] // siblings in the top tree, lowest first
}

// Opening is what a proof has besides where sums hide (SPEC part 29, In a customer's proof): what the leaf's sum opens to, and the total
// row of its shard, which stands for the shard root's sum in the top tree.
type Opening[S Sum[S]] struct {
	Balances Plain
	Blinding [32]byte
	Total    S
}

// Root recomputes the root from a customer id and the proof (SPEC part 8, step 4), so that a builder hands out no proof that
// does not hold. Requires a customer id that [NormalizeCustomer] returned. It is not the verifier.
func (p Proof[S]) Root(customer string) (Node[S], error) {
	return p.RootOf(Identity(p.Snapshot, p.Nonce, customer))
}

// RootOf is [Proof.Root] for an identity that is computed already.
func (p Proof[S]) RootOf(identity Hash) (Node[S], error) {
	return new(Climber[S]).Root(p, identity)
}

// Climber recomputes the roots of many proofs, as [Proof.RootOf] does of one. In leaf order nearly all nodes above a leaf, the
// large ones above all, are those above the leaf before: what would be hashed again, byte for byte, is known. A Climber is for
// one goroutine.
type Climber[S Sum[S]] struct {
	shard, top []step[S] // by height
	buf        []byte
}

// step is a node that was computed, and what was hashed for it.
type step[S Sum[S]] struct {
	preimage []byte
	node     Node[S]
}

// Root recomputes the root from an identity and the proof (SPEC part 8, step 4).
func (c *Climber[S]) Root(p Proof[S], identity Hash) (Node[S], error) {
	n, err := c.climb(&c.shard, Shard, Leaf(Shard, identity, p.Balances), p.Shard.Leaf, p.Shard.Leaves, p.Path)
	if err != nil {
		return Node[S]{}, fmt.Errorf("path: %w", err)
	}
	shard := Root(Shard, p.Kind, p.Shard.Leaves, n)
	if p.Opening != nil {
		shard.Sum = p.Opening.Total
	}
	n, err = c.climb(&c.top, Top, Leaf(Top, shard.Hash, shard.Sum), p.Shard.Index, p.Shard.Count, p.Top)
	if err != nil {
		return Node[S]{}, fmt.Errorf("top: %w", err)
	}
	return Root(Top, p.Kind, p.Shard.Count, n), nil
}

// climb walks a path upwards as SPEC part 6 says: sides and length come from i and n, never from the path.
func (c *Climber[S]) climb(steps *[]step[S], level Level, n Node[S], i, count uint64, path []Node[S]) (Node[S], error) {
	if i >= count {
		return n, fmt.Errorf("leaf #%d of %d", i, count)
	}
	given := len(path)
	for height := 0; count > 1; i, count, height = i/2, (count+1)/2, height+1 {
		if height == len(*steps) {
			*steps = append(*steps, step[S]{})
		}
		if i|1 >= count {
			continue // the odd last node rises as it is
		}
		if len(path) == 0 {
			return n, fmt.Errorf("%d siblings are too few for leaf and count", given)
		}
		left, right := n, path[0]
		if i&1 == 1 {
			left, right = right, left
		}
		var err error
		if n, err = c.parent(&(*steps)[height], level, left, right); err != nil {
			return n, err
		}
		path = path[1:]
	}
	if len(path) != 0 {
		return n, fmt.Errorf("%d siblings, %d too many for leaf and count", given, len(path))
	}
	return n, nil
}

func (c *Climber[S]) parent(known *step[S], level Level, left, right Node[S]) (Node[S], error) {
	h := hasher[S]{level, c.buf}
	h.preimage(left, right)
	c.buf = h.buf
	if bytes.Equal(h.buf, known.preimage) {
		return known.node, nil
	}
	n, err := h.parent(left, right)
	if err == nil {
		known.preimage, known.node = append(known.preimage[:0], h.buf...), n
	}
	return n, err
}
