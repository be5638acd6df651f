package keys_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assay-por/assay/attest/keys"
)

// A program without PKCS#11 says how to get one with it, and nothing else; one with it is tested in token_pkcs11_test.go.
func TestToken_NotBuiltIn(t *testing.T) {
	if withPKCS11 {
		t.Skip("this test was built with PKCS#11")
	}
	s, err := keys.OpenToken(keys.TokenRef{Token: "t", Object: "o", Module: "m"}, func() ([]byte, error) { panic("nobody is asked for a PIN") })
	if s != nil || !errors.Is(err, keys.ErrNoPKCS11) {
		t.Errorf("got %v, %v", s, err)
	}
}

// softHSM is a token of SoftHSM with the PIN 1234, in a folder of its own.
type softHSM struct {
	*testing.T
	module string
}

func newSoftHSM(t *testing.T) softHSM {
	t.Helper()
	h := softHSM{T: t}
	for _, path := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); err == nil {
			h.module = path
		}
	}
	if h.module == "" {
		t.Skip("no SoftHSM: type make softhsm")
	}
	dir := t.TempDir()
	t.Setenv("SOFTHSM2_CONF", filepath.Join(dir, "softhsm2.conf"))
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "tokens"), 0o700),
		os.WriteFile(filepath.Join(dir, "softhsm2.conf"), []byte("directories.tokendir = "+filepath.Join(dir, "tokens")+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	h.initToken("assay")
	return h
}

func (h softHSM) run(name string, args ...string) {
	h.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		h.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

func (h softHSM) initToken(label string) {
	h.Helper()
	h.run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", "1234", "--so-pin", "5678")
}

// generate makes a pair of keys in the token.
func (h softHSM) generate(kind, label, id string, more ...string) {
	h.Helper()
	h.run("pkcs11-tool", append([]string{"--module", h.module, "--token-label", "assay", "--login", "--pin", "1234", "--keypairgen", "--key-type", kind, "--label", label, "--id", id}, more...)...)
}
