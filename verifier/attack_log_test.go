package verifier

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/opinion"
)

func readBundle(t testing.TB, files map[string][]byte) *Files {
	t.Helper()
	listed, err := Folder(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	return listed
}

// A root comes from a statement that the exchange signed, and where the policy wants it, that everybody is shown: not from the proof, and
// not from a second statement for this one customer.
func TestC01_RootOnlyFromALoggedStatement(t *testing.T) {
	w, l := newLoggedWorld()
	l.attachTo(w)
	m := w.make(t)
	proven(t, verify(t, m))
	p := m.proof(0, 0)
	refused(t, verifyProof(m, p, "alice@example.org"), "log", "is missing, and the policy requires it")
	p["log"] = l.inProof(p["envelope"])
	v := verifyProof(m, p, "alice@example.org")
	proven(t, v)
	if v.Log == nil || v.Log.Origin != logOrigin || v.Log.Witnessed != "2026-11-01T04:01:00Z" || v.NotAfter == nil {
		t.Errorf("the log is not told: %+v, %+v", v.Log, v.NotAfter)
	}

	aside, _ := newLoggedWorld() // the exchange signs another one, in which it owes Bob nothing
	aside.shards[0][1].owed = amounts{0: big.NewInt(1)}
	second := aside.make(t)
	q := second.proof(0, 0)
	for name, place := range map[string]any{"none": nil, "the first statement's": l.inProof(p["envelope"])} {
		delete(q, "log")
		reason := "is missing, and the policy requires it"
		if place != nil {
			q["log"], reason = place, "the entry's statement is not the statement's"
		}
		got := verifyProof(second, q, "alice@example.org")
		refused(t, got, "log", reason)
		if got.Customer != nil {
			t.Errorf("%s: something was found", name)
		}
	}
	files := maps.Clone(second.files)
	files[entryPath], files[logProofPath] = m.files[entryPath], m.files[logProofPath]
	refused(t, Bundle(readBundle(t, files), second.policy, Options{}), "log", "the entry's statement is not the statement's")
}

// A statement beside the proof has the proof's place in the log only if it is in the same envelope.
func TestC01_LogAndStatementBesideTheProof(t *testing.T) {
	w := newApprovedWorld()
	w.full = logPolicy(true, 2)
	m, l := w.make(t), newLogged(w)
	p := m.proof(0, 0)
	input := ProofInput{Statement: m.files[claim.EnvelopePath], Policy: m.policy, Customer: "alice@example.org"}
	place := l.inProof(p["envelope"])
	p["log"] = place
	input.Proof = encode(p)
	proven(t, Proof(input))
	delete(p, "envelope")
	input.Proof = encode(p)
	proven(t, Proof(input))
	w.approved = []signer{w.approvers[2], w.approvers[1]} // the same statement, approved by others
	input.Statement = w.make(t).files[claim.EnvelopePath]
	refused(t, Proof(input), "log", "the entry is about the envelope")
}

// What takes a statement back, or another statement's entry, never stands for a place in the log; and a verdict that did not look at the
// log says so.
func TestC09_PlaceOfAnotherEntry(t *testing.T) {
	words := func(kind string) func(e obj) {
		return func(e obj) {
			maps.DeleteFunc(e, func(key string, _ any) bool {
				return slices.Contains([]string{"envelope", "instant", "period", "series", "snapshot"}, key)
			})
			e["kind"], e["text"] = kind, "a wrong total"
		}
	}
	for _, c := range map[string]struct {
		edit   func(e obj)
		reason string
	}{
		"withdrawal": {words("withdrawal"), "the entry is of kind withdrawal, which enters no statement"},
		"erratum":    {words("erratum"), "the entry is of kind erratum, which enters no statement"},
		"of the statement that supersedes it": {func(e obj) {
			e["series"] = obj{"name": "monthly", "number": 1, "previous": e["statement"], "supersedes": obj{"reason": "a wrong total", "statement": e["statement"]}}
		}, "the entry's series is not the statement's"},
	} {
		w, l := newLoggedWorld()
		l.edit = c.edit
		l.attachTo(w)
		m := w.make(t)
		refused(t, verify(t, m), "log", c.reason)
		p := m.proof(0, 0)
		p["log"] = l.inProof(p["envelope"])
		refused(t, verifyProof(m, p, "alice@example.org"), "log", c.reason)
	}
	m := newWorld().make(t)
	for _, v := range []Verdict{verify(t, m), verifyProof(m, m.proof(0, 0), "alice@example.org")} {
		if proven(t, v); !strings.Contains(strings.Join(v.NotShown, "\n"), "has not withdrawn or replaced the statement since") {
			t.Errorf("a withdrawal since is not told of: %q", v.NotShown)
		}
	}
}

// A checkpoint is of a log that the policy names, signed by it, seen by enough witnesses, and late enough to hold the entry.
func TestC11_StaleOrForeignCheckpoint(t *testing.T) {
	early := func(l *logged) { // a checkpoint of the log before the entry was in it
		l.index, l.size = 6, 7
		l.text = func(string) string {
			old := *newLogged(newWorld())
			old.size = 6
			return string(old.enter([]byte(`{"payload":"e30="}`)).text)
		}
	}
	for name, c := range map[string]struct {
		edit   func(l *logged)
		reason string
	}{
		"before the entry": {early, "index 6 is not in a log of 6 entries"},
		"of another log":   {func(l *logged) { l.log = logOf("other.example/log") }, `the policy has no key of log "other.example/log"`},
		"by another key":   {func(l *logged) { l.log.key = logOf("other.example/log").key }, "is not signed with a key that the policy has of it"},
		"one witness":      {func(l *logged) { l.witnesses = l.witnesses[:1] }, "is cosigned by 1 of the policy's witnesses, want 2"},
		"no witness":       {func(l *logged) { l.witnesses = nil }, "is cosigned by 0 of the policy's witnesses, want 2"},
		"one witness under two names": {func(l *logged) {
			l.witnesses[1].key = l.witnesses[0].key
		}, "is cosigned by 1 of the policy's witnesses, want 2"},
		"witnesses of another checkpoint": {func(l *logged) {
			l.lines = func(text string, lines []string) []string {
				return []string{lines[0], l.witnesses[0].cosign("x\n"+text, seenAt), lines[2]}
			}
		}, `the cosignature of witness "one.example"`},
	} {
		t.Run(name, func(t *testing.T) {
			w, l := newLoggedWorld()
			c.edit(l)
			l.attachTo(w)
			m := w.make(t)
			refused(t, verify(t, m), "log", c.reason)
			p := m.proof(0, 0)
			p["log"] = l.inProof(p["envelope"])
			refused(t, verifyProof(m, p, "alice@example.org"), "log", c.reason)
		})
	}
}

// A log that shows this customer another tree than the witnesses saw is refused: either they did not see it, or the path is of another.
func TestC11_ForkedLogsProof(t *testing.T) {
	w, shown := newLoggedWorld()
	m := w.make(t)
	seen := newLogged(w) // the same places, another entry at one of them
	seen.edit = func(e obj) { e["issued"] = "2026-11-01T03:00:00Z" }
	forked := seen.enter(m.files[claim.EnvelopePath])
	with := func(edit func(l *logged)) Verdict {
		w, l := newLoggedWorld()
		edit(l)
		l.attachTo(w)
		return verify(t, w.make(t))
	}
	proven(t, with(func(*logged) {}))
	refused(t, with(func(l *logged) { l.text = func(string) string { return string(forked.text) } }), "log", "the path from index 5 leads to root")
	refused(t, with(func(l *logged) {
		l.lines = func(_ string, lines []string) []string { // witnesses signed the other tree
			for i, witness := range shown.witnesses {
				lines[i+1] = witness.cosign(string(forked.text), seenAt)
			}
			return lines
		}
	}), "log", "does not verify")
}

// A malformed key is a fault of the policy, told by its place when the policy is read; nothing is believed by half a policy.
func TestC11_PolicyOfLogs(t *testing.T) {
	w, l := newLoggedWorld()
	l.attachTo(w)
	m := w.make(t)
	first, second, log := witnessOf("one.example").vkey(), witnessOf("two.example").vkey(), logOf(logOrigin).vkey()
	alias := witnessOf("one.example")
	alias.name = "uno.example"
	for field, text := range map[string]string{
		"log.keys[0]":      strings.Replace(m.raw, log, log[:len(log)-4], 1),
		"log.witnesses[0]": strings.Replace(m.raw, first, log, 1),
		"log.witnesses[1]": strings.Replace(m.raw, second, alias.vkey(), 1),
	} {
		_, err := ReadPolicy([]byte(text))
		var format *canon.FormatError
		if !errors.As(err, &format) || format.Field != field || ExitCode(err) != ExitUnreadable {
			t.Errorf("%s: got %v", field, err)
		}
		policy, err := claim.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		refused(t, Bundle(readBundle(t, m.files), policy, Options{}), "log", "the policy: "+field)
	}
}

// Each bundle of a history has its own evidence, and the proofs of a customer may rest on it.
func TestC12_RevokedKeyInAHistory(t *testing.T) {
	w, l := newLoggedWorld()
	w.full += limitOfKey("KEY", "revoked = \"2026-11-20T00:00:00Z\"\n")
	l.attachTo(w)
	first := w.make(t)
	later := func(seconds int) *made {
		w, l := newLoggedWorld()
		w.series = obj{"name": "monthly", "number": 1, "previous": digestText(first.payload)}
		w.snapshot = func(s obj) { s["period"], s["instant"] = "2026-11", "2026-11-10T00:00:00Z" }
		l.seconds = seconds
		l.edit = func(e obj) { e["issued"] = "2026-11-10T02:00:00Z" }
		l.attachTo(w)
		return w.make(t)
	}
	in, out := later(seenAt+10*86400), later(seenAt+20*86400)
	history := func(last *made) Past {
		proof := first.proof(0, 0)
		past, err := History([]HistoryInput{{Name: "a", Files: readBundle(t, first.files)}, {Name: "b", Files: readBundle(t, last.files)}},
			CustomerProofs{Customer: "alice@example.org", Proofs: []HistoryProof{{Name: "p", Proof: encode(proof)}, {Name: "q", Proof: encode(last.proof(0, 0))}}}, first.policy, nil)
		if err != nil {
			t.Fatal(err)
		}
		return past
	}
	past := history(in)
	if !past.Holds || len(past.Proofs) != 2 || !past.Proofs[0].Verdict.Proven || past.Proofs[0].Verdict.Log == nil || past.Statements[1].Verdict.NotAfter.Time != "2026-11-11T04:01:00Z" {
		t.Errorf("seen in time: %s", past.Summary)
	}
	past = history(out)
	if past.Holds || find(past.Statements[1].Verdict, "statement.signature").Result != Fail || past.Statements[0].Verdict.Exit != ExitProven {
		t.Errorf("seen too late: %s", past.Summary)
	}
	alone := []HistoryInput{{Name: "a", Envelope: first.files[claim.EnvelopePath]}}
	past, err := History(alone, CustomerProofs{}, first.policy, nil)
	if err != nil || past.Holds || !strings.Contains(past.Summary, "nothing that the policy believes shows that it signed before") {
		t.Errorf("an envelope alone: %v, %s", err, past.Summary)
	}
	if v, _ := PinnedChains(readBundle(t, first.files), first.policy, nil); v.Exit != ExitProven {
		t.Errorf("a recheck: %s", v.Summary)
	}
}

func digestText(payload []byte) string { return fmt.Sprintf("%x", h(payload)) }

// The verdict names the earliest time that the policy believes, and by whom; what it does not believe is told apart.
func TestC10_TimesAreTold(t *testing.T) {
	w, l := newLoggedWorld()
	root, seen := stampRoot("Example TSA"), time.Unix(seenAt, 0)
	w.full += root.section("Example TSA")
	m := newMoored(w)
	w.full += m.anchorFor(t, w, 0)
	l.attachTo(w)
	m.attachTo(w)
	stampedBy(root, "unit 1", ecKey("unit 1"), nil).attachTo(w, 0, seen.Add(30*time.Second))
	stampedBy(stampRoot("Other TSA"), "unit 9", ecKey("unit 9"), nil).attachTo(w, 1, seen.Add(-time.Minute))
	made := w.make(t)
	v := verify(t, made)
	proven(t, v)
	type times struct {
		Log        *Log
		Timestamps []Timestamp
		Anchor     *Anchored
		NotAfter   *Bound
	}
	want := times{
		Log: &Log{Origin: logOrigin, Index: 5, Size: 7, Root: v.Log.Root, Known: true, Witnessed: "2026-11-01T04:01:00Z",
			Witnesses: []Witness{{"one.example", "2026-11-01T04:00:00Z"}, {"two.example", "2026-11-01T04:01:00Z"}}},
		Timestamps: []Timestamp{{Authority: "CN=unit 1", Time: "2026-11-01T04:00:30Z", Believed: true}, {Authority: "CN=unit 9", Time: "2026-11-01T03:59:00Z"}},
		Anchor:     &Anchored{Chain: utxoChain, Number: mooredAt, Hash: v.Anchor.Hash, Time: "2026-11-01T05:00:00Z", Headers: 3, Believed: true},
		NotAfter:   &Bound{"2026-11-01T04:00:30Z", "a time stamp of CN=unit 1", true},
	}
	if diff := cmp.Diff(want, times{v.Log, v.Timestamps, v.Anchor, v.NotAfter}, cmpopts.IgnoreUnexported(Timestamp{})); diff != "" {
		t.Error(diff)
	}
	notes := strings.Join(v.Notes, "\n")
	for _, told := range []string{
		timestampPath(1) + ", a time stamp of CN=unit 9 at 2026-11-01T03:59:00Z, is not believed: the certificate of authority",
		"the time of block 800 of " + utxoChain + " may be two hours off",
	} {
		if !strings.Contains(notes, told) {
			t.Errorf("the notes lack %q: %q", told, notes)
		}
	}
	r, digest := newRun(made.policy), claim.Hash(h([]byte("envelope")))
	r.envelopes = []*opinion.Opened{{Digest: digest}}
	r.date(seen.Add(time.Millisecond), "a time stamp", digest)
	if got := r.bound().Time; got != "2026-11-01T04:00:01Z" {
		t.Errorf("a part of a second is left out: %s", got)
	}
	var raw obj
	if text, err := json.Marshal(v); err != nil || json.Unmarshal(text, &raw) != nil || raw["not_after"] == nil || raw["anchor"] == nil {
		t.Errorf("the verdict as JSON: %v", err)
	}
}

// What the statement's maker could not know earlier is told, with whose word it is.
func TestC10_NotBeforeIsTold(t *testing.T) {
	w := newFullWorld()
	hash := "0x" + strings.Repeat("9", 64)
	w.moment = obj{"blocks": []obj{{"chain": evmChain, "hash": hash, "number": 300, "time": "2026-11-01T00:50:00Z"}}, "checkpoint": obj{"origin": logOrigin, "root": strings.Repeat("6", 64), "size": 5}}
	for _, anchored := range []bool{false, true} {
		if anchored {
			w.full = fmt.Sprintf("[[anchor]]\nchain = %q\nnumber = 300\nhash = %q\n", evmChain, hash)
		}
		v := verify(t, w.make(t))
		proven(t, v)
		want := []Bound{{"2026-11-01T00:50:00Z", "block 300 of " + evmChain, anchored}, {By: "the log " + logOrigin + " with 5 entries"}}
		if diff := cmp.Diff(want, v.NotBefore); diff != "" {
			t.Error(diff)
		}
		if v.NotAfter != nil {
			t.Errorf("nothing shows by when it was there, got %+v", v.NotAfter)
		}
	}
}
