package verifier

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/watch"
)

// hexes are hashes as evidence has them.
func hexes(list [][]byte) []string {
	out := []string{}
	for _, b := range list {
		out = append(out, fmt.Sprintf("%x", b))
	}
	return out
}

func half(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

// inclusion is PATH of RFC 6962, by recursion.
func inclusion(m int, entries []string) [][]byte {
	if len(entries) == 1 {
		return nil
	}
	k := half(len(entries))
	if m < k {
		return append(inclusion(m, entries[:k]), hashOf(entries[k:]))
	}
	return append(inclusion(m-k, entries[k:]), hashOf(entries[:k]))
}

// subproof is SUBPROOF(m, D, false) of RFC 6962, by recursion.
func subproof(m int, entries []string) [][]byte {
	if m == len(entries) {
		return [][]byte{hashOf(entries)}
	}
	k := half(len(entries))
	if m <= k {
		return append(subproof(m, entries[:k]), hashOf(entries[k:]))
	}
	return append(subproof(m-k, entries[k:]), hashOf(entries[:k]))
}

func based(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// forkOf says that of m entries one log signed, and of n another.
func forkOf(one *lookLog, m int, other *lookLog, n int) obj {
	return obj{
		"first": based(one.checkpoint(m, seenTime)), "path": hexes(subproof(m, other.entries[:n])), "second": based(other.checkpoint(n, seenTime)),
		"type": "assay/v1/evidence/fork",
	}
}

// equivocationOf shows two entries of a log.
func equivocationOf(l *lookLog, i, j int) obj {
	entry := func(at int) obj {
		return obj{"entry": based([]byte(l.entries[at])), "index": at, "path": hexes(inclusion(at, l.entries))}
	}
	return obj{"checkpoint": based(l.checkpoint(len(l.entries), seenTime)), "entries": []obj{entry(i), entry(j)}, "type": "assay/v1/evidence/equivocation"}
}

func evidenceVectors(t testing.TB, put putter) {
	one := newLookLog(foreign(9)...)
	w := newWorld()
	w.full = one.policy(2)
	policy := w.make(t).raw
	add := func(name, expect string, exit int, comment string, evidence obj) {
		put("log", name, vector{Attack: "C11", Comment: comment, Expect: expect, Exit: exit, Policy: policy, Evidence: string(encode(evidence))})
	}
	forkVectors(add, one)
	equivocationVectors(add, func(limits string) func(name, expect string, exit int, comment string, evidence obj) {
		w := newWorld()
		w.full = one.policy(2) + limits
		policy := w.make(t).raw
		return func(name, expect string, exit int, comment string, evidence obj) {
			put("log", name, vector{Attack: "C9", Comment: comment, Expect: expect, Exit: exit, Policy: policy, Evidence: string(encode(evidence))})
		}
	})
}

type addEvidence = func(name, expect string, exit int, comment string, evidence obj)

func forkVectors(add addEvidence, one *lookLog) {
	other := one.of(append([]string{"another beginning"}, foreign(9)...)...)
	caught := func(name, comment string, m, n int) {
		add("happy-fork-"+name, "caught", 1, comment, forkOf(one, m, other, n))
	}
	caught("of-5-and-9", "", 5, 9)
	caught("of-4-and-9", "the first is a power of two", 4, 9)
	caught("of-8-and-8", "one size: the path is the second's root", 8, 8)
	caught("of-1-and-2", "", 1, 2)
	fault := func(name, comment string, edit func(e obj)) {
		add("fork-"+name, "nothing", 0, comment, edited(forkOf(one, 5, other, 9), edit))
	}
	fault("of-one-history", "", func(e obj) { e["first"] = based(other.checkpoint(5, seenTime)) })
	fault("of-one-checkpoint", "", func(e obj) {
		e["first"], e["path"] = e["second"], hexes([][]byte{hashOf(other.entries[:9])})
	})
	fault("larger-first", "", func(e obj) { e["first"], e["second"] = e["second"], e["first"] })
	fault("from-no-entries", "", func(e obj) { e["first"] = based(one.signed(0, hashOf([]string{"x"}), seenTime)) })
	fault("path-of-the-first", "the path is of the other history", func(e obj) { e["path"] = hexes(subproof(5, one.entries[:9])) })
	fault("path-too-short", "", func(e obj) { e["path"] = e["path"].([]string)[1:] })
	fault("path-too-long", "", func(e obj) { e["path"] = append(e["path"].([]string), digestOf("x")) })
	fault("path-as-of-a-consistency-proof", "for a power of two, RFC 6962 leaves out the hash that this path begins with", func(e obj) {
		path := subproof(4, other.entries[:9])
		e["first"], e["path"] = based(one.checkpoint(4, seenTime)), hexes(path[1:])
	})
	stranger := one.of(one.entries...)
	stranger.key = witnessKey("stranger")
	fault("first-by-a-stranger", "", func(e obj) { e["first"] = based(stranger.checkpoint(5, seenTime)) })
	elsewhere := one.of(one.entries...)
	elsewhere.name = "other.example/log"
	fault("first-of-another-log", "", func(e obj) { e["first"] = based(elsewhere.checkpoint(5, seenTime)) })
	fault("second-altered", "its signature is of another text", func(e obj) {
		e["second"] = based([]byte(strings.Replace(string(other.checkpoint(9, seenTime)), "\n9\n", "\n8\n", 1)))
	})
	refused := func(name string, exit int, edit func(e obj)) {
		add("fork-"+name, "refused", exit, "", edited(forkOf(one, 5, other, 9), edit))
	}
	refused("without-path", 3, func(e obj) { delete(e, "path") })
	refused("of-version-2", 4, func(e obj) { e["type"] = "assay/v2/evidence/fork" })
	refused("first-no-checkpoint", 3, func(e obj) { e["first"] = based([]byte("x")) })
}

func equivocationVectors(add addEvidence, limited func(limits string) addEvidence) {
	add = limited("")
	a, b := statementEntry("a", 0, "2026-08", "", ""), statementEntry("b", 1, "2026-08", "a", "a")
	c := statementEntry("c", 2, "2026-08", "b", "b")
	log := func(entries ...string) *lookLog { return newLookLog(append(foreign(2), entries...)...) }
	of := func(list ...obj) obj { return equivocationOf(log(byExchange(list...)...), 2, 1+len(list)) }
	happy := func(name, comment string, list ...obj) {
		add("happy-equivocation-"+name, "caught", 1, comment, of(list...))
	}
	happy("number-twice", "", a, statementEntry("z", 0, "2026-09", "", ""))
	happy("period-twice", "the one of the higher number supersedes nothing", a, statementEntry("z", 1, "2026-08", "a", ""))
	happy("superseded-by-two", "both supersede the same statement", b, statementEntry("z", 2, "2026-08", "b", "a"))
	fault := func(name, comment string, evidence obj) { add("equivocation-"+name, "nothing", 0, comment, evidence) }
	fault("first-and-last-of-an-honest-chain", "A, B supersedes A, C supersedes B", of(a, b, c))
	fault("ends-of-an-honest-chain", "B and C", of(b, c))
	fault("beginning-of-an-honest-chain", "A and B", of(a, b))
	fault("honest-entry-put-in-again", "A, B supersedes A, then A's entry once more: B and that", equivocationOf(log(byExchange(a, b, a)...), 3, 4))
	fault("two-periods", "", of(a, statementEntry("z", 1, "2026-09", "a", "")))
	fault("two-series", "", of(a, edited(statementEntry("z", 0, "2026-08", "", ""), func(e obj) { e["series"] = obj{"name": "hourly", "number": 0} })))
	fault("one-statement", "entered twice in other words", of(a, edited(statementEntry("a", 0, "2026-08", "", ""), func(e obj) { e["envelope"] = digestOf("x") })))
	fault("a-withdrawal", "", of(a, wordsEntry("withdrawal", "z", "why")))
	fault("of-another-exchange", "", of(edited(statementEntry("z", 0, "2026-08", "", ""), func(e obj) { e["exchange"] = "Other Exchange" }), a))
	z := statementEntry("z", 0, "2026-09", "", "")
	fault("by-a-stranger", "", equivocationOf(log(byExchange(a)[0], entryOf(z, person("stranger"))), 2, 3))
	fault("by-a-stranger-too", "", equivocationOf(log(byExchange(a)[0], entryOf(z, newWorld().exchange(), person("stranger"))), 2, 3))
	fault("of-bytes-that-are-no-entry", "", equivocationOf(log(byExchange(a)[0], "x"), 2, 3))
	good := log(byExchange(a, z)...)
	one := func(name, comment string, edit func(e obj)) {
		fault(name, comment, edited(equivocationOf(good, 2, 3), edit))
	}
	second := func(e obj) obj { return e["entries"].([]obj)[1] }
	one("entry-not-in-the-log", "", func(e obj) {
		second(e)["entry"] = based([]byte(byExchange(statementEntry("y", 0, "2026-09", "", ""))[0]))
	})
	one("index-of-another", "", func(e obj) { e["entries"].([]obj)[0]["index"] = 1 })
	one("path-of-another", "", func(e obj) { second(e)["path"] = hexes(inclusion(1, good.entries)) })
	stranger := good.of(good.entries...)
	stranger.key = witnessKey("stranger")
	one("checkpoint-by-a-stranger", "", func(e obj) { e["checkpoint"] = based(stranger.checkpoint(4, seenTime)) })
	one("smaller-checkpoint", "it counts the first entry only", func(e obj) { e["checkpoint"] = based(good.checkpoint(3, seenTime)) })
	revoked := limited(limitOfKey("KEY", "revoked = \"2026-11-30T23:00:01Z\"\n"))
	revoked("equivocation-by-a-revoked-key", "nothing", 0, "no witness says that the entries are older", equivocationOf(good, 2, 3))
	revoked("happy-equivocation-before-a-revocation", "caught", 1, "witnesses saw the entries before", edited(equivocationOf(good, 2, 3), func(e obj) {
		e["checkpoint"] = based(good.checkpoint(4, seenTime, "w1", "w2"))
	}))
	refused := func(name string, exit int, edit func(e obj)) {
		add("equivocation-"+name, "refused", exit, "", edited(equivocationOf(good, 2, 3), edit))
	}
	refused("of-one-entry", 3, func(e obj) { e["entries"] = e["entries"].([]obj)[:1] })
	refused("later-first", 3, func(e obj) { slices.Reverse(e["entries"].([]obj)) })
	refused("of-version-2", 4, func(e obj) { e["type"] = "assay/v2/evidence/equivocation" })
}

func checkEvidence(t testing.TB, v vector) {
	policy, err := claim.ParsePolicy([]byte(v.Policy))
	if err != nil {
		t.Fatal(err)
	}
	trust, err := watch.TrustOf(policy.Log)
	if err != nil {
		t.Fatal(err)
	}
	says, nothing, err := watch.Judge([]byte(v.Evidence), policy, trust)
	got, exit := "caught", ExitFalse
	switch {
	case err != nil:
		got, exit = "refused", ExitCode(err)
	case nothing != nil:
		got, exit = "nothing", ExitProven
	}
	if got != v.Expect || exit != v.Exit || (says == "") != (got != "caught") {
		t.Errorf("%s, exit %d (%s %v %v), want %s, exit %d", got, exit, says, nothing, err, v.Expect, v.Exit)
	}
}
