package verifier

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
)

func TestA01_NegativeLeafOrSibling(t *testing.T) {
	m := newWorld().make(t)
	p := m.proof(0, 0)
	p["balances"].([]obj)[0]["amount"] = "-1"
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", "balances[0].amount: not an amount")
	p = m.proof(0, 0)
	sibling(p, "path", 0)["sum"] = []obj{{"amount": "-5", "asset": "BTC"}}
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", "path[0].sum[0].amount: not an amount")
	w := newWorld()
	w.shardList = func(l obj) { l["shards"].([]obj)[0]["sum"] = []obj{{"amount": "-5", "asset": "BTC"}} }
	refused(t, verify(t, w.make(t)), "liabilities.root", "shards[0].sum[0].amount: not an amount")
	w = newWorld()
	w.predicate = func(p obj) { p["liabilities"].([]obj)[0]["amount"] = "-5" }
	refused(t, verify(t, w.make(t)), "statement.format", "predicate.liabilities[0].amount: not an amount")
	w = newFullWorld()
	w.files = func(f map[string][]byte) {
		w.lines[0]["amount"] = "-200000000"
		f[claim.LinesPath] = encode(obj{"lines": w.lines, "snapshot": "00", "type": claim.LinesType})
	}
	refused(t, verify(t, w.make(t)), "reserves.lines", "lines[0].amount: not an amount")
}

// Two leaves of 2^128-1 and 1: their sum wraps to nothing if nobody looks.
func TestA02_Overflow(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	wrap := func(l, r node) amounts {
		s := add(l.sum, r.sum)
		for i, v := range s {
			if v.Mod(v, limit).Sign() == 0 {
				delete(s, i)
			}
		}
		return s
	}
	most := new(big.Int).Sub(limit, big.NewInt(1))
	w := shardOf(1, 1)
	w.shards[0][1].owed = amounts{0: most}
	w.sumNodes = wrap
	w.predicate = func(p obj) { p["ledger"].(obj)["classes"].([]obj)[0]["sum"] = []obj{} }
	m := w.make(t)
	refused(t, verify(t, m), "liabilities.full", "shard tree, height 1, leaf #1: the sum of asset #0 reaches 2^128")
	refused(t, verifyProof(m, m.proof(0, 0), "c0@example.org"), "proof.root", "shard tree, sibling 0: the sum of asset #0 reaches 2^128")
	w = newWorld()
	w.shards = [][]customer{owing(1), owing(1)}
	w.shards[1][0] = customer{id: "x", owed: amounts{0: most}, nonce: h([]byte("x"))}
	w.sumNodes = wrap
	m = w.make(t)
	refused(t, verify(t, m), "liabilities.root", "top tree, height 1, leaf #1: the sum of asset #0 reaches 2^128")
	refused(t, verifyProof(m, m.proof(0, 0), "c0@example.org"), "proof.root", "top tree, sibling 0: the sum of asset #0 reaches 2^128")
	fits := shardOf(1)
	fits.shards[0][0].owed = amounts{0: most}
	proven(t, verify(t, fits.make(t)))
}

func TestA03_RoundingDrift(t *testing.T) {
	for _, spelling := range []string{"50000000.0", "5e7", "50000000 ", "050000000", "+50000000"} {
		m := newWorld().make(t)
		p := m.proof(0, 0)
		p["balances"].([]obj)[0]["amount"] = spelling
		refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", "balances[0].amount: not an amount")
	}
	w := newWorld()
	w.predicate = func(p obj) {
		p["liabilities"].([]obj)[1]["amount"] = "7500000000000000001"
		p["coverage"].([]obj)[1]["liabilities"] = "7500000000000000001"
		p["coverage"].([]obj)[1]["shortfall"] = "7500000000000000001"
		p["ledger"].(obj)["classes"].([]obj)[0]["sum"].([]obj)[1]["amount"] = "7500000000000000001"
	}
	refused(t, verify(t, w.make(t)), "liabilities.root", "the total of ETH comes out as 7500000000000000000 base units, the statement has 7500000000000000001")
}

// Liabilities are gross. A statement that nets someone's debt against others' coins does not match the sum of leaves.
func TestA05_DummyAccountsWithDebt(t *testing.T) {
	w := newWorld()
	w.predicate = func(p obj) {
		p["liabilities"].([]obj)[0]["amount"] = "1"
		p["coverage"].([]obj)[0]["liabilities"] = "1"
		p["coverage"].([]obj)[0]["shortfall"] = "1"
		p["ledger"].(obj)["classes"].([]obj)[0]["sum"].([]obj)[0]["amount"] = "1"
	}
	refused(t, verify(t, w.make(t)), "liabilities.root", "the total of BTC comes out as 150001002 base units, the statement has 1")
	w = newWorld()
	w.predicate = func(p obj) {
		p["ledger"].(obj)["classes"].([]obj)[0]["sum"].([]obj)[0]["amount"] = "1"
	}
	refused(t, verify(t, w.make(t)), "liabilities.ledger", "the classes' sums of BTC come to 1 base units, the liabilities are 150001002")
}

func TestA06_RelabelledCoins(t *testing.T) {
	m := shardOf(7).make(t)
	p := m.proof(0, 0)
	p["balances"].([]obj)[0]["asset"] = "USDT"
	refused(t, verifyProof(m, p, "c0@example.org"), "proof.root", "the total of USDT comes out as 7")
}

// Prices and haircuts have no place in a statement but the margin of its snapshot.
func TestA07_PriceOrHaircut(t *testing.T) {
	w := newWorld()
	w.predicate = func(p obj) { p["liabilities"].([]obj)[0]["price"] = "68000" }
	refused(t, verify(t, w.make(t)), "statement.format", `predicate.liabilities[0]: unknown key "price"`)
	w = newFullWorld()
	w.predicate = func(p obj) { at(p, "reserves")["haircut"] = "0.9" }
	refused(t, verify(t, w.make(t)), "statement.format", `predicate.reserves: unknown key "haircut"`)
}

func TestA08_NettedCappedOrRoundedRatio(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(coverage []obj)
		reason string
	}{
		"rounded up": {func(c []obj) { c[1]["coverage"] = "46.67" }, "ETH: coverage is stated as 46.67, it comes out as 46.66"},
		"capped":     {func(c []obj) { c[2]["coverage"] = "100.00" }, "USDT: coverage is stated as 100.00, it comes out as 1010101010.10"},
		"left out":   {func(c []obj) { delete(c[0], "coverage") }, "BTC: coverage is stated as left out, it comes out as 0.00"},
		"netted": {func(c []obj) {
			delete(c[1], "shortfall")
			c[1]["surplus"] = "0"
		}, "ETH: shortfall is stated as 0"},
		"counted more": {func(c []obj) { c[1]["counted"] = "7500000000000000000" }, "ETH: counted is stated as"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFullWorld()
			w.predicate = func(p obj) { c.edit(p["coverage"].([]obj)) }
			refused(t, verify(t, w.make(t)), "coverage.stated", c.reason)
		})
	}
	t.Run("own token in the counted sum", func(t *testing.T) {
		w := newFullWorld()
		w.assets[2]["tokens"].([]obj)[0]["class"] = "own"
		v := verify(t, w.make(t))
		proven(t, v)
		if v.Coverage[2].Counted != "0" {
			t.Errorf("an own token counts: %+v", v.Coverage[2])
		}
		w.predicate = func(p obj) { at(p, "reserves")["assets"].([]obj)[2]["groups"].([]obj)[0]["class"] = "native" }
		refused(t, verify(t, w.make(t)), "reserves.totals", "USDT, group 0")
	})
	t.Run("policy's least", func(t *testing.T) {
		w := newFullWorld()
		w.full = "[coverage]\nleast = \"46.66\"\n"
		proven(t, verify(t, w.make(t)))
		w.full = "[coverage]\nleast = \"46.67\"\n"
		refused(t, verify(t, w.make(t)), "coverage.policy", "ETH: coverage by the policy's rule is 46.66 %, the policy wants at least 46.67 %")
	})
	if c := claim.Cover("X", amount("99996"), amount("100000")); c.Percent.String() != "99.99" {
		t.Errorf("99.996 %% is printed as %s", c.Percent)
	}
}

func TestA09_Shapes(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17} {
		for _, shards := range []int{1, 2, 3, 5} {
			w := newWorld()
			w.shards = nil
			for s := range shards {
				list := owing(make([]int64, n)...)
				for i := range list {
					list[i].id = fmt.Sprintf("%d-%s", s, list[i].id)
					list[i].nonce = h([]byte(list[i].id))
					list[i].owed = amounts{i % 3: big.NewInt(int64(i + 1))}
				}
				w.shards = append(w.shards, list)
			}
			m := w.make(t)
			proven(t, verify(t, m))
			for s := range shards {
				for i := range n {
					proven(t, verifyProof(m, m.proof(s, i), w.shards[s][i].id))
				}
			}
		}
	}
	proven(t, verify(t, shardOf(0, 0).make(t))) // nobody is owed anything
	w := newWorld()
	w.predicate = func(p obj) { at(p, "tree")["leaves"] = 0 }
	refused(t, verify(t, w.make(t)), "statement.format", "no shard is empty")
	w = newWorld()
	w.shardList = func(l obj) { l["shards"].([]obj)[1]["leaves"] = 0 }
	refused(t, verify(t, w.make(t)), "liabilities.root", "a shard without leaves")
	w = newWorld()
	w.shardList = func(l obj) { l["shards"] = []obj{} }
	refused(t, verify(t, w.make(t)), "liabilities.root", "0 shards, the statement 2")
}

func TestA10_ScaleMixUp(t *testing.T) {
	w := newFullWorld()
	w.assets[2]["decimals"] = 18 // the token has 6
	m := w.make(t)
	v := verify(t, m)
	proven(t, v)
	if got := v.Coverage[2].Counted; got != "1,000" {
		t.Errorf("1000 tokens of 6 decimals count as %s of an asset of 18", got)
	}
	w.predicate = func(p obj) {
		at(p, "reserves")["assets"].([]obj)[2]["groups"].([]obj)[0]["amount"] = "1000000000"
	}
	refused(t, verify(t, w.make(t)), "reserves.totals", "USDT, group 0: the statement has 1 accounts with 1000000000 base units")
	w = newFullWorld()
	w.assets[2]["decimals"] = 5
	refused(t, verify(t, w.make(t)), "statement.format", "decimals: 6, more than the asset's 5")
	w = newFullWorld()
	w.assets[0]["tokens"] = append(w.assets[0]["tokens"].([]obj), obj{"class": "wrapped", "decimals": 6, "id": w.assets[2]["tokens"].([]obj)[0]["id"]})
	sortTokens(w.assets[0])
	w.predicate = func(p obj) { at(p, "reserves")["assets"].([]obj)[0]["groups"] = []obj{} }
	v = verify(t, w.make(t))
	if c := find(v, "snapshot"); c.Result != Fail || v.Proven {
		t.Errorf("a token that backs two assets: %+v", c)
	}
	w = newFullWorld()
	w.assets[1]["tokens"] = append([]obj{{"class": "native", "decimals": 18, "id": evmChain + "/slip44:1"}}, w.assets[1]["tokens"].([]obj)...)
	refused(t, verify(t, w.make(t)), "snapshot", "names the native coin of eip155:1337 twice")
}

func sortTokens(asset obj) {
	list := asset["tokens"].([]obj)
	if list[0]["id"].(string) > list[1]["id"].(string) {
		list[0], list[1] = list[1], list[0]
	}
}
