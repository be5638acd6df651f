package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assay-por/assay/report"
)

// The chart is drawn in pixels from top to bottom and in percent from left to right,
// so that it fits any width and its letters keep their size.
const (
	chartTop = 30
	chartRow = 50
	barTop   = 24 // below the row's top
	barHigh  = 14
)

type chart struct {
	Height int
	Line   string // where 100 % is
	Rows   []bar
	Full   string // how 100 % is written
	Text   string // the chart in a sentence an asset
}

type bar struct {
	Asset, Value string
	Label        int // where the letters stand
	Top          int
	Tick         int // end of the 100 % tick
	Width        string
	Gap          string // what is missing up to 100 %, if anything
	Short        bool
	Beyond       bool // the bar would leave the chart
	Drawn        bool
}

// newChart draws one bar an asset, all on one scale.
func newChart(w Words, coverage []report.Coverage) chart {
	scale := 12_500 // hundredths of a percent from edge to edge; what is far beyond does not stretch it
	for _, c := range coverage {
		for _, wider := range []int{15_000, 20_000} {
			if n := hundredths(c.Ratio); n > scale && n <= wider {
				scale = wider
			}
		}
	}
	ch := chart{Height: chartTop + chartRow*len(coverage), Line: share(10_000, scale), Full: w.Percent("100")}
	var text []string
	for i, c := range coverage {
		top := chartTop + i*chartRow
		b := bar{Asset: c.Asset, Label: top + 14, Top: top + barTop, Tick: top + barTop + barHigh + 5, Short: c.Shortfall != nil}
		if c.Hidden() {
			b.Drawn, b.Width, b.Value = true, ch.Line, w.Text("reached.unknown", nil)
		} else if c.Ratio == "" {
			b.Value = w.Text("owed.nothing", nil)
		} else {
			n := hundredths(c.Ratio)
			b.Drawn, b.Beyond = true, n > scale
			b.Width = share(min(n, scale), scale)
			b.Value = w.Percent(c.Ratio)
			if b.Short {
				b.Gap = share(10_000-n, scale)
				b.Value = w.Text("bar.short", map[string]any{"ratio": b.Value})
			}
		}
		text = append(text, w.Text("bar.sentence", map[string]any{"asset": c.Asset, "value": b.Value}))
		ch.Rows = append(ch.Rows, b)
	}
	ch.Text = strings.Join(text, " ")
	return ch
}

// hundredths reads a ratio; one too large for the chart is merely large.
func hundredths(ratio string) int {
	n, err := strconv.Atoi(strings.Replace(ratio, ".", "", 1))
	if err != nil && ratio != "" {
		return 1 << 30
	}
	return n
}

// share returns part of whole in percent, for the drawing only.
func share(part, whole int) string {
	n := int64(part) * 10_000 / int64(whole)
	return fmt.Sprintf("%d.%02d%%", n/100, n%100)
}
