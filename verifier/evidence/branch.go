package evidence

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

const maxBranch = 32 // SPEC part 18

// climb recomputes a Merkle root from a transaction's id, its index and its branch (SPEC part 13, step 2).
//
// Bitcoin pairs the last node of an odd level with itself. So two hashes are equal where a node stands on the left, is not
// the first, and is the last of its level: from there on up it is always the last. Equal hashes anywhere else are how one
// root is given to two lists of transactions (CVE-2012-2459), and refused.
func climb(id [32]byte, index uint64, branch [][32]byte) (root [32]byte, err error) {
	if len(branch) > maxBranch {
		return root, fmt.Errorf("a branch of %d hashes, more than %d", len(branch), maxBranch)
	}
	if index>>len(branch) != 0 {
		return root, fmt.Errorf("index %d is beyond a tree of %d levels", index, len(branch))
	}
	node, last := id, false
	for level, sibling := range branch {
		place := index >> level
		var pair [64]byte
		switch {
		case place%2 == 1 && sibling == node:
			return root, fmt.Errorf("level %d: a node equals the one on its left", level)
		case place%2 == 1:
			copy(pair[:32], sibling[:])
			copy(pair[32:], node[:])
		case sibling == node && place == 0:
			return root, fmt.Errorf("level %d: the first node equals the one on its right", level)
		case sibling != node && last:
			return root, errors.New("a node is the last of its level and has another above it on its right")
		default:
			last = sibling == node
			copy(pair[:32], node[:])
			copy(pair[32:], sibling[:])
		}
		once := sha256.Sum256(pair[:])
		node = sha256.Sum256(once[:])
	}
	return node, nil
}
