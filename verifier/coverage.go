package verifier

import (
	"fmt"

	"github.com/assay-por/assay/verifier/claim"
)

// Coverage is one asset's reserves against its liabilities, in decimals, by the policy's rule and by the statement's (SPEC part 15). Where totals
// are hidden, bounds stand in place of what would tell one (SPEC part 29).
type Coverage struct {
	Asset           string `json:"asset"`
	Liabilities     string `json:"liabilities,omitempty"`
	Counted         string `json:"counted"`
	Coverage        string `json:"coverage,omitempty"` // percent; left out where nothing is owed
	Surplus         string `json:"surplus,omitempty"`
	Shortfall       string `json:"shortfall,omitempty"`
	AtMost          string `json:"at_most,omitempty"`           // no more is owed
	CoverageAtLeast string `json:"coverage_at_least,omitempty"` // percent
	ShortfallAtMost string `json:"shortfall_at_most,omitempty"`
	StatedCounted   string `json:"stated_counted"`
	StatedCoverage  string `json:"stated_coverage,omitempty"`
	StatedShortfall string `json:"stated_shortfall,omitempty"`
}

// checkCoverage is the check `coverage.policy` (SPEC part 15).
func (b *bundleRun) checkCoverage() (string, error) {
	s := b.statement
	reserves, err := s.Reached(b.lines, b.policy, b.anchored, b.reached.nodes)
	if err != nil {
		return "", err
	}
	list := s.Recover(reserves)
	for i, c := range list {
		decimals := s.Snapshot.Assets[i].Decimals
		b.verdict.Coverage = append(b.verdict.Coverage, tell(c, s.Coverage[i], decimals, s.Hidden()))
		b.verdict.Reserves = append(b.verdict.Reserves, byGrade(reserves[i], decimals))
	}
	if err := b.policy.CheckLeast(list, s.Hidden()); err != nil {
		return "", err
	}
	if b.policy.LeastCoverage == nil {
		return "computed and shown; the policy asks for no least coverage", nil
	}
	return fmt.Sprintf("every asset with liabilities has at least %s %%", b.policy.LeastCoverage), nil
}

// tell puts an asset's coverage into decimals: by the policy's rule, and as stated. Where totals are hidden, no more is known than bounds.
func tell(c, stated claim.Coverage, decimals int, hidden bool) Coverage {
	out := Coverage{Asset: c.Asset, Counted: decimal(c.Counted, decimals), StatedCounted: decimal(stated.Counted, decimals)}
	liabilities, coverage, surplus, shortfall := &out.Liabilities, &out.Coverage, &out.Surplus, &out.Shortfall
	if hidden {
		liabilities, coverage, surplus, shortfall = &out.AtMost, &out.CoverageAtLeast, new(string), &out.ShortfallAtMost
	}
	*liabilities = decimal(c.Liabilities, decimals)
	if c.Percent != nil {
		*coverage = c.Percent.String()
	}
	if stated.Percent != nil {
		out.StatedCoverage = stated.Percent.String()
	}
	if c.Short {
		*shortfall = decimal(c.Gap, decimals)
	} else {
		*surplus = decimal(c.Gap, decimals)
	}
	if stated.Short {
		out.StatedShortfall = decimal(stated.Gap, decimals)
	}
	return out
}

// shortfalls lists what is missing by the policy's rule, and what may be, of hidden totals that the statement's own rule covers.
func shortfalls(list []Coverage) (short, unshown []string) {
	for _, c := range list {
		switch {
		case c.Shortfall != "":
			short = append(short, c.Shortfall+" "+c.Asset)
		case c.ShortfallAtMost != "" && c.StatedShortfall != "":
			short = append(short, "at most "+c.ShortfallAtMost+" "+c.Asset)
		case c.ShortfallAtMost != "":
			unshown = append(unshown, c.ShortfallAtMost+" "+c.Asset)
		}
	}
	return short, unshown
}
