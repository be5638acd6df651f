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

// merkleRoot hashes the ids of all transactions of a block up as Bitcoin does (SPEC part 13, step 8). Equal hashes side by side,
// other than the last one doubled here, are how one root is given to two lists of transactions (CVE-2012-2459), and refused.
func merkleRoot(ids [][32]byte) (root [32]byte, err error) {
	if len(ids) == 0 {
		return root, errors.New("no transactions")
	}
	for level := 0; len(ids) > 1; level++ {
		for i := 1; i < len(ids); i++ {
			if ids[i] == ids[i-1] {
				return root, fmt.Errorf("level %d: node %d equals the one on its left", level, i)
			}
		}
		next := make([][32]byte, 0, (len(ids)+1)/2)
		for i := 0; i < len(ids); i += 2 {
			right := ids[min(i+1, len(ids)-1)]
			next = append(next, doubleSHA256(append(ids[i][:], right[:]...)))
		}
		ids = next
	}
	return ids[0], nil
}
