package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/report"
)

// review is what a person reads of a draft: what it says, what changed, and what to look at twice.
type review struct {
	Statement string            `json:"statement"`
	Coverage  []report.Coverage `json:"coverage"`
	Former    string            `json:"former,omitempty"`
	Changes   []report.Change   `json:"changes"`
	Drifts    []report.Drift    `json:"drifts"`            // those of the changes that moved further than the limits
	Confirm   string            `json:"confirm,omitempty"` // digest of the drifts, if nobody confirmed them yet
	Warnings  []string          `json:"warnings"`
}

func newReview(digest string, p report.Predicate, former *report.Signed, limits DriftConfig, more ...string) review {
	r := review{Statement: digest, Coverage: p.Coverage, Changes: []report.Change{}, Drifts: []report.Drift{}, Warnings: append(report.Warnings(p), more...)}
	if former != nil {
		r.Former = former.Digest.String()
		r.Changes = append(r.Changes, report.Diff(former.Statement.Predicate, p)...)
		r.Drifts = append(r.Drifts, report.Drifts(former.Statement.Predicate, p, report.DriftLimits(limits))...)
	}
	return r
}

// sayReview prints the changes, which of them moved too far, and the warnings.
func (a *app) sayReview(cmd *cobra.Command, r review, p report.Predicate) error {
	var lines []string
	switch {
	case r.Former != "" && len(r.Changes) == 0:
		lines = append(lines, "nothing changed since the former statement "+r.Former[:8])
	case r.Former != "":
		lines = append(lines, "changed since the former statement "+r.Former[:8]+":")
	case p.Series.Previous != nil:
		lines = append(lines, fmt.Sprintf("the former statement %s was not given: nothing is compared", p.Series.Previous.String()[:8]))
	default:
		lines = append(lines, fmt.Sprintf("first statement of the series %s: there is nothing to compare it with", p.Series.Name))
	}
	for _, c := range r.Changes {
		lines = append(lines, "  "+c.String())
	}
	for _, d := range r.Drifts {
		lines = append(lines, "moved: "+d.String())
	}
	if r.Confirm != "" {
		lines = append(lines, "if what moved is right: assay confirm "+r.Confirm)
	}
	for _, text := range r.Warnings {
		lines = append(lines, "look at: "+text)
	}
	return a.say(cmd, nil, "%s", strings.Join(lines, "\n"))
}

// sayCoverage prints coverage per asset. A shortfall is always said.
func (a *app) sayCoverage(cmd *cobra.Command, p report.Predicate) error {
	if a.json {
		return a.say(cmd, p.Coverage, "")
	}
	for i, c := range p.Coverage {
		d := p.Snapshot.Assets[i].Decimals
		line := fmt.Sprintf("%s: counted %s, and no more is owed", c.Asset, c.Counted.Decimal(d))
		if !c.Hidden() {
			line = fmt.Sprintf("%s: owed %s, counted %s", c.Asset, c.Liabilities.Decimal(d), c.Counted.Decimal(d))
		}
		if c.Ratio != "" {
			line += fmt.Sprintf(", coverage %s %%", c.Ratio)
		}
		if c.Shortfall != nil {
			line += fmt.Sprintf(", SHORTFALL %s %s", c.Shortfall.Decimal(d), c.Asset)
		}
		if err := a.say(cmd, nil, "%s", line); err != nil {
			return err
		}
	}
	return nil
}
