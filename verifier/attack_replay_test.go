package verifier

import (
	"testing"

	"github.com/assay-por/assay/verifier/watch"
)

// An honest exchange's entry that stands in the log once more, put there by whoever holds its bytes, accuses nobody: not the exchange of
// two words, and not of a revoked key's.
func TestC09_EntryPutInAgain(t *testing.T) {
	a, b := statementEntry("a", 0, "2026-08", "", ""), statementEntry("b", 1, "2026-08", "a", "a")
	l := newLookLog(byExchange(a, b, a)...)
	w := watchFor(t, l)
	inOrder(t, w.look(t, l.serve(3).read))
	trust, err := watch.TrustOf(w.policy.Log)
	if err != nil {
		t.Fatal(err)
	}
	says, nothing, err := watch.Judge(encode(equivocationOf(l, 1, 2)), w.policy, trust)
	if err != nil || nothing == nil {
		t.Errorf("an honest exchange is accused: %s %v", says, err)
	}
}

func TestC12_EntryPutInAgainAfterARevocation(t *testing.T) {
	a := statementEntry("a", 0, "2026-08", "", "")
	l := newLookLog(byExchange(a)...)
	w := watchFor(t, l)
	inOrder(t, w.look(t, l.under(1, l.checkpoint(1, "2026-11-30T20:00:00Z", "w1", "w2")).read))
	l.entries = append(l.entries, byExchange(a)...)
	revoked := newWorld()
	revoked.full = l.policy(2) + limitOfKey("KEY", "revoked = \"2026-11-30T22:00:00Z\"\n")
	w.policy = revoked.make(t).policy
	inOrder(t, w.look(t, l.serve(2).read))
}
