package verifier

import (
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
