//go:build pkcs11 && cgo

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
)

// token is a token of SoftHSM with that PIN, its module, and a folder with programs that know tokens: those that others are tested with know none.
func token(t *testing.T, pin string) (module, bin string) {
	t.Helper()
	for _, path := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if isThere(path) {
			module = path
		}
	}
	if module == "" {
		t.Skip("no SoftHSM: type make softhsm")
	}
	home, bin := t.TempDir(), t.TempDir()
	t.Setenv("SOFTHSM2_CONF", filepath.Join(home, "softhsm2.conf"))
	if err := errors.Join(os.Mkdir(filepath.Join(home, "tokens"), 0o700),
		os.WriteFile(filepath.Join(home, "softhsm2.conf"), []byte("directories.tokendir = "+filepath.Join(home, "tokens")+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	commands(t, []string{"go", "build", "-tags", "pkcs11", "-o", bin, "."},
		[]string{"softhsm2-util", "--init-token", "--free", "--label", "assay", "--pin", pin, "--so-pin", pin})
	return module, bin
}

func commands(t *testing.T, all ...[]string) {
	t.Helper()
	for _, command := range all {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", command, err, out)
		}
	}
}

// TestTokenKey: statements are signed by keys that never leave a token of SoftHSM, over the command line, and verify; its PIN stays out of all that
// is said.
func TestTokenKey(t *testing.T) {
	const pin = "canary-pin-73419"
	module, bin := token(t, pin)
	commands(t,
		[]string{"pkcs11-tool", "--module", module, "--token-label", "assay", "--login", "--pin", pin, "--keypairgen", "--key-type", "EC:edwards25519", "--label", "ed25519", "--id", "01"},
		[]string{"pkcs11-tool", "--module", module, "--token-label", "assay", "--login", "--pin", pin, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "p256", "--id", "02"})
	_, verify := programs(t)
	for _, algorithm := range []attest.Algorithm{attest.Ed25519, attest.P256} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "pin.txt"), []byte(pin+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		said := signedElsewhere(t, filepath.Join(bin, "assay"), verify, dir, fmt.Sprintf("pkcs11:token=assay;object=%s?module-path=%s&pin-source=file:pin.txt", algorithm, module), algorithm)
		if strings.Contains(said, pin) {
			t.Errorf("the PIN was told: %s", said)
		}
	}
}

// TestTokenKEK: keysets are wrapped by a key that never leaves a token of SoftHSM, get a new key, and go back into a file; its PIN stays out of all
// that is said.
func TestTokenKEK(t *testing.T) {
	const pin = "canary-pin-20417"
	module, bin := token(t, pin)
	commands(t, []string{"pkcs11-tool", "--module", module, "--token-label", "assay", "--login", "--pin", pin, "--keygen", "--key-type", "aes:32", "--label", "kek", "--id", "01", "--sensitive"})
	assay := filepath.Join(bin, "assay")
	dir := sealedPlace(t, assay)
	if err := os.WriteFile(filepath.Join(dir, "pin.txt"), []byte(pin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := ""
	must := func(args ...string) {
		t.Helper()
		stdout, stderr := mustCall(t, dir, assay, args...)
		said += stdout + stderr
	}
	kek := fmt.Sprintf("pkcs11:token=assay;object=kek?module-path=%s&pin-source=file:pin.txt", module)
	must("keys", "rewrap", "--kek", kek)
	said += opensWith(t, assay, dir, exitRefused, "was wrapped by pkcs11:token=assay;object=kek")
	setKEK(t, dir, kek)
	if err := os.Rename(filepath.Join(dir, "keys", "kek.age"), filepath.Join(dir, "former.age")); err != nil {
		t.Fatal(err)
	}
	said += opensWith(t, assay, dir, exitDone, "planted-name")
	must("keys", "rotate", "--purpose", "credentials")
	must("keys", "reencrypt")
	must("backup", "--drill")
	must("keys", "rewrap", "--kek", "file:former.age")
	said += opensWith(t, assay, dir, exitRefused, "was wrapped by file:former.age")
	setKEK(t, dir, "file:former.age")
	said += opensWith(t, assay, dir, exitDone, "planted-name")
	if strings.Contains(said, pin) {
		t.Errorf("the PIN was told: %s", said)
	}
	inNoFile(t, dir, "planted-name", "203.0.113", "proof:read:any")
}
