package utxo

import (
	"context"
	"fmt"

	"github.com/assay-por/assay/chains"
)

// BlockAt returns the block of a height once it has enough confirmations, and a
// NotFinalError before; all nodes that answer must agree on it (SPEC part 21).
func (s *Source) BlockAt(ctx context.Context, number uint64) (chains.BlockRef, error) {
	nodes, err := s.answering(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	var block chains.BlockRef
	var answers []chains.NodeAnswer
	for i, n := range nodes {
		tip, err := n.blockCount(ctx)
		if err != nil {
			return chains.BlockRef{}, err
		}
		if need := number + s.confirmations - 1; tip < need {
			return chains.BlockRef{}, &chains.NotFinalError{Chain: s.chain, Number: number, Final: s.final(tip), Blocks: need - tip}
		}
		headers, err := n.headers(ctx, number, 1)
		if err != nil {
			return chains.BlockRef{}, err
		}
		hash := headers[0].BlockHash().String()
		answers = append(answers, chains.NodeAnswer{Node: n.label, Answer: hash})
		if i == 0 {
			block = chains.BlockRef{Chain: s.chain, Hash: hash, Number: number, Time: headers[0].Timestamp.UTC()}
		} else if hash != block.Hash {
			return chains.BlockRef{}, &chains.DisagreementError{Chain: s.chain, What: fmt.Sprintf("the hash of block %d", number), Answers: answers}
		}
	}
	return block, nil
}

// Head returns the height of the last block that any node has, buried or not
// (SPEC part 21).
func (s *Source) Head(ctx context.Context) (uint64, error) {
	nodes, err := s.answering(ctx)
	if err != nil {
		return 0, err
	}
	var head uint64
	for _, n := range nodes {
		tip, err := n.blockCount(ctx)
		if err != nil {
			return 0, err
		}
		head = max(head, tip)
	}
	return head, nil
}
