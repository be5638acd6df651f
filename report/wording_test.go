package report_test

import (
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
)

func TestCheckWording(t *testing.T) {
	good := "At this instant. The procedures are these. It does not cover loans. This is NOT AN AUDIT, and was never called one; it is unaudited."
	if err := report.CheckWording(good); err != nil {
		t.Error(err)
	}
	for _, word := range report.Forbidden() {
		if err := report.CheckWording(good + " It is " + strings.ToUpper(word) + "."); err == nil {
			t.Errorf("X05: %q was let through", word)
		}
	}
	for _, word := range report.Required() {
		if err := report.CheckWording(strings.ReplaceAll(strings.ToLower(good), word, "")); err == nil {
			t.Errorf("a text without %q was let through", word)
		}
	}
}

// TestFinding: what is short is called a shortfall, and nothing else is.
func TestFinding(t *testing.T) {
	five, nothing := units(t, "5"), report.Units{}
	for name, c := range map[string]struct {
		c     report.Coverage
		short bool
	}{
		"short":                          {report.Coverage{Liabilities: &five, Shortfall: &five}, true},
		"surplus":                        {report.Coverage{Liabilities: &five, Surplus: &five}, false},
		"even":                           {report.Coverage{Liabilities: &five, Surplus: &nothing}, false},
		"nothing":                        {report.Coverage{Liabilities: &nothing, Surplus: &nothing}, false},
		"hidden":                         {report.Coverage{Counted: five}, false},
		"hidden, and nothing is counted": {report.Coverage{}, false},
	} {
		got := c.c.Finding()
		if strings.Contains(got, "Shortfall") != c.short || !strings.Contains(got, "t this instant") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
