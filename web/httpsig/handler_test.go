package httpsig_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/web/httpsig"
)

var day = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return day }

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func signer(t testing.TB, k crypto.Signer) *httpsig.Signer {
	t.Helper()
	s, err := httpsig.NewSigner(k, clock)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keys() []httpsig.Key {
	return []httpsig.Key{
		{Public: key(2).Public().(ed25519.PublicKey), From: day.Add(-time.Hour), Until: day.Add(time.Hour)},
		{Public: key(1).Public().(ed25519.PublicKey), From: day.Add(-time.Hour), Until: day.Add(time.Hour)},
	}
}

// server serves h, signed, over TLS 1.3.
func server(t testing.TB, http2 bool, h http.Handler, s *httpsig.Signer) (*httptest.Server, *bytes.Buffer) {
	t.Helper()
	logged := new(bytes.Buffer)
	var mu sync.Mutex
	srv := httptest.NewUnstartedServer(httpsig.Handler(h, s))
	srv.EnableHTTP2 = http2
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	srv.Config.ErrorLog = log.New(locked{&mu, logged}, "", 0)
	srv.Config.DisableGeneralOptionsHandler = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv, logged
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// ask puts a question and returns the answer as it came.
func ask(t testing.TB, srv *httptest.Server, method, target string, header ...string) (httpsig.Answer, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity") // net/http would decode it, and the digest is of what is sent
	a := httpsig.Answer{Method: method, URL: r.URL}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if n, ok := strings.CutPrefix(header[i+1], `assay=();nonce="`); ok {
			a.Nonce = strings.TrimSuffix(n, `"`)
		}
	}
	a.Asked = httpsig.Asked(r)
	resp, err := srv.Client().Do(r)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	if resp.TLS.Version != tls.VersionTLS13 {
		t.Errorf("TLS %x", resp.TLS.Version)
	}
	a.Status, a.Header = resp.StatusCode, resp.Header
	a.Content, err = io.ReadAll(resp.Body)
	return a, err
}

const month = "public, max-age=31536000, immutable"

var large = bytes.Repeat([]byte("0123456789abcdef"), 200_000) // 3.2 MB

// site answers in every way that matters.
func site() http.Handler {
	m := http.NewServeMux()
	text := func(pattern string, f http.HandlerFunc) { m.HandleFunc(pattern, f) }
	say := func(set ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(set); i += 2 {
				w.Header().Set(set[i], set[i+1])
			}
			_, _ = io.WriteString(w, "hello")
		}
	}
	text("/plain", say("Content-Type", "text/plain"))
	text("/untyped", say())
	text("/mine", say("Cache-Control", "Private, No-Store, immutable"))
	text("/tile", say("Cache-Control", month, "ETag", `"1"`, "Content-Type", "application/octet-stream"))
	text("/gzip", say("Content-Encoding", "gzip", "Content-Type", "application/json", "ETag", ` W/"2" `))
	text("/odd", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["ETag"] = []string{`"3"`} // not the canonical name
		w.Header()["Cache-Control"] = []string{"no-cache", "Private"}
		w.Header().Set("Signature", "assay=:AA==:")
		w.Header().Set("Content-Digest", "sha-256=:AA==:")
		w.Header().Set("Trailer", "Content-Digest")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
		w.Header().Set("Content-Type", "text/late")
		_, _ = io.WriteString(w, "odd")
	})
	text("/nothing", func(http.ResponseWriter, *http.Request) {})
	text("/empty", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if _, err := io.WriteString(w, "no"); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
	})
	text("/error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) })
	text("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/plain", http.StatusSeeOther) })
	text("/file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("ETag", `"4"`)
		w.Header().Set("Content-Digest", httpsig.ContentDigest(sha256.Sum256(large)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(large))
	})
	text("/held", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("ETag", `"5"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(large[:httpsig.MaxHeld]))
	})
	return m
}

func TestAnswersAreSigned(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		srv, logged := server(t, http2, site(), signer(t, key(1)))
		srv.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		zip := string(large)
		for _, tt := range []struct {
			method, target string
			status         int
			content        string
			covers         string // of the fields
			header         []string
		}{
			{"GET", "/plain", 200, "hello", "content-type content-digest cache-control", nil},
			{"GET", "/plain?a=%2F&b", 200, "hello", "content-type content-digest cache-control", nil},
			{"GET", "/untyped", 200, "hello", "content-type content-digest cache-control", nil},
			{"POST", "/plain", 200, "hello", "content-type content-digest cache-control", nil},
			{"HEAD", "/plain", 200, "", "content-type content-digest cache-control", nil},
			{"GET", "/mine", 200, "hello", "content-type content-digest cache-control", nil},
			{"GET", "/tile", 200, "hello", "content-type content-digest cache-control etag", nil},
			{"GET", "/gzip", 200, "hello", "content-type content-encoding content-digest cache-control etag", nil},
			{"GET", "/odd", 202, "odd", "content-type content-digest cache-control etag", nil},
			{"GET", "/nothing", 200, "", "content-digest cache-control", nil},
			{"GET", "/empty", 204, "", "content-digest cache-control", nil},
			{"GET", "/error", 418, "no\n", "content-type content-digest cache-control", nil},
			{"GET", "/moved", 303, "<a href=\"/plain\">See Other</a>.\n\n", "content-type content-digest cache-control", nil},
			{"GET", "/there/is/no%20such?page", 404, "404 page not found\n", "content-type content-digest cache-control", nil},
			{"OPTIONS", "/nowhere", 404, "404 page not found\n", "content-type content-digest cache-control", nil},
			{"GET", "/file", 200, zip, "content-type content-digest cache-control etag", nil},
			{"HEAD", "/file", 200, "", "content-type content-digest cache-control etag", nil},
			{"GET", "/file", 200, zip, "content-type content-digest cache-control etag", []string{"Range", "bytes=1-2", "If-Range", `"4"`}},
			{"GET", "/file", 304, "", "cache-control etag", []string{"If-None-Match", `"4"`}},
			{"GET", "/file", 412, "", "content-type content-digest cache-control etag", []string{"If-Match", `"x"`}},
			{"GET", "/held", 200, zip[:httpsig.MaxHeld], "content-type content-digest cache-control etag", nil},
			{"HEAD", "/held", 200, "", "content-type content-digest cache-control etag", nil},
			{"GET", "/held", 304, "", "cache-control etag", []string{"If-None-Match", `"5"`}},
			{"GET", "/plain", 200, "hello", "content-type content-digest cache-control", []string{"Accept-Signature", `assay=();nonce="0123456789-abc_DEF"`}},
			{"GET", "/tile", 200, "hello", "content-type content-digest cache-control etag", []string{"Accept-Signature", `assay=();nonce="0123456789-abc_DEF"`}},
			{"GET", "/plain", 200, "hello", "content-type content-digest cache-control", []string{"Accept-Signature", `assay=();nonce=short`}},
			{"GET", "/plain", 200, "hello", "content-type content-digest cache-control", []string{"Accept-Signature", `((`}},
		} {
			name := fmt.Sprintf("http2=%v %s %s %v", http2, tt.method, tt.target, tt.header)
			a, err := ask(t, srv, tt.method, tt.target, tt.header...)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if a.Status != tt.status || string(a.Content) != tt.content {
				t.Errorf("%s: %d with %d bytes, want %d with %d", name, a.Status, len(a.Content), tt.status, len(tt.content))
			}
			s, err := httpsig.Verify(a, keys(), day)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if s.KeyID != httpsig.Thumbprint(key(1).Public().(ed25519.PublicKey)) || !s.Created.Equal(day) || s.Nonce != a.Nonce {
				t.Errorf("%s: %+v", name, s)
			}
			covers := `("@status" "` + strings.ReplaceAll(tt.covers, " ", `" "`) + `" "@method";req "@path";req "@query";req`
			if tt.target == "/mine" {
				covers += ` "@authority";req`
			}
			if got := a.Header.Get("Signature-Input"); !strings.HasPrefix(got, "assay="+covers+");") {
				t.Errorf("%s: signed %s", name, got)
			}
			if got := a.Header.Get("Content-Type"); tt.target == "/untyped" && got != "application/octet-stream" || got == "text/late" {
				t.Errorf("%s: type %q", name, got)
			}
		}
		if logged.Len() > 0 {
			t.Errorf("logged: %s", logged)
		}
	}
}

// Answers last as long as SPEC part 28 allows.
func TestLifetimes(t *testing.T) {
	srv, _ := server(t, false, site(), signer(t, key(1)))
	for target, want := range map[string]time.Duration{"/plain": time.Minute, "/mine": 5 * time.Minute, "/tile": 0} {
		a, err := ask(t, srv, "GET", target)
		if err != nil {
			t.Fatal(err)
		}
		s, err := httpsig.Verify(a, keys(), day)
		if err != nil {
			t.Fatal(err)
		}
		if want == 0 {
			if !s.Expires.IsZero() {
				t.Errorf("%s expires %s", target, s.Expires)
			}
			continue
		}
		if got := s.Expires.Sub(s.Created); got != want {
			t.Errorf("%s lasts %s, want %s", target, got, want)
		}
		if _, err := httpsig.Verify(a, keys(), s.Expires); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		if _, err := httpsig.Verify(a, keys(), s.Expires.Add(time.Second)); !errors.Is(err, httpsig.ErrTime) {
			t.Errorf("%s a second later: %v", target, err)
		}
	}
	a, err := ask(t, srv, "GET", "/mine")
	if err != nil || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %v", err, a.Header)
	}
}

// counting counts what its key signs.
type counting struct {
	crypto.Signer
	mu sync.Mutex
	n  int
}

func (c *counting) Sign(r io.Reader, message []byte, o crypto.SignerOpts) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.Signer.Sign(r, message, o)
}

// An immutable answer is signed once for each question, whatever else is asked between; what differs in anything is signed anew.
func TestImmutableAnswersAreSignedOnce(t *testing.T) {
	k := &counting{Signer: key(1)}
	content := "hello"
	h := httpsig.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", month)
		_, _ = io.WriteString(w, content)
	}), signer(t, k))
	get := func(method, target string, header ...string) string {
		r := httptest.NewRequest(method, target, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Header().Get("Signature")
	}
	first := get("GET", "/a")
	seen := map[string]bool{}
	for _, tt := range []struct {
		method, target, header, content string
	}{
		{"GET", "/a", "", "hello"}, {"HEAD", "/a", "", "hello"}, {"GET", "/b", "", "hello"}, {"GET", "/a?", "", "hello"}, {"GET", "/a?b", "", "hello"}, {"GET", "/a", "", "hullo"},
		{"GET", "/a", `assay=();nonce="0123456789abcdef"`, "hello"},
	} {
		content = tt.content
		seen[get(tt.method, tt.target, "Accept-Signature", tt.header)] = true
	}
	if len(seen) != 6 || !seen[first] || k.n != 6 { // GET /a and GET /a? are one question
		t.Errorf("%d signatures of %d questions, the first among them: %v", k.n, len(seen), seen[first])
	}
	for range 3 {
		for range 10_000 { // more than are kept
			get("GET", fmt.Sprintf("/%d", k.n))
		}
		before := k.n
		get("GET", "/a?b")
		if k.n != before+1 {
			t.Error("a signature was kept longer than there is room for")
		}
	}
}

func TestSignerIsOfEd25519(t *testing.T) {
	if _, err := httpsig.NewSigner(nil, clock); err == nil {
		t.Error("no key")
	}
	if _, err := httpsig.NewSigner(key(1), nil); err == nil {
		t.Error("no clock")
	}
	if _, err := httpsig.NewSigner(other{}, clock); err == nil {
		t.Error("a key of another kind")
	}
}

type other struct{ crypto.Signer }

func (other) Public() crypto.PublicKey { return "p256" }

// A public answer that may be another one soon is signed once a second; one for a single caller, or with a nonce, each time.
func TestPublicAnswersAreSignedOnceASecond(t *testing.T) {
	k, now, caching := &counting{Signer: key(1)}, day, "no-cache"
	s, err := httpsig.NewSigner(k, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	h := httpsig.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", caching) }), s)
	seen := map[string]bool{}
	for i, tt := range []struct {
		later          time.Duration
		caching, nonce string
		signed         int // by now
	}{
		{0, "no-cache", "", 1}, {999 * time.Millisecond, "no-cache", "", 1}, {time.Second, "no-cache", "", 2}, {0, "no-cache", "", 2},
		{0, "no-cache", `assay=();nonce="0123456789abcdef"`, 3}, {0, "no-cache", `assay=();nonce="0123456789abcdef"`, 4}, {0, "no-store", "", 5}, {0, "no-store", "", 6},
	} {
		now, caching = day.Add(tt.later), tt.caching
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Header.Set("Accept-Signature", tt.nonce)
		h.ServeHTTP(w, r)
		if seen[w.Header().Get("Signature")] = true; k.n != tt.signed {
			t.Errorf("#%d: %d signatures were made, want %d", i, k.n, tt.signed)
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d different signatures, want 4", len(seen))
	}
}

func BenchmarkSigned4KiB(b *testing.B)    { benchmark(b, "no-cache") }
func BenchmarkImmutable4KiB(b *testing.B) { benchmark(b, month) }

func benchmark(b *testing.B, cacheControl string) {
	content := large[:4096]
	h := httpsig.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", cacheControl)
		_, _ = w.Write(content)
	}), signer(b, key(1)))
	r := httptest.NewRequest("GET", "/v1/reports/2026-10", nil)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
