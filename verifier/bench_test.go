package verifier

import (
	"fmt"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
)

// BenchmarkProof is one customer's whole check, the signed statement included.
func BenchmarkProof(b *testing.B) {
	w := newWorld()
	for len(w.shards[0]) < 1024 {
		i := len(w.shards[0])
		c := owing(int64(i + 1))[0]
		c.id = fmt.Sprintf("c%d@example.org", i)
		c.nonce = h([]byte(c.id))
		w.shards[0] = append(w.shards[0], c)
	}
	m := w.make(b)
	raw := encode(m.proof(0, 0))
	b.ReportAllocs()
	for b.Loop() {
		if v := Proof(ProofInput{Proof: raw, Policy: m.policy, Customer: "alice@example.org"}); !v.Proven {
			b.Fatal(v.Summary)
		}
	}
}

// BenchmarkStatement checks signature and format of a statement of 1,024 assets.
func BenchmarkStatement(b *testing.B) {
	w := newWorld()
	for len(w.assets) < 1024 {
		w.assets = append(w.assets, obj{"decimals": 8, "id": fmt.Sprintf("A%d", len(w.assets)), "tokens": []obj{}})
	}
	m := w.make(b)
	raw := m.files[claim.EnvelopePath]
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := claim.ParseEnvelope(raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Verify(m.policy.Keys); err != nil {
			b.Fatal(err)
		}
		s, err := claim.ParseStatement(e.Payload)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Snapshot.Check(m.policy.Window); err != nil {
			b.Fatal(err)
		}
	}
}
