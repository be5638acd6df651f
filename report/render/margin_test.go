package render_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
)

// The page of a report with margin accounts has their prices and debts, and says that these are subtracted from nothing.
func TestMarginAccounts(t *testing.T) {
	in := inputs(t)
	var err error
	in.Snapshot, err = in.Snapshot.WithMargin(report.Margin{Currency: "USD", Source: "the index of <Demo>",
		Prices: []report.Price{{Asset: "BTC", Price: "60000.5", Weight: 90}, {Asset: "USDT", Price: "1", Weight: 100}}})
	if err != nil {
		t.Fatal(err)
	}
	rule, err := in.Snapshot.MarginRule()
	if err != nil {
		t.Fatal(err)
	}
	in.Liabilities, err = rule.Close(append(slices.Clone(in.Liabilities), merkle.Entry{Asset: 6, Amount: amount(t, "1200000000")}))
	if err != nil {
		t.Fatal(err)
	}
	in.Ledger.Negatives.Rule = report.RuleDebit
	in.Ledger.Underwater = &report.Underwater{Rule: report.RuleWriteOff, Customers: 2, Sum: []report.AssetAmount{{Asset: "USDT", Amount: units(t, "50000000")}}}
	in.Claims, in.Bands = nil, nil
	in.Files = exampleFiles(t, in)
	envelope, lines := signed(t, in)
	var page bytes.Buffer
	if err := render.HTML(&page, render.Files{Envelope: envelope, Lines: lines}, english(t)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"What customers owe the exchange is not subtracted from any amount", "The debts of 2 customers were worth more than the collateral: they were written off",
		"Price in USD", ">60000.5<", ">90 %<", ">1,200.00<", ">50.00<", "taken as debts", "the index of &lt;Demo&gt;",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	text := page.String()
	for _, tag := range []string{"<", ">"} {
		text = strings.ReplaceAll(text, tag, " ")
	}
	if err := report.CheckWording(text); err != nil {
		t.Error(err)
	}
}
