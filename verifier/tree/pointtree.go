package tree

import (
	"crypto/sha256"
	"errors"
)

// blockLeaves is how many leaves of a point tree are hashed and added together: a power of two, so that a block is a whole subtree.
const blockLeaves = 1 << 12

// A pointTree builds a tree of RFC 6962 shape whose sums are points, from its leaves in order. It works a block at a time, level by level,
// so that many points are added with one inversion; of a block that is done it keeps the top.
type pointTree struct {
	level  level
	count  uint64
	hashes []Hash
	points []Point
	tops   []node[Point]
	adder  adder
	buf    []byte
}

// add appends a leaf.
func (t *pointTree) add(id Hash, sum Point) {
	t.buf = append(t.buf[:0], byte(t.level))
	t.buf = append(t.buf, id[:]...)
	t.buf = sum.appendBinary(t.buf)
	t.hashes = append(t.hashes, sha256.Sum256(t.buf))
	t.points = append(t.points, sum)
	t.count++
	if len(t.hashes) == blockLeaves {
		t.close()
	}
}

// close folds the block.
func (t *pointTree) close() {
	if len(t.hashes) > 0 {
		t.tops = append(t.tops, t.fold(t.hashes, t.points))
		t.hashes, t.points = t.hashes[:0], t.points[:0]
	}
}

// fold pairs nodes up to one, level by level. A last one without a neighbour waits a level up, which is RFC 6962's shape. It overwrites both.
func (t *pointTree) fold(hashes []Hash, points []Point) node[Point] {
	for len(hashes) > 1 {
		half := len(hashes) / 2
		for i := range half {
			t.buf = append(t.buf[:0], byte(t.level)|0x01)
			t.buf = append(t.buf, hashes[2*i][:]...)
			t.buf = points[2*i].appendBinary(t.buf)
			t.buf = append(t.buf, hashes[2*i+1][:]...)
			t.buf = points[2*i+1].appendBinary(t.buf)
			hashes[i] = sha256.Sum256(t.buf)
		}
		if len(hashes)%2 == 1 {
			hashes[half] = hashes[len(hashes)-1]
			half++
		}
		hashes, points = hashes[:half], t.adder.pairs(points)
	}
	return node[Point]{hashes[0], points[0]}
}

// root folds the blocks and closes the tree; nothing may be added after.
func (t *pointTree) root() (node[Point], error) {
	t.close()
	if t.count == 0 {
		return node[Point]{}, errors.New("a tree without leaves")
	}
	hashes, points := make([]Hash, len(t.tops)), make([]Point, len(t.tops))
	for i, top := range t.tops {
		hashes[i], points[i] = top.hash, top.sum
	}
	var h hasher
	top := t.fold(hashes, points)
	return node[Point]{root(&h, t.level, t.count, top), top.sum}, nil
}

// SumTotals adds the total rows of all shards: the sum of the top tree (SPEC part 29).
func SumTotals(shards []Shard) Point {
	points := make([]Point, len(shards))
	for i, s := range shards {
		points[i] = s.Total
	}
	var a adder
	for len(points) > 1 {
		points = a.pairs(points)
	}
	return points[0]
}
