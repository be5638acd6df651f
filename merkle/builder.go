package merkle

import "errors"

// ErrNoLeaves says that a tree was asked for without leaves; a tree has at least one (SPEC part 6).
var ErrNoLeaves = errors.New("tree has no leaves, want at least 1")

// Builder computes a tree's root while its leaves stream past (SPEC part 6), in memory that grows with the height alone. A
// Builder is for one goroutine.
type Builder[S Sum[S]] struct {
	hasher hasher[S]
	kind   Kind
	count  uint64
	// stack holds the tops of the perfect subtrees so far, one for each bit set in count, the largest first.
	stack []Node[S]
}

// NewBuilder returns a Builder of one tree.
func NewBuilder[S Sum[S]](level Level, kind Kind) *Builder[S] {
	return &Builder[S]{hasher: hasher[S]{level: level}, kind: kind}
}

// Add appends the leaf of an identity (for [Top]: of a shard root's hash) and its sum.
func (b *Builder[S]) Add(identity Hash, sum S) error {
	return b.AddNode(b.hasher.leaf(identity, sum))
}

// AddNode appends a leaf that is hashed already.
//
// It also joins subtrees that were built apart: since the shape is RFC 6962's, the tree over the tops of consecutive runs of
// 2^k leaves, the last run shorter or not, is the tree over all of them. Such a builder gives the right [Builder.Top]; its
// count is of runs, so the root is then to be closed with [Root].
func (b *Builder[S]) AddNode(n Node[S]) error {
	for c := b.count; c&1 == 1; c >>= 1 {
		last := len(b.stack) - 1
		parent, err := b.hasher.parent(b.stack[last], n)
		if err != nil {
			return err
		}
		n, b.stack = parent, b.stack[:last]
	}
	b.stack = append(b.stack, n)
	b.count++
	return nil
}

// Count returns how many leaves were added.
func (b *Builder[S]) Count() uint64 { return b.count }

// Reset empties b for the next tree of its level and kind.
func (b *Builder[S]) Reset() { b.count, b.stack = 0, b.stack[:0] }

// Top returns the highest node, not closed. More leaves may follow.
func (b *Builder[S]) Top() (Node[S], error) {
	if len(b.stack) == 0 {
		return Node[S]{}, ErrNoLeaves
	}
	top := b.stack[len(b.stack)-1]
	for i := len(b.stack) - 2; i >= 0; i-- {
		var err error
		if top, err = b.hasher.parent(b.stack[i], top); err != nil {
			return Node[S]{}, err
		}
	}
	return top, nil
}

// Root returns the closed root (SPEC part 6), or [ErrNoLeaves].
func (b *Builder[S]) Root() (Node[S], error) {
	top, err := b.Top()
	if err != nil {
		return Node[S]{}, err
	}
	return Root(b.hasher.level, b.kind, b.count, top), nil
}
