package keys_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest/keys"
)

// wraps wants a KEK to unwrap what it wrapped, and nothing else.
func wraps(t *testing.T, k keys.KEK) (wrapped []byte) {
	t.Helper()
	secret, place := []byte("a keyset that is longer than a block of AES"), []byte("keysets|wrapped|x|x")
	wrapped, err := k.Encrypt(secret, place)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(wrapped, secret[:16]) {
		t.Error("it is wrapped in clear")
	}
	if got, err := k.Decrypt(wrapped, place); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q %v", got, err)
	}
	if again, err := k.Encrypt(secret, place); err != nil || bytes.Equal(again, wrapped) {
		t.Errorf("wrapped alike twice, %v", err)
	}
	if got, err := k.Decrypt(wrapped, []byte("keysets|wrapped|y|y")); !errors.Is(err, keys.ErrNotWrapped) || got != nil {
		t.Errorf("beside another text: %q %v", got, err)
	}
	for _, i := range []int{0, len(wrapped) / 2, len(wrapped) - 1} {
		altered := bytes.Clone(wrapped)
		altered[i] ^= 1
		if got, err := k.Decrypt(altered, place); !errors.Is(err, keys.ErrNotWrapped) || got != nil {
			t.Errorf("byte %d is another one: %q %v", i, got, err)
		}
	}
	for _, n := range []int{0, 5, 20, len(wrapped) - 1} {
		if got, err := k.Decrypt(wrapped[:n], place); !errors.Is(err, keys.ErrNotWrapped) || got != nil {
			t.Errorf("%d bytes of it: %q %v", n, got, err)
		}
	}
	return wrapped
}

// prints is all that a value shows of itself.
func prints(t *testing.T, values ...any) string {
	t.Helper()
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "k", v)
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(text)
	}
	return out.String()
}

func TestFileKEK(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek.age")
	secret := bytes.Repeat([]byte("secret42"), 4)
	made, err := keys.GenerateKEK(bytes.NewReader(secret))
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Save(path, keys.Lock{Passphrase: []byte("x"), WorkFactor: 2}); err != nil {
		t.Fatal(err)
	}
	if err := made.Save(path, keys.Lock{Passphrase: []byte("x"), WorkFactor: 2}); !errors.Is(err, keys.ErrExists) {
		t.Errorf("written over: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	open := func(passphrase string) (*keys.FileKEK, error) {
		return keys.OpenKEK("file:"+path, keys.Unlock{Passphrase: func() ([]byte, error) { return []byte(passphrase), nil }})
	}
	k, err := open("x")
	if err != nil {
		t.Fatal(err)
	}
	wrapped := wraps(t, k)
	if _, err := made.Decrypt(wrapped, []byte("keysets|wrapped|x|x")); err != nil {
		t.Errorf("the one that was made: %v", err)
	}
	other, err := keys.GenerateKEK(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Decrypt(wrapped, []byte("keysets|wrapped|x|x")); !errors.Is(err, keys.ErrNotWrapped) {
		t.Errorf("another KEK: %v", err)
	}
	if _, err := open("y"); !errors.Is(err, keys.ErrPassphrase) {
		t.Error(err)
	}
	signer, err := keys.GenerateSigner(rand.Reader, "ed25519")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "signer.age")
	if err := signer.Save(path, keys.Lock{Passphrase: []byte("x"), WorkFactor: 2}); err != nil {
		t.Fatal(err)
	}
	var kind *keys.KindError
	if _, err := open("x"); !errors.As(err, &kind) {
		t.Errorf("a key that signs was opened as KEK: %v", err)
	}
	if _, err := keys.GenerateKEK(bytes.NewReader(secret[:31])); err == nil {
		t.Error("made of too little randomness")
	}
	if said := prints(t, k, *k); strings.Contains(said, "secret42") || strings.Contains(said, fmt.Sprintf("%x", "secret42")) || !strings.Contains(said, "key-encryption key") {
		t.Errorf("printed %s", said)
	}
}

// TestTransitKEK: a real server wraps with a token that may do nothing else, and unwraps what a former version wrapped.
func TestTransitKEK(t *testing.T) {
	v := newVault(t)
	v.post("transit/keys/kek", `{"type":"aes256-gcm96"}`)
	v.post("transit/keys/ed", `{"type":"ed25519"}`)
	v.post("transit/keys/small", `{"type":"aes128-gcm96"}`)
	v.post("transit/keys/derived", `{"type":"aes256-gcm96","derived":true}`)
	v.post("sys/policies/acl/wrapper", `{"policy":"path \"transit/keys/kek\" { capabilities = [\"read\"] }\npath \"transit/encrypt/kek\" { capabilities = [\"update\"] }\npath \"transit/decrypt/kek\" { capabilities = [\"update\"] }"}`)
	auth, _ := v.post("auth/token/create", `{"policies":["wrapper"],"no_default_policy":true}`)["auth"].(map[string]any)
	token, _ := auth["client_token"].(string)
	k, err := keys.OpenTransitKEK(t.Context(), transitRef(t, v.URL+"/transit/kek"), new(http.Client), token)
	if err != nil {
		t.Fatal(err)
	}
	before := wraps(t, k)
	v.post("transit/keys/kek/rotate", "")
	if after := wraps(t, k); !bytes.HasPrefix(before, []byte("vault:v1:")) || !bytes.HasPrefix(after, []byte("vault:v2:")) {
		t.Errorf("%.10s, then %.10s", before, after)
	}
	if _, err := k.Decrypt(before, []byte("keysets|wrapped|x|x")); err != nil {
		t.Errorf("of the version before: %v", err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct{ at, token, want string }{
		"no such key":    {v.URL + "/transit/none", v.Token, "has no key none"},
		"one that signs": {v.URL + "/transit/ed", v.Token, `its type is "ed25519", want aes256-gcm96`},
		"128 bits":       {v.URL + "/transit/small", v.Token, `its type is "aes128-gcm96"`},
		"derived":        {v.URL + "/transit/derived", v.Token, "not derived"},
		"a version":      {v.URL + "/transit/kek?version=1", v.Token, "without a version"},
		"wrong token":    {v.URL + "/transit/kek", "hvs.s3cret", "status 403"},
		"nobody there":   {gone.URL + "/transit/kek", "hvs.s3cret", keys.ErrUnreachable.Error()},
	} {
		k, err := keys.OpenTransitKEK(t.Context(), transitRef(t, c.at), new(http.Client), c.token)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, %v, want %q", name, k, err, c.want)
		}
	}
	if said := prints(t, k, *k); strings.Contains(said, token) || !strings.Contains(said, "/transit/kek") {
		t.Errorf("printed %s", said)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if k, err = keys.OpenTransitKEK(ctx, transitRef(t, v.URL+"/transit/kek"), new(http.Client), token); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := k.Decrypt(before, []byte("keysets|wrapped|x|x")); !errors.Is(err, context.Canceled) || errors.Is(err, keys.ErrNotWrapped) {
		t.Errorf("after the command was interrupted: %v", err)
	}
}

// TestTransitKEK_StrangeAnswers: a server that does not keep to the engine's API, here made up, is not believed.
func TestTransitKEK_StrangeAnswers(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"nothing":       {`{"data":{}}`, "without a"},
		"not base64":    {`{"data":{"plaintext":"!","ciphertext":"x"}}`, "without a"},
		"told back":     {`!`, "you said [token]"},
		"empty content": {`{"data":{"plaintext":"","ciphertext":""}}`, "without a"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := c.answer
			switch {
			case r.Method == http.MethodGet:
				answer = `{"data":{"type":"aes256-gcm96"}}`
			case answer == "!":
				w.WriteHeader(http.StatusInternalServerError)
				answer = `{"errors":["you said ` + r.Header.Get("X-Vault-Token") + `"]}`
			}
			_, _ = w.Write([]byte(answer))
		}))
		k, err := keys.OpenTransitKEK(t.Context(), transitRef(t, server.URL+"/transit/k"), new(http.Client), "s3cret")
		if err != nil {
			t.Fatal(err)
		}
		_, err1 := k.Encrypt([]byte("x"), nil)
		_, err2 := k.Decrypt([]byte("vault:v1:AAAA"), nil)
		for _, err := range []error{err1, err2} {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: got %v, want %q", name, err, c.want)
			}
		}
		server.Close()
	}
}
