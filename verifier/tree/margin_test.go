package tree

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// The rule is that of big integers, at the greatest factors and amounts too.
func TestMargin_AgainstBig(t *testing.T) {
	random := rand.New(rand.NewPCG(30, 1))
	number := func(width int) *big.Int {
		n := new(big.Int)
		for range random.IntN(width) + 1 {
			n.Lsh(n, 1)
			if random.IntN(4) > 0 {
				n.SetBit(n, 0, 1)
			}
		}
		return n
	}
	for range 2000 {
		columns := 1 + random.IntN(6)
		c := Commitment{Assets: make([]string, columns+2), Margin: make([]*big.Int, columns+2)}
		total, sum := new(big.Int), Sum{}
		for i := range columns {
			c.Margin[i] = number(96)
			if random.IntN(2) == 0 {
				c.Margin[i].Neg(c.Margin[i])
			}
			amount := number(128)
			total.Add(total, new(big.Int).Mul(amount, c.Margin[i]))
			sum = append(sum, Entry{uint16(i), amountOf(t, amount)})
		}
		if total.Sign() < 0 {
			for _, factor := range c.Margin[:columns] {
				factor.Neg(factor)
			}
		}
		total.Abs(total)
		low, high := new(big.Int).And(total, new(big.Int).SetUint64(1<<64-1)), new(big.Int).Rsh(total, 64)
		if high.BitLen() > 128 {
			continue // no row has it
		}
		c.Margin[columns], c.Margin[columns+1] = big.NewInt(-1), new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 64))
		sum = append(sum, Entry{uint16(columns), amountOf(t, low)}, Entry{uint16(columns + 1), amountOf(t, high)})
		r, err := c.rule()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.check(sum); err != nil {
			t.Fatalf("%v · %v: %v", c.Margin, sum, err)
		}
		off := random.IntN(len(sum))
		sum[off].Amount.lo ^= 1 << random.IntN(64)
		if c.Margin[off].Sign() != 0 && r.check(sum) == nil {
			t.Fatalf("%v · %v: accepted", c.Margin, sum)
		}
	}
}

func amountOf(t *testing.T, n *big.Int) Amount {
	t.Helper()
	a, err := ParseAmount(n.String())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// At the limits nothing wraps: 1,024 products of the greatest factor and the greatest amount.
func TestMargin_NothingWraps(t *testing.T) {
	greatest := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 96), big.NewInt(1))
	c, most := Commitment{}, Amount{1<<64 - 1, 1<<64 - 1}
	var sum Sum
	for i := range 1024 {
		factor := new(big.Int).Set(greatest)
		if i%2 == 1 {
			factor.Neg(factor)
		}
		c.Assets, c.Margin = append(c.Assets, ""), append(c.Margin, factor)
		sum = append(sum, Entry{uint16(i), most})
	}
	r, err := c.rule()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.check(sum); err != nil {
		t.Errorf("the greatest products: %v", err)
	}
	if r.check(sum[:1023]) == nil {
		t.Error("one product less was accepted")
	}
}

func TestMargin_RuleOfAnotherRegistry(t *testing.T) {
	for _, tt := range []struct {
		margin []*big.Int
		reason string
	}{
		{[]*big.Int{}, "0 factors, a row 2 columns"},
		{[]*big.Int{big.NewInt(1), new(big.Int).Lsh(big.NewInt(-1), 96)}, "2^96 or more"},
	} {
		c := Commitment{Assets: []string{"BTC", "debit:BTC"}, Margin: tt.margin}
		if _, err := c.rule(); err == nil || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("got %v, want %q", err, tt.reason)
		}
	}
	c := Commitment{Assets: []string{"BTC"}}
	if r, err := c.rule(); r != nil || err != nil {
		t.Errorf("without margin: %v, %v", r, err)
	}
	if err := new(Proof).CheckMargin(c); err == nil {
		t.Error("a statement without margin passed its check")
	}
}
