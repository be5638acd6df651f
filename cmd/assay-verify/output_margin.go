package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/assay-por/assay/verifier"
)

// margin prints the prices by which collateral is measured against debts, and what customers owe. Whether all of them are covered, the checks say.
func (p *page) margin(m *verifier.Margin) {
	p.line("\nMargin accounts: collateral against debts, at the prices of %s", m.Source)
	table := tabwriter.NewWriter(p, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "  asset\tprice in %s\tcounts as collateral\tall customers owe\t\n", escape(m.Currency))
	for _, price := range m.Prices {
		fmt.Fprintf(table, "  %s\t%s\t%d %%\t%s\t\n", escape(price.Asset), price.Price, price.Weight, dash(price.Debts))
	}
	table.Flush()
	if m.Equity != "" {
		p.line("  collateral less debts of all customers: %s %s", m.Equity, m.Currency)
	}
	p.line("  What customers owe is subtracted from nothing that is owed to them, and counts as no reserve.")
}
