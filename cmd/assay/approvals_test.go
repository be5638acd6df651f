package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/report"
)

// onAnotherMachine is the folder of another machine, which has these files of a folder and a key of its own, in its name and its public half.
func onAnotherMachine(t *testing.T, assay, name string, algorithm attest.Algorithm, from string, files ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	recipient, err := identityFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, assay, "keys", "new", name+".age", "--recipient", recipient, "--algorithm", string(algorithm))
	take(t, from, dir, files...)
	return dir
}

// take copies files from one machine to another.
func take(t *testing.T, from, to string, files ...string) {
	t.Helper()
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), []byte(read(t, from, file)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func keyIn(t *testing.T, path string) attest.PublicKey {
	t.Helper()
	key, err := keys.ReadPublicKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// openedKey is a sealed key that the identity beside it opens.
func openedKey(t *testing.T, dir, path string) attest.Signer {
	t.Helper()
	unlock, err := (&app{identityFile: filepath.Join(dir, "id.txt")}).unlock()
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.OpenSigner("file:"+filepath.Join(dir, path), unlock)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestC12_ApprovalsEndToEnd: two of three people approve on machines of their own before the exchange can sign. An exchange that signs with fewer,
// past its own program, has signed nothing that a verifier takes, whatever its policy says of approvals.
func TestC12_ApprovalsEndToEnd(t *testing.T) {
	names, algorithms := []string{"alice", "bob", "carol"}, map[string]attest.Algorithm{"alice": attest.Ed25519, "bob": attest.Ed25519, "carol": attest.P256}
	e := newExchange(t, "[approvals]\nrequired = 2\nkeys = [\"alice.pub\", \"bob.pub\", \"carol.pub\"]\n")
	homes := map[string]string{}
	for _, name := range names {
		homes[name] = onAnotherMachine(t, e.assay, name, algorithms[name], e.dir)
		take(t, homes[name], e.dir, name+".pub")
	}
	e.refuses(t, "waiting for approvals of the draft: 0 of 2 are there", "run", "--period", "2026-10", "--at", "2026-10-31T00:00:00Z", "--quiet")
	approve := func(name string) {
		take(t, e.dir, homes[name], "run/draft.json")
		must(t, homes[name], e.assay, opened("approve", "draft.json", "--key", "file:"+name+".age", "--yes")...)
		e.must(t, "approve", "import", onlyFile(t, homes[name], "approval-*.dsse.json"))
	}
	approve("alice")
	e.refuses(t, "waiting for approvals of the draft: 1 of 2 are there", "sign")
	approve("carol")
	e.must(t, "run", "--quiet")

	keyList := make([]string, len(names))
	for i, name := range names {
		keyList[i] = fmt.Sprintf("%q", keyIn(t, filepath.Join(e.dir, name+".pub")).String())
	}
	people := "[approvals]\nrequired = 2\nkeys = [" + strings.Join(keyList, ", ") + "]\n"
	exchange, alice, bob := openedKey(t, e.dir, "keys/statement.age"), openedKey(t, homes["alice"], "alice.age"), openedKey(t, homes["bob"], "bob.age")
	mallory, err := keys.GenerateSigner(strings.NewReader(strings.Repeat("m", 32)), attest.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by    []attest.Signer
		fails string
	}{
		"as signed":              {nil, ""},
		"two others":             {[]attest.Signer{exchange, alice, bob}, ""},
		"one":                    {[]attest.Signer{exchange, alice}, "statement.approvals"},
		"nobody":                 {[]attest.Signer{exchange}, "statement.approvals"},
		"one, and a stranger":    {[]attest.Signer{exchange, alice, mallory}, "statement.approvals"},
		"two, and no exchange":   {[]attest.Signer{alice, bob}, "statement.signature"},
		"two, and a stranger":    {[]attest.Signer{exchange, alice, bob, mallory}, "statement.approvals"},
		"a stranger as exchange": {[]attest.Signer{mallory, alice, bob}, "statement.signature"},
	} {
		forced := e.copied(t)
		if c.by != nil {
			approves(t, forced.dir, "bundle/"+report.PathEnvelope, read(t, e.dir, "run", "draft.json"), c.by...)
			if err := os.RemoveAll(filepath.Join(forced.dir, "bundle", "attachments")); err != nil { // its entry is about other signatures
				t.Fatal(err)
			}
		}
		for policy, text := range map[string]string{"with approvals": people, "without": ""} {
			forced.write(t, "trust.toml", strings.Replace(e.policy, "required = true\nkeys", "required = false\nkeys", 1)+text)
			code := map[bool]int{true: 0, false: 1}[c.fails == ""]
			v := forced.verdictOf(t, code, "bundle", "bundle")
			if c.fails != "" {
				v.failure(t, c.fails)
			} else if d := v.detail(t, "statement.approvals"); !strings.Contains(d, "2 of 3 approved, 2 had to") || v.noted("who may approve is the exchange's word") != (text == "") {
				t.Errorf("%s, policy %s: %s %q", name, policy, d, v.Notes)
			}
		}
	}
	// Nor do people whom the reader does not know replace those whom it does.
	e.write(t, "trust.toml", e.policy+strings.Replace(people, keyList[0], fmt.Sprintf("%q", mallory.PublicKey()), 1))
	e.verdictOf(t, 1, "bundle", "bundle.zip").failure(t, "statement.approvals")
}

// TestC12_AuditorOnAnotherMachine: an auditor with the bundle and a verifier, and nothing of the exchange's, signs what was found; it stands beside the
// statement, which it does not touch, and counts for who knows that auditor.
func TestC12_AuditorOnAnotherMachine(t *testing.T) {
	e := newExchange(t, "")
	e.published(t, "2026-10", "2026-10", "2026-10-31T00:00:00Z")
	office := onAnotherMachine(t, e.assay, "auditor", attest.P256, e.dir, "2026-10.zip", "trust.toml")
	code, verdict, stderr := call(t, office, e.verify, "bundle", "2026-10.zip", "--policy", "trust.toml", "--json")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if err := os.WriteFile(filepath.Join(office, "verdict.json"), []byte(verdict), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, office, e.assay, opened("countersign", "2026-10.zip", "--verdict", "verdict.json", "--key", "file:auditor.age", "--name", "Example Accountants", "--scope", "All shards.",
		"--procedure", "Recomputed every leaf.", "--finding", "Every leaf was there.", "--out", "finding.dsse.json")...)
	take(t, office, e.dir, "finding.dsse.json")
	before := read(t, e.dir, "2026-10", report.PathEnvelope)
	e.must(t, "attach", "finding.dsse.json", "--config", "2026-10.toml")
	if read(t, e.dir, "2026-10", report.PathEnvelope) != before {
		t.Error("the statement was touched")
	}

	known := e.policy + fmt.Sprintf("[[auditor]]\nname = \"Example Accountants\"\nkeys = [%q]\n", keyIn(t, filepath.Join(office, "auditor.pub")))
	for policy, words := range map[string]string{e.policy: "an auditor whom the policy does not know", known: "Finding by an auditor of the policy: Example Accountants"} {
		e.write(t, "trust.toml", policy)
		has(t, e.judges(t, 0, "bundle", "2026-10.zip", "--log", "log"), words, "Recomputed every leaf.", "Every leaf was there.", "All shards.")
	}
	e.write(t, "trust.toml", e.policy+fmt.Sprintf("[[auditor]]\nname = \"Example Accountants\"\nkeys = [%q]\n", openedKey(t, e.dir, "keys/log.age").PublicKey()))
	e.verdictOf(t, 1, "bundle", "2026-10.zip").failure(t, "findings")

	// For a reader who was given no leaves, it stands for what the auditor recomputed; if the reader's policy says so.
	for _, file := range []string{report.PathLeaves(0), report.PathProof(0)} {
		if err := os.Remove(filepath.Join(e.dir, "2026-10", file)); err != nil {
			t.Fatal(err)
		}
	}
	believe := func(policy string) string {
		return strings.Replace(policy, "[liabilities]", "[liabilities]\nfinding = true", 1)
	}
	believing := believe(known)
	for policy, code := range map[string]int{known: 3, believing: 0, believe(e.policy): 3} {
		e.write(t, "trust.toml", policy)
		e.judges(t, code, "bundle", "2026-10")
	}
	e.write(t, "trust.toml", believing)
	e.judges(t, 3, "bundle", "2026-10", "--full")
}
