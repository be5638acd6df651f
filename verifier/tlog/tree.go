package tlog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// LeafHash hashes an entry (SPEC part 25; RFC 6962 §2.1).
func LeafHash(entry []byte) Hash { return sha256.Sum256(append([]byte{0}, entry...)) }

func node(left, right Hash) Hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func emptyRoot() Hash { return sha256.Sum256(nil) }

// split gives how many of n leaves stand left of their root: the largest power of two below n. Requires n > 1.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// CheckInclusion checks that a leaf stands at an index of the log that has this size and root (SPEC part 25).
func CheckInclusion(leaf Hash, index, size uint64, path []Hash, root Hash) error {
	if index >= size {
		return fmt.Errorf("index %d is not in a log of %d entries", index, size)
	}
	got, ok := climb(leaf, index, size, path)
	switch {
	case !ok:
		return fmt.Errorf("a path of %d hashes does not lead from index %d to the root of %d entries", len(path), index, size)
	case got != root:
		return fmt.Errorf("the path from index %d leads to root %s, the checkpoint of %d entries has %s", index, got, size, root)
	}
	return nil
}

// climb gives the root above a leaf. It is false if the path is too long or too short.
func climb(leaf Hash, index, size uint64, path []Hash) (Hash, bool) {
	if size == 1 || len(path) == 0 {
		return leaf, size == 1 && len(path) == 0
	}
	last, rest, k := path[len(path)-1], path[:len(path)-1], split(size)
	if index < k {
		left, ok := climb(leaf, index, k, rest)
		return node(left, last), ok
	}
	right, ok := climb(leaf, index-k, size-k, rest)
	return node(last, right), ok
}

// CheckConsistency checks that the log of n entries begins with that of m. The path is PROOF(m, D[n]) of RFC 6962 §2.1.2, empty if m is
// 0 or n.
func CheckConsistency(m, n uint64, path []Hash, first, second Hash) error {
	switch {
	case m > n:
		return fmt.Errorf("a log of %d entries does not begin with %d", n, m)
	case m == 0 && (len(path) > 0 || first != emptyRoot() || n == 0 && second != first):
		return errors.New("a log without entries has the hash of nothing as its root, and needs no path")
	case m == 0:
		return nil
	case m == n && len(path) > 0:
		return fmt.Errorf("two logs of %d entries need no path", n)
	case m == n && first != second:
		return fmt.Errorf("two logs of %d entries have the roots %s and %s", n, first, second)
	case m == n:
		return nil
	}
	if m&(m-1) == 0 { // then the first tree is a node of the second, which PROOF leaves out
		path = append([]Hash{first}, path...)
	}
	one, two, err := RootsOf(m, n, path)
	switch {
	case err != nil:
		return err
	case one != first || two != second:
		return fmt.Errorf("the path leads to roots %s of %d and %s of %d entries, want %s and %s", one, m, two, n, first, second)
	}
	return nil
}

// RootsOf gives the roots of m and of n entries that a path commits to. The path is SUBPROOF(m, D[n], false) of RFC 6962 §2.1.2, so
// one pair of roots fits it.
func RootsOf(m, n uint64, path []Hash) (first, second Hash, err error) {
	if m == 0 || m > n {
		return first, second, fmt.Errorf("no path leads from %d to %d entries", m, n)
	}
	first, second, ok := roots(m, n, path)
	if !ok {
		return first, second, fmt.Errorf("a path of %d hashes does not lead to the roots of %d and of %d entries", len(path), m, n)
	}
	return first, second, nil
}

// roots is RootsOf for 0 < m <= n. It is false if the path is too long or too short.
func roots(m, n uint64, path []Hash) (first, second Hash, ok bool) {
	if len(path) == 0 {
		return first, second, false
	}
	last, rest := path[len(path)-1], path[:len(path)-1]
	if m == n {
		return last, last, len(rest) == 0
	}
	k := split(n)
	if m <= k {
		first, second, ok = roots(m, k, rest)
		return first, node(second, last), ok
	}
	first, second, ok = roots(m-k, n-k, rest)
	return node(last, first), node(last, second), ok
}

// Tree holds the leaf hashes of a log, and answers for the log as it is and as it was: for its first n entries, whatever n.
type Tree struct {
	levels [][]Hash // levels[l][i] is the root of the leaves from i*2^l on, 2^l of them
}

// Append adds the leaf hash of the next entry.
func (t *Tree) Append(leaf Hash) {
	for level := 0; ; level++ {
		if level == len(t.levels) {
			t.levels = append(t.levels, nil)
		}
		hashes := append(t.levels[level], leaf)
		t.levels[level] = hashes
		if len(hashes)%2 == 1 {
			return
		}
		leaf = node(hashes[len(hashes)-2], leaf)
	}
}

// Size gives the number of leaves.
func (t *Tree) Size() uint64 {
	if len(t.levels) == 0 {
		return 0
	}
	return uint64(len(t.levels[0]))
}

// Root gives the root of the first n entries.
func (t *Tree) Root(n uint64) (Hash, error) {
	if n > t.Size() {
		return Hash{}, fmt.Errorf("want the root of %d entries, the log has %d", n, t.Size())
	}
	if n == 0 {
		return emptyRoot(), nil
	}
	return t.hash(0, n), nil
}

// InclusionPath gives the path of an entry in the first n.
func (t *Tree) InclusionPath(index, n uint64) ([]Hash, error) {
	if index >= n || n > t.Size() {
		return nil, fmt.Errorf("want the path of index %d in %d entries, the log has %d", index, n, t.Size())
	}
	var path []Hash
	for from, to := uint64(0), n; to-from > 1; {
		middle := from + split(to-from)
		if index < middle {
			path = append(path, t.hash(middle, to))
			to = middle
		} else {
			path = append(path, t.hash(from, middle))
			from = middle
		}
	}
	slices.Reverse(path)
	return path, nil
}

// ForkPath gives the path from which RootsOf gives the roots of the first m and of the first n entries.
func (t *Tree) ForkPath(m, n uint64) ([]Hash, error) {
	if m == 0 || m > n || n > t.Size() {
		return nil, fmt.Errorf("want the path from %d to %d entries, the log has %d", m, n, t.Size())
	}
	var path []Hash
	from, to := uint64(0), n
	for m != to {
		middle := from + split(to-from)
		if m <= middle {
			path = append(path, t.hash(middle, to))
			to = middle
		} else {
			path = append(path, t.hash(from, middle))
			from = middle
		}
	}
	path = append(path, t.hash(from, to))
	slices.Reverse(path)
	return path, nil
}

// hash gives the root of the leaves from … to. Requires from < to, and that splitting led there: then a power of two of leaves is a
// node that the tree holds.
func (t *Tree) hash(from, to uint64) Hash {
	if n := to - from; n&(n-1) == 0 {
		level := bits.TrailingZeros64(n)
		return t.levels[level][from>>level]
	}
	middle := from + split(to-from)
	return node(t.hash(from, middle), t.hash(middle, to))
}
