package report

import (
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// Step is what moved between one instant of a report and the next (SPEC part 21).
type Step struct {
	From, To Time
	Flows    []Flow // in registry order, every asset
}

// Flow is what accounts gained and what accounts lost of one asset between two
// instants, in its base units. They are not netted: a loan that came and went is seen
// on both sides (SPEC part 21).
type Flow struct {
	Asset   string
	In, Out Units
}

// Flows sets each instant against the next, the snapshot's own among those of the
// bands (SPEC part 21).
func Flows(s Snapshot, lines []Line, bands []BandReserves) ([]Step, error) {
	own := BandReserves{Band: Band{Instant: s.Instant}}
	for _, l := range lines {
		own.Lines = append(own.Lines, BandLine{Account: l.Account, Amount: l.Amount, Evidence: l.Evidence, Token: l.Token})
	}
	all := append(slices.Clone(bands), own)
	slices.SortFunc(all, func(a, b BandReserves) int { return a.Instant.Compare(b.Instant.Time) })
	var steps []Step
	var before holdings
	for i, b := range all {
		now, err := newHoldings(s, b.Lines)
		if err != nil {
			return nil, fmt.Errorf("flows: at %s: %w", b.Instant, err)
		}
		if i > 0 {
			flows, err := before.to(s, now)
			if err != nil {
				return nil, fmt.Errorf("flows: %s to %s: %w", all[i-1].Instant, b.Instant, err)
			}
			steps = append(steps, Step{From: all[i-1].Instant, To: b.Instant, Flows: flows})
		}
		before = now
	}
	return steps, nil
}

// holdings are what each account holds of each asset.
type holdings map[heldBy]Units

type heldBy struct {
	asset   int
	account chains.Account
}

func newHoldings(s Snapshot, lines []BandLine) (holdings, error) {
	h := holdings{}
	tokens := s.tokens()
	for _, l := range lines {
		at, ok := tokens[l.Token]
		if !ok {
			return nil, fmt.Errorf("the token %s backs no asset of the registry", l.Token)
		}
		amount, err := s.scaled(at, l.Amount)
		if err != nil {
			return nil, err
		}
		k := heldBy{at.asset, l.Account}
		if h[k], err = h[k].Add(amount); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h holdings) to(s Snapshot, now holdings) ([]Flow, error) {
	flows := make([]Flow, len(s.Assets))
	for i, a := range s.Assets {
		flows[i].Asset = a.ID
	}
	add := func(sum *Units, more, less Units) (err error) {
		gap := NewUnits(new(uint256.Int).Sub(&more.n, &less.n))
		*sum, err = sum.Add(gap)
		return err
	}
	for k, had := range h {
		has := now[k]
		f := &flows[k.asset]
		var err error
		if has.Cmp(had) > 0 {
			err = add(&f.In, has, had)
		} else {
			err = add(&f.Out, had, has)
		}
		if err != nil {
			return nil, err
		}
	}
	for k, has := range now {
		if _, seen := h[k]; seen {
			continue
		}
		if err := add(&flows[k.asset].In, has, Units{}); err != nil {
			return nil, err
		}
	}
	return flows, nil
}
