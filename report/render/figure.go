package render

import (
	"strconv"
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

// money shows an amount of base units with at most places decimals. It cuts and never rounds.
func money(u report.Units, decimals uint8, places int, unit string) figure {
	whole, part := split(u, decimals)
	exact := whole
	if all := strings.TrimRight(part, "0"); all != "" {
		exact += "." + all
	}
	f := figure{Units: u.String(), Exact: exact + " " + unit + " = " + u.String() + " base units"}
	shown := part[:min(places, len(part))]
	f.Text = grouped(whole)
	if shown != "" {
		f.Text += "." + shown
	}
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

// grouped sets a comma before every third digit from the right.
func grouped(digits string) string {
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// count shows a whole number.
func count(n uint64) string { return grouped(strconv.FormatUint(n, 10)) }

// percent shows a ratio as the statement has it, grouped.
func percent(ratio string) string {
	whole, part, _ := strings.Cut(ratio, ".")
	return grouped(whole) + "." + part + " %"
}
