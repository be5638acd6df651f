package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
)

func driftsOf(former, draft report.Predicate, limits report.DriftLimits) []string {
	var got []string
	for _, d := range report.Drifts(former, draft, limits) {
		got = append(got, d.String())
	}
	return got
}

func TestDrifts(t *testing.T) {
	former, draft := stated(t, inputs(t)), stated(t, nextMonth(t))
	for _, tt := range []struct {
		name     string
		from, to report.Predicate
		limits   report.DriftLimits
		want     []string
	}{
		{name: "nothing is looked at", from: former, to: draft},
		{name: "nothing moved", from: draft, to: draft, limits: report.DriftLimits{Customers: 1, Entries: 1, Liabilities: 1, Reserves: 1, Coverage: 1, Excluded: 1, Assets: true}},
		{name: "at the limits", from: former, to: draft, limits: report.DriftLimits{Customers: 34, Entries: 1, Liabilities: 50, Coverage: 90}},
		{name: "above all", from: former, to: draft, limits: report.DriftLimits{Customers: 33, Entries: 1, Liabilities: 49, Reserves: 1000, Coverage: 89, Assets: true}, want: []string{
			"customers: 3 → 2 (-33.33 %), more than 33 %",
			"liabilities BTC: 1.4 → 0.7 (-50 %), more than 49 %", // its decimals differ
			"counted USDT: gone: 9",
			"coverage USDT: 90.00 % → 0.00 % (-90), more than 89",
			"asset EUR: new: owed 1.5",
		}},
		{name: "the way back", from: draft, to: former, limits: report.DriftLimits{Customers: 49, Liabilities: 99, Reserves: 1, Coverage: 1, Assets: true}, want: []string{
			"customers: 2 → 3 (+50 %), more than 49 %",
			"liabilities BTC: 0.7 → 1.4 (+100 %), more than 99 %",
			"coverage BTC: 214.28 % → 107.14 % (-107.14), more than 1",
			"counted USDT: new: 9",
			"asset EUR: gone: owed 1.5",
		}},
	} {
		if diff := cmp.Diff(tt.want, driftsOf(tt.from, tt.to, tt.limits)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// The share of entries that were left out may fall, and rise as far as the limit.
func TestDriftsOfEntriesLeftOut(t *testing.T) {
	of := func(entries, negatives, unknown uint64) (p report.Predicate) {
		p.Ledger.Entries, p.Ledger.Negatives.Entries, p.Ledger.UnknownAssets.Entries = entries, negatives, unknown
		return p
	}
	limits := report.DriftLimits{Excluded: 1}
	for _, tt := range []struct {
		from, to report.Predicate
		want     []string
	}{
		{of(1000, 5, 0), of(1000, 5, 10), nil},
		{of(1000, 5, 0), of(2000, 15, 16), []string{"entries left out: 0.50 % → 1.55 % (+1.05), more than 1"}},
		{of(3000, 1, 0), of(3000, 32, 0), []string{"entries left out: 0.03 % → 1.06 % (+1.03), more than 1"}},
		{of(1000, 500, 500), of(1000, 0, 0), nil},
		{of(1<<63, 0, 0), of(1<<63, 1<<62, 1<<62), []string{"entries left out: 0.00 % → 100.00 % (+100.00), more than 1"}},
	} {
		if diff := cmp.Diff(tt.want, driftsOf(tt.from, tt.to, limits)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
