package report

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/assay-por/assay/merkle"
)

const (
	maxCurrency = 16  // SPEC part 30
	maxSource   = 256 // SPEC part 30
)

// Margin is what margin accounts are measured by (SPEC part 30).
type Margin struct {
	Currency string  `json:"currency"`
	Prices   []Price `json:"prices"`
	Source   string  `json:"source"` // whose prices these are
}

// Price is what one whole asset is worth in the margin's currency, a decimal, and how many percent of a credit of it are collateral (SPEC
// part 30).
type Price struct {
	Asset  string `json:"asset"`
	Price  string `json:"price"`
	Weight uint8  `json:"weight"`
}

// WithMargin returns the snapshot with prices for margin accounts, in registry order: its id is another (SPEC part 30).
func (s Snapshot) WithMargin(m Margin) (Snapshot, error) {
	m.Prices = slices.Clone(m.Prices)
	ids := s.AssetIDs()
	slices.SortStableFunc(m.Prices, func(a, b Price) int { return slices.Index(ids, a.Asset) - slices.Index(ids, b.Asset) })
	s.Margin = &m
	if err := s.checkTaken(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	var err error
	if s.ID, err = s.computeID(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	return s, nil
}

// MarginPrices are the prices by the assets' places in registry order, nil without margin accounts (SPEC part 30). Requires a checked
// snapshot.
func (s Snapshot) MarginPrices() []merkle.Price {
	if s.Margin == nil {
		return nil
	}
	ids := s.AssetIDs()
	var all []merkle.Price
	for _, p := range s.Margin.Prices {
		all = append(all, merkle.Price{Asset: uint16(slices.Index(ids, p.Asset)), Price: p.Price, Weight: p.Weight}) //nolint:gosec // below maxAssets
	}
	return all
}

// MarginRule is the rule of margin accounts, nil without any (SPEC part 30).
func (s Snapshot) MarginRule() (*merkle.Margin, error) {
	if s.Margin == nil {
		return nil, nil
	}
	decimals := make([]uint8, len(s.Assets))
	for i, a := range s.Assets {
		decimals[i] = a.Decimals
	}
	return merkle.NewMargin(decimals, s.MarginPrices())
}

// Columns are the names of a sum's columns: the assets' ids in registry order, and with margin accounts those of debits and net equity
// (SPEC part 30). Requires a checked snapshot.
func (s Snapshot) Columns() []string {
	m, err := s.MarginRule()
	if m == nil || err != nil {
		return s.AssetIDs()
	}
	return m.Names(s.AssetIDs())
}

// checkMargin holds the margin to its format and to the limits of its rule (SPEC part 30).
func (s Snapshot) checkMargin() error {
	m := s.Margin
	if m == nil {
		return nil
	}
	if !isOf(m.Currency, 1, maxCurrency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") {
		return fmt.Errorf("margin.currency: %q is not 1 to %d of A-Z 0-9", clip(m.Currency), maxCurrency)
	}
	if err := checkText(m.Source, maxSource); err != nil {
		return fmt.Errorf("margin.source: %w", err)
	}
	ids, last := s.AssetIDs(), -1
	for _, p := range m.Prices {
		i := slices.Index(ids, p.Asset)
		if i <= last {
			return fmt.Errorf("margin.prices: %q is not of the registry, or stands twice or out of its order", clip(p.Asset))
		}
		last = i
	}
	if _, err := s.MarginRule(); err != nil {
		return fmt.Errorf("margin.prices: %w", err)
	}
	return nil
}

// checkMargin holds the totals, unless they are hidden, to the rule that every row satisfies (SPEC part 30, check liabilities.margin).
func (p Predicate) checkMargin() error {
	m, err := p.Snapshot.MarginRule()
	if m == nil || err != nil || p.Tree.Hides() {
		return err
	}
	var totals merkle.Plain
	for i, a := range p.Liabilities {
		if !a.Amount.IsZero() {
			totals = append(totals, merkle.Entry{Asset: uint16(i), Amount: merkle.Amount{Lo: a.Amount.n[0], Hi: a.Amount.n[1]}}) //nolint:gosec // at most 1,024 columns
		}
	}
	if !m.Satisfied(totals) {
		return errors.New("liabilities: credits, debits and net equity do not add up at the snapshot's prices")
	}
	return nil
}

// Debts are what margin customers owe, of every asset with a price, in registry order; none without margin accounts, or where totals are
// hidden (SPEC parts 29 and 30). They are subtracted from nothing.
func (p Predicate) Debts() []AssetAmount {
	if p.Snapshot.Margin == nil || p.Tree.Hides() {
		return nil
	}
	var all []AssetAmount
	for i, price := range p.Snapshot.Margin.Prices {
		all = append(all, AssetAmount{Amount: *p.Liabilities[len(p.Snapshot.Assets)+i].Amount, Asset: price.Asset})
	}
	return all
}

// Underwater tells of customers whose net equity would be below zero; Sum is of the debits that were written off, by asset (SPEC parts 7
// and 30).
type Underwater struct {
	Customers uint64        `json:"customers"`
	Rule      string        `json:"rule"`
	Sum       []AssetAmount `json:"sum"`
}

// check holds what was written off to its format, and to the ledger that it is part of (SPEC part 7).
func (u *Underwater) check(s Snapshot, l Ledger) error {
	if (u != nil) != (s.Margin != nil) {
		return errors.New("underwater: it goes with the snapshot's margin")
	}
	if u == nil {
		return nil
	}
	if err := checkRule("underwater", u.Rule, u.Customers, RuleWriteOff); err != nil {
		return err
	}
	if err := checkSum(s, u.Sum); err != nil {
		return fmt.Errorf("underwater: %w", err)
	}
	if u.Customers > l.Customers || (u.Customers == 0) != (len(u.Sum) == 0) {
		return errors.New("underwater: a sum without customers, or customers without a sum, or more of them than there are")
	}
	if u.Customers > 0 && (l.Negatives.Rule != RuleDebit || u.Customers > l.Negatives.Entries) {
		return fmt.Errorf("underwater: %d customers, of whom each has a debit, and by the rule %s of negatives %d entries below zero", u.Customers, l.Negatives.Rule, l.Negatives.Entries)
	}
	return nil
}

// checkDebits ties the debit columns out against entries below zero (SPEC part 7).
func (l Ledger) checkDebits(s Snapshot, liabilities []Liability) error {
	if s.Margin == nil {
		return nil
	}
	below := map[string]Units{}
	if l.Negatives.Rule == RuleDebit {
		for _, a := range l.Negatives.Sum {
			below[a.Asset] = a.Amount
		}
	}
	owed := map[string]Units{}
	for i, price := range s.Margin.Prices {
		owed[price.Asset] = *liabilities[len(s.Assets)+i].Amount
	}
	for _, a := range l.Underwater.Sum {
		sum, err := owed[a.Asset].Add(a.Amount)
		if err != nil {
			return fmt.Errorf("underwater: %s: %w", a.Asset, err)
		}
		owed[a.Asset] = sum
	}
	for _, id := range s.AssetIDs() {
		if !owed[id].Equal(below[id]) {
			return fmt.Errorf("debits in the tree and what was written off add up to %s of %s, entries below zero that are debits to %s", owed[id], id, below[id])
		}
	}
	return nil
}

// share is the share of customers under water; none without margin accounts.
func (u *Underwater) share(customers uint64) *big.Rat {
	if u == nil || customers == 0 {
		return nil
	}
	return new(big.Rat).SetFrac(new(big.Int).SetUint64(u.Customers), new(big.Int).SetUint64(customers))
}

// margin compares margin accounts and their prices.
func (d *changes) margin(from, to Predicate) {
	a, b := cmpMargin(from), cmpMargin(to)
	d.text("margin currency", "", a.currency, b.currency)
	d.text("margin source", "", a.source, b.source)
	for _, id := range union(from.Snapshot.AssetIDs(), to.Snapshot.AssetIDs()) {
		d.text("price", id, a.prices[id], b.prices[id])
		if a.debts[id] != nil || b.debts[id] != nil {
			d.amount("debts", id, a.debts[id], b.debts[id], owed)
		}
	}
	d.count("customers under water", a.underwater, b.underwater)
}

// margin looks for debts that moved, and for more customers under water.
func (d *drifts) margin(from, to Predicate, limits DriftLimits) {
	a, b := cmpMargin(from), cmpMargin(to)
	for _, id := range union(from.Snapshot.AssetIDs(), to.Snapshot.AssetIDs()) {
		if a.debts[id] != nil && b.debts[id] != nil {
			d.amount("debts", id, a.debts[id], b.debts[id], owed, limits.Liabilities)
		}
	}
	d.share("customers under water", from.Ledger.Underwater.share(from.Ledger.Customers), to.Ledger.Underwater.share(to.Ledger.Customers), limits.Excluded)
}

// compared is what of margin accounts two statements are compared by.
type compared struct {
	currency, source string
	prices           map[string]string
	debts            map[string]*held // in place of what is owed to customers, and hidden like that
	underwater       uint64
}

func cmpMargin(p Predicate) compared {
	c := compared{prices: map[string]string{}, debts: map[string]*held{}}
	m := p.Snapshot.Margin
	if m == nil {
		return c
	}
	c.currency, c.source, c.underwater = m.Currency, m.Source, p.Ledger.Underwater.Customers
	for _, price := range m.Prices {
		c.prices[price.Asset] = fmt.Sprintf("%s %s, weight %d %%", price.Price, m.Currency, price.Weight)
		c.debts[price.Asset] = &held{decimals: p.Snapshot.Assets[slices.Index(p.Snapshot.AssetIDs(), price.Asset)].Decimals}
	}
	for _, debt := range p.Debts() {
		c.debts[debt.Asset].Liabilities = &debt.Amount
	}
	return c
}
