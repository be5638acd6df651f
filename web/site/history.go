package site

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/words"
)

const (
	historyLong = 36 // statements that a history shows
	historyWide = 12 // assets
)

// The drawing of one asset's history, in its own units: time goes from left to right.
const (
	plotWide = 300
	plotHigh = 96
	plotEdge = 8
)

// history is the coverage of a series' statements, those that still stand drawn and all of them in a table.
type history struct {
	Plots  []plot
	Assets []string
	Rows   []past
	Older  uint64 // statements before these
	More   uint64 // assets beyond these
}

// plot is one asset's coverage over time.
type plot struct {
	ID, Asset, Text string
	Value           string // in this report
	Wide, High      int
	Full            int // where 100 % is
	Path            string
	Points          []point
}

// point is one statement. Reached means that 100 % was reached, by how much is hidden.
type point struct {
	X, Y                          int
	Short, Beyond, Reached, Shown bool
}

// past is a row of the table.
type past struct {
	Link, Period string
	Instant      report.Time
	State        report.State
	Current      bool
	Values       []glance
}

// history looks at the statements of a report's series that are here, if there are others.
func (s *Site) history(t *words.Texts, r *shown) (history, bool) {
	p := r.Statement.Predicate
	var all []*shown // the newest first
	for _, one := range s.shown {
		if one.Statement.Predicate.Series.Name == p.Series.Name {
			all = append(all, one)
		}
	}
	if len(all) < 2 {
		return history{}, false
	}
	at := slices.Index(all, r)
	first := max(0, min(at-historyLong/2, len(all)-historyLong))
	if at < historyLong {
		first = 0
	}
	window := all[first:min(len(all), first+historyLong)]
	h := history{Older: uint64(len(all) - first - len(window))} //nolint:gosec // a length
	ids := p.Snapshot.AssetIDs()
	h.Assets = ids[:min(len(ids), historyWide)]
	h.More = uint64(len(ids) - len(h.Assets)) //nolint:gosec // a length
	for _, one := range window {
		q := one.Statement.Predicate
		row := past{Link: "../" + one.name + "/" + pathIndex, Period: q.Snapshot.Period, Instant: q.Snapshot.Instant, State: one.about.State(), Current: one == r}
		for _, id := range h.Assets {
			g := glance{Asset: id, Value: "–"}
			if c, ok := coverageOf(q, id); ok {
				g.Value, g.Short = ratio(t, c), c.Shortfall != nil
			}
			row.Values = append(row.Values, g)
		}
		h.Rows = append(h.Rows, row)
	}
	var standing []*shown // the oldest first
	for _, one := range slices.Backward(window) {
		if st := one.about.State(); one == r || st != report.StateWithdrawn && st != report.StateSuperseded {
			standing = append(standing, one)
		}
	}
	for i, id := range h.Assets {
		h.Plots = append(h.Plots, newPlot(t, "plot-"+strconv.Itoa(i), id, standing, r))
	}
	return h, true
}

func coverageOf(p report.Predicate, asset string) (report.Coverage, bool) {
	i := slices.IndexFunc(p.Coverage, func(c report.Coverage) bool { return c.Asset == asset })
	if i < 0 {
		return report.Coverage{}, false
	}
	return p.Coverage[i], true
}

// newPlot draws an asset's coverage from the oldest statement to the newest, on a scale of its own that always shows 100 %.
func newPlot(t *words.Texts, id, asset string, oldest []*shown, now *shown) plot {
	const full, most = 10_000, 20_000 // hundredths of a percent; what is beyond is drawn at the edge, and marked
	low, high := 9_500, 10_500
	values := make([]int, len(oldest)) // -1: there is none
	for i, one := range oldest {
		values[i] = -1
		c, ok := coverageOf(one.Statement.Predicate, asset)
		switch {
		case !ok || !c.Hidden() && c.Ratio == "":
			continue
		case c.Hidden():
			values[i] = full
		default:
			values[i] = hundredths(c.Ratio)
		}
		low, high = min(low, values[i]), max(high, min(values[i], most))
	}
	y := func(v int) int { return plotEdge + (plotHigh-2*plotEdge)*(high-min(v, high))/(high-low) }
	pl := plot{ID: id, Asset: asset, Wide: plotWide, High: plotHigh, Full: y(full)}
	var path, said []string
	pen := "M"
	for i, one := range oldest {
		if values[i] < 0 {
			pen = "M"
			continue
		}
		c, _ := coverageOf(one.Statement.Predicate, asset)
		at := point{Y: y(values[i]), X: plotEdge, Short: c.Shortfall != nil, Beyond: values[i] > high, Reached: c.Hidden(), Shown: one == now}
		if n := len(oldest); n > 1 {
			at.X += (plotWide - 2*plotEdge) * i / (n - 1)
		}
		pl.Points = append(pl.Points, at)
		if at.Reached { // where it truly is nobody is shown
			pen = "M"
		} else {
			path = append(path, fmt.Sprintf("%s%d %d", pen, at.X, at.Y))
			pen = "L"
		}
		said = append(said, t.Text("history.point", words.Args{"period": one.Statement.Predicate.Snapshot.Period, "value": ratio(t, c)}))
		if one == now {
			pl.Value = ratio(t, c)
		}
	}
	pl.Path, pl.Text = strings.Join(path, " "), strings.Join(said, "; ")
	return pl
}

// hundredths reads a ratio; one too large for a drawing is merely large.
func hundredths(ratio string) int {
	n, err := strconv.Atoi(strings.Replace(ratio, ".", "", 1))
	if err != nil {
		return 1 << 30
	}
	return n
}
