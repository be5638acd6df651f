package verifier

import (
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// hiddenTotals are statements that hide what is owed: whole, and with one fault each.
func hiddenTotals(t testing.TB, put putter) {
	w := newCoveredWorld()
	m := w.hide(t, hidden{totals: true, decoys: 1})
	put("bundle", "happy-hidden-totals", vector{Comment: "ETH and USDT are covered, and BTC is in shortfall by the statement's rule, not by the policy's", Expect: "pass", Policy: m.raw, Files: vectorFiles(m.files)})
	files := map[string][]byte{}
	for _, path := range []string{leavesPath(0), shardProofPath(0), shardsPath, topProofPath} {
		files[path] = m.files[path]
	}
	put("proof", "happy-hidden-totals", vector{Comment: "with the files of the shard and the top", Expect: "pass", Customer: "alice@example.org", Policy: m.raw, Proof: string(encode(m.proof(0, 0))), Files: vectorFiles(files)})
	hiddenTotalsProved(t, put)
	hiddenTotalsStated(t, put)
}

// withoutShards leaves out what the policy does not ask for.
func withoutShards(w *world) {
	w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
	w.sealed = func(f map[string][]byte) {
		maps.DeleteFunc(f, func(path string, _ []byte) bool { return strings.HasPrefix(path, "liabilities/shard-") })
	}
}

// hiddenTotalsProved are bundles whose statement is of its format.
func hiddenTotalsProved(t testing.TB, put putter) {
	add := func(name, attack, check, comment string, w *world, top func(*confidentialtest.Prover), predicate func(obj)) {
		withoutShards(w)
		w.predicate = predicate
		m, exit := w.hide(t, hidden{totals: true, top: top}), 1
		if check == "pass" {
			exit = 0
		}
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	nothing := newWorld()
	nothing.shards[0][1].owed = amounts{}
	add("happy-hidden-totals-nothing-owed", "", "pass", "of USDT nothing is owed and nothing counts: at most 0", nothing, nil, nil)
	full := newCoveredWorld()
	full.shards[0][1].owed = amounts{1: amount("500000000000000000"), 2: big.NewInt(1_000_000_000)}
	add("happy-hidden-totals-nothing-left", "", "pass", "all that counts of ETH and USDT is owed: a surplus of nothing", full, nil, nil)
	more := newCoveredWorld()
	more.policy = strings.Replace(more.policy, `["bound", "none"]`, `["bound"]`, 1)
	add("happy-hidden-totals-shortfall", "", "pass", "BTC is in shortfall by both rules", more, nil, nil)
	names := map[string]struct{ name, comment string }{
		"more than counts": {"at-most-more-than-counts", "ETH: one base unit more than counts by the statement's rule, and the top's proof holds"},
		"less than counts": {"at-most-less-than-counts", "ETH: one base unit less, which covers what is owed too, and the top's proof holds"},
		"lines that the statement's own rule does not count": {"at-most-of-lines-not-counted", "BTC: coins that nobody signed for, and the top's proof holds"},
		"lines that no rule counts, in the proof alone":      {"proof-of-other-reserves", "the top's proof has a surplus of ETH that is one base unit more than what is left over"},
		"an amount of what is covered":                       {"amount-not-more-than-counts", "ETH: opened, though what counts is as much"},
		"a shortfall below the true one":                     {"amount-below-what-is-owed", "BTC: one base unit less than is owed, and a surplus of −1"},
		"a surplus below zero":                               {"surplus-below-zero", "ETH: 7.5 are owed and 3.5 count"},
		"one asset's surplus for another":                    {"surplus-of-another-asset", "ETH and USDT have each other's surplus"},
		"what counts of one asset for another":               {"at-most-of-another-asset", "more ETH than counts, less USDT, and the top's proof holds"},
		"left out of the proof":                              {"surplus-not-proved", "the top's proof is over a surplus of nothing"},
		"left out of the transcript":                         {"transcript-without-surplus", "the prover's challenges do not hang on the surplus"},
		"another row than the proof's":                       {"surplus-another-row", "the statement has another point than the proof"},
		"a shard's row, which counts twice then":             {"surplus-is-a-shards-row", "proved for two shards and a surplus, which is the total row of the third"},
		"a shard's row, in a proof for three shards":         {"surplus-is-counted-as-a-shard", "proved for three shards, the last of which is the surplus"},
	}
	for name, cheat := range surplusCheats() {
		if cheat.check == "statement.format" {
			continue // see hiddenTotalsStated
		}
		w := newCoveredWorld()
		if cheat.world != nil {
			w = cheat.world()
		}
		add("hidden-totals-"+names[name].name, "Z19", cheat.check, names[name].comment, w, cheat.top, cheat.predicate)
	}
	least := newCoveredWorld()
	least.policy = strings.Replace(least.policy, `["bound", "none"]`, `["none"]`, 1)
	least.full = "[coverage]\nleast = \"100.00\"\n"
	add("hidden-totals-policy-counts-less", "Z19", "coverage.policy", "the policy does not count what was signed for: coverage is shown to be at least 0, and 100 % is wanted", least, nil, nil)
	add("hidden-totals-other-counted", "Z19", "coverage.stated", "coverage has more counted than the lines, liabilities do not", newCoveredWorld(), nil, func(p obj) {
		p["coverage"].([]obj)[1]["counted"] = "3500000000000000001"
	})
	add("hidden-totals-entries-do-not-add-up", "C4", "liabilities.ledger", "sums are left out, entries are not", newCoveredWorld(), nil, func(p obj) {
		at(p, "ledger")["entries"] = 9
	})
}

// hiddenTotalsStated are proofs whose statement is not of its format.
func hiddenTotalsStated(t testing.TB, put putter) {
	fault := func(name, comment string, h hidden, edit func(p obj)) {
		w := newCoveredWorld()
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
		w.predicate = edit
		m := w.hide(t, h)
		put("proof", name, vector{Attack: "Z19", Comment: comment, Expect: "statement.format", Exit: 3, Customer: "alice@example.org", Policy: m.raw, Proof: string(encode(m.proof(0, 0)))})
	}
	closed, open := hidden{totals: true}, hidden{}
	surplus := func(to string) func(obj) { return func(p obj) { at(p, "tree")["surplus"] = to } }
	entry := func(list string, j int, edit func(obj)) func(obj) { return func(p obj) { edit(p[list].([]obj)[j]) } }
	class := func(edit func(obj)) func(obj) { return func(p obj) { edit(at(p, "ledger")["classes"].([]obj)[0]) } }
	point := pointHex(generatorsOf().U)
	fault("hidden-totals-surplus-identity", "the identity, which is no row", closed, surplus(strings.Repeat("0", 128)))
	fault("hidden-totals-surplus-off-the-curve", "", closed, surplus(strings.Repeat("1", 128)))
	fault("hidden-totals-surplus-x-above-p", "", closed, surplus(strings.Repeat("f", 64)+point[64:]))
	fault("hidden-totals-surplus-of-63-bytes", "", closed, surplus(point[2:]))
	fault("hidden-totals-surplus-in-capitals", "one value, one spelling", closed, surplus(strings.ToUpper(point)))
	fault("hidden-totals-surplus-empty", "", closed, surplus(""))
	fault("hidden-totals-surplus-missing", "at_most of totals that are not hidden", closed, func(p obj) { delete(at(p, "tree"), "surplus") })
	fault("hidden-totals-surplus-with-open-totals", "all is there that is left out of hidden totals", open, surplus(point))
	fault("hidden-totals-at-most-with-open-totals", "", open, entry("liabilities", 1, func(l obj) { l["at_most"] = l["amount"]; delete(l, "amount") }))
	fault("hidden-totals-at-most-and-amount", "", closed, entry("liabilities", 1, func(l obj) { l["amount"] = l["at_most"] }))
	fault("hidden-totals-neither-at-most-nor-amount", "", open, entry("liabilities", 1, func(l obj) { delete(l, "amount") }))
	fault("hidden-totals-at-most-2-to-the-128", "", closed, entry("liabilities", 1, func(l obj) { l["at_most"] = power(128, 0).String() }))
	fault("hidden-totals-asset-missing", "", closed, func(p obj) { p["liabilities"] = p["liabilities"].([]obj)[:2] })
	fault("hidden-totals-class-sum", "a class's sum tells a total", closed, class(func(c obj) { c["sum"] = []obj{{"amount": "1", "asset": "ETH"}} }))
	fault("hidden-totals-class-sum-empty", "an empty one is there too", closed, class(func(c obj) { c["sum"] = []obj{} }))
	fault("hidden-totals-no-class-sum-with-open-totals", "", open, class(func(c obj) { delete(c, "sum") }))
	fault("hidden-totals-coverage-liabilities", "what is owed, beside at_most", closed, entry("coverage", 1, func(c obj) {
		c["liabilities"], c["surplus"], c["coverage"] = eth3, "500000000000000000", "116.66"
	}))
	fault("hidden-totals-coverage-percent", "a percentage tells a total", closed, entry("coverage", 1, func(c obj) { c["coverage"] = "116.66" }))
	fault("hidden-totals-coverage-surplus", "a surplus tells a total", closed, entry("coverage", 1, func(c obj) { c["surplus"] = "500000000000000000" }))
	fault("hidden-totals-coverage-shortfall", "", closed, entry("coverage", 1, func(c obj) { c["shortfall"] = "1" }))
	fault("hidden-totals-coverage-of-an-amount-left-out", "BTC is opened, and has its coverage", closed, entry("coverage", 0, func(c obj) {
		delete(c, "liabilities")
		delete(c, "coverage")
		delete(c, "shortfall")
	}))
	fault("hidden-totals-coverage-left-out-with-open-totals", "", open, entry("coverage", 1, func(c obj) {
		delete(c, "liabilities")
		delete(c, "coverage")
		delete(c, "surplus")
	}))
	w := newCoveredWorld()
	w.predicate = func(p obj) {
		at(p, "tree")["surplus"] = point
		delete(at(p, "ledger")["classes"].([]obj)[0], "sum")
		atMost(p, 1, eth35, eth35)
		atMost(p, 2, "1000000000", "1000000000")
	}
	m := w.make(t)
	put("proof", "hidden-totals-of-a-plain-tree", vector{Attack: "Z19", Comment: "all is as it is with hidden totals, which only a confidential tree has", Expect: "statement.format", Exit: 3, Customer: "alice@example.org", Policy: m.raw, Proof: string(encode(m.proof(0, 0)))})
}
