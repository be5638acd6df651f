package claim

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Coverage is what is held against what is owed of one asset (SPEC part 15). Percent is nil where nothing is owed.
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
			canon.Key("liabilities", func() { c.Liabilities = canon.Parse(r, parseNarrow) }),
			canon.Optional("shortfall", func() { shortfall = canon.Parse(r, parseAmount) }),
			canon.Optional("surplus", func() { surplus = canon.Parse(r, parseAmount) }),
		)
		if c.Gap, c.Short = surplus, shortfall != nil; c.Short {
			c.Gap = shortfall
		}
		if (surplus == nil) == (shortfall == nil) {
			r.Fail("want either surplus or shortfall")
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
		for _, pair := range []struct{ what, stated, want string }{
			{"counted", stated.Counted.String(), want.Counted.String()},
			{"liabilities", stated.Liabilities.String(), want.Liabilities.String()},
			{gap(want), stated.Gap.String(), want.Gap.String()},
			{"surplus or shortfall", gap(stated), gap(want)},
			{"coverage", stated.percent(), want.percent()},
		} {
			if pair.stated != pair.want {
				return fmt.Errorf("%s: %s is stated as %s, it comes out as %s", stated.Asset, pair.what, pair.stated, pair.want)
			}
		}
	}
	return nil
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

// Recover computes coverage again from what [Statement.Reached] gives (SPEC part 15).
func (s *Statement) Recover(reserves []AssetReserves) []Coverage {
	out := make([]Coverage, len(reserves))
	for i, r := range reserves {
		out[i] = Cover(r.Asset, r.Counted, s.Liabilities[i])
	}
	return out
}

// CheckLeast is the check `coverage.policy` (SPEC part 15): every asset with liabilities has at least the policy's coverage.
func (p *Policy) CheckLeast(coverage []Coverage) error {
	if p.LeastCoverage == nil {
		return nil
	}
	for _, c := range coverage {
		if c.Percent != nil && c.Percent.Below(p.LeastCoverage) {
			return fmt.Errorf("%s: coverage by the policy's rule is %s %%, the policy wants at least %s %%", c.Asset, c.Percent, p.LeastCoverage)
		}
	}
	return nil
}
