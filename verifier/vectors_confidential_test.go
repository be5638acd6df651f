package verifier

import (
	"strings"
	"testing"
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
}
