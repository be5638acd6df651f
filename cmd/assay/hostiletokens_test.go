package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// A mockProvider is another identity provider: npm oauth2-mock-server.
type mockProvider struct {
	url    string
	Keys   json.RawMessage   `json:"keys"` // JWKs, private parts too
	Tokens map[string]string `json:"tokens"`
}

// runs it until the test ends, and returns what a server is told of it.
func (p *mockProvider) runs(t *testing.T, s *appServer) string {
	t.Helper()
	nodeOf(t, "oauth2-mock-server")
	port := freePort(t)
	p.url = fmt.Sprintf("https://127.0.0.1:%d", port)
	c := exec.Command(s.node, "testdata/oauth/mock.mjs", s.modules, fmt.Sprint(port), filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem"), s.origin, s.provider)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	if err := json.NewDecoder(out).Decode(p); err != nil {
		_ = c.Wait()
		t.Fatalf("oauth2-mock-server does not run: %v: %s", err, said.String())
	}
	return fmt.Sprintf(`
[[server.oauth.issuers]]
url = %q
algorithms = ["ES256"]
addresses = ["127.0.0.1"]
ca = "cert.pem"
rules = [{ claim = "scope", value = "proofs", role = "delegate" }]
`, p.url)
}

// pythonWith is an interpreter of Python that has a module, or a reason to skip.
func pythonWith(t *testing.T, module, debian string) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import "+module).Run() == nil {
			return python
		}
	}
	t.Skipf("no Python that has %s: on Debian type: sudo apt-get install -y --no-install-recommends %s", module, debian)
	return ""
}

// hostile are JWTs by python3-jwcrypto: kind, name, token.
func (s *appServer) hostile(t *testing.T, python string, p *mockProvider, trap string) [][3]string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"keys": p.Keys, "issuer": p.url, "audience": s.origin, "app": s.byKey, "key": jose.JSONWebKey{Key: s.key}, "trap": trap})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), python, "testdata/oauth/hostile.py")
	var faults bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(raw), &faults
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, faults.String())
	}
	var all [][3]string
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// web asks the server, which shows the certificate of the test.
func (s *appServer) web(t *testing.T) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(read(t, s.dir, "cert.pem")))
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func answerTo(t *testing.T, c *http.Client, r *http.Request) (status int, challenge, body string) {
	t.Helper()
	got, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, got.Header.Get("WWW-Authenticate"), string(raw)
}

// bears asks with a token that is bound to nothing.
func (s *appServer) bears(t *testing.T, c *http.Client, token string) (status int, challenge, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.origin+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return answerTo(t, c, r)
}

// asserts asks at an endpoint by an assertion of who the app is.
func (s *appServer) asserts(t *testing.T, c *http.Client, assertion string) (status int, body string) {
	t.Helper()
	form := url.Values{"token": {"x"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.origin+"/oauth/introspect", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, body = answerTo(t, c, r)
	return status, body
}

// TestHostileTokens: a second identity provider, npm oauth2-mock-server, stands beside the first: of its tokens those are taken that keep to the rules. What python3-jwcrypto makes of its key and of an
// app's, which is wrong in one thing each, lets nobody in, and has nobody asked for a key.
func TestHostileTokens(t *testing.T) {
	python := pythonWith(t, "jwcrypto", "python3-jwcrypto")
	p := &mockProvider{}
	s := newAppServer(t, func(s *appServer) string { return p.runs(t, s) })
	web := s.web(t)
	for name, token := range p.Tokens {
		switch status, challenge, body := s.bears(t, web, token); {
		case name == "good":
			if status != 200 || !strings.Contains(body, `"kind":"external"`) || !strings.Contains(body, "proof:read:self") {
				t.Errorf("a good token of oauth2-mock-server: %d %s", status, body)
			}
		case status != 401 || challenge != `Bearer error="invalid_token"`:
			t.Errorf("a token of oauth2-mock-server %s: %d %s %s", name, status, challenge, body)
		}
	}
	var sprung atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sprung.Add(1)
		_, _ = w.Write(p.Keys)
	}))
	defer trap.Close()
	all := s.hostile(t, python, p, trap.URL)
	slices.SortStableFunc(all, func(a, b [3]string) int { return strings.Compare(a[0], b[0]) }) // assertions first, whose good ones are over soon
	for _, one := range all {
		kind, name, token := one[0], one[1], one[2]
		var status int
		var body string
		if kind == "token" {
			status, _, body = s.bears(t, web, token)
		} else {
			status, body = s.asserts(t, web, token)
		}
		good, large := strings.HasPrefix(name, "good"), len(token) > 8<<10 // whose request may be refused before anybody looks at it
		switch {
		case good && status == 200, !good && status == 401, large && (status == 400 || status == 413 || status == 431):
		default:
			t.Errorf("%s %s: %d %s", kind, name, status, body)
		}
	}
	if len(all) < 120 || len(p.Tokens) < 9 {
		t.Errorf("%d hostile ones, and %d of the provider", len(all), len(p.Tokens))
	}
	if n := sprung.Load(); n != 0 {
		t.Errorf("an address in a token was asked %d times", n)
	}
	if status, _, body := s.bears(t, web, p.Tokens["good"]); status != 200 {
		t.Errorf("a good token after all that: %d %s", status, body)
	}
}
