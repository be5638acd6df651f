package confidential

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

const notTrue = "the proof does not hold"

// A total at or above 2^200 could be another one modulo the group order; a number of rows or a factor beyond their range could wrap.
func TestZ01_UnrangedPublicParameter(t *testing.T) {
	p, _ := parameters(t, 1)
	v := newProver(t, Top, amounts(3, 4))
	good, rows := v.Prove(), given(v.Rows())
	for _, total := range []*big.Int{new(big.Int).Add(big.NewInt(7), fr.Modulus()), big.NewInt(-7), new(big.Int).Lsh(big.NewInt(1), 200)} {
		claim := claimed(v)
		claim.Totals = []*big.Int{total}
		refused(t, p.Check(claim, good, rows, 1), "total of asset #0")
	}
	// The prover knows no other total; one that is equal modulo q is what it would state.
	v.Statement.Totals = []*big.Int{new(big.Int).Add(big.NewInt(7), fr.Modulus())}
	refused(t, check(t, v), "total of asset #0")
	v = newProver(t, Top, amounts(3, 4))
	for _, n := range []uint64{0, 1 << 31} {
		claim := claimed(v)
		claim.Rows = n
		refused(t, p.Check(claim, good, rows, 1), "rows, want 1 to")
	}
	v = newProver(t, Shard, amounts(0, 0))
	v.Statement.Relations = [][]*big.Int{{new(big.Int).Lsh(big.NewInt(1), 96)}}
	refused(t, p.Check(claimed(v), nil, rows, 1), "relation #0, asset #0")
	v.Statement.Relations = [][]*big.Int{{}}
	refused(t, p.Check(claimed(v), nil, rows, 1), "has 0 numbers")
	v.Statement.Relations, v.Statement.Total = nil, point{}
	refused(t, p.Check(claimed(v), nil, rows, 1), "the total row is the identity")
	claim := claimed(newProver(t, Top, amounts(3)))
	claim.Totals = nil
	refused(t, p.Check(claim, nil, rows, 1), "0 totals")
	for _, change := range []func(*prover){
		func(v *prover) { v.Statement.Relations = [][]*big.Int{{new(big.Int)}} }, func(v *prover) { v.Statement.Index = 1 },
	} {
		v := newProver(t, Top, amounts(3, 4))
		change(v)
		refused(t, check(t, v), "the top has no relations, and is no shard")
	}
}

// Two is not a bit, though 2·1 = 1·2 and every total is right.
func TestZ02_NonUniqueBitDecomposition(t *testing.T) {
	v := newProver(t, Shard, amounts(2, 9))
	v.Entries[0][0], v.Entries[0][1] = small(2), small(0)
	v.Settle()
	refused(t, check(t, v), notTrue)
}

// A balance below zero lowers the total by what others are owed. The prover tries every way around the zero-check that it has.
func TestZ05_NegativeBalance(t *testing.T) {
	negative := func() *prover {
		v := newProver(t, Shard, amounts(1000, 24))
		v.Entries[1] = make([]fr.Element, width)
		v.Entries[1][0] = small(-24) // 1000 - 24
		v.TotalEntries = confidentialtest.Bits(big.NewInt(976))
		v.Settle()
		return v
	}
	t.Run("plainly", func(t *testing.T) { refused(t, check(t, negative()), notTrue) })
	for seed := range 8 { // every other last claim is of no b
		v := negative()
		v.Blindings[0] = small(int64(seed))
		v.Settle()
		t.Run(fmt.Sprintf("another b for the last claim, %d", seed), func(t *testing.T) {
			v.Cheat.Opening = func(o *confidentialtest.Opening) { o.B = otherB(o); o.InY = o.B }
			refused(t, check(t, v), notTrue)
		})
		t.Run(fmt.Sprintf("another row for another b, %d", seed), func(t *testing.T) {
			v.Cheat.Opening = func(o *confidentialtest.Opening) {
				was := o.B
				o.B = otherB(o)
				o.InY = o.B
				was.Sub(&o.B, &was)
				o.V[3].Add(&o.V[3], was.Div(&was, &o.L[3]))
			}
			refused(t, check(t, v), notTrue)
		})
	}
	t.Run("another commitment to b", func(t *testing.T) { // c = (1 - b) times what it holds
		v := negative()
		v.Cheat.Opening = func(o *confidentialtest.Opening) {
			one := small(1)
			one.Sub(&one, &o.B)
			o.InY.Div(&o.Claim, &one)
		}
		refused(t, check(t, v), notTrue)
	})
	t.Run("as bits of the top", func(t *testing.T) {
		v := newProver(t, Top, amounts(1000, 24))
		v.Entries[1] = make([]fr.Element, width)
		v.Entries[1][0] = small(-24)
		v.Statement.Totals = []*big.Int{big.NewInt(976)}
		v.Settle()
		refused(t, check(t, v), notTrue)
	})
}

// otherB solves b - b² = c where that can be solved, as a prover with a false last claim would wish.
func otherB(o *confidentialtest.Opening) (b fr.Element) {
	var root fr.Element
	root.Double(&o.Claim)
	root.Double(&root)
	one := small(1)
	root.Sub(&one, &root)
	if b.Sqrt(&root) == nil {
		b = root
	}
	b.Add(&b, &one)
	b.Halve()
	return b
}

// The zero-check is of B(1 - B), never of B or of nothing.
func TestZ06_ZeroWhereABitIsMeant(t *testing.T) {
	for name, rounds := range map[string]func(int, *fr.Element, *fr.Element){
		"says that every round is zero": func(_ int, q1, q2 *fr.Element) { q1.SetZero(); q2.SetZero() },
		"leaves the square out":         func(_ int, _, q2 *fr.Element) { q2.SetZero() },
		"shifts one round":              func(round int, q1, _ *fr.Element) { *q1 = *add(q1, new(fr.Element).SetInt64(int64(round%2))) },
	} {
		t.Run(name, func(t *testing.T) {
			v := newProver(t, Shard, amounts(2, 9))
			v.Entries[0][0], v.Entries[0][1] = small(2), small(0)
			v.Settle()
			v.Cheat.Rounds = rounds
			refused(t, check(t, v), notTrue)
		})
	}
}

// A row that changes once the proof is made is no row of it; nor is one that nobody can open.
func TestZ07_FreeLeafWitness(t *testing.T) {
	p, _ := parameters(t, 1)
	v := newProver(t, Shard, amounts(2, 9, 4))
	proof, rows := v.Prove(), v.Rows()
	t.Run("a leaf changed after the proof", func(t *testing.T) {
		changed := slices.Clone(rows)
		changed[2] = v.Commit(confidentialtest.Bits(big.NewInt(5)), v.Random())
		refused(t, p.Check(claimed(v), proof, given(changed), 1), notTrue)
	})
	t.Run("changed, and the sum with it", func(t *testing.T) {
		w := *v
		w.Entries = slices.Clone(v.Entries)
		w.Entries[2] = confidentialtest.Bits(big.NewInt(5))
		w.Settle()
		refused(t, p.Check(claimed(&w), proof, given(w.Rows()), 1), notTrue)
	})
	t.Run("two rows swapped", func(t *testing.T) {
		swapped := slices.Clone(rows)
		swapped[0], swapped[1] = swapped[1], swapped[0]
		refused(t, p.Check(claimed(v), proof, given(swapped), 1), notTrue)
	})
	t.Run("a row omitted", func(t *testing.T) {
		refused(t, p.Check(claimed(v), proof, given(rows[:2]), 1), "2 rows, the tree has 3")
	})
	t.Run("a row more", func(t *testing.T) {
		refused(t, p.Check(claimed(v), proof, given(append(slices.Clone(rows), rows[0])), 1), "more than the tree's 3 rows")
	})
	t.Run("a row with a generator of no column", func(t *testing.T) {
		w := newProver(t, Shard, amounts(2, 9))
		foreign := confidentialtest.Hashed([]byte("FOREIGN"), tagGenerator)
		rows := w.Rows()
		rows[0].Add(&rows[0], &foreign)
		w.Statement.Sum.Add(&w.Statement.Sum, &foreign)
		refused(t, p.Check(claimed(w), w.Prove(), given(rows), 1), notTrue)
	})
}

// The total row is what joins a shard to the totals: one that is not the shard's is refused by the shard's proof, and one that is no row of
// bits by the top's.
func TestZ11_TotalRowOfAnotherSum(t *testing.T) {
	rows := [][]*big.Int{{big.NewInt(5), big.NewInt(7)}, {big.NewInt(1), big.NewInt(2)}}
	for name, total := range map[string][]*big.Int{
		"one less":                {big.NewInt(5), big.NewInt(9)},
		"one more":                {big.NewInt(6), big.NewInt(10)},
		"from one asset to other": {big.NewInt(5), big.NewInt(10)},
	} {
		t.Run(name, func(t *testing.T) {
			v := newProver(t, Shard, rows)
			v.TotalEntries = confidentialtest.Bits(total...)
			v.Settle()
			refused(t, check(t, v), notTrue)
		})
	}
	t.Run("a shard's total above 2^128", func(t *testing.T) {
		half := new(big.Int).Lsh(big.NewInt(1), 127)
		v := newProver(t, Shard, [][]*big.Int{{half, big.NewInt(0)}, {half, big.NewInt(0)}})
		v.TotalEntries[127] = small(2) // no row of bits has this total
		v.Settle()
		if err := check(t, v); err != nil {
			t.Fatal(err)
		}
		top := newProver(t, Top, [][]*big.Int{{big.NewInt(0), big.NewInt(0)}})
		top.Entries[0], top.Blindings[0] = v.TotalEntries, v.TotalBlinding
		top.Statement.Totals = []*big.Int{new(big.Int).Lsh(big.NewInt(1), 128), new(big.Int)}
		top.Settle()
		refused(t, check(t, top), notTrue)
	})
	t.Run("the stated total is off by one", func(t *testing.T) {
		for _, by := range []int64{-1, 1} {
			v := newProver(t, Top, rows)
			v.Statement.Totals[1] = new(big.Int).Add(v.Statement.Totals[1], big.NewInt(by))
			refused(t, check(t, v), "the rows' total of A1 is not the stated one")
		}
	})
	t.Run("the sum is opened as the stated total", func(t *testing.T) {
		v := newProver(t, Top, rows)
		v.Statement.Totals[1] = new(big.Int).Sub(v.Statement.Totals[1], big.NewInt(1))
		one := small(1)
		v.Cheat.Opening = func(o *confidentialtest.Opening) { o.Columns[width].Sub(&o.Columns[width], &one) }
		refused(t, check(t, v), notTrue)
	})
}

// Two rows that differ from bits by opposite amounts, in one column or in two, leave every total as it is.
func TestZ12_EqualNegativeOffsets(t *testing.T) {
	for _, columns := range [][2]int{{3, 3}, {3, 4}} {
		v := newProver(t, Shard, amounts(40, 60))
		first, second := small(int64(columns[1]-columns[0]+1)), small(1)
		v.Entries[0][columns[0]].Add(&v.Entries[0][columns[0]], &first)
		v.Entries[1][columns[1]].Sub(&v.Entries[1][columns[1]], &second)
		v.Settle()
		refused(t, check(t, v), notTrue)
	}
}

// Every challenge comes after what it challenges. A prover who has it before can make any claim pass, and does here.
func TestZ13_WeakFiatShamir(t *testing.T) {
	t.Run("a round's challenge is foretold", func(t *testing.T) {
		v := newProver(t, Shard, amounts(2, 9))
		v.Entries[0][0], v.Entries[0][1] = small(2), small(0)
		v.Settle()
		v.Cheat.Foretold = true
		refused(t, check(t, v), notTrue)
	})
	t.Run("e is foretold", func(t *testing.T) {
		v := newProver(t, Top, amounts(2, 9))
		v.Statement.Totals[0] = big.NewInt(1)
		v.Cheat.MasksAfter = true
		v.Cheat.Answers = func(m *confidentialtest.Masks, e fr.Element, a *confidentialtest.Answers) { // f is made to fit
			m.Totals[0] = confidentialtest.Amount(a.Z2)
			want := small(1)
			m.Totals[0].Sub(&m.Totals[0], mul(&e, &want))
		}
		refused(t, check(t, v), notTrue)
	})
	for _, label := range []string{"level", "snapshot", "shard", "assets", "relations", "rows", "root", "sum", "total"} {
		t.Run("the transcript leaves out "+label, func(t *testing.T) {
			v := newProver(t, Shard, amounts(2, 9))
			v.Cheat.Silent = label
			refused(t, check(t, v), notTrue)
		})
	}
	t.Run("the transcript leaves out totals", func(t *testing.T) {
		v := newProver(t, Top, amounts(2, 9))
		v.Cheat.Silent = "totals"
		refused(t, check(t, v), notTrue)
	})
}

// Faults of two equations that cancel in a plain sum do not cancel in one with weights.
func TestZ16_FaultsThatCancel(t *testing.T) {
	p, _ := parameters(t, 1)
	var fault grumpkin.G1Affine
	fault.Double(&p.u)
	mask := func(m *confidentialtest.Masks, i int) *point { return []*point{&m.D, &m.E, &m.F, &m.D2}[i] }
	for i := range 4 {
		for j := range 4 {
			if i == j {
				continue
			}
			v := newProver(t, Shard, amounts(2, 9))
			v.Cheat.Masks = func(m *confidentialtest.Masks) {
				mask(m, i).Add(mask(m, i), &fault)
				mask(m, j).Sub(mask(m, j), &fault)
			}
			refused(t, check(t, v), notTrue)
		}
	}
}

// A true proof is of one statement, shard, level, tree and registry only.
func TestZ17_ProofOfAnotherStatement(t *testing.T) {
	p, _ := parameters(t, 2)
	rows := balancesOf(3, 2)
	v := newProver(t, Shard, rows)
	proof := v.Prove()
	for name, change := range map[string]func(*Claim){
		"snapshot":          func(c *Claim) { c.Snapshot[0]++ },
		"another shard":     func(c *Claim) { c.Index++ },
		"another root":      func(c *Claim) { c.Root[31]++ },
		"another number":    func(c *Claim) { c.Rows = 4 },
		"another sum":       func(c *Claim) { c.Sum = c.Total },
		"another total row": func(c *Claim) { c.Total = c.Sum },
		"another level":     func(c *Claim) { c.Level, c.Totals = Top, []*big.Int{new(big.Int), new(big.Int)} },
	} {
		t.Run(name, func(t *testing.T) {
			claim := claimed(v)
			change(&claim)
			listed := v.Rows()
			if claim.Rows == 4 {
				listed = append(listed, listed[0])
			}
			if err := p.Check(claim, proof, given(listed), 1); err == nil {
				t.Error("accepted")
			}
		})
	}
	t.Run("a registry in another order", func(t *testing.T) {
		other, err := New([]string{"A1", "A0"})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, other.Check(claimed(v), proof, given(v.Rows()), 1), notTrue)
	})
	t.Run("a registry with an asset more", func(t *testing.T) {
		three, _ := parameters(t, 3)
		refused(t, three.Check(claimed(v), proof, given(v.Rows()), 1), "bytes, a proof over these rows and assets")
	})
	t.Run("a relation more", func(t *testing.T) {
		claim := claimed(v)
		claim.Relations = [][]*big.Int{{new(big.Int), new(big.Int)}}
		refused(t, p.Check(claim, proof, given(v.Rows()), 1), "bytes, a proof over these rows and assets")
	})
	t.Run("a relation that rows do not keep", func(t *testing.T) {
		w := newProver(t, Shard, [][]*big.Int{{big.NewInt(6), big.NewInt(3)}, {big.NewInt(8), big.NewInt(4)}})
		w.Statement.Relations = [][]*big.Int{{big.NewInt(-1), big.NewInt(2)}}
		if err := check(t, w); err != nil {
			t.Fatal(err)
		}
		w = newProver(t, Shard, [][]*big.Int{{big.NewInt(6), big.NewInt(3)}, {big.NewInt(8), big.NewInt(5)}})
		w.Statement.Relations = [][]*big.Int{{big.NewInt(-1), big.NewInt(2)}}
		refused(t, check(t, w), "relation #0")
	})
}

// With two assets of one name a row opens in two ways, and any total of one passes for a total of the other: such a registry is refused.
func TestZ08_EqualGenerators(t *testing.T) {
	_, err := New([]string{"BTC", "ETH", "BTC"})
	refused(t, err, `asset "BTC" is twice`)
	one, g := parameters(t, 1)
	twice := &confidentialtest.Generators{Assets: []string{"A0", "A0"}, Columns: slices.Concat(g.Columns, g.Columns), H: g.H, U: g.U}
	forged := &Parameters{assets: twice.Assets, columns: twice.Columns, h: one.h, u: one.u}
	v := confidentialtest.New(twice, "first", byte(Top), [][]*big.Int{{big.NewInt(1_000_000), big.NewInt(0)}})
	w := confidentialtest.New(twice, "second", byte(Top), [][]*big.Int{{big.NewInt(0), big.NewInt(1_000_000)}})
	w.Blindings = v.Blindings
	w.Settle()
	if v.Statement.Sum != w.Statement.Sum {
		t.Fatal("two openings of other points")
	}
	for _, prover := range []*prover{v, w} {
		if err := forged.Check(claimed(prover), prover.Prove(), given(prover.Rows()), 1); err != nil {
			t.Errorf("the forgery that New refuses does not work: %v", err)
		}
	}
}

// The file says nothing of its own shape: generators, counts and sizes follow from the claim.
func TestZ09_NothingTrustedInTheFile(t *testing.T) {
	many := make([]string, maxAssets+1)
	for j := range many {
		many[j] = strconv.Itoa(j)
	}
	for _, ids := range [][]string{nil, {""}, {strings.Repeat("A", 39)}, many} {
		if _, err := New(ids); err == nil {
			t.Errorf("%d assets: accepted", len(ids))
		}
	}
	p, g := parameters(t, 2)
	v := newProver(t, Shard, balancesOf(2, 2))
	// A prover with generators of its own, whose discrete logarithms it knows, opens its rows as it likes: they are not the verifier's.
	own := &confidentialtest.Generators{Assets: g.Assets, Columns: slices.Clone(g.Columns), H: g.H, U: g.U}
	own.Columns[0] = g.H
	w := confidentialtest.New(own, "own", byte(Shard), balancesOf(2, 2))
	theirs := &Parameters{assets: own.Assets, columns: own.Columns, h: own.H, u: own.U}
	if err := theirs.Check(claimed(w), w.Prove(), given(w.Rows()), 1); err != nil {
		t.Fatal(err)
	}
	refused(t, p.Check(claimed(w), w.Prove(), given(w.Rows()), 1), notTrue)
	refused(t, p.Check(claimed(w), v.Prove(), given(w.Rows()), 1), notTrue)
}
