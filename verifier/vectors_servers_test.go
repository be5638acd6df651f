package verifier

import (
	"crypto/ed25519"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

const headKind = "application/vnd.assay.audit-head+json"

func auditor(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(h([]byte("auditor " + name)))
}

// auditKey lists a key that signs heads of the audit log.
func auditKey(name, from, until string) obj {
	return edited(serverKey(auditor(name), from, until), func(k obj) { k["use"] = "audit" })
}

// listOf is a list of response keys as it is signed.
func listOf(issued string, keys ...obj) obj {
	return obj{"exchange": "Demo Exchange", "issued": issued, "keys": sortKeys(keys...), "type": "assay/v1/response-keys"}
}

func headOf(seq int, row, at string) obj {
	return obj{"at": at, "hash": digestOf(row), "seq": seq, "type": "assay/v1/audit-head"}
}

func listEntry(list obj, by ...signer) string {
	return string(encode(sealedBy(keyListKind, encode(list), by...)))
}

func headEntry(head obj, by ...signer) string {
	return string(encode(sealedBy(headKind, encode(head), by...)))
}

// serverVectors are of what an exchange enters of its servers (SPEC part 25).
func serverVectors(t testing.TB, put putter) {
	w := newWorld()
	exchange, stranger, audit := w.exchange(), person("stranger"), edSigner(auditor("now"))
	policy := w.make(t).raw
	const from, until = "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"
	now, next := serverKey(server("now"), from, until), serverKey(server("next"), "2026-12-01T00:00:00Z", "2027-03-01T00:00:00Z")
	rows := auditKey("now", from, until)
	first := listEntry(listOf(from, now, rows), exchange)
	second := listEntry(listOf("2026-11-20T00:00:00Z", now, next, rows), exchange)
	head := func(seq int, row, at string) string { return headEntry(headOf(seq, row, at), audit) }
	seven := head(7, "seven", "2026-11-01T00:00:00Z")
	happy := func(name, comment string, told []uint64, entries ...string) {
		put("entries", "happy-"+name, vector{Attack: "C9", Comment: comment, Expect: "pass", Entries: entries, Policy: policy, Told: told})
	}
	happy("response-keys", "a successor is listed", []uint64{0, 1}, first, second)
	happy("response-keys-again", "whoever enters it: the same list changes nothing", []uint64{0, 1}, first, second, first)
	happy("response-keys-in-one-second", "", []uint64{0, 1}, first, listEntry(listOf(from, now, next, rows), exchange))
	happy("response-key-cut-short", "a key in other hands signs no more: its until is another one", []uint64{0, 1}, first,
		listEntry(listOf("2026-10-05T00:00:00Z", serverKey(server("now"), from, "2026-10-05T00:00:00Z"), rows), exchange))
	happy("response-keys-of-others", "signed by a stranger, of another exchange, falsely", []uint64{3}, listEntry(listOf(from, next), stranger),
		listEntry(edited(listOf(from, next), func(l obj) { l["exchange"] = "Other Exchange" }), exchange),
		string(encode(edited(sealedBy(keyListKind, encode(listOf(from, next)), exchange), func(e obj) {
			e["signatures"].([]obj)[0]["sig"] = base64.StdEncoding.EncodeToString(make([]byte, 64))
		}))), first)
	happy("audit-heads", "a day later, and a day on which nothing was done", []uint64{0, 1, 2, 3}, first, seven, head(9, "nine", "2026-11-02T00:00:00Z"), head(9, "nine", "2026-11-03T00:00:00Z"))
	happy("audit-head-again", "", []uint64{0, 1, 2}, first, seven, head(9, "nine", "2026-11-02T00:00:00Z"), seven)
	happy("audit-heads-of-others", "by a key that no list names, by one for answers, before any list, before and after the key's time, with two signatures", []uint64{1}, seven, first,
		headEntry(headOf(1, "x", "2026-11-01T00:00:00Z"), stranger), headEntry(headOf(1, "x", "2026-11-01T00:00:00Z"), edSigner(server("now"))),
		head(1, "x", "2026-09-30T23:59:59Z"), head(1, "x", "2027-01-01T00:00:01Z"), headEntry(headOf(1, "x", "2026-11-01T00:00:00Z"), audit, stranger),
		head(0, "x", "2026-11-01T00:00:00Z"), string(encode(edited(sealedBy(headKind, encode(headOf(1, "x", "2026-11-01T00:00:00Z")), audit), func(e obj) {
			e["signatures"].([]obj)[0]["sig"] = audit.signature(keyListKind, encode(headOf(1, "x", "2026-11-01T00:00:00Z")))["sig"]
		}))))

	fault := func(name, attack, comment string, told []uint64, entries ...string) { // the last entry breaks a rule
		put("entries", name, vector{Attack: attack, Comment: comment, Expect: "refused", Entries: entries, Policy: policy, Told: told, Breaches: []uint64{uint64(len(entries) - 1)}})
	}
	after := func(name, comment string, list obj) {
		fault("response-"+name, "C12", comment, []uint64{0, 1}, first, listEntry(list, exchange))
	}
	after("key-left-out", "it signed answers, and would have signed none", listOf("2026-11-20T00:00:00Z", next, rows))
	after("key-of-another-use", "", listOf("2026-11-20T00:00:00Z", now, serverKey(auditor("now"), from, until)))
	after("keys-issued-before", "", listOf("2026-09-30T23:59:59Z", now, next, rows))
	fault("response-keys-unreadable", "E5", "signed by the exchange, so it is not passed over", nil, listEntry(edited(listOf(from, now), func(l obj) { l["keys"] = []obj{} }), exchange))
	fault("response-keys-of-version-2", "C8", "", nil, listEntry(edited(listOf(from, now), func(l obj) { l["type"] = "assay/v2/response-keys" }), exchange))
	fault("response-key-of-an-unknown-use", "E5", "", nil, listEntry(listOf(from, edited(serverKey(server("now"), from, until), func(k obj) { k["use"] = "answers" })), exchange))
	heads := func(name, comment string, last string) {
		fault("audit-"+name, "C9", comment, []uint64{0, 1, 2}, first, seven, last)
	}
	heads("rows-taken-out", "", head(6, "six", "2026-11-02T00:00:00Z"))
	heads("row-changed", "", head(7, "other", "2026-11-02T00:00:00Z"))
	heads("head-going-back-in-time", "", head(8, "eight", "2026-10-31T23:59:59Z"))
	w.full = limitOfKey(exchange.text, "until = \"2026-11-02T00:00:00Z\"\nrevoked = \"2027-01-01T00:00:00Z\"\n")
	policy = w.make(t).raw
	fault("response-keys-by-a-revoked-key", "C12", "nothing shows that it is older", nil, first)
	w.full = limitOfKey(exchange.text, "until = \"2026-11-02T00:00:00Z\"\n")
	policy = w.make(t).raw
	fault("response-keys-by-a-key-no-longer-believed", "C12", "", []uint64{0}, first, second)
}

// A list that the exchange signed and shows to one reader alone is not in the log.
func TestC11_ListShownToOne(t *testing.T) {
	exchange := newWorld().exchange()
	now, next := serverKey(server("now"), "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"), serverKey(server("next"), "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z")
	first, second := listEntry(listOf("2026-10-01T00:00:00Z", now), exchange), listEntry(listOf("2026-10-02T00:00:00Z", now, next), exchange)
	hidden := listEntry(listOf("2026-10-01T00:00:00Z", serverKey(server("stranger"), "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z")), exchange)
	l := newLookLog(append(foreign(1), first, second)...)
	look := func(list string) Monitored {
		t.Helper()
		found, err := Monitor(MonitorInput{Policy: l.lookPolicy(t, 2), Now: parsedTime(lookTime), Seen: watchFor(t, l).seen, Keys: []byte(list), Sources: []LogSource{{"a", l.serve(3).read}}})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for list, want := range map[string]string{first: "entry 1; a later list was entered at 2", second: "entry 2, the last list"} {
		found := look(list)
		inOrder(t, found)
		if got := found.check("log.keys").Detail; !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if len(found.News) != 2 || found.News[1].Kind != kindKeys || len(found.News[1].Keys) != 2 || !slices.IsSorted([]uint64{found.News[0].Index, found.News[1].Index}) {
			t.Errorf("news %+v", found.News)
		}
	}
	failing(t, look(hidden), ExitFalse, "is in no log that was shown", "log.keys")
	failing(t, look(listEntry(listOf("2026-10-01T00:00:00Z", now), person("stranger"))), ExitFalse, "no signature is by a key of the exchange", "log.keys")
}

// What the servers' entries show against the exchange, the monitor tells with the rest.
func TestC09_AuditLogCut(t *testing.T) {
	exchange, audit := newWorld().exchange(), edSigner(auditor("now"))
	list := listEntry(listOf("2026-10-01T00:00:00Z", serverKey(server("now"), "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"), auditKey("now", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z")), exchange)
	l := newLookLog(list, headEntry(headOf(9, "nine", "2026-10-02T00:00:00Z"), audit), headEntry(headOf(8, "eight", "2026-10-03T00:00:00Z"), audit))
	w := watchFor(t, l)
	inOrder(t, w.look(t, l.serve(2).read))
	found := w.look(t, l.serve(3).read)
	failing(t, found, ExitFalse, "entry 2: the audit log has 8 rows, and had 9 before", "log.entries")
	if len(found.News) != 1 || found.News[0].Seq != 8 {
		t.Errorf("news %+v", found.News)
	}
}
