package verifier

import (
	"bytes"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
)

// A customer's proof of a later version is neither false nor broken, in a history too.
func TestC08_ProofOfALaterVersionInAHistory(t *testing.T) {
	w, l := newLoggedWorld()
	m := w.make(t)
	l.edit = func(e obj) { e["type"] = "assay/v2/entry" }
	p := m.proof(0, 0)
	p["log"] = l.inProof(p["envelope"])
	raw := encode(p)
	if v := Proof(ProofInput{Proof: raw, Policy: m.policy, Customer: "alice@example.org"}); v.Exit != ExitUnsupported {
		t.Fatalf("exit %d: %s", v.Exit, v.Summary)
	}
	inputs := []HistoryInput{{Name: "a", Envelope: bytes.Clone(m.files[claim.EnvelopePath])}}
	past, err := History(inputs, CustomerProofs{Customer: "alice@example.org", Proofs: []HistoryProof{{Name: "p", Proof: raw}}}, m.policy, nil)
	if err != nil || past.Holds || past.Exit != ExitUnsupported {
		t.Errorf("exit %d, %v: %s", past.Exit, err, past.Summary)
	}
}
