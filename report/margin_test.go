package report_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
)

const oneUSDT = 1_000_000_000_000_000_000

func prices() report.Margin {
	return report.Margin{Currency: "USD", Source: "an index", Prices: []report.Price{{Asset: "USDT", Price: "1", Weight: 100}, {Asset: "BTC", Price: "60000", Weight: 90}}}
}

// borrowed is the run of inputs with margin accounts: 4 USDT are owed by customers, and one more was written off.
func borrowed(t testing.TB) report.Inputs {
	t.Helper()
	in := inputs(t)
	s, err := in.Snapshot.WithMargin(prices())
	if err != nil {
		t.Fatal(err)
	}
	if s.ID == in.Snapshot.ID {
		t.Error("the id does not cover the prices")
	}
	m, err := s.MarginRule()
	if err != nil {
		t.Fatal(err)
	}
	in.Snapshot = s
	in.Liabilities, err = m.Close(append(slices.Clone(in.Liabilities), merkle.Entry{Asset: 3, Amount: merkle.Amount{Lo: 4 * oneUSDT}}))
	if err != nil {
		t.Fatal(err)
	}
	in.Ledger.Entries = 8
	in.Ledger.Negatives = report.Negatives{Rule: report.RuleDebit, Entries: 3, Sum: []report.AssetAmount{{Asset: "USDT", Amount: units(t, "5000000000000000000")}}}
	in.Ledger.Underwater = &report.Underwater{Rule: report.RuleWriteOff, Customers: 1, Sum: []report.AssetAmount{{Asset: "USDT", Amount: units(t, "1000000000000000000")}}}
	in.Files = files(t, in)
	return in
}

// A statement with margin accounts names every column, and sets what counts against what is owed in full.
func TestMarginStated(t *testing.T) {
	all, envelope := bundle(t, borrowed(t))
	if err := report.Lint(all, nil); err != nil {
		t.Fatal(err)
	}
	signed, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	p := signed.Statement.Predicate
	var columns []string
	for _, a := range p.Liabilities {
		columns = append(columns, a.Asset)
	}
	if diff := cmp.Diff([]string{"BTC", "USDT", "debit:BTC", "debit:USDT", "equity:low", "equity:high"}, columns); diff != "" {
		t.Error(diff)
	}
	if len(p.Coverage) != 2 || p.Coverage[1].Ratio != "90.00" || p.Coverage[0].Ratio != "107.14" {
		t.Errorf("debts move coverage: %+v", p.Coverage)
	}
	debts := p.Debts()
	if len(debts) != 2 || !debts[0].Amount.IsZero() || debts[1].Amount.String() != "4000000000000000000" || debts[1].Asset != "USDT" {
		t.Errorf("debts: %+v", debts)
	}
	if text := string(signed.Payload); !strings.Contains(text, `"margin":{"currency":"USD","prices":[{"asset":"BTC","price":"60000","weight":90},{"asset":"USDT","price":"1","weight":100}],"source":"an index"},"period"`) ||
		!strings.Contains(text, `"underwater":{"customers":1,"rule":"write-off","sum":[{"amount":"1000000000000000000","asset":"USDT"}]}`) {
		t.Error(text)
	}
}

func TestMarginRefused(t *testing.T) {
	for name, spoil := range map[string]func(in *report.Inputs){
		"a debt more":           func(in *report.Inputs) { in.Liabilities[2].Amount.Lo++ },
		"a credit more":         func(in *report.Inputs) { in.Liabilities[0].Amount.Lo++ },
		"equity more":           func(in *report.Inputs) { in.Liabilities[len(in.Liabilities)-1].Amount.Lo++ },
		"no equity":             func(in *report.Inputs) { in.Liabilities = in.Liabilities[:3] },
		"no word of underwater": func(in *report.Inputs) { in.Ledger.Underwater = nil },
		"nothing written off":   func(in *report.Inputs) { in.Ledger.Underwater.Sum = nil },
		"nobody under water":    func(in *report.Inputs) { in.Ledger.Underwater.Customers = 0 },
		"more than there are":   func(in *report.Inputs) { in.Ledger.Underwater.Customers = 4 },
		"error wrote off":       func(in *report.Inputs) { in.Ledger.Underwater.Rule = report.RuleError },
		"another rule":          func(in *report.Inputs) { in.Ledger.Underwater.Rule = report.RuleExclude },
		"more written off":      func(in *report.Inputs) { in.Ledger.Underwater.Sum[0].Amount = units(t, "2000000000000000000") },
		"written off of BTC":    func(in *report.Inputs) { in.Ledger.Underwater.Sum[0].Asset = "BTC" },
		"a column written off":  func(in *report.Inputs) { in.Ledger.Underwater.Sum[0].Asset = "debit:USDT" },
		"debits left out":       func(in *report.Inputs) { in.Ledger.Negatives.Rule = report.RuleExclude },
		"debits refused":        func(in *report.Inputs) { in.Ledger.Negatives.Rule = report.RuleError },
		"fewer below zero":      func(in *report.Inputs) { in.Ledger.Negatives.Sum[0].Amount = units(t, "4000000000000000000") },
		"another price": func(in *report.Inputs) {
			m := prices()
			m.Prices[1].Price = "60001"
			s, err := in.Snapshot.WithMargin(m)
			if err != nil {
				t.Fatal(err)
			}
			in.Snapshot = s
			in.Files = files(t, *in)
		},
		"a price changed after": func(in *report.Inputs) { in.Snapshot.Margin.Prices[0].Price = "60001" },
	} {
		in := borrowed(t)
		if spoil(&in); draftable(in) {
			t.Errorf("%s: it was drafted", name)
		}
	}
	in := inputs(t)
	in.Ledger.Underwater = &report.Underwater{Rule: report.RuleError}
	if draftable(in) {
		t.Error("underwater without margin: it was drafted")
	}
	in = inputs(t)
	in.Ledger.Negatives.Rule = report.RuleDebit
	if draftable(in) {
		t.Error("debits without margin: it was drafted")
	}
}

func draftable(in report.Inputs) bool {
	_, _, err := report.Draft(in)
	return err == nil
}

func TestMarginFormat(t *testing.T) {
	for name, spoil := range map[string]func(m *report.Margin){
		"no currency":   func(m *report.Margin) { m.Currency = "" },
		"lower case":    func(m *report.Margin) { m.Currency = "usd" },
		"long currency": func(m *report.Margin) { m.Currency = strings.Repeat("A", 17) },
		"no source":     func(m *report.Margin) { m.Source = "" },
		"long source":   func(m *report.Margin) { m.Source = strings.Repeat("a", 257) },
		"bidi source":   func(m *report.Margin) { m.Source = "a\u202eb" },
		"no prices":     func(m *report.Margin) { m.Prices = nil },
		"another asset": func(m *report.Margin) { m.Prices[0].Asset = "EUR" },
		"twice":         func(m *report.Margin) { m.Prices[0].Asset = "BTC" },
		"weight":        func(m *report.Margin) { m.Prices[0].Weight = 101 },
		"price":         func(m *report.Margin) { m.Prices[0].Price = "1.0" },
	} {
		m := prices()
		spoil(&m)
		if _, err := snapshot(t).WithMargin(m); err == nil || !strings.Contains(err.Error(), "margin.") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// What changed of prices and debts is said, and debts that moved too far are a drift; debits are no entries left out.
func TestMarginCompared(t *testing.T) {
	former := stated(t, borrowed(t))
	in := borrowed(t)
	m := prices()
	m.Currency, m.Source, m.Prices[1].Price = "EUR", "another index", "50000"
	s, err := in.Snapshot.WithMargin(m)
	if err != nil {
		t.Fatal(err)
	}
	rule, err := s.MarginRule()
	if err != nil {
		t.Fatal(err)
	}
	in.Snapshot = s
	if in.Liabilities, err = rule.Close(append(slices.Clone(in.Liabilities[:2]), merkle.Entry{Asset: 3, Amount: merkle.Amount{Lo: 3 * oneUSDT}})); err != nil {
		t.Fatal(err)
	}
	in.Ledger.Underwater.Customers, in.Ledger.Underwater.Sum[0].Amount = 2, units(t, "2000000000000000000")
	in.Files = files(t, in)
	draft := stated(t, in)
	var got []string
	for _, c := range report.Diff(former, draft) {
		got = append(got, c.String())
	}
	want := []string{
		"margin currency: USD → EUR", "margin source: an index → another index",
		"price BTC: 60000 USD, weight 90 % → 50000 EUR, weight 90 %", "price USDT: 1 USD, weight 100 % → 1 EUR, weight 100 %",
		"debts USDT: 4 → 3 (-1)", "customers under water: 1 → 2 (+1)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	drifts := driftsOf(former, draft, report.DriftLimits{Liabilities: 24, Excluded: 1})
	want = []string{"debts USDT: 4 → 3 (-25 %), more than 24 %", "customers under water: 33.33 % → 66.66 % (+33.33), more than 1"}
	if diff := cmp.Diff(want, drifts); diff != "" {
		t.Error(diff)
	}
	if got := driftsOf(stated(t, inputs(t)), former, report.DriftLimits{Excluded: 1, Liabilities: 1}); len(got) != 0 {
		t.Errorf("debits are left out: %v", got)
	}
	if !slices.ContainsFunc(report.Warnings(draft), func(w string) bool { return strings.Contains(w, "2 of 3 customers are under water") }) {
		t.Errorf("no warning: %v", report.Warnings(draft))
	}
}
