package evm

import (
	"context"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// The layouts of SPEC part 12: in which order holder and slot are hashed.
const (
	Solidity = "solidity"
	Vyper    = "vyper"
)

// A layout says where a contract stores its mapping of balances.
type layout struct {
	order string
	slot  common.Hash
}

// key returns the storage key of a holder's balance (SPEC part 12, step 4).
func (l layout) key(holder common.Address) common.Hash {
	padded := common.LeftPadBytes(holder[:], 32)
	if l.order == Vyper {
		return crypto.Keccak256Hash(l.slot[:], padded)
	}
	return crypto.Keccak256Hash(padded, l.slot[:])
}

// maxSlot bounds the search among a contract's first variables.
const maxSlot = 255

// erc7201Slot is where OpenZeppelin's upgradeable ERC-20 of version 5 keeps its
// balances: the ERC-7201 base of the name "openzeppelin.storage.ERC20".
var erc7201Slot = common.HexToHash("0x52c63247e1f47db19d5ce0460030c497f067ca4cebf71ba98eeadabe20bace00")

func layouts() []layout {
	all := []layout{{Solidity, erc7201Slot}}
	for n := range uint64(maxSlot + 1) {
		slot := common.Hash(uint256.NewInt(n).Bytes32())
		all = append(all, layout{Solidity, slot}, layout{Vyper, slot})
	}
	return all
}

// stranger is an address that holds nothing, told apart from the wallets only
// by its storage key: a layout that balanceOf reads for it too is a mapping of
// holders, and not a word that happens to match.
func stranger(contract common.Address) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte("assay/v1/stranger"), contract[:]))
}

// candidates returns the layouts whose storage words balanceOf reads, for a
// wallet and for a stranger alike.
func (g *gathering) candidates(ctx context.Context, token chains.Token, contract common.Address, wallet common.Address) ([]layout, error) {
	holders := []common.Address{wallet, stranger(contract)}
	type accessList struct {
		AccessList []struct {
			Address     common.Address `json:"address"`
			StorageKeys []common.Hash  `json:"storageKeys"`
		} `json:"accessList"`
		Error string `json:"error"`
	}
	lists := make([]accessList, len(holders))
	questions := make([]question, len(holders))
	for i, h := range holders {
		questions[i] = question{"eth_createAccessList", []any{balanceOf(contract, h), g.at}, &lists[i]}
	}
	if err := g.node.ask(ctx, questions...); err != nil {
		return nil, g.node.stateFault(ctx, g.block, err)
	}
	found := layouts()
	for i, h := range holders {
		if lists[i].Error != "" {
			return nil, &chains.UnknownLayoutError{Token: token, Reason: "its balanceOf fails"}
		}
		read := map[common.Hash]bool{}
		for _, entry := range lists[i].AccessList {
			if entry.Address != contract {
				continue
			}
			for _, k := range entry.StorageKeys {
				read[k] = true
			}
		}
		found = slices.DeleteFunc(found, func(l layout) bool { return !read[l.key(h)] })
	}
	return found, nil
}

// findLayout finds out how a token stores balances (SPEC part 12): exactly one
// layout must give, for every wallet and a stranger, the number that balanceOf
// answers at the pinned block.
func (g *gathering) findLayout(ctx context.Context, token chains.Token, contract common.Address, wallets []common.Address) (layout, error) {
	unknown := func(format string, args ...any) (layout, error) {
		return layout{}, &chains.UnknownLayoutError{Token: token, Reason: fmt.Sprintf(format, args...)}
	}
	if _, err := g.tokenAccount(g.set, token, contract); err != nil {
		return layout{}, err
	}
	found, err := g.candidates(ctx, token, contract, wallets[0])
	if err != nil {
		return layout{}, err
	}
	if len(found) == 0 {
		return unknown("balanceOf reads no mapping of holders that is known here (Solidity or Vyper slots 0 to %d, OpenZeppelin's ERC-7201)", maxSlot)
	}
	holders := append(slices.Clone(wallets), stranger(contract))
	said, err := g.balancesOf(ctx, token, contract, holders)
	if err != nil {
		return layout{}, err
	}
	var fits []layout
	for _, l := range found {
		proved, err := g.words(ctx, token, contract, l, holders)
		if err != nil {
			return layout{}, err
		}
		if slices.EqualFunc(said, proved, func(a, b *uint256.Int) bool { return a.Eq(b) }) {
			fits = append(fits, l)
		}
	}
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return unknown("balanceOf reads a mapping of holders, but answers other numbers than stand there (a share token, or packed words)")
	default:
		return unknown("%d of its mappings fit alike; a wallet that holds some of the token tells them apart", len(fits))
	}
}

// balancesOf asks the contract itself.
func (g *gathering) balancesOf(ctx context.Context, token chains.Token, contract common.Address, holders []common.Address) ([]*uint256.Int, error) {
	words := make([]hexutil.Bytes, len(holders))
	questions := make([]question, len(holders))
	for i, h := range holders {
		questions[i] = question{"eth_call", []any{balanceOf(contract, h), g.at}, &words[i]}
	}
	if err := g.node.ask(ctx, questions...); err != nil {
		return nil, g.node.stateFault(ctx, g.block, err)
	}
	said := make([]*uint256.Int, len(holders))
	for i, w := range words {
		if len(w) != 32 {
			return nil, &chains.UnknownLayoutError{Token: token, Reason: "its balanceOf does not answer with one word"}
		}
		said[i] = new(uint256.Int).SetBytes32(w)
	}
	return said, nil
}

// balanceOf is the call object of balanceOf(holder).
func balanceOf(contract, holder common.Address) map[string]any {
	selector := []byte{0x70, 0xa0, 0x82, 0x31}
	return map[string]any{"to": contract, "data": hexutil.Bytes(append(selector, common.LeftPadBytes(holder[:], 32)...))}
}
