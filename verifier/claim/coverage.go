package claim

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Coverage is what is held against what is owed of one asset (SPEC part 15). Percent is nil where nothing is owed. A statement whose totals are
// hidden may say no more than what counts (SPEC part 29): nil is the rest.
type Coverage struct {
	Asset                string
	Counted, Liabilities *big.Int
	Percent              *Percent
	Gap                  *big.Int // the surplus, or the shortfall
	Short                bool
}

// Percent is a ratio in hundredths of a percent, floored (SPEC part 15).
type Percent struct{ hundredths *big.Int }

// String prints two decimals, as in 97.31.
func (p *Percent) String() string {
	whole, rest := new(big.Int).QuoRem(p.hundredths, big.NewInt(100), new(big.Int))
	return fmt.Sprintf("%s.%02d", whole, rest.Int64())
}

// Below reports whether the ratio is less than another.
func (p *Percent) Below(q *Percent) bool { return p.hundredths.Cmp(q.hundredths) < 0 }

// parsePercent reads digits, a dot and exactly two decimals.
func parsePercent(s string) (*Percent, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if _, err := parseAmount(whole); err != nil || len(fraction) != 2 || !only(fraction, digits) {
		return nil, errors.New("want a percentage with two decimals, such as 97.31")
	}
	v, _ := new(big.Int).SetString(whole+fraction, 10)
	return &Percent{v}, nil
}

// Cover computes an asset's coverage (SPEC part 15): floored, never capped.
func Cover(asset string, counted, liabilities *big.Int) Coverage {
	c := Coverage{Asset: asset, Counted: counted, Liabilities: liabilities, Gap: new(big.Int).Sub(counted, liabilities)}
	if c.Short = c.Gap.Sign() < 0; c.Short {
		c.Gap.Neg(c.Gap)
	}
	if liabilities.Sign() > 0 {
		ratio := new(big.Int).Mul(counted, big.NewInt(10_000))
		c.Percent = &Percent{ratio.Quo(ratio, liabilities)}
	}
	return c
}

func readCoverage(r *canon.Reader) (list []Coverage) {
	r.Array(maxAssets, func(int) {
		var c Coverage
		var surplus, shortfall *big.Int
		r.Object(
			canon.Key("asset", func() { c.Asset = canon.Parse(r, parseAsset) }),
			canon.Key("counted", func() { c.Counted = canon.Parse(r, parseAmount) }),
			canon.Optional("coverage", func() { c.Percent = canon.Parse(r, parsePercent) }),
			canon.Optional("liabilities", func() { c.Liabilities = canon.Parse(r, parseNarrow) }),
			canon.Optional("shortfall", func() { shortfall = canon.Parse(r, parseAmount) }),
			canon.Optional("surplus", func() { surplus = canon.Parse(r, parseAmount) }),
		)
		if c.Gap, c.Short = surplus, shortfall != nil; c.Short {
			c.Gap = shortfall
		}
		switch {
		case c.Liabilities != nil && (surplus == nil) == (shortfall == nil):
			r.Fail("want either surplus or shortfall")
		case c.Liabilities == nil && (c.Percent != nil || surplus != nil || shortfall != nil):
			r.Fail("without liabilities there is neither coverage nor surplus nor shortfall")
		}
		list = append(list, c)
	})
	return list
}

// CheckCoverage is the check `coverage.stated` (SPEC part 15): the statement's coverage follows from the lines by its own rule.
func (s *Statement) CheckCoverage(lines []Line) error {
	reserves, err := s.Snapshot.Regroup(lines, s.Reserves.Rule)
	if err != nil {
		return err
	}
	for i, stated := range s.Coverage {
		want := Cover(stated.Asset, reserves[i].Counted, s.Liabilities[i])
		if s.AtMost[i] {
			want = Coverage{Asset: want.Asset, Counted: want.Counted}
		}
		if err := stated.compare(want); err != nil {
			return err
		}
		if s.Hidden() {
			if err := s.checkBound(i, reserves[i].Counted); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare refuses a stated coverage that does not come out so.
func (c Coverage) compare(want Coverage) error {
	for _, pair := range []struct{ what, stated, want string }{
		{"counted", told(c.Counted), told(want.Counted)},
		{"liabilities", told(c.Liabilities), told(want.Liabilities)},
		{gap(want), told(c.Gap), told(want.Gap)},
		{"surplus or shortfall", gap(c), gap(want)},
		{"coverage", c.percent(), want.percent()},
	} {
		if pair.stated != pair.want {
			return fmt.Errorf("%s: %s is stated as %s, it comes out as %s", c.Asset, pair.what, pair.stated, pair.want)
		}
	}
	return nil
}

func told(amount *big.Int) string {
	if amount == nil {
		return "left out"
	}
	return amount.String()
}

func gap(c Coverage) string {
	if c.Short {
		return "shortfall"
	}
	return "surplus"
}

func (c Coverage) percent() string {
	if c.Percent == nil {
		return "left out"
	}
	return c.Percent.String()
}

// Reached groups lines at the grades that a verifier reaches, and counts them by a policy's rule (SPEC parts 15 and 16). A state-proved
// line of a chain in anchored is header-trusted. A node-attested line does not count unless as many nodes said so as the policy wants:
// nodes tells how many did.
func (s *Statement) Reached(lines []Line, p *Policy, anchored map[string]bool, nodes func(Line) int) ([]AssetReserves, error) {
	graded := make([]Line, len(lines))
	copy(graded, lines)
	few := map[string]bool{} // by token: the nodes of one token are the same for all its lines
	for i, l := range graded {
		switch {
		case l.Evidence == NodeAttested:
			few[l.Token] = nodes(l) < p.Nodes
		case l.Evidence == StateProved && anchored[ChainOf(l.Account)]:
			graded[i].Evidence = HeaderTrusted
		}
	}
	reserves, err := s.Snapshot.Regroup(graded, p.Rule)
	if err != nil {
		return nil, err
	}
	for _, a := range reserves {
		for k, g := range a.Groups {
			if g.Counts && g.Evidence == NodeAttested && few[g.Token] {
				a.Groups[k].Counts = false
				a.Counted.Sub(a.Counted, g.Amount)
			}
		}
	}
	return reserves, nil
}

// Recover computes coverage again from what [Statement.Reached] gives (SPEC part 15). Where totals are hidden no more may be owed than the
// liabilities here: coverage is at least so much, and a shortfall at most (SPEC part 29).
func (s *Statement) Recover(reserves []AssetReserves) []Coverage {
	out := make([]Coverage, len(reserves))
	for i, r := range reserves {
		out[i] = Cover(r.Asset, r.Counted, s.Liabilities[i])
	}
	return out
}

// CheckLeast is the check `coverage.policy` (SPEC part 15): every asset with liabilities has at least the policy's coverage, also if what is
// owed is hidden and as much as it may be.
func (p *Policy) CheckLeast(coverage []Coverage, hidden bool) error {
	if p.LeastCoverage == nil {
		return nil
	}
	for _, c := range coverage {
		if c.Percent != nil && c.Percent.Below(p.LeastCoverage) {
			if hidden {
				return fmt.Errorf("%s: totals are hidden, and coverage by the policy's rule is shown to be at least %s %%, not the %s %% that the policy wants", c.Asset, c.Percent, p.LeastCoverage)
			}
			return fmt.Errorf("%s: coverage by the policy's rule is %s %%, the policy wants at least %s %%", c.Asset, c.Percent, p.LeastCoverage)
		}
	}
	return nil
}
