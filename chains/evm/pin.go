package evm

import (
	"context"
	"fmt"
	"time"

	"github.com/assay-por/assay/chains"
)

// Pin returns the last block whose time is not after the instant (SPEC part 3).
// A final block after the instant must exist, so that no block to come can take
// the pinned one's place; until then the error is a NotFinalError.
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
		h, err := n.blockAt(ctx, pinned.Number)
		if err != nil {
			return chains.BlockRef{}, err
		}
		answer := "that it has none"
		if h != nil {
			answer = h.Hash.Hex()
		}
		answers = append(answers, chains.NodeAnswer{Node: n.label, Answer: answer})
		agree = agree && answer == pinned.Hash
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
	latest, err := nodes[0].latest(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	return latest.ref(s.chain), nil
}

func (s *Source) pin(ctx context.Context, n *node, instant time.Time) (chains.BlockRef, error) {
	latest, err := n.latest(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	final, err := s.final(ctx, n, latest)
	if err != nil {
		return chains.BlockRef{}, err
	}
	at := uint64(max(instant.Unix(), 0)) //nolint:gosec // not negative here
	if uint64(final.Time) <= at {
		after := uint64(latest.Number) + 1
		if uint64(latest.Time) > at {
			first, err := n.firstAfter(ctx, at, uint64(final.Number), uint64(latest.Number))
			if err != nil {
				return chains.BlockRef{}, err
			}
			after = first
		}
		return chains.BlockRef{}, &chains.NotFinalError{Chain: s.chain, Instant: instant,
			Final: uint64(final.Number), Blocks: after - uint64(final.Number)}
	}
	first, err := n.firstAfter(ctx, at, 0, uint64(final.Number))
	if err != nil {
		return chains.BlockRef{}, err
	}
	if first == 0 {
		return chains.BlockRef{}, fmt.Errorf("chain %s began only after %s", s.chain, instant.UTC().Format(time.RFC3339))
	}
	h, err := n.blockAt(ctx, first-1)
	if err != nil {
		return chains.BlockRef{}, err
	}
	if h == nil || uint64(h.Time) > at {
		return chains.BlockRef{}, &chains.RefusedError{Node: n.label, Method: "eth_getBlockByNumber",
			Reason: "its chain changed while it was read; try again"}
	}
	return h.ref(s.chain), nil
}

// final returns the last block that may be pinned.
func (s *Source) final(ctx context.Context, n *node, latest *head) (*head, error) {
	if s.opts.Confirmations == 0 {
		h, err := n.block(ctx, "finalized")
		if err == nil && h == nil {
			err = &chains.RefusedError{Node: n.label, Method: "eth_getBlockByNumber", Reason: "it knows no finalized block"}
		}
		if err != nil {
			return nil, fmt.Errorf("%w (where a chain has no finalized blocks, set a number of confirmations)", err)
		}
		return h, nil
	}
	var number uint64
	if have := uint64(latest.Number) + 1; have > s.opts.Confirmations {
		number = have - s.opts.Confirmations
	}
	return n.mustBlockAt(ctx, number)
}

// firstAfter returns the number of the first block later than the time, by
// binary search. Requires that block high is later; low may be as well.
func (n *node) firstAfter(ctx context.Context, at, low, high uint64) (uint64, error) {
	for low < high {
		middle := low + (high-low)/2
		h, err := n.mustBlockAt(ctx, middle)
		if err != nil {
			return 0, err
		}
		if uint64(h.Time) > at {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return high, nil
}

func (n *node) latest(ctx context.Context) (*head, error) {
	h, err := n.block(ctx, "latest")
	if err == nil && h == nil {
		err = &chains.RefusedError{Node: n.label, Method: "eth_getBlockByNumber", Reason: "it has no latest block"}
	}
	return h, err
}

func (n *node) mustBlockAt(ctx context.Context, number uint64) (*head, error) {
	h, err := n.blockAt(ctx, number)
	if err == nil && h == nil {
		err = &chains.RefusedError{Node: n.label, Method: "eth_getBlockByNumber", Reason: fmt.Sprintf("it has no block %d; is it still syncing?", number)}
	}
	return h, err
}
