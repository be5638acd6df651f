package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/assay-por/assay/verifier"
)

// coverage prints the table of reserves against liabilities, by the policy's rule; where the statement's differs, both.
func (p *page) coverage(list []verifier.Coverage) {
	p.line("\nReserves and coverage, counted by the policy's rule")
	table := tabwriter.NewWriter(p, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "  asset\towed\tcounted\tcoverage\tsurplus\tshortfall\t")
	for _, c := range list {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\t\n", c.Asset, c.Liabilities, c.Counted, percent(c.Coverage), dash(c.Surplus), dash(c.Shortfall))
	}
	table.Flush()
	for _, c := range list {
		if c.Counted != c.StatedCounted || c.Coverage != c.StatedCoverage {
			p.line("  %s: the statement's own rule counts %s, coverage %s", c.Asset, c.StatedCounted, percent(c.StatedCoverage))
		}
	}
}

// bounds prints the table of reserves against totals that are hidden: no more is known than what is owed at most.
func (p *page) bounds(list []verifier.Coverage) {
	p.line("\nReserves and coverage, counted by the policy's rule; totals are hidden")
	table := tabwriter.NewWriter(p, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "  asset\towed at most\tcounted\tcoverage at least\tshortfall at most\t")
	for _, c := range list {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t\n", c.Asset, c.AtMost, c.Counted, percent(c.CoverageAtLeast), dash(c.ShortfallAtMost))
	}
	table.Flush()
	for _, c := range list {
		stated := "which covers what is owed"
		if c.StatedShortfall != "" {
			stated = "coverage " + percent(c.StatedCoverage) + ", shortfall " + c.StatedShortfall
		}
		if c.Counted != c.StatedCounted || c.StatedShortfall != "" {
			p.line("  %s: the statement's own rule counts %s, %s", c.Asset, c.StatedCounted, stated)
		}
	}
}

// reserves prints what is held by the grades that were reached, so that nothing weak hides in a total.
func (p *page) reserves(list []verifier.Reserves) {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  asset\tamount\tcounts\tevidence\tcontrol\tclass\tcustody\taccounts\ttoken")
	rows := 0
	for _, a := range list {
		for _, g := range a.Groups {
			counts := "no"
			if g.Counted {
				counts = "yes"
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", escape(a.Asset), g.Amount, counts, g.Evidence, g.Control, g.Class, g.Custody, g.Accounts, escape(shortName(g.Token)))
			rows++
		}
	}
	if rows == 0 {
		return
	}
	table.Flush()
	p.line("\nReserves by what shows them, at the grades reached here")
	p.WriteString(text.String())
}

func percent(s string) string {
	if s == "" {
		return "–"
	}
	return s + " %"
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
