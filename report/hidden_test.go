package report_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
)

// covered is the run of hidden with hidden totals: of BTC is not shown what is owed, and USDT is in shortfall.
func covered(t testing.TB) report.Inputs {
	t.Helper()
	in := hidden(t)
	most, err := report.Counted(in.Snapshot, in.Lines, in.Rule)
	if err != nil {
		t.Fatal(err)
	}
	in.Tree.Surplus, in.Ledger, in.Liabilities = strings.Repeat("ab", 64), in.Ledger.Hidden(), merkle.Plain{most[0], in.Liabilities[1]}
	return in
}

// TestHiddenTotals: a statement says that no more is owed of an asset than counts, and of one in shortfall what is owed; nothing in the
// bundle tells another total.
func TestHiddenTotals(t *testing.T) {
	in := covered(t)
	all, envelope := bundle(t, in)
	if err := report.Lint(all, nil); err != nil {
		t.Fatal(err)
	}
	signed, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	p := signed.Statement.Predicate
	for _, c := range []struct {
		got  any
		want string
	}{
		{p.Liabilities, `[{"asset":"BTC","at_most":"150000000"},{"amount":"10000000000000000000","asset":"USDT"}]`},
		{p.Coverage, `[{"asset":"BTC","counted":"150000000"},` +
			`{"asset":"USDT","counted":"9000000000000000000","coverage":"90.00","liabilities":"10000000000000000000","shortfall":"1000000000000000000"}]`},
		{p.Ledger.Classes, `[{"class":"customer","customers":3,"entries":5}]`},
	} {
		if diff := cmp.Diff(c.want, string(canonical(t, c.got))); diff != "" {
			t.Error(diff)
		}
	}
	public := string(signed.Payload)
	for _, f := range all {
		public += content(f)
	}
	if strings.Contains(public, "140000000") || !strings.Contains(public, `"surplus":"`+in.Tree.Surplus+`"`) {
		t.Error("what is owed of BTC stands in the bundle, or no surplus")
	}
	if w := strings.Join(report.Warnings(p), "\n"); !strings.Contains(w, "USDT: SHORTFALL of 1 USDT; so what is owed of it is shown") || strings.Contains(w, "BTC: ") {
		t.Errorf("the warnings are %q", w)
	}
}

// TestHiddenTotalsAreNotDrafted: what tells a total, or is proved of other reserves than those that count.
func TestHiddenTotalsAreNotDrafted(t *testing.T) {
	for want, spoil := range map[string]func(*report.Inputs){
		"class customer: a sum is there":        func(in *report.Inputs) { in.Ledger = inputs(t).Ledger },
		"BTC: the proof of hidden totals is of": func(in *report.Inputs) { in.Liabilities = inputs(t).Liabilities },
		"or it is the identity":                 func(in *report.Inputs) { in.Tree.Surplus = strings.Repeat("0", 128) },
		"not the hex of a point":                func(in *report.Inputs) { in.Tree.Surplus = strings.Repeat("AB", 64) },
		"only a tree of kind confidential has": func(in *report.Inputs) {
			in.Snapshot, in.Files, in.Tree.Kind = snapshot(t), inputs(t).Files, report.KindPlain
		},
		"the classes add up to 0 of BTC": func(in *report.Inputs) { in.Tree.Surplus = "" },
	} {
		in := covered(t)
		spoil(&in)
		if _, _, err := report.Draft(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	in := covered(t)
	for i := range in.Lines {
		in.Lines[i].Amount = units(t, "340282366920938463463374607431768211456")
	}
	if _, err := report.Counted(in.Snapshot, in.Lines, in.Rule); err == nil || !strings.Contains(err.Error(), "reaches 2^128") {
		t.Errorf("reserves of 2^128: %v", err)
	}
}

// TestHiddenTotalsAreNotRead: a statement whose at_most is not what counts, which opens what it need not, or is half of either kind.
func TestHiddenTotalsAreNotRead(t *testing.T) {
	payload, _, err := report.Draft(covered(t))
	if err != nil {
		t.Fatal(err)
	}
	surplus := `,"surplus":"` + strings.Repeat("ab", 64) + `"`
	for name, swap := range map[string][2]string{
		"at most more":          {`"at_most":"150000000"`, `"at_most":"150000001"`},
		"at most less":          {`"at_most":"150000000"`, `"at_most":"149999999"`},
		"both":                  {`[{"asset":"BTC","at_most":"150000000"}`, `[{"amount":"160000000","asset":"BTC","at_most":"150000000"}`},
		"neither":               {`{"asset":"BTC","at_most":"150000000"}`, `{"asset":"BTC"}`},
		"opened without need":   {`{"asset":"BTC","at_most":"150000000"}`, `{"amount":"150000000","asset":"BTC"}`},
		"shortfall hidden":      {`{"amount":"10000000000000000000","asset":"USDT"}`, `{"asset":"USDT","at_most":"10000000000000000000"}`},
		"no surplus":            {surplus, ``},
		"surplus the identity":  {surplus, `,"surplus":"` + strings.Repeat("00", 64) + `"`},
		"a class's sum":         {`"entries":5}]`, `"entries":5,"sum":[]}]`},
		"coverage that is told": {`[{"asset":"BTC","counted":"150000000"}`, `[{"asset":"BTC","counted":"150000000","coverage":"107.14","liabilities":"140000000","surplus":"10000000"}`},
	} {
		bad := strings.Replace(string(payload), swap[0], swap[1], 1)
		if bad == string(payload) {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := report.ParseStatement([]byte(bad)); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
}

// borrowedCovered is the run of borrowed with hidden totals.
func borrowedCovered(t testing.TB) report.Inputs {
	t.Helper()
	in := borrowed(t)
	owed := in.Liabilities
	s, err := in.Snapshot.WithKind(report.KindConfidential)
	if err != nil {
		t.Fatal(err)
	}
	in.Snapshot, in.Tree.Kind, in.Tree.Surplus, in.Ledger = s, report.KindConfidential, strings.Repeat("ab", 64), in.Ledger.Hidden()
	most, err := report.Counted(s, in.Lines, in.Rule)
	if err != nil {
		t.Fatal(err)
	}
	in.Liabilities, in.Files = merkle.Plain{most[0], owed[1]}, append(files(t, in), hidden(t).Files[len(inputs(t).Files):]...)
	return in
}

// TestHiddenMargin: with margin accounts a statement that hides totals lists assets alone, and nothing in it tells what customers owe; by any
// rule but debit, entries below zero are summed up as ever.
func TestHiddenMargin(t *testing.T) {
	payload, _, err := report.Draft(borrowedCovered(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"liabilities":[{"asset":"BTC","at_most":"150000000"},{"amount":"10000000000000000000","asset":"USDT"}]`, `"negatives":{"entries":3,"rule":"debit"}`,
		`"underwater":{"customers":1,"rule":"write-off","sum":[{"amount":"1000000000000000000","asset":"USDT"}]}`, `"price":"60000"`,
	} {
		if !strings.Contains(string(payload), want) {
			t.Errorf("the statement has no %s: %s", want, payload)
		}
	}
	for _, total := range []string{"debit:", "equity:", "4000000000000000000", "5000000000000000000"} {
		if strings.Contains(string(payload), total) {
			t.Errorf("the statement tells %s", total)
		}
	}
	in := borrowedCovered(t)
	in.Ledger.Entries, in.Ledger.Negatives = 5, report.Negatives{Rule: report.RuleError}
	in.Ledger.Underwater = &report.Underwater{Rule: report.RuleWriteOff}
	payload, _, err = report.Draft(in)
	if err != nil || !strings.Contains(string(payload), `"negatives":{"entries":0,"rule":"error","sum":[]}`) {
		t.Errorf("%s (%v)", payload, err)
	}
	bad := strings.Replace(string(payload), `"rule":"error","sum":[]}`, `"rule":"error"}`, 1)
	if _, err := report.ParseStatement([]byte(bad)); bad == string(payload) || err == nil {
		t.Error("negatives without a sum were read")
	}
	for name, spoil := range map[string]func(*report.Inputs){
		"the sum of debits":    func(in *report.Inputs) { in.Ledger.Negatives = borrowed(t).Ledger.Negatives },
		"an empty sum":         func(in *report.Inputs) { in.Ledger.Negatives.Sum = []report.AssetAmount{} },
		"debits":               func(in *report.Inputs) { in.Liabilities = append(in.Liabilities, borrowed(t).Liabilities[2:]...) },
		"nothing of write-off": func(in *report.Inputs) { in.Ledger.Underwater = nil },
		"more under water than entries below zero": func(in *report.Inputs) {
			in.Ledger.Entries, in.Ledger.Negatives.Entries, in.Ledger.Underwater.Customers = 6, 1, 2
		},
		"written off, though entries below zero are an error": func(in *report.Inputs) {
			in.Ledger.Entries, in.Ledger.Negatives = 5, report.Negatives{Rule: report.RuleError}
		},
	} {
		in := borrowedCovered(t)
		if spoil(&in); draftable(in) {
			t.Errorf("%s: it was drafted", name)
		}
	}
	open, closed := stated(t, borrowed(t)), stated(t, borrowedCovered(t))
	if closed.Debts() != nil {
		t.Errorf("debts of hidden totals: %v", closed.Debts())
	}
	want := []string{"totals: open → hidden", "coverage BTC: 107.14 % → at least what is owed"}
	var got []string
	for _, c := range report.Diff(open, closed) {
		got = append(got, c.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := driftsOf(closed, open, report.DriftLimits{Liabilities: 1, Excluded: 1}); len(got) != 0 {
		t.Errorf("drifts: %v", got)
	}
}

// TestHiddenTotalsAreCompared: with a former statement, in what both have.
func TestHiddenTotalsAreCompared(t *testing.T) {
	open, closed := stated(t, hidden(t)), stated(t, covered(t))
	less := covered(t)
	less.Rule.Control = nil
	less.Liabilities = inputs(t).Liabilities
	short := stated(t, less)
	all := report.DriftLimits{Customers: 1, Entries: 1, Liabilities: 1, Reserves: 1, Coverage: 1, Excluded: 1, Assets: true}
	for _, c := range []struct {
		from, to       report.Predicate
		changed, moved []string
	}{
		{open, closed, []string{"totals: open → hidden", "coverage BTC: 107.14 % → at least what is owed"}, nil},
		{closed, open, []string{"totals: hidden → open", "coverage BTC: at least what is owed → 107.14 %"}, nil},
		{closed, closed, nil, nil},
		{closed, short, []string{
			"counted BTC: 1.5 → 0 (-1.5)", "coverage BTC: at least what is owed → 0.00 %", "counted USDT: 9 → 0 (-9)", "coverage USDT: 90.00 % → 0.00 % (-90)",
			"rule: control: gone: bound", "rule: control: gone: script",
		}, []string{"counted BTC: gone: 1.5", "counted USDT: gone: 9", "coverage USDT: 90.00 % → 0.00 % (-90), more than 1"}},
	} {
		var changed []string
		for _, one := range report.Diff(c.from, c.to) {
			if one.What != "period" {
				changed = append(changed, one.String())
			}
		}
		if diff := cmp.Diff(c.changed, changed); diff != "" {
			t.Errorf("changes: %s", diff)
		}
		if diff := cmp.Diff(c.moved, driftsOf(c.from, c.to, all)); diff != "" {
			t.Errorf("moved: %s", diff)
		}
	}
	gone := closed
	gone.Coverage = closed.Coverage[1:]
	gone.Snapshot.Assets = closed.Snapshot.Assets[1:]
	if diff := cmp.Diff([]string{"asset BTC: gone: counted 1.5"}, driftsOf(closed, gone, all)); diff != "" {
		t.Error(diff)
	}
}
