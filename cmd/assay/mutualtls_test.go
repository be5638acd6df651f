package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assay-por/assay/web/client"
)

// An authority vouches for clients.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, serial int64) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "clients"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 9),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

func inPEM(raw []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

// client makes a client's certificate.
func (a authority) client(t *testing.T, serial int64) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "backend"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 9),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// with is a client of the server that shows a certificate, or none.
func (d *door) with(t *testing.T, shown ...tls.Certificate) (*client.Client, *http.Transport) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(read(t, d.server.dir, "cert.pem")))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: shown}, ForceAttemptHTTP2: true}
	c, err := client.New(client.Config{URL: d.url, Keys: []string{strings.TrimSpace(read(t, d.server.dir, "keys", "statement.pub"))}, HTTP: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	return c, transport
}

// TestMutualTLS: an API key that is bound to a certificate is shown by it; a certificate of another CA gets nowhere, and the CAs are
// read again like the server's own certificate.
func TestMutualTLS(t *testing.T) {
	first, second := newAuthority(t, 1), newAuthority(t, 2)
	d := newDoorWith(t, map[string]string{"clients.pem": inPEM(first.certificate.Raw)}, "client_auth = \"optional\"\nclient_ca = \"clients.pem\"\n")
	s := d.server
	bound, other, foreign := first.client(t, 11), first.client(t, 12), second.client(t, 13)
	s.write(t, "bound.pem", inPEM(bound.Certificate[0]))
	s.write(t, "other.pem", inPEM(other.Certificate[0]))
	k := s.create(t, "--certificate", "bound.pem", "--cidr", "127.0.0.1")
	if k.Key != "" || k.By != "certificate" || len(k.Certificate) != 64 {
		t.Errorf("%+v", k)
	}
	asked := func(name string, want int, slug string, fields []string, shown ...tls.Certificate) {
		t.Helper()
		c, transport := d.with(t, shown...)
		defer transport.CloseIdleConnections()
		if got, problem, content := doorSays(t, c, d.request(t, "/v1/proofs", fields...)); got != want || problem != slug {
			t.Errorf("%s: %d %s %s, want %d %s", name, got, problem, content, want, slug)
		}
	}
	asked("by its certificate", 200, "", nil, bound)
	asked("without", 401, "credential-missing", nil)
	asked("by one that no key is bound to", 401, "credential-missing", nil, other)
	asked("a secret beside it", 200, "", []string{"Assay-Key", s.create(t).Key}, other)
	refusedAtAll := func(name string, shown ...tls.Certificate) {
		t.Helper()
		c, transport := d.with(t, shown...)
		defer transport.CloseIdleConnections()
		if response, err := c.Get(t.Context(), "/v1/health"); err == nil {
			response.Body.Close()
			t.Errorf("%s: %s", name, response.Status)
		}
	}
	refusedAtAll("of another CA", foreign)
	s.admin(t, "rotate", k.ID, "--certificate", "other.pem", "--overlap", "0s")
	asked("rotated away", 401, "credential-invalid", nil, bound)
	asked("rotated to", 200, "", nil, other)

	before := strings.Count(read(t, d.said), "another certificate is served")
	s.write(t, "clients.pem", inPEM(second.certificate.Raw))
	if err := d.process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for strings.Count(read(t, d.said), "another certificate is served") == before {
		time.Sleep(10 * time.Millisecond)
	}
	refusedAtAll("of the CA before", other)
	asked("of the new CA", 401, "credential-missing", nil, foreign)
	if said := read(t, d.said); strings.Contains(said, "panic") || strings.Contains(said, "PRIVATE") {
		t.Errorf("the log says %s", said)
	}
}

// TestMutualTLSRequired: without a certificate there is no answer, not of what is public either.
func TestMutualTLSRequired(t *testing.T) {
	ca := newAuthority(t, 1)
	d := newDoorWith(t, map[string]string{"clients.pem": inPEM(ca.certificate.Raw)}, "client_auth = \"required\"\nclient_ca = \"clients.pem\"\n")
	c, _ := d.with(t, ca.client(t, 11))
	get(t, c, "/v1/health")
	bare, _ := d.with(t)
	if response, err := bare.Get(t.Context(), "/v1/health"); err == nil {
		response.Body.Close()
		t.Errorf("without a certificate: %s", response.Status)
	}
	s := d.server
	for name, text := range map[string]string{
		"no CA":         "client_auth = \"required\"\n",
		"a CA, and off": "client_ca = \"clients.pem\"\n",
		"no such word":  "client_auth = \"yes\"\nclient_ca = \"clients.pem\"\n",
		"an empty file": "client_auth = \"required\"\nclient_ca = \"empty.pem\"\n",
	} {
		s.write(t, "empty.pem", "")
		s.write(t, "bad.toml", strings.Replace(read(t, s.dir, "assay.toml"), "client_auth = \"required\"\nclient_ca = \"clients.pem\"\n", text, 1))
		if code, _, stderr := call(t, s.dir, s.exchange.assay, opened("serve", "--config", filepath.Join(s.dir, "bad.toml"), "--listen", "127.0.0.1:0")...); code == 0 || !strings.Contains(stderr, "client") {
			t.Errorf("%s: exit %d: %s", name, code, stderr)
		}
	}
}
