package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/client"
)

// A served exchange is asked over TLS by its own client, and by assay-verify, which shares no code with it.
type served struct {
	*exchange
	url, stderr string
	process     *os.Process
	client      *client.Client
	transport   *http.Transport // that believes the server's certificate
}

// overTLS serves an exchange with two reports and a log.
func overTLS(t *testing.T) served {
	t.Helper()
	s := served{exchange: tlsExchange(t)}
	roots := x509.NewCertPool()
	roots.AddCert(pair(t, s.dir, 1, time.Now().AddDate(0, 0, 90)))
	s.url, s.stderr, s.process = servingProcess(t, s.dir, s.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	s.transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	var err error
	s.client, err = client.New(client.Config{
		URL: s.url, Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}, Exchange: "Demo Exchange", HTTP: &http.Client{Transport: s.transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", filepath.Join(s.dir, "cert.pem")) // of whatever else asks
	return s
}

// question is one that is put to a server.
type question struct {
	method, path string
	status       int
	header       []string // names and values
}

// receipt asks, and keeps the answer that the client has checked.
func (s served) receipt(t *testing.T, q question) (receipt []byte, tag string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, s.url+q.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(q.header); i += 2 {
		r.Header.Set(q.header[i], q.header[i+1])
	}
	answer, err := s.client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != q.status {
		t.Errorf("%s %s: status %d, want %d: %s", q.method, q.path, answer.StatusCode, q.status, content)
	}
	if receipt, err = client.Receipt(answer, content); err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	return receipt, answer.Header.Get("Etag")
}

// questions are put to every route, and to what is none.
func (s served) questions(t *testing.T) []question {
	t.Helper()
	first, second := s.digest(t, "first"), s.digest(t, "second")
	all := []question{
		{"GET", "/bundle/manifest.json", 200, nil}, {"GET", "/log/checkpoint", 200, nil}, {"GET", "/log/tile/entries/000.p/2", 200, nil},
		{"GET", "/v1/reports?limit=1", 200, nil}, {"GET", "/v1/reports?limit=1&cursor=" + second, 200, nil}, {"GET", "/v1/log/proof?index=1", 200, nil},
		{"GET", "/v1/log/tile/entries/000.p/2", 200, nil}, {"GET", "/v1/log/tile/0/000.p/2", 200, nil},
		{"GET", "/nothing", 404, nil}, {"GET", "/v1/nothing?a=%2F%22", 404, nil}, {"GET", "/v1/reports/" + strings.Repeat("0", 64), 404, nil}, {"GET", "/v1/log/proof?index=9", 404, nil},
		{"POST", "/v1/reports", 405, nil}, {"DELETE", "/", 405, nil}, {"GET", "/v1/reports?limit=1&limit=2", 400, nil}, {"GET", "/v1/reports?limit=0", 422, nil},
		{"GET", "/v1/reports", 406, []string{"Accept", "text/html"}}, {"GET", "/v1/reports?" + strings.Repeat("a", 2048), 414, nil},
	}
	for _, path := range []string{"/", "/statement.dsse.json", "/bundle.zip", "/v1/reports", "/v1/log/checkpoint", "/v1/policy", "/v1/health", "/.well-known/assay-keys", "/openapi.json", "/openapi.yaml"} {
		all = append(all, question{"GET", path, 200, nil}, question{"HEAD", path, 200, nil})
	}
	for _, statement := range []string{first, second, "latest"} {
		for _, of := range []string{"", "/statement", "/bundle", "/files/manifest.json", "/files/statement.dsse.json", "/files/attachments/log.tlog-proof", "/report", "/states"} {
			all = append(all, question{"GET", "/v1/reports/" + statement + of, 200, nil})
		}
	}
	return all
}

// TestReceiptsAreBelieved: what builder's side answers and its client keeps, the verifier believes; altered in any of what is covered, it does not.
func TestReceiptsAreBelieved(t *testing.T) {
	s := overTLS(t)
	list, err := s.client.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "keys.dsse.json", string(list))
	questions := s.questions(t)
	s.everyPathIsAsked(t, questions)
	for i, q := range questions {
		receipt, tag := s.receipt(t, q)
		s.judged(t, fmt.Sprint(i), receipt, q.status)
		if tag != "" && q.method == "GET" {
			unchanged := question{"GET", q.path, 304, []string{"If-None-Match", tag}}
			receipt, _ := s.receipt(t, unchanged)
			s.judged(t, fmt.Sprint(i, "-unchanged"), receipt, 304)
		}
		if q.method == "GET" && len(q.header) == 0 && i%4 == 0 {
			s.fetched(t, fmt.Sprintf("fetched-%d", i), q)
		}
	}
	nonce := question{"GET", "/v1/health", 200, []string{"Accept-Signature", `assay=();nonce="0123456789abcdef"`}}
	receipt, _ := s.receipt(t, nonce)
	if out := s.judged(t, "nonce", receipt, 200); !strings.Contains(out, "0123456789abcdef") {
		t.Errorf("the verdict does not tell the nonce: %s", out)
	}
}

// everyPathIsAsked holds the questions to the document that the server has of itself.
func (s served) everyPathIsAsked(t *testing.T, questions []question) {
	t.Helper()
	var document struct {
		Paths map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(get(t, s.client, "/openapi.json").content), &document); err != nil || len(document.Paths) < 14 {
		t.Fatalf("%v: %d paths", err, len(document.Paths))
	}
	for path := range document.Paths {
		pattern, asked := strings.NewReplacer("{statement}", "latest", "{path}", "").Replace(path), false
		for _, q := range questions {
			target, _, _ := strings.Cut(q.path, "?")
			asked = asked || q.status == 200 && (target == pattern || strings.HasSuffix(path, "{path}") && strings.HasPrefix(target, pattern))
		}
		if !asked {
			t.Errorf("%s is in the document, and no question of this test", path)
		}
	}
}

// judged gives a receipt to assay-verify as it is, and altered.
func (s served) judged(t *testing.T, name string, receipt []byte, status int) (said string) {
	t.Helper()
	file := "receipt-" + name + ".json"
	s.write(t, file, string(receipt))
	code, said, stderr := call(t, s.dir, s.verify, "response", file, "--keys", "keys.dsse.json", "--policy", "trust.toml", "--now", time.Now().UTC().Format("2006-01-02T15:04:05Z"), "--json")
	if code != 0 {
		t.Fatalf("%s: exit %d: %s%s", receipt, code, said, stderr)
	}
	for what, alter := range map[string]func(map[string]any){
		"content": func(r map[string]any) { r["content"] = "AAAA" },
		"status":  func(r map[string]any) { r["status"] = 201 },
		"method":  func(r map[string]any) { r["method"] = "PUT" },
		"url":     func(r map[string]any) { r["url"] = strings.Replace(r["url"].(string), "?", "", 1) + "?x" },
		"caching": func(r map[string]any) { r["headers"].([]any)[0].(map[string]any)["value"] = "no-cache, max-age=0" },
	} {
		var r map[string]any
		if err := json.Unmarshal(receipt, &r); err != nil {
			t.Fatal(err)
		}
		r["status"] = status // no float
		alter(r)
		raw, err := attest.Canonical(r)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, file, string(raw))
		code, out, _ := call(t, s.dir, s.verify, "response", file, "--keys", "keys.dsse.json", "--policy", "trust.toml")
		if code != 1 && code != 3 || strings.Contains(out, "SIGNED") {
			t.Errorf("%s with another %s: exit %d: %s", name, what, code, out)
		}
	}
	return said
}

// fetched has assay-verify ask for itself; what it keeps it believes later, with the key list that it kept.
func (s served) fetched(t *testing.T, name string, q question) {
	t.Helper()
	if code, out, stderr := call(t, s.dir, s.verify, "response", "--url", s.url+q.path, "--policy", "trust.toml", "--keep", name+".json"); code != 0 || !strings.Contains(out, "SIGNED") {
		t.Fatalf("%s: exit %d: %s%s", q.path, code, out, stderr)
	}
	if code, out, stderr := call(t, s.dir, s.verify, "response", name+".json", "--keys", name+".keys.dsse.json", "--policy", "trust.toml"); code != 0 {
		t.Errorf("%s, as it was kept: exit %d: %s%s", q.path, code, out, stderr)
	}
	var kept struct {
		Status int
	}
	if err := json.Unmarshal([]byte(read(t, s.dir, name+".json")), &kept); err != nil || kept.Status != q.status {
		t.Errorf("%s: %v, status %d kept, want %d", q.path, err, kept.Status, q.status)
	}
}
