package verifier

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/claim"
)

// Of what is covered no more is said than that; of what is in shortfall the exchange's own number.
func TestHiddenTotals_Bundle(t *testing.T) {
	w := newCoveredWorld()
	v := verify(t, w.hide(t, hidden{totals: true, decoys: 1}))
	proven(t, v)
	want := []Coverage{
		{Asset: "BTC", AtMost: "1.50001002", Counted: "2", CoverageAtLeast: "133.33", StatedCounted: "0", StatedCoverage: "0.00", StatedShortfall: "1.50001002"},
		{Asset: "ETH", AtMost: "3.5", Counted: "3.5", CoverageAtLeast: "100.00", StatedCounted: "3.5"},
		{Asset: "USDT", AtMost: "1,000", Counted: "1,000", CoverageAtLeast: "100.00", StatedCounted: "1,000"},
	}
	if d := cmp.Diff(want, v.Coverage); d != "" {
		t.Errorf("coverage (-want +got):\n%s", d)
	}
	if !v.Statement.HiddenTotals || !slices.Contains(v.NotShown, totalsHidden) || !strings.HasSuffix(v.Summary, "totals are hidden, and by the policy's rule reserves cover the liabilities of every asset") {
		t.Errorf("got %q, not shown %q", v.Summary, v.NotShown)
	}
	if c := find(v, "liabilities.totals"); !strings.Contains(c.Detail, "of no asset is more owed") {
		t.Errorf("got %q", c.Detail)
	}
	if c := find(v, "liabilities.ledger"); !strings.HasSuffix(c.Detail, "what they come to is hidden, and compared with nothing") {
		t.Errorf("got %q", c.Detail)
	}
	w.policy = strings.Replace(w.policy, `["bound", "none"]`, `["bound"]`, 1)
	v = verify(t, w.hide(t, hidden{totals: true}))
	proven(t, v)
	if !strings.HasSuffix(v.Summary, "by the policy's rule reserves fall SHORT of liabilities by at most 1.50001002 BTC") {
		t.Errorf("a shortfall must be told: %s", v.Summary)
	}
	open := verify(t, w.hide(t, hidden{}))
	proven(t, open)
	if open.Statement.HiddenTotals || slices.Contains(open.NotShown, totalsHidden) || open.Coverage[1].Liabilities != "3" {
		t.Errorf("open totals: %+v, not shown %q", open.Coverage[1], open.NotShown)
	}
}

// Nothing owed, nothing held; and all that is held is owed.
func TestHiddenTotals_NothingLeft(t *testing.T) {
	w := newWorld() // without reserves
	w.shards[0][1].owed = amounts{}
	v := verify(t, w.hide(t, hidden{totals: true}))
	proven(t, v)
	if d := cmp.Diff(Coverage{Asset: "USDT", AtMost: "0", Counted: "0", StatedCounted: "0"}, v.Coverage[2]); d != "" {
		t.Errorf("coverage (-want +got):\n%s", d)
	}
	w = newCoveredWorld()
	w.shards[0][1].owed = amounts{1: amount("500000000000000000"), 2: big.NewInt(1_000_000_000)}
	v = verify(t, w.hide(t, hidden{totals: true}))
	proven(t, v)
	if v.Coverage[1].CoverageAtLeast != "100.00" || v.Coverage[2].CoverageAtLeast != "100.00" {
		t.Errorf("got %+v", v.Coverage)
	}
}

func TestHiddenTotals_Proof(t *testing.T) {
	m := newCoveredWorld().hide(t, hidden{totals: true})
	input := ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org", Shard: m.filesOf(0)}
	v := Proof(input)
	proven(t, v)
	want := []string{
		"0.5 BTC is inside a hidden total of at most 1.50001002 BTC that Demo Exchange signed for 2026-11-01T00:00:00Z",
		"1 ETH is inside a hidden total of at most 3.5 ETH that Demo Exchange signed for 2026-11-01T00:00:00Z",
	}
	if d := cmp.Diff(want, v.Customer.Found); d != "" {
		t.Errorf("found (-want +got):\n%s", d)
	}
	const others = "that all shards together owe no more than that"
	if !strings.Contains(strings.Join(v.Customer.Trusted, "\n"), others) || !slices.Contains(v.NotShown, totalsHidden) {
		t.Errorf("trusted %q, not shown %q", v.Customer.Trusted, v.NotShown)
	}
	input.Top = &TopFiles{m.files[shardsPath], m.files[topProofPath]}
	v = Proof(input)
	proven(t, v)
	if strings.Contains(strings.Join(v.Customer.Trusted, "\n"), others) || find(v, "liabilities.totals").Result != Pass {
		t.Errorf("with the top's files: trusted %q", v.Customer.Trusted)
	}
}

// No word of a verdict tells a total that the statement does not.
func TestHiddenTotals_VerdictTellsNone(t *testing.T) {
	w := newCoveredWorld()
	w.shards[0][0].owed[1], w.shards[0][1].owed[2] = amount("1234567890123456789"), big.NewInt(76543210)
	m := w.hide(t, hidden{totals: true})
	verdicts := []Verdict{verify(t, m), Proof(ProofInput{Proof: encode(m.proof(1, 0)), Policy: m.policy, Customer: "dave@example.org", Shard: m.filesOf(1)})}
	for _, v := range verdicts {
		proven(t, v)
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, told := range []string{"3234567890123456789", "3.234567890123456789", "76543210", "76.54321", "265432109876543211", "0.265432109876543211", "923456790", "923.45679"} {
			if strings.Contains(string(raw), told) {
				t.Errorf("%s stands in %s", told, raw)
			}
		}
	}
}

// Whatever else reads statements reads these.
func TestHiddenTotals_ElsewhereToo(t *testing.T) {
	l := newLookLog()
	w := newCoveredWorld()
	auditor := device("auditor")
	w.full = l.policy(1) + "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + auditor.text + "\"]\n"
	w.policy = strings.Replace(w.policy, "recompute = true", "recompute = true\nfinding = true", 1)
	w.attach = func(m *made) map[string][]byte {
		return map[string][]byte{findingPath(0): finding(auditor, m.payload, nil)}
	}
	w.sealed = func(f map[string][]byte) { // an auditor had them
		for i := range uint64(2) {
			delete(f, leavesPath(i))
			delete(f, shardProofPath(i))
		}
	}
	m := w.hide(t, hidden{totals: true})
	l.entries = append(foreign(1), byExchange(m.entering())...)
	v := lookedAt(t, m, l)
	proven(t, v)
	if len(v.Findings) != 1 || v.NotRecomputed != "2 of 2 shards" || v.State.State != "published" {
		t.Errorf("findings %v, not recomputed %q, state %+v", v.Findings, v.NotRecomputed, v.State)
	}
	proofs := CustomerProofs{Customer: "alice@example.org", Proofs: []HistoryProof{{Name: "p", Proof: encode(m.proof(0, 0))}}}
	trusting, err := ReadPolicy([]byte(strings.Replace(m.raw, "recompute = true", "recompute = false", 1)))
	if err != nil {
		t.Fatal(err)
	}
	past, err := History([]HistoryInput{{Name: "a", Envelope: m.files[claim.EnvelopePath]}}, proofs, trusting, nil)
	if err != nil || !past.Holds || past.Statements[0].Included || !past.Statements[0].Committed {
		t.Errorf("without the bundle: %v: %+v", err, past.Checks)
	}
	files, err := Folder(folder(m.files))
	if err != nil {
		t.Fatal(err)
	}
	past, err = History([]HistoryInput{{Name: "a", Files: files}}, proofs, m.policy, nil)
	if err != nil || !past.Holds || !past.Statements[0].Included {
		t.Errorf("by the bundle's finding: %v: %+v", err, past.Checks)
	}
	other := elsewhere(t, newFullWorld())
	theirs, err := Folder(folder(other.files))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(files, theirs, m.policy, other.policy)
	if err != nil || c.Exit != ExitFalse || len(c.Accounts) != 2 {
		t.Errorf("%v: %+v", err, c)
	}
}

// With margin accounts nothing is said of debits and net equity in all, and every row satisfies the rule.
func TestHiddenTotals_WithMargin(t *testing.T) {
	m := newCoveredWorld().lend().hide(t, hidden{totals: true, decoys: 1})
	v := verify(t, m)
	proven(t, v)
	if c := find(v, "liabilities.margin"); c.Name != "" {
		t.Errorf("of hidden totals it is not made: %+v", c)
	}
	if v.Margin == nil || v.Margin.Equity != "" || v.Margin.Prices[0] != (Price{Asset: "BTC", Price: "60000.5", Weight: 90}) {
		t.Errorf("got %+v", v.Margin)
	}
	if text := strings.Join(v.Notes, "\n"); !strings.Contains(text, "2 ledger entries below zero are debts to the exchange: ") {
		t.Errorf("got %s", text)
	}
	input := ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org", Shard: m.filesOf(0), Top: &TopFiles{m.files[shardsPath], m.files[topProofPath]}}
	v = Proof(input)
	proven(t, v)
	if found := strings.Join(v.Customer.Found, "\n"); !strings.Contains(found, "a debt to the exchange of 12,345 USDT") || !strings.Contains(found, "1 ETH is inside a hidden total of at most") {
		t.Errorf("got %s", found)
	}
	for name, tt := range map[string]struct {
		edit   func(p obj)
		reason string
	}{
		"debits told": {func(p obj) {
			p["liabilities"] = append(p["liabilities"].([]obj), obj{"amount": "10000000", "asset": "debit:BTC"})
		}, "predicate.liabilities: does not name exactly"},
		"all columns told": {func(p obj) {
			for _, column := range []string{"debit:BTC", "debit:USDT", "equity:low", "equity:high"} {
				p["liabilities"] = append(p["liabilities"].([]obj), obj{"amount": "340282366920938463463374607431768211455", "asset": column})
			}
		}, "predicate.liabilities: does not name exactly"},
		"debts of the ledger": {func(p obj) { at(p, "ledger")["negatives"].(obj)["sum"] = []obj{} }, "predicate.ledger.negatives.sum: it is left out"},
		"no sum by exclude":   {func(p obj) { at(p, "ledger")["negatives"].(obj)["rule"] = "exclude" }, "predicate.ledger.negatives.sum: it is left out"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCoveredWorld().lend()
			w.predicate = tt.edit
			refused(t, verify(t, w.hide(t, hidden{totals: true})), "statement.format", tt.reason)
		})
	}
	t.Run("open totals without the sum of debts", func(t *testing.T) {
		w := newMarginWorld()
		w.predicate = func(p obj) { delete(at(p, "ledger")["negatives"].(obj), "sum") }
		refused(t, verify(t, w.make(t)), "statement.format", "predicate.ledger.negatives.sum: it is left out")
	})
	t.Run("equal offsets", func(t *testing.T) {
		w := newCoveredWorld().lend()
		w.shift(equityLow, 1000)
		refused(t, verify(t, w.hide(t, hidden{totals: true})), "liabilities.full", reasons["confidential"])
	})
	t.Run("more net equity than collateral less debts", func(t *testing.T) { // no total tells it
		w := newCoveredWorld().lend()
		w.shards[0][0].owed[equityLow] = new(big.Int).Add(w.shards[0][0].owed[equityLow], big.NewInt(1))
		refused(t, verify(t, w.hide(t, hidden{totals: true})), "liabilities.full", reasons["confidential"])
	})
}
