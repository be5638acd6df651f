package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/report"
)

// people are approvers, with keys of their own.
type people map[string]*keys.Signer

// attended is a workplace whose statement two of three people must approve, with the draft that waits for them.
func attended(t *testing.T, assay string) (dir string, who people) {
	t.Helper()
	dir = workplace(t, assay, 10)
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	who = people{}
	for _, name := range []string{"alice", "bob", "carol", "mallory"} {
		if who[name], err = keys.GenerateSigner(rand.Reader, attest.Ed25519); err != nil {
			t.Fatal(err)
		}
		if err := who[name].Save(filepath.Join(dir, name+".age"), keys.Lock{Recipients: []age.Recipient{id.Recipient()}}); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(t, filepath.Join(dir, "assay.toml"), "[approvals]\nrequired = 2\nkeys = [\"alice.pub\", \"bob.pub\", \"carol.pub\"]\n")
	if code, _, stderr := call(t, dir, assay, "run"); code != exitRefused || !strings.Contains(stderr, "waiting for approvals of the draft: 0 of 2 are there") {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	return dir, who
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(read(t, path)+text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// approves writes signatures over a payload as an approver would send them.
func approves(t *testing.T, dir, name, payload string, by ...attest.Signer) {
	t.Helper()
	e, err := attest.Sign(attest.PayloadType, []byte(payload), by...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// exchangeKey opens the key that signs for the exchange.
func exchangeKey(t *testing.T, dir string) attest.Signer {
	t.Helper()
	s, err := keys.OpenSigner("file:"+filepath.Join(dir, "keys", "statement.age"), keys.Unlock{Passphrase: func() ([]byte, error) { return []byte("correct horse"), nil }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestC12_Approvals: nobody but two of the three people, over these very bytes, lets the exchange's key sign.
func TestC12_Approvals(t *testing.T) {
	assay, _ := programs(t)
	dir, who := attended(t, assay)
	draft := read(t, dir, "run", "draft.json")
	other := strings.Replace(draft, `"included":["spot"]`, `"included":["SPOT"]`, 1)
	if other == draft {
		t.Fatal("the other draft is the same")
	}
	entry, err := attest.Sign(attest.PayloadEntry, []byte(draft), who["alice"])
	if err != nil {
		t.Fatal(err)
	}
	asEntry, err := entry.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "entry.json"), asEntry, 0o600); err != nil {
		t.Fatal(err)
	}
	approves(t, dir, "other.json", other, who["alice"])
	approves(t, dir, "stranger.json", draft, who["mallory"])
	approves(t, dir, "beside.json", draft, who["alice"], who["mallory"])
	approves(t, dir, "exchange.json", draft, exchangeKey(t, dir))
	for file, want := range map[string]string{
		"other.json":    "approves the statement ",
		"stranger.json": "which is not among the 3 keys given",
		"beside.json":   "which is not among the 3 keys given",
		"exchange.json": "which is not among the 3 keys given",
		"entry.json":    `payload type "application/vnd.assay.entry+json"`,
	} {
		if code, _, stderr := call(t, dir, assay, "approve", "import", file); code == exitDone || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d: %s, want %q", file, code, stderr, want)
		}
	}
	// One person twice, in one file or in two, is one person.
	approves(t, dir, "alice.json", draft, who["alice"])
	approves(t, dir, "again.json", draft, who["alice"])
	if _, stdout, stderr := call(t, dir, assay, "approve", "import", "alice.json", "again.json"); !strings.Contains(stdout, "1 of 2") {
		t.Errorf("one person twice: %s%s", stdout, stderr)
	}
	// What is put into the run by hand is looked at again: a stranger's file is nobody's, a file under another's name is refused.
	for _, name := range []string{"mallory", "bob"} {
		approves(t, dir, filepath.Join("run", approvalFile(who[name].PublicKey().KeyID())), draft, who["mallory"])
		code, _, stderr := call(t, dir, assay, "sign")
		if want := map[string]string{"mallory": "1 of 2 are there", "bob": "which is not among the 1 keys given"}[name]; code == exitDone || !strings.Contains(stderr, want) {
			t.Errorf("by mallory in place of %s: exit %d: %s", name, code, stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "run", fileEnvelope)); err == nil {
		t.Fatal("it was signed")
	}
	approves(t, dir, "bob.json", draft, who["bob"])
	for _, args := range [][]string{{"approve", "import", "bob.json"}, {"sign"}} {
		if code, _, stderr := call(t, dir, assay, args...); code != exitDone {
			t.Fatalf("assay %s: exit %d: %s", args[0], code, stderr)
		}
	}
	signed, err := report.Read([]byte(read(t, dir, "bundle", report.PathEnvelope)))
	if err != nil || len(signed.KeyIDs) != 3 {
		t.Fatalf("signed by %v, %v", signed.KeyIDs, err)
	}
	for _, s := range []attest.Signer{who["alice"], who["bob"], exchangeKey(t, dir)} {
		if !strings.Contains(strings.Join(signed.KeyIDs, " "), s.PublicKey().KeyID()) {
			t.Errorf("not signed by %s", s.PublicKey())
		}
	}
}

// TestC12_KeysOfApprovers: the exchange's own key approves nothing, and one key is not two people.
func TestC12_KeysOfApprovers(t *testing.T) {
	assay, _ := programs(t)
	dir, _ := attended(t, assay)
	config := read(t, dir, "assay.toml")
	for with, want := range map[string]string{
		"keys/statement.pub": "signs for the exchange, and cannot approve what it signs",
		"alice.pub":          "holds a key that is listed before",
		"nobody.pub":         "no such file",
		"alice.age":          "a public key is written",
	} {
		if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(strings.Replace(config, "bob.pub", with, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := call(t, dir, assay, "report"); code == exitDone || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d: %s, want %q", with, code, stderr, want)
		}
	}
}

// TestX11_SignedWithoutEntry: a run that ended between the two signatures makes up for the second, and keeps the first.
func TestX11_SignedWithoutEntry(t *testing.T) {
	assay, _ := programs(t)
	dir := workplace(t, assay, 10)
	if code, _, stderr := call(t, dir, assay, "run"); code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	envelope := read(t, dir, "run", fileEnvelope)
	if err := os.Remove(filepath.Join(dir, "run", fileEntry)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "run"); code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if read(t, dir, "run", fileEnvelope) != envelope {
		t.Error("it was signed again")
	}
	e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, []byte(read(t, dir, "run", fileEntry)))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(exchangeKey(t, dir).PublicKey()); err != nil {
		t.Error(err)
	}
	entry, err := report.ParseEntry(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := entry.About([]byte(envelope)); err != nil {
		t.Error(err)
	}
}

// TestMomentIsTakenOnce: what is drawn up again is of the first time, and the same bytes.
func TestMomentIsTakenOnce(t *testing.T) {
	assay, _ := programs(t)
	dir := workplace(t, assay, 10)
	if code, _, stderr := call(t, dir, assay, "run"); code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	draft, moment := read(t, dir, "run", fileDraft), filepath.Join(dir, "run", fileMoment)
	if code, _, stderr := call(t, dir, assay, "report"); code != exitDone || read(t, dir, "run", fileDraft) != draft {
		t.Errorf("exit %d: %s; or another draft", code, stderr)
	}
	m := read(t, moment)
	at := strings.Index(m, `"issued":"`) + len(`"issued":"`)
	if err := os.WriteFile(moment, []byte(m[:at]+"2020"+m[at+4:]), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "report"); code == exitDone || !strings.Contains(stderr, "is before the instant") {
		t.Errorf("C10 drawn up before its instant: exit %d: %s", code, stderr)
	}
}
