package verifier

import (
	"math/big"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// refusedByBoth asserts that the rows and their totals are both refused, and nothing else.
func refusedByBoth(t *testing.T, v Verdict, reason string) {
	t.Helper()
	for _, c := range v.Checks {
		wanted := c.Name == "liabilities.full" || c.Name == "liabilities.margin"
		if (c.Result == Fail) != wanted {
			t.Errorf("%s: %s %q", c.Name, c.Result, c.Detail)
		}
	}
	if c := find(v, "liabilities.full"); !strings.Contains(c.Detail, reason) || v.Proven || v.Exit != ExitFalse {
		t.Errorf("got %q, exit %d, want a refusal with %q", c.Detail, v.Exit, reason)
	}
}

// reasons are what a row that breaks the rule is refused with.
var reasons = map[string]string{"plain": "its net equity is not the worth of its collateral", "confidential": "relation #0 is not zero in every row"}

// An account that is nobody's owes what it likes: nothing that others are owed gets smaller, and its row has to show collateral.
func TestA05_DummyAccountWithDebit(t *testing.T) {
	dummy := customer{id: "nobody@example.org", nonce: h([]byte("nobody"))}
	for kind, of := range kinds {
		t.Run(kind+": a debt without collateral", func(t *testing.T) {
			w := newMarginWorld()
			dummy := dummy
			dummy.owed = amounts{debitBTC: big.NewInt(50_000_000)}
			w.shards[1] = append(w.shards[1], dummy)
			refusedByBoth(t, verify(t, of(t, w)), reasons[kind])
		})
		t.Run(kind+": with collateral that is owed to it", func(t *testing.T) {
			w := newMarginWorld()
			dummy := dummy
			dummy.owed = inEquity(amounts{usdt: big.NewInt(40_000_000_000), debitBTC: big.NewInt(50_000_000)})
			w.shards[1] = append(w.shards[1], dummy)
			m := of(t, w)
			v := verify(t, m)
			proven(t, v)
			if got := v.Coverage[btc].Liabilities; got != "1,000,000,001.00000002" {
				t.Errorf("with somebody's debt of 0.5 BTC, %s BTC are owed", got)
			}
		})
		t.Run(kind+": subtracted from what is owed", func(t *testing.T) {
			w := newMarginWorld()
			w.predicate = func(p obj) {
				net := "100000000090000002" // less Bob's 0.1 BTC
				p["liabilities"].([]obj)[btc]["amount"] = net
				at(p, "ledger")["classes"].([]obj)[0]["sum"].([]obj)[0]["amount"] = net
				p["coverage"].([]obj)[btc]["liabilities"], p["coverage"].([]obj)[btc]["shortfall"] = net, net
			}
			v := verify(t, of(t, w))
			at := map[string]string{"plain": "liabilities.root", "confidential": "liabilities.totals"}[kind]
			if find(v, at).Result != Fail || find(v, "liabilities.margin").Result != Fail {
				t.Errorf("got %s", v.Summary)
			}
		})
	}
	for name, tt := range map[string]struct {
		edit   func(ledger obj)
		reason string
	}{
		"debts of nobody's entries":       {func(l obj) { l["negatives"].(obj)["sum"].([]obj)[0]["amount"] = "9999999" }, "debts in BTC, with what was written off, come to 10000000 base units, entries below zero to 9999999"},
		"debts though the rule is others": {func(l obj) { l["negatives"].(obj)["rule"] = "exclude" }, "debts in BTC, with what was written off, come to 10000000 base units, entries below zero to 0"},
		"more written off than was owed": {func(l obj) {
			l["underwater"] = obj{"customers": 1, "rule": "write-off", "sum": []obj{{"amount": "1", "asset": "USDT"}}}
		}, "debts in USDT, with what was written off, come to 12345000001"},
		"written off though the rule is error": {func(l obj) { l["underwater"].(obj)["customers"] = 1 }, "underwater: the rule is error"},
		"written off by nobody": {func(l obj) {
			l["underwater"] = obj{"customers": 0, "rule": "write-off", "sum": []obj{{"amount": "5", "asset": "USDT"}}}
			l["negatives"].(obj)["sum"].([]obj)[1]["amount"] = "12345000005"
		}, "underwater: customers and sum do not fit"},
		"written off by more than there are": {func(l obj) {
			l["underwater"] = obj{"customers": 6, "rule": "write-off", "sum": []obj{{"amount": "5", "asset": "USDT"}}}
			l["negatives"].(obj)["sum"].([]obj)[1]["amount"] = "12345000005"
		}, "underwater: 6 customers, of 5 in all"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMarginWorld()
			w.predicate = func(p obj) { tt.edit(at(p, "ledger")) }
			refused(t, verify(t, w.make(t)), "liabilities.ledger", tt.reason)
		})
	}
	t.Run("what was written off is told", func(t *testing.T) {
		w := newMarginWorld()
		w.predicate = func(p obj) {
			l := at(p, "ledger")
			l["underwater"] = obj{"customers": 1, "rule": "write-off", "sum": []obj{{"amount": "5", "asset": "USDT"}}}
			l["negatives"].(obj)["sum"].([]obj)[1]["amount"] = "12345000005"
		}
		v := verify(t, w.make(t))
		proven(t, v)
		if text := strings.Join(v.Notes, "\n"); !strings.Contains(text, "what was owed by customers whose collateral is worth less, 1 of 5, was written off (USDT)") || !strings.Contains(text, "those that were not written off stand in columns of their own") {
			t.Errorf("got %s", text)
		}
	})
}

// Prices and weights are covered by the snapshot's id, and rows are made for them.
func TestA07_PriceOfMargin(t *testing.T) {
	price := func(m obj, i int) obj { return m["prices"].([]obj)[i] }
	for kind, of := range kinds {
		t.Run(kind+": changed after the snapshot", func(t *testing.T) {
			w := newMarginWorld()
			w.predicate = func(p obj) {
				price(p["snapshot"].(obj)["margin"].(obj), 0)["price"] = "70000"
			}
			refused(t, verify(t, of(t, w)), "snapshot", "the snapshot's id comes out as")
		})
		for name, change := range map[string]func(m obj){
			"another price":  func(m obj) { price(m, 0)["price"] = "60000.6" },
			"another weight": func(m obj) { price(m, 0)["weight"] = 91 },
			"prices of less": func(m obj) { price(m, 1)["price"] = "0.9" },
		} {
			t.Run(kind+": rows made by "+name, func(t *testing.T) {
				w := newMarginWorld()
				change(w.margin)
				refusedByBoth(t, verify(t, of(t, w)), reasons[kind])
			})
		}
	}
	for name, tt := range map[string]struct {
		check, reason string
		edit          func(m obj)
	}{
		"a price of zero":            {"statement.format", "want a decimal above 0", func(m obj) { price(m, 0)["price"] = "0" }},
		"a price below zero":         {"statement.format", "not a decimal amount", func(m obj) { price(m, 0)["price"] = "-1" }},
		"a price with 37 places":     {"statement.format", "at most 36 digits after the point", func(m obj) { price(m, 0)["price"] = "1." + strings.Repeat("0", 36) + "1" }},
		"a weight of 101":            {"statement.format", "margin.prices[0].weight", func(m obj) { price(m, 0)["weight"] = 101 }},
		"no prices":                  {"statement.format", "no prices", func(m obj) { m["prices"] = []obj{} }},
		"a currency in small":        {"statement.format", "want 1-16 of A-Z 0-9", func(m obj) { m["currency"] = "usd" }},
		"a currency of 17":           {"statement.format", "want 1-16 of A-Z 0-9", func(m obj) { m["currency"] = strings.Repeat("U", 17) }},
		"no source":                  {"statement.format", "margin.source", func(m obj) { m["source"] = "" }},
		"of no asset":                {"snapshot", "the price of DOGE is of no asset of the registry", func(m obj) { price(m, 0)["asset"] = "DOGE" }},
		"an asset twice":             {"snapshot", "the price of BTC is of no asset of the registry, twice", func(m obj) { price(m, 1)["asset"] = "BTC" }},
		"out of registry order":      {"snapshot", "the price of BTC is of no asset of the registry, twice or out of registry order", func(m obj) { l := m["prices"].([]obj); l[0], l[1] = l[1], l[0] }},
		"a factor of 2^96 or more":   {"snapshot", "a base unit of USDT is worth 2^96 or more", func(m obj) { price(m, 1)["price"] = "7922816251426433759354396" }},
		"a factor from small prices": {"snapshot", "a base unit of BTC is worth 2^96 or more", func(m obj) { price(m, 1)["price"] = "0." + strings.Repeat("0", 35) + "1" }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMarginWorld()
			for _, shard := range w.shards {
				for i := range shard {
					shard[i].owed = amounts{1: amount("2500000000000000000")} // ETH has no price
				}
			}
			tt.edit(w.margin)
			refused(t, verify(t, w.make(t)), tt.check, tt.reason)
		})
	}
	t.Run("as great as a factor may be", func(t *testing.T) {
		w := newMarginWorld()
		for _, shard := range w.shards {
			for i := range shard {
				shard[i].owed = amounts{1: amount("2500000000000000000")}
			}
		}
		price(w.margin, 1)["price"] = "7922816251426433759354395"
		proven(t, verify(t, w.make(t)))
	})
}

// Two rows that break the rule by opposite amounts leave every total as it is.
func TestZ12_EqualOffsetsInEquityAndDebt(t *testing.T) {
	for kind, of := range kinds {
		for name, bend := range map[string]func(w *world){
			"net equity from one to another": func(w *world) { w.shift(equityLow, 1000) },
			"a debt from one to another":     func(w *world) { w.shift(debitUSDT, -5_000_000) },
			"equity for a debt": func(w *world) { // one USDT of debt is worth 10^10 units
				alice, carol := w.shards[0][0].owed, w.shards[0][2].owed
				alice[debitUSDT] = new(big.Int).Sub(alice[debitUSDT], big.NewInt(1_000_000))
				carol[equityLow] = new(big.Int).Add(carol[equityLow], big.NewInt(10_000_000_000))
			},
		} {
			t.Run(kind+": "+name, func(t *testing.T) {
				w := newMarginWorld()
				bend(w)
				refused(t, verify(t, of(t, w)), "liabilities.full", reasons[kind])
			})
		}
	}
}

// shift moves so much of a column from Carol to Alice.
func (w *world) shift(column int, by int64) {
	alice, carol := w.shards[0][0].owed, w.shards[0][2].owed
	for owed, sign := range map[*amounts]int64{&alice: 1, &carol: -1} {
		was := (*owed)[column]
		if was == nil {
			was = new(big.Int)
		}
		(*owed)[column] = new(big.Int).Add(was, big.NewInt(sign*by))
	}
}

// A prover who says less than the statement's rule, or another one.
func TestZ17_ProofOfAnotherMargin(t *testing.T) {
	other := marginFactors()
	other[btc] = big.NewInt(5_400_046)
	for name, relations := range map[string][][]*big.Int{
		"of no rule":                    nil,
		"of another price":              {other},
		"of the rule, and one more":     {marginFactors(), marginFactors()},
		"of a rule that says nothing":   {zeroFactors()},
		"of the rule with signs turned": {negated(marginFactors())},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMarginWorld().hide(t, hidden{prove: func(i int, v *confidentialtest.Prover) {
				if i == 1 {
					v.Statement.Relations = relations
				}
			}})
			if c := find(verify(t, m), "liabilities.full"); c.Result != Fail {
				t.Errorf("got %s", c.Result)
			}
		})
	}
	t.Run("a statement without margin", func(t *testing.T) {
		refused(t, verify(t, newWorld().hide(t, hidden{prove: func(i int, v *confidentialtest.Prover) {
			if i == 1 {
				v.Statement.Relations = [][]*big.Int{{new(big.Int), new(big.Int), new(big.Int)}}
			}
		}})), "liabilities.full", "")
	})
}

func zeroFactors() []*big.Int {
	list := make([]*big.Int, len(marginFactors()))
	for i := range list {
		list[i] = new(big.Int)
	}
	return list
}

func negated(list []*big.Int) []*big.Int {
	for _, factor := range list {
		factor.Neg(factor)
	}
	return list
}

// A customer who owes more than their collateral is worth has no row: every way to write a net equity below zero is refused, though the rule
// holds and every total is right.
func TestA05_RowUnderWater(t *testing.T) {
	// Carol owes one USDT, and nothing is owed to her.
	indebted := func() *world {
		w := newMarginWorld()
		w.shards[0][2].owed = amounts{debitUSDT: big.NewInt(1_000_000)}
		w.predicate = func(p obj) { at(p, "ledger")["classes"].([]obj)[0]["customers"] = 3 }
		return w
	}
	cheat := func(prove func(i int, v *confidentialtest.Prover)) hidden {
		return hidden{prove: prove, shard: func(i int, v *confidentialtest.Prover) {
			if i == 0 {
				underWater(v)
			}
		}}
	}
	t.Run("an entry below zero", func(t *testing.T) {
		refused(t, verify(t, indebted().hide(t, cheat(nil))), "liabilities.full", notTrue)
	})
	t.Run("and another b for the last claim", func(t *testing.T) {
		refused(t, verify(t, indebted().hide(t, cheat(func(_ int, v *confidentialtest.Prover) {
			v.Cheat.Opening = func(o *confidentialtest.Opening) { o.InY = o.Claim }
		}))), "liabilities.full", notTrue)
	})
	t.Run("no net equity, and g made to fit", func(t *testing.T) {
		m := indebted().hide(t, hidden{prove: func(_ int, v *confidentialtest.Prover) {
			v.Cheat.MasksAfter = true
			v.Cheat.Answers = func(m *confidentialtest.Masks, _ confidentialtest.Scalar, a *confidentialtest.Answers) {
				m.Relations[0] = confidentialtest.Related(marginFactors(), a.Z)
			}
		}})
		if c := find(verify(t, m), "liabilities.full"); c.Result != Fail || !strings.Contains(c.Detail, notTrue) {
			t.Errorf("got %s %q", c.Result, c.Detail)
		}
	})
	t.Run("no net equity", func(t *testing.T) {
		refusedByBoth(t, verify(t, indebted().hide(t, hidden{})), reasons["confidential"])
	})
}
