package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/client"
)

// way is a way to a server on which every request gets a credential, and a wish of its own: what sqlmap sends needs neither.
// An answer whose signature is not good is none.
func (d *door) way(t *testing.T, by *client.Client) *httptest.Server {
	t.Helper()
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, err := http.NewRequestWithContext(r.Context(), r.Method, d.url+r.URL.RequestURI(), r.Body)
		if err != nil {
			http.Error(w, "no request", http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodPost {
			asked.Header.Set("Idempotency-Key", rand.Text())
		}
		for _, name := range []string{"Content-Type", "If-Match", "Idempotency-Key"} {
			if value := r.Header.Get(name); value != "" {
				asked.Header.Set(name, value)
			}
		}
		answer, err := by.Do(asked)
		if err != nil {
			t.Errorf("%s: %v", r.Method, err)
			http.Error(w, "no answer", http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		if answer.StatusCode >= http.StatusInternalServerError {
			t.Errorf("%s %s: %s", r.Method, r.URL.Path, answer.Status)
		}
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body) // sqlmap looks at what it has got
	}))
	t.Cleanup(way.Close)
	return way
}

// TestJudgedBySQLMap: sqlmap injects into parameters, paths, fields and contents of what the server's database is asked for, with an API key
// of each kind: a secret, which may read, and those that may write, by which a request is signed or a certificate shown
// (make test-security runs this).
func TestJudgedBySQLMap(t *testing.T) {
	folder := os.Getenv("ASSAY_SECURITY")
	if folder == "" {
		t.Skip("make test-security installs the judges and runs this")
	}
	ca := newAuthority(t, 1)
	d := newDoorWith(t, map[string]string{"clients.pem": inPEM(ca.certificate.Raw)}, "client_auth = \"optional\"\nclient_ca = \"clients.pem\"\n")
	s := d.server
	boss := s.boss(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signing, shown := s.granted(t, boss, "--public-key", "ed25519:"+hex.EncodeToString(public)), ca.client(t, 11)
	s.write(t, "shown.pem", inPEM(shown.Certificate[0]))
	s.granted(t, boss, "--certificate", "shown.pem")
	byCertificate, transport := d.with(t, shown)
	defer transport.CloseIdleConnections()
	secret := s.admin(t, "create", "--name", "reader", "--client", boss, "--permission", string(authz.ProofReadAny), "--permission", string(authz.ClientRead), "--permission", string(authz.AuditRead), "--permission", string(authz.UsageRead)).Key
	bySignature := d.showing(t, func(c *client.Config) { c.Signer = &client.Signer{ID: signing.ID, Key: private, Random: rand.Reader} })
	waitFor(t, "taken", func() bool { // nothing that was signed in the first seconds is
		_, err := bySignature.Me(t.Context())
		return err == nil
	})
	wish := fmt.Sprintf(`{"client":"%s*","name":"host*","permissions":["proof:read:any*"],"networks":["127.0.0.1*"]}`, boss)
	for kind, q := range map[string]struct {
		by   *client.Client
		asks [][]string // a path where * marks what is injected into, and what else sqlmap is told
	}{
		"secret": {d.showing(t, func(c *client.Config) { c.APIKey = secret }), [][]string{
			{"/v1/audit?limit=5*&cursor=AAAA*"}, {"/v1/usage?hours=5*&client=" + boss + "*"}, {"/v1/keys?client=" + boss + "*"}, {"/v1/clients/" + boss + "*"},
			{"/v1/proofs", "--method=POST", "--data=" + strings.Replace(strings.Replace(d.asking, `","`, `*","`, 1), `"}`, `*"}`, 1)},
		}},
		"signature": {bySignature, [][]string{
			{"/v1/keys/" + signing.ID + "*"}, {"/v1/keys", "--method=POST", "--data=" + wish}, {"/v1/limits/basic*"},
		}},
		"certificate": {byCertificate, [][]string{
			{"/v1/clients", "--method=POST", `--data={"name":"x*","roles":["viewer*"],"tier":"basic*","scope":{"entities":["e*"]}}`},
			{"/v1/clients/aaaaaaaaaaaaaaaa*:disable", "--method=POST"}, {"/v1/clients", "--method=POST", `--data={"name":"x","roles":["viewer"]}`, "--header=Idempotency-Key: wish-of-a-judge-0*"},
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			way, said := d.way(t, q.by), ""
			for _, ask := range q.asks {
				args := append([]string{"-u", way.URL + ask[0], "--batch", "--flush-session", "--output-dir", t.TempDir(), "--dbms", "sqlite", "--level", "1", "--risk", "1", "--technique", "BEUSQ",
					"--time-sec", "2", "--timeout", "20", "--retries", "0", "--ignore-code", "400,401,403,404,409,412,422,428", "--disable-coloring", "--skip-waf", "--answers", "JSON=N"}, ask[1:]...)
				if len(ask) > 1 {
					args = append(args, "--headers", "Content-Type: application/json")
				}
				one, err := judgedBy(t, folder, "sqlmap", args...)
				said += one
				if err != nil || !strings.Contains(one, "all tested parameters do not appear to be injectable") {
					t.Errorf("%s: %v\n%s", ask[0], err, one)
				}
			}
			if err := os.WriteFile(filepath.Join(folder, "sqlmap-"+kind+".txt"), []byte(said), 0o600); err != nil {
				t.Error(err)
			}
		})
	}
	if said := read(t, d.said); strings.Contains(said, "panic") || strings.Contains(said, "could not be done") {
		t.Errorf("the server's log: %s", said)
	}
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, "audit", "verify")
	t.Logf("afterwards: %s", stdout)
}
