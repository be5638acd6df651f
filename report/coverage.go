package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/merkle"
)

// Counts reports whether the rule counts a group of that class, control and
// evidence (SPEC part 15): all three must be accepted.
func (r Rule) Counts(class Class, control chains.ControlGrade, evidence chains.EvidenceGrade) bool {
	return slices.Contains(r.Classes, class) && slices.Contains(r.Control, control) && evidence.AtLeast(r.Evidence)
}

// Check holds the rule to its format (SPEC part 15).
func (r Rule) Check() error {
	for i, c := range r.Classes {
		if !slices.Contains(Classes(), c) {
			return fmt.Errorf("rule: class %q, want one of %v", clip(string(c)), Classes())
		}
		if i > 0 && r.Classes[i-1] >= c {
			return fmt.Errorf("rule: class %s stands twice or out of order", c)
		}
	}
	for i, c := range r.Control {
		if _, err := chains.ParseControlGrade(string(c)); err != nil {
			return fmt.Errorf("rule: %w", err)
		}
		if i > 0 && r.Control[i-1] >= c {
			return fmt.Errorf("rule: control grade %s stands twice or out of order", c)
		}
	}
	if _, err := chains.ParseEvidenceGrade(string(r.Evidence)); err != nil {
		return fmt.Errorf("rule: %w", err)
	}
	if r.Evidence == chains.HeaderTrusted {
		return fmt.Errorf("rule: the least evidence grade cannot be %s, which no statement claims", chains.HeaderTrusted)
	}
	return nil
}

// sorted returns the rule with its lists in order and without repeats.
func (r Rule) sorted() Rule {
	r.Classes = append([]Class{}, r.Classes...)
	r.Control = append([]chains.ControlGrade{}, r.Control...)
	slices.Sort(r.Classes)
	slices.Sort(r.Control)
	r.Classes, r.Control = slices.Compact(r.Classes), slices.Compact(r.Control)
	return r
}

// NewReserves sums up the lines per asset and counts by the rule (SPEC part 15). It
// claims nothing: [Draft] adds what is claimed, which no sum here ever meets.
func NewReserves(s Snapshot, lines []Line, rule Rule) (Reserves, error) {
	rule = rule.sorted()
	if err := rule.Check(); err != nil {
		return Reserves{}, err
	}
	if err := CheckLines(s, lines); err != nil {
		return Reserves{}, err
	}
	groups, err := group(s, lines)
	if err != nil {
		return Reserves{}, err
	}
	out := Reserves{Assets: []AssetReserves{}, Claims: []ClaimTotal{}, Rule: rule}
	for i, a := range s.Assets {
		r := AssetReserves{Asset: a.ID, Groups: notNil(groups[i])}
		for _, g := range r.Groups {
			if !rule.Counts(g.Class, g.Control, g.Evidence) {
				continue
			}
			if r.Counted, err = r.Counted.Add(g.Amount); err != nil {
				return Reserves{}, fmt.Errorf("reserves: counting %s: %w", a.ID, err)
			}
		}
		out.Assets = append(out.Assets, r)
	}
	return out, nil
}

// group puts lines of one token, custody, evidence and control together, per asset,
// in the asset's base units (SPEC part 15).
func group(s Snapshot, lines []Line) ([][]Group, error) {
	type key struct {
		token    chains.Token
		custody  Custody
		evidence chains.EvidenceGrade
		control  chains.ControlGrade
	}
	tokens := s.tokens()
	made := map[key]*Group{}
	accounts := map[key]map[chains.Account]bool{}
	for _, l := range lines {
		at := tokens[l.Token]
		amount, err := l.Amount.Scale(s.Assets[at.asset].Decimals - at.token.Decimals)
		if err != nil {
			return nil, fmt.Errorf("reserves: %s in %s: %w", l.Account, l.Token, err)
		}
		k := key{l.Token, l.Custody, l.Evidence, l.Control}
		if made[k] == nil {
			made[k] = &Group{Class: at.token.Class, Control: l.Control, Custody: l.Custody, Evidence: l.Evidence, Token: l.Token}
			accounts[k] = map[chains.Account]bool{}
		}
		accounts[k][l.Account] = true
		made[k].Accounts = uint64(len(accounts[k]))
		if made[k].Amount, err = made[k].Amount.Add(amount); err != nil {
			return nil, fmt.Errorf("reserves: adding up %s: %w", l.Token, err)
		}
	}
	groups := make([][]Group, len(s.Assets))
	for k, g := range made {
		i := tokens[k.token].asset
		groups[i] = append(groups[i], *g)
	}
	for _, list := range groups {
		slices.SortFunc(list, func(a, b Group) int {
			return cmp.Or(cmp.Compare(a.Token, b.Token), cmp.Compare(a.Custody, b.Custody),
				cmp.Compare(a.Evidence, b.Evidence), cmp.Compare(a.Control, b.Control))
		})
	}
	return groups, nil
}

// NewCoverage sets what is counted against what is owed, per asset and never
// netted across assets (SPEC part 15).
func NewCoverage(reserves Reserves, liabilities []Liability) ([]Coverage, error) {
	if len(reserves.Assets) != len(liabilities) {
		return nil, fmt.Errorf("coverage: reserves of %d assets and liabilities of %d", len(reserves.Assets), len(liabilities))
	}
	out := []Coverage{}
	for i, r := range reserves.Assets {
		owed := liabilities[i]
		if owed.Asset != r.Asset {
			return nil, fmt.Errorf("coverage: asset #%d is %s among the reserves and %s among the liabilities", i, r.Asset, clip(owed.Asset))
		}
		if owed.Amount == nil {
			out = append(out, Coverage{Asset: r.Asset, Counted: r.Counted})
			continue
		}
		c := Coverage{Asset: r.Asset, Counted: r.Counted, Liabilities: owed.Amount, Ratio: Ratio(r.Counted, *owed.Amount)}
		gap := new(uint256.Int)
		if owed.Amount.Cmp(r.Counted) > 0 {
			gap.Sub(&owed.Amount.n, &r.Counted.n)
			c.Shortfall = &Units{*gap}
		} else {
			gap.Sub(&r.Counted.n, &owed.Amount.n)
			c.Surplus = &Units{*gap}
		}
		out = append(out, c)
	}
	return out, nil
}

// Ratio returns counted / liabilities in percent, floored to two decimals and never
// capped, or nothing where nothing is owed (SPEC part 15).
func Ratio(counted, liabilities Units) string {
	if liabilities.IsZero() {
		return ""
	}
	// floor(c*10000/l) = q*10000 + floor(r*10000/l) with c = q*l + r: no step can overflow.
	var q, r uint256.Int
	q.DivMod(&counted.n, &liabilities.n, &r)
	var part uint256.Int
	part.MulDivOverflow(&r, uint256.NewInt(10_000), &liabilities.n) // below 10,000
	whole, rest := part.Uint64()/100, part.Uint64()%100
	if q.IsZero() {
		return fmt.Sprintf("%d.%02d", whole, rest)
	}
	return fmt.Sprintf("%s%02d.%02d", q.Dec(), whole, rest)
}

// Liabilities lists every column in order with its total (SPEC parts 9 and 30); where totals are hidden, every asset (SPEC part 29).
func Liabilities(s Snapshot, tree Tree, totals merkle.Plain) ([]Liability, error) {
	names := tree.listed(s)
	if err := checkPlain(len(names), totals); err != nil {
		return nil, err
	}
	out := []Liability{}
	for i, name := range names {
		amount := unitsOf(totals.Amount(i))
		out = append(out, Liability{Amount: &amount, Asset: name})
	}
	return out, nil
}

// SumJSON lists the assets of a sum in registry order, without zeros (SPEC part 4).
func SumJSON(s Snapshot, sum merkle.Plain) ([]AssetAmount, error) {
	if err := checkPlain(len(s.Assets), sum); err != nil {
		return nil, err
	}
	out := []AssetAmount{}
	for _, e := range sum {
		out = append(out, AssetAmount{Amount: unitsOf(e.Amount), Asset: s.Assets[e.Asset].ID})
	}
	return out, nil
}

func checkPlain(columns int, sum merkle.Plain) error {
	for i, e := range sum {
		if int(e.Asset) >= columns || e.Amount.IsZero() || i > 0 && sum[i-1].Asset >= e.Asset {
			return fmt.Errorf("sum: entry #%d (asset #%d) is zero, out of order or outside the registry of %d assets", i, e.Asset, columns)
		}
	}
	return nil
}

func unitsOf(a merkle.Amount) Units { return Units{uint256.Int{a.Lo, a.Hi}} }
