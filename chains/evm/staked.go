package evm

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// Staked is what validators hold for the accounts that their withdrawals go to
// (SPEC part 22). This room cannot show it, and takes it from one that can; it
// makes sure that it is of the pinned block.
type Staked struct {
	Parent   [32]byte                        // root of the beacon block that it was shown for
	Balances map[chains.Account]*uint256.Int // in wei
	File     any                             // what stands in the evidence under `validators`
}

// ParentBeaconRoot returns the root of the beacon block before a pinned one, item
// 19 of its header (SPEC part 22).
func (s *Source) ParentBeaconRoot(ctx context.Context, block chains.BlockRef) ([32]byte, error) {
	nodes, err := s.answering(ctx)
	if err != nil {
		return [32]byte{}, err
	}
	var passed error
	for _, n := range nodes {
		h, err := n.header(ctx, block)
		switch {
		case passable(err):
			passed = errors.Join(passed, err)
			continue
		case err != nil:
			return [32]byte{}, err
		case h.beacon == nil:
			return [32]byte{}, noBeacon(block)
		}
		return *h.beacon, nil
	}
	return [32]byte{}, passed
}

func noBeacon(block chains.BlockRef) error {
	return fmt.Errorf("block %d of %s names no beacon block (EIP-4788), so nothing shows what validators hold", block.Number, block.Chain)
}

// checkStaked makes sure that holdings of staked coins are exactly those that are
// shown (SPEC part 22, step 4).
func (s *Source) checkStaked(sorted []chains.Holding) error {
	shown := map[chains.Account]*uint256.Int{}
	if s.opts.Staked != nil {
		shown = s.opts.Staked.Balances
	}
	var token chains.Token
	asked := 0
	for _, h := range sorted {
		if !h.Token.Staked() {
			continue
		}
		if token != "" && h.Token != token {
			return &chains.HoldingError{Holding: h, Reason: fmt.Sprintf("is the same coin as %s under another name, and would be counted twice", token)}
		}
		if shown[h.Account] == nil {
			return &chains.HoldingError{Holding: h, Reason: "no validator is shown whose withdrawals go to it"}
		}
		token, asked = h.Token, asked+1
	}
	if asked != len(shown) {
		return fmt.Errorf("chain %s: validators hold coins for %d accounts, and %d are asked for", s.chain, len(shown), asked)
	}
	return nil
}

// sameBeacon makes sure that what validators hold was shown for this header.
func (g *gathering) sameBeacon() error {
	switch {
	case g.staked == nil:
		return nil
	case g.header.beacon == nil:
		return noBeacon(g.block)
	case *g.header.beacon != common.Hash(g.staked.Parent):
		return fmt.Errorf("what validators hold was shown for beacon block 0x%x, but block %d of %s follows %s", g.staked.Parent, g.block.Number, g.block.Chain, g.header.beacon)
	}
	return nil
}

// provable reports whether a token's balances are read from the state trie
// through a recipe, if it has one.
func provable(t chains.Token) bool { return !t.Native() && !t.Staked() }
