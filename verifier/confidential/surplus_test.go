package confidential

import (
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
	"github.com/assay-por/assay/verifier/tree"
)

// Hidden totals: what is owed and a surplus make what is held, and how they share it stays unseen.
func TestCheck_HiddenTotals(t *testing.T) {
	for _, rows := range [][]int64{{5}, {5, 7}, {5, 7, 1}, {5, 7, 1, 2}, {0}} {
		for _, held := range []int64{15, 1000} {
			if err := check(t, covering(t, []int64{held}, amounts(rows...))); err != nil {
				t.Errorf("%v owed, %d held: %v", rows, held, err)
			}
		}
	}
	if err := check(t, covering(t, []int64{12, 3}, [][]*big.Int{{big.NewInt(5), big.NewInt(2)}, {big.NewInt(7), big.NewInt(1)}})); err != nil {
		t.Error(err)
	}
}

// A shortfall is a surplus below zero, which is no row of bits; and the row is pinned like every other.
func TestZ05_NegativeSurplus(t *testing.T) {
	v := covering(t, []int64{12}, amounts(5, 7))
	v.Surplus[0] = small(-1)
	v.Statement.Totals[0] = big.NewInt(11)
	v.Settle()
	refused(t, check(t, v), notTrue)
	v = covering(t, []int64{12}, amounts(5, 7))
	v.Surplus[0], v.Statement.Totals[0] = small(2), big.NewInt(14)
	v.Settle()
	refused(t, check(t, v), notTrue)
}

func TestZ17_SurplusOfAnother(t *testing.T) {
	p, _ := parameters(t, 1)
	v := covering(t, []int64{20}, amounts(5, 7, 3))
	proof, rows := v.Prove(), v.Rows()
	other := tree.PointOf(v.Commit(confidentialtest.Bits(big.NewInt(6)), fr.Element{}))
	for name, change := range map[string]func(*Claim, []point) []point{
		"left out":        func(c *Claim, rows []point) []point { c.Surplus = nil; return rows },
		"another":         func(c *Claim, rows []point) []point { c.Surplus = &other; return rows },
		"in the tree too": func(c *Claim, rows []point) []point { c.Rows++; return append(rows, c.Surplus.Affine()) },
		"a shard's row":   func(c *Claim, rows []point) []point { s := tree.PointOf(rows[2]); c.Surplus = &s; return rows },
		"instead of a row": func(c *Claim, rows []point) []point {
			s := c.Surplus
			c.Surplus, rows[2] = nil, s.Affine()
			return rows
		},
	} {
		t.Run(name, func(t *testing.T) {
			claim := claimed(v)
			rows := change(&claim, slices.Clone(rows))
			if err := p.Check(claim, proof, given(rows), 1); err == nil {
				t.Error("accepted")
			}
		})
	}
	// As one more shard it is refused because nobody absorbed it as a surplus, though rows and sum are the same.
	claim := claimed(v)
	surplus := claim.Surplus.Affine()
	claim.Surplus = nil
	claim.Rows++
	var sum point
	in := claim.Sum.Affine()
	claim.Sum = tree.PointOf(*sum.Add(&in, &surplus))
	refused(t, p.Check(claim, proof, given(append(v.Rows(), surplus)), 1), notTrue)
	v.Cheat.Silent = "surplus"
	refused(t, check(t, v), notTrue)
	claim = claimed(v)
	claim.Surplus = &tree.Point{}
	refused(t, p.Check(claim, proof, given(v.Rows()), 1), "the surplus is the identity")
	claim = claimed(newProver(t, Shard, amounts(1)))
	claim.Surplus = &other
	refused(t, p.Check(claim, nil, nil, 1), "a shard has no surplus")
}
