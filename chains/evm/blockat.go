package evm

import (
	"context"
	"fmt"

	"github.com/assay-por/assay/chains"
)

// BlockAt returns the block of a number once it is final, and a NotFinalError
// before; all nodes that answer must agree on it (SPEC part 21).
func (s *Source) BlockAt(ctx context.Context, number uint64) (chains.BlockRef, error) {
	nodes, err := s.answering(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	var block chains.BlockRef
	var answers []chains.NodeAnswer
	for i, n := range nodes {
		latest, err := n.latest(ctx)
		if err != nil {
			return chains.BlockRef{}, err
		}
		final, err := s.final(ctx, n, latest)
		if err != nil {
			return chains.BlockRef{}, err
		}
		if last := uint64(final.Number); last < number {
			return chains.BlockRef{}, &chains.NotFinalError{Chain: s.chain, Number: number, Final: last, Blocks: number - last}
		}
		h, err := n.mustBlockAt(ctx, number)
		if err != nil {
			return chains.BlockRef{}, err
		}
		answers = append(answers, chains.NodeAnswer{Node: n.label, Answer: h.Hash.Hex()})
		if i == 0 {
			block = h.ref(s.chain)
		} else if h.Hash.Hex() != block.Hash {
			return chains.BlockRef{}, &chains.DisagreementError{Chain: s.chain, What: fmt.Sprintf("the hash of block %d", number), Answers: answers}
		}
	}
	return block, nil
}

// Head returns the number of the last block that any node has, final or not
// (SPEC part 21).
func (s *Source) Head(ctx context.Context) (uint64, error) {
	nodes, err := s.answering(ctx)
	if err != nil {
		return 0, err
	}
	var head uint64
	for _, n := range nodes {
		latest, err := n.latest(ctx)
		if err != nil {
			return 0, err
		}
		head = max(head, uint64(latest.Number))
	}
	return head, nil
}
