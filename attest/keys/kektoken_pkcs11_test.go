//go:build pkcs11 && cgo

package keys_test

import (
	"strings"
	"testing"

	"github.com/assay-por/assay/attest/keys"
)

// secret makes a secret key in the token.
func (h softHSM) secret(kind, label, id string, more ...string) {
	h.Helper()
	h.run("pkcs11-tool", append([]string{"--module", h.module, "--token-label", "assay", "--login", "--pin", "1234", "--keygen", "--key-type", kind, "--label", label, "--id", id, "--sensitive"}, more...)...)
}

// TestTokenKEK: a key that never leaves a token wraps keysets, beside another that signs.
func TestTokenKEK(t *testing.T) {
	h := newSoftHSM(t)
	h.generate("EC:edwards25519", "ed", "01")
	h.secret("aes:32", "kek", "02")
	h.secret("aes:32", "other", "03")
	signer := h.open("token=assay;object=ed")
	k, err := keys.OpenTokenKEK(h.ref("token=assay;object=kek"), pin("1234"))
	if err != nil {
		t.Fatal(err)
	}
	wrapped := wraps(t, k)
	other, err := keys.OpenTokenKEK(h.ref("token=assay;id=%03"), pin("1234"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Decrypt(wrapped, []byte("keysets|wrapped|x|x")); err == nil {
		t.Error("another KEK unwraps it")
	}
	if said := prints(t, k, *k); strings.Contains(said, "1234") {
		t.Errorf("printed %s", said)
	}
	for range 2 {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := k.Decrypt(wrapped, []byte("keysets|wrapped|x|x")); err == nil {
		t.Error("it unwraps after it was closed")
	}
	if _, err := signer.Sign([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	closeToken(t, signer)
}

func TestTokenKEK_Refuses(t *testing.T) {
	h := newSoftHSM(t)
	h.generate("EC:edwards25519", "ed", "01")
	h.secret("aes:16", "small", "02")
	h.secret("aes:32", "open", "03", "--extractable")
	h.secret("aes:32", "twin", "04")
	h.secret("aes:32", "twin", "05")
	for name, c := range map[string]struct{ path, pin, want string }{
		"no such key":      {"token=assay;object=none", "1234", "no secret key that fits"},
		"one that signs":   {"token=assay;object=ed", "1234", "no secret key that fits"},
		"128 bits":         {"token=assay;object=small", "1234", "no AES key of 256 bits"},
		"can be taken out": {"token=assay;object=open", "1234", "can be taken out of the token"},
		"two of a name":    {"token=assay;object=twin", "1234", "several secret keys"},
		"wrong PIN":        {"token=assay;object=small", "s3cret", "wrong PIN"},
		"another token's":  {"token=other;object=small", "1234", "no token fits"},
	} {
		k, err := keys.OpenTokenKEK(h.ref(c.path), pin(c.pin))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, %v, want %q", name, k, err, c.want)
		}
	}
}
