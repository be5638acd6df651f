package verifier

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/watch"
)

// inLog is a statement, and a log that enters it between what others enter.
func inLog(t testing.TB, edit func(*world), after ...func(*made) obj) (*made, *lookLog) {
	t.Helper()
	l := newLookLog()
	w := newWorld()
	w.full = l.policy(2)
	if edit != nil {
		edit(w)
	}
	m := w.make(t)
	l.entries = append(foreign(3), byExchange(m.entering())...)
	for _, f := range after {
		l.entries = append(l.entries, byExchange(f(m))...)
	}
	l.entries = append(l.entries, "of somebody else, at the end")
	return m, l
}

func lookedAt(t testing.TB, m *made, l *lookLog) Verdict {
	t.Helper()
	return verifyInLog(t, m, lookThrough(l.serve(len(l.entries)).read))
}

func TestLogState_Published(t *testing.T) {
	m, l := inLog(t, nil)
	v := lookedAt(t, m, l)
	proven(t, v)
	if v.Checks[0].Name != stateCheck || !strings.Contains(v.Checks[0].Detail, "published, at 3 of the log exchange.example/log, of 5 entries that witnesses saw at 2026-11-30T23:00:00Z") {
		t.Errorf("the first check is %+v", v.Checks[0])
	}
	if v.State == nil || v.State.State != "published" || v.State.Index != 3 || v.State.Witnessed != seenTime {
		t.Errorf("got %+v", v.State)
	}
	proof := Proof(ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org", Log: lookThrough(l.serve(5).read)})
	proven(t, proof)
	if proof.Checks[0].Name != stateCheck {
		t.Errorf("the first check of a proof is %s", proof.Checks[0].Name)
	}
	past, err := History([]HistoryInput{{Name: "a", Envelope: m.files[claim.EnvelopePath]}}, CustomerProofs{}, m.policy, lookThrough(l.serve(5).read))
	if err != nil || !past.Holds || past.Statements[0].Verdict.Checks[0].Name != stateCheck {
		t.Errorf("history: %v %+v", err, past)
	}
}

func TestC09_WithdrawnReport(t *testing.T) {
	withdraw := func(m *made) obj { return m.words("withdrawal", "a shard was left out") }
	m, l := inLog(t, nil, withdraw)
	const want = "WITHDRAWN: a shard was left out. NOT PROVEN: failed: log.state"
	all := l.serve(len(l.entries))
	stale := l.under(len(l.entries), l.checkpoint(len(l.entries), "2026-11-01T00:00:00Z", "w1", "w2"))
	unseen := l.under(len(l.entries), l.checkpoint(len(l.entries), seenTime, "w1"))
	for name, s := range map[string]served{"as it is": all, "of a stale log": stale, "of a log without its quorum": unseen} {
		v := verifyInLog(t, m, lookThrough(s.read))
		refused(t, v, stateCheck, "entry 4 of the log exchange.example/log, of 6 entries")
		if !strings.HasPrefix(v.Summary, want) || v.State.Word() != "WITHDRAWN" {
			t.Errorf("%s: the verdict says %q, want it to begin with %q", name, v.Summary, want)
		}
	}
	v := Proof(ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org", Log: lookThrough(all.read)})
	refused(t, v, stateCheck, "withdraws it: a shard was left out")
	if !strings.HasPrefix(v.Summary, want) || v.Customer != nil {
		t.Errorf("the verdict on a proof says %q, and %+v", v.Summary, v.Customer)
	}
	past, err := History([]HistoryInput{{Name: "a", Envelope: m.files[claim.EnvelopePath]}}, CustomerProofs{}, m.policy, lookThrough(all.read))
	if err != nil || past.Holds || past.Exit != ExitFalse || !strings.HasPrefix(past.Summary, "a: "+want) {
		t.Errorf("history: %v %+v", err, past)
	}
	// A source that shows the log as it was before passes for a day, and no longer: that is what fresh is for.
	proven(t, verifyInLog(t, m, lookThrough(l.serve(4).read)))
	before := l.under(4, l.checkpoint(4, "2026-11-29T23:59:59Z", "w1", "w2"))
	refused(t, verifyInLog(t, m, lookThrough(before.read)), stateCheck, "the log stands still, or the source hides what came later")
}

// inPlaceOf enters another statement in the place of one.
func inPlaceOf(old obj, name, previous string, number int) obj {
	return edited(statementEntry(name, number, old["period"].(string), "", ""), func(e obj) {
		e["series"] = obj{"name": "monthly", "number": number, "previous": previous, "supersedes": obj{"reason": "a wrong total", "statement": previous}}
	})
}

func TestC09_SupersededReport(t *testing.T) {
	second := func(m *made) obj { return inPlaceOf(m.entering(), "b", m.digest(), 1) }
	third := func(m *made) obj { return inPlaceOf(m.entering(), "c", digestOf("b"), 2) }
	for name, c := range map[string]struct {
		after          []func(*made) obj
		detail, stands string
	}{
		"once":  {[]func(*made) obj{second}, "supersedes it by the statement " + digestOf("b") + ": a wrong total", digestOf("b")},
		"twice": {[]func(*made) obj{second, third}, "; that was superseded in turn, and the statement " + digestOf("c") + " stands now", digestOf("c")},
		"by one that was withdrawn": {[]func(*made) obj{second, func(*made) obj { return wordsEntry("withdrawal", "b", "why") }},
			"what superseded it does not stand either", ""},
		"by one that was withdrawn, then replaced": {[]func(*made) obj{second, func(*made) obj { return wordsEntry("withdrawal", "b", "why") }, third},
			"; that was superseded in turn, and the statement " + digestOf("c") + " stands now", digestOf("c")},
		"by a breach of the rules": {[]func(*made) obj{func(m *made) obj {
			return edited(second(m), func(e obj) { e["period"] = "2026-12" })
		}}, "supersedes it by the statement", digestOf("b")},
	} {
		m, l := inLog(t, nil, c.after...)
		v := lookedAt(t, m, l)
		refused(t, v, stateCheck, c.detail)
		if !strings.HasPrefix(v.Summary, "SUPERSEDED: a wrong total. NOT PROVEN: ") || v.State.Follows != digestOf("b") || v.State.Stands != c.stands {
			t.Errorf("%s: %q %+v", name, v.Summary, v.State)
		}
	}
}

// What was withdrawn stays so, though another statement takes its place.
func TestC09_WithdrawnThenSuperseded(t *testing.T) {
	withdraw := func(m *made) obj { return m.words("withdrawal", "a shard was left out") }
	second := func(m *made) obj { return inPlaceOf(m.entering(), "b", m.digest(), 1) }
	for _, after := range [][]func(*made) obj{{withdraw, second}, {second, withdraw}} {
		m, l := inLog(t, nil, after...)
		v := lookedAt(t, m, l)
		refused(t, v, stateCheck, "withdraws it: a shard was left out")
		if v.State.Word() != "WITHDRAWN" {
			t.Errorf("got %+v", v.State)
		}
	}
}

// In a history a statement may be superseded, if what took its place is given too.
func TestC09_SupersededInAHistory(t *testing.T) {
	l := newLookLog()
	log := func(w *world) { w.full = l.policy(2) }
	one, two := newWorld(), newWorld()
	log(one)
	log(two)
	first := one.make(t)
	two.series = obj{"name": "monthly", "number": 1, "previous": first.digest(), "supersedes": obj{"reason": "a wrong total", "statement": first.digest()}}
	second := two.make(t)
	l.entries = byExchange(first.entering(), second.entering())
	look := lookThrough(l.serve(2).read)
	old, latest := HistoryInput{Name: "old", Envelope: first.files[claim.EnvelopePath]}, HistoryInput{Name: "new", Envelope: second.files[claim.EnvelopePath]}
	past, err := History([]HistoryInput{old, latest}, CustomerProofs{}, first.policy, look)
	if err != nil || !past.Holds || !strings.Contains(past.Statements[0].Verdict.Checks[0].Detail, "which is given too: a wrong total") {
		t.Errorf("%v %+v", err, past)
	}
	past, err = History([]HistoryInput{old}, CustomerProofs{}, first.policy, look)
	if err != nil || past.Holds || !strings.HasPrefix(past.Summary, "old: SUPERSEDED: a wrong total") || past.Checks[0].Result != Pass {
		t.Errorf("%v %+v", err, past)
	}
}

func TestC09_ErrataAreShown(t *testing.T) {
	m, l := inLog(t, nil, func(m *made) obj { return m.words("erratum", "for spot read all") })
	v := lookedAt(t, m, l)
	proven(t, v)
	if len(v.State.Errata) != 1 || v.State.Errata[0] != (Erratum{4, "for spot read all"}) || !strings.Contains(find(v, stateCheck).Detail, "1 errata") {
		t.Errorf("got %+v", v.State)
	}
}

func TestC09_StatementNotEntered(t *testing.T) {
	m, l := inLog(t, nil)
	none := l.of(foreign(5)...)
	refused(t, lookedAt(t, m, none), stateCheck, "does not enter this statement")
	for name, edit := range map[string]func(e obj){
		"the entry's period is not the statement's":   func(e obj) { e["period"] = "2026-12" }, // so that another of the period need not supersede it
		"the entry's snapshot is not the statement's": func(e obj) { e["snapshot"] = digestOf("another") },
		"the entry is about the envelope":             func(e obj) { e["envelope"] = digestOf("another") },
	} {
		lying := l.of(byExchange(edited(m.entering(), edit))...)
		refused(t, lookedAt(t, m, lying), stateCheck, name)
	}
	// Somebody else may enter it: that is passed over, and enters nothing.
	strange := l.of(entryOf(edited(m.entering(), func(e obj) { e["exchange"] = "Other Exchange" }), person("stranger")))
	refused(t, lookedAt(t, m, strange), stateCheck, "does not enter this statement")
	breach := l.of(append(byExchange(m.entering()), byExchange(statementEntry("z", 0, "2026-12", "", ""))...)...)
	refused(t, lookedAt(t, m, breach), stateCheck, "the exchange broke the rules of its log: entry 1: number 0 of the series monthly twice")
}

func TestC11_StaleCheckpoint(t *testing.T) {
	m, l := inLog(t, nil)
	n := len(l.entries)
	for at, want := range map[string]string{
		"2026-11-30T00:00:00Z": "", // the day is just over
		"2026-11-29T23:59:59Z": "was last cosigned at 2026-11-29T23:59:59Z, 24h0m1s before now; the policy takes at most 24h0m0s",
		"2026-12-02T00:00:00Z": "",                                                                                          // clocks differ
		"2026-12-02T00:00:01Z": "was cosigned at 2026-12-02T00:00:01Z, 24h0m1s after now; the policy takes at most 24h0m0s", // or it would be fresh for years
	} {
		v := verifyInLog(t, m, lookThrough(l.under(n, l.checkpoint(n, at, "w1", "w2")).read))
		if want == "" {
			proven(t, v)
			continue
		}
		refused(t, v, stateCheck, want)
	}
	// Without a quorum no witness says how old a log is, and none is asked.
	m, l = inLog(t, func(w *world) { w.full = newLookLog().policy(0) })
	proven(t, verifyInLog(t, m, lookThrough(l.under(n, l.checkpoint(n, "2026-11-01T00:00:00Z", "w1")).read)))
}

func TestC11_LogNotToBeBelieved(t *testing.T) {
	m, l := inLog(t, nil)
	n := len(l.entries)
	refused(t, verifyInLog(t, m, lookThrough(l.under(n, l.checkpoint(n, seenTime, "w1")).read)), stateCheck, "cosigned by 1 of the policy's witnesses, want 2")
	refused(t, verifyInLog(t, m, lookThrough(l.under(n, l.checkpoint(n, seenTime, "w1", "stranger")).read)), stateCheck, "cosigned by 1 of the policy's witnesses, want 2")
	other := l.of(l.entries...)
	other.name = "other.example/log"
	refused(t, lookedAt(t, m, other), stateCheck, `the policy has no key of log "other.example/log"`)
	forged := l.of(l.entries...)
	forged.key = witnessKey("stranger")
	refused(t, lookedAt(t, m, forged), stateCheck, "is not signed with a key that the policy has of it")
	altered := l.of(l.entries...)
	altered.entries = append([]string{"of somebody other"}, l.entries[1:]...)
	refused(t, verifyInLog(t, m, lookThrough(altered.under(n, l.checkpoint(n, seenTime, "w1", "w2")).read)), stateCheck, "an entry was altered, left out or put in")
}

func TestC11_LogNotServed(t *testing.T) {
	m, l := inLog(t, nil)
	without := func(path string) served {
		s := l.serve(5)
		delete(s, path)
		return s
	}
	cut := l.serve(5)
	cut["tile/entries/000.p/5"] = cut["tile/entries/000.p/5"][:len(cut["tile/entries/000.p/5"])-1]
	for name, c := range map[string]struct {
		served
		reason string
	}{
		"no checkpoint": {without("checkpoint"), "checkpoint: file does not exist"},
		"no entries":    {without("tile/entries/000.p/5"), "tile/entries/000: file does not exist"},
		"cut off":       {cut, "tile/entries/000.p/5: ends inside entry"},
		"no note":       {served{"checkpoint": []byte("<html>")}, "not a checkpoint"},
	} {
		v := verifyInLog(t, m, lookThrough(c.read))
		refused(t, v, stateCheck, c.reason)
		if v.Exit != ExitUnreadable {
			t.Errorf("%s: exit %d", name, v.Exit)
		}
	}
	// One that does not answer says nothing, and so nothing is proven.
	silent := func(string) ([]byte, error) { return nil, &watch.Unreachable{Err: errors.New("nobody answers")} }
	skippedFor(t, verifyInLog(t, m, lookThrough(silent)), stateCheck, "nobody answers", ExitNetwork)
	halfway := func(path string) ([]byte, error) {
		if path == tlog.CheckpointPath {
			return l.serve(5).read(path)
		}
		return silent(path)
	}
	v := verifyInLog(t, m, lookThrough(halfway))
	skippedFor(t, v, stateCheck, "nobody answers", ExitNetwork)
	if !strings.Contains(v.Summary, "not run: log.state. First: not run: tile/entries/000.p/5: nobody answers") {
		t.Errorf("the summary is %q", v.Summary)
	}
	m.files[claim.EnvelopePath] = []byte("{}")
	v = verifyInLog(t, m, lookThrough(silent))
	if v.Exit != ExitUnreadable {
		t.Errorf("exit %d: what is broken weighs more than a source that does not answer", v.Exit)
	}
	skippedFor(t, verifyInLog(t, m, lookThrough(l.serve(5).read)), stateCheck, "no signed statement can be read", ExitUnreadable)
	m, l = inLog(t, func(w *world) { w.full = "" })
	refused(t, lookedAt(t, m, l), stateCheck, "the policy has no [log]")
}

// attached is the statement's place in the log at n entries, as the bundle shows it. Its path is not asked here.
func attached(l *lookLog, n int) func(m *made) map[string][]byte {
	return func(m *made) map[string][]byte {
		return map[string][]byte{
			entryPath:    []byte(entryOf(m.entering(), newWorld().exchange())),
			logProofPath: append([]byte("c2sp.org/tlog-proof@v1\nindex 3\n\n"), l.checkpoint(n, "2026-11-02T00:00:00Z", "w1", "w2")...),
		}
	}
}

// The log that is looked at must be the one that the bundle's own proof is of, and that its moment names.
func TestC11_LogOfAnotherHistory(t *testing.T) {
	m, l := inLog(t, nil)
	state := func(m *made, read tlog.Source) Verdict { return verifyInLog(t, m, lookThrough(read)) }
	with := func(attach func(*made) map[string][]byte) *made {
		copied := *m
		copied.files = map[string][]byte{}
		for path, raw := range m.files {
			copied.files[path] = raw
		}
		for path, raw := range attach(m) {
			copied.files[path] = raw
		}
		return &copied
	}
	for n := 4; n <= 5; n++ {
		if c := find(state(with(attached(l, n)), l.serve(5).read), stateCheck); c.Result != Pass {
			t.Errorf("a proof at %d entries: %+v", n, c)
		}
	}
	other := l.of(append(append([]string{"one of ours"}, l.entries[1:4]...), "x", "y")...)
	for n := 1; n <= 5; n++ {
		v := state(with(attached(other, n)), l.serve(5).read)
		if c := find(v, stateCheck); c.Result != Fail || !strings.Contains(c.Detail, "signed two histories") || len(v.Evidence) != 1 {
			t.Fatalf("%+v, %d pieces of evidence", c, len(v.Evidence))
		}
		caughtBy(t, v.Evidence[0], m.policy)
	}
	without := l.of("a", "b", "c", "d", "e") // a log that does not hold the statement at all is caught by its proof all the same
	v := state(with(attached(l, 4)), without.serve(5).read)
	if c := find(v, stateCheck); c.Result != Fail || !strings.Contains(c.Detail, "does not enter this statement") || !strings.Contains(c.Detail, "signed two histories") || len(v.Evidence) != 1 {
		t.Fatalf("%+v, %d pieces of evidence", c, len(v.Evidence))
	}
	caughtBy(t, v.Evidence[0], m.policy)
	if c := find(state(with(attached(other, 6)), l.serve(5).read), stateCheck); c.Result != Fail || !strings.Contains(c.Detail, "the statement's own proof is of 6: it hides the later ones") {
		t.Errorf("a source behind the proof: %+v", c)
	}
	broken := func(*made) map[string][]byte {
		return map[string][]byte{logProofPath: []byte("x"), entryPath: []byte("x")}
	}
	if c := find(state(with(broken), l.serve(5).read), stateCheck); c.Result != Skipped {
		t.Errorf("a proof that cannot be read: %+v", c)
	}
}

// So it is with the proof that a customer holds.
func TestC11_CustomersLogOfAnotherHistory(t *testing.T) {
	m, l := inLog(t, nil)
	other := l.of(append([]string{"one of ours"}, l.entries[1:]...)...)
	for name, c := range map[string]struct {
		log  *lookLog
		want Result
	}{"the same": {l, Pass}, "another": {other, Fail}} {
		var entry obj
		files := attached(c.log, 4)(m)
		decode(files[entryPath], &entry)
		proof := m.proof(0, 0)
		proof["log"] = obj{"entry": entry, "proof": based(files[logProofPath])}
		v := Proof(ProofInput{Proof: encode(proof), Policy: m.policy, Customer: "alice@example.org", Log: lookThrough(l.serve(5).read)})
		if got := find(v, stateCheck); got.Result != c.want || (c.want == Fail) != (len(v.Evidence) == 1) {
			t.Errorf("%s: %+v, %d pieces of evidence", name, got, len(v.Evidence))
		}
	}
}

func TestC11_MomentOfAnotherHistory(t *testing.T) {
	for want, checkpoint := range map[string]obj{
		"": {"origin": lookOrigin, "root": fmt.Sprintf("%x", hashOf(foreign(2))), "size": 2},
		"names a checkpoint of 2 entries with root": {"origin": lookOrigin, "root": digestOf("another"), "size": 2},
		"had 9 entries when it was drawn up":        {"origin": lookOrigin, "root": digestOf("another"), "size": 9},
	} {
		m, l := inLog(t, func(w *world) { w.moment = obj{"blocks": []obj{}, "checkpoint": checkpoint} })
		v := lookedAt(t, m, l)
		if want == "" {
			proven(t, v)
			continue
		}
		refused(t, v, stateCheck, want)
	}
	// Of another log nothing is known here.
	m, l := inLog(t, func(w *world) {
		w.moment = obj{"blocks": []obj{}, "checkpoint": obj{"origin": "other.example/log", "root": digestOf("another"), "size": 9}}
	})
	proven(t, lookedAt(t, m, l))
}

// An entry by a key that was revoked since stands if witnesses saw it before, by whatever checkpoint is at hand.
func TestC12_EntryByARevokedKey(t *testing.T) {
	old := device("exchange's old key")
	m, l := inLog(t, func(w *world) {
		w.policy = strings.Replace(w.policy, `"KEY"`, `"KEY", "`+old.text+`"`, 1)
		w.full += limitOfKey(old.text, "revoked = \"2026-11-05T00:00:00Z\"\n")
	})
	l.entries[3] = entryOf(m.entering(), old)
	refused(t, lookedAt(t, m, l), stateCheck, "is revoked as of 2026-11-05T00:00:00Z, and its signature is shown to have been there no earlier than 2026-11-30T23:00:00Z")
	for n, want := range map[int]Result{3: Fail, 4: Pass} { // the proof's checkpoint counts the entry, or does not
		for path, raw := range attached(l, n)(m) {
			m.files[path] = raw
		}
		if c := find(lookedAt(t, m, l), stateCheck); c.Result != want {
			t.Errorf("a proof of %d entries: %+v", n, c)
		}
	}
	// What witnesses saw of another log dates nothing in this one.
	other := l.of(l.entries...)
	other.name = "other.example/log"
	_, key := noteKey(other.name, 1, other.key)
	w := newWorld()
	w.policy = strings.Replace(w.policy, `"KEY"`, `"KEY", "`+old.text+`"`, 1)
	w.full = strings.Replace(l.policy(2), "keys = [", fmt.Sprintf("keys = [%q, ", key), 1) + limitOfKey(old.text, "revoked = \"2026-11-05T00:00:00Z\"\n")
	m.policy = w.make(t).policy
	for path, raw := range attached(other, 4)(m) {
		m.files[path] = raw
	}
	if c := find(lookedAt(t, m, l), stateCheck); c.Result != Fail || !strings.Contains(c.Detail, "no earlier than "+seenTime) {
		t.Errorf("a proof of another log: %+v", c)
	}
	l.entries[3] = byExchange(m.entering())[0]
	if c := find(lookedAt(t, m, l), stateCheck); c.Result != Pass || !strings.Contains(c.Detail, "its own proof is of another log, other.example/log") {
		t.Errorf("a proof of another log: %+v", c)
	}
}
