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

// A statement given twice counts once, and its better copy counts, whichever was given first.
func TestX07_OrderOfCopiesInAHistory(t *testing.T) {
	w, l := newLoggedWorld()
	l.attachTo(w)
	m := w.make(t)
	alone := HistoryInput{Name: "alone", Envelope: m.files[claim.EnvelopePath]}
	whole := HistoryInput{Name: "whole", Files: readBundle(t, m.files)}
	altered := HistoryInput{Name: "altered", Envelope: bytes.Replace(m.files[claim.EnvelopePath], []byte(`"sig":"`), []byte(`"sig":"AAAA`), 1)}
	proofs := CustomerProofs{Customer: "alice@example.org", Proofs: []HistoryProof{{Name: "p", Proof: encode(m.proof(0, 0))}}}
	for _, inputs := range [][]HistoryInput{{whole, alone}, {alone, whole}} {
		past, err := History(inputs, proofs, m.policy, nil)
		if err != nil || !past.Holds || len(past.Statements) != 1 || past.Statements[0].Name != "whole" {
			t.Errorf("%s first: %v, %s", inputs[0].Name, err, past.Summary)
		}
	}
	for _, inputs := range [][]HistoryInput{{whole, altered}, {altered, whole}} {
		past, err := History(inputs, proofs, m.policy, nil)
		if err != nil || past.Holds || len(past.Statements) != 2 {
			t.Errorf("%s first: a copy that nobody signed passes: %v, %s", inputs[0].Name, err, past.Summary)
		}
	}
}
