package tree

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
)

// A rule is one number a column, whose products with a row's amounts add up to nothing (SPEC part 30). nil: there is none.
type rule []factor

// A factor is a whole number below 2^96 in magnitude.
type factor struct {
	below     bool // zero
	magnitude Amount
}

const factorBits = 96

// rule makes the statement's factors ready for many rows.
func (c Commitment) rule() (rule, error) {
	if c.Margin == nil {
		return nil, nil
	}
	if len(c.Margin) != len(c.Assets) {
		return nil, fmt.Errorf("the margin's rule has %d factors, a row %d columns", len(c.Margin), len(c.Assets))
	}
	list := make(rule, len(c.Margin))
	for i, f := range c.Margin {
		if f.BitLen() > factorBits {
			return nil, fmt.Errorf("the margin's factor of %s is 2^%d or more in magnitude", c.Assets[i], factorBits)
		}
		magnitude := new(big.Int).Abs(f)
		list[i] = factor{f.Sign() < 0, Amount{hi: new(big.Int).Rsh(magnitude, 64).Uint64(), lo: magnitude.Uint64()}}
	}
	return list, nil
}

var errMargin = errors.New("its net equity is not the worth of its collateral less that of its debts, at the margin's prices")

// check adds up what counts and what counts against it: at most 1,024 products of 96 and 128 bits each, below 2^234.
func (r rule) check(s Sum) error {
	if r == nil {
		return nil
	}
	var above, below wide
	for _, e := range s {
		f := &r[e.Asset]
		if f.below {
			below.addProduct(f.magnitude, e.Amount)
		} else {
			above.addProduct(f.magnitude, e.Amount)
		}
	}
	if above != below {
		return errMargin
	}
	return nil
}

// wide is an unsigned number of 256 bits, the lowest 64 first.
type wide [4]uint64

// addProduct adds a × b. Requires that the sum stays below 2^256.
func (w *wide) addProduct(a, b Amount) {
	w.addAt(0, a.lo, b.lo)
	w.addAt(1, a.lo, b.hi)
	w.addAt(1, a.hi, b.lo)
	w.addAt(2, a.hi, b.hi)
}

func (w *wide) addAt(limb int, a, b uint64) {
	hi, lo := bits.Mul64(a, b)
	var carry uint64
	w[limb], carry = bits.Add64(w[limb], lo, 0)
	w[limb+1], carry = bits.Add64(w[limb+1], hi, carry)
	for i := limb + 2; i < len(w); i++ {
		w[i], carry = bits.Add64(w[i], 0, carry)
	}
}

// CheckMargin is the check `proof.margin` (SPEC part 30): the balances shown satisfy the margin's rule. Requires that CheckStatement passed.
func (p *Proof) CheckMargin(c Commitment) error {
	balances, err := newRegistry(c.Assets).sum(p.Balances)
	if err != nil {
		return fmt.Errorf("balances: %w", err)
	}
	margin, err := c.rule()
	if err != nil {
		return err
	}
	if margin == nil {
		return errors.New("the statement has no margin")
	}
	return margin.check(balances)
}
