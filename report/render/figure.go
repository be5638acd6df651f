package render

import (
	"html/template"
	"strings"

	"github.com/assay-por/assay/report"
)

// shownPlaces is how many decimals a table shows at most; the whole amount stands in the
// figure's title and value.
const shownPlaces = 8

// figure is an amount as a reader sees it and as a program copies it.
type figure struct {
	Text  string // grouped, cut off after some decimals; an ellipsis says so
	Units string // base units, exact
	Exact string // all decimals, and base units
}

// html is the figure as an element that keeps the exact amount.
func (f figure) html() template.HTML {
	escape := template.HTMLEscapeString
	return template.HTML(`<data value="` + escape(f.Units) + `" title="` + escape(f.Exact) + `">` + escape(f.Text) + `</data>`) //nolint:gosec // escaped
}

// money shows an amount of base units with at most places decimals. It cuts and never rounds.
func money(w Words, u report.Units, decimals uint8, places int, unit string) figure {
	whole, part := split(u, decimals)
	exact := whole
	if all := strings.TrimRight(part, "0"); all != "" {
		exact += "." + all
	}
	f := figure{Units: u.String(), Exact: w.Text("exact", map[string]any{"amount": exact, "asset": unit, "units": u.String()})}
	shown := part[:min(places, len(part))]
	f.Text = whole
	if shown != "" {
		f.Text += "." + shown
	}
	f.Text = w.Number(f.Text)
	if strings.Trim(part[len(shown):], "0") != "" {
		f.Text += "…"
	}
	return f
}

// places returns how many decimals show all of these amounts, within limits.
func places(decimals uint8, amounts ...report.Units) int {
	most := min(2, int(decimals))
	for _, u := range amounts {
		_, part := split(u, decimals)
		most = max(most, len(strings.TrimRight(part, "0")))
	}
	return min(most, shownPlaces)
}

// split returns the digits before and after the decimal point.
func split(u report.Units, decimals uint8) (whole, part string) {
	digits := u.String()
	if missing := int(decimals) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	at := len(digits) - int(decimals)
	return digits[:at], digits[at:]
}
