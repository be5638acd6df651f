package evm

import (
	"context"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// safeProxies and safeSingletons are the Keccak-256 of the code of Safe's
// contracts (SPEC part 12), as its npm packages @safe-global/safe-contracts
// 1.4.1 and @gnosis.pm/safe-contracts 1.3.0 have it and
// @safe-global/safe-deployments confirms it.
var (
	safeProxies = map[common.Hash]string{
		common.HexToHash("0xd7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c"): "SafeProxy 1.4.1",
		common.HexToHash("0xb89c1b3bdf2cf8827818646bce9a8f6e372885f8c55e5c07acbd307cb133b000"): "GnosisSafeProxy 1.3.0",
	}
	safeSingletons = map[common.Hash]string{
		common.HexToHash("0x1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4"): "Safe 1.4.1",
		common.HexToHash("0xb1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff"): "SafeL2 1.4.1",
		common.HexToHash("0xbba688fbdb21ad2bb58bc320638b43d94e7d100f6f3ebaab0a4e4de6304b1c2e"): "GnosisSafe 1.3.0",
		common.HexToHash("0x21842597390c4c6e3c1239e434a682b054bd9548eee5e9b1d6a4482731023c0f"): "GnosisSafeL2 1.3.0",
	}
)

// Where a Safe keeps what is read of it: its first variables (SPEC part 12,
// step 10). The owners are a ring of addresses, each the key to the next.
var (
	safeSingleton = common.BigToHash(common.Big0)
	safeOwners    = common.BigToHash(common.Big2)
	safeCount     = common.BigToHash(common.Big3)
	safeThreshold = common.HexToHash("0x04")
	ringStart     = common.HexToAddress("0x01")
)

// maxOwners bounds the ring.
const maxOwners = 256

func ownerKey(after common.Address) common.Hash {
	return crypto.Keccak256Hash(common.LeftPadBytes(after[:], 32), safeOwners[:])
}

// A ring is a walk through a Safe's owners, and where it stands.
type ring struct {
	safe   common.Address
	owners []common.Address
	at     common.Address
}

// findSafes finds the Safes among the holdings' accounts whose owners can be
// proved. A Safe that is not as SPEC part 12 describes it is an account like any
// other.
func (g *gathering) findSafes(ctx context.Context, sorted []chains.Holding, fetched map[common.Address]bool) error {
	var accounts []chains.Account
	for _, h := range sorted {
		accounts = append(accounts, h.Account)
	}
	candidates, err := g.safeProxiesAmong(ctx, slices.Compact(accounts), fetched)
	if err != nil {
		return err
	}
	if err := g.fetchSafes(ctx, candidates); err != nil {
		return err
	}
	state := g.state(g.set)
	for _, safe := range candidates {
		_, ok, err := state.owners(safe)
		if err != nil {
			return err
		}
		if ok {
			g.safes = append(g.safes, accountOf(g.block.Chain, safe))
		}
	}
	return nil
}

// fetchSafes fetches what proves the owners of Safes, of all step by step at
// once.
func (g *gathering) fetchSafes(ctx context.Context, candidates []common.Address) error {
	var walking []*ring
	var wants []want
	for _, safe := range candidates {
		walking = append(walking, &ring{safe: safe, at: ringStart})
		wants = append(wants, want{safe, []common.Hash{safeSingleton, safeCount, safeThreshold, ownerKey(ringStart)}})
	}
	for len(walking) > 0 {
		if err := g.fetch(ctx, wants...); err != nil {
			return err
		}
		state := g.state(g.set)
		var still []*ring
		wants = nil
		for _, r := range walking {
			more, err := r.step(state)
			if err != nil {
				return err
			}
			if more {
				wants, still = append(wants, want{r.safe, []common.Hash{ownerKey(r.at)}}), append(still, r)
			}
		}
		walking = still
	}
	return g.fetchSingletons(ctx, candidates)
}

// step goes on to the next owner; false at the ring's end, or where it is none.
func (r *ring) step(s *state) (more bool, err error) {
	word, err := s.word(place{r.safe, ownerKey(r.at)})
	if err != nil {
		return false, err
	}
	next, ok := addressOf(word)
	if !ok || next == ringStart || next == (common.Address{}) || slices.Contains(r.owners, next) || len(r.owners) == maxOwners {
		return false, nil
	}
	r.owners, r.at = append(r.owners, next), next
	return true, nil
}

func (g *gathering) fetchSingletons(ctx context.Context, safes []common.Address) error {
	state := g.state(g.set)
	var wants []want
	for _, safe := range safes {
		word, err := state.word(place{safe, safeSingleton})
		if err != nil {
			return err
		}
		if singleton, ok := addressOf(word); ok && !slices.ContainsFunc(wants, func(w want) bool { return w.address == singleton }) {
			wants = append(wants, want{address: singleton})
		}
	}
	return g.fetch(ctx, wants...)
}

// safeProxiesAmong returns the accounts with the code of a Safe's proxy, their
// proofs fetched. Of accounts whose proof is not there yet the node is asked for
// the code first: a node that hides a Safe only weakens its proof of control.
func (g *gathering) safeProxiesAmong(ctx context.Context, accounts []chains.Account, fetched map[common.Address]bool) ([]common.Address, error) {
	var asked []common.Address
	for _, a := range accounts {
		if address := common.HexToAddress(a.Address()); !fetched[address] {
			asked = append(asked, address)
		}
	}
	codes := make([]hexutil.Bytes, len(asked))
	questions := make([]question, len(asked))
	for i, address := range asked {
		questions[i] = question{"eth_getCode", []any{address, g.at}, &codes[i]}
	}
	if err := g.node.ask(ctx, questions...); err != nil {
		return nil, g.node.stateFault(ctx, g.block, err)
	}
	var wants []want
	known := map[common.Address]bool{}
	for i, address := range asked {
		if safeProxies[crypto.Keccak256Hash(codes[i])] != "" {
			wants = append(wants, want{address: address})
			known[address] = true
		}
	}
	if err := g.fetch(ctx, wants...); err != nil {
		return nil, err
	}
	state := g.state(g.set)
	var found []common.Address
	for _, a := range accounts {
		address := common.HexToAddress(a.Address())
		if !fetched[address] && !known[address] {
			continue
		}
		account, err := state.account(address)
		if err != nil {
			return nil, err
		}
		if account != nil && safeProxies[common.BytesToHash(account.CodeHash)] != "" {
			found = append(found, address)
		}
	}
	return found, nil
}

// owners proves who may act for a Safe (SPEC part 12, step 10). It is false,
// without an error, where the account is no Safe that the step describes.
func (s *state) owners(safe common.Address) (chains.Owners, bool, error) {
	none := func(err error) (chains.Owners, bool, error) { return chains.Owners{}, false, err }
	account, err := s.account(safe)
	if err != nil || account == nil || safeProxies[common.BytesToHash(account.CodeHash)] == "" {
		return none(err)
	}
	var words [3]*uint256.Int
	for i, key := range []common.Hash{safeSingleton, safeCount, safeThreshold} {
		if words[i], err = s.word(place{safe, key}); err != nil {
			return none(err)
		}
	}
	address, ok := addressOf(words[0])
	if !ok {
		return none(nil)
	}
	singleton, err := s.account(address)
	if err != nil || singleton == nil || safeSingletons[common.BytesToHash(singleton.CodeHash)] == "" {
		return none(err)
	}
	count, threshold := words[1], words[2]
	if !count.IsUint64() || count.Uint64() > maxOwners || threshold.IsZero() || threshold.Gt(count) {
		return none(nil)
	}
	r := &ring{safe: safe, at: ringStart}
	for more := true; more; {
		if more, err = r.step(s); err != nil {
			return none(err)
		}
	}
	last, err := s.word(place{safe, ownerKey(r.at)})
	if err != nil {
		return none(err)
	}
	if end, ok := addressOf(last); !ok || end != ringStart || uint64(len(r.owners)) != count.Uint64() {
		return none(nil)
	}
	proved := chains.Owners{Threshold: threshold.Uint64()}
	for _, o := range r.owners {
		proved.Addresses = append(proved.Addresses, strings.ToLower(o.Hex()))
	}
	slices.Sort(proved.Addresses)
	return proved, true, nil
}
