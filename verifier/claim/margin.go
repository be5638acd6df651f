package claim

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Names of columns that are no asset's (SPEC part 30).
const (
	debitOf    = "debit:"
	equityLow  = "equity:low"
	equityHigh = "equity:high"
)

const (
	maxColumns = maxAssets
	factorBits = 96
	maxPlaces  = 36 // digits of a price after the point
)

// Price is what one whole asset was worth at the instant, and how many percent of a credit count as collateral (SPEC part 30).
type Price struct {
	Asset  string
	Price  string // a decimal, in the margin's currency
	Weight int
}

// Margin says by what prices every customer's collateral is worth their debts (SPEC part 30).
type Margin struct {
	Currency, Source string
	Prices           []Price
	Factors          []*big.Int // one a column: what a base unit is worth in units of net equity. None where check refuses the margin
	Scale            int        // a unit of net equity is 10^-Scale of the currency
	fault            error
}

func readMargin(r *canon.Reader) *Margin {
	m := new(Margin)
	r.Object(
		canon.Key("currency", func() {
			if m.Currency = r.Text(); len(m.Currency) > 16 || !only(m.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"+digits) {
				r.Fail("want 1-16 of A-Z 0-9")
			}
		}),
		canon.Key("prices", func() {
			r.Array(maxAssets, func(int) { m.Prices = append(m.Prices, readPrice(r)) })
			if len(m.Prices) == 0 {
				r.Fail("no prices")
			}
		}),
		canon.Key("source", func() { m.Source = canon.Parse(r, sized(256)) }),
	)
	return m
}

func readPrice(r *canon.Reader) (p Price) {
	r.Object(
		canon.Key("asset", func() { p.Asset = canon.Parse(r, parseAsset) }),
		canon.Key("price", func() {
			p.Price = canon.Parse(r, parseDecimal)
			if _, fraction, _ := strings.Cut(p.Price, "."); p.Price == "0" || len(fraction) > maxPlaces {
				r.Fail("want a decimal above 0, with at most %d digits after the point", maxPlaces)
			}
		}),
		canon.Key("weight", func() { p.Weight = int(r.Number(100)) }), //nolint:gosec // at most 100
	)
	return p
}

// Columns names what a sum is made of (SPEC part 30): the assets, in registry order, and with margin a debit of each price and net equity.
func (s *Snapshot) Columns() []string {
	names := s.IDs()
	if s.Margin == nil {
		return names
	}
	for _, p := range s.Margin.Prices {
		names = append(names, debitOf+p.Asset)
	}
	return append(names, equityLow, equityHigh)
}

// parseColumn reads the name of a column.
func parseColumn(s string) (string, error) {
	if s == equityLow || s == equityHigh {
		return s, nil
	}
	_, err := parseAsset(strings.TrimPrefix(s, debitOf))
	return s, err
}

// settle computes the factors of all columns, or says why there are none.
func (m *Margin) settle(s *Snapshot) {
	m.Factors = []*big.Int{}
	columns, assets := s.Columns(), s.IDs()
	if len(columns) > maxColumns {
		m.fault = fmt.Errorf("margin: %d columns of assets, debits and net equity, at most %d may be", len(columns), maxColumns)
		return
	}
	rates, last := make([]*big.Rat, len(columns)), -1
	for i := range rates {
		rates[i] = new(big.Rat)
	}
	for i, p := range m.Prices {
		at := slices.Index(assets, p.Asset)
		if at <= last {
			m.fault = fmt.Errorf("margin: the price of %s is of no asset of the registry, twice or out of registry order", p.Asset)
			return
		}
		last = at
		price, _ := new(big.Rat).SetString(p.Price)
		unit := price.Quo(price, new(big.Rat).SetInt(power(10, s.Assets[at].Decimals))) // of one base unit
		rates[at].Mul(unit, big.NewRat(int64(p.Weight), 100))
		rates[len(assets)+i].Neg(unit)
		m.Scale = max(m.Scale, places10(rates[at]), places10(unit))
	}
	m.fault = m.scaled(columns, rates)
}

// scaled makes the rates integers.
func (m *Margin) scaled(columns []string, rates []*big.Rat) error {
	n := len(columns)
	scale := new(big.Rat).SetInt(power(10, m.Scale))
	factors := make([]*big.Int, n)
	for i, rate := range rates {
		factors[i] = new(big.Int).Set(rate.Mul(rate, scale).Num())
		if factors[i].BitLen() > factorBits {
			return fmt.Errorf("margin: a base unit of %s is worth 2^%d or more units of net equity, of which 10^%d are one %s", columns[i], factorBits, m.Scale, m.Currency)
		}
	}
	factors[n-2], factors[n-1] = big.NewInt(-1), new(big.Int).Neg(power(2, 64))
	m.Factors = factors
	return nil
}

// places10 is the number of decimal places of a rate whose denominator has no prime factors but 2 and 5.
func places10(rate *big.Rat) (n int) {
	rest := new(big.Int).Set(rate.Denom())
	twos := int(rest.TrailingZeroBits()) //nolint:gosec // of a denominator of at most 2^250
	five, digit := big.NewInt(5), new(big.Int)
	for rest.Rsh(rest, uint(twos)); rest.Cmp(five) >= 0; n++ { //nolint:gosec // as above
		rest.QuoRem(rest, five, digit)
	}
	return max(n, twos)
}

func power(base int64, exponent int) *big.Int {
	return new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(exponent)), nil)
}

// Equity joins the columns of net equity to units of 10^-Scale of the currency.
func (m *Margin) Equity(low, high *big.Int) *big.Int {
	units := new(big.Int).Lsh(high, 64)
	return units.Add(units, low)
}

// Debts are what customers owe the exchange of each price's asset, in its base units; none where totals are hidden.
func (s *Statement) Debts() []*big.Int {
	if s.Snapshot.Margin == nil || s.Hidden() {
		return nil
	}
	first := len(s.Snapshot.Assets)
	return s.Liabilities[first : first+len(s.Snapshot.Margin.Prices)]
}

// Equity is what all customers' collateral is worth more than their debts, in units of 10^-Scale of the margin's currency.
func (s *Statement) Equity() *big.Int {
	n := len(s.Liabilities)
	return s.Snapshot.Margin.Equity(s.Liabilities[n-2], s.Liabilities[n-1])
}

// CheckMargin is the check `liabilities.margin` (SPEC part 30): the totals satisfy the rule, as sums of rows that do. It requires that the
// snapshot's check passed.
func (s *Statement) CheckMargin() error {
	m := s.Snapshot.Margin
	worth := new(big.Int)
	for i, factor := range m.Factors[:len(m.Factors)-2] {
		worth.Add(worth, new(big.Int).Mul(factor, s.Liabilities[i]))
	}
	if equity := s.Equity(); equity.Cmp(worth) != 0 {
		return fmt.Errorf("collateral less debts of all customers comes to %s, their net equity is stated as %s (in units of 10^-%d %s)", worth, equity, m.Scale, m.Currency)
	}
	return nil
}

// checkDebits is what the check `liabilities.ledger` asks with margin (SPEC part 7): every entry below zero is in a debit column or was
// written off by the rule `debit`, and without that rule there is no debt. Of hidden totals it is not asked.
func (s *Statement) checkDebits() error {
	if s.Snapshot.Margin == nil || s.Hidden() {
		return nil
	}
	got, want := s.zeros(), s.zeros()
	for i, debt := range s.Debts() {
		if at, ok := s.index[s.Snapshot.Margin.Prices[i].Asset]; ok {
			got[at].Add(got[at], debt)
		}
	}
	if err := places("ledger.underwater.sum", s.index, s.Ledger.Underwater.Sum, got); err != nil {
		return err
	}
	if s.Ledger.Negatives.Rule == "debit" {
		if err := places("ledger.negatives.sum", s.index, s.Ledger.Negatives.Sum, want); err != nil {
			return err
		}
	}
	for i, a := range s.Snapshot.Assets {
		if got[i].Cmp(want[i]) != 0 {
			return fmt.Errorf("debts in %s, with what was written off, come to %s base units, entries below zero to %s", a.ID, got[i], want[i])
		}
	}
	return nil
}
