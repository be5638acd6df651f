package merkle

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/holiman/uint256"
)

// Columns beyond those of assets are named by a prefix and an asset id, or by these (SPEC part 30).
const (
	debitPrefix  = "debit:"
	equityLow    = "equity:low"
	equityHigh   = "equity:high"
	equityCount  = 2
	factorBits   = 96
	priceDigits  = 36 // after the point
	equityHalf   = 64 // bits of equity:low
	mostOfEquity = equityHalf + 128
)

// Price is what one whole asset is worth, and how much of a credit of it is collateral (SPEC part 30).
type Price struct {
	Asset  uint16 `json:"asset"`  // index in the registry
	Price  string `json:"price"`  // a decimal above 0, of the margin's currency
	Weight uint8  `json:"weight"` // 0 … 100 percent
}

// Margin is the rule of margin accounts (SPEC part 30): which columns a sum has, and which net equity a row. It is immutable and safe for
// concurrent use.
type Margin struct {
	assets  int
	debits  []uint16 // by asset: its debit column, 0 if it has none
	priced  []uint16 // the assets of debit columns, in order
	factors []*big.Int
	plus    []uint256.Int // by column: its factor, of an asset
	minus   []uint256.Int // the same of a debit, without the sign
	scale   int
}

// ErrUnderwater says that the debts of a row are worth more than its collateral (SPEC part 30).
var ErrUnderwater = errors.New("its debts are worth more than its collateral")

// PriceError says which price cannot be, and why.
type PriceError struct {
	Price   int // from 0
	Problem string
}

// Error returns "price #3 is 0: what to do".
func (e *PriceError) Error() string { return fmt.Sprintf("price #%d %s", e.Price, e.Problem) }

// NewMargin makes the rule of prices in registry order (SPEC part 30). It takes the decimals of all assets. What is wrong with one price is a
// [*PriceError].
func NewMargin(decimals []uint8, prices []Price) (*Margin, error) {
	columns := len(decimals) + len(prices) + equityCount
	switch {
	case len(prices) == 0:
		return nil, errors.New("there are no prices, want one at least")
	case columns > MaxAssets:
		return nil, fmt.Errorf("%d assets and %d prices make %d columns, want at most %d: give fewer prices", len(decimals), len(prices), columns, MaxAssets)
	}
	m := &Margin{assets: len(decimals), debits: make([]uint16, len(decimals)), factors: make([]*big.Int, columns)}
	for j := range m.factors {
		m.factors[j] = new(big.Int)
	}
	debit := make([]fraction, len(prices))
	credit := make([]fraction, len(prices))
	for i, p := range prices {
		if int(p.Asset) >= len(decimals) || i > 0 && p.Asset <= prices[i-1].Asset {
			return nil, &PriceError{i, fmt.Sprintf("is of asset #%d, want assets of the registry in its order, each once", p.Asset)}
		}
		if p.Weight > 100 {
			return nil, &PriceError{i, fmt.Sprintf("has the weight %d, want 0 to 100", p.Weight)}
		}
		digits, places, err := parsePrice(p.Price)
		if err != nil {
			return nil, &PriceError{i, err.Error()}
		}
		at := places + int(decimals[p.Asset])
		debit[i] = newFraction(digits, at)
		credit[i] = newFraction(new(big.Int).Mul(digits, big.NewInt(int64(p.Weight))), at+2)
		m.scale = max(m.scale, debit[i].places, credit[i].places)
	}
	for i, p := range prices {
		column := len(decimals) + i
		m.debits[p.Asset] = uint16(column) //nolint:gosec // below MaxAssets
		m.priced = append(m.priced, p.Asset)
		m.factors[p.Asset] = credit[i].times(m.scale)
		m.factors[column] = new(big.Int).Neg(debit[i].times(m.scale))
		if m.factors[p.Asset].BitLen() > factorBits || m.factors[column].BitLen() > factorBits {
			return nil, &PriceError{i, fmt.Sprintf("is 2^96 or more in units of 10^-%d, which the finest price needs: round the prices of the cheapest assets, or leave them out", m.scale)}
		}
	}
	m.factors[columns-2].SetInt64(-1)
	m.factors[columns-1].Neg(new(big.Int).Lsh(big.NewInt(1), equityHalf))
	m.plus, m.minus = make([]uint256.Int, columns), make([]uint256.Int, columns)
	for j, n := range m.factors[:columns-equityCount] {
		if n.Sign() > 0 {
			m.plus[j].SetFromBig(n)
		} else {
			m.minus[j].SetFromBig(new(big.Int).Neg(n))
		}
	}
	return m, nil
}

// fraction is digits / 10^places, of the fewest places that will do.
type fraction struct {
	digits *big.Int
	places int
}

func newFraction(digits *big.Int, places int) fraction {
	ten, rest := big.NewInt(10), new(big.Int)
	if digits.Sign() == 0 {
		return fraction{digits, 0}
	}
	for places > 0 {
		next := new(big.Int)
		if next.QuoRem(digits, ten, rest); rest.Sign() != 0 {
			break
		}
		digits, places = next, places-1
	}
	return fraction{digits, places}
}

// times is the fraction times 10^scale. Requires scale to be its places at least.
func (f fraction) times(scale int) *big.Int {
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-f.places)), nil)
	return n.Mul(n, f.digits)
}

// parsePrice reads a decimal above 0 (SPEC parts 2 and 30).
func parsePrice(s string) (digits *big.Int, places int, err error) {
	whole, part, dotted := strings.Cut(s, ".")
	bad := whole == "" || strings.Trim(whole, "0123456789") != "" || whole[0] == '0' && whole != "0" || len(whole) > 78
	bad = bad || strings.Trim(part, "0123456789") != "" || dotted && (part == "" || part[len(part)-1] == '0')
	switch {
	case bad:
		return nil, 0, errors.New("is not a decimal: write digits, or digits, a dot and digits of which the last is not 0")
	case len(part) > priceDigits:
		return nil, 0, fmt.Errorf("has %d digits after the point, want at most %d", len(part), priceDigits)
	case s == "0":
		return nil, 0, errors.New("is 0: leave out assets that are worth nothing")
	}
	digits, _ = new(big.Int).SetString(whole+part, 10) // digits only, so it parses
	return digits, len(part), nil
}

// Columns returns how many columns a sum has.
func (m *Margin) Columns() int { return len(m.factors) }

// Debit returns the column of an asset's debits, and whether it has one.
func (m *Margin) Debit(asset int) (column uint16, is bool) {
	return m.debits[asset], m.debits[asset] > 0
}

// Scale returns s: net equity is counted in units of 10^-s of the currency (SPEC part 30).
func (m *Margin) Scale() int { return m.scale }

// Factors returns λ of each column (SPEC part 30). They are not to be changed.
func (m *Margin) Factors() []*big.Int { return m.factors }

// Names returns the columns' names, of the registry's asset ids in order (SPEC part 30).
func (m *Margin) Names(assets []string) []string {
	names := make([]string, m.assets, m.Columns())
	copy(names, assets)
	for _, asset := range m.priced {
		names = append(names, debitPrefix+assets[asset])
	}
	return append(names, equityLow, equityHigh)
}

// Close returns a row of credits and debits with its net equity appended, or [ErrUnderwater] (SPEC part 30).
func (m *Margin) Close(row Plain) (Plain, error) {
	var credits, debts, part uint256.Int
	for _, e := range row {
		amount := uint256.Int{e.Amount.Lo, e.Amount.Hi}
		// No sum reaches 2^256: it is below 1024 · 2^128 · 2^96.
		credits.Add(&credits, part.Mul(&amount, &m.plus[e.Asset]))
		debts.Add(&debts, part.Mul(&amount, &m.minus[e.Asset]))
	}
	if credits.Lt(&debts) {
		return row, ErrUnderwater
	}
	equity := credits.Sub(&credits, &debts)
	if equity.BitLen() > mostOfEquity {
		return row, fmt.Errorf("its net equity is 2^%d or more in units of 10^-%d, which the finest price needs: round the prices of the cheapest assets, or leave them out", mostOfEquity, m.scale)
	}
	low, high := Amount{Lo: equity[0]}, Amount{Lo: equity[1], Hi: equity[2]}
	for i, amount := range []Amount{low, high} {
		if !amount.IsZero() {
			row = append(row, Entry{Asset: uint16(m.Columns() - equityCount + i), Amount: amount}) //nolint:gosec // below MaxAssets
		}
	}
	return row, nil
}

// Split returns what of a sum are credits, and what are debits, these by asset index. It leaves net equity out.
func (m *Margin) Split(sum Plain) (credits, debits Plain) {
	n := 0
	for n < len(sum) && int(sum[n].Asset) < m.assets {
		n++
	}
	for _, e := range sum[n:] {
		if i := int(e.Asset) - m.assets; i < len(m.priced) {
			debits = append(debits, Entry{Asset: m.priced[i], Amount: e.Amount})
		}
	}
	return sum[:n:n], debits
}

// Satisfied reports whether a row, or a sum of rows, satisfies the rule: Σ λ v = 0 (SPEC part 30).
func (m *Margin) Satisfied(sum Plain) bool {
	total := new(big.Int)
	for _, e := range sum {
		v := new(big.Int).Lsh(new(big.Int).SetUint64(e.Amount.Hi), 64)
		v.Or(v, new(big.Int).SetUint64(e.Amount.Lo))
		total.Add(total, v.Mul(v, m.factors[e.Asset]))
	}
	return total.Sign() == 0
}
