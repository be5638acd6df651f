package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

func TestSuccessor(t *testing.T) {
	for path, want := range map[string]string{
		"keys/statement.age": "keys/statement-2.age", "keys/statement-2.age": "keys/statement-3.age", "a-9.age": "a-10.age",
		"a-b": "a-b-2", "a-01.age": "a-01-2.age", "k-99999.age": "k-99999-2.age", "../x.y/k.age": "../x.y/k-2.age",
	} {
		if got := successor(path); got != want {
			t.Errorf("after %s comes %s, want %s", path, got, want)
		}
	}
}

// TestTransitKey: statements are signed by a real Transit server, over the command line, and its token stays out of all that is said.
func TestTransitKey(t *testing.T) {
	const program = "../../build/bin/vaultd"
	if _, err := os.Stat(program); err != nil {
		t.Skip("no vaultd: type make vaultd")
	}
	server := exec.Command(program)
	in, err1 := server.StdinPipe()
	out, err2 := server.StdoutPipe()
	if err := errors.Join(err1, err2, server.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), server.Wait()); err != nil {
			t.Error(err)
		}
	})
	var vault struct{ URL, Token string }
	if err := json.NewDecoder(out).Decode(&vault); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][2]string{{"sys/mounts/transit", `{"type":"transit"}`}, {"transit/keys/s", `{"type":"ecdsa-p256"}`}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, vault.URL+"/v1/"+step[0], strings.NewReader(step[1]))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Vault-Token", vault.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode >= 300 {
			t.Fatalf("%s: status %d", step[0], resp.StatusCode)
		}
	}
	assay, _ := programs(t)
	dir := t.TempDir()
	recipient, err := identityFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(offlineConfig, "[ledger]", "[keys]\nstatement = \"transit:"+vault.URL+"/transit/s?token-source=file:token.txt\"\n[ledger]", 1)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(config), 0o600), os.WriteFile(filepath.Join(dir, "token.txt"), []byte(vault.Token+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(assay, args...)
		cmd.Dir = dir
		text, err := cmd.CombinedOutput()
		said.Write(text)
		if err != nil {
			t.Fatalf("assay %q: %v\n%s", args, err, text)
		}
		return string(text)
	}
	run("init", "--recipient", recipient)
	policy, err := os.ReadFile(filepath.Join(dir, "policy.toml"))
	if _, missing := os.Stat(filepath.Join(dir, "keys", "statement.age")); err != nil || missing == nil || !bytes.Contains(policy, []byte(`keys = ["p256:`)) {
		t.Errorf("init made a key of its own, or a policy that names another one: %v\n%s", err, policy)
	}
	run("ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv")
	run("run", "--at", time.Now().UTC().Truncate(time.Second).Format("2006-01-02T15:04:05Z"), "--identity-file", "id.txt")
	var shown keyShown
	if err := json.Unmarshal([]byte(run("keys", "show", "statement", "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	key, err := attest.ParsePublicKey(shown.Key)
	if err != nil || key.Algorithm() != attest.P256 {
		t.Fatalf("the key is %s, %v", shown.Key, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "bundle", report.PathEnvelope))
	if err != nil {
		t.Fatal(err)
	}
	e, err := attest.ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(key); err != nil {
		t.Error(err)
	}
	if strings.Contains(said.String(), vault.Token) {
		t.Errorf("the token was told: %s", said.String())
	}
}
