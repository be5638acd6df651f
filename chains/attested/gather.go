package attested

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/assay-por/assay/chains"
)

// A statement is all that one node said.
type statement struct {
	by    *witness
	block chains.BlockRef
	told  []Told // of each holding, in their order
}

// Gather asks every node for every balance and returns what all agree on (SPEC
// part 19).
func (s *Source) Gather(ctx context.Context, snapshot string, block chains.BlockRef, holdings []chains.Holding) (chains.Evidence, error) {
	if block.Chain != s.chain {
		return chains.Evidence{}, fmt.Errorf("pinned block is of chain %s, want %s", block.Chain, s.chain)
	}
	sorted, err := chains.SortHoldings(s.chain, holdings)
	if err != nil {
		return chains.Evidence{}, err
	}
	for _, h := range sorted {
		if err := s.rules.Check(h); err != nil {
			return chains.Evidence{}, &chains.HoldingError{Holding: h, Reason: err.Error()}
		}
	}
	up, err := s.answering(ctx)
	if err != nil {
		return chains.Evidence{}, err
	}
	said, err := s.round(ctx, up, block, sorted)
	if err != nil {
		return chains.Evidence{}, err
	}
	if err := s.compare(sorted, said, false); err != nil {
		return chains.Evidence{}, err
	}
	if s.compare(sorted, said, true) != nil {
		if said, err = s.round(ctx, up, block, sorted); err != nil {
			return chains.Evidence{}, err
		}
		if err := errors.Join(s.compare(sorted, said, false), s.compare(sorted, said, true)); err != nil {
			return chains.Evidence{}, err
		}
	}
	if err := s.believeZeros(block, sorted, said); err != nil {
		return chains.Evidence{}, err
	}
	return newEvidence(s.chain, snapshot, sorted, said), nil
}

// round asks all nodes once.
func (s *Source) round(ctx context.Context, up []*witness, block chains.BlockRef, holdings []chains.Holding) ([]statement, error) {
	said := make([]statement, len(up))
	err := ofEach(up, func(i int, w *witness) error {
		known, err := w.pinned(ctx, block)
		if err != nil {
			return err
		}
		told, err := w.Balances(ctx, block, holdings)
		// Once more at the end: nothing is kept that was read across a
		// reorganisation, and a refusal may come of one.
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var down *chains.UnreachableError
		if errors.As(err, &down) {
			return err
		}
		var reorged *chains.ReorgedError
		if _, gone := w.pinned(ctx, block); err == nil || errors.As(gone, &reorged) {
			err = gone
		}
		if err != nil {
			return err
		}
		said[i] = statement{by: w, block: known, told: told}
		return s.checkNumbers(w, block, holdings, told)
	})
	return said, err
}

// ofEach asks all nodes at once and returns the error of the first that has one.
func ofEach(up []*witness, ask func(int, *witness) error) error {
	errs := make([]error, len(up))
	var all sync.WaitGroup
	for i, w := range up {
		all.Go(func() { errs[i] = ask(i, w) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// pinned returns the pinned block as the node knows it, or why it is another.
func (w *witness) pinned(ctx context.Context, want chains.BlockRef) (chains.BlockRef, error) {
	got, ok, err := w.Block(ctx, want.Number)
	switch {
	case err != nil:
		return got, err
	case !ok:
		return got, &chains.HistoryLostError{Block: want, Node: w.label, Reason: "it has no final block of that number: it lags behind, or dropped it"}
	case got.Hash != want.Hash:
		return got, &chains.ReorgedError{Block: want, Node: w.label, Got: got.Hash}
	case !got.Time.Equal(want.Time):
		return got, &chains.RefusedError{Node: w.label, Method: "block", Reason: fmt.Sprintf("it says that block %d is of %s, pinned was %s",
			want.Number, got.Time.UTC().Format(time.RFC3339), want.Time.UTC().Format(time.RFC3339))}
	}
	return got, nil
}

// maxNumber is the largest number that evidence can hold (SPEC part 2).
const maxNumber = 1<<53 - 1

// checkNumbers refuses answers that speak of another block than they may (SPEC
// part 19, step 3).
func (s *Source) checkNumbers(w *witness, block chains.BlockRef, holdings []chains.Holding, told []Told) error {
	for i, h := range holdings {
		number := told[i].Number
		if number == block.Number || number > block.Number && number <= maxNumber && s.rules.Present(h.Token) {
			continue
		}
		return &chains.RefusedError{Node: w.label, Method: "balance", Reason: fmt.Sprintf(
			"it speaks of %s at block %d, pinned is %d: does it lag behind?", h.Account, number, block.Number)}
	}
	return nil
}

// compare returns a DisagreementError unless all nodes said the same of every
// holding, among those whose balance is of the present or among the others.
func (s *Source) compare(holdings []chains.Holding, said []statement, present bool) error {
	for i, h := range holdings {
		if s.rules.Present(h.Token) != present {
			continue
		}
		agree := true
		var answers []chains.NodeAnswer
		for _, st := range said {
			agree = agree && st.told[i].Amount.Eq(said[0].told[i].Amount)
			answers = append(answers, chains.NodeAnswer{Node: st.by.String(), Answer: fmt.Sprintf("%s at block %d", st.told[i].Amount.Dec(), st.told[i].Number)})
		}
		if agree {
			continue
		}
		what := fmt.Sprintf("the balance of %s in %s", h.Account, h.Token)
		if present {
			what += ", asked twice (nodes tell it only as of now: the balance moved, so gather while it rests)"
		}
		return &chains.DisagreementError{Chain: s.chain, What: what, Answers: answers}
	}
	return nil
}

// believeZeros refuses a 0 at a past block that only one node says, where nodes
// say so for want of knowing (SPEC part 19).
func (s *Source) believeZeros(block chains.BlockRef, holdings []chains.Holding, said []statement) error {
	if s.rules.Zero == "" || len(said) > 1 {
		return nil
	}
	for i, h := range holdings {
		if !s.rules.Present(h.Token) && said[0].told[i].Amount.IsZero() {
			return &ZeroError{Node: said[0].by.label, Block: block, Holding: h, Reason: "no second node says so; " + s.rules.Zero}
		}
	}
	return nil
}
