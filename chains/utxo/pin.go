package utxo

import (
	"context"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// step is how many headers are read at a time when walking back from the tip.
const step = 250

// medianSpan is the number of blocks whose median time bounds the next block's
// time from below (BIP-113).
const medianSpan = 11

// Pin returns the highest block whose time is not after the instant (SPEC part
// 3). Times of blocks do not always rise, so it walks back from the tip. The
// block is final when it has enough confirmations, and when the median time
// of the last blocks has reached the instant: no later block can then bear a
// time before it.
func (s *Source) Pin(ctx context.Context, instant time.Time) (chains.BlockRef, error) {
	nodes, err := s.answering(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	pinned, err := s.pin(ctx, nodes[0], instant)
	if err != nil {
		return chains.BlockRef{}, err
	}
	answers := []chains.NodeAnswer{{Node: nodes[0].label, Answer: pinned.Hash}}
	agree := true
	for _, n := range nodes[1:] {
		hash, err := n.blockHash(ctx, pinned.Number)
		if err != nil {
			return chains.BlockRef{}, err
		}
		answers = append(answers, chains.NodeAnswer{Node: n.label, Answer: hash})
		agree = agree && hash == pinned.Hash
	}
	if !agree {
		return chains.BlockRef{}, &chains.DisagreementError{
			Chain: s.chain, What: fmt.Sprintf("the hash of block %d", pinned.Number), Answers: answers}
	}
	return pinned, nil
}

// Last returns the last block that the first node to answer has (SPEC part 26).
func (s *Source) Last(ctx context.Context) (chains.BlockRef, error) {
	nodes, err := s.answering(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	tip, err := nodes[0].blockCount(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	headers, err := nodes[0].headers(ctx, tip, 1)
	if err != nil {
		return chains.BlockRef{}, err
	}
	return chains.BlockRef{Chain: s.chain, Hash: headers[0].BlockHash().String(), Number: tip, Time: headers[0].Timestamp.UTC()}, nil
}

func (s *Source) pin(ctx context.Context, n *node, instant time.Time) (chains.BlockRef, error) {
	tip, err := n.blockCount(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	var above []wire.BlockHeader // the headers over the one looked at, lowest first
	for high := tip + 1; high > 0; {
		low := high - min(high, step)
		headers, err := n.headers(ctx, low, high-low)
		if err != nil {
			return chains.BlockRef{}, err
		}
		headers = append(headers, above...)
		if err := linked(headers); err != nil {
			return chains.BlockRef{}, &chains.RefusedError{Node: n.label, Method: "getblockheader",
				Reason: err.Error() + ": its chain changed while it was read; try again"}
		}
		if high == tip+1 {
			if err := s.checkPassed(headers, tip, instant); err != nil {
				return chains.BlockRef{}, err
			}
		}
		for i := int(high-low) - 1; i >= 0; i-- { //nolint:gosec // a page of headers
			if !headers[i].Timestamp.After(instant) {
				return s.buried(headers[i], low+uint64(i), tip, instant) //nolint:gosec // an index is not negative
			}
		}
		above = headers[:1]
		high = low
	}
	return chains.BlockRef{}, fmt.Errorf("chain %s began only after %s", s.chain, instant.UTC().Format(time.RFC3339))
}

// checkPassed refuses an instant that a block to come may still fall before.
func (s *Source) checkPassed(last []wire.BlockHeader, tip uint64, instant time.Time) error {
	last = last[max(0, len(last)-medianSpan):]
	var later uint64
	for _, h := range last {
		if !h.Timestamp.Before(instant) {
			later++
		}
	}
	if want := uint64(len(last)/2 + 1); later < want { //nolint:gosec // a length is not negative
		return &chains.NotFinalError{Chain: s.chain, Instant: instant, Final: s.final(tip), Blocks: want - later}
	}
	return nil
}

// final returns the height of the last block with enough confirmations.
func (s *Source) final(tip uint64) uint64 {
	return tip + 1 - min(tip+1, s.confirmations)
}

func (s *Source) buried(h wire.BlockHeader, height, tip uint64, instant time.Time) (chains.BlockRef, error) {
	if confirmations := tip - height + 1; confirmations < s.confirmations {
		return chains.BlockRef{}, &chains.NotFinalError{Chain: s.chain, Instant: instant, Final: s.final(tip), Blocks: s.confirmations - confirmations}
	}
	return chains.BlockRef{Chain: s.chain, Hash: h.BlockHash().String(), Number: height, Time: h.Timestamp.UTC()}, nil
}

// linked returns an error unless each header names the one before it.
func linked(headers []wire.BlockHeader) error {
	for i := range headers {
		if i > 0 && headers[i].PrevBlock != headers[i-1].BlockHash() {
			return fmt.Errorf("header %s does not follow %s", headers[i].BlockHash(), headers[i-1].BlockHash())
		}
	}
	return nil
}
