package verifier

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// newApprovedWorld is a statement that three people may approve and two must; two did, one with a key of each kind.
func newApprovedWorld() *world {
	w := newWorld()
	w.approvers, w.required = []signer{person("treasurer"), device("auditor within"), person("director")}, 2
	w.approved = w.approvers[:2]
	return w
}

// approvalsOf is the section of a policy that asks for approvals.
func approvalsOf(required string, by ...signer) string {
	return "[approvals]\nrequired = " + required + "\nkeys = [\"" + strings.Join(textsOf(by), `", "`) + "\"]\n"
}

func limitOfKey(key, limits string) string { return "[[key]]\nkey = \"" + key + "\"\n" + limits }

// sig is the signature of an envelope that a key made.
func sig(envelope obj, by signer) obj {
	list := envelope["signatures"].([]obj)
	return list[slices.IndexFunc(list, func(s obj) bool { return s["keyid"] == keyID(by.text) })]
}

func keyVectors(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, w *world, edit func(*world)) {
		edit(w)
		m := w.make(t)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	signatureVectors(add)
	approvalVectors(add)
	seriesVectors(add)
	momentVectors(add)
	attachmentVectors(add)
	pageVectors(add)
	findingVectors(add)
	keyPolicies(t, put)
}

// adding makes the vector of a bundle that was edited before it was hashed and signed.
type adding func(name, attack, check string, exit int, comment string, w *world, edit func(*world))

func signatureVectors(add adding) {
	const check = "statement.signature"
	exchange := device("exchange")
	byDevice := func(name, comment string, sign func(good []byte) []byte) {
		add(name, "C12", check, 1, comment, newWorld(), func(w *world) {
			w.signer = &exchange
			w.envelope = func(e obj) {
				s := sig(e, exchange)
				s["sig"] = base64.StdEncoding.EncodeToString(sign(unbased(s["sig"].(string))))
			}
		})
	}
	add("happy-p256", "", "pass", 0, "the exchange signs with P-256", newWorld(), func(w *world) { w.signer = &exchange })
	byDevice("p256-high-s", "s in the upper half of the order: another spelling of a signature that verifies", upper)
	byDevice("p256-signature-too-long", "a byte too many", func(s []byte) []byte { return append(s, 0) })
	byDevice("p256-signature-too-short", "a byte too few", func(s []byte) []byte { return s[:63] })
	byDevice("p256-signature-in-der", "as most libraries spell it", func(s []byte) []byte {
		integer := func(b []byte) []byte { return append([]byte{2, 33, 0}, b...) }
		body := append(integer(s[:32]), integer(s[32:])...)
		return append([]byte{0x30, byte(len(body))}, body...)
	})
	byDevice("p256-signature-zero", "r and s of 0", func([]byte) []byte { return make([]byte, 64) })
	byDevice("p256-signature-swapped", "s before r", func(s []byte) []byte { return append(bytes.Clone(s[32:]), s[:32]...) })
	add("p256-signature-of-other-bytes", "E11", check, 1, "over another payload", newWorld(), func(w *world) {
		w.signer = &exchange
		w.envelope = func(e obj) { e["signatures"] = []obj{exchange.signature(dsseType, []byte("{}"))} }
	})
	limited := func(name, comment, expect string, exit int, limits string) {
		add(name, "C12", expect, exit, comment, newWorld(), func(w *world) { w.full = limitOfKey("KEY", limits) })
	}
	for _, c := range []struct{ name, comment, expect, limits string }{
		{"happy-key-in-its-time", "issued within the key's time, to the second", "pass", "from = \"2026-11-01T01:00:00Z\"\nuntil = \"2026-11-01T01:00:01Z\"\n"},
		{"key-not-yet-believed", "the key came later", check, "from = \"2026-11-01T01:00:01Z\"\n"},
		{"key-no-longer-believed", "the key was replaced before", check, "until = \"2026-11-01T00:59:59Z\"\n"},
		{"key-revoked", "revoked, and nothing shows that the signature is older: issued is the signer's own word", check, "revoked = \"2027-01-01T00:00:00Z\"\n"},
	} {
		exit := 1
		if c.expect == "pass" {
			exit = 0
		}
		limited(c.name, c.comment, c.expect, exit, c.limits)
	}
}

func approvalVectors(add adding) {
	const check = "statement.approvals"
	treasurer, within, director, stranger := person("treasurer"), device("auditor within"), person("director"), person("stranger")
	add("happy-approved", "", "pass", 0, "two of three approved, one with a key of each kind", newApprovedWorld(), func(*world) {})
	add("happy-approved-by-the-policys", "", "pass", 0, "the policy knows both", newApprovedWorld(), func(w *world) { w.full = approvalsOf("2", treasurer, within) })
	fault := func(name, check string, exit int, comment string, edit func(*world)) {
		add("approvals-"+name, "C12", check, exit, comment, newApprovedWorld(), edit)
	}
	envelope := func(name, check string, exit int, comment string, edit func(e obj)) {
		fault(name, check, exit, comment, func(w *world) { w.envelope = edit })
	}
	predicate := func(name, check string, exit int, comment string, edit func(keys []string, p obj)) {
		fault(name, check, exit, comment, func(w *world) {
			w.predicate = func(p obj) { a := at(p, "approvals"); edit(a["keys"].([]string), a) }
		})
	}
	fault("too-few", check, 1, "one approved, two must", func(w *world) { w.approved = w.approved[:1] })
	fault("none", check, 1, "nobody approved, two must", func(w *world) { w.approved = nil })
	fault("by-a-stranger", check, 1, "a signature by a key that nobody named", func(w *world) { w.approved = append(slices.Clone(w.approved), stranger) })
	envelope("twice", "statement.signature", 3, "one approver's signature twice: one key counts once", func(e obj) {
		e["signatures"] = append(e["signatures"].([]obj), sig(e, treasurer))
		slices.SortFunc(e["signatures"].([]obj), func(a, b obj) int { return strings.Compare(a["keyid"].(string), b["keyid"].(string)) })
	})
	envelope("of-another-statement", check, 1, "an approver's signature of last month's statement", func(e obj) {
		sig(e, treasurer)["sig"] = treasurer.signature(dsseType, []byte("{}"))["sig"]
	})
	envelope("of-another-type", check, 1, "an approver's signature of the same bytes as another type", func(e obj) {
		sig(e, treasurer)["sig"] = treasurer.signature("application/vnd.assay.entry+json", unbased(e["payload"].(string)))["sig"]
	})
	envelope("p256-high-s", check, 1, "", func(e obj) {
		s := sig(e, within)
		s["sig"] = base64.StdEncoding.EncodeToString(upper(unbased(s["sig"].(string))))
	})
	predicate("required-above-the-keys", check, 1, "four of three", func(_ []string, a obj) { a["required"] = 4 })
	predicate("required-zero", check, 1, "three may, none must: then nobody is to be named", func(_ []string, a obj) { a["required"] = 0 })
	predicate("required-without-keys", check, 1, "", func(_ []string, a obj) { a["keys"] = []string{} })
	predicate("keys-unsorted", "statement.format", 3, "", func(keys []string, _ obj) { slices.Reverse(keys) })
	predicate("key-twice", "statement.format", 3, "", func(keys []string, _ obj) { keys[1] = keys[0] })
	predicate("key-off-the-curve", "statement.format", 3, "no point of P-256 has this x", func(keys []string, a obj) {
		a["keys"] = append(keys, "p256:02"+strings.Repeat("f", 64))
	})
	predicate("of-31-keys", "statement.format", 3, "one more than may be named", func(_ []string, a obj) {
		var keys []string
		for i := range 31 {
			keys = append(keys, person(fmt.Sprint("one of many ", i)).text)
		}
		slices.Sort(keys)
		a["keys"] = keys
	})
	fault("by-the-exchanges-key", check, 1, "the exchange's own key approves nothing", func(w *world) {
		w.approvers = append(w.approvers, w.exchange())
	})
	fault("by-the-exchanges-other-key", check, 1, "a second key of the exchange among the approvers", func(w *world) {
		w.policy = strings.Replace(w.policy, `"KEY"`, `"KEY", "`+treasurer.text+`"`, 1)
	})
	fault("below-the-policys", check, 1, "the policy asks for two of its own keys, one of them approved", func(w *world) { w.full = approvalsOf("2", treasurer, director) })
	fault("by-others-than-the-policys", check, 1, "whom the exchange names, the policy does not", func(w *world) { w.full = approvalsOf("1", director) })
	fault("unattended", check, 1, "the policy asks for an approval of a statement that nobody may approve", func(w *world) {
		w.approvers, w.approved, w.required, w.full = nil, nil, 0, approvalsOf("1", director)
	})
	fault("by-a-key-no-longer-believed", check, 1, "issued after the approver's key had its time", func(w *world) {
		w.full = approvalsOf("2", treasurer, within) + limitOfKey(treasurer.text, "until = \"2026-10-31T00:00:00Z\"\n")
	})
	fault("by-a-revoked-key", check, 1, "", func(w *world) {
		w.full = approvalsOf("2", treasurer, within) + limitOfKey(within.text, "revoked = \"2027-01-01T00:00:00Z\"\n")
	})
	fault("by-an-auditor", check, 1, "a key counts for its own role only", func(w *world) {
		w.full = "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + treasurer.text + "\"]\n"
	})
}

func seriesVectors(add adding) {
	some := strings.Repeat("7", 64)
	of := func(name, check string, exit int, comment string, series obj) {
		add(name, "C9", check, exit, comment, newWorld(), func(w *world) { w.series = series })
	}
	of("happy-series", "pass", 0, "the fourth of its series", obj{"name": "monthly", "number": 3, "previous": some})
	of("happy-superseding", "pass", 0, "it takes the place of another", obj{"name": "hourly-2", "number": 3, "previous": some, "supersedes": obj{"reason": "a wrong total", "statement": some}})
	of("series-without-previous", "statement.series", 1, "", obj{"name": "monthly", "number": 3})
	of("series-previous-at-number-0", "statement.series", 1, "", obj{"name": "monthly", "number": 0, "previous": some})
	of("series-superseding-at-number-0", "statement.series", 1, "none was before it", obj{"name": "monthly", "number": 0, "supersedes": obj{"reason": "a wrong total", "statement": some}})
	of("series-superseding-without-a-reason", "statement.format", 3, "", obj{"name": "monthly", "number": 3, "previous": some, "supersedes": obj{"reason": "", "statement": some}})
	of("series-superseding-nothing", "statement.format", 3, "a reason and no statement", obj{"name": "monthly", "number": 3, "previous": some, "supersedes": obj{"reason": "a wrong total"}})
	of("series-reason-too-long", "statement.format", 3, "1,025 bytes", obj{"name": "monthly", "number": 3, "previous": some, "supersedes": obj{"reason": strings.Repeat("r", 1025), "statement": some}})
	of("series-without-a-name", "statement.format", 3, "", obj{"name": "", "number": 0})
	of("series-name-in-capitals", "statement.format", 3, "", obj{"name": "Monthly", "number": 0})
	of("series-name-too-long", "statement.format", 3, "", obj{"name": strings.Repeat("m", 33), "number": 0})
	add("series-missing", "C9", "statement.format", 3, "", newWorld(), func(w *world) { w.predicate = func(p obj) { delete(p, "series") } })
	add("issued-before-the-instant", "C10", "statement.format", 3, "drawn up before the instant that it speaks of", newWorld(), func(w *world) {
		w.predicate = func(p obj) { p["issued"] = "2026-10-31T23:59:59Z" }
	})
}

func momentVectors(add adding) {
	later := func(edit func(block, moment obj)) func(*world) {
		return func(w *world) {
			block := obj{"chain": evmChain, "hash": "0x" + strings.Repeat("9", 64), "number": 300, "time": "2026-11-01T00:50:00Z"}
			w.moment = obj{"blocks": []obj{block}, "checkpoint": obj{"origin": "exchange.example/log", "root": strings.Repeat("6", 64), "size": 7}}
			edit(block, w.moment)
		}
	}
	of := func(name, check string, exit int, comment string, edit func(block, moment obj)) {
		add(name, "C10", check, exit, comment, newFullWorld(), later(edit))
	}
	const check = "statement.moment"
	of("happy-moment", "pass", 0, "a later block and the log's checkpoint", func(obj, obj) {})
	of("moment-of-a-chain-not-pinned", check, 1, "", func(b, _ obj) { b["chain"] = "eip155:10" })
	of("moment-number-before-the-pinned-block", check, 1, "", func(b, _ obj) { b["number"] = 99 })
	of("moment-time-before-the-pinned-block", check, 1, "", func(b, _ obj) { b["time"] = "2026-10-31T20:00:00Z" })
	of("moment-another-block-than-the-pinned-one", check, 1, "the pinned number, another hash", func(b, _ obj) { b["number"] = 100 })
	add("moment-anchor-contradicts", "C10", check, 1, "the policy knows another block of that number", newFullWorld(), func(w *world) {
		later(func(obj, obj) {})(w)
		w.full = "[[anchor]]\nchain = \"" + evmChain + "\"\nnumber = 300\nhash = \"0x" + strings.Repeat("0", 64) + "\"\n"
	})
	of("moment-chain-twice", "statement.format", 3, "", func(b, m obj) { m["blocks"] = []obj{b, b} })
	of("moment-origin-with-a-plus", "statement.format", 3, "", func(_, m obj) { m["checkpoint"].(obj)["origin"] = "exchange+log" })
}

func attachmentVectors(add adding) {
	with := func(name, check string, exit int, comment string, paths ...string) {
		add(name, "X12", check, exit, comment, newWorld(), func(w *world) {
			w.attach = func(*made) map[string][]byte {
				files := map[string][]byte{}
				for _, path := range paths {
					files[path] = []byte("x")
				}
				if name == "attachment-entry-too-long" {
					files[entryPath] = bytes.Repeat([]byte("x"), 64<<10+1)
				}
				return files
			}
		})
	}
	const check = "bundle.files"
	with("attachment-unknown", check, 1, "", "attachments/readme.txt")
	with("attachment-number-too-high", check, 1, "finding 32", "attachments/findings/32.dsse.json")
	with("attachment-number-with-a-zero-in-front", check, 1, "", "attachments/findings/00.dsse.json")
	with("attachment-finding-left-out", check, 3, "finding 1 without finding 0", "attachments/findings/1.dsse.json")
	with("attachment-time-stamp-left-out", check, 3, "time stamp 1 without time stamp 0", "attachments/timestamps/1.tsr")
	with("attachment-entry-without-proof", check, 3, "", entryPath)
	with("attachment-proof-without-entry", check, 3, "", logProofPath)
	with("attachment-anchor-without-proof", check, 3, "", anchorPath, entryPath, logProofPath)
	with("attachment-anchor-without-entry", check, 3, "", anchorPath, anchorProofPath)
	with("attachment-entry-too-long", check, 3, "over 64 KiB", entryPath, logProofPath)
	add("attachment-in-the-manifest", "X12", check, 1, "what is signed after the statement is in no manifest", newWorld(), func(w *world) {
		w.files = func(f map[string][]byte) { f[findingPath(0)] = []byte("{}") }
		w.sealed = func(f map[string][]byte) { delete(f, findingPath(0)) }
	})
}

// pageVectors are of the page by which customers check.
func pageVectors(add adding) {
	const check, text = "bundle.files", "<!doctype html><title>Check your balance</title>"
	page := func(name, attack, check string, exit int, comment string, edit func(*world)) {
		add(name, attack, check, exit, comment, newWorld(), func(w *world) {
			w.files = func(f map[string][]byte) { f[pagePath] = []byte(text) }
			edit(w)
		})
	}
	page("happy-page", "", "pass", 0, "the page by which customers check", func(*world) {})
	page("page-missing", "X12", check, 3, "listed, and not there", func(w *world) { w.sealed = func(f map[string][]byte) { delete(f, pagePath) } })
	page("page-changed", "X12", check, 1, "another page than was signed", func(w *world) {
		w.sealed = func(f map[string][]byte) { f[pagePath] = []byte(strings.Replace(text, "Check", "Trust", 1)) }
	})
	page("page-not-listed", "X12", check, 1, "a page that nobody signed", func(w *world) {
		w.files, w.sealed = nil, func(f map[string][]byte) { f[pagePath] = []byte(text) }
	})
	page("page-of-another-part", "X12", check, 1, "as if it might be absent", func(w *world) {
		w.manifest = func(m obj) {
			for _, f := range m["files"].([]obj) {
				if f["path"] == pagePath {
					f["part"] = "shard"
				}
			}
		}
	})
}

func findingVectors(add adding) {
	const check = "findings"
	auditor, stranger := device("auditor"), person("stranger")
	known := "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + auditor.text + "\"]\n"
	attach := func(w *world, by signer, edit func(statement, predicate obj)) {
		w.attach = func(m *made) map[string][]byte {
			return map[string][]byte{findingPath(0): finding(by, m.payload, edit)}
		}
	}
	of := func(name, attack, expect string, exit int, comment string, by signer, edit func(statement, predicate obj)) {
		add(name, attack, expect, exit, comment, newWorld(), func(w *world) {
			w.full = known
			attach(w, by, edit)
		})
	}
	predicate := func(edit func(p obj)) func(obj, obj) { return func(_, p obj) { edit(p) } }
	of("happy-finding", "", "pass", 0, "by an auditor of the policy", auditor, nil)
	of("happy-finding-by-an-unknown-auditor", "", "pass", 0, "anybody may have made it", stranger, predicate(func(p obj) { p["auditor"] = "Other Accountants" }))
	of("finding-about-another-statement", "C12", check, 1, "last month's finding", auditor, func(s, _ obj) {
		s["subject"].([]obj)[0]["digest"] = obj{"sha256": strings.Repeat("0", 64)}
	})
	of("finding-by-a-key-not-the-auditors", "C12", check, 1, "the auditor's name, a stranger's key", stranger, nil)
	of("finding-signed-by-another-key-than-it-names", "C12", check, 1, "", stranger, predicate(func(p obj) { p["key"] = auditor.text }))
	of("finding-without-procedures", "E5", check, 3, "", auditor, predicate(func(p obj) { p["procedures"] = []string{} }))
	of("finding-with-checks-unsorted", "E2", check, 3, "", auditor, predicate(func(p obj) { slices.Reverse(p["checks"].([]obj)) }))
	of("finding-with-a-result-unknown", "E5", check, 3, "", auditor, predicate(func(p obj) { p["checks"].([]obj)[0]["result"] = "ok" }))
	of("finding-with-a-check-twice", "E6", check, 3, "passed and failed", auditor, predicate(func(p obj) {
		name := p["checks"].([]obj)[0]["name"]
		p["checks"] = []obj{{"name": name, "result": "fail"}, {"name": name, "result": "pass"}}
	}))
	of("finding-with-a-blank-in-a-check", "E5", check, 3, "", auditor, predicate(func(p obj) { p["checks"] = []obj{{"name": "liabilities.full ", "result": "pass"}} }))
	of("finding-with-too-many-procedures", "E9", check, 3, "257", auditor, predicate(func(p obj) { p["procedures"] = slices.Repeat([]string{"recomputed every leaf"}, 257) }))
	of("finding-of-another-subject", "C12", check, 3, "the subject is the statement, by that name", auditor, func(s, _ obj) {
		s["subject"].([]obj)[0]["name"] = "statement.dsse.json"
	})
	of("finding-of-version-2", "C8", check, 4, "", auditor, func(s, _ obj) { s["predicateType"] = "https://github.com/assay-por/assay/finding/v2" })
	of("finding-that-is-a-statement", "C12", check, 3, "one type is never taken for another", auditor, func(s, _ obj) {
		s["predicateType"] = "https://github.com/assay-por/assay/solvency/v1"
	})
	changed := func(name, attack string, exit int, comment string, edit func(good []byte, m *made) []byte) {
		add(name, attack, check, exit, comment, newWorld(), func(w *world) {
			w.full = known
			w.attach = func(m *made) map[string][]byte {
				return map[string][]byte{findingPath(0): edit(finding(auditor, m.payload, nil), m)}
			}
		})
	}
	changed("finding-of-other-bytes", "E11", 1, "a word changed after signing", func(good []byte, m *made) []byte {
		other := finding(auditor, m.payload, predicate(func(p obj) { p["scope"] = "everything" }))
		before, _, _ := bytes.Cut(other, []byte(`"signatures"`))
		_, after, _ := bytes.Cut(good, []byte(`"signatures"`))
		return append(append(bytes.Clone(before), `"signatures"`...), after...)
	})
	changed("finding-signed-by-two", "E5", 3, "", func(good []byte, _ *made) []byte {
		payload, _, _ := bytes.Cut(good[len(`{"payload":"`):], []byte(`"`))
		return encode(sealedBy(dsseType, unbased(string(payload)), auditor, stranger))
	})
	for name, limits := range map[string]string{
		"finding-by-a-key-no-longer-believed": "until = \"2026-11-01T00:00:00Z\"\n",
		"finding-by-a-revoked-key":            "revoked = \"2030-01-01T00:00:00Z\"\n",
	} {
		add(name, "C12", check, 1, "", newWorld(), func(w *world) {
			w.full = known + limitOfKey(auditor.text, limits)
			attach(w, auditor, nil)
		})
	}
	absent := func(name, expect string, exit int, comment string, by signer, asked string, edit func(statement, predicate obj)) {
		add(name, "T8", expect, exit, comment, newWorld(), func(w *world) {
			w.policy, w.full = strings.Replace(w.policy, "recompute = true", "recompute = true\n"+asked, 1), known
			w.sealed = func(f map[string][]byte) { delete(f, leavesPath(1)) }
			attach(w, by, edit)
		})
	}
	const full = "liabilities.full"
	absent("happy-finding-for-absent-leaves", "pass", 0, "the policy takes an auditor's finding for them", auditor, "finding = true", nil)
	absent("finding-for-absent-leaves-not-asked-for", full, 3, "the policy wants every leaf", auditor, "finding = false", nil)
	absent("finding-for-absent-leaves-that-did-not-pass", full, 3, "", auditor, "finding = true", predicate(func(p obj) { p["checks"].([]obj)[0]["result"] = "skipped" }))
	absent("finding-for-absent-leaves-by-an-unknown-auditor", full, 3, "", stranger, "finding = true", predicate(func(p obj) { p["auditor"] = "Other Accountants" }))
}

// testCertificate is of a time-stamping authority that was made up.
const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUfTSC3J4tQ2/2Q95aYLrPEIDevS8wCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLRXhhbXBsZSBUU0EwHhcNMjYxMTMwMTQwODU3WhcNMzYxMTI3
MTQwODU3WjAWMRQwEgYDVQQDDAtFeGFtcGxlIFRTQTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABPK+cb/372DYBk3zD9JynuOg4zlF2C6hCqZbEzNajLmlhZHjerZr
Mwm9jQqjzV+c3IN/UNRW5VALuXhC8kE6/t+jUzBRMB0GA1UdDgQWBBRhImYe265e
1wJ7G9Or8Aq7q7ZYwzAfBgNVHSMEGDAWgBRhImYe265e1wJ7G9Or8Aq7q7ZYwzAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDKNryiHnrNf4p147Fu
SCnD0xErDmOfL3AC8Uok6LqSCwIgSfWOM80xattmkN50lY++wekE8Wu3VMWLy5G/
KUAT2vc=
-----END CERTIFICATE-----
`

// everySection is a policy's sections of keys, logs and time, without a fault.
func everySection() string {
	return approvalsOf("1", person("treasurer"), device("director")) + limitOfKey("KEY", "from = \"2026-01-01T00:00:00Z\"\nuntil = \"2026-12-31T23:59:59Z\"\n") +
		logPolicy(false, 2) + "fresh = \"24h\"\n" +
		"[[timestamp]]\nname = \"Example TSA\"\ncertificate = \"\"\"" + testCertificate + "\"\"\"\n" +
		"[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + device("auditor").text + "\"]\n"
}

func keyPolicies(t testing.TB, put putter) {
	w := newApprovedWorld()
	w.full = everySection()
	m := w.make(t)
	put("bundle", "happy-policy-with-every-section", vector{Comment: "approvals, limits, log, time stamps, auditors", Expect: "pass", Policy: m.raw, Files: vectorFiles(m.files)})
	swap := func(from, to string) string {
		if !strings.Contains(m.raw, from) {
			t.Fatalf("the policy has no %q", from)
		}
		return strings.Replace(m.raw, from, to, 1)
	}
	exchange, treasurer, director, auditor := w.exchange().text, person("treasurer").text, device("director").text, device("auditor").text
	log, first, second := logOf(logOrigin), witnessOf("one.example"), witnessOf("two.example")
	alias := first
	alias.name = "uno.example"
	for name, policy := range map[string]string{
		"key-off-the-curve":                    swap(director, "p256:02"+strings.Repeat("f", 64)),
		"key-p256-uncompressed":                swap(director, "p256:04"+director[len("p256:02"):]),
		"key-p256-too-short":                   swap(director, director[:len(director)-2]),
		"key-of-an-unknown-kind":               swap(director, "p384:"+director[len("p256:"):]),
		"key-of-exchange-and-approver":         swap(treasurer, exchange),
		"key-of-approver-and-auditor":          swap(auditor, treasurer),
		"key-of-exchange-and-auditor":          swap(auditor, exchange),
		"key-of-two-auditors":                  m.raw + "[[auditor]]\nname = \"Other Accountants\"\nkeys = [\"" + auditor + "\"]\n",
		"limit-of-a-key-it-does-not-name":      swap("[[key]]\nkey = \""+exchange, "[[key]]\nkey = \""+person("stranger").text),
		"limit-without-a-time":                 swap("from = \"2026-01-01T00:00:00Z\"\nuntil = \"2026-12-31T23:59:59Z\"\n", ""),
		"limit-twice":                          m.raw + limitOfKey(exchange, "revoked = \"2026-01-01T00:00:00Z\"\n"),
		"limit-that-ends-before-it-begins":     swap("2026-12-31T23:59:59Z", "2025-12-31T23:59:59Z"),
		"limit-that-is-no-time":                swap("2026-12-31T23:59:59Z", "2026-12-31"),
		"limit-misspelt":                       swap("until =", "untill ="), //nolint:misspell // it is to be one
		"approvals-of-nobody":                  swap("required = 1", "required = 0"),
		"approvals-of-more-than-its-keys":      swap("required = 1", "required = 3"),
		"log-quorum-above-the-witnesses":       swap("quorum = 2", "quorum = 3"),
		"log-without-a-quorum":                 swap("quorum = 2\n", ""),
		"log-without-keys":                     swap("[\""+log.vkey()+"\"]", "[]"),
		"log-key-with-another-hash":            swap(log.vkey(), strings.Replace(log.vkey(), "+", "+0", 1)),
		"log-key-of-a-witness":                 swap(log.vkey(), first.vkey()),
		"log-witness-with-a-logs-key":          swap(first.vkey(), log.vkey()),
		"log-witness-under-two-names":          swap(second.vkey(), alias.vkey()),
		"log-witness-twice":                    swap(second.vkey(), first.vkey()),
		"log-fresh-zero":                       swap("24h", "0s"),
		"timestamp-of-two-certificates":        swap(testCertificate, testCertificate+testCertificate),
		"timestamp-of-no-certificate":          swap(testCertificate, strings.ReplaceAll(testCertificate, "CERTIFICATE", "PUBLIC KEY")),
		"timestamp-with-words-around":          swap(testCertificate, "ours:\n"+testCertificate),
		"timestamp-twice":                      m.raw + "[[timestamp]]\nname = \"Other TSA\"\ncertificate = \"\"\"" + testCertificate + "\"\"\"\n",
		"auditor-without-keys":                 swap("keys = [\""+auditor+"\"]", "keys = []"),
		"auditor-twice":                        m.raw + "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + person("stranger").text + "\"]\n",
		"limit-of-a-custodian":                 m.raw + "[[custodian]]\nname = \"Example Trust\"\nkey = \"" + person("custodian").text + "\"\n" + limitOfKey(person("custodian").text, "until = \"2026-01-01T00:00:00Z\"\n"),
		"finding-as-text":                      swap("recompute = true", "recompute = true\nfinding = \"true\""),
		"approvals-key-twice":                  swap(director, treasurer),
		"timestamp-certificate-cut-off":        swap("KUAT2vc=\n", ""),
		"timestamp-certificate-of-other-bytes": swap("MIIBgT", "MIIBgA"),
	} {
		put("bundle", "policy-"+name, vector{Comment: strings.ReplaceAll(name, "-", " "), Expect: "policy", Exit: 3, Policy: policy, Files: map[string]vectorFile{}})
	}
	put("bundle", "log-required-and-none-there", vector{Attack: "C11", Comment: "the policy wants the statement's place in a log", Expect: "log", Exit: 3,
		Policy: strings.Replace(m.raw, "required = false", "required = true", 1), Files: vectorFiles(m.files)})
}
