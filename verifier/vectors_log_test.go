package verifier

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// outsideVectors are of what is made after a statement and dates it: its place in a log, time stamps, a block of Bitcoin.
func outsideVectors(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, w *world) {
		m := w.make(t)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	logVectors(add)
	logMomentVectors(add)
	stampVectors(add)
	anchorVectors(t, add)
	revokedVectors(t, add)
	proofLogVectors(t, put)
}

// outsider makes the vector of a bundle.
type outsider func(name, attack, check string, exit int, comment string, w *world)

func logVectors(add outsider) {
	one := func(name, check string, exit int, comment string, edit func(w *world, l *logged)) {
		w, l := newLoggedWorld()
		edit(w, l)
		l.attachTo(w)
		attack := "C11"
		if check == "pass" {
			attack = ""
		}
		add(name, attack, check, exit, comment, w)
	}
	happy := func(name, comment string, edit func(w *world, l *logged)) {
		one("happy-log"+name, "pass", 0, comment, edit)
	}
	happy("", "the statement's place in a log that two witnesses saw", func(*world, *logged) {})
	happy("-of-one-entry", "a path of no hash", func(_ *world, l *logged) { l.index, l.size = 0, 1 })
	happy("-last-entry", "the last of an odd number", func(_ *world, l *logged) { l.index = 6 })
	happy("-unknown", "the policy has no [log]", func(w *world, _ *logged) { w.full = "" })
	happy("-not-witnessed", "the policy asks for no witness", func(w *world, l *logged) { w.full, l.witnesses = logPolicy(true, 0), nil })
	happy("-seen-by-others-too", "a witness that the policy does not know is passed over", func(_ *world, l *logged) {
		l.witnesses = append(l.witnesses, witnessOf("three.example"))
	})
	fault := func(name string, exit int, comment string, edit func(l *logged)) {
		one("log-"+name, "log", exit, comment, func(_ *world, l *logged) { edit(l) })
	}
	checkpointFaults(fault)
	pathFaults(fault)
	entryFaults(fault)
}

func checkpointFaults(fault func(name string, exit int, comment string, edit func(l *logged))) {
	fault("origin-unknown", 1, "a log that the policy does not name", func(l *logged) { l.log = logOf("other.example/log") })
	fault("key-unknown", 1, "the log's name, another key", func(l *logged) { l.log.key = logOf("other.example/log").key })
	line := func(name, comment string, edit func(text string, lines []string) []string) {
		fault(name, 1, comment, func(l *logged) { l.lines = edit })
	}
	line("checkpoint-not-signed", "only witnesses signed", func(_ string, lines []string) []string { return lines[1:] })
	line("checkpoint-of-other-bytes", "the log's signature is of another checkpoint", func(text string, lines []string) []string {
		return append([]string{logOf(logOrigin).sign(strings.Replace(text, "\n7\n", "\n8\n", 1))}, lines[1:]...)
	})
	line("quorum-missing", "one of two witnesses", func(_ string, lines []string) []string { return lines[:2] })
	line("quorum-by-a-stranger", "the second witness is not the policy's", func(text string, lines []string) []string {
		return append(lines[:2], witnessOf("three.example").cosign(text, seenAt))
	})
	line("cosignature-twice", "one witness twice", func(_ string, lines []string) []string { return append(lines, lines[1]) })
	line("cosignature-altered", "the time in it is another than was signed", func(text string, lines []string) []string {
		w := witnessOf("two.example")
		signed := unbased(strings.TrimSpace(strings.TrimPrefix(w.cosign(text, seenAt), "— two.example ")))
		signed[4+7]++
		return append(lines[:2], "— two.example "+base64.StdEncoding.EncodeToString(signed)+"\n")
	})
	line("cosignature-of-another-checkpoint", "what the witness saw was another root", func(text string, lines []string) []string {
		return append(lines[:2], witnessOf("two.example").cosign(strings.Replace(text, "\n7\n", "\n8\n", 1), seenAt))
	})
	line("cosignature-after-year-9999", "", func(text string, lines []string) []string {
		return append(lines[:2], witnessOf("two.example").cosign(text, 253402300800))
	})
	fault("checkpoint-of-four-lines", 3, "there is no extension", func(l *logged) { l.text = func(s string) string { return s + "more\n" } })
}

func pathFaults(fault func(name string, exit int, comment string, edit func(l *logged))) {
	path := func(name, comment string, edit func(index int, path [][]byte) (int, [][]byte)) {
		fault(name, 1, comment, func(l *logged) { l.proofOf = edit })
	}
	path("index-beyond-the-size", "entry 7 of 7", func(_ int, p [][]byte) (int, [][]byte) { return 7, p })
	path("index-of-another-entry", "", func(_ int, p [][]byte) (int, [][]byte) { return 4, p })
	path("path-too-short", "", func(i int, p [][]byte) (int, [][]byte) { return i, p[:len(p)-1] })
	path("path-too-long", "", func(i int, p [][]byte) (int, [][]byte) { return i, append(p, h([]byte("more"))) })
	path("path-wrong", "", func(i int, p [][]byte) (int, [][]byte) { return i, append([][]byte{h([]byte("other"))}, p[1:]...) })
	path("path-swapped", "", func(i int, p [][]byte) (int, [][]byte) { p[0], p[1] = p[1], p[0]; return i, p })
	text := func(name, comment string, edit func(string) string) {
		fault(name, 3, comment, func(l *logged) { l.proof = edit })
	}
	text("proof-with-an-extra-line", "what C2SP allows, and nobody here signed", func(s string) string { return strings.Replace(s, "\nindex", "\nextra aGVsbG8=\nindex", 1) })
	text("proof-of-version-2", "", func(s string) string { return strings.Replace(s, "@v1", "@v2", 1) })
	text("proof-index-with-a-zero-in-front", "", func(s string) string { return strings.Replace(s, "index 5", "index 05", 1) })
	text("proof-cut-off", "", func(s string) string { return s[:len(s)-1] })
	text("proof-empty", "", func(string) string { return "" })
}

func entryFaults(fault func(name string, exit int, comment string, edit func(l *logged))) {
	field := func(key, comment string, value any) {
		fault("entry-of-another-"+key, 1, comment, func(l *logged) { l.edit = func(e obj) { e[key] = value } })
	}
	field("statement", "", strings.Repeat("7", 64))
	field("envelope", "the statement with other signatures", strings.Repeat("7", 64))
	field("exchange", "", "Other Exchange")
	field("instant", "", "2026-11-01T00:00:01Z")
	field("period", "", "2026-11")
	field("series", "", obj{"name": "hourly", "number": 0})
	field("snapshot", "", strings.Repeat("7", 64))
	stranger := person("stranger")
	fault("entry-by-a-stranger", 1, "", func(l *logged) { l.by = []signer{stranger} })
	fault("entry-by-a-stranger-too", 1, "an entry is signed by the exchange alone", func(l *logged) { l.by = append(l.by, stranger) })
	fault("entry-of-a-withdrawal", 1, "it takes back what it should enter", func(l *logged) {
		l.edit = func(e obj) {
			for _, key := range []string{"envelope", "instant", "period", "series", "snapshot"} {
				delete(e, key)
			}
			e["kind"], e["text"] = "withdrawal", "a wrong total"
		}
	})
	fault("entry-that-is-a-statement", 3, "one type is never taken for another", func(l *logged) {
		l.entry = func(raw []byte) []byte { return bytes.Replace(raw, []byte(entryKind), []byte(dsseType), 1) }
	})
	fault("entry-issued-before-the-instant", 3, "", func(l *logged) { l.edit = func(e obj) { e["issued"] = "2026-10-31T23:59:59Z" } })
	fault("entry-with-a-key-missing", 3, "", func(l *logged) { l.edit = func(e obj) { delete(e, "series") } })
}

// logMomentVectors hold a statement's place in the log against the size that it says the log had before.
func logMomentVectors(add outsider) {
	for _, c := range []struct {
		name, expect, comment, origin string
		size                          int
	}{
		{"happy-moment-before-the-entry", "pass", "the log had five entries, and this is number 5", logOrigin, 5},
		{"happy-moment-of-another-log", "pass", "sizes of two logs say nothing of one another", "other.example/log", 6},
		{"moment-after-the-entry", "statement.moment", "the log had six entries, and this is number 5", logOrigin, 6},
	} {
		w, l := newLoggedWorld()
		w.moment = obj{"blocks": []obj{}, "checkpoint": obj{"origin": c.origin, "root": strings.Repeat("6", 64), "size": c.size}}
		l.attachTo(w)
		exit := 1
		if c.expect == "pass" {
			exit = 0
		}
		add(c.name, "C10", c.expect, exit, c.comment, w)
	}
}

func proofLogVectors(t testing.TB, put putter) {
	one := func(name, attack, check string, exit int, comment string, edit func(w *world, l *logged, p obj)) {
		w, l := newLoggedWorld()
		m := w.make(t)
		p := m.proof(0, 2)
		p["log"] = l.inProof(p["envelope"])
		if edit != nil {
			edit(w, l, p)
		}
		put("proof", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Customer: "carol@example.org", Policy: w.make(t).raw, Proof: string(encode(p))})
	}
	again := func(edit func(l *logged)) func(*world, *logged, obj) {
		return func(_ *world, l *logged, p obj) {
			edit(l)
			p["log"] = l.inProof(p["envelope"])
		}
	}
	one("happy-log", "", "pass", 0, "with the statement's place in a log", nil)
	one("happy-log-unknown", "", "pass", 0, "the policy has no [log]", func(w *world, _ *logged, _ obj) { w.full = "" })
	one("happy-log-saves-a-revoked-key", "C12", "pass", 0, "witnesses saw it a second before", func(w *world, _ *logged, _ obj) {
		w.full += limitOfKey("KEY", "revoked = \"2026-11-01T04:01:01Z\"\n")
	})
	const check = "log"
	one("log-seen-too-late-for-a-revoked-key", "C12", "statement.signature", 1, "", func(w *world, _ *logged, _ obj) {
		w.full += limitOfKey("KEY", "revoked = \"2026-11-01T04:01:00Z\"\n")
	})
	one("log-required-and-none-there", "C1", check, 3, "the policy wants the statement's place in a log", func(_ *world, _ *logged, p obj) { delete(p, "log") })
	one("log-of-another-envelope", "C1", check, 1, "the entry is about other signatures", func(_ *world, l *logged, p obj) {
		p["log"] = l.inProof(obj{"payload": at(p, "envelope")["payload"], "payloadType": dsseType, "signatures": []obj{}})
	})
	one("log-quorum-missing", "C11", check, 1, "", again(func(l *logged) { l.witnesses = l.witnesses[:1] }))
	one("log-path-wrong", "C11", check, 1, "", again(func(l *logged) {
		l.proofOf = func(_ int, p [][]byte) (int, [][]byte) { return 4, p }
	}))
	one("log-entry-by-a-stranger", "C1", check, 1, "", again(func(l *logged) { l.by = []signer{person("stranger")} }))
	one("log-proof-with-an-extra-line", "C11", check, 3, "", again(func(l *logged) {
		l.proof = func(s string) string { return strings.Replace(s, "\nindex", "\nextra aGVsbG8=\nindex", 1) }
	}))
	const form = "proof.format"
	one("log-without-an-entry", "E5", form, 3, "", func(_ *world, _ *logged, p obj) { delete(at(p, "log"), "entry") })
	one("log-entry-that-is-a-text", "E5", form, 3, "", func(_ *world, _ *logged, p obj) { at(p, "log")["entry"] = "an entry" })
	one("log-proof-not-base64", "E2", form, 3, "trailing bits are not zero", func(_ *world, _ *logged, p obj) { at(p, "log")["proof"] = "aGVsbG9=" })
	one("log-with-a-key-too-many", "E6", form, 3, "", func(_ *world, _ *logged, p obj) { at(p, "log")["root"] = strings.Repeat("0", 64) })
}
