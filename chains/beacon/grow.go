package beacon

import "crypto/sha256"

// A trail keeps nodes of a hash tree, each the 64 bytes that its hash is made of:
// those on the way from the tree's root to what was marked in it.
type trail map[root][64]byte

// A leaf is a hash of the tree, and whether something marked lies under it.
type leaf struct {
	root   root
	marked bool
}

func (t trail) join(a, b leaf) leaf {
	var both [64]byte
	copy(both[:32], a.root[:])
	copy(both[32:], b.root[:])
	sum := leaf{root: sha256.Sum256(both[:]), marked: a.marked || b.marked}
	if sum.marked {
		t[sum.root] = both
	}
	return sum
}

// maxDepth is that of the deepest list, the validators.
const maxDepth = 40

// A growing tree takes its leaves one by one, and holds no more of them than one
// hash a level, and what is marked.
type growing struct {
	trail  trail
	levels [maxDepth + 1]leaf // of whole subtrees that wait for their right sibling
	count  uint64
}

// add puts a leaf after the others.
func (g *growing) add(l leaf) {
	level := 0
	for ; g.count>>level&1 == 1; level++ {
		l = g.trail.join(g.levels[level], l)
	}
	g.levels[level] = l
	g.count++
}

// top returns the root of the tree, filled up with zeros to 2^depth leaves.
// Requires at most 2^depth leaves.
func (g *growing) top(depth int) leaf {
	if g.count>>depth&1 == 1 {
		return g.levels[depth]
	}
	var zero, last leaf // of a level: a tree of zeros, and the last subtree if it is not whole
	open := false
	for level := range depth {
		switch whole := g.count>>level&1 == 1; {
		case whole && open:
			last = g.trail.join(g.levels[level], last)
		case whole:
			last, open = g.trail.join(g.levels[level], zero), true
		case open:
			last = g.trail.join(last, zero)
		}
		zero.root = pair(zero.root, zero.root)
	}
	if !open {
		return zero
	}
	return last
}
