package beacon

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// pair is the root of a tree's two halves.
func pair(left, right [32]byte) [32]byte {
	var both [64]byte
	copy(both[:32], left[:])
	copy(both[32:], right[:])
	return sha256.Sum256(both[:])
}

// merkle is the root over leaves, their number filled up with zeros to a power of two. It spends its argument. Requires a leaf.
func merkle(leaves [][32]byte) [32]byte {
	for len(leaves)&(len(leaves)-1) != 0 {
		leaves = append(leaves, [32]byte{})
	}
	for ; len(leaves) > 1; leaves = leaves[:len(leaves)/2] {
		for i := range len(leaves) / 2 {
			leaves[i] = pair(leaves[2*i], leaves[2*i+1])
		}
	}
	return leaves[0]
}

func number(v uint64) (leaf [32]byte) {
	binary.LittleEndian.PutUint64(leaf[:], v)
	return leaf
}

// root is hash_tree_root of a BeaconBlockHeader.
func (h header) root() [32]byte {
	return merkle([][32]byte{number(h.slot), number(h.proposer), h.parent, h.state, h.body})
}

// root is hash_tree_root of a SyncCommittee.
func (c committee) root() [32]byte {
	leaves := make([][32]byte, committeeSize)
	for i := range leaves {
		leaves[i] = keyRoot(c.key(i))
	}
	return pair(merkle(leaves), keyRoot(c.aggregate))
}

func keyRoot(key []byte) [32]byte {
	var padded [64]byte
	copy(padded[:], key)
	return sha256.Sum256(padded[:])
}

// climb is the root that a leaf and its branch give, the leaf at a generalised index. It says whether the branch has that index's
// length.
func climb(leaf [32]byte, branch [][32]byte, index uint64) (root [32]byte, fits bool) {
	if len(branch) != bits.Len64(index)-1 {
		return root, false
	}
	root = leaf
	for _, sibling := range branch {
		if index&1 == 1 {
			root = pair(sibling, root)
		} else {
			root = pair(root, sibling)
		}
		index >>= 1
	}
	return root, true
}

// signingRoot is what a committee signs: a block's root in the domain of sync committees, of one fork and one network.
func signingRoot(block [32]byte, version [4]byte, genesis [32]byte) [32]byte {
	var padded [32]byte
	copy(padded[:], version[:])
	data := pair(padded, genesis)
	domain := [32]byte{0: 0x07}
	copy(domain[4:], data[:28])
	return pair(block, domain)
}
