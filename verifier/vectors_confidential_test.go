package verifier

import (
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// confidentialVectors are whole small proofs of the confidential tree, with all that is between the balances and the last answer, and proofs
// of provers who cheat, of one asset, since a proof is long.
func confidentialVectors(put putter) {
	one, two := confidentialtest.NewGenerators("BTC"), confidentialtest.NewGenerators("BTC", "ETH")
	greatest := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 127), big.NewInt(1))
	units := func(list ...int64) (rows [][]*big.Int) {
		for _, n := range list {
			rows = append(rows, []*big.Int{big.NewInt(n)})
		}
		return rows
	}
	happy := func(name, comment string, g *confidentialtest.Generators, level byte, rows [][]*big.Int, relations ...[]*big.Int) {
		v := confidentialtest.New(g, name, level, rows)
		v.Statement.Relations = relations
		whole := confidentialVector(v)
		whole["secret"], whole["values"] = secretOf(v, rows), valuesOf(v)
		put("confidential", name, vector{Comment: comment, Expect: "pass", Confidential: whole})
	}
	happy("happy-shard-one-row", "a shard of one customer, whose total row is theirs with another blinding", one, 0, units(5))
	happy("happy-shard-three-rows", "rows that are no power of two; a customer with nothing, and the greatest total", one, 0, [][]*big.Int{{greatest}, {new(big.Int)}, {greatest}})
	happy("happy-shard-relation", "two assets, and of every row twice the second is the first", two, 0,
		[][]*big.Int{{big.NewInt(6), big.NewInt(3)}, {big.NewInt(8), big.NewInt(4)}}, []*big.Int{big.NewInt(-1), big.NewInt(2)})
	happy("happy-top", "two shards' total rows, opened", one, 1, units(7, 11))
	cheat := func(name, attack, comment string, level byte, rows [][]*big.Int, change func(v *confidentialtest.Prover)) {
		v := confidentialtest.New(one, name, level, rows)
		change(v)
		put("confidential", name, vector{Attack: attack, Comment: comment, Expect: "refused", Confidential: confidentialVector(v)})
	}
	cheat("entry-two", "Z2", "the lowest bit is 2 in place of the next one", 0, units(2, 9), func(v *confidentialtest.Prover) {
		v.Entries[0][0], v.Entries[0][1] = scalar(2), scalar(0)
		v.Settle()
	})
	cheat("entry-below-zero", "Z5", "a balance of -1 lowers the total", 0, units(0, 9), func(v *confidentialtest.Prover) {
		v.Entries[0][0], v.TotalEntries = scalar(-1), confidentialtest.Bits(big.NewInt(8))
		v.Settle()
	})
	cheat("total-row-of-less", "Z11", "the total row has one unit less than the rows", 0, units(5, 6), func(v *confidentialtest.Prover) {
		v.TotalEntries = confidentialtest.Bits(big.NewInt(10))
		v.Settle()
	})
	cheat("total-off-by-one", "Z11", "the stated total has one unit less than the rows", 1, units(5, 6), func(v *confidentialtest.Prover) {
		v.Statement.Totals[0] = big.NewInt(10)
	})
	cheat("rounds-not-absorbed", "Z13", "the challenges of the rounds are known before their messages", 0, units(2, 9), func(v *confidentialtest.Prover) {
		v.Entries[0][0], v.Entries[0][1] = scalar(2), scalar(0)
		v.Cheat.Foretold = true
		v.Settle()
	})
	cheat("masks-not-absorbed", "Z13", "e is known before the masks, and f is made to fit", 1, units(5, 6), func(v *confidentialtest.Prover) {
		v.Statement.Totals[0] = big.NewInt(10)
		v.Cheat.MasksAfter = true
		v.Cheat.Answers = func(m *confidentialtest.Masks, e confidentialtest.Scalar, a *confidentialtest.Answers) {
			m.Totals[0] = confidentialtest.Amount(a.Z2)
			ten := scalar(10)
			m.Totals[0].Sub(&m.Totals[0], e.Mul(&e, &ten))
		}
	})
	cheat("faults-that-cancel", "Z16", "two equations are false by opposite points", 0, units(5, 6), func(v *confidentialtest.Prover) {
		v.Cheat.Masks = func(m *confidentialtest.Masks) { m.D.Add(&m.D, &v.U); m.D2.Sub(&m.D2, &v.U) }
	})
	cheat("shard-not-absorbed", "Z17", "a proof whose transcript leaves out of which shard it is", 0, units(5, 6), func(v *confidentialtest.Prover) { v.Cheat.Silent = "shard" })
}

func hexOf(s confidentialtest.Scalar) string {
	raw := s.Bytes()
	return hex.EncodeToString(raw[:])
}

func hexesOf(list []confidentialtest.Scalar) (out []string) {
	for _, s := range list {
		out = append(out, hexOf(s))
	}
	return out
}

func pairsOf(list [][2]confidentialtest.Scalar) (out [][]string) {
	for _, pair := range list {
		out = append(out, hexesOf(pair[:]))
	}
	return out
}

func decimals(rows [][]*big.Int) [][]string {
	out := [][]string{}
	for _, row := range rows {
		texts := []string{}
		for _, a := range row {
			texts = append(texts, a.String())
		}
		out = append(out, texts)
	}
	return out
}

// confidentialVector is what a verifier is given.
func confidentialVector(v *confidentialtest.Prover) obj {
	s, rows := v.Statement, []string{}
	for _, row := range v.Rows() {
		rows = append(rows, pointHex(row))
	}
	proof := v.Prove()
	out := obj{
		"assets": v.Assets, "level": "shard", "snapshot": hex.EncodeToString(s.Snapshot[:]), "shard": s.Index, "relations": decimals(s.Relations),
		"root": hex.EncodeToString(s.Root[:]), "sum": pointHex(s.Sum), "rows": rows, "proof": hex.EncodeToString(proof),
	}
	if s.Level == 1 {
		out["level"], out["totals"] = "top", decimals([][]*big.Int{s.Totals})[0]
	} else {
		out["total"] = pointHex(s.Total)
	}
	return out
}

// secretOf is what its maker knew and drew.
func secretOf(v *confidentialtest.Prover, balances [][]*big.Int) obj {
	m := v.Trace.Masks
	out := obj{
		"balances": decimals(balances), "blindings": hexesOf(v.Blindings), "round_blindings": pairsOf(v.Trace.RoundBlindings), "y": hexOf(v.Trace.Opening.Y),
		"d": hexesOf(m.Row), "delta": hexOf(m.Delta), "sigma": hexOf(m.Sigma), "omega": hexOf(m.Omega), "d2": hexesOf(m.Columns), "delta2": hexOf(m.Delta2),
	}
	if v.Statement.Level == 0 {
		out["total_blinding"] = hexOf(v.TotalBlinding)
	}
	return out
}

// valuesOf is what comes between: the transcript's state once it knows what is proved, the challenges, the rounds, the opening.
func valuesOf(v *confidentialtest.Prover) obj {
	t := v.Trace
	return obj{
		"state": hex.EncodeToString(t.State), "tau": hexesOf(t.Tau), "q": pairsOf(t.Q), "round": hexesOf(t.Round), "e": hexOf(t.E), "c": hexOf(t.Opening.Claim),
		"b": hexOf(t.Opening.B), "w": hexOf(t.Masks.W), "opened": hexesOf(t.Opening.V), "opened_blinding": hexOf(t.Opening.Blinding),
	}
}

// hiddenVectors are a whole bundle with a confidential tree, and proofs of its customers. Its policy does not ask who checked the shards.
func hiddenVectors(t testing.TB, put putter) {
	w := newWorld()
	w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
	m := w.hide(t, hidden{decoys: 1})
	put("bundle", "happy-confidential", vector{Comment: "a confidential tree of two shards, one with a decoy", Expect: "pass", Policy: m.raw, Files: vectorFiles(m.files)})
	put("proof", "happy-confidential", vector{Comment: "committed to; that it is counted, nobody shows here", Expect: "pass", Customer: "carol@example.org", Policy: m.raw, Proof: string(encode(m.proof(0, 2)))})
	put("proof", "happy-confidential-nothing-owed", vector{Comment: "a commitment to nothing is a point too", Expect: "pass", Customer: "erin@example.org", Policy: m.raw, Proof: string(encode(m.proof(1, 1)))})
	fault := func(name, attack, check string, exit int, comment string, edit func(obj)) {
		p := m.proof(0, 2)
		edit(p)
		put("proof", "confidential-"+name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Customer: "carol@example.org", Policy: m.raw, Proof: string(encode(p))})
	}
	const form, root = "proof.format", "proof.root"
	point, zeros := pointHex(generatorsOf().U), strings.Repeat("0", 128)
	fault("balance-changed", "Z7", root, 1, "one base unit more than the row", func(p obj) { p["balances"].([]obj)[0]["amount"] = "50000003" })
	fault("blinding-changed", "Z7", root, 1, "another blinding", func(p obj) { p["blinding"] = strings.Repeat("0", 63) + "1" })
	fault("total-row-changed", "Z8", root, 1, "another total row", func(p obj) { p["total"] = point })
	fault("sibling-sum-changed", "Z7", root, 1, "another point in the shard", func(p obj) { sibling(p, "path", 0)["sum"] = point })
	fault("sibling-sum-identity", "Z14", root, 1, "the identity may be a node's sum, and is not this one's", func(p obj) { sibling(p, "path", 0)["sum"] = zeros })
	fault("top-sum-changed", "Z8", root, 1, "another total row of the other shard", func(p obj) { sibling(p, "top", 0)["sum"] = point })
	fault("total-row-identity", "Z14", form, 3, "a total row is a point", func(p obj) { p["total"] = zeros })
	fault("sum-off-the-curve", "Z14", form, 3, "", func(p obj) { sibling(p, "path", 0)["sum"] = strings.Repeat("1", 128) })
	fault("sum-in-the-open", "Z14", form, 3, "a sum of the other kind", func(p obj) { sibling(p, "path", 0)["sum"] = []obj{} })
	fault("blinding-of-the-group-order", "Z14", form, 3, "zero has one spelling", func(p obj) {
		p["blinding"] = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"
	})
	fault("without-blinding", "Z9", form, 3, "", func(p obj) { delete(p, "blinding") })
	fault("without-total", "Z9", form, 3, "", func(p obj) { delete(p, "total") })
	fault("kind-plain", "Z9", form, 3, "", func(p obj) { p["kind"] = "plain" })
}
