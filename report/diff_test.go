package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
)

func stated(t *testing.T, in report.Inputs) report.Predicate {
	t.Helper()
	s, _ := signed(t, in)
	return s.Statement.Predicate
}

// nextMonth is a report in which much differs from the one of inputs: an asset is new, BTC has 10 decimals and half the liabilities.
func nextMonth(t *testing.T) report.Inputs {
	t.Helper()
	assets := registry()
	assets[0].Decimals = 10
	assets = append(assets, report.Asset{ID: "EUR", Decimals: 2})
	at := instant.Add(30 * 24 * time.Hour)
	s, err := report.NewSnapshot(exchange(), "2026-12", at, assets)
	if err != nil {
		t.Fatal(err)
	}
	all := refs()
	for i := range all {
		all[i].Time = all[i].Time.Add(30 * 24 * time.Hour)
	}
	if s, err = s.WithBlocks(all...); err != nil {
		t.Fatal(err)
	}
	in := inputs(t)
	in.Snapshot, in.Lines, in.Tool, in.Issued = s, lines(t, s), "assay next", report.Time{Time: at}
	in.Liabilities = merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 7_000_000_000}}, {Asset: 1, Amount: merkle.Amount{Lo: 10_000_000_000_000_000_000}}, {Asset: 2, Amount: merkle.Amount{Lo: 150}}}
	in.Ledger.Classes = []report.LedgerClass{{Class: "customer", Customers: 2, Entries: 5, Sum: []report.AssetAmount{
		{Asset: "BTC", Amount: units(t, "7000000000")}, {Asset: "USDT", Amount: units(t, "10000000000000000000")}, {Asset: "EUR", Amount: units(t, "150")}}}}
	in.Ledger.Customers, in.Tree.Leaves = 2, 2
	in.Scope = report.Scope{Included: []string{"Spot accounts, audited", "Earn"}, Encumbrances: "none"}
	in.Rule.Control = in.Rule.Control[:1]
	if in.Approvals, err = report.NewApprovals(1, keysOf(1)...); err != nil {
		t.Fatal(err)
	}
	in.Series = report.Series{Name: "main", Number: 1, Previous: &report.Digest{1}}
	in.Files = files(t, in)
	return in
}

func TestDiff(t *testing.T) {
	former, draft := stated(t, inputs(t)), stated(t, nextMonth(t))
	var got []string
	for _, c := range report.Diff(former, draft) {
		got = append(got, c.String())
	}
	want := []string{
		"period: 2026-11 → 2026-12",
		"instant: 2026-11-01T00:00:00Z → 2026-12-01T00:00:00Z",
		"series: main, number 0 → main, number 1",
		"asset BTC: 8 decimals → 10 decimals",
		"asset EUR: new: 2 decimals",
		"liabilities BTC: 1.4 → 0.7 (-0.7)",
		"coverage BTC: 107.14 % → 214.28 % (+107.14)",
		"counted USDT: 9 → 0 (-9)",
		"coverage USDT: 90.00 % → 0.00 % (-90)",
		"liabilities EUR: new: 1.5",
		"counted EUR: new: 0",
		"customers: 3 → 2 (-1)",
		`scope included: gone: "Spot accounts"`,
		`scope included: new: "Spot accounts, audited"`,
		`scope included: new: "Earn"`,
		`encumbrances: "not declared" → "none"`,
		"rule: control: gone: bound",
		"approvals required: 0 → 1 (+1)",
		"approver: new: " + keysOf(1)[0].String(),
		"tool: assay test → assay next",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	var back []string
	for _, c := range report.Diff(draft, former) {
		back = append(back, c.String())
	}
	for _, want := range []string{"asset EUR: gone: 2 decimals", "liabilities BTC: 0.7 → 1.4 (+0.7)", "liabilities EUR: gone: 1.5"} {
		if !strings.Contains(strings.Join(back, "\n"), want) {
			t.Errorf("the way back does not list %q:\n%s", want, strings.Join(back, "\n"))
		}
	}
	if same := report.Diff(draft, draft); len(same) != 0 {
		t.Errorf("a statement differs from itself: %v", same)
	}
}

func TestWarnings(t *testing.T) {
	in := inputs(t)
	got := report.Warnings(stated(t, in))
	want := []string{
		"USDT: SHORTFALL of 1 USDT",
		"whether reserves are borrowed, pledged or lent is not declared",
		"unattended: nobody has to approve this statement",
		"no last block of " + btcChain + " is named: on that chain nothing shows that the statement was not drawn up before its time",
		"no last block of " + ethChain + " is named: on that chain nothing shows that the statement was not drawn up before its time",
		"no last block of " + bscChain + " is named: on that chain nothing shows that the statement was not drawn up before its time",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
	in = nextMonth(t)
	all := refs()
	for i := range all {
		all[i].Time = in.Snapshot.Instant.Time
	}
	var err error
	if in.Moment, err = report.NewMoment(in.Snapshot, all...); err != nil {
		t.Fatal(err)
	}
	want = []string{"USDT: SHORTFALL of 10 USDT", "EUR: SHORTFALL of 1.5 EUR", `a text of the exchange says "audited", which no report can show: "Spot accounts, audited"`}
	if d := cmp.Diff(want, report.Warnings(stated(t, in))); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
}
