package utxo

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// A merkleTree holds all levels of a block's transaction tree, ids first.
type merkleTree [][]chainhash.Hash

// newMerkleTree builds the tree of a block and checks it against the header
// (SPEC part 13, step 2). Requires at least one transaction.
func newMerkleTree(block *wire.MsgBlock) (merkleTree, error) {
	level := make([]chainhash.Hash, len(block.Transactions))
	for i, tx := range block.Transactions {
		level[i] = tx.TxHash()
	}
	tree := merkleTree{level}
	for len(level) > 1 {
		next := make([]chainhash.Hash, (len(level)+1)/2)
		for i := range next {
			left, right := level[2*i], level[min(2*i+1, len(level)-1)]
			if 2*i+1 < len(level) && left == right {
				return nil, errors.New("two neighbouring nodes of its Merkle tree are equal (CVE-2012-2459)")
			}
			next[i] = chainhash.DoubleHashH(append(left[:], right[:]...))
		}
		tree = append(tree, next)
		level = next
	}
	if level[0] != block.Header.MerkleRoot {
		return nil, fmt.Errorf("its transactions hash to Merkle root %s, its header says %s", level[0], block.Header.MerkleRoot)
	}
	return tree, nil
}

// branch returns the siblings of transaction i, lowest first. The last node of
// an odd level is its own sibling.
func (t merkleTree) branch(i int) []chainhash.Hash {
	branch := make([]chainhash.Hash, 0, len(t)-1)
	for _, level := range t[:len(t)-1] {
		branch = append(branch, level[min(i^1, len(level)-1)])
		i /= 2
	}
	return branch
}
