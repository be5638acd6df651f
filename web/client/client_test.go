package client_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/httpsig"
)

// reply is a checked answer, its body read and closed.
type reply struct {
	*http.Response
	content string
}

func get(c *client.Client, path string, header ...string) (reply, error) {
	return do(c, http.MethodGet, path, header...)
}

func do(c *client.Client, method, path string, header ...string) (reply, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, path, nil)
	if err != nil {
		return reply{}, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return reply{resp, string(content)}, err
}

func TestAsks(t *testing.T) {
	e := newExchange(t)
	e.mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/v1/reports", http.StatusFound) })
	e.mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			_, _ = io.WriteString(w, "plain "+r.Header.Get("Accept-Encoding"))
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "packed")
		_ = z.Close()
	})
	c := e.client(t)
	const nonce = "0123456789-abc_DEF"
	for _, tt := range []struct {
		method, path, want string
		status             int
		header             []string
	}{
		{"GET", "/v1/reports", `{"reports":[]}`, 200, nil},
		{"GET", "/v1/reports?period=%32", `{"reports":[]}`, 200, []string{"Accept-Signature", httpsig.AcceptSignature(nonce)}},
		{"HEAD", "/v1/reports", "", 200, nil},
		{"GET", "/v1/reports", "", 304, []string{"If-None-Match", `"1"`}},
		{"GET", "/moved", `{"reports":[]}`, 200, nil},
		{"GET", "/nowhere", "404 page not found\n", 404, nil},
		{"GET", "/gzip", "plain identity", 200, nil},
		{"GET", "/.well-known/assay-keys", string(e.list), 200, nil},
	} {
		resp, err := do(c, tt.method, e.URL+tt.path, tt.header...)
		if err != nil || resp.content != tt.want || resp.StatusCode != tt.status {
			t.Errorf("%s %s: %v %q", tt.method, tt.path, err, resp.content)
			continue
		}
		if resp.TLS.Version != tls.VersionTLS13 || resp.ProtoMajor != 2 {
			t.Errorf("%s over TLS %x", resp.Proto, resp.TLS.Version)
		}
	}
	packed, err := get(c, e.URL+"/gzip", "Accept-Encoding", "gzip")
	if err != nil || packed.Header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(packed.content, "\x1f\x8b") {
		t.Errorf("%v: %q", err, packed.content)
	}
	if e.asked["/.well-known/assay-keys"] != 2 { // once for itself, once above
		t.Errorf("the key list was asked for %d times", e.asked["/.well-known/assay-keys"])
	}
	resp, err := c.Get(t.Context(), "/v1/reports")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if list, err := c.Keys(t.Context()); err != nil || !bytes.Equal(list, e.list) {
		t.Errorf("%v: %s", err, list)
	}
	if resp, err := c.Get(t.Context(), "https://y.example/"); err == nil {
		_ = resp.Body.Close()
		t.Error("a URL was taken for a path")
	}
}

// What is unsigned or wrongly signed does not come through, whoever made it so.
func TestRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(e *exchange)
		want   error
	}{
		"unsigned": {func(e *exchange) {
			e.before = func(w http.ResponseWriter, _ *http.Request) bool {
				_, err := io.WriteString(w, "x")
				return err == nil
			}
		}, httpsig.ErrUnsigned},
		"altered": {func(e *exchange) {
			e.before = func(w http.ResponseWriter, r *http.Request) bool {
				between := httptest.NewRecorder()
				s, err := httpsig.NewSigner(e.response, e.clock)
				if err != nil {
					return false
				}
				httpsig.Handler(e.mux, s).ServeHTTP(between, r)
				for name, lines := range between.Header() {
					w.Header()[name] = lines
				}
				_, err = w.Write(bytes.Replace(between.Body.Bytes(), []byte("[]"), []byte("{}"), 1))
				return err == nil
			}
		}, httpsig.ErrDigest},
		"of another question": {func(e *exchange) {
			e.before = func(_ http.ResponseWriter, r *http.Request) bool {
				r.RequestURI = "/v1/other"
				return false
			}
		}, httpsig.ErrSignature},
		"of another time":   {func(e *exchange) { e.before = signedAt(e, -61*time.Second) }, httpsig.ErrTime},
		"of another key":    {func(e *exchange) { e.response = key(3) }, httpsig.ErrKey},
		"of an expired key": {func(e *exchange) { e.ago.Store(25 * 3600) }, httpsig.ErrTime},
		"without the nonce": {func(e *exchange) {
			e.before = func(_ http.ResponseWriter, r *http.Request) bool {
				r.Header.Del("Accept-Signature")
				return false
			}
		}, httpsig.ErrNonce},
	} {
		t.Run(name, func(t *testing.T) {
			e := newExchange(t)
			c := e.client(t)
			nonce := []string{"Accept-Signature", httpsig.AcceptSignature("0123456789-abc_DEF")}
			if _, err := get(c, e.URL+"/v1/reports", nonce...); err != nil {
				t.Fatal(err)
			}
			e.set(func() { tt.change(e) })
			if _, err := get(c, e.URL+"/v1/reports", nonce...); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// signedAt answers with what was signed so long from now.
func signedAt(e *exchange, ago time.Duration) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		s, err := httpsig.NewSigner(e.response, func() time.Time { return e.clock().Add(ago) })
		if err != nil {
			return false
		}
		httpsig.Handler(e.mux, s).ServeHTTP(w, r)
		return true
	}
}

func TestKeyListIsChecked(t *testing.T) {
	for name, tt := range map[string]func(t *testing.T, e *exchange){
		"by another key":      func(t *testing.T, e *exchange) { e.list = keyList(t, key(9), day, key(2)) },
		"of the response key": func(t *testing.T, e *exchange) { e.list = keyList(t, key(2), day, key(2)) },
		"from ahead":          func(t *testing.T, e *exchange) { e.list = keyList(t, key(1), day.Add(61*time.Second), key(2)) },
		"without its key":     func(t *testing.T, e *exchange) { e.list = keyList(t, key(1), day, key(3)) },
		"no list":             func(_ *testing.T, e *exchange) { e.list = []byte(`{}`) },
		"not there":           func(_ *testing.T, e *exchange) { e.mux = http.NewServeMux() },
		"too large":           func(_ *testing.T, e *exchange) { e.list = bytes.Repeat([]byte("x"), 1<<20) },
		"unsigned": func(_ *testing.T, e *exchange) {
			e.before = func(w http.ResponseWriter, _ *http.Request) bool {
				_, err := w.Write(e.list)
				return err == nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newExchange(t)
			e.set(func() { tt(t, e) })
			if _, err := get(e.client(t), e.URL+"/v1/reports"); !errors.Is(err, client.ErrKeys) {
				t.Error(err)
			}
		})
	}
	e := newExchange(t)
	if _, err := get(e.client(t, func(c *client.Config) { c.Exchange = "Other" }), e.URL+"/v1/reports"); !errors.Is(err, client.ErrKeys) {
		t.Errorf("of another exchange: %v", err)
	}
	if _, err := get(e.client(t, func(c *client.Config) { c.Exchange = "" }), e.URL+"/v1/reports"); err != nil {
		t.Errorf("whatever its name: %v", err)
	}
}

// A successor's key is found in a new list, which never goes back behind the one before.
func TestKeysSucceed(t *testing.T) {
	e := newExchange(t)
	c := e.client(t)
	ask := func() error {
		_, err := get(c, e.URL+"/v1/reports")
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	next := keyList(t, key(1), day, key(2), key(3))
	e.set(func() { e.response, e.list = key(3), next })
	if err := ask(); !errors.Is(err, httpsig.ErrKey) {
		t.Errorf("a list was asked for again at once: %v", err)
	}
	e.ago.Store(11)
	if err := ask(); err != nil {
		t.Error(err)
	}
	// An older list, which does not know that key 3 was taken back.
	e.ago.Store(7200)
	e.set(func() {
		e.list = keyList(t, key(1), day.Add(-time.Minute), key(2), key(3))
	})
	if err := ask(); !errors.Is(err, client.ErrKeys) {
		t.Error(err)
	}
	e.set(func() { e.list = next })
	if err := ask(); err != nil {
		t.Error(err)
	}
	if e.asked["/.well-known/assay-keys"] != 4 {
		t.Errorf("the key list was asked for %d times", e.asked["/.well-known/assay-keys"])
	}
}

func TestOnlyThisServer(t *testing.T) {
	e, other := newExchange(t), newExchange(t)
	c := e.client(t)
	e.mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/v1/reports", http.StatusFound)
	})
	for _, target := range []string{other.URL + "/v1/reports", e.URL + "/away", strings.Replace(e.URL, "https", "http", 1) + "/v1/reports"} {
		if _, err := get(c, target); err == nil || !strings.Contains(err.Error(), "another server") {
			t.Errorf("%s: %v", target, err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.URL, io.NopCloser(strings.NewReader("x")))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "y.example"
	if resp, err := c.RoundTrip(r); err == nil {
		_ = resp.Body.Close()
		t.Error("another Host was asked for")
	}
	if len(other.asked) > 0 {
		t.Errorf("asked: %v", other.asked)
	}
}

// Content that is too large to be held checks itself.
func TestLargeContent(t *testing.T) {
	e := newExchange(t)
	content := bytes.Repeat([]byte("x"), client.MaxContent+1)
	e.mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Digest", httpsig.ContentDigest(sha256.Sum256(content)))
		_, _ = w.Write(content)
	})
	c := e.client(t)
	got, err := get(c, e.URL+"/large")
	if err != nil || got.content != string(content) {
		t.Fatalf("%v: %d bytes", err, len(got.content))
	}
	if _, err := client.Receipt(got.Response, content); err == nil {
		t.Error("a receipt of too large content")
	}
	e.set(func() {
		e.before = func(w http.ResponseWriter, r *http.Request) bool {
			s, err := httpsig.NewSigner(e.response, e.clock)
			if err != nil {
				return false
			}
			httpsig.Handler(e.mux, s).ServeHTTP(altering{w}, r)
			return true
		}
	})
	if _, err := get(c, e.URL+"/large"); !errors.Is(err, httpsig.ErrDigest) {
		t.Errorf("altered: %v", err)
	}
}

// altering changes the last byte of what is written.
type altering struct{ http.ResponseWriter }

func (a altering) Write(p []byte) (int, error) {
	return a.ResponseWriter.Write(append(bytes.Clone(p[:len(p)-1]), 'y'))
}

func TestConfig(t *testing.T) {
	good := statementKey{key(1)}.PublicKey().String()
	for _, c := range []client.Config{
		{URL: "", Keys: []string{good}},
		{URL: "http://x.example", Keys: []string{good}},
		{URL: "ftp://localhost", Keys: []string{good}},
		{URL: "https://x.example/a", Keys: []string{good}},
		{URL: "https://x.example?a", Keys: []string{good}},
		{URL: "https://u:s3cret@x.example", Keys: []string{good}},
		{URL: "https://u:s3cret@x.example:port", Keys: []string{good}},
		{URL: "https://x.example"},
		{URL: "https://x.example", Keys: []string{"ed25519:00"}},
	} {
		if _, err := client.New(c); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, u := range []string{"https://x.example", "https://x.example/", "http://127.0.0.1:8080", "http://[::1]", "http://localhost"} {
		if _, err := client.New(client.Config{URL: u, Keys: []string{good}}); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
}
