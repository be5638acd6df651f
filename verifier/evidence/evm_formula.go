package evidence

import (
	"math/big"
	"strconv"
)

const secondsPerYear = 31_536_000 // Aave's year

// ray is 10^27, the one of Aave's fixed-point numbers.
func ray() *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(27), nil) }

// valuation turns a holder's word into a balance.
type valuation func(field string, word *big.Int) (*big.Int, error)

// valuation reads from the state what a token's recipe asks for beyond the holders' words (SPEC part 12, steps 6 and 7).
func (s *evmState) valuation(field string, x *recipe, token account, seconds uint64) (valuation, error) {
	switch {
	case x.share != nil:
		return s.shareValuation(field+".share", x.share, token)
	case x.aave != nil:
		return s.aaveValuation(field+".aave", x.aave, seconds)
	}
	return func(_ string, word *big.Int) (*big.Int, error) { return word, nil }, nil
}

// shareValuation: balance = ⌊word × pool ÷ total⌋.
func (s *evmState) shareValuation(field string, f *shareFormula, token account) (valuation, error) {
	pool, err := s.side(field+".pool", f.pool, token)
	if err != nil {
		return nil, err
	}
	total, err := s.side(field+".total", f.total, token)
	if err != nil {
		return nil, err
	}
	for _, side := range []struct {
		name  string
		value *big.Int
	}{{"pool", pool}, {"total", total}} {
		if side.value.Sign() < 0 {
			return nil, &CheckError{Field: field + "." + side.name, Problem: "its terms come out below 0", Got: side.value.String(), Want: "0 or more"}
		}
	}
	return func(at string, word *big.Int) (*big.Int, error) {
		if total.Sign() > 0 {
			v := new(big.Int).Mul(word, pool)
			return v.Quo(v, total), nil
		}
		if word.Sign() != 0 {
			return nil, &CheckError{Field: at, Problem: "shares of a token whose total is 0", Got: word.String(), Want: "no shares"}
		}
		return word, nil
	}, nil
}

// side adds terms up.
func (s *evmState) side(field string, terms []term, token account) (*big.Int, error) {
	sum := new(big.Int)
	for i, t := range terms {
		at := field + "[" + strconv.Itoa(i) + "]"
		of := token
		if t.contract != nil {
			var err error
			if of, err = s.contract(at+".contract", "the contract of a term", *t.contract); err != nil {
				return nil, err
			}
		}
		value, err := s.integer(at, of, t.slot)
		if err != nil {
			return nil, err
		}
		value = cut(value, t.shift, t.bits)
		value.Mul(value, t.times)
		if t.minus {
			value.Neg(value)
		}
		sum.Add(sum, value)
	}
	return sum, nil
}

// aaveValuation: the word times the income index of the reserve, brought forward to the pinned block.
func (s *evmState) aaveValuation(field string, f *aaveFormula, seconds uint64) (valuation, error) {
	pool, err := s.contract(field+".pool", "the pool", f.pool)
	if err != nil {
		return nil, err
	}
	indexAndRate, err := s.integer(field, pool, slotAt(f.slot, 1))
	if err != nil {
		return nil, err
	}
	updated, err := s.integer(field, pool, slotAt(f.slot, 3))
	if err != nil {
		return nil, err
	}
	since, elapsed := cut(updated, 128, 40), new(big.Int).SetUint64(seconds)
	if elapsed.Sub(elapsed, since).Sign() < 0 {
		return nil, &CheckError{Field: field, Problem: "the reserve was last updated after the pinned block", Got: since.String(), Want: "at most " + strconv.FormatUint(seconds, 10)}
	}
	one := ray()
	half := new(big.Int).Rsh(one, 1)
	growth := elapsed.Mul(elapsed, cut(indexAndRate, 128, 128))
	growth.Quo(growth, big.NewInt(secondsPerYear)).Add(growth, one)
	income := growth.Mul(growth, cut(indexAndRate, 0, 128))
	income.Add(income, half).Quo(income, one)
	return func(_ string, word *big.Int) (*big.Int, error) {
		v := new(big.Int).Mul(word, income)
		if f.rounding == roundHalfUp {
			v.Add(v, half)
		}
		return v.Quo(v, one), nil
	}, nil
}
