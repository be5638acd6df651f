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

// TestTokenKey: statements are signed by keys that never leave a token of SoftHSM, over the command line, and verify; its PIN stays out of all that
// is said.
func TestTokenKey(t *testing.T) {
	const pin = "canary-pin-73419"
	module := ""
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
	for _, command := range [][]string{
		{"go", "build", "-tags", "pkcs11", "-o", bin, "."}, // the one that others are tested with knows no tokens
		{"softhsm2-util", "--init-token", "--free", "--label", "assay", "--pin", pin, "--so-pin", pin},
		{"pkcs11-tool", "--module", module, "--token-label", "assay", "--login", "--pin", pin, "--keypairgen", "--key-type", "EC:edwards25519", "--label", "ed25519", "--id", "01"},
		{"pkcs11-tool", "--module", module, "--token-label", "assay", "--login", "--pin", pin, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "p256", "--id", "02"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", command, err, out)
		}
	}
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
