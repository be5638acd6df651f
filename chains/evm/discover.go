package evm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// errUnproved says that no recipe was found for a token.
var errUnproved = errors.New("no recipe fits")

// findRecipe finds out how a token's balances are proved (SPEC part 12):
// whatever the recipe, it must give, for every wallet and a stranger, the number
// that balanceOf answers at the pinned block. The error is errUnproved where
// nodes can only attest the balances.
func (g *gathering) findRecipe(ctx context.Context, token chains.Token, wallets []common.Address) (recipe, error) {
	contract := contractOf(token)
	if _, err := g.state(g.set).contract(contract); err != nil {
		return recipe{}, asUnknown(token, err)
	}
	wish, wished := g.wishes[token]
	kind, clean, err := g.proxyOf(ctx, contract)
	if err != nil {
		return recipe{}, err
	}
	if wish.proxy != nil && wish.proxy != kind {
		return recipe{}, unknownLayout(token, "it is no proxy of the kind %s, as its recipe says", wish.proxy.name)
	}
	if !clean {
		return giveUp(token, wished, "what stands where a proxy keeps the address of its code is none")
	}
	wish.proxy, wish.given.Token = kind, token
	holders := append(slices.Clone(wallets), stranger(contract))
	said, err := g.balancesOf(ctx, token, contract, holders)
	if err != nil {
		return recipe{}, err
	}
	found := []layout{}
	if wish.layout != nil {
		found = append(found, *wish.layout)
	} else if found, err = g.candidates(ctx, contract, holders); err != nil {
		return recipe{}, err
	}
	if len(found) == 0 {
		return giveUp(token, wished, "balanceOf reads no mapping of holders that is known here (Solidity or Vyper slots 0 to %d, OpenZeppelin's ERC-7201)", maxSlot)
	}
	if err := g.fetchWords(ctx, contract, wish.formula, found, holders); err != nil {
		return recipe{}, err
	}
	fits, err := g.fitting(contract, wish, found, holders, said)
	if err != nil {
		return recipe{}, asUnknown(token, err)
	}
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return giveUp(token, wished, "balanceOf answers other numbers than follow from it")
	default:
		return giveUp(token, wished, "%d of its mappings fit alike; a wallet that holds some of the token tells them apart", len(fits))
	}
}

// giveUp gives up on a token: its balances can be attested, unless the
// configuration says that they follow from a recipe.
func giveUp(token chains.Token, wished bool, format string, args ...any) (recipe, error) {
	if wished {
		return recipe{}, unknownLayout(token, "its recipe in the configuration does not fit: "+format, args...)
	}
	return recipe{}, errUnproved
}

func unknownLayout(token chains.Token, format string, args ...any) error {
	return &chains.UnknownLayoutError{Token: token, Reason: fmt.Sprintf(format, args...)}
}

// asUnknown turns the want of a contract into an error that names the token.
func asUnknown(token chains.Token, err error) error {
	var none *noContractError
	if errors.As(err, &none) {
		return unknownLayout(token, "%v", err)
	}
	return err
}

// fetchWords fetches the proofs of the holders' words under some layouts, and
// of the words that the formula reads.
func (g *gathering) fetchWords(ctx context.Context, contract common.Address, f formula, found []layout, holders []common.Address) error {
	var wants []want
	if f != nil {
		for _, p := range f.places(contract) {
			wants = append(wants, want{p.account, []common.Hash{p.key}})
		}
	}
	for _, l := range found {
		keys := make([]common.Hash, len(holders))
		for i, h := range holders {
			keys[i] = l.key(h)
		}
		wants = append(wants, want{contract, keys})
	}
	return g.fetch(ctx, wants...)
}

// fitting returns the recipes of the first width, the widest, at which the
// layouts give what balanceOf said.
func (g *gathering) fitting(contract common.Address, wish recipe, found []layout, holders []common.Address, said []*uint256.Int) ([]recipe, error) {
	tried := widths
	if wish.bits != 0 {
		tried = []uint{wish.bits}
	}
	state := g.state(g.set)
	for _, bits := range tried {
		var fits []recipe
		for _, l := range found {
			r := wish
			r.layout, r.bits = &l, bits
			proved, err := state.balances(contract, r, holders)
			var lie *chains.ProofError
			var none *noContractError
			if errors.As(err, &lie) || errors.As(err, &none) {
				return nil, err
			}
			if err == nil && slices.EqualFunc(said, proved, func(a, b *uint256.Int) bool { return a.Eq(b) }) {
				fits = append(fits, r)
			}
		}
		if len(fits) > 0 {
			return fits, nil
		}
	}
	return nil, nil
}

// candidates returns the layouts whose storage words balanceOf reads, for the
// first holder and for the last, a stranger, alike. It is a hint, so any node
// may give it; where none can tell what a call reads, the error is errUnproved.
func (g *gathering) candidates(ctx context.Context, contract common.Address, holders []common.Address) ([]layout, error) {
	holders = []common.Address{holders[0], holders[len(holders)-1]}
	lists, err := g.node.accessLists(ctx, g.block, g.at, contract, holders)
	for _, n := range g.others {
		if !lacksMethod(err) {
			break
		}
		at, missing := n.blockArgument(ctx, g.block)
		if missing == nil {
			lists, missing = n.accessLists(ctx, g.block, at, contract, holders)
		}
		if !passable(missing) {
			err = missing
		}
	}
	if lacksMethod(err) {
		return nil, errUnproved
	}
	if err != nil {
		return nil, err
	}
	found := layouts()
	for i, h := range holders {
		found = slices.DeleteFunc(found, func(l layout) bool { return !lists[i][l.key(h)] })
	}
	return found, nil
}

// accessLists returns which words of its contract's storage balanceOf reads, by
// holder.
func (n *node) accessLists(ctx context.Context, block chains.BlockRef, at any, contract common.Address, holders []common.Address) ([]map[common.Hash]bool, error) {
	answers := make([]struct {
		AccessList []struct {
			Address     common.Address `json:"address"`
			StorageKeys []common.Hash  `json:"storageKeys"`
		} `json:"accessList"`
	}, len(holders))
	questions := make([]question, len(holders))
	for i, h := range holders {
		questions[i] = question{"eth_createAccessList", []any{balanceOf(contract, h), at}, &answers[i]}
	}
	if err := n.ask(ctx, questions...); err != nil {
		return nil, n.stateFault(ctx, block, err)
	}
	lists := make([]map[common.Hash]bool, len(holders))
	for i, a := range answers {
		lists[i] = map[common.Hash]bool{}
		for _, entry := range a.AccessList {
			if entry.Address != contract {
				continue
			}
			for _, k := range entry.StorageKeys {
				lists[i][k] = true
			}
		}
	}
	return lists, nil
}

// noMethod is the JSON-RPC code of a method that there is none of; some nodes
// say it in words only.
const noMethod = -32601

// lacksMethod reports whether an error says that the node has no such method.
// A node that is busy has it.
func lacksMethod(err error) bool {
	var refused *chains.RefusedError
	if !errors.As(err, &refused) {
		return false
	}
	said := strings.ToLower(refused.Reason)
	return refused.Code == noMethod || strings.Contains(said, "method") &&
		slices.ContainsFunc([]string{"not found", "not support", "unsupported", "not available", "does not exist", "not allowed", "not whitelisted", "disabled", "unknown"},
			func(phrase string) bool { return strings.Contains(said, phrase) })
}

// balancesOf asks the contract itself.
func (g *gathering) balancesOf(ctx context.Context, token chains.Token, contract common.Address, holders []common.Address) ([]*uint256.Int, error) {
	words := make([]hexutil.Bytes, len(holders))
	questions := make([]question, len(holders))
	for i, h := range holders {
		questions[i] = question{"eth_call", []any{balanceOf(contract, h), g.at}, &words[i]}
	}
	if err := g.node.ask(ctx, questions...); err != nil {
		if reverted(err) {
			return nil, unknownLayout(token, "its balanceOf fails")
		}
		return nil, g.node.stateFault(ctx, g.block, err)
	}
	said := make([]*uint256.Int, len(holders))
	for i, w := range words {
		if len(w) != 32 {
			return nil, unknownLayout(token, "its balanceOf does not answer with one word")
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

// contractOf is the address of an ERC-20 token's contract.
func contractOf(token chains.Token) common.Address {
	contract, _ := token.Contract()
	return common.HexToAddress(contract)
}
