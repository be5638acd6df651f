package verifier

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func stampVectors(add outsider) {
	root, other, at := stampRoot("Example TSA"), stampRoot("Other TSA"), time.Unix(seenAt, 0)
	one := func(name, attack, check string, exit int, comment string, by stamper, edit func(raw []byte) []byte) {
		w := newWorld()
		w.full = root.section("Example TSA")
		by.attachTo(w, 0, at)
		attach := w.attach
		w.attach = func(m *made) map[string][]byte {
			files := attach(m)
			if edit != nil {
				files[timestampPath(0)] = edit(files[timestampPath(0)])
			}
			return files
		}
		add(name, attack, check, exit, comment, w)
	}
	ec := stampedBy(root, "unit 1", ecKey("unit 1"), nil)
	one("happy-time-stamp-p256", "", "pass", 0, "", ec, nil)
	one("happy-time-stamp-rsa", "", "pass", 0, "", stampedBy(root, "unit two", rsaKey(), nil), nil)
	one("happy-time-stamp-by-an-unknown-authority", "C12", "pass", 0, "not believed, and said so: the policy has another authority", stampedBy(other, "unit 1", ecKey("unit 1"), nil), nil)
	one("happy-time-stamp-with-an-expired-certificate", "C12", "pass", 0, "not believed, and said so: the certificate was no longer good at that time",
		stampedBy(root, "unit 1", ecKey("unit 1"), func(c *x509.Certificate) { c.NotAfter = at.Add(-time.Minute) }), nil)
	const check = "timestamps"
	one("time-stamp-for-another-use", "C12", check, 1, "a certificate for web servers", stampedBy(root, "unit 1", ecKey("unit 1"), func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{usageOf(1)}
	}), nil)
	one("time-stamp-for-any-use", "C12", check, 1, "the usage is not critical", stampedBy(root, "unit 1", ecKey("unit 1"), func(c *x509.Certificate) {
		c.ExtraExtensions[0].Critical = false
	}), nil)
	one("time-stamp-of-another-file", "C12", check, 1, "", ec, func([]byte) []byte { return ec.stamp(h([]byte("another")), at) })
	one("time-stamp-of-other-bytes", "E11", check, 1, "the time changed after signing", ec, func(raw []byte) []byte {
		return bytes.Replace(raw, []byte("20261101040000Z"), []byte("20261001040000Z"), 1)
	})
	one("time-stamp-signature-altered", "E11", check, 1, "", ec, func(raw []byte) []byte { raw[len(raw)-1] ^= 1; return raw })
	one("time-stamp-refused-by-the-authority", "C12", check, 1, "", ec, func([]byte) []byte { return []byte{0x30, 5, 0x30, 3, 2, 1, 2} })
	one("time-stamp-cut-off", "E5", check, 3, "", ec, func(raw []byte) []byte { return raw[:len(raw)-1] })
	one("time-stamp-with-bytes-after-it", "E7", check, 3, "", ec, func(raw []byte) []byte { return append(raw, 0) })
}

func anchorVectors(t testing.TB, add outsider) {
	one := func(name, attack, check string, exit int, comment string, edit func(w *world, m *moored)) {
		w, l := newLoggedWorld()
		m := newMoored(w)
		edit(w, m)
		l.attachTo(w)
		m.attachTo(w)
		add(name, attack, check, exit, comment, w)
	}
	one("happy-anchor", "", "pass", 0, "the policy has the block after the anchor's", func(w *world, m *moored) { w.full += m.anchorFor(t, w, 1) })
	one("happy-anchor-not-confirmed", "C10", "pass", 0, "no anchor of the policy: the exchange's word, and said so", func(*world, *moored) {})
	fault := func(name string, exit int, comment string, edit func(m *moored)) {
		one("anchor-"+name, "C10", "anchor", exit, comment, func(_ *world, m *moored) { edit(m) })
	}
	one("anchor-contradicts-the-policys", "C10", "anchor", 1, "the policy knows another block of that height", func(w *world, _ *moored) {
		w.full += fmt.Sprintf("[[anchor]]\nchain = %q\nnumber = %d\nhash = %q\n", utxoChain, mooredAt+1, strings.Repeat("0", 64))
	})
	fault("of-another-checkpoint", 1, "", func(m *moored) {
		m.outputs = func([]byte) [][]byte { return [][]byte{append([]byte("\x6a\x28assay/v1"), h([]byte("another"))...)} }
	})
	fault("script-twice", 1, "two outputs with the script", func(m *moored) { m.outputs = func(s []byte) [][]byte { return [][]byte{s, s} } })
	fault("script-with-another-prefix", 1, "", func(m *moored) {
		m.outputs = func(s []byte) [][]byte { return [][]byte{append([]byte("\x6a\x28assay/v2"), s[10:]...)} }
	})
	value := func(name string, exit int, comment string, edit func(a obj)) {
		fault(name, exit, comment, func(m *moored) { m.edit = edit })
	}
	value("branch-wrong", 1, "", func(a obj) { a["branch"] = []string{strings.Repeat("0", 64)} })
	value("branch-too-long", 1, "", func(a obj) { a["branch"] = append(a["branch"].([]string), strings.Repeat("0", 64)) })
	fault("coinbase-that-is-none", 1, "", func(m *moored) { m.first = h([]byte("earlier")) })
	value("header-without-work", 1, "", func(a obj) {
		raw := unhexed(a["headers"].(string))
		for reversed(sha2(raw[160:]))[0] < 0x80 {
			raw[236]++
		}
		a["headers"] = hex.EncodeToString(raw)
	})
	value("headers-not-linked", 1, "the second header follows another block", func(a obj) {
		raw := unhexed(a["headers"].(string))
		a["headers"] = hex.EncodeToString(slices.Concat(raw[:80], raw[160:], raw[80:160]))
	})
	value("header-cut-off", 3, "", func(a obj) { a["headers"] = a["headers"].(string)[2:] })
	value("index-0", 3, "the coinbase's place", func(a obj) { a["index"] = 0 })
	value("chain-unknown", 3, "", func(a obj) { a["chain"] = "bip122:" + strings.Repeat("0", 32) })
	value("of-version-2", 4, "", func(a obj) { a["type"] = "assay/v2/anchor" })
	fault("proof-path-wrong", 1, "", func(m *moored) {
		m.logged.proofOf = func(i int, p [][]byte) (int, [][]byte) { return i, append([][]byte{h([]byte("other"))}, p[1:]...) }
	})
	fault("of-another-log", 1, "a checkpoint of a log that the policy does not know", func(m *moored) { m.logged.log = logOf("other.example/log") })
}

// revokedVectors are of keys that may be in other hands: what they signed counts if it was there before, by others' word.
func revokedVectors(t testing.TB, add outsider) {
	one := func(name, expect, comment string, edit func(w *world)) {
		exit := 1
		if expect == "pass" {
			name, exit = "happy-"+name, 0
		}
		w := newWorld()
		edit(w)
		add(name, "C12", expect, exit, comment, w)
	}
	revokedAndLogged(one)
	revokedAndStamped(one)
	revokedAndMoored(t, one)
	revokedOthers(one)
}

// saving makes the vector of a bundle signed with a key that is revoked.
type saving func(name, expect, comment string, edit func(w *world))

// revoked limits a key so long after a statement was first seen.
func revoked(w *world, key string, after time.Duration) {
	w.full += limitOfKey(key, "revoked = \""+time.Unix(seenAt, 0).Add(after).UTC().Format(timeForm)+"\"\n")
}

func revokedAndLogged(one saving) {
	const signature = "statement.signature"
	logged := func(quorum int, after time.Duration) func(w *world) {
		return func(w *world) {
			w.full = logPolicy(false, quorum)
			revoked(w, "KEY", after)
			newLogged(w).attachTo(w)
		}
	}
	one("revoked-key-saved-by-witnesses", "pass", "two witnesses saw it a second before", logged(2, 61*time.Second))
	one("revoked-key-seen-too-late", signature, "the second witness saw it in the same second", logged(2, 60*time.Second))
	one("revoked-key-without-witnesses", signature, "the log's own word dates nothing", logged(0, time.Hour))
	one("revoked-key-in-an-unknown-log", signature, "the policy has no [log]", func(w *world) {
		revoked(w, "KEY", time.Hour)
		newLogged(w).attachTo(w)
	})
	one("revoked-key-whose-entry-is-of-another-envelope", signature, "what was seen is not this envelope", func(w *world) {
		w.full = logPolicy(false, 2)
		revoked(w, "KEY", time.Hour)
		l := newLogged(w)
		l.edit = func(e obj) { e["envelope"] = strings.Repeat("7", 64) }
		l.attachTo(w)
	})
}

func revokedAndStamped(one saving) {
	const signature, log = "statement.signature", "log"
	root, at := stampRoot("Example TSA"), time.Unix(seenAt, 0)
	stamped := func(by stamper, after time.Duration) func(w *world) {
		return func(w *world) {
			w.full = root.section("Example TSA")
			revoked(w, "KEY", after)
			by.attachTo(w, 0, at)
		}
	}
	unit := stampedBy(root, "unit 1", ecKey("unit 1"), nil)
	one("revoked-key-saved-by-a-time-stamp", "pass", "stamped a second before", stamped(unit, time.Second))
	one("revoked-key-stamped-too-late", signature, "stamped in the same second", stamped(unit, 0))
	one("revoked-key-stamped-by-an-unknown-authority", signature, "", stamped(stampedBy(stampRoot("Other TSA"), "unit 1", ecKey("unit 1"), nil), time.Hour))
	one("revoked-key-stamped-with-an-expired-certificate", signature, "", stamped(stampedBy(root, "unit 1", ecKey("unit 1"), func(c *x509.Certificate) {
		c.NotAfter = at.Add(-time.Minute)
	}), time.Hour))
	one("revoked-key-whose-entry-no-witness-saw", log, "a time stamp is of the statement, and dates no entry", func(w *world) {
		w.full = logPolicy(false, 0) + root.section("Example TSA")
		revoked(w, "KEY", time.Hour)
		newLogged(w).attachTo(w)
		unit.attachTo(w, 0, at)
	})
}

func revokedAndMoored(t testing.TB, one saving) {
	const signature = "statement.signature"
	moored := func(name, expect, comment string, confirmed bool, after time.Duration) {
		one(name, expect, comment, func(w *world) {
			m := newMoored(w)
			w.full = logPolicy(false, 0)
			if confirmed {
				w.full += m.anchorFor(t, w, 2)
			}
			revoked(w, "KEY", time.Hour+after)
			newLogged(w).attachTo(w)
			m.attachTo(w)
		})
	}
	moored("revoked-key-saved-by-an-anchor", "pass", "two hours and a second after the block, which the policy confirms", true, 2*time.Hour+time.Second)
	one("revoked-key-saved-by-an-anchor-of-a-log-not-in-the-policy", "pass", "what a block holds was there, whoever else knows that log", func(w *world) {
		m := newMoored(w)
		w.full = m.anchorFor(t, w, 2)
		revoked(w, "KEY", 3*time.Hour+time.Second)
		newLogged(w).attachTo(w)
		m.attachTo(w)
	})
	moored("revoked-key-anchored-too-late", signature, "a thief may have signed two hours after the time that a miner gave the block", true, 2*time.Hour)
	moored("revoked-key-anchored-and-not-confirmed", signature, "the block's time is the exchange's word", false, 3*time.Hour)
}

// revokedOthers are of an entry's own key, and of an approver's.
func revokedOthers(one saving) {
	const log = "log"
	other := device("exchange's other key")
	entryOnly := func(after time.Duration) func(w *world) {
		return func(w *world) {
			w.policy = strings.Replace(w.policy, `"KEY"`, `"KEY", "`+other.text+`"`, 1)
			w.full = logPolicy(false, 2)
			revoked(w, other.text, after)
			l := newLogged(w)
			l.by = []signer{other}
			l.attachTo(w)
		}
	}
	one("revoked-key-of-an-entry-saved-by-witnesses", "pass", "another key of the exchange signed the entry", entryOnly(61*time.Second))
	one("revoked-key-of-an-entry-seen-too-late", log, "", entryOnly(60*time.Second))
	approver := func(after time.Duration) func(w *world) {
		return func(w *world) {
			w.approvers, w.required = []signer{person("treasurer")}, 1
			w.approved = w.approvers
			w.full = logPolicy(true, 2) + approvalsOf("1", w.approvers...)
			revoked(w, w.approvers[0].text, after)
			newLogged(w).attachTo(w)
		}
	}
	one("revoked-approver-saved-by-witnesses", "pass", "an entry dates every signature of the envelope", approver(61*time.Second))
	one("revoked-approver-seen-too-late", "statement.approvals", "", approver(60*time.Second))
}
