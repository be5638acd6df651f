package verifier

import (
	"crypto/ed25519"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/claim"
)

const entryKind = "application/vnd.assay.entry+json"

// digestOf stands for a statement by name.
func digestOf(name string) string { return hex.EncodeToString(h([]byte(name))) }

// statementEntry enters a statement by name; previous and supersedes are names too, empty for none.
func statementEntry(name string, number int, period, previous, supersedes string) obj {
	series := obj{"name": "monthly", "number": number}
	if previous != "" {
		series["previous"] = digestOf(previous)
	}
	if supersedes != "" {
		series["supersedes"] = obj{"reason": "a wrong total", "statement": digestOf(supersedes)}
	}
	return obj{
		"envelope": digestOf("envelope of " + name), "exchange": "Demo Exchange", "instant": "2026-11-01T00:00:00Z", "issued": "2026-11-01T02:00:00Z",
		"kind": "statement", "period": period, "series": series, "snapshot": digestOf("snapshot of " + name), "statement": digestOf(name), "type": "assay/v1/entry",
	}
}

// wordsEntry is a withdrawal or an erratum.
func wordsEntry(kind, name, text string) obj {
	return obj{"exchange": "Demo Exchange", "issued": "2026-11-03T00:00:00Z", "kind": kind, "statement": digestOf(name), "text": text, "type": "assay/v1/entry"}
}

func edited(entry obj, edit func(obj)) obj { edit(entry); return entry }

func entryOf(entry obj, by ...signer) string {
	return string(encode(sealedBy(entryKind, encode(entry), by...)))
}

func entryVectors(t testing.TB, put putter) {
	w := newWorld()
	exchange, other, stranger := w.exchange(), device("exchange's other key"), person("stranger")
	w.policy = strings.Replace(w.policy, `"KEY"`, `"KEY", "`+other.text+`"`, 1)
	policy := w.make(t).raw
	signed := func(list ...obj) (texts []string) {
		for _, e := range list {
			texts = append(texts, entryOf(e, exchange))
		}
		return texts
	}
	a, b, c := statementEntry("a", 0, "2026-08", "", ""), statementEntry("b", 1, "2026-09", "a", ""), statementEntry("c", 2, "2026-10", "b", "")
	happy := func(name, comment string, states map[string]string, entries ...string) {
		put("entries", "happy-"+name, vector{Attack: "C9", Comment: comment, Expect: "pass", Entries: entries, Policy: policy, States: stated(states)})
	}
	happy("series", "three months", map[string]string{"a": "published", "b": "published", "c": "published"}, signed(a, b, c)...)
	happy("withdrawn", "", map[string]string{"a": "published", "b": "withdrawn"}, signed(a, b, wordsEntry("withdrawal", "b", "a wrong ledger"))...)
	happy("erratum", "words are mended, the statement stands", map[string]string{"a": "published"}, signed(a, wordsEntry("erratum", "a", "for 2 read 3"))...)
	happy("superseded", "", map[string]string{"a": "superseded", "a2": "published"}, signed(a, statementEntry("a2", 1, "2026-08", "a", "a"))...)
	happy("superseded-twice", "the third supersedes the second, not the first", map[string]string{"a": "superseded", "a2": "superseded", "a3": "published"},
		signed(a, statementEntry("a2", 1, "2026-08", "a", "a"), statementEntry("a3", 2, "2026-08", "a2", "a2"))...)
	happy("superseded-then-withdrawn", "the last word counts", map[string]string{"a": "superseded", "a2": "withdrawn"},
		signed(a, statementEntry("a2", 1, "2026-08", "a", "a"), wordsEntry("withdrawal", "a2", "both were wrong"))...)
	happy("withdrawn-keeps-its-place", "", map[string]string{"a": "withdrawn", "b": "published"}, signed(a, wordsEntry("withdrawal", "a", "a wrong ledger"), b)...)
	happy("entered-again", "the same entry, by another key too, changes nothing", map[string]string{"a": "published", "b": "published"},
		append(signed(a, a, b), entryOf(a, exchange, other))...)
	happy("entered-again-after-it-was-superseded", "whoever put it there: the same entry changes nothing", map[string]string{"a": "superseded", "a2": "published"},
		signed(a, statementEntry("a2", 1, "2026-08", "a", "a"), a)...)
	happy("two-series", "each counts for itself", map[string]string{"a": "published", "h": "published"},
		signed(a, edited(statementEntry("h", 0, "2026-08", "", ""), func(e obj) { e["series"] = obj{"name": "hourly", "number": 0} }))...)
	happy("series-older-than-the-log", "what came before the log's first entry is not asked", map[string]string{"b": "published", "c": "published"}, signed(b, c)...)
	happy("others-passed-over", "another exchange's entry, and what is no entry", map[string]string{"a": "published"},
		entryOf(edited(statementEntry("x", 0, "2026-08", "", ""), func(e obj) { e["exchange"] = "Other Exchange" }), stranger), "hello", signed(a)[0],
		string(encode(sealedBy(dsseType, encode(b), exchange))), entryOf(obj{"type": "assay/v1/entry"}, stranger))

	type pairs = [][2]uint64
	fault := func(name, attack, comment string, breaches []uint64, equivocations pairs, states map[string]string, entries ...string) {
		put("entries", name, vector{Attack: attack, Comment: comment, Expect: "refused", Entries: entries, Policy: policy, States: stated(states), Breaches: breaches, Equivocations: equivocations})
	}
	alone := func(name, attack, comment string, entries ...string) { // the last entry breaks a rule, and no other entry shows it
		fault(name, attack, comment, []uint64{uint64(len(entries) - 1)}, nil, map[string]string{"a": "published"}, entries...)
	}
	one := map[string]string{"a": "published"}
	fault("number-twice", "C9", "two statements at one place", []uint64{1}, pairs{{0, 1}}, one, signed(a, statementEntry("z", 0, "2026-09", "", ""))...)
	fault("period-twice", "C9", "two statements of one period, neither supersedes", []uint64{1}, pairs{{0, 1}}, one, signed(a, statementEntry("z", 1, "2026-08", "a", ""))...)
	fault("superseded-by-two", "C9", "two statements in the place of one", []uint64{2}, pairs{{1, 2}}, map[string]string{"a": "superseded"},
		signed(a, statementEntry("a2", 1, "2026-08", "a", "a"), statementEntry("a3", 2, "2026-08", "a2", "a"))...)
	alone("number-left-out", "C9", "number 2 after number 0", signed(a, statementEntry("z", 2, "2026-09", "a", ""))...)
	alone("number-going-back", "C9", "", signed(a, b, statementEntry("z", 3, "2026-10", "b", ""))...)
	alone("previous-another-statement", "C9", "", signed(a, statementEntry("z", 1, "2026-09", "y", ""))...)
	alone("superseding-one-that-was-not-entered", "C9", "", signed(a, statementEntry("z", 1, "2026-09", "a", "y"))...)
	fault("superseding-one-of-another-period", "C9", "what it says against that one stands all the same", []uint64{1}, nil, map[string]string{"a": "superseded"},
		signed(a, statementEntry("z", 1, "2026-09", "a", "a"))...)
	alone("statement-without-previous", "C9", "number 1", signed(a, statementEntry("z", 1, "2026-09", "", ""))...)
	alone("withdrawal-of-what-was-not-entered", "C9", "", signed(a, wordsEntry("withdrawal", "z", "why"))...)
	alone("erratum-of-what-was-not-entered", "C9", "", signed(a, wordsEntry("erratum", "z", "why"))...)
	alone("entered-again-in-other-words", "C9", "the same statement, another envelope", signed(a, edited(statementEntry("a", 0, "2026-08", "", ""), func(e obj) { e["envelope"] = digestOf("another") }))...)
	alone("withdrawal-by-a-stranger", "C12", "it names the exchange, and changes nothing", signed(a)[0], entryOf(wordsEntry("withdrawal", "a", "why"), stranger))
	alone("withdrawal-by-the-exchange-and-a-stranger", "C12", "", signed(a)[0], entryOf(wordsEntry("withdrawal", "a", "why"), exchange, stranger))
	alone("withdrawal-of-other-bytes", "C12", "signed for another text", signed(a)[0], string(encode(edited(sealedBy(entryKind, encode(wordsEntry("withdrawal", "a", "why")), exchange), func(e obj) {
		e["signatures"].([]obj)[0]["sig"] = exchange.signature(entryKind, encode(wordsEntry("withdrawal", "a", "why not")))["sig"]
	}))))
	alone("withdrawal-signed-as-a-statement", "C12", "the signature is for another type", signed(a)[0], string(encode(edited(sealedBy(entryKind, encode(wordsEntry("withdrawal", "a", "why")), exchange), func(e obj) {
		e["signatures"].([]obj)[0]["sig"] = exchange.signature(dsseType, encode(wordsEntry("withdrawal", "a", "why")))["sig"]
	}))))
	unread := func(name, comment string, entry obj) { // signed by the exchange, so it is not passed over
		alone("unreadable-"+name, "E5", comment, append(signed(a), entryOf(entry, exchange))...)
	}
	unread("withdrawal-without-text", "", edited(wordsEntry("withdrawal", "a", ""), func(e obj) { delete(e, "text") }))
	unread("withdrawal-with-a-series", "a key of another kind", edited(wordsEntry("withdrawal", "a", "why"), func(e obj) { e["series"] = obj{"name": "monthly", "number": 0} }))
	unread("statement-without-envelope", "", edited(statementEntry("b", 1, "2026-09", "a", ""), func(e obj) { delete(e, "envelope") }))
	unread("statement-with-text", "", edited(statementEntry("b", 1, "2026-09", "a", ""), func(e obj) { e["text"] = "why" }))
	unread("statement-issued-before-its-instant", "", edited(statementEntry("b", 1, "2026-09", "a", ""), func(e obj) { e["issued"] = "2026-10-31T23:59:59Z" }))
	unread("erratum-with-a-text-too-long", "4,097 bytes", wordsEntry("erratum", "a", strings.Repeat("x", 4097)))
	unread("kind", "", wordsEntry("retraction", "a", "why"))
	unread("version-2", "a later verifier may find a withdrawal in it", edited(wordsEntry("withdrawal", "a", "why"), func(e obj) { e["type"] = "assay/v2/entry" }))
	w.full = limitOfKey(other.text, "until = \"2026-11-02T00:00:00Z\"\nrevoked = \"2027-01-01T00:00:00Z\"\n")
	policy = w.make(t).raw
	alone("by-a-revoked-key", "C12", "nothing shows that it is older", signed(a)[0], entryOf(b, other))
	w.full = limitOfKey(other.text, "until = \"2026-11-02T00:00:00Z\"\n")
	policy = w.make(t).raw
	alone("by-a-key-no-longer-believed", "C12", "issued after the key had its time", signed(a, b)[0], entryOf(wordsEntry("withdrawal", "a", "why"), other))
}

// stated gives states by digest.
func stated(byName map[string]string) map[string]string {
	out := map[string]string{}
	for name, state := range byName {
		out[digestOf(name)] = state
	}
	return out
}

func checkEntries(t testing.TB, v vector) {
	policy, err := ReadPolicy([]byte(v.Policy))
	if err != nil {
		t.Fatal(err)
	}
	record, said := claim.NewRecord(policy), newServers(policy)
	for i, raw := range v.Entries {
		passed := record.PassedOver
		if record.Add(uint64(i), []byte(raw), time.Time{}); record.PassedOver > passed {
			said.add(uint64(i), []byte(raw), time.Time{})
		}
	}
	var told []uint64
	for _, n := range said.news {
		told = append(told, n.Index)
	}
	if diff := cmp.Diff(v.Told, told); diff != "" {
		t.Errorf("servers' entries (-want +got): %s", diff)
	}
	var breaches []uint64
	for _, b := range append(record.Breaches, said.breaches...) {
		if b.Problem == "" {
			t.Errorf("the breach of entry %d has no sentence", b.Index)
		}
		breaches = append(breaches, b.Index)
	}
	var pairs [][2]uint64
	for _, e := range record.Equivocations {
		pairs = append(pairs, [2]uint64{e.First, e.Second})
	}
	if diff := cmp.Diff(v.Breaches, slices.Compact(breaches)); diff != "" || (v.Expect == "pass") != (len(breaches) == 0) {
		t.Errorf("breaches (-want +got): %s %+v", diff, record.Breaches)
	}
	if diff := cmp.Diff(v.Equivocations, pairs); diff != "" {
		t.Errorf("equivocations (-want +got): %s", diff)
	}
	for _, statement := range slices.Sorted(maps.Keys(v.States)) {
		standing, _ := record.Standing(hash32(t, statement))
		if got := string(standing.State); got != v.States[statement] {
			t.Errorf("statement %s is %q, want %q", statement, got, v.States[statement])
		}
	}
	if _, entered := record.Standing(hash32(t, digestOf("nobody's"))); entered {
		t.Error("a statement that no entry names was entered")
	}
}

// month is a statement of a series; its envelope and its digest.
func month(t testing.TB, instant, period string, series obj, change ...func(*world)) (envelope, digest string) {
	t.Helper()
	w := newWorld()
	w.series = series
	w.snapshot = func(s obj) { s["instant"], s["period"] = instant, period }
	for _, c := range change {
		c(w)
	}
	m := w.make(t)
	return string(m.files[claim.EnvelopePath]), hex.EncodeToString(h(m.payload))
}

func historyVectors(t testing.TB, put putter) {
	policy := newWorld().make(t).raw
	numbered := func(number int, previous string) obj {
		return obj{"name": "monthly", "number": number, "previous": previous}
	}
	superseding := func(number int, previous, supersedes string) obj {
		s := numbered(number, previous)
		s["supersedes"] = obj{"reason": "a wrong total", "statement": supersedes}
		return s
	}
	const sep, oct, nov = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
	first, one := month(t, sep, "2026-09", obj{"name": "monthly", "number": 0})
	second, two := month(t, oct, "2026-10", numbered(1, one))
	third, three := month(t, nov, "2026-11", numbered(2, two))
	again, four := month(t, oct, "2026-10", superseding(2, two, two))
	once, _ := month(t, oct, "2026-10", superseding(3, four, four))
	add := func(name, expect string, exit int, comment string, statements ...string) {
		put("history", name, vector{Attack: "C9", Comment: comment, Expect: expect, Exit: exit, Policy: policy, Statements: statements})
	}
	of := func(instant, period string, series obj, change ...func(*world)) string {
		envelope, _ := month(t, instant, period, series, change...)
		return envelope
	}
	add("happy-three-months", "pass", 0, "in any order", third, first, second)
	add("happy-one-twice", "pass", 0, "one statement given twice is one", first, first, second)
	add("happy-superseded", "pass", 0, "", first, second, again)
	add("happy-superseded-twice", "pass", 0, "the third supersedes the second", first, second, again, once)
	add("happy-from-number-1", "pass", 0, "what came before is not asked", second, third)
	const chain, complete = "history.chain", "history.complete"
	add("number-missing", complete, 1, "", first, third)
	add("number-missing-that-was-superseded", complete, 1, "the third of the period supersedes one that is not here", first, second, once)
	add("number-twice", chain, 1, "two statements at one place", first, second, of(nov, "2026-11", numbered(1, one)))
	add("previous-another-statement", chain, 1, "the second month was made anew", first, of(oct, "2026-10", numbered(1, one), func(w *world) { w.shards[0][0].owed = amounts{} }), third)
	add("instant-going-back", chain, 1, "", first, of("2026-09-01T00:00:00Z", "2026-08", numbered(1, one)))
	add("period-twice", chain, 1, "the later does not supersede the earlier", first, second, of(nov, "2026-10", numbered(2, two)))
	add("superseding-another-period", chain, 1, "", first, of(oct, "2026-10", superseding(1, one, one)))
	add("superseding-the-first-of-three", chain, 1, "the second is the last of its period", first, second, again, of(oct, "2026-10", superseding(3, four, two)))
	add("superseding-none-of-those-before", chain, 1, "and none of those is missing", first, of(oct, "2026-10", superseding(1, one, three)))
	put("history", "one-by-a-stranger", vector{Attack: "C12", Comment: "", Expect: "statement.signature", Exit: 1, Policy: policy, Statements: []string{
		first, of(oct, "2026-10", numbered(1, one), func(w *world) { w.key = ed25519.NewKeyFromSeed(h([]byte("stranger"))) }),
	}})
	put("history", "one-without-previous", vector{Attack: "C9", Comment: "", Expect: "statement.series", Exit: 1, Policy: policy, Statements: []string{
		first, of(oct, "2026-10", obj{"name": "monthly", "number": 1}),
	}})
	put("history", "of-two-series", vector{Attack: "C9", Comment: "", Expect: "usage", Exit: 2, Policy: policy, Statements: []string{first, of(oct, "2026-10", obj{"name": "hourly", "number": 0})}})
}

func checkHistory(t testing.TB, v vector) {
	policy, err := ReadPolicy([]byte(v.Policy))
	if err != nil {
		t.Fatal(err)
	}
	var inputs []HistoryInput
	for i, s := range v.Statements {
		inputs = append(inputs, HistoryInput{Name: string(rune('a' + i)), Envelope: []byte(s)})
	}
	past, err := History(inputs, CustomerProofs{}, policy, nil)
	if v.Expect == "usage" {
		if err == nil {
			t.Error("accepted")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, s := range past.Statements {
		for _, c := range s.Verdict.Checks {
			if c.Result == Fail {
				failed = append(failed, c.Name)
			}
		}
	}
	for _, c := range past.Checks {
		if c.Result == Fail {
			failed = append(failed, c.Name)
		}
	}
	want := []string{v.Expect}
	if v.Expect == "pass" {
		want = nil
	}
	if past.Exit != v.Exit || past.Holds != (v.Expect == "pass") || !slices.Equal(failed, want) {
		t.Errorf("exit %d, failed %q: %s; want exit %d, failed %q", past.Exit, failed, past.Summary, v.Exit, want)
	}
}
