package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/client"
)

// pair writes a certificate of its own for the loopback address, good for a year and a day, and its key, over whatever is there.
func pair(t *testing.T, dir string, serial int64, until time.Time) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "assay test"}, NotBefore: until.AddDate(-1, 0, -1), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"key.pem": {Type: "PRIVATE KEY", Bytes: raw}, "cert.pem": {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// unhurried is a server's configuration that lets tests ask as often as they like.
const unhurried = `limits = { anonymous = "1000000/s", failures = "1000000/s", lookups = "1000000/s", runs = "1000000/s", standard = "1000000/s", partner = "1000000/s", auditor = "1000000/s", connections = 10000 }` + "\n"

// tlsExchange is one that is served over TLS, its answers signed: two reports in a folder, and the log.
func tlsExchange(t *testing.T) *exchange {
	t.Helper()
	e := newExchange(t, "[server]\nkey = \"file:keys/response.age\"\nreports = \"reports\"\ncertificate = \"cert.pem\"\ncertificate_key = \"key.pem\"\n"+unhurried)
	e.published(t, "first", "2026-10", "2026-10-31T23:59:59Z")
	e.published(t, "second", "2026-11", "2026-11-15T23:59:59Z")
	for _, name := range []string{"first", "second"} {
		e.shelved(t, name)
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(read(t, e.dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	e.must(t, "keys", "response", "--recipient", id.Recipient().String(), "--sign-only") // the log stays as the tests know it
	return e
}

// shelved copies what was published of a statement to the shelf, as a server's operator would: under a hidden name, then renamed.
func (e *exchange) shelved(t *testing.T, name string) {
	t.Helper()
	hidden := filepath.Join(e.dir, "reports", "."+name)
	for from, to := range map[string]string{name: "bundle", name + "-page": "report"} {
		if err := os.CopyFS(filepath.Join(hidden, to), os.DirFS(filepath.Join(e.dir, from))); err != nil {
			t.Fatal(err)
		}
	}
	e.write(t, filepath.Join("reports", "."+name, "bundle.zip"), read(t, e.dir, name+".zip"))
	if err := os.Rename(hidden, filepath.Join(e.dir, "reports", name)); err != nil {
		t.Fatal(err)
	}
}

// reply is what came of asking.
type reply struct {
	protocol string
	tls      *tls.ConnectionState
	header   http.Header
	content  string
}

// get asks for what must be signed, and whose signature the client has checked.
func get(t *testing.T, c *client.Client, path string) reply {
	t.Helper()
	response, err := c.Get(t.Context(), path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return reply{response.Proto, response.TLS, response.Header, string(content)}
}

// TestServeTLS: TLS 1.3 and HTTP/2, every answer signed by a key that the statement key vouches for; a new report and a new certificate are noticed.
func TestServeTLS(t *testing.T) {
	e := tlsExchange(t)
	until := time.Now().AddDate(0, 0, 90)
	roots := x509.NewCertPool()
	roots.AddCert(pair(t, e.dir, 1, until))
	url, stderr, process := servingProcess(t, e.dir, e.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Fatalf("serving %s", url)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	c, err := client.New(client.Config{URL: url, Keys: []string{strings.TrimSpace(read(t, e.dir, "keys", "statement.pub"))}, Exchange: "Demo Exchange", HTTP: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	reports := get(t, c, "/v1/reports")
	if reports.tls.Version != tls.VersionTLS13 || reports.protocol != "HTTP/2.0" || reports.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("TLS %x, %s, %v", reports.tls.Version, reports.protocol, reports.header)
	}
	var list api.Reports
	if err := json.Unmarshal([]byte(reports.content), &list); err != nil || len(list.Reports) != 2 || list.Reports[0].Period != "2026-11" || list.Reports[0].State != "published" {
		t.Fatalf("%v: %s", err, reports.content)
	}
	for _, path := range []string{"/", "/bundle.zip", "/log/checkpoint", "/v1/log/checkpoint", "/v1/log/proof?index=1", "/v1/log/proof?index=2", list.Reports[1].Links.States, list.Reports[1].Links.Bundle, "/v1/nothing", "/openapi.json", "/v1/health"} {
		get(t, c, path)
	}
	proof := get(t, c, "/v1/log/proof?index=1").content
	if want := read(t, e.dir, "second", "attachments", "log.tlog-proof"); proof != want {
		t.Errorf("the proof of entry 1 is %s, and the bundle's %s", proof, want)
	}
	e.must(t, "withdraw", "--statement", e.digest(t, "first"), "--reason", "The ledger was incomplete.")
	if states := get(t, c, list.Reports[1].Links.States).content; !strings.Contains(states, `"state":"withdrawn"`) || !strings.Contains(states, "The ledger was incomplete.") {
		t.Errorf("after a withdrawal: %s", states)
	}
	older(t, url)

	// Another certificate is taken on SIGHUP; a bad one is not.
	for _, step := range []struct {
		name, want string
		replace    func()
		serial     int64
	}{
		{"another", "another certificate is served", func() { roots.AddCert(pair(t, e.dir, 2, until)) }, 2},
		{"expired", "the new certificate is refused", func() { pair(t, e.dir, 3, time.Now().AddDate(0, 0, -1)) }, 2},
		{"no certificate", "the new certificate is refused", func() { e.write(t, "cert.pem", "x") }, 2},
	} {
		before := strings.Count(read(t, stderr), step.want)
		step.replace()
		if err := process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for strings.Count(read(t, stderr), step.want) == before {
			time.Sleep(10 * time.Millisecond)
		}
		transport.CloseIdleConnections()
		if got := get(t, c, "/v1/health").tls.PeerCertificates[0].SerialNumber.Int64(); got != step.serial {
			t.Errorf("%s: certificate %d, want %d", step.name, got, step.serial)
		}
	}
	if said := read(t, stderr); strings.Contains(said, "PRIVATE") || strings.Contains(said, "panic") {
		t.Errorf("the log says %s", said)
	}
}

// older speaks no TLS, and an older one, with openssl too where it is there, and is refused; nobody is led from there to https.
func older(t *testing.T, url string) {
	t.Helper()
	address := strings.TrimPrefix(url, "https://")
	if _, err := tls.Dial("tcp", address, &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true}); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	if plain, err := http.Get("http://" + address + "/v1/health"); err == nil {
		plain.Body.Close()
		if plain.StatusCode != http.StatusBadRequest || plain.Header.Get("Location") != "" {
			t.Errorf("without TLS: %s, and it leads to %q", plain.Status, plain.Header.Get("Location"))
		}
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Log("no openssl here: it is not asked")
		return
	}
	for version, want := range map[string]bool{"-tls1_1": false, "-tls1_2": false, "-tls1_3": true} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		cmd := exec.CommandContext(ctx, openssl, "s_client", version, "-brief", "-connect", address)
		cmd.Stdin = strings.NewReader("")
		out, err := cmd.CombinedOutput()
		cancel()
		if (err == nil) != want {
			t.Errorf("openssl s_client %s: %v: %s", version, err, out)
		}
	}
}

// TestCertificates: files that are replaced are told by their stamp; what cannot be served is refused at the start.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	c := &certificates{certificate: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), log: slog.New(slog.NewTextHandler(&said, nil))}
	if err := c.load(); err == nil {
		t.Error("files that are not there were loaded")
	}
	want := pair(t, dir, 1, time.Now().AddDate(1, 0, 0))
	if c.stamp() == c.seen {
		t.Error("new files were not noticed")
	}
	if err := c.load(); err != nil || !c.current.Load().Leaf.Equal(want) {
		t.Fatal(err)
	}
	if c.stamp() != c.seen {
		t.Error("the same files count as new")
	}
	other := t.TempDir()
	pair(t, other, 2, time.Now().AddDate(1, 0, 0))
	key, err := os.ReadFile(filepath.Join(other, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.key, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.load(); err == nil {
		t.Error("a key of another certificate was taken")
	}
	for name, until := range map[string]time.Time{"expired": time.Now().Add(-time.Hour), "not yet": time.Now().AddDate(2, 0, 0)} {
		pair(t, dir, 3, until)
		if err := c.load(); err == nil || !strings.Contains(err.Error(), "not now") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := c.get(nil); err != nil || !got.Leaf.Equal(want) {
		t.Errorf("after refusals %v is served: %v", got, err)
	}
}

// TestNoAddressInTheLog: who does not get as far as a request is told of without their address.
func TestNoAddressInTheLog(t *testing.T) {
	dir, said := t.TempDir(), new(said)
	pair(t, dir, 1, time.Now().AddDate(0, 1, 0))
	kept := &certificates{certificate: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), log: slog.New(slog.DiscardHandler)}
	if err := kept.load(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS, server.Config.ErrorLog = kept.config(), errorLog(slog.New(slog.NewTextHandler(said, nil)))
	server.StartTLS()
	address := server.Listener.Addr().String()
	if _, err := tls.Dial("tcp", address, &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true}); err == nil {
		t.Error("it speaks TLS 1.2")
	}
	server.Close()
	line := said.String()
	if !strings.Contains(line, "TLS handshake error from an address: ") || strings.Contains(line, "127.0.0.1") {
		t.Errorf("the log says %s", line)
	}
	for _, address := range []string{"192.0.2.7:40000", "[2001:db8::1]:40000", "[fe80::1%eth0]:40000", "[::ffff:192.0.2.7]:1"} {
		said := new(strings.Builder)
		errorLog(slog.New(slog.NewTextHandler(said, nil))).Printf("http: panic serving %s: x", address)
		if !strings.Contains(said.String(), `"http: panic serving an address: x"`) {
			t.Errorf("%s: %s", address, said)
		}
	}
}
