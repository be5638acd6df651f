package verifier

import (
	"math/big"
	"strings"
	"testing"
)

// kinds make a world's bundle with either tree.
var kinds = map[string]func(*testing.T, *world) *made{
	"plain":        func(t *testing.T, w *world) *made { return w.make(t) },
	"confidential": func(t *testing.T, w *world) *made { return w.hide(t, hidden{decoys: 1}) },
}

func TestMargin_Bundle(t *testing.T) {
	for kind, of := range kinds {
		t.Run(kind, func(t *testing.T) {
			v := verify(t, of(t, newMarginWorld()))
			proven(t, v)
			if c := find(v, "liabilities.margin"); c.Result != Pass || c.Title == c.Name {
				t.Errorf("got %+v", c)
			}
			m := v.Margin
			if m == nil || m.Currency != "USD" || m.Source != "Demo Index, mid prices" || len(m.Prices) != 2 || m.Equity != "54,000,450,042,655.401080009" {
				t.Fatalf("got %+v", m)
			}
			if got, want := m.Prices[0], (Price{"BTC", "60000.5", 90, "0.1"}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got, want := m.Prices[1], (Price{"USDT", "1", 100, "12,345"}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if text := strings.Join(append(v.Notes, v.NotShown...), "\n"); !strings.Contains(text, "2 ledger entries below zero are debts to the exchange (BTC, USDT)") || !strings.Contains(text, "that the prices are fair") {
				t.Errorf("the notes do not tell what customers owe:\n%s", text)
			}
		})
	}
}

// What absent shards would show of margin accounts, the verdict says that nothing shows.
func TestMargin_NotRecomputed(t *testing.T) {
	for kind, of := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := newMarginWorld()
			withoutShards(w)
			v := verify(t, of(t, w))
			proven(t, v)
			if text := strings.Join(v.Notes, "\n"); !strings.Contains(text, "and each customer's collateral is worth their debts, is the exchange's word") {
				t.Errorf("the notes do not tell whose word it is:\n%s", text)
			}
		})
	}
}

func TestMargin_Proof(t *testing.T) {
	for kind, of := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := newMarginWorld()
			m := of(t, w)
			input := ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org"}
			if kind == "confidential" {
				input.Shard, input.Top = m.filesOf(0), &TopFiles{m.files[shardsPath], m.files[topProofPath]}
			}
			v := Proof(input)
			proven(t, v)
			if c := find(v, "proof.margin"); c.Result != Pass || c.Title == c.Name || v.Margin == nil {
				t.Errorf("got %+v", c)
			}
			found := strings.Join(v.Customer.Found, "\n")
			for _, want := range []string{
				"0.5 BTC is inside the total of", "2.5 ETH is inside the total of", "a debt to the exchange of 12,345 USDT is stated beside it",
				"collateral less debts is worth 14,655.225 USD by the prices and weights that the statement names, of Demo Index, mid prices",
			} {
				if !strings.Contains(found, want) {
					t.Errorf("got %q, want among it %q", found, want)
				}
			}
			if strings.Contains(found, "equity:") || strings.Contains(found, "debit:") {
				t.Errorf("columns are no balances: %q", found)
			}
			whale := input
			whale.Proof, whale.Customer = encode(m.proof(1, 0)), "dave@example.org"
			if kind == "confidential" {
				whale.Shard = m.filesOf(1)
			}
			v = Proof(whale)
			proven(t, v)
			if found := strings.Join(v.Customer.Found, "\n"); !strings.Contains(found, "54,000,450,000,000 USD") {
				t.Errorf("a net equity above 2^64 units: %q", found)
			}
		})
	}
}

// A customer whose own balances break the rule sees it, whoever checked the shard.
func TestMargin_ProofOfAnotherEquity(t *testing.T) {
	for kind, of := range kinds {
		for name, tt := range map[string]struct {
			row   func(w *world)
			shown func(p obj)
		}{
			"the tree has it so":   {row: func(w *world) { w.shift(equityLow, 1000) }},
			"shown with less debt": {shown: func(p obj) { p["balances"].([]obj)[2]["amount"] = "12344000000" }},
			"shown without debt":   {shown: func(p obj) { b := p["balances"].([]obj); p["balances"] = append(b[:2:2], b[3:]...) }},
		} {
			t.Run(kind+": "+name, func(t *testing.T) {
				w := newMarginWorld()
				edit(tt.row, w)
				m := of(t, w)
				p := m.proof(0, 0)
				edit(tt.shown, p)
				refused(t, verifyProof(m, p, "alice@example.org"), "proof.margin", "its net equity is not the worth of its collateral")
			})
		}
	}
}

// What a statement says of columns and debts is of one form.
func TestMargin_StatementRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		edit   func(p obj)
		reason string
	}{
		"columns left out": {func(p obj) { p["liabilities"] = p["liabilities"].([]obj)[:3] }, "predicate.liabilities: does not name exactly"},
		"columns exchanged": {func(p obj) {
			l := p["liabilities"].([]obj)
			l[3]["asset"], l[4]["asset"] = l[4]["asset"], l[3]["asset"]
		}, "predicate.liabilities: does not name exactly"},
		"a debit of nothing's name":   {func(p obj) { p["liabilities"].([]obj)[3]["asset"] = "debit:" }, "not an asset id"},
		"a class with debts":          {func(p obj) { at(p, "ledger")["classes"].([]obj)[0]["sum"].([]obj)[0]["asset"] = "debit:BTC" }, "not an asset id"},
		"underwater left out":         {func(p obj) { delete(at(p, "ledger"), "underwater") }, "predicate.ledger.underwater: it is there with a margin in the snapshot, and only then"},
		"underwater of another rule":  {func(p obj) { at(p, "ledger")["underwater"].(obj)["rule"] = "debit" }, "not a known rule"},
		"underwater of another asset": {func(p obj) { at(p, "ledger")["underwater"].(obj)["sum"] = []obj{{"amount": "1", "asset": "DOGE"}} }, `"DOGE" is not in the registry`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMarginWorld()
			w.predicate = tt.edit
			refused(t, verify(t, w.make(t)), "statement.format", tt.reason)
		})
	}
	for name, tt := range map[string]struct {
		edit   func(p obj)
		reason string
	}{
		"columns": {func(p obj) {
			p["liabilities"] = append(p["liabilities"].([]obj), obj{"amount": "0", "asset": "equity:low"})
		}, "predicate.liabilities: does not name exactly"},
		"underwater": {func(p obj) { at(p, "ledger")["underwater"] = obj{"customers": 0, "rule": "error", "sum": []obj{}} }, "only then"},
		"debits":     {func(p obj) { at(p, "ledger")["negatives"].(obj)["rule"] = "debit" }, "debit, without a margin in the snapshot"},
	} {
		t.Run(name+" without margin", func(t *testing.T) {
			w := newWorld()
			w.predicate = tt.edit
			refused(t, verify(t, w.make(t)), "statement.format", tt.reason)
		})
	}
	t.Run("totals alone", func(t *testing.T) { // where shards are absent, the totals are what is left to check
		for _, of := range kinds {
			w := newMarginWorld()
			alice := w.shards[0][0].owed
			alice[equityLow] = new(big.Int).Add(alice[equityLow], big.NewInt(1))
			w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
			w.sealed = func(f map[string][]byte) {
				for i := range uint64(2) {
					delete(f, leavesPath(i))
					delete(f, shardProofPath(i))
				}
			}
			refused(t, verify(t, of(t, w)), "liabilities.margin", "their net equity is stated as")
		}
	})
}
