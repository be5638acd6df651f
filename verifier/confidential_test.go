package verifier

import (
	"slices"
	"testing"
)

func TestConfidential_Bundle(t *testing.T) {
	for name, decoys := range map[string]int{"customers only": 0, "with decoys": 2} {
		t.Run(name, func(t *testing.T) {
			m := newWorld().hide(t, hidden{decoys: decoys})
			v := verify(t, m)
			proven(t, v)
			if at := slices.IndexFunc(v.Checks, func(c Check) bool { return c.Name == "liabilities.totals" }); at < 0 || v.Checks[at].Result != Pass {
				t.Errorf("got checks %v, want liabilities.totals among them", v.Checks)
			}
		})
	}
}

func TestConfidential_Proof(t *testing.T) {
	m := newWorld().hide(t, hidden{decoys: 2})
	for shard, customers := range [][]string{{"alice@example.org", "bob@example.org", "carol@example.org"}, {"dave@example.org", "erin@example.org"}} {
		for leaf, id := range customers {
			input := ProofInput{Proof: encode(m.proof(shard, leaf)), Policy: m.policy, Customer: id, Shard: m.filesOf(shard), Top: &TopFiles{m.files[shardsPath], m.files[topProofPath]}}
			proven(t, Proof(input))
			input.Customer = "mallory@example.org"
			refused(t, Proof(input), "proof.root", "the root comes out as")
		}
	}
}
