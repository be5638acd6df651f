package merkle

import "fmt"

// Tree keeps every node of one tree, to hand out inclusion paths (SPEC part 6). It is immutable and safe for concurrent use.
type Tree[S Sum[S]] struct {
	level Level
	kind  Kind
	// rows[0] are the leaves; each row above has half as many nodes, rounded up; the last has one.
	rows [][]Node[S]
}

// NewTree builds the tree over leaves that are hashed already. It keeps the slice it is given.
func NewTree[S Sum[S]](level Level, kind Kind, leaves []Node[S]) (*Tree[S], error) {
	return NewTreeBy(level, kind, leaves, func(row []Node[S]) (sums []S, err error) {
		sums = make([]S, len(row)/2)
		for i := range sums {
			if sums[i], err = row[2*i].Sum.Add(row[2*i+1].Sum); err != nil {
				return nil, err
			}
		}
		return sums, nil
	})
}

// NewTreeBy is [NewTree] for sums that are cheaper added many at once: pairs returns those of the first and second node of a row, of the third
// and fourth, and so on.
func NewTreeBy[S Sum[S]](level Level, kind Kind, leaves []Node[S], pairs func(row []Node[S]) ([]S, error)) (*Tree[S], error) {
	if len(leaves) == 0 {
		return nil, ErrNoLeaves
	}
	t := &Tree[S]{level: level, kind: kind, rows: [][]Node[S]{leaves}}
	h := NewHasher[S](level)
	for row := leaves; len(row) > 1; {
		sums, err := pairs(row)
		if err != nil {
			return nil, err
		}
		above := make([]Node[S], 0, (len(row)+1)/2)
		for _, sum := range sums {
			above = append(above, h.Parent(row[0], row[1], sum))
			row = row[2:]
		}
		// An odd last node rises as it is: nothing is doubled, nothing padded.
		above = append(above, row...)
		t.rows = append(t.rows, above)
		row = above
	}
	return t, nil
}

// Count returns the number of leaves.
func (t *Tree[S]) Count() uint64 { return uint64(len(t.rows[0])) }

// Top returns the highest node, not closed.
func (t *Tree[S]) Top() Node[S] { return t.rows[len(t.rows)-1][0] }

// Root returns the closed root (SPEC part 6).
func (t *Tree[S]) Root() Node[S] { return Root(t.level, t.kind, t.Count(), t.Top()) }

// Path returns the siblings of leaf i, lowest first (SPEC part 6, inclusion path).
func (t *Tree[S]) Path(i uint64) ([]Node[S], error) {
	if i >= t.Count() {
		return nil, fmt.Errorf("leaf #%d of a tree of %d leaves", i, t.Count())
	}
	path := make([]Node[S], 0, len(t.rows)-1)
	for _, row := range t.rows[:len(t.rows)-1] {
		if sibling := i ^ 1; sibling < uint64(len(row)) {
			path = append(path, row[sibling])
		}
		i /= 2
	}
	return path, nil
}
