package utxo

import (
	"context"
	"fmt"
	"slices"

	"github.com/assay-por/assay/chains"
)

// Funded returns those of the accounts that hold coins at the block, sorted, so
// that a wallet of many addresses needs no line for each that is empty. It is
// the word of every node that answers, and they must say the same; proofs are
// for Gather.
func (s *Source) Funded(ctx context.Context, block chains.BlockRef, accounts []chains.Account) ([]chains.Account, error) {
	if block.Chain != s.chain {
		return nil, fmt.Errorf("pinned block is of chain %s, want %s", block.Chain, s.chain)
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(accounts)))
	owners := make([]owner, len(sorted))
	for i, a := range sorted {
		script, err := s.network.script(a)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", a, err)
		}
		owners[i] = owner{account: a, script: script}
	}
	nodes, err := s.canonical(ctx, block)
	if err != nil {
		return nil, err
	}
	g := &gathering{source: s, pinned: block}
	for _, n := range nodes {
		if err := g.attest(ctx, n, owners); err != nil {
			return nil, err
		}
	}
	for _, n := range nodes {
		if err := n.checkCanonical(ctx, block); err != nil {
			return nil, err
		}
	}
	var funded []chains.Account
	for _, c := range g.coins {
		funded = append(funded, c.account)
	}
	return slices.Compact(funded), nil
}
