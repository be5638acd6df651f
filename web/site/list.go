package site

import (
	"fmt"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
	"github.com/assay-por/assay/web/words"
)

const (
	sheetSize = 60 // reports a page of the list
	atAGlance = 12 // assets of a report in the list
)

// sheets is how many pages the list has.
func (s *Site) sheets() int { return (len(s.shown) + sheetSize - 1) / sheetSize }

// sheetPath is the path of the list's page n, from 0.
func sheetPath(n int) string {
	if n == 0 {
		return pathIndex
	}
	return fmt.Sprintf("page-%d.html", n+1)
}

// list is a page of the list of reports.
type list struct {
	Entity, LEI, URL string
	Reports          []row
	Newer, Older     string // links
}

// row is a report at a glance.
type row struct {
	Link, Period, Series string
	Instant              report.Time
	State                report.State
	Why                  string // why it was withdrawn, or another took its place
	Errata               int
	Headline             string
	Short                bool
	Assets               []glance
	More                 int
}

// glance is an asset's coverage.
type glance struct {
	Asset, Value string
	Short        bool
}

func (s *Site) sheet(t *words.Texts, n int) (Page, error) {
	f := s.frame(t, sheetPath(n))
	f.Here = "index"
	who := s.exchange()
	f.Title = t.Text("list.title", words.Args{"exchange": who.Name})
	l := list{Entity: who.Entity, LEI: who.LEI, URL: who.URL}
	for _, r := range s.shown[n*sheetSize : min(len(s.shown), (n+1)*sheetSize)] {
		l.Reports = append(l.Reports, s.row(t, r))
	}
	if n > 0 {
		l.Newer = sheetPath(n - 1)
	}
	if n+1 < s.sheets() {
		l.Older = sheetPath(n + 1)
	}
	f.Body = l
	return page(t, listText, f)
}

func (s *Site) row(t *words.Texts, r *shown) row {
	p := r.Statement.Predicate
	out := row{
		Link: r.at(pathIndex), Period: p.Snapshot.Period, Series: t.Text("report.series.place", words.Args{"series": p.Series.Name, "n": p.Series.Number}),
		Instant: p.Snapshot.Instant, State: r.about.State(), Why: r.why(), More: max(0, len(p.Coverage)-atAGlance),
	}
	if r.about != nil {
		out.Errata = len(r.about.Errata)
	}
	short := 0
	for i, c := range p.Coverage {
		if c.Shortfall != nil {
			short++
		}
		if i < atAGlance {
			out.Assets = append(out.Assets, glance{c.Asset, ratio(t, c), c.Shortfall != nil})
		}
	}
	out.Short, out.Headline = short > 0, render.Headline(t, short, len(p.Coverage))
	return out
}

// ratio is coverage as the pages show it.
func ratio(t *words.Texts, c report.Coverage) string {
	switch {
	case c.Hidden():
		return t.Text("reached", nil)
	case c.Ratio == "":
		return t.Text("owed.nothing", nil)
	}
	return t.Percent(c.Ratio)
}

// why is the reason of a withdrawal, or for another statement in its place.
func (r *shown) why() string {
	switch r.about.State() {
	case report.StateWithdrawn:
		return r.about.Withdrawal.Entry.Text
	case report.StateSuperseded:
		return r.about.SupersededBy.Entry.Series.Supersedes.Reason
	case report.StateSigned, report.StatePublished:
	}
	return ""
}
