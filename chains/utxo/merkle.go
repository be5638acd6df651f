package utxo

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/btcsuite/btcd/chaincfg/v2"
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

// checkWork checks a header's proof of work against the target of its own bits
// and the network's limit (SPEC part 13, step 1).
func checkWork(h *wire.BlockHeader, params *chaincfg.Params) error {
	target := expand(h.Bits)
	if target.Sign() <= 0 || target.Cmp(params.PowLimit) > 0 {
		return fmt.Errorf("header %s: the target of its bits %08x is out of range", h.BlockHash(), h.Bits)
	}
	id := h.BlockHash()
	var reversed [chainhash.HashSize]byte
	for i, b := range id {
		reversed[len(id)-1-i] = b
	}
	if new(big.Int).SetBytes(reversed[:]).Cmp(target) > 0 {
		return fmt.Errorf("header %s has not the work that its bits ask for", id)
	}
	return nil
}

// expand returns the target that a header's bits stand for: 3 bytes of
// mantissa, the top bit its sign, under 1 byte of exponent in bytes.
func expand(bits uint32) *big.Int {
	target := big.NewInt(int64(bits & 0x007fffff))
	if exponent := uint(bits >> 24); exponent <= 3 {
		target.Rsh(target, 8*(3-exponent))
	} else {
		target.Lsh(target, 8*(exponent-3))
	}
	if bits&0x00800000 != 0 {
		target.Neg(target)
	}
	return target
}
