package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An appServer lets in apps, whose customers sign in at an identity provider: npm oidc-provider.
type appServer struct {
	*proofServer
	modules, node    string
	origin, provider string
	key              *ecdsa.PrivateKey
	byKey            string // id of the app that signs assertions
	byCertificate    string // and of the one that shows a certificate,
	shown, shownKey  string // which is this, in PEM
	said             string // file of what the server says
	spki             string // of the certificate that both servers show, as a browser is told to take it
}

// nodeOf finds node, and the programs of npm.
func nodeOf(t *testing.T, names ...string) (node, modules string) {
	t.Helper()
	modules, err := filepath.Abs("../../build/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skip("skipped: the programs of npm that play apps and an identity provider are not there; type: make judges")
		}
	}
	if node, err = exec.LookPath("node"); err != nil {
		t.Skip("skipped: there is no node, which runs the programs of npm")
	}
	return node, modules
}

// newAppServer runs one, and its identity provider; others may be named in what is configured besides.
func newAppServer(t *testing.T, besides ...func(*appServer) string) *appServer {
	t.Helper()
	s := &appServer{}
	s.node, s.modules = nodeOf(t, "oauth4webapi", "openid-client", "oidc-provider")
	s.proofServer = newProofServer(t)
	port, other := freePort(t), freePort(t)
	s.origin, s.provider = fmt.Sprintf("https://127.0.0.1:%d", port), fmt.Sprintf("https://127.0.0.1:%d", other)
	spki := sha256.Sum256(pair(t, s.dir, 1, time.Now().AddDate(0, 0, 90)).RawSubjectPublicKeyInfo)
	s.spki = base64.StdEncoding.EncodeToString(spki[:])
	s.runProvider(t, other)
	ca := newAuthority(t, 1)
	s.write(t, "clients.pem", inPEM(ca.certificate.Raw))
	s.write(t, "keys/oidc-secret", "a-secret-of-the-server\n")
	lines := "certificate = \"cert.pem\"\ncertificate_key = \"key.pem\"\nclient_auth = \"optional\"\nclient_ca = \"clients.pem\"\n"
	config := strings.Replace(read(t, s.dir, "assay.toml"), "[server]\n", "[server]\n"+lines, 1) + fmt.Sprintf(`
[server.oauth]
origin = %q
login = { issuer = %q, client = "assay", secret = "keys/oidc-secret" }
[[server.oauth.issuers]]
url = %[2]q
algorithms = ["ES256"]
addresses = ["127.0.0.1"]
ca = "cert.pem"
rules = [{ claim = "scope", value = "proofs", role = "delegate" }]
`, s.origin, s.provider)
	for _, more := range besides {
		config += more(s)
	}
	s.write(t, "assay.toml", config)
	s.registers(t, ca)
	_, s.said, _ = servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", fmt.Sprintf("127.0.0.1:%d", port))...)
	// What was taken before a server alone began is forgotten, so no proof is taken that is dated to the second in which it did.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	return s
}

// runProvider runs the identity provider, until the test ends.
func (s *appServer) runProvider(t *testing.T, port int) {
	t.Helper()
	c := exec.Command(s.node, "testdata/oauth/provider.mjs", s.modules, fmt.Sprint(port), filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem"), s.origin)
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
	line := make([]byte, len("listening\n"))
	if _, err := out.Read(line); err != nil || string(line) != "listening\n" {
		_ = c.Wait()
		t.Fatalf("the identity provider does not run: %q %v: %s", line, err, said.String())
	}
	go func() { _, _ = bytes.NewBuffer(nil).ReadFrom(out) }()
}

// registers registers the apps.
func (s *appServer) registers(t *testing.T, ca authority) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	s.key = key()
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.key.Public(), KeyID: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "app.jwks", string(set))
	own := key()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "wallet"}, DNSNames: []string{"wallet.app.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 9),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, own.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	s.shown, s.shownKey = inPEM(raw), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	register := func(flags ...string) string {
		flags = append([]string{"admin", "app", "register", "--name", "Wallet", "--owner", "Wallet Ltd", "--role", "delegate", "--role", "viewer", "--redirect", "https://app.example/back", "--json"}, flags...)
		stdout, _ := mustCall(t, s.dir, s.exchange.assay, opened(flags...)...)
		var made struct{ ID, By, State string }
		if err := json.Unmarshal([]byte(stdout), &made); err != nil || made.ID == "" || made.State != "good" {
			t.Fatalf("%v: %s", err, stdout)
		}
		return made.ID
	}
	s.byKey, s.byCertificate = register("--keys", "app.jwks"), register("--certificate-name", "wallet.app.example")
}

// runs runs a program of npm, and reads a line of what it says for each of what it did.
func (s *appServer) runs(t *testing.T, program string, in any) []byte {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), s.node, "testdata/oauth/"+program, s.modules)
	c.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+filepath.Join(s.dir, "cert.pem"))
	var faults bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(raw), &faults
	said, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, faults.String())
	}
	return said
}

// TestAppsOutside: two programs of npm that know nothing of us go the whole way as apps, bound to a key and to a certificate, to a customer's proof and back; a third is the
// identity provider at which the customer signs in, and whose tokens the API takes.
func TestAppsOutside(t *testing.T) {
	s := newAppServer(t)
	said := s.runs(t, "judge.mjs", map[string]any{
		"origin": s.origin, "provider": s.provider, "customer": s.customers[0], "byKey": s.byKey, "byCertificate": s.byCertificate, "key": jose.JSONWebKey{Key: s.key},
		"certificate": s.shown, "certificateKey": s.shownKey, "statement": s.exchange.digest(t, "first"),
	})
	ways := 0
	for d := json.NewDecoder(bytes.NewReader(said)); d.More(); ways++ {
		var way struct {
			Way, Why string
			Good     bool
		}
		if err := d.Decode(&way); err != nil {
			t.Fatal(err)
		}
		if !way.Good {
			t.Errorf("%s: %s", way.Way, way.Why)
		}
	}
	if ways != 5 {
		t.Errorf("%d ways, want 5", ways)
	}
	for _, name := range []string{s.said, filepath.Join(s.dir, "assay.db"), filepath.Join(s.dir, "assay.db-wal")} {
		kept := read(t, name)
		for _, secret := range []string{s.customers[0], "asya.", "asyr.", "asyc.", "a-secret-of-the-server", "urn:ietf:params:oauth:request_uri:"} {
			if strings.Contains(kept, secret) {
				t.Errorf("%s has %q in it", filepath.Base(name), secret)
			}
		}
	}
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, opened("admin", "app", "list")...)
	if !strings.Contains(stdout, "private_key_jwt") || !strings.Contains(stdout, "tls_client_auth") || !strings.Contains(stdout, s.byKey) {
		t.Error(stdout)
	}
}

// TestCustomersInABrowser: in a real Chromium, a customer allows an app, sees on a page that they did, and takes it back there; without a script too. The pages pass axe and are as
// narrow as a telephone; what they look like make screenshots keeps. testdata/oauth/customer.mjs is what is done.
func TestCustomersInABrowser(t *testing.T) {
	chromium, _, _ := browserOf(t)
	s := newAppServer(t)
	shots, err := filepath.Abs("../../build/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	said := s.runs(t, "customer.mjs", map[string]any{
		"origin": s.origin, "provider": s.provider, "customer": s.customers[0], "byKey": s.byKey, "key": jose.JSONWebKey{Key: s.key}, "chromium": chromium, "spki": s.spki, "shots": shots,
		"cert": filepath.Join(s.dir, "cert.pem"), "certKey": filepath.Join(s.dir, "key.pem"),
	})
	t.Logf("%s", said)
	for _, name := range []string{s.said, filepath.Join(s.dir, "assay.db"), filepath.Join(s.dir, "assay.db-wal")} {
		if strings.Contains(read(t, name), s.customers[0]) {
			t.Errorf("%s names a customer", filepath.Base(name))
		}
	}
}

// TestBesideAnother: npm oidc-provider is asked the same bad requests as this server; where they answer otherwise, testdata says why.
func TestBesideAnother(t *testing.T) {
	s := newAppServer(t)
	said := s.runs(t, "beside.mjs", map[string]any{"origin": s.origin, "provider": s.provider, "customer": s.customers[0], "byKey": s.byKey, "key": jose.JSONWebKey{Key: s.key}})
	var differs map[string]struct{ Ours, Theirs, Why string }
	if err := json.Unmarshal([]byte(read(t, "testdata", "oauth", "differences.json")), &differs); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for d := json.NewDecoder(bytes.NewReader(said)); d.More(); asked++ {
		var got struct{ Name, Ours, Theirs string }
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		known, named := differs[got.Name]
		delete(differs, got.Name)
		switch {
		case got.Ours == got.Theirs && !named:
		case !named || known.Ours != got.Ours || known.Theirs != got.Theirs || known.Why == "":
			t.Errorf("%s: ours %q, theirs %q, and on record: %+v", got.Name, got.Ours, got.Theirs, known)
		}
		if strings.HasPrefix(got.Ours, "2") && got.Ours != "200 inactive" || strings.HasPrefix(got.Ours, "5") {
			t.Errorf("%s: ours %q", got.Name, got.Ours)
		}
	}
	if asked < 60 || len(differs) > 0 {
		t.Errorf("%d bad requests, want 60; on record and not asked: %v", asked, differs)
	}
}
