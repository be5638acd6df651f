package evm

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// A state reads accounts and storage at the pinned block, out of nothing but
// collected trie nodes. What these do not prove is a ProofError.
type state struct {
	gathering *gathering
	set       *nodeSet
	accounts  map[common.Address]*types.StateAccount
}

func (g *gathering) state(set *nodeSet) *state {
	return &state{gathering: g, set: set, accounts: map[common.Address]*types.StateAccount{}}
}

// account returns a proved account, nil if it is proved absent.
func (s *state) account(address common.Address) (*types.StateAccount, error) {
	if a, ok := s.accounts[address]; ok {
		return a, nil
	}
	a, err := s.set.account(s.gathering.header.root, address)
	if err != nil {
		return nil, s.gathering.lie("the account "+address.Hex(), err)
	}
	s.accounts[address] = a
	return a, nil
}

// A noContractError says that a proved account has no code.
type noContractError struct {
	address common.Address
	block   uint64
}

func (e *noContractError) Error() string {
	return fmt.Sprintf("there is no contract at %s at block %d", e.address.Hex(), e.block)
}

// contract returns a proved account that has code.
func (s *state) contract(address common.Address) (*types.StateAccount, error) {
	a, err := s.account(address)
	if err != nil {
		return nil, err
	}
	if !hasCode(a) {
		return nil, &noContractError{address, s.gathering.block.Number}
	}
	return a, nil
}

// word returns a proved word of a contract's storage.
func (s *state) word(at place) (*uint256.Int, error) {
	a, err := s.contract(at.account)
	if err != nil {
		return nil, err
	}
	word, err := s.set.storage(a, at.key)
	if err != nil {
		return nil, s.gathering.lie(fmt.Sprintf("the word %s of %s", at.key.Hex(), at.account.Hex()), err)
	}
	return word, nil
}

// balances proves the balances of a token's holders (SPEC part 12, steps 4 to 7).
func (s *state) balances(token common.Address, r recipe, holders []common.Address) ([]*uint256.Int, error) {
	if err := s.proveProxy(token, r.proxy); err != nil {
		return nil, err
	}
	line := itself()
	if r.formula != nil {
		var err error
		if line, err = r.formula.line(token, s.word, s.gathering.header.time); err != nil {
			return nil, err
		}
	}
	all := make([]*uint256.Int, len(holders))
	for i, h := range holders {
		word, err := s.word(place{token, r.layout.key(h)})
		if err != nil {
			return nil, err
		}
		if all[i], err = line.balance(low(word, r.bits)); err != nil {
			return nil, err
		}
	}
	return all, nil
}
