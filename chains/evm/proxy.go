package evm

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// A proxy is a convention about where a contract keeps the address of its code
// (SPEC part 12, step 5).
type proxy struct {
	name string
	slot common.Hash
}

var proxies = []proxy{
	{"eip1967", common.HexToHash("0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc")},
	{"zeppelinos", common.HexToHash("0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3")},
}

// addressOf reads an address out of a word; false if more stands there.
func addressOf(word *uint256.Int) (common.Address, bool) {
	if word.BitLen() > 8*common.AddressLength {
		return common.Address{}, false
	}
	return common.Address(word.Bytes20()), true
}

// proxyOf says of which kind of proxy a token's contract is, nil if of none
// known. False means that its slots hold something else than the address of
// code, so that no recipe can be written.
func (g *gathering) proxyOf(ctx context.Context, contract common.Address) (*proxy, bool, error) {
	var keys []common.Hash
	for _, p := range proxies {
		keys = append(keys, p.slot)
	}
	if err := g.fetch(ctx, want{contract, keys}); err != nil {
		return nil, false, err
	}
	state, clean := g.state(g.set), true
	for i, p := range proxies {
		word, err := state.word(place{contract, p.slot})
		if err != nil {
			return nil, false, err
		}
		if word.IsZero() {
			continue
		}
		clean = false
		implementation, ok := addressOf(word)
		if !ok {
			continue
		}
		if err := g.fetch(ctx, want{address: implementation}); err != nil {
			return nil, false, err
		}
		switch a, err := state.account(implementation); {
		case err != nil:
			return nil, false, err
		case hasCode(a):
			return &proxies[i], true, nil
		}
	}
	return nil, clean, nil
}

// proveProxy walks once more through what shows the kind of proxy (SPEC part 12, step 5).
func (s *state) proveProxy(contract common.Address, kind *proxy) error {
	for i := range proxies {
		if kind != nil && kind != &proxies[i] {
			continue
		}
		word, err := s.word(place{contract, proxies[i].slot})
		if err != nil {
			return err
		}
		if implementation, ok := addressOf(word); kind != nil && ok {
			if _, err := s.contract(implementation); err != nil {
				return err
			}
		}
	}
	return nil
}
