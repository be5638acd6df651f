package render

import (
	"slices"

	"github.com/assay-por/assay/report"
)

// borrowing is what a statement says of margin accounts (SPEC part 30).
type borrowing struct {
	Currency, Source string
	Prices           []price
	Underwater       uint64 // customers whose debts were written off
}

type price struct {
	Asset, Price     string
	Weight           uint8
	Owed, WrittenOff figure // Owed is for the page only where totals are not hidden
}

func newBorrowing(w Words, p report.Predicate) *borrowing {
	m := p.Snapshot.Margin
	if m == nil {
		return nil
	}
	b := &borrowing{Currency: m.Currency, Source: m.Source}
	off := map[string]report.Units{}
	for _, a := range p.Ledger.Underwater.Sum {
		off[a.Asset] = a.Amount
	}
	debts := map[string]report.Units{}
	for _, d := range p.Debts() {
		debts[d.Asset] = d.Amount
	}
	for _, at := range m.Prices {
		of := p.Snapshot.Assets[slices.Index(p.Snapshot.AssetIDs(), at.Asset)]
		show := func(u report.Units) figure {
			return money(w, u, of.Decimals, places(of.Decimals, debts[of.ID], off[of.ID]), of.ID)
		}
		b.Prices = append(b.Prices, price{Asset: of.ID, Price: at.Price, Weight: at.Weight, Owed: show(debts[of.ID]), WrittenOff: show(off[of.ID])})
	}
	b.Underwater = p.Ledger.Underwater.Customers
	return b
}
