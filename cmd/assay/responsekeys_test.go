package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/assay-por/assay/attest"
	journal "github.com/assay-por/assay/web/audit"
)

// auditHead is the envelope of a head that a key signed.
func auditHead(t *testing.T, seq uint64, row string, at time.Time, by attest.Signer) string {
	t.Helper()
	payload, err := attest.NewAuditHead(seq, strings.Repeat(row, 32), at).JSON()
	if err != nil {
		t.Fatal(err)
	}
	e, err := attest.Sign(attest.PayloadAuditHead, payload, by)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestResponseKeysInTheLog: a list of response keys is entered in the log before it is shown, and so are heads of the audit log; what does
// not follow is not entered, and a list that was shown to one reader alone is found out.
func TestResponseKeysInTheLog(t *testing.T) {
	e := newExchange(t, "[server]\nkey = \"file:keys/response.age\"\nkeys = \"keys.dsse.json\"\naudit_key = \"file:keys/audit.age\"\naudit = \"audit\"\n")
	id, err := age.ParseX25519Identity(strings.TrimSpace(read(t, e.dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	own := id.Recipient().String()
	log := filepath.Join(e.dir, "log")
	has(t, e.must(t, "keys", "response", "--recipient", own), "entry #0 of exchange.example/log")
	first := read(t, e.dir, "keys.dsse.json")
	has(t, e.must(t, "keys", "response", "--audit", "--recipient", own), "entry #1 of exchange.example/log")
	e.refuses(t, "for another use", "keys", "response", "--key", "file:keys/audit.age", "--until", "2099-01-01T00:00:00Z")
	has(t, e.must(t, "log", "show"), "#0 response-keys", "#1 response-keys")
	has(t, e.judges(t, 0, "log", log, "--keys", "keys.dsse.json"), "1: response keys of ", "(audit log)", "entry 1, the last list")
	e.write(t, "first.json", first)
	has(t, e.judges(t, 0, "log", log, "--keys", "first.json"), "entry 0; a later list was entered at 1")

	// Heads of the audit log.
	audit, now := openedKey(t, e.dir, "keys/audit.age"), time.Now()
	for name, head := range map[string]string{
		"head.json": auditHead(t, 7, "07", now, audit), "cut.json": auditHead(t, 6, "06", now, audit), "changed.json": auditHead(t, 7, "08", now, audit),
		"stranger.json": auditHead(t, 8, "08", now, openedKey(t, e.dir, "keys/response.age")), "early.json": auditHead(t, 8, "08", now.Add(-time.Hour), audit),
	} {
		e.write(t, name, head)
	}
	e.must(t, "log", "add", "head.json")
	e.must(t, "log", "add", "head.json")
	e.refuses(t, "of row 6 at", "log", "add", "cut.json")
	e.refuses(t, "row 7 has the hash", "log", "add", "changed.json")
	for _, name := range []string{"stranger.json", "early.json"} {
		e.refuses(t, "does not name the key that signed it", "log", "add", name)
	}
	e.refuses(t, "holds no head", "audit", "anchor")
	later := now.Add(time.Second)
	folder := filepath.Join("audit", later.UTC().Format(time.DateOnly))
	if err := os.MkdirAll(filepath.Join(e.dir, folder), 0o755); err != nil {
		t.Fatal(err)
	}
	for seq, row := range map[uint64]string{6: "06", 9: "09"} {
		e.write(t, filepath.Join(folder, fmt.Sprintf("%016d.json", seq)), auditHead(t, seq, row, later, audit))
	}
	has(t, e.must(t, "audit", "anchor"), "the audit log had 9 rows at ", "entry #3 of exchange.example/log")
	has(t, e.must(t, "audit", "anchor"), "entry #3")
	has(t, e.judges(t, 0, "log", log), "2: the audit log of the servers had 7 rows on ", strings.Repeat("07", 32), "3: the audit log of the servers had 9 rows on ")

	// A list that was lost is not begun anew, and one that is signed and not entered is found out.
	kept := read(t, e.dir, "keys.dsse.json")
	if err := os.Remove(filepath.Join(e.dir, "keys.dsse.json")); err != nil {
		t.Fatal(err)
	}
	e.refuses(t, "the last list in the log has the key", "keys", "response", "--key", "file:keys/swapped.age", "--recipient", own)
	has(t, e.must(t, "keys", "response", "--key", "file:keys/swapped.age", "--recipient", own, "--sign-only"), "not entered yet")
	if out := e.judges(t, 1, "log", log, "--keys", "keys.dsse.json"); !strings.Contains(out, "is in no log that was shown") {
		t.Error(out)
	}
	e.refuses(t, "the last list in the log has the key", "log", "add", "keys.dsse.json")
	e.write(t, "keys.dsse.json", kept)
	e.judges(t, 0, "log", log, "--keys", "keys.dsse.json")
}

// TestAnchoredAuditLog: whoever has the database and the key that signs heads makes the audit log anew, with heads of it; the head in the
// transparency log gives them away.
func TestAnchoredAuditLog(t *testing.T) {
	e := newExchange(t, "[server]\nkey = \"file:keys/response.age\"\naudit_key = \"file:keys/audit.age\"\n")
	writeKEK(t, e.dir)
	id, err := age.ParseX25519Identity(strings.TrimSpace(read(t, e.dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	e.must(t, "keys", "response", "--audit", "--recipient", id.Recipient().String())
	audit, now := openedKey(t, e.dir, "keys/audit.age"), time.Now()
	head := func() { // as assay serve signs it
		t.Helper()
		e.must(t, "admin", "key", "create", "--name", "backend", "--permission", "proof:read:any")
		var is struct {
			Rows uint64 `json:"rows"`
			Hash string `json:"hash"`
		}
		unmarshal(t, e.must(t, "audit", "head", "--json"), &is)
		if err := (journal.Heads{Dir: filepath.Join(e.dir, "audit")}).Keep(attest.NewAuditHead(is.Rows, is.Hash, now), audit); err != nil {
			t.Fatal(err)
		}
	}
	head()
	has(t, e.must(t, "audit", "anchor"), "entry #1 of exchange.example/log")
	has(t, e.must(t, "audit", "verify"), "1 signed heads of "+filepath.Join(e.dir, "audit")+" were compared, and 1 that the transparency log holds")
	for _, pattern := range []string{"assay.db*", "audit"} {
		all, err := filepath.Glob(filepath.Join(e.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range all {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	head()
	code, stdout, stderr := call(t, e.dir, e.assay, opened("audit", "verify")...)
	if code != exitRefused || !strings.Contains(stdout, "entry #1 of exchange.example/log: row ") || !strings.Contains(stdout, "the log was written anew") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	e.refuses(t, "the audit log was changed", "audit", "anchor")
}
