package verifier

import (
	"math/big"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// hiddenCheats are proofs of provers who know what they do: everything follows from rows that no honest builder has.
func hiddenCheats(t testing.TB, put hiddenPutter) {
	add := func(name, attack, comment string, tree *hiddenTree, cheat func(*hiddenTree)) {
		t.Helper()
		cheat(tree)
		tree.settle()
		proof := tree.Prove()
		e, err := tree.Evaluate(&tree.Statement, tree.Rows(), proof)
		if err != nil || len(e.Fails()) == 0 {
			t.Fatalf("%s: %v, it holds", name, err)
		}
		v := tree.claimed(proof)
		v.Attack, v.Comment, v.Expect, v.Fails = attack, comment, "equations", e.Fails()
		put("cheat-"+name, v)
	}
	one, two := []string{"BTC"}, []string{"BTC", "USDT"}
	shard := func(balances ...int64) *hiddenTree {
		rows := [][]*big.Int{}
		for _, n := range balances {
			rows = append(rows, numbers(n))
		}
		return hiddenShard(0, one, rows...)
	}
	entryOf2 := func(s *hiddenTree) { s.Entries[0][0], s.Entries[0][1] = scalar(2), scalar(0) }
	add("entry-2", "Z2", "an entry of 2 at bit 0 for one of 1 at bit 1: all totals are right", shard(2, 9), entryOf2)
	add("entry-minus-1", "Z5", "a balance of −24 as one entry: the total is less by what others are owed", shard(1000, 24), func(s *hiddenTree) {
		s.Entries[1] = make([]confidentialtest.Scalar, 128)
		s.Entries[1][0] = scalar(-24)
		s.TotalEntries = confidentialtest.Bits(big.NewInt(976))
	})
	add("entries-that-cancel", "Z12", "bits 3 and 4 of two rows are off by 2 and −1, so that every total stays", shard(40, 60), func(s *hiddenTree) {
		s.Entries[0][3], s.Entries[1][4] = scalar(3), scalar(0)
	})
	add("rounds-all-zero", "Z6", "an entry of 2, and every round says zero", shard(2, 9), func(s *hiddenTree) {
		entryOf2(s)
		s.Cheat.Rounds = func(_ int, q1, q2 *confidentialtest.Scalar) { q1.SetZero(); q2.SetZero() }
	})
	add("round-foretold", "Z13", "an entry of 2, and a round's challenge was drawn before its message", shard(2, 9), func(s *hiddenTree) {
		entryOf2(s)
		s.Cheat.Foretold = true
	})
	add("total-row-one-less", "Z11", "the total row has one base unit less than the rows", shard(5, 7), func(s *hiddenTree) { s.TotalEntries = confidentialtest.Bits(big.NewInt(11)) })
	add("total-row-one-more", "Z11", "", shard(5, 7), func(s *hiddenTree) { s.TotalEntries = confidentialtest.Bits(big.NewInt(13)) })
	add("total-row-from-one-asset-to-another", "Z11", "one base unit of USDT as one of BTC", hiddenShard(0, two, numbers(5, 7)), func(s *hiddenTree) {
		s.TotalEntries = confidentialtest.Bits(numbers(6, 6)...)
	})
	for i, names := range []string{"b-and-c", "a-and-d"} {
		add("masks-off-in-"+names, "Z16", "two equations are off by opposite points, and their sum without weights is right", shard(2, 9), func(s *hiddenTree) {
			s.Cheat.Masks = func(m *confidentialtest.Masks) {
				masks := []*confidentialtest.Point{&m.D, &m.E, &m.F, &m.D2}
				pair := [][2]int{{1, 2}, {0, 3}}[i]
				masks[pair[0]].Add(masks[pair[0]], &s.H)
				masks[pair[1]].Sub(masks[pair[1]], &s.H)
			}
		})
	}
	for _, silent := range []string{"shard", "total"} {
		add("transcript-without-"+silent, "Z13", "the prover's challenges do not hang on it", shard(5), func(s *hiddenTree) { s.Cheat.Silent = silent })
	}
	debtor := hiddenShard(0, []string{"USDT", "USDT-DEBT"}, numbers(9, 5))
	debtor.Statement.Relations = [][]*big.Int{numbers(1, -2)}
	add("relation-violated", "Z17", "what is had is to be twice what is owed, and is one less", debtor, func(*hiddenTree) {})
	cheatingMargins(add)
	cheatingTops(put, add)
}

func cheatingTops(put hiddenPutter, add func(name, attack, comment string, tree *hiddenTree, cheat func(*hiddenTree))) {
	one := []string{"BTC"}
	top := func(reserves []*big.Int) *hiddenTree {
		return hiddenTop(reserves, hiddenShard(0, one, numbers(5), numbers(7)))
	}
	half := hiddenShard(0, one, []*big.Int{power(127, 1)}, []*big.Int{power(127, 1)})
	half.Entries[0], half.Entries[1] = confidentialtest.Bits(power(127, 0)), confidentialtest.Bits(power(127, 0))
	half.TotalEntries = make([]confidentialtest.Scalar, 128)
	half.TotalEntries[127] = scalar(2)
	half.settle()
	passing := half.claimed(half.Prove())
	passing.Attack, passing.Comment, passing.Expect = "Z11", "two rows of 2^127: the total row has 2 at bit 127, and the shard's proof holds; the top's cannot, see cheat-top-shard-total-2-to-the-128", "pass"
	put("cheat-shard-total-2-to-the-128-holds-alone", passing)
	add("top-shard-total-2-to-the-128", "Z11", "the total row of that shard is none of bits", hiddenTop(nil, half), func(s *hiddenTree) { s.Statement.Totals = []*big.Int{power(128, 0)} })
	related := hiddenTop(nil, hiddenShard(0, one, numbers(5)))
	related.Statement.Relations = [][]*big.Int{numbers(0)}
	shape := related.claimed(related.Prove())
	shape.Attack, shape.Comment, shape.Expect = "Z1", "the top has no relations; this one holds, and the proof with it", "claim"
	put("cheat-top-with-a-relation", shape)
	add("top-negative-total-row", "Z5", "a shard of −12", hiddenTop(nil, hiddenShard(0, one, numbers(20)), hiddenShard(1, one, numbers(12))), func(s *hiddenTree) {
		s.Entries[1] = make([]confidentialtest.Scalar, 128)
		s.Entries[1][0] = scalar(-12)
		s.Statement.Totals = numbers(8)
	})
	add("top-total-off-by-one", "Z11", "the prover states a base unit less, and knows it", top(nil), func(s *hiddenTree) { s.Statement.Totals = numbers(11) })
	add("top-opened-as-another-total", "Z11", "and opens the rows' sum as if it were so", top(nil), func(s *hiddenTree) {
		s.Statement.Totals = numbers(11)
		s.Cheat.Opening = func(o *confidentialtest.Opening) { less := scalar(1); o.Columns[0].Sub(&o.Columns[0], &less) }
	})
	add("top-e-foretold", "Z13", "e was drawn before the masks, and f made to fit a total of 11", top(nil), func(s *hiddenTree) {
		s.Statement.Totals = numbers(11)
		s.Cheat.MasksAfter = true
		s.Cheat.Answers = func(m *confidentialtest.Masks, e confidentialtest.Scalar, a *confidentialtest.Answers) {
			total := scalar(11)
			m.Totals[0] = confidentialtest.Amount(a.Z2)
			m.Totals[0].Sub(&m.Totals[0], total.Mul(&total, &e))
		}
	})
	add("top-transcript-without-totals", "Z13", "the prover's challenges do not hang on the totals", top(nil), func(s *hiddenTree) { s.Cheat.Silent = "totals" })
	add("hidden-shortfall", "Z5", "11 are held and 12 owed: the surplus is −1", top(numbers(12)), func(s *hiddenTree) {
		s.Surplus[0] = scalar(-1)
		s.Statement.Totals = numbers(11)
	})
	add("hidden-surplus-of-2", "Z2", "an entry of 2 in the surplus", top(numbers(14)), func(s *hiddenTree) { s.Surplus[0], s.Surplus[1] = scalar(2), scalar(0) })
	add("hidden-transcript-without-surplus", "Z13", "the prover's challenges do not hang on the surplus", top(numbers(14)), func(s *hiddenTree) { s.Cheat.Silent = "surplus" })
}
