package verifier

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// marginVectors are bundles and proofs with margin accounts, of both kinds.
func marginVectors(t testing.TB, put putter) {
	bundle := func(name, attack, check string, exit int, comment string, edit func(*world)) {
		w := newMarginWorld()
		edit(w)
		m := w.make(t)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	bundle("happy-margin", "", "pass", 0, "debts in columns of their own, and net equity, once above 2^64 units", func(*world) {})
	bundle("happy-margin-without-debts", "", "pass", 0, "prices, and nobody owes anything", func(w *world) {
		for _, c := range [][2]int{{0, 0}, {0, 1}} {
			owed := w.shards[c[0]][c[1]].owed
			delete(owed, debitBTC)
			delete(owed, debitUSDT)
			w.shards[c[0]][c[1]].owed = inEquity(owed)
		}
	})
	bundle("happy-margin-written-off", "", "pass", 0, "what an account under water owed was written off", writtenOff("12345000005", 1, "write-off"))
	marginRows(bundle)
	marginPrices(bundle)
	marginStatements(bundle)
	marginProofs(t, put)
	hiddenMargin(t, put)
	hiddenTotalsMargin(t, put)
}

type marginFault = func(name, attack, check string, exit int, comment string, edit func(*world))

// writtenOff states that five millionths of a USDT were written off, and what was below zero with them.
func writtenOff(negatives string, customers int, rule string) func(*world) {
	return predicateOf(func(p obj) {
		l := at(p, "ledger")
		l["underwater"] = obj{"customers": customers, "rule": rule, "sum": []obj{{"amount": "5", "asset": "USDT"}}}
		l["negatives"].(obj)["sum"].([]obj)[1]["amount"] = negatives
	})
}

func predicateOf(edit func(p obj)) func(*world) {
	return func(w *world) { w.predicate = edit }
}

func marginRows(fault marginFault) {
	const full = "liabilities.full"
	fault("margin-equity-from-one-to-another", "Z12", full, 1, "two rows are off by opposite amounts, and every total is right", func(w *world) { w.shift(equityLow, 1000) })
	fault("margin-debt-from-one-to-another", "Z12", full, 1, "Alice shows less debt and Carol more", func(w *world) { w.shift(debitUSDT, -5_000_000) })
	fault("margin-row-without-equity", "A5", full, 1, "an account in debt without collateral, whose net equity another one lacks", func(w *world) {
		debt, carol := amounts{debitUSDT: big.NewInt(1_000_000)}, w.shards[0][2].owed
		w.shards[0][2].owed = withEquity(carol, new(big.Int).Add(worth(carol), worth(debt)))
		w.shards[1] = append(w.shards[1], customer{id: "nobody@example.org", nonce: h([]byte("nobody")), owed: debt})
	})
	fault("margin-totals-off", "Z12", "liabilities.margin", 1, "the shards are absent; the totals' net equity is one unit more than collateral less debts", func(w *world) {
		w.shards[0][0].owed[equityLow] = new(big.Int).Add(w.shards[0][0].owed[equityLow], big.NewInt(1))
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
		w.sealed = func(f map[string][]byte) {
			delete(f, leavesPath(0))
			delete(f, leavesPath(1))
		}
	})
}

func marginPrices(fault marginFault) {
	priced := func(name, attack, check string, exit int, comment string, edit func(margin obj, prices []obj)) {
		fault("margin-"+name, attack, check, exit, comment, func(w *world) {
			for _, shard := range w.shards {
				for i := range shard {
					shard[i].owed = amounts{1: amount("2500000000000000000")} // ETH has no price
				}
			}
			edit(w.margin, w.margin["prices"].([]obj))
		})
	}
	const form, snapshot = "statement.format", "snapshot"
	priced("price-zero", "A7", form, 3, "", func(_ obj, p []obj) { p[0]["price"] = "0" })
	priced("price-below-zero", "A7", form, 3, "", func(_ obj, p []obj) { p[0]["price"] = "-1" })
	priced("price-with-a-trailing-zero", "E2", form, 3, "one value, one spelling", func(_ obj, p []obj) { p[0]["price"] = "60000.50" })
	priced("price-with-37-places", "A7", form, 3, "", func(_ obj, p []obj) { p[0]["price"] = "1." + strings.Repeat("0", 36) + "1" })
	priced("price-as-a-number", "E5", form, 3, "", func(_ obj, p []obj) { p[0]["price"] = 60000 })
	priced("weight-101", "A7", form, 3, "collateral counts for more than it is", func(_ obj, p []obj) { p[0]["weight"] = 101 })
	priced("without-prices", "A7", form, 3, "", func(m obj, _ []obj) { m["prices"] = []obj{} })
	priced("currency-in-small-letters", "E2", form, 3, "", func(m obj, _ []obj) { m["currency"] = "usd" })
	priced("currency-of-17-letters", "E5", form, 3, "", func(m obj, _ []obj) { m["currency"] = strings.Repeat("U", 17) })
	priced("source-empty", "E5", form, 3, "", func(m obj, _ []obj) { m["source"] = "" })
	priced("source-of-257-bytes", "E5", form, 3, "", func(m obj, _ []obj) { m["source"] = strings.Repeat("s", 257) })
	priced("key-unknown", "E5", form, 3, "", func(m obj, _ []obj) { m["haircut"] = 1 })
	priced("price-of-no-asset", "A7", snapshot, 1, "", func(_ obj, p []obj) { p[0]["asset"] = "DOGE" })
	priced("price-twice", "A7", snapshot, 1, "two prices of one asset", func(_ obj, p []obj) { p[1]["asset"] = "BTC" })
	priced("prices-not-in-registry-order", "T13", snapshot, 1, "", func(_ obj, p []obj) { p[0], p[1] = p[1], p[0] })
	priced("factor-2-to-the-96", "Z1", snapshot, 1, "10^4 times the price is 2^96 or more", func(_ obj, p []obj) { p[1]["price"] = "7922816251426433759354396" })
	priced("factor-scaled-beyond-2-to-the-96", "Z1", snapshot, 1, "the least price makes units so small that one of BTC counts 2^96 or more", func(_ obj, p []obj) { p[1]["price"] = "0." + strings.Repeat("0", 35) + "1" })
	fault("happy-margin-greatest-factor", "", "pass", 0, "10^4 times the price is below 2^96", func(w *world) {
		w.shards = [][]customer{{{id: "erin@example.org", nonce: h([]byte("erin")), owed: amounts{}}}}
		w.margin["prices"].([]obj)[1]["price"] = "7922816251426433759354395"
	})
	fault("margin-price-changed-after-the-snapshot", "A7", snapshot, 1, "the snapshot's id covers the margin", predicateOf(func(p obj) {
		p["snapshot"].(obj)["margin"] = obj{"currency": "USD", "source": "Demo Index, mid prices", "prices": []obj{
			{"asset": "BTC", "price": "70000", "weight": 90}, {"asset": "USDT", "price": "1", "weight": 100},
		}}
	}))
}

func marginStatements(fault marginFault) {
	said := func(name, attack, check string, exit int, comment string, edit func(p obj)) {
		fault("margin-"+name, attack, check, exit, comment, predicateOf(edit))
	}
	const form, ledger = "statement.format", "liabilities.ledger"
	said("liabilities-of-assets-only", "A5", form, 3, "debits and net equity left out", func(p obj) { p["liabilities"] = p["liabilities"].([]obj)[:3] })
	said("liabilities-in-another-order", "T13", form, 3, "", func(p obj) { l := p["liabilities"].([]obj); l[3], l[4] = l[4], l[3] })
	said("liabilities-of-another-debit", "E6", form, 3, "", func(p obj) { p["liabilities"].([]obj)[3]["asset"] = "debit:ETH" })
	said("coverage-of-a-debit", "A8", form, 3, "debts are no asset that is covered, and cover none", func(p obj) {
		p["coverage"] = append(p["coverage"].([]obj), obj{"asset": "debit:BTC", "counted": "0", "liabilities": "0", "surplus": "0"})
	})
	said("class-with-a-debit", "A5", form, 3, "classes know assets alone", func(p obj) {
		at(p, "ledger")["classes"].([]obj)[0]["sum"].([]obj)[0]["asset"] = "debit:BTC"
	})
	said("underwater-missing", "A5", form, 3, "", func(p obj) { delete(at(p, "ledger"), "underwater") })
	said("underwater-of-an-unknown-rule", "A5", form, 3, "", func(p obj) { at(p, "ledger")["underwater"].(obj)["rule"] = "exclude" })
	said("underwater-of-a-debit", "A5", form, 3, "what was written off is named by asset", func(p obj) {
		at(p, "ledger")["underwater"] = obj{"customers": 1, "rule": "write-off", "sum": []obj{{"amount": "5", "asset": "debit:USDT"}}}
	})
	said("debts-of-nobodys-entries", "A5", ledger, 1, "a debt more than there are entries below zero", func(p obj) {
		at(p, "ledger")["negatives"].(obj)["sum"].([]obj)[0]["amount"] = "9999999"
	})
	said("debts-though-the-rule-is-exclude", "A5", ledger, 1, "", func(p obj) { at(p, "ledger")["negatives"].(obj)["rule"] = "exclude" })
	fault("margin-written-off-and-owed", "A5", ledger, 1, "more is owed and was written off than was below zero", writtenOff("12345000004", 1, "write-off"))
	fault("margin-written-off-though-the-rule-is-error", "A5", ledger, 1, "", writtenOff("12345000005", 1, "error"))
	fault("margin-written-off-by-nobody", "A5", ledger, 1, "", writtenOff("12345000005", 0, "write-off"))
	fault("margin-written-off-by-more-than-all", "A5", ledger, 1, "six of five customers", writtenOff("12345000005", 6, "write-off"))
	plain := func(name string, edit func(p obj)) {
		fault(name, "A5", form, 3, "the snapshot has no margin", func(w *world) {
			*w = *newWorld()
			w.predicate = edit
		})
	}
	plain("underwater-without-margin", func(p obj) { at(p, "ledger")["underwater"] = obj{"customers": 0, "rule": "error", "sum": []obj{}} })
	plain("negatives-debit-without-margin", func(p obj) { at(p, "ledger")["negatives"].(obj)["rule"] = "debit" })
	plain("liabilities-of-equity-without-margin", func(p obj) {
		p["liabilities"] = append(p["liabilities"].([]obj), obj{"amount": "0", "asset": "equity:low"})
	})
}

// marginProofs are customers' proofs, of both kinds, whose policy does not ask who checked the shard.
func marginProofs(t testing.TB, put putter) {
	build := func(edit func(*world), hide bool) *made {
		w := newMarginWorld()
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
		edit(w)
		if hide {
			return w.hide(t, hidden{})
		}
		return w.make(t)
	}
	for prefix, hide := range map[string]bool{"margin": false, "confidential-margin": true} {
		add := func(name, attack, check string, exit int, comment string, m *made, edit func(obj)) {
			p := m.proof(0, 0)
			edit(p)
			put("proof", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Customer: "alice@example.org", Policy: m.raw, Proof: string(encode(p))})
		}
		balance := func(p obj, column string) obj {
			list := p["balances"].([]obj)
			return list[slices.IndexFunc(list, func(b obj) bool { return b["asset"] == column })]
		}
		honest := build(func(*world) {}, hide)
		add("happy-"+prefix, "", "pass", 0, "0.5 BTC and 2.5 ETH, and a debt of 12,345 USDT", honest, func(obj) {})
		bent := build(func(w *world) { w.shift(equityLow, 1000) }, hide)
		add(prefix+"-row-off", "Z12", "proof.margin", 1, "the tree has this row as it is shown, and its net equity is too great", bent, func(obj) {})
		add(prefix+"-debt-changed", "A5", "proof.margin", 1, "less debt than the row has", honest, func(p obj) { balance(p, "debit:USDT")["amount"] = "12344000000" })
		add(prefix+"-equity-respelt", "Z7", "proof.root", 1, "2^64 more in equity:low and one less in equity:high would be the same net equity, and is not what the row has", build(func(w *world) {
			w.shards[0][0].owed = inEquity(amounts{btc: amount("100000000000000000")})
		}, hide), func(p obj) {
			low, high := balance(p, "equity:low"), balance(p, "equity:high")
			low["amount"] = new(big.Int).Add(amount(low["amount"].(string)), new(big.Int).Lsh(big.NewInt(1), 64)).String()
			high["amount"] = new(big.Int).Sub(amount(high["amount"].(string)), big.NewInt(1)).String()
		})
		add(prefix+"-columns-out-of-order", "T13", "proof.statement", 1, "", honest, func(p obj) {
			b := p["balances"].([]obj)
			b[2], b[3] = b[3], b[2]
		})
		add(prefix+"-debit-of-an-unpriced-asset", "E6", "proof.statement", 1, "ETH has no debit column", honest, func(p obj) { balance(p, "debit:USDT")["asset"] = "debit:ETH" })
		add(prefix+"-column-malformed", "E2", "proof.format", 3, "", honest, func(p obj) { balance(p, "equity:low")["asset"] = "equity:lower" })
	}
	w := newMarginWorld()
	m := w.hide(t, hidden{})
	shard := func(m *made) map[string]vectorFile {
		return vectorFiles(map[string][]byte{leavesPath(1): m.files[leavesPath(1)], shardProofPath(1): m.files[shardProofPath(1)]})
	}
	counted := func(name, attack, check string, exit int, comment string, m *made) {
		put("proof", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Customer: "dave@example.org", Policy: m.raw, Proof: string(encode(m.proof(1, 0))), Files: shard(m)})
	}
	counted("happy-confidential-margin-counted", "", "pass", 0, "the shard's proof is with the margin's relation", m)
	counted("confidential-margin-not-related", "Z17", "proof.counted", 3, "the shard's proof is of no relation: a g less", newMarginWorld().hide(t, hidden{prove: func(_ int, v *confidentialtest.Prover) {
		v.Statement.Relations = nil
	}}))
}

// hiddenMargin are bundles of confidential trees with margin accounts; of their shards one is there.
func hiddenMargin(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, keep uint64, h hidden, edit func(*world)) {
		w := newMarginWorld()
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
		w.sealed = func(f map[string][]byte) {
			for _, path := range []string{leavesPath(1 - keep), shardProofPath(1 - keep)} {
				delete(f, path)
			}
		}
		edit(w)
		m := w.hide(t, h)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	const full = "liabilities.full"
	as := func(*world) {}
	add("happy-confidential-margin", "", "pass", 0, "the shard's proof is with the margin's relation", 0, hidden{decoys: 1}, as)
	add("confidential-margin-equal-offsets", "Z12", full, 1, "the net equity of two rows is off by opposite amounts", 0, hidden{}, func(w *world) { w.shift(equityLow, 1000) })
	add("confidential-margin-row-under-water", "A5", full, 1, "Carol owes a USDT more than her collateral is worth: her net equity is an entry below zero, and every total is right", 0, hidden{shard: func(i int, v *confidentialtest.Prover) {
		if i == 0 {
			underWater(v)
		}
	}}, func(w *world) {
		w.shards[0][2].owed = amounts{debitUSDT: big.NewInt(1_000_000)}
		w.predicate = func(p obj) { at(p, "ledger")["classes"].([]obj)[0]["customers"] = 3 }
	})
	other := marginFactors()
	other[btc] = big.NewInt(5_400_046)
	add("confidential-margin-of-another-price", "A7", full, 1, "the shard's proof is with the factors of another price of BTC", 0, hidden{prove: func(_ int, v *confidentialtest.Prover) {
		v.Statement.Relations = [][]*big.Int{other}
	}}, as)
	add("confidential-margin-totals-off", "Z12", "liabilities.margin", 1, "the shard that breaks the rule is absent", 1, hidden{}, func(w *world) {
		w.shards[0][0].owed[equityLow] = new(big.Int).Add(w.shards[0][0].owed[equityLow], big.NewInt(1))
	})
}

// hiddenTotalsMargin hide what is owed in all, debts and net equity too.
func hiddenTotalsMargin(t testing.TB, put putter) {
	add := func(name, check string, exit int, comment string, edit func(p obj)) {
		w := newCoveredWorld().lend()
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
		w.predicate, w.sealed = edit, func(f map[string][]byte) {
			for i := range uint64(2) {
				delete(f, leavesPath(i))
				delete(f, shardProofPath(i))
			}
		}
		m := w.hide(t, hidden{totals: true})
		put("bundle", name, vector{Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	add("happy-hidden-totals-margin", "pass", 0, "the liabilities list assets only; T of debits and net equity is 2^128 − 1", func(obj) {})
	add("hidden-totals-margin-of-a-debit", "statement.format", 3, "a debit among the liabilities", func(p obj) {
		p["liabilities"] = append(p["liabilities"].([]obj), obj{"amount": "10000000", "asset": "debit:BTC"})
	})
	add("hidden-totals-margin-sum-of-debts", "statement.format", 3, "the ledger tells what all customers owe", func(p obj) { at(p, "ledger")["negatives"].(obj)["sum"] = []obj{} })
	off := func(customers, below int, rule string) func(p obj) {
		return func(p obj) {
			l := at(p, "ledger")
			l["underwater"] = obj{"customers": customers, "rule": "write-off", "sum": []obj{{"amount": "5", "asset": "USDT"}}}
			l["negatives"] = obj{"entries": below, "rule": rule}
			if rule != "debit" {
				l["negatives"].(obj)["sum"] = []obj{{"amount": "5", "asset": "USDT"}}
			}
			l["entries"] = l["entries"].(int) - 2 + below
		}
	}
	add("happy-hidden-totals-margin-written-off", "pass", 0, "two entries below zero, of two customers under water", off(2, 2, "debit"))
	add("hidden-totals-margin-written-off-by-too-many", "liabilities.ledger", 1, "two customers under water, and one entry below zero", off(2, 1, "debit"))
	add("hidden-totals-margin-written-off-though-excluded", "liabilities.ledger", 1, "what was excluded is no debt that could be written off", off(1, 2, "exclude"))
	add("hidden-totals-margin-without-sum", "statement.format", 3, "what was excluded is told", func(p obj) { at(p, "ledger")["negatives"].(obj)["rule"] = "exclude" })
}

// underWater gives Carol, of shard 0, a net equity of −10^10 in one entry, which is what the rule wants of a USDT of debt.
func underWater(v *confidentialtest.Prover) {
	const unit, first = 10_000_000_000, 128 * equityLow
	total := big.NewInt(-unit)
	for b, e := range v.TotalEntries[first : first+128] {
		total.Add(total, new(big.Int).Lsh(new(big.Int).SetUint64(e.Uint64()), uint(b)))
	}
	v.Entries[2][first] = scalar(-unit)
	copy(v.TotalEntries[first:], confidentialtest.Bits(total))
	v.Settle()
}

// cheatingMargins are provers of shards with margin accounts: of one asset, at a price and a weight of one.
func cheatingMargins(add func(name, attack, comment string, tree *hiddenTree, cheat func(*hiddenTree))) {
	columns := []string{"USDT", "debit:USDT", "equity:low", "equity:high"}
	rule := func() [][]*big.Int {
		return [][]*big.Int{{big.NewInt(1), big.NewInt(-1), big.NewInt(-1), new(big.Int).Neg(power(64, 0))}}
	}
	shard := func(rows ...[]*big.Int) *hiddenTree {
		s := hiddenShard(4, columns, rows...)
		s.Statement.Relations = rule()
		return s
	}
	add("margin-under-water", "A5", "9 are had and 12 owed: the net equity is an entry of −3", shard(numbers(9, 12, 0, 0), numbers(5, 0, 5, 0)), func(s *hiddenTree) {
		s.Entries[0][128*2] = scalar(-3)
		s.TotalEntries = confidentialtest.Bits(numbers(14, 12, 2, 0)...)
	})
	add("margin-equity-too-great", "A5", "one unit more of net equity than collateral less debts", shard(numbers(9, 4, 6, 0)), func(*hiddenTree) {})
	add("margin-equal-offsets", "Z12", "the net equity of two rows is off by opposite amounts", shard(numbers(9, 4, 6, 0), numbers(5, 0, 4, 0)), func(*hiddenTree) {})
	add("margin-debt-left-out", "A5", "a debt that the row does not have", shard(numbers(9, 0, 5, 0)), func(*hiddenTree) {})
	add("margin-of-another-price", "A7", "the prover's challenges hang on another factor", shard(numbers(4, 8, 0, 0)), func(s *hiddenTree) {
		s.Cheat.Silent = "relations"
	})
	add("margin-fitting-g", "Z13", "g is made to fit once e is known", shard(numbers(9, 4, 6, 0)), func(s *hiddenTree) {
		s.Cheat.MasksAfter = true
		s.Cheat.Answers = func(m *confidentialtest.Masks, _ confidentialtest.Scalar, a *confidentialtest.Answers) {
			m.Relations[0] = confidentialtest.Related(rule()[0], a.Z)
		}
	})
}
