package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
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

// transitServer starts a real Transit server with a key of each algorithm, named as that.
func transitServer(t *testing.T) (url, token string) {
	t.Helper()
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
	for _, step := range [][2]string{{"sys/mounts/transit", `{"type":"transit"}`}, {"transit/keys/p256", `{"type":"ecdsa-p256"}`}, {"transit/keys/ed25519", `{"type":"ed25519"}`}} {
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
	return vault.URL, vault.Token
}

// TestTransitKey: statements are signed by a real Transit server, over the command line, and verify; its token stays out of all that is said.
func TestTransitKey(t *testing.T) {
	url, token := transitServer(t)
	for _, algorithm := range []attest.Algorithm{attest.P256, attest.Ed25519} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "token.txt"), []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		assay, verify := programs(t)
		said := signedElsewhere(t, assay, verify, dir, fmt.Sprintf("transit:%s/transit/%s?token-source=file:token.txt", url, algorithm), algorithm)
		if strings.Contains(said, token) {
			t.Errorf("the token was told: %s", said)
		}
	}
}

// signedElsewhere goes the whole way to a bundle that assay-verify proves, with a statement key of that algorithm which is in no file, and returns
// all that was printed, and the bundle.
func signedElsewhere(t *testing.T, assay, verify, dir, reference string, algorithm attest.Algorithm) (said string) {
	t.Helper()
	recipient, err := identityFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(offlineConfig, "[ledger]", fmt.Sprintf("[keys]\nstatement = %q\n[ledger]", reference), 1)
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		stdout, stderr := mustCall(t, dir, assay, args...)
		said += stdout + stderr
		return stdout
	}
	run("init", "--recipient", recipient)
	if policy := read(t, dir, "policy.toml"); isThere(dir, "keys", "statement.age") || !strings.Contains(policy, fmt.Sprintf(`keys = ["%s:`, algorithm)) {
		t.Errorf("init made a key of its own, or a policy that names another one: %s", policy)
	}
	run("ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv")
	run(opened("run", "--at", time.Now().UTC().Truncate(time.Second).Format("2006-01-02T15:04:05Z"))...)
	var shown keyShown
	unmarshal(t, run("keys", "show", "statement", "--json"), &shown)
	key, err := attest.ParsePublicKey(shown.Key)
	if err != nil || key.Algorithm() != algorithm {
		t.Fatalf("the key is %s, %v", shown.Key, err)
	}
	if v := judged(t, dir, verify, exitDone); len(v.Signers) != 1 || v.Signers[0] != key.KeyID() {
		t.Errorf("signed by %v, want %s", v.Signers, key.KeyID())
	}
	return said + read(t, dir, "bundle.zip")
}
