package verifier

import (
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// A row that is in the tree is committed to. That it is counted, somebody must have checked, and the verdict says who.
func TestZ18_CommittedButNotCounted(t *testing.T) {
	// The total row of shard 0 leaves everybody's BTC out; every path is true, and so is the top's proof.
	cheat := hidden{shard: func(i int, v *confidentialtest.Prover) {
		if i == 0 {
			v.TotalEntries = confidentialtest.Bits(new(big.Int), amount("5000000000000000000"), big.NewInt(99))
			v.Settle()
		}
	}}
	m := newWorld().hide(t, cheat)
	input := ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org"}
	t.Run("nobody checked, and the policy wants it", func(t *testing.T) {
		v := Proof(input)
		if c := find(v, "proof.counted"); v.Proven || v.Exit != ExitFalse || c.Result != Skipped || !strings.Contains(c.Detail, "nobody checked the proof of shard #0") {
			t.Errorf("got %+v, exit %d", c, v.Exit)
		}
	})
	t.Run("nobody checked, and the policy does not ask", func(t *testing.T) {
		w := newWorld()
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
		m := w.hide(t, cheat)
		v := Proof(ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org"})
		proven(t, v)
		c := v.Customer
		if !strings.Contains(v.Summary, "that they are counted was not shown") || c.CountedBy != "" || !strings.HasPrefix(c.Counted, "nobody checked the proof of shard #0") ||
			!strings.HasPrefix(v.NotShown[0], "that your row is counted") || strings.Contains(strings.Join(c.Found, " "), "inside the total") {
			t.Errorf("got %q, %+v, not shown: %q", v.Summary, c, v.NotShown)
		}
	})
	t.Run("this program checks", func(t *testing.T) {
		input := input
		input.Shard = m.filesOf(0)
		refused(t, Proof(input), "proof.counted", notTrue)
	})
	honest := newWorld().hide(t, hidden{})
	input = ProofInput{Proof: encode(honest.proof(0, 0)), Policy: honest.policy, Customer: "alice@example.org"}
	t.Run("with the files of another shard", func(t *testing.T) {
		input := input
		input.Shard = honest.filesOf(1)
		refused(t, Proof(input), "proof.counted", "shard #1, the file's name says #0")
	})
	t.Run("with the files of another tree", func(t *testing.T) {
		other := newWorld()
		other.shards[0][1].owed = amounts{2: big.NewInt(98)}
		input := input
		input.Shard = other.hide(t, hidden{}).filesOf(0)
		refused(t, Proof(input), "proof.counted", "the shard's root comes out as")
	})
	t.Run("an auditor checked", func(t *testing.T) {
		other, auditor, w := m.payload, device("auditor"), newWorld()
		w.full = "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + auditor.text + "\"]\n"
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = true\nfinding = true", 1)
		m := w.hide(t, hidden{})
		input := ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org", Findings: [][]byte{finding(auditor, m.payload, nil)}}
		v := Proof(input)
		proven(t, v)
		if c := find(v, "proof.counted"); !strings.Contains(c.Detail, "the auditor Example Accountants found") || !strings.Contains(strings.Join(v.Customer.Trusted, " "), "Example Accountants") ||
			v.Customer.CountedBy != "the auditor Example Accountants" || !strings.Contains(v.Customer.Counted, "this program did not check that of shard #0") {
			t.Errorf("got %q, %+v", c.Detail, v.Customer)
		}
		for name, raw := range map[string][]byte{
			"a stranger's":                finding(person("stranger"), m.payload, func(_, p obj) { p["auditor"] = "Other Accountants" }),
			"of one who could not say so": finding(auditor, m.payload, func(_, p obj) { p["checks"] = []obj{{"name": "liabilities.full", "result": "skipped"}} }),
		} {
			input.Findings = [][]byte{raw}
			if v := Proof(input); v.Proven || find(v, "proof.counted").Result != Skipped {
				t.Errorf("%s: got %s", name, v.Summary)
			}
		}
		input.Findings = [][]byte{finding(auditor, other, nil)}
		refused(t, Proof(input), "proof.counted", "it is about the statement")
		unwilling := newWorld()
		unwilling.full = w.full
		input.Findings, input.Policy = [][]byte{finding(auditor, m.payload, nil)}, unwilling.hide(t, hidden{}).policy
		if v := Proof(input); v.Proven || find(v, "proof.counted").Result != Skipped {
			t.Errorf("a policy that takes no finding took one: %s", v.Summary)
		}
	})
	t.Run("totals of others", func(t *testing.T) {
		input := input
		input.Shard, input.Top = honest.filesOf(0), &TopFiles{honest.files[shardsPath], m.files[topProofPath]}
		refused(t, Proof(input), "liabilities.totals", notTrue)
		input.Top.List = m.files[shardsPath]
		refused(t, Proof(input), "liabilities.root", "the root comes out as")
	})
}

// In a history the bundles have the shards: each proof's own is checked, in whatever copy of the statement it comes, and no other's word is taken for it.
func TestZ18_CountedInAHistory(t *testing.T) {
	cheat := hidden{shard: func(i int, v *confidentialtest.Prover) {
		if i == 0 {
			v.TotalEntries = confidentialtest.Bits(new(big.Int), amount("5000000000000000000"), big.NewInt(99))
			v.Settle()
		}
	}}
	without := func(m *made) map[string][]byte {
		f := maps.Clone(m.files)
		delete(f, leavesPath(0))
		return f
	}
	trusting := newWorld()
	trusting.policy = strings.Replace(trusting.policy, "recompute = true", "recompute = false", 1)
	honest, cheated, lenient := newWorld().hide(t, hidden{}), newWorld().hide(t, cheat), trusting.hide(t, hidden{})
	alone := HistoryInput{Name: "alone", Envelope: honest.files[claim.EnvelopePath]}
	whole := HistoryInput{Name: "whole", Files: readBundle(t, honest.files)}
	for name, tt := range map[string]struct {
		m                   *made
		inputs              []HistoryInput
		included, committed bool
		says                string
	}{
		"the bundle has the shard":                        {honest, []HistoryInput{whole}, true, false, "included in 1 of 1 statements"},
		"its envelope first":                              {honest, []HistoryInput{alone, whole}, true, false, "included in 1 of 1 statements"},
		"its envelope last":                               {honest, []HistoryInput{whole, alone}, true, false, "included in 1 of 1 statements"},
		"its envelope only":                               {honest, []HistoryInput{alone}, false, false, "nobody checked the proof of shard #0"},
		"the shard is not there":                          {honest, []HistoryInput{{Name: "a", Files: readBundle(t, without(honest))}}, false, false, "nobody checked the proof of shard #0"},
		"its total row leaves a balance out":              {cheated, []HistoryInput{{Name: "a", Files: readBundle(t, cheated.files)}}, false, false, notTrue},
		"it is not there, and the policy does not ask":    {lenient, []HistoryInput{{Name: "a", Files: readBundle(t, without(lenient))}}, false, true, "included in 0 of 1 statements; committed to in 1 more"},
		"it is there, and the policy does not ask for it": {lenient, []HistoryInput{{Name: "a", Files: readBundle(t, lenient.files)}}, true, false, "included in 1 of 1 statements"},
	} {
		t.Run(name, func(t *testing.T) {
			past, err := History(tt.inputs, CustomerProofs{Customer: "alice@example.org", Proofs: []HistoryProof{{Name: "p", Proof: encode(tt.m.proof(0, 0))}}}, tt.m.policy, nil)
			if err != nil {
				t.Fatal(err)
			}
			s, c := past.Statements[0], past.Checks[len(past.Checks)-1]
			if s.Included != tt.included || s.Committed != tt.committed || past.Holds != (tt.included || tt.committed) || c.Name != "history.proofs" || !strings.Contains(c.Detail, tt.says) {
				t.Errorf("included %t, committed %t, %s: %q", s.Included, s.Committed, past.Summary, c.Detail)
			}
		})
	}
}
