package evidence

import (
	"fmt"
	"math/big"
)

// evmState is the state under one header, as far as the nodes of the file prove it.
type evmState struct {
	root     [32]byte
	nodes    *nodeSet
	accounts map[[20]byte]account
}

func (e *EVM) stateUnder(root [32]byte) *evmState {
	return &evmState{root: root, nodes: newNodeSet(e.hashes, e.nodes), accounts: map[[20]byte]account{}}
}

// account looks an account up once: its leaf, or its proven absence (SPEC part 12, step 2).
func (s *evmState) account(field string, address [20]byte) (account, error) {
	if a, ok := s.accounts[address]; ok {
		return a, nil
	}
	found := s.nodes.walk(s.root, keccak256(address[:]))
	var a account
	switch found.outcome {
	case notProven:
		return a, &CheckError{Field: field, Problem: "state trie: " + found.reason, Got: found.got, Want: found.want}
	case proven:
		var err error
		if a, err = decodeAccount(found.value); err != nil {
			return a, &CheckError{Field: field, Problem: "state trie: the leaf is no account", Got: err.Error(), Want: "nonce, balance, storage root and code hash"}
		}
	case provenAbsent:
		a.storageRoot, a.codeHash = emptyRoot, emptyCode
	}
	s.accounts[address] = a
	return a, nil
}

// contract is an account that exists and has code. what names its part in the recipe.
func (s *evmState) contract(field, what string, address [20]byte) (account, error) {
	a, err := s.account(field, address)
	switch {
	case err != nil:
		return a, err
	case !a.exists:
		return a, &CheckError{Field: field, Problem: what + " does not exist at the pinned block", Got: fmt.Sprintf("the proven absence of 0x%x", address), Want: "an account with code"}
	case a.codeHash == emptyCode:
		return a, &CheckError{Field: field, Problem: what + " has no code", Got: fmt.Sprintf("the account 0x%x without code", address), Want: "a contract"}
	}
	return a, nil
}

// word is a storage value of an account: 0 where it is proved to have none (SPEC part 12, step 4).
func (s *evmState) word(field string, of account, slot [32]byte) (word [32]byte, err error) {
	found := s.nodes.walk(of.storageRoot, keccak256(slot[:]))
	switch found.outcome {
	case notProven:
		return word, &CheckError{Field: field, Problem: "storage trie: " + found.reason, Got: found.got, Want: found.want}
	case proven:
		digits, err := decodeStorage(found.value)
		if err != nil {
			return word, &CheckError{Field: field, Problem: "storage trie: the leaf is no integer", Got: err.Error(), Want: "an integer below 2^256"}
		}
		copy(word[32-len(digits):], digits)
	case provenAbsent:
	}
	return word, nil
}

// integer is a storage value as a number.
func (s *evmState) integer(field string, of account, slot [32]byte) (*big.Int, error) {
	word, err := s.word(field, of, slot)
	return new(big.Int).SetBytes(word[:]), err
}

// pointer is a storage value that is an address: its upper twelve bytes are zero.
func (s *evmState) pointer(field string, of account, slot [32]byte) (address [20]byte, err error) {
	word, err := s.word(field, of, slot)
	if err == nil && [12]byte(word[:12]) != [12]byte{} {
		err = &CheckError{Field: field, Problem: "a word that is no address", Got: fmt.Sprintf("0x%x", word), Want: "twelve bytes of zero and an address"}
	}
	return [20]byte(word[12:]), err
}

// slotAt is the slot that lies offset above a base, around the end of storage too.
func slotAt(base [32]byte, offset int64) (slot [32]byte) {
	n := new(big.Int).SetBytes(base[:])
	n.Add(n, big.NewInt(offset))
	n.And(n, lowBits(256)).FillBytes(slot[:])
	return slot
}

// lowBits is 2^n − 1.
func lowBits(n int) *big.Int {
	one := big.NewInt(1)
	return new(big.Int).Sub(new(big.Int).Lsh(one, uint(n)), one) //nolint:gosec // at most 256
}

// cut takes bits out of a word, shift above its lowest.
func cut(word *big.Int, shift, bits int) *big.Int {
	v := new(big.Int).Rsh(word, uint(shift)) //nolint:gosec // at most 255
	return v.And(v, lowBits(bits))
}
