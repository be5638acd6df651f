package attested

import (
	"context"
	"fmt"
	"time"

	"github.com/assay-por/assay/chains"
)

// Pin returns the last block whose time is not after the instant (SPEC part 3).
// Every node looks for it by itself, and all must find the same.
func (s *Source) Pin(ctx context.Context, instant time.Time) (chains.BlockRef, error) {
	up, err := s.answering(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	found := make([]chains.BlockRef, len(up))
	err = ofEach(up, func(i int, w *witness) (err error) {
		found[i], err = w.Pin(ctx, instant)
		return err
	})
	if err != nil {
		return chains.BlockRef{}, err
	}
	agree := true
	var answers []chains.NodeAnswer
	for i, b := range found {
		agree = agree && b == found[0]
		answers = append(answers, chains.NodeAnswer{Node: up[i].String(), Answer: fmt.Sprintf("block %d %s of %s", b.Number, b.Hash, b.Time.Format(time.RFC3339))})
	}
	if !agree {
		return chains.BlockRef{}, &chains.DisagreementError{Chain: s.chain, What: "the last block not after " + instant.UTC().Format(time.RFC3339), Answers: answers}
	}
	return found[0], nil
}

// Last returns the last final block that the first node to answer has (SPEC part 26).
func (s *Source) Last(ctx context.Context) (chains.BlockRef, error) {
	up, err := s.answering(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	return up[0].Last(ctx)
}

// FirstAfter returns the first block later than the instant. Requires that head
// is one. at returns the first block with a number not below the given one; ok
// is false if the node does not have it, which is taken for being too old. The
// search goes back from the head in growing steps, so that it stays near what a
// node still keeps.
func FirstAfter(ctx context.Context, instant time.Time, head chains.BlockRef,
	at func(ctx context.Context, number uint64) (block chains.BlockRef, ok bool, err error)) (chains.BlockRef, error) {
	first := head // every block from high on is later, and first is the lowest of them
	low, high := uint64(0), head.Number
	for step := uint64(1); low < high; {
		number := low + (high-low)/2
		if step > 0 {
			number = high - min(step, high)
			step *= 2
		}
		block, ok, err := at(ctx, number)
		switch {
		case err != nil:
			return chains.BlockRef{}, err
		case ok && block.Time.After(instant):
			first, high = block, number
		case ok:
			low, step = max(block.Number, number)+1, 0
		default:
			low, step = number+1, 0
		}
	}
	return first, nil
}
