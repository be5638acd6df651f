package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// canaries are texts that nobody but the exchange may see, by what they are.
type canaries map[string]string

// key adds what a sealed key holds, as it could be spelled.
func (c canaries) key(t *testing.T, path string, identity age.Identity) {
	t.Helper()
	sealed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	opened, err := age.Decrypt(armor.NewReader(sealed), identity)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	content, err := io.ReadAll(opened)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(string(content))
	c[path] = text
	if _, digits, ok := strings.Cut(text, ":"); ok {
		raw, err := hex.DecodeString(digits)
		if err != nil || len(raw) != 32 {
			t.Fatalf("%s holds %d bytes, %v", path, len(raw), err)
		}
		c[path+", in hex"], c[path+", as bytes"] = digits, string(raw)
		c[path+", in base64"] = base64.StdEncoding.EncodeToString(raw)[:40]
	}
}

// absent wants none of them in a text.
func (c canaries) absent(t *testing.T, where, text string) {
	t.Helper()
	for what, canary := range c {
		if strings.Contains(text, canary) {
			t.Errorf("%s holds what it must not: %s", where, what)
		}
	}
}

// absentBelow wants none of them in any file below a folder, nor in a file's name, and files to be there.
func (c canaries) absentBelow(t *testing.T, elem ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(filepath.Join(elem...), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		c.absent(t, path, filepath.Base(path)+"\n"+read(t, path))
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%s: %d files, %v", filepath.Join(elem...), files, err)
	}
}

// TestI11_NoSecretBesideTheLog: after a whole run with approvals, a log, a witness, notices, refusals and monitors nothing that others are shown or that any
// process printed holds a passphrase, a private key, a token, a customer or what a customer owns.
func TestI11_NoSecretBesideTheLog(t *testing.T) {
	e := newExchange(t, "[approvals]\nrequired = 1\nkeys = [\"alice.pub\"]\n")
	people, amounts := canaries{}, canaries{}
	ledger := "customer,asset,balance\n"
	for i := range 9 {
		id, whole, rest := fmt.Sprintf("canary-%d@customers.example", i), 4_000_017+i*31_337, 90_817_263+i
		people["customer "+id] = id
		amounts["balance of "+id], amounts["balance of "+id+", in units"] = fmt.Sprintf("%d.%d", whole, rest), fmt.Sprintf("%d%d", whole, rest)
		amounts["balance of "+id+", as people read it"] = fmt.Sprintf("4,%03d,%03d.%d", whole/1000%1000, whole%1000, rest)
		ledger += fmt.Sprintf("%s,BTC,%d.%d\n", id, whole, rest)
	}
	e.write(t, "ledger.csv", ledger)
	t.Setenv("BAO_TOKEN", "canary-token-5501")

	// Alice's key is sealed with the passphrase; it is the one of every process.
	alice := t.TempDir()
	mustCall(t, alice, e.assay, "keys", "new", "alice.age")
	take(t, alice, e.dir, "alice.pub")
	config := "2026-10.toml"
	e.write(t, config, read(t, e.dir, "assay.toml")+"[run]\ndir = \"2026-10-run\"\n[bundle]\ndir = \"2026-10\"\nzip = \"2026-10.zip\"\nreport = \"2026-10-page\"\n")
	e.refuses(t, "waiting for approvals", "run", "--config", config, "--period", "2026-10", "--at", "2026-10-31T00:00:00Z")
	take(t, e.dir, alice, "2026-10-run/draft.json")
	stdout, stderr := mustCall(t, alice, e.assay, "approve", "draft.json", "--key", "file:alice.age", "--yes")
	e.said += stdout + stderr
	e.must(t, "approve", "import", onlyFile(t, alice, "approval-*.dsse.json"), "--config", config)
	other := e.copied(t)
	e.must(t, "run", "--config", config)
	other.write(t, config, strings.Replace(read(t, other.dir, config), "required = 1\nkeys = [\"alice.pub\"]\n", "", 1)) // signed without Alice
	forked, stdout, stderr := call(t, other.dir, other.assay, opened("run", "--config", config)...)
	if e.said += stdout + stderr; forked != exitRefused || !strings.Contains(stderr, "409 another root was cosigned") {
		t.Errorf("the fork: exit %d: %s", forked, stderr)
	}
	url := e.serves(t, "2026-10")
	if said := e.asks(t, 0, e.proof(t, "2026-10"), "--log", url); !strings.Contains(said, "4,000,017.90817263 BTC") {
		t.Errorf("the first customer's balance is not what was planted: %s", said)
	}
	e.judges(t, 0, "bundle", "2026-10.zip", "--log", url)
	e.must(t, "erratum", "--statement", "2026-10/statement.dsse.json", "--text", "One word was wrong.")
	e.must(t, "withdraw", "--statement", "2026-10/statement.dsse.json", "--reason", "The ledger was incomplete.")
	e.must(t, "log", "cosign")

	// What is refused says no more.
	e.write(t, "wrong.txt", "AGE-SECRET-KEY-canary\n")
	_, stdout, stderr = call(t, e.dir, e.assay, "log", "cosign", "--identity-file", "wrong.txt")
	e.said += stdout + stderr
	people["a broken identity"] = "AGE-SECRET-KEY-canary"
	e.refuses(t, "no such customer", "prove", "--config", config, "--customer", "canary-10@customers.example", "--out", "x.json")
	people["a customer who is not there"] = "canary-10@customers.example"
	e.judges(t, 0, "log", url, "--state", "seen.json", "--evidence", "evidence")

	secrets := canaries{"the passphrase": "correct horse", "the token": "canary-token-5501"}
	for _, dir := range []string{e.dir, e.home} {
		text := strings.TrimSpace(read(t, dir, "id.txt"))
		secrets["the identity in "+dir] = text
		identity, err := age.ParseX25519Identity(text)
		if err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(dir, "keys", "*.age"))
		if err != nil || len(found) == 0 {
			t.Fatalf("keys in %s: %v, %v", dir, found, err)
		}
		for _, path := range found {
			secrets.key(t, path, identity)
		}
	}
	byPassphrase, err := age.NewScryptIdentity("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	secrets.key(t, filepath.Join(alice, "alice.age"), byPassphrase)
	if len(secrets) < 4+4*4 {
		t.Fatalf("only %d secrets are looked for", len(secrets))
	}

	for _, c := range []canaries{secrets, people, amounts} {
		for _, folder := range []string{"log", "notices"} {
			c.absentBelow(t, e.dir, folder)
		}
		c.absentBelow(t, e.home, "witness")
		c.absent(t, "what was printed", e.said)
		for _, server := range append(e.servers, e.seen) {
			c.absent(t, "the stderr of a server", read(t, server))
		}
		c.absent(t, "what a monitor keeps", read(t, e.dir, "seen.json"))
		c.absentBelow(t, e.dir, "2026-10") // of nobody's balance either: the tree is confidential
		c.absent(t, "the page", read(t, e.dir, "2026-10-page", "index.html"))
		c.absent(t, "the policy", read(t, e.dir, "policy.toml"))
	}
	if !strings.HasPrefix(read(t, onlyFile(t, e.home, "witness", "evidence", "*"), "refused"), "exchange.example/log\n1\n") {
		t.Error("the witness kept no evidence to look into")
	}
}
