package report

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assay-por/assay/merkle"
)

// pointDigits is how many hex digits a point has (SPEC part 29).
const pointDigits = 128

// Hides reports whether the tree's totals are hidden (SPEC part 29, Hidden totals).
func (t Tree) Hides() bool { return t.Surplus != "" }

// listed are the columns whose totals the statement lists: of hidden totals those of assets alone.
func (t Tree) listed(s Snapshot) []string {
	if t.Hides() {
		return s.AssetIDs()
	}
	return s.Columns()
}

// checkSurplus holds the surplus to its form. Whether it is a point of the curve, whoever verifies the proof sees.
func (t Tree) checkSurplus() error {
	switch {
	case !t.Hides():
		return nil
	case t.Kind != KindConfidential:
		return fmt.Errorf("tree: a surplus, which only a tree of kind %s has", KindConfidential)
	case !isOf(t.Surplus, pointDigits, pointDigits, "0123456789abcdef") || strings.Trim(t.Surplus, "0") == "":
		return errors.New("tree: the surplus is not the hex of a point, or it is the identity")
	}
	return nil
}

// Counted is what counts of each asset by the rule, as a sum (SPEC part 15): what hidden totals are proved against. Requires that each
// is below 2^128, else nothing can be shown by it.
func Counted(s Snapshot, lines []Line, rule Rule) (sum merkle.Plain, err error) {
	reserves, err := NewReserves(s, lines, rule)
	if err != nil {
		return nil, err
	}
	for i, r := range reserves.Assets {
		n := r.Counted.n
		if n.BitLen() > amountBits {
			return nil, fmt.Errorf("reserves: what is counted of %s reaches 2^128: totals cannot be hidden by it", r.Asset)
		}
		if !n.IsZero() {
			sum = append(sum, merkle.Entry{Asset: uint16(i), Amount: merkle.Amount{Hi: n[1], Lo: n[0]}}) //nolint:gosec // at most 1,024 assets
		}
	}
	return sum, nil
}

// hide turns what is owed at most into how a statement says it: of an asset that reserves cover, that no more is owed than they count; of
// one in shortfall what is owed.
func hide(most []Liability, reserves Reserves) error {
	for i, r := range reserves.Assets {
		switch of := &most[i]; of.Amount.Cmp(r.Counted) {
		case -1:
			return fmt.Errorf("liabilities: %s: the proof of hidden totals is of other reserves than those that count", of.Asset)
		case 0:
			of.Amount, of.AtMost = nil, of.Amount
		}
	}
	return nil
}

// checkHidden: of a total that is hidden the statement says that it is at most what counts, and of an asset in shortfall what is owed (SPEC part 29).
func (p Predicate) checkHidden() error {
	for i := 0; i < len(p.Liabilities) && p.Tree.Hides(); i++ {
		of, counted := p.Liabilities[i], p.Reserves.Assets[i].Counted
		if of.AtMost != nil && !of.AtMost.Equal(counted) {
			return fmt.Errorf("liabilities: %s: at_most is %s, counted is %s", of.Asset, of.AtMost, counted)
		}
		if of.Amount != nil && of.Amount.Cmp(counted) <= 0 {
			return fmt.Errorf("liabilities: %s: the amount is shown of an asset that is not in shortfall, though totals are hidden", of.Asset)
		}
	}
	return nil
}

// Hidden reports whether it is not shown what is owed of the asset.
func (c Coverage) Hidden() bool { return c.Liabilities == nil }
