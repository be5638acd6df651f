package keys_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
)

// vault is a real Vault server with a Transit engine, in a process of its own.
type vault struct {
	*testing.T
	URL   string `json:"url"`
	Token string `json:"token"`
}

// newVault starts the server that make builds of testdata/vaultd.
func newVault(t *testing.T) *vault {
	t.Helper()
	const program = "../../build/bin/vaultd"
	if _, err := os.Stat(program); err != nil {
		t.Skip("no vaultd: type make vaultd")
	}
	cmd := exec.Command(program)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	v := &vault{T: t}
	if err := json.NewDecoder(out).Decode(v); err != nil {
		t.Fatal(err)
	}
	v.post("sys/mounts/transit", `{"type":"transit"}`)
	return v
}

// post asks the server as its administrator.
func (v *vault) post(path, body string) (answer map[string]any) {
	v.Helper()
	req, err := http.NewRequest(http.MethodPost, v.URL+"/v1/"+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", v.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil || resp.StatusCode >= 300 {
		v.Fatalf("%s: status %d, %v: %s", path, resp.StatusCode, err, text.String())
	}
	if text.Len() > 0 {
		if err := json.Unmarshal(text.Bytes(), &answer); err != nil {
			v.Fatal(err)
		}
	}
	return answer
}

func transitRef(t *testing.T, text string) keys.TransitRef {
	t.Helper()
	ref, err := keys.ParseRef("transit:" + text)
	if err != nil {
		t.Fatal(err)
	}
	return *ref.Transit
}

func (v *vault) open(path string) *keys.TransitSigner {
	v.Helper()
	s, err := keys.OpenTransit(v.Context(), transitRef(v.T, v.URL+"/"+path), new(http.Client), v.Token)
	if err != nil {
		v.Fatal(err)
	}
	return s
}

func (v *vault) signs(s attest.Signer, payload []byte) {
	v.Helper()
	e, err := attest.Sign(attest.PayloadType, payload, s)
	if err != nil {
		v.Fatal(err)
	}
	if err := e.Verify(s.PublicKey()); err != nil {
		v.Error(err)
	}
}

// TestTransit_Signs: a real server signs statements with keys of both algorithms, by a token that may do nothing else.
func TestTransit_Signs(t *testing.T) {
	v := newVault(t)
	v.post("transit/keys/ed", `{"type":"ed25519"}`)
	v.post("transit/keys/p", `{"type":"ecdsa-p256"}`)
	v.post("sys/policies/acl/signer", `{"policy":"path \"transit/keys/+\" { capabilities = [\"read\"] }\npath \"transit/sign/+\" { capabilities = [\"update\"] }"}`)
	auth, _ := v.post("auth/token/create", `{"policies":["signer"],"no_default_policy":true}`)["auth"].(map[string]any)
	v.Token, _ = auth["client_token"].(string)
	for name, algorithm := range map[string]attest.Algorithm{"ed": attest.Ed25519, "p": attest.P256} {
		s := v.open("transit/" + name)
		if s.PublicKey().Algorithm() != algorithm {
			t.Errorf("%s: %s", name, s.PublicKey())
		}
		for i := range 40 { // half of ECDSA's signatures have s above half the order
			v.signs(s, []byte(fmt.Sprint(i)))
		}
		v.signs(s, make([]byte, attest.MaxPayload))
	}
}

// TestTransit_VersionIsPinned: what was rotated meanwhile on the server changes nothing for a key that is open.
func TestTransit_VersionIsPinned(t *testing.T) {
	v := newVault(t)
	v.post("sys/mounts/team/a/transit", `{"type":"transit"}`)
	const path = "team/a/transit/s"
	v.post("team/a/transit/keys/s", `{"type":"ed25519"}`)
	first := v.open(path)
	v.post("team/a/transit/keys/s/rotate", "")
	v.signs(first, []byte("x"))
	second := v.open(path)
	if first.PublicKey() == second.PublicKey() || first.Ref().Transit.Version != 1 || second.Ref().Transit.Version != 2 {
		t.Errorf("versions %s and %s", first.Ref(), second.Ref())
	}
	v.signs(second, []byte("x"))
	if back := v.open(path + "?version=1"); back.PublicKey() != first.PublicKey() {
		t.Errorf("version 1 is %s, was %s", back.PublicKey(), first.PublicKey())
	}
	v.post("team/a/transit/keys/s/config", `{"min_encryption_version":2}`)
	if _, err := attest.Sign(attest.PayloadType, []byte("x"), first); err == nil || !strings.Contains(err.Error(), "less than the minimum encryption key version") {
		t.Errorf("a version that may not sign any more: %v", err)
	}
}

func TestTransit_Refuses(t *testing.T) {
	v := newVault(t)
	v.post("transit/keys/ed", `{"type":"ed25519"}`)
	v.post("transit/keys/rsa", `{"type":"rsa-2048"}`)
	v.post("transit/keys/p384", `{"type":"ecdsa-p384"}`)
	v.post("transit/keys/derived", `{"type":"ed25519","derived":true}`)
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct{ at, token, want string }{
		"no such key":     {v.URL + "/transit/none", v.Token, "has no key none in transit, or"},
		"no such mount":   {v.URL + "/elsewhere/ed", v.Token, "has no key ed in elsewhere, or no Transit engine there"},
		"wrong token":     {v.URL + "/transit/ed", "hvs.s3cret", "status 403: permission denied"},
		"no token":        {v.URL + "/transit/ed", "", "status 403"},
		"RSA":             {v.URL + "/transit/rsa", v.Token, `its type is "rsa-2048", want ed25519 or ecdsa-p256`},
		"P-384":           {v.URL + "/transit/p384", v.Token, `its type is "ecdsa-p384"`},
		"derived":         {v.URL + "/transit/derived", v.Token, "it is derived"},
		"no such version": {v.URL + "/transit/ed?version=9", v.Token, "no version 9"},
		"nobody there":    {gone.URL + "/transit/ed", "hvs.s3cret", keys.ErrUnreachable.Error()},
		"control bytes":   {v.URL + "/transit/ed", "hvs.s3cret\n", "non-printable"},
	} {
		s, err := keys.OpenTransit(t.Context(), transitRef(t, c.at), new(http.Client), c.token)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, %v, want %q", name, s, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells the token: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	s, err := keys.OpenTransit(ctx, transitRef(t, v.URL+"/transit/ed"), new(http.Client), v.Token)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := s.Sign([]byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("after the command was interrupted: %v", err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		fmt.Fprintf(&out, verb+verb+"\n", s, *s)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "s", s)
	if text, err := json.Marshal(s); err != nil || strings.Contains(out.String()+string(text), v.Token) || !strings.Contains(out.String(), s.PublicKey().String()) {
		t.Errorf("printed %s, %s, %v", out.String(), text, err)
	}
}

// TestTransit_StrangeAnswers: a server that does not keep to the engine's API, here made up, is not believed.
func TestTransit_StrangeAnswers(t *testing.T) {
	ed := `"type":"ed25519","latest_version":1,"keys":{"1":{"public_key":"` + base64.StdEncoding.EncodeToString(make([]byte, 32)) + `"}}`
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another place was reached") }))
	defer elsewhere.Close()
	for name, c := range map[string]struct{ key, signature, want string }{
		"HTML":                {key: "<html>", want: "no answer that can be used"},
		"no data":             {key: `{}`, want: "its latest version"},
		"redirect":            {key: "-> " + elsewhere.URL, want: "no answer that can be used"},
		"token told back":     {key: "!", want: "status 500: you said [token]"},
		"version in words":    {key: `{"data":{"type":"ed25519","latest_version":"one"}}`, want: "its latest version"},
		"version not there":   {key: `{"data":{"type":"ed25519","latest_version":2,"keys":{"1":{}}}}`, want: "no version 2"},
		"no public key":       {key: `{"data":{"type":"ed25519","latest_version":1,"keys":{"1":{}}}}`, want: "no Ed25519 public key"},
		"short public key":    {key: `{"data":{"type":"ed25519","latest_version":1,"keys":{"1":{"public_key":"AAAA"}}}}`, want: "no Ed25519 public key"},
		"P-256 that is none":  {key: strings.ReplaceAll(`{"data":{`+ed+`}}`, "ed25519", "ecdsa-p256"), want: "no P-256 public key"},
		"no signature":        {key: `{"data":{` + ed + `}}`, signature: `{"data":{}}`, want: "without a signature of version 1"},
		"other version":       {key: `{"data":{` + ed + `}}`, signature: `{"data":{"signature":"vault:v2:AAAA"}}`, want: "without a signature of version 1"},
		"short signature":     {key: `{"data":{` + ed + `}}`, signature: `{"data":{"signature":"vault:v1:AAAA"}}`, want: "not of 64 bytes"},
		"other base64":        {key: `{"data":{` + ed + `}}`, signature: `{"data":{"signature":"vault:v1:` + strings.Repeat("/", 86) + `"}}`, want: "not of 64 bytes"},
		"signature of others": {key: `{"data":{` + ed + `}}`, signature: `{"data":{"signature":"vault:v1:` + strings.Repeat("A", 86) + `"}}`, want: "does not verify"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := c.key
			if r.Method != http.MethodGet {
				answer = c.signature
			}
			switch {
			case answer == "!":
				w.WriteHeader(http.StatusInternalServerError)
				answer = `{"errors":["you said ` + r.Header.Get("X-Vault-Token") + `"]}`
			case strings.HasPrefix(answer, "-> "):
				http.Redirect(w, r, answer[3:], http.StatusTemporaryRedirect)
			}
			_, _ = w.Write([]byte(answer))
		}))
		// The client is as cmd makes it: it follows no redirect.
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("a redirect") }}
		s, err := keys.OpenTransit(t.Context(), transitRef(t, server.URL+"/transit/k"), client, "s3cret")
		if err == nil {
			_, err = attest.Sign(attest.PayloadType, []byte("x"), s)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		server.Close()
	}
}
