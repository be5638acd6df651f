package verifier

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

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
	fault("balance-left-out", "Z7", root, 1, "one asset not shown", func(p obj) { p["balances"] = p["balances"].([]obj)[:1] })
	fault("sibling-hash-changed", "T11", root, 1, "", func(p obj) { sibling(p, "path", 0)["hash"] = strings.Repeat("0", 64) })
	fault("top-hash-changed", "T11", root, 1, "", func(p obj) { sibling(p, "top", 0)["hash"] = strings.Repeat("0", 64) })
	fault("total-row-is-the-shards-sum", "Z8", root, 1, "P, where C_tot stands", func(p obj) { p["total"] = sibling(p, "path", 0)["sum"] })
	fault("shard-index-wrong", "T12", root, 1, "the other shard's place", func(p obj) { at(p, "shard")["index"] = 1 })
	fault("sum-of-63-bytes", "Z14", form, 3, "", func(p obj) { sibling(p, "path", 0)["sum"] = point[2:] })
	fault("sum-x-above-p", "Z14", form, 3, "", func(p obj) { sibling(p, "top", 0)["sum"] = strings.Repeat("f", 64) + point[64:] })
	fault("sum-in-capitals", "E2", form, 3, "one value, one spelling", func(p obj) { s := sibling(p, "path", 0); s["sum"] = strings.ToUpper(s["sum"].(string)) })
	fault("top-sum-of-zeros-missing", "Z14", form, 3, "an empty text is not the identity", func(p obj) { sibling(p, "top", 0)["sum"] = "" })
	nothing := m.proof(1, 1)
	nothing["blinding"] = strings.Repeat("0", 64)
	put("proof", "confidential-commits-to-nothing", vector{Attack: "Z14", Comment: "no balances and a blinding of zero: the identity, which is no leaf", Expect: root, Exit: 1,
		Customer: "erin@example.org", Policy: m.raw, Proof: string(encode(nothing))})
	mixedKinds(t, put, m)
	countedVectors(t, put)
	hiddenBundles(t, put)
	hiddenTotals(t, put)
}

// mixedKinds are proofs of one kind that say that they are of the other, or whose statement does.
func mixedKinds(t testing.TB, put putter, m *made) {
	add := func(name, check string, exit int, comment, policy string, p obj) {
		put("proof", name, vector{Attack: "C8", Comment: comment, Expect: check, Exit: exit, Customer: "carol@example.org", Policy: policy, Proof: string(encode(p))})
	}
	plain := newWorld().make(t)
	p := plain.proof(0, 2)
	p["kind"] = "confidential"
	add("kind-confidential-of-a-plain-proof", "proof.format", 3, "amounts where points are due, no blinding and no total row", plain.raw, p)
	of := func(p, statement obj) obj {
		p["statement"], p["snapshot"], p["envelope"] = statement["statement"], statement["snapshot"], statement["envelope"]
		return p
	}
	add("confidential-statement-plain-proof", "proof.statement", 1, "the statement's tree is confidential", m.raw, of(plain.proof(0, 2), m.proof(0, 2)))
	add("confidential-proof-plain-statement", "proof.statement", 1, "the statement's tree is plain", plain.raw, of(m.proof(0, 2), plain.proof(0, 2)))
}

// countedVectors are proofs with the files of the customer's shard, and of the top.
func countedVectors(t testing.TB, put putter) {
	m := newWorld().hide(t, hidden{})
	shard := func(m *made, index uint64) map[string][]byte {
		return map[string][]byte{leavesPath(index): m.files[leavesPath(index)], shardProofPath(index): m.files[shardProofPath(index)]}
	}
	top := map[string][]byte{shardsPath: m.files[shardsPath], topProofPath: m.files[topProofPath]}
	add := func(name, attack, check string, exit int, comment string, m *made, files map[string][]byte) {
		put("proof", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Skipped: files == nil, Customer: "dave@example.org", Policy: m.raw, Proof: string(encode(m.proof(1, 0))), Files: vectorFiles(files)})
	}
	with := func(files ...map[string][]byte) map[string][]byte {
		all := map[string][]byte{}
		for _, f := range files {
			maps.Copy(all, f)
		}
		return all
	}
	add("happy-confidential-counted", "", "pass", 0, "this program checks the shard's proof, and the totals", m, with(shard(m, 1), top))
	add("confidential-nobody-counted", "Z18", "proof.counted", 1, "the policy asks that it be checked that the row is counted, and nobody did", m, nil)
	less := newWorld().hide(t, hidden{shard: func(i int, v *confidentialtest.Prover) {
		if i == 1 {
			v.TotalEntries = confidentialtest.Bits(big.NewInt(1), amount("2500000000000000000"), new(big.Int))
			v.Settle()
		}
	}})
	add("confidential-not-counted", "Z18", "proof.counted", 1, "the shard's total row has less than its rows", less, shard(less, 1))
	add("confidential-counted-in-another-shard", "Z17", "proof.counted", 1, "the files of another shard", m, map[string][]byte{leavesPath(1): m.files[leavesPath(0)], shardProofPath(1): m.files[shardProofPath(0)]})
	add("confidential-counted-in-another-tree", "Z17", "proof.counted", 1, "the shard's tree has another root", m, shard(less, 1))
	add("confidential-total-of-another-top", "Z17", "liabilities.totals", 1, "another tree's proof of the totals", m, with(shard(m, 1), map[string][]byte{shardsPath: m.files[shardsPath], topProofPath: less.files[topProofPath]}))
	add("confidential-list-of-another-top", "Z17", "liabilities.root", 1, "another tree's shard list", m, with(shard(m, 1), map[string][]byte{shardsPath: less.files[shardsPath], topProofPath: m.files[topProofPath]}))
}

// hiddenBundles are bundles of confidential trees, with no more shards in them than the fault needs.
func hiddenBundles(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, keep []uint64, h hidden, edit func(*world), files func(map[string][]byte)) {
		w := newWorld()
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
		w.files, w.sealed = files, func(f map[string][]byte) {
			for i := range uint64(2) {
				if !slices.Contains(keep, i) {
					delete(f, leavesPath(i))
					delete(f, shardProofPath(i))
				}
			}
		}
		if edit != nil {
			edit(w)
		}
		m := w.hide(t, h)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	const full, head = "liabilities.full", 16 + 32 + 4 + 8
	none, first, second := []uint64{}, []uint64{0}, []uint64{1}
	asked := func(w *world) { w.policy = strings.Replace(w.policy, "recompute = false", "recompute = true", 1) }
	add("happy-confidential-without-shards", "", "pass", 0, "the policy does not ask for the shards", none, hidden{}, nil, nil)
	add("confidential-shards-missing", "", full, 3, "the policy asks for all shards", second, hidden{}, asked, nil)
	add("confidential-proof-missing", "Z18", full, 3, "leaves without their proof", second, hidden{}, func(w *world) {
		w.sealed = func(f map[string][]byte) {
			delete(f, shardProofPath(0))
			delete(f, leavesPath(0))
			delete(f, shardProofPath(1))
		}
	}, nil)
	add("confidential-top-proof-missing", "Z11", "bundle.files", 1, "", none, hidden{}, nil, func(f map[string][]byte) { delete(f, topProofPath) })
	add("confidential-negative-balance", "Z5", full, 1, "−1000 in a row, and every sum right", second, hidden{shard: func(i int, v *confidentialtest.Prover) {
		if i == 1 {
			v.Entries[1][0] = scalar(-1000)
			v.TotalEntries = confidentialtest.Bits(big.NewInt(50_000_000), amount("2500000000000000000"), new(big.Int))
			v.Settle()
		}
	}}, nil, nil)
	add("confidential-total-row-below-its-shard", "Z11", full, 1, "the top's proof holds", first, hidden{shard: func(i int, v *confidentialtest.Prover) {
		if i == 0 {
			v.TotalEntries = confidentialtest.Bits(big.NewInt(1), amount("5000000000000000000"), big.NewInt(99))
			v.Settle()
		}
	}}, nil, nil)
	add("confidential-total-off-by-one", "Z11", "liabilities.totals", 1, "the statement has one base unit of BTC less", none, hidden{}, func(w *world) { w.predicate = oneLess }, nil)
	add("confidential-top-proof-of-a-shard", "Z17", "liabilities.totals", 1, "a shard's proof, which has as many rows", none, hidden{}, nil, func(f map[string][]byte) { f[topProofPath] = topsTwin(t) })
	add("confidential-rows-swapped", "Z7", full, 1, "C of two leaves", second, hidden{}, nil, func(f map[string][]byte) {
		swap(f[leavesPath(1)][head+32:head+96], f[leavesPath(1)][head+128:head+192])
	})
	add("confidential-identity-twice", "I5", full, 1, "one customer in two rows of a shard, whose tree and proof are true", second, hidden{}, func(w *world) {
		w.shards[1] = append(w.shards[1], w.shards[1][0])
	}, nil)
	add("confidential-row-identity", "Z14", full, 3, "the identity as a row", second, hidden{}, nil, func(f map[string][]byte) { clear(f[leavesPath(1)][head+32 : head+96]) })
	add("confidential-list-total-row-identity", "Z14", "liabilities.root", 3, "", none, hidden{}, nil, func(f map[string][]byte) { f[shardsPath] = totalRow(f[shardsPath], strings.Repeat("0", 128)) })
	add("confidential-list-total-row-off-the-curve", "Z14", "liabilities.root", 3, "", none, hidden{}, nil, func(f map[string][]byte) { f[shardsPath] = totalRow(f[shardsPath], strings.Repeat("1", 128)) })
	add("confidential-list-total-row-other", "Z8", "liabilities.root", 1, "the root covers it", none, hidden{}, nil, func(f map[string][]byte) { f[shardsPath] = totalRow(f[shardsPath], pointHex(generatorsOf().U)) })
	add("confidential-list-of-kind-plain", "C8", "liabilities.root", 1, "of a form that plain lists have", none, hidden{}, func(w *world) {
		w.shardList = func(l obj) {
			l["kind"] = "plain"
			for _, s := range l["shards"].([]obj) {
				delete(s, "total")
				s["sum"] = []obj{}
			}
		}
	}, nil)
	add("confidential-more-customers-than-leaves", "", "liabilities.ledger", 1, "", none, hidden{}, func(w *world) { w.predicate = func(p obj) { at(p, "ledger")["customers"] = 6 } }, nil)
}

// oneLess states one base unit less than is owed.
func oneLess(p obj) {
	first := p["liabilities"].([]obj)[0]
	less := amount(first["amount"].(string))
	first["amount"] = less.Sub(less, big.NewInt(1)).String()
	at(p, "ledger")["classes"].([]obj)[0]["sum"].([]obj)[0]["amount"] = less.String()
	c := p["coverage"].([]obj)[0]
	c["liabilities"], c["shortfall"] = less.String(), less.String()
}

// topsTwin is the proof of a shard with as many rows as there are shards.
func topsTwin(t testing.TB) []byte { return newWorld().hide(t, hidden{}).files[shardProofPath(1)] }
