package verifier

import (
	"fmt"
	"slices"
	"strings"
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

// An exchange that contradicts itself as often as it can is caught as well as one that does it once: what is kept stays small, and the same
// from look to look.
func TestE09_ManyEquivocations(t *testing.T) {
	l := newLookLog()
	for i := range 40 {
		l.entries = append(l.entries, byExchange(statementEntry(fmt.Sprint(i), 0, fmt.Sprintf("2026-%02d", i), "", ""))...)
	}
	w := watchFor(t, l)
	found, again := w.look(t, l.serve(39).read), w.look(t, l.serve(40).read)
	if summary := found.Summary; !strings.Contains(summary, "entry 8: number 0 of the series monthly twice: entries 0 and 8; and 30 more") {
		t.Errorf("got %s", summary)
	}
	if len(found.Evidence) != maxCaught || !slices.Contains(found.Notes, "22 more pairs of entries contradict one another: no evidence is made of them") {
		t.Errorf("%d pieces of evidence, notes %q", len(found.Evidence), found.Notes)
	}
	for i, e := range again.Evidence {
		caughtBy(t, e, w.policy)
		if e.Name != found.Evidence[i].Name {
			t.Errorf("%s was kept before, now %s", found.Evidence[i].Name, e.Name)
		}
	}
}

// With one key and two names, an exchange could show each half of its readers another statement in one log. What it says by the other name
// is passed over, and told.
func TestC11_OneKeyUnderTwoNames(t *testing.T) {
	a := statementEntry("a", 0, "2026-08", "", "")
	other := edited(statementEntry("z", 0, "2026-08", "", ""), func(e obj) { e["exchange"] = "Demo exchange" })
	const told = "entries of the log that keys of Demo Exchange signed in the name of another exchange, and that were passed over: 1"
	l := newLookLog(append(byExchange(a, other), entryOf(other, person("stranger")))...)
	found := watchFor(t, l).look(t, l.serve(3).read)
	inOrder(t, found)
	if !slices.Contains(found.Notes, told) {
		t.Errorf("notes %q", found.Notes)
	}
	m, l := inLog(t, nil)
	l.entries = append(l.entries, byExchange(other)...)
	v := lookedAt(t, m, l)
	proven(t, v)
	if !slices.Contains(v.Notes, told) {
		t.Errorf("notes %q", v.Notes)
	}
}

// A copy of a log may be as old as whoever shows it likes, unless the policy asks how fresh it is: then nothing is left to say.
func TestC11_OldCopyOfALogIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		log  string
		told bool
	}{
		"fresh, by two witnesses": {newLookLog().policy(2), false},
		"fresh, without a quorum": {newLookLog().policy(0), true},
		"of any age":              {strings.Replace(newLookLog().policy(2), "fresh = \"24h\"\n", "", 1), true},
	} {
		m, l := inLog(t, func(w *world) { w.full = c.log })
		v := lookedAt(t, m, l)
		proven(t, v)
		if slices.Contains(v.NotShown, notSinceShown) != c.told || slices.Contains(v.NotShown, notSince) {
			t.Errorf("%s: %q", name, v.NotShown)
		}
	}
}
