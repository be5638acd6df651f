//go:build pkcs11 && cgo

package keys_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
)

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

func pin(text string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(text), nil }
}

func (h softHSM) ref(path string) keys.TokenRef {
	h.Helper()
	ref, err := keys.ParseRef("pkcs11:" + path + "?module-path=" + h.module)
	if err != nil {
		h.Fatal(err)
	}
	return *ref.Token
}

func (h softHSM) open(path string) *keys.TokenSigner {
	h.Helper()
	s, err := keys.OpenToken(h.ref(path), pin("1234"))
	if err != nil {
		h.Fatal(err)
	}
	return s
}

func closeToken(t *testing.T, s *keys.TokenSigner) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := s.Sign([]byte("x")); err == nil {
		t.Error("it signs after it was closed")
	}
}

// TestToken_Signs: keys that never leave a token sign statements under both algorithms.
func TestToken_Signs(t *testing.T) {
	h := newSoftHSM(t)
	h.generate("EC:edwards25519", "ed", "01")
	h.generate("EC:prime256v1", "p", "02")
	for path, algorithm := range map[string]attest.Algorithm{
		"token=assay;object=ed": attest.Ed25519, "token=assay;object=p": attest.P256, "token=assay;id=%01": attest.Ed25519, "token=assay;object=p;id=%02": attest.P256,
	} {
		s := h.open(path)
		if s.PublicKey().Algorithm() != algorithm {
			t.Errorf("%s: %s", path, s.PublicKey())
		}
		for i := range 20 { // half of ECDSA's signatures have s above half the order
			e, err := attest.Sign(attest.PayloadType, []byte(fmt.Sprint(i)), s)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if err := e.Verify(s.PublicKey()); err != nil {
				t.Error(err)
			}
		}
		if _, err := attest.Sign(attest.PayloadType, make([]byte, attest.MaxPayload), s); err != nil {
			t.Errorf("%s: the largest statement: %v", path, err)
		}
		closeToken(t, s)
	}
}

// TestToken_Two: two keys of one token sign one envelope, whoever closes first.
func TestToken_Two(t *testing.T) {
	h := newSoftHSM(t)
	h.generate("EC:edwards25519", "ed", "01")
	h.generate("EC:prime256v1", "p", "02")
	a := h.open("token=assay;object=ed")
	b := h.open("token=assay;object=p")
	e, err := attest.Sign(attest.PayloadType, []byte("x"), a, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(b.PublicKey(), a.PublicKey()); err != nil {
		t.Error(err)
	}
	closeToken(t, b)
	if _, err := a.Sign([]byte("x")); err != nil {
		t.Errorf("after the other was closed: %v", err)
	}
	closeToken(t, a)
}

func TestToken_Refuses(t *testing.T) {
	h := newSoftHSM(t)
	h.initToken("twin")
	h.initToken("twin")
	h.generate("EC:edwards25519", "ed", "01")
	h.generate("EC:prime256v1", "same", "02")
	h.generate("EC:prime256v1", "same", "03")
	h.generate("EC:secp384r1", "p384", "04")
	h.generate("rsa:2048", "rsa", "05")
	asked := errors.New("the terminal is gone")
	for name, c := range map[string]struct {
		ref  keys.TokenRef
		pin  func() ([]byte, error)
		want string
	}{
		"wrong PIN":      {h.ref("token=assay;object=ed"), pin("s3cret"), "wrong PIN"},
		"no PIN":         {h.ref("token=assay;object=ed"), func() ([]byte, error) { return nil, asked }, "the terminal is gone"},
		"no such token":  {h.ref("token=other;object=ed"), pin("1234"), `no token fits; there are "`},
		"two tokens":     {h.ref("token=twin;object=ed"), pin("1234"), "2 tokens fit: say which with serial="},
		"no such key":    {h.ref("token=assay;object=none"), pin("1234"), "no private key that fits"},
		"no such id":     {h.ref("token=assay;object=ed;id=%02"), pin("1234"), "no private key that fits"},
		"two keys":       {h.ref("token=assay;object=same"), pin("1234"), "several private keys of the token fit"},
		"P-384":          {h.ref("token=assay;object=p384"), pin("1234"), "want Ed25519 or P-256"},
		"RSA":            {h.ref("token=assay;object=rsa"), pin("1234"), "want Ed25519 or P-256"},
		"no module":      {keys.TokenRef{Token: "assay", Object: "ed", Module: "/nowhere.so"}, pin("1234"), "/nowhere.so cannot be loaded"},
		"another module": {keys.TokenRef{Token: "assay", Object: "ed", Module: "/etc/passwd"}, pin("1234"), "/etc/passwd cannot be loaded"},
	} {
		s, err := keys.OpenToken(c.ref, c.pin)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, %v, want %q", name, s, err, c.want)
		}
	}
	if _, err := keys.OpenToken(h.ref("token=assay;object=ed"), pin("0000")); !errors.Is(err, keys.ErrPIN) {
		t.Errorf("got %v, want ErrPIN", err)
	}
	s := h.open("token=assay;object=same;id=%03")
	defer closeToken(t, s)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		fmt.Fprintf(&out, verb+verb+"\n", s, *s)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "s", s)
	text, err := json.Marshal(s)
	if want := "signer " + s.PublicKey().String(); err != nil || string(text) != `"`+s.PublicKey().String()+`"` || !strings.HasPrefix(out.String(), want+want+"\n") {
		t.Errorf("printed %s, %s, %v", out.String(), text, err)
	}
}

// TestToken_Extractable: a private key that the token may give away is not used.
func TestToken_Extractable(t *testing.T) {
	h := newSoftHSM(t)
	h.generate("EC:prime256v1", "open", "01", "--extractable")
	if s, err := keys.OpenToken(h.ref("token=assay;object=open"), pin("1234")); err == nil || !strings.Contains(err.Error(), "can be taken out of the token") {
		t.Errorf("got %v, %v", s, err)
	}
}
