package confidential

import (
	"math/big"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
	"github.com/assay-por/assay/verifier/tree"
)

// hiding are total rows, and after them the surplus up to reserves of 100.
func hiding(t *testing.T, list ...int64) *prover {
	t.Helper()
	v := newProver(t, Top, amounts(list...))
	v.Hidden = true
	v.Settle()
	return v
}

// Hidden totals show that no more is owed than the reserves that count, as the statement has them: not than others, and not with a surplus
// below zero.
func TestZ19_HiddenTotals(t *testing.T) {
	for _, list := range [][]int64{{100, 0}, {40, 60}, {10, 20, 70}, {10, 20, 30, 40}, {1, 2, 3, 4, 90}} {
		if err := check(t, hiding(t, list...)); err != nil {
			t.Errorf("%v: %v", list, err)
		}
	}
	p, _ := parameters(t, 1)
	good := hiding(t, 10, 20, 70)
	proof, rows := good.Prove(), given(good.Rows()[:2])
	for name, change := range map[string]func(*Claim){
		"other reserves":          func(c *Claim) { c.Totals = []*big.Int{big.NewInt(101)} },
		"another surplus":         func(c *Claim) { c.Surplus = c.Sum },
		"the surplus in the tree": func(c *Claim) { c.Rows, c.Surplus = 3, tree.Point{} },
		"no surplus":              func(c *Claim) { c.Surplus = tree.Point{} },
	} {
		claim := claimed(good)
		change(&claim)
		if err := p.Check(claim, proof, rows, 1); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	claim := claimed(good)
	claim.Level, claim.Total = Shard, claim.Sum
	refused(t, p.Check(claim, proof, rows, 1), "only the top has one")
	t.Run("a surplus below zero", func(t *testing.T) {
		v := hiding(t, 60, 50, 0)
		v.Entries[2][0] = small(-10)
		v.Statement.Totals = []*big.Int{big.NewInt(100)}
		v.Settle()
		refused(t, check(t, v), notTrue)
	})
	t.Run("reserves one more than they are", func(t *testing.T) {
		v := hiding(t, 10, 20, 70)
		v.Statement.Totals = []*big.Int{big.NewInt(101)}
		refused(t, check(t, v), "is not the stated one")
	})
	t.Run("the transcript leaves out the surplus", func(t *testing.T) {
		v := hiding(t, 10, 20, 70)
		v.Cheat = confidentialtest.Cheats{Silent: "surplus"}
		refused(t, check(t, v), notTrue)
	})
}
