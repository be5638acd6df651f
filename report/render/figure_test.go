package render

import (
	"testing"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/words"
)

func english(t *testing.T) Words {
	t.Helper()
	w, err := words.Load(words.English, "site")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		units       string
		decimals    uint8
		places      int
		text, exact string
	}{
		{"0", 0, 2, "0", "0 X = 0 base units"},
		{"0", 8, 2, "0.00", "0 X = 0 base units"},
		{"5", 2, 2, "0.05", "0.05 X = 5 base units"},
		{"100", 2, 2, "1.00", "1 X = 100 base units"},
		{"1243449000231", 8, 8, "12,434.49000231", "12434.49000231 X = 1243449000231 base units"},
		{"1243449000231", 8, 2, "12,434.49…", "12434.49000231 X = 1243449000231 base units"},
		{"1999999999999999999", 18, 2, "1.99…", "1.999999999999999999 X = 1999999999999999999 base units"},
		{"1", 36, 8, "0.00000000…", "0.000000000000000000000000000000000001 X = 1 base units"},
		{"1234567", 0, 2, "1,234,567", "1234567 X = 1234567 base units"},
		{"123456", 0, 2, "123,456", "123456 X = 123456 base units"},
	} {
		u, err := report.ParseUnits(c.units)
		if err != nil {
			t.Fatal(err)
		}
		got := money(english(t), u, c.decimals, c.places, "X")
		if got.Text != c.text || got.Exact != c.exact || got.Units != c.units {
			t.Errorf("%s with %d decimals: %+v, want %q, %q", c.units, c.decimals, got, c.text, c.exact)
		}
	}
}

// TestChart: bars keep their proportion, the 100 % line its place, and nothing is capped without a mark.
func TestChart(t *testing.T) {
	u := report.Units{}
	ch := newChart(english(t), []report.Coverage{
		{Asset: "A", Liabilities: &u, Ratio: "50.00", Shortfall: &u}, {Asset: "B", Liabilities: &u, Ratio: "100.00", Surplus: &u}, {Asset: "C", Liabilities: &u, Ratio: "140.00", Surplus: &u},
		{Asset: "D", Liabilities: &u, Ratio: "99999999999999999999999999.00", Surplus: &u}, {Asset: "E", Liabilities: &u, Surplus: &u}, {Asset: "F", Counted: u},
	})
	if ch.Line != "66.66%" {
		t.Errorf("100 %% is at %s", ch.Line)
	}
	for i, want := range []struct {
		width, gap, value string
		beyond, drawn     bool
	}{
		{"33.33%", "33.33%", "50.00 % · shortfall", false, true}, {"66.66%", "", "100.00 %", false, true}, {"93.33%", "", "140.00 %", false, true},
		{"100.00%", "", "99,999,999,999,999,999,999,999,999.00 %", true, true}, {"", "", "nothing owed", false, false},
		{"66.66%", "", "reached; by how much is not shown", false, true},
	} {
		b := ch.Rows[i]
		if b.Width != want.width || b.Gap != want.gap || b.Value != want.value || b.Beyond != want.beyond || b.Drawn != want.drawn {
			t.Errorf("%s: %+v, want %+v", b.Asset, b, want)
		}
	}
}
