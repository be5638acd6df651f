package claim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/assay-por/assay/verifier/canon"
)

// SurplusSize is the length of a point's encoding (SPEC part 29). That it is a point is not for this room to know.
const SurplusSize = 64

// Hidden reports whether the statement says no more than that reserves cover what is owed (SPEC part 29, "Hidden totals").
func (s *Statement) Hidden() bool { return s.Tree.Surplus != nil }

// owed is an entry of `liabilities`: what is owed, or what it is at most.
type owed struct {
	asset          string
	amount, atMost *big.Int // one of them
}

func readOwed(r *canon.Reader) (o owed) {
	r.Object(
		canon.Optional("amount", func() { o.amount = canon.Parse(r, parseNarrow) }),
		canon.Key("asset", func() { o.asset = canon.Parse(r, parseColumn) }),
		canon.Optional("at_most", func() { o.atMost = canon.Parse(r, parseNarrow) }),
	)
	if (o.amount == nil) == (o.atMost == nil) {
		r.Fail("want either amount or at_most")
	}
	return o
}

func parseSurplus(s string) (*[SurplusSize]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != SurplusSize || hex.EncodeToString(b) != s {
		return nil, errors.New("not a point: want 128 lower-case hex digits")
	}
	return (*[SurplusSize]byte)(b), nil
}

// checkHidden is what `statement.format` asks where totals are hidden, and where they are not: nothing is there that would tell a total, and
// nothing else is left out.
func (s *Statement) checkHidden() error {
	if s.Hidden() && s.Snapshot.Kind != KindConfidential {
		return &canon.FormatError{Field: "predicate.tree.surplus", Problem: "only a confidential tree hides totals"}
	}
	for i, hidden := range s.AtMost {
		if hidden && !s.Hidden() {
			return &canon.FormatError{Field: fmt.Sprintf("predicate.liabilities[%d].at_most", i), Problem: "totals are not hidden: the tree has no surplus"}
		}
	}
	for i, c := range s.Coverage {
		if got := c.Liabilities == nil; got != s.AtMost[i] {
			return &canon.FormatError{Field: fmt.Sprintf("predicate.coverage[%d]", i), Problem: "of an asset with at_most it is what counts and nothing else; of another it is all that part 15 has"}
		}
	}
	for i, c := range s.Ledger.Classes {
		if got := c.Sum == nil; got != s.Hidden() {
			return &canon.FormatError{Field: fmt.Sprintf("predicate.ledger.classes[%d].sum", i), Problem: "it is left out where totals are hidden, and there where they are not"}
		}
	}
	if got := s.Ledger.Negatives.Sum == nil; got != (s.Hidden() && s.Ledger.Negatives.Rule == "debit") {
		return &canon.FormatError{Field: "predicate.ledger.negatives.sum", Problem: "it is left out where totals are hidden and the rule is debit, and there where not"}
	}
	return nil
}

// Totals are T_j of the top's proof (SPEC part 29), one a column: the liabilities, and where totals are hidden the greatest amount for a debit or
// net equity, of which nothing is said.
func (s *Statement) Totals() []*big.Int {
	totals := slices.Clone(s.Liabilities)
	for len(totals) < len(s.Snapshot.Columns()) {
		totals = append(totals, new(big.Int).Sub(power(2, 128), big.NewInt(1)))
	}
	return totals
}

// checkBound compares what is said of an asset's liabilities with what counts, where totals are hidden (SPEC part 29): they are at most that, or
// an amount, in shortfall.
func (s *Statement) checkBound(i int, counted *big.Int) error {
	asset, stated := s.Snapshot.Assets[i].ID, s.Liabilities[i]
	switch {
	case s.AtMost[i] && stated.Cmp(counted) != 0:
		return fmt.Errorf("%s: the liabilities are stated to be at most %s base units, what counts of the reserves is %s", asset, stated, counted)
	case !s.AtMost[i] && stated.Cmp(counted) <= 0:
		return fmt.Errorf("%s: the liabilities are stated as %s base units, though %s count and totals are hidden: an amount is of an asset in shortfall", asset, stated, counted)
	}
	return nil
}
