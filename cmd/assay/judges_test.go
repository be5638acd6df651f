package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// explained is what testssl says of the server in the test that is no fault of the server.
var explained = map[string]string{
	"engine_problem":       "of testssl's own openssl",
	"TLS_session_ticket":   "in TLS 1.3 each resumption has a key exchange of its own; Go replaces the tickets' key every day",
	"cert_serialNumberLen": "the certificate is the test's own",
	"cert_chain_of_trust":  "the certificate is the test's own",
	"cert_revocation":      "the certificate is the test's own",
	"DNS_CAArecord":        "an address has none",
}

// judgedBy runs a judge in a folder of its own, and keeps what it says.
func judgedBy(t *testing.T, folder, program string, args ...string) (said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err := os.WriteFile(filepath.Join(folder, filepath.Base(program)+".txt"), out, 0o600); err != nil {
		t.Fatal(err)
	}
	return string(out), err
}

// TestOutsideJudges: programs of others, which make test-security installs, judge a served exchange. What they say is kept in build/security.
func TestOutsideJudges(t *testing.T) {
	folder := os.Getenv("ASSAY_SECURITY")
	if folder == "" {
		t.Skip("make test-security installs the judges and runs this")
	}
	s := overTLS(t)
	address := strings.TrimPrefix(s.url, "https://")
	t.Run("openssl", func(t *testing.T) { older(t, s.url) })
	t.Run("sslscan", func(t *testing.T) {
		said, err := judgedBy(t, folder, "sslscan", "--no-colour", address)
		enabled := regexp.MustCompile(`(?m)^(SSLv\d|TLSv1\.\d) +enabled$`).FindAllString(said, -1)
		if err != nil || len(enabled) != 1 || !strings.HasPrefix(enabled[0], "TLSv1.3") || regexp.MustCompile(`(?m)^\S+ vulnerable to`).MatchString(said) {
			t.Errorf("%v: %q\n%s", err, enabled, said)
		}
	})
	t.Run("testssl", func(t *testing.T) { s.testssl(t, folder, address) })
	t.Run("slowhttptest", func(t *testing.T) {
		for mode, more := range map[string][]string{"-H": nil, "-B": {"-s", "8192"}, "-X": {"-k", "3", "-w", "10", "-y", "20"}} {
			s.slowly(t, folder, append([]string{mode, "-c", "1000", "-i", "5", "-r", "250", "-l", "20", "-p", "5", "-u", s.url + "/bundle.zip"}, more...)...)
		}
	})
	t.Run("schemathesis", func(t *testing.T) {
		s.write(t, "schemathesis.toml", "[checks]\nnegative_data_rejection.expected-statuses = [400, 404, 405, 406, 413, 414, 422]\n") // 414 too is a refusal
		said, err := judgedBy(t, folder, filepath.Join(folder, "venv", "bin", "schemathesis"), "--config-file", filepath.Join(s.dir, "schemathesis.toml"), "run", s.url+"/openapi.json", "--checks", "all", "--max-examples", "60",
			"--generation-deterministic", "--tls-verify", filepath.Join(s.dir, "cert.pem"), "--workers", "1", "--no-color")
		if err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	})
	t.Run("wapiti", func(t *testing.T) { s.wapiti(t, folder) })
	if said := read(t, s.stderr); strings.Contains(said, "panic") {
		t.Errorf("the server's log: %s", said)
	}
}

// wapiti injects into parameters, through a server that counts what it asks, so that one which asks nothing finds nothing in vain. It runs
// without the modules that ask a server of its makers.
func (s served) wapiti(t *testing.T, folder string) {
	t.Helper()
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	way := &httputil.ReverseProxy{Transport: s.transport, Rewrite: func(r *httputil.ProxyRequest) { asked.Add(1); r.SetURL(to) }}
	plain := httptest.NewServer(way)
	defer plain.Close()
	said, err := judgedBy(t, folder, "wapiti", "-u", plain.URL+"/v1/reports?limit=1&series=monthly", "-s", plain.URL+"/v1/log/proof?index=0", "--scope", "domain", "-d", "1", "--max-links-per-page", "20",
		"--flush-session", "--store-session", t.TempDir(), "--no-bugreport", "-m", "sql,xss,file,exec,crlf,redirect", "--max-scan-time", "60", "-f", "json", "-o", filepath.Join(folder, "wapiti.json"))
	if err != nil || asked.Load() < 100 {
		t.Fatalf("%v, after %d requests\n%s", err, asked.Load(), said)
	}
	t.Logf("%d requests", asked.Load())
	var found struct {
		Vulnerabilities, Anomalies map[string][]any
	}
	if err := json.Unmarshal([]byte(read(t, folder, "wapiti.json")), &found); err != nil || len(found.Vulnerabilities) == 0 {
		t.Fatalf("%v: %v", err, found)
	}
	for kind, list := range found.Vulnerabilities {
		if len(list)+len(found.Anomalies[kind]) > 0 {
			t.Errorf("%s: %v", kind, list)
		}
	}
}

// testssl has every finding explained.
func (s served) testssl(t *testing.T, folder, address string) {
	t.Helper()
	file := filepath.Join(folder, "testssl.json")
	_ = os.Remove(file) // of the run before
	said, err := judgedBy(t, folder, "testssl", "--quiet", "--color", "0", "--warnings", "batch", "--connect-timeout", "5", "--jsonfile", file, address)
	var findings []struct{ ID, Severity, Finding string }
	if jsonErr := json.Unmarshal([]byte(read(t, file)), &findings); jsonErr != nil || len(findings) < 50 {
		t.Fatalf("%v, %v: %d findings\n%s", err, jsonErr, len(findings), said)
	}
	for _, f := range findings {
		name, _, _ := strings.Cut(f.ID, " ")
		switch f.Severity {
		case "OK", "INFO", "DEBUG":
		default:
			if explained[name] == "" {
				t.Errorf("%s: %s: %s", f.Severity, f.ID, f.Finding)
			}
		}
		if f.ID == "TLS1_3" && !strings.Contains(f.Finding, "offered") || (f.ID == "TLS1_2" || f.ID == "TLS1_1" || f.ID == "TLS1" || f.ID == "SSLv3" || f.ID == "SSLv2") && !strings.Contains(f.Finding, "not offered") {
			t.Errorf("%s: %s", f.ID, f.Finding)
		}
	}
}

// slowly has a thousand connections ask slowly, or read slowly, while others who ask are answered.
func (s served) slowly(t *testing.T, folder string, args ...string) {
	t.Helper()
	done := make(chan error, 1)
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "slowhttptest", args...)
	cmd.Dir, cmd.Stdout = folder, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { done <- cmd.Wait() }()
	for asked := 0; ; asked++ {
		select {
		case err := <-done:
			if writeErr := os.WriteFile(filepath.Join(folder, "slowhttptest"+args[0]+".txt"), said.Bytes(), 0o600); writeErr != nil {
				t.Error(writeErr)
			}
			if err != nil || asked < 10 || !strings.Contains(said.String(), "YES") || regexp.MustCompile(`service available:\S*\s+\S*NO`).Match(said.Bytes()) {
				t.Errorf("slowhttptest %s: %v, %d answers meanwhile: %s", strings.Join(args, " "), err, asked, said.String())
			}
			return
		case <-time.After(200 * time.Millisecond):
			s.transport.CloseIdleConnections()
			get(t, s.client, "/v1/reports/latest")
		}
	}
}
