package evm

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"
)

// A nodeSet holds trie nodes by their Keccak-256, computed here, and remembers
// which were visited. It is the database that trie.VerifyProof reads, which
// itself hashes nothing.
type nodeSet struct {
	blobs map[common.Hash][]byte
	used  map[common.Hash]bool
}

func newNodeSet() *nodeSet {
	return &nodeSet{blobs: map[common.Hash][]byte{}, used: map[common.Hash]bool{}}
}

func (s *nodeSet) add(blob []byte) {
	s.blobs[crypto.Keccak256Hash(blob)] = blob
}

// unused returns a set of the same nodes of which none was visited yet.
func (s *nodeSet) unused() *nodeSet {
	return &nodeSet{blobs: s.blobs, used: map[common.Hash]bool{}}
}

var errMissing = errors.New("node is missing")

// Get returns the node of that hash and marks it visited.
func (s *nodeSet) Get(key []byte) ([]byte, error) {
	h := common.BytesToHash(key)
	blob, ok := s.blobs[h]
	if !ok {
		return nil, errMissing
	}
	s.used[h] = true
	return blob, nil
}

// Has reports whether a node of that hash is there.
func (s *nodeSet) Has(key []byte) (bool, error) {
	_, ok := s.blobs[common.BytesToHash(key)]
	return ok, nil
}

// visited returns the visited nodes, sorted by their hashes (SPEC part 12).
func (s *nodeSet) visited() [][]byte {
	hashes := make([]common.Hash, 0, len(s.used))
	for h := range s.used {
		hashes = append(hashes, h)
	}
	slices.SortFunc(hashes, common.Hash.Cmp)
	blobs := make([][]byte, len(hashes))
	for i, h := range hashes {
		blobs[i] = s.blobs[h]
	}
	return blobs
}

// account proves an account under a state root (SPEC part 12, step 2). Its
// three outcomes stay apart: the account, nil when it is proved absent, and an
// error when neither is proved.
func (s *nodeSet) account(root common.Hash, address common.Address) (*types.StateAccount, error) {
	leaf, err := trie.VerifyProof(root, crypto.Keccak256(address[:]), s)
	if err != nil {
		return nil, err
	}
	if leaf == nil {
		return nil, nil
	}
	var a types.StateAccount
	if err := rlp.DecodeBytes(leaf, &a); err != nil {
		return nil, fmt.Errorf("the account's leaf is malformed: %w", err)
	}
	return &a, nil
}

// storage proves a storage word of a proved account (SPEC part 12, step 4); a
// word that is proved absent is zero.
func (s *nodeSet) storage(a *types.StateAccount, key common.Hash) (*uint256.Int, error) {
	if a.Root == types.EmptyRootHash {
		return new(uint256.Int), nil
	}
	leaf, err := trie.VerifyProof(a.Root, crypto.Keccak256(key[:]), s)
	if err != nil {
		return nil, err
	}
	word := new(uint256.Int)
	if leaf == nil {
		return word, nil
	}
	// The decoder refuses leading zeros, more than 32 bytes, and a rest.
	if err := rlp.DecodeBytes(leaf, word); err != nil {
		return nil, fmt.Errorf("the storage leaf is malformed: %w", err)
	}
	if word.IsZero() {
		return nil, errors.New("the storage leaf holds a zero, which no trie does")
	}
	return word, nil
}

// hasCode reports whether a proved account is a contract.
func hasCode(a *types.StateAccount) bool {
	return a != nil && common.BytesToHash(a.CodeHash) != types.EmptyCodeHash
}
