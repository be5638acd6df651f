package timestamp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
)

// An authority is a real one: what it answers is made by openssl ts, with certificates of its own.
type authority struct {
	t   *testing.T
	dir string
	url string
	mu  sync.Mutex // openssl keeps a file of serial numbers
}

const tsaConfig = `[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = %s
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = %s
`

// newAuthority starts an authority whose certificate is signed by a CA of its own.
func newAuthority(t *testing.T, digest, names string) *authority {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("skipped: there is no openssl; on Debian type: apt-get install -y --no-install-recommends openssl")
	}
	a := &authority{t: t, dir: t.TempDir()}
	a.write("serial", []byte("01\n"))
	a.write("ts.cnf", fmt.Appendf(nil, tsaConfig, digest, names))
	ca := a.certify("ca", nil, elliptic.P384(), nil)
	a.certify("tsa", ca, elliptic.P256(), alone(true))
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *authority) write(name string, b []byte) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), b, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) read(name string) []byte {
	a.t.Helper()
	b, err := os.ReadFile(filepath.Join(a.dir, name))
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// alone is the extension that says a certificate is for time-stamping, and what else.
func alone(critical bool, more ...asn1.ObjectIdentifier) *pkix.Extension {
	value, err := asn1.Marshal(append([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}, more...))
	if err != nil {
		panic(err)
	}
	return &pkix.Extension{Id: oidExtKeyUsage, Critical: critical, Value: value}
}

// issued is a certificate with its key.
type issued struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// certify writes name.pem and name.key: of a CA if usage is nil.
func (a *authority) certify(name string, by *issued, curve elliptic.Curve, usage *pkix.Extension) *issued {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.certifyKey(name, by, key, usage)
}

func (a *authority) certifyKey(name string, by *issued, key crypto.Signer, usage *pkix.Extension) *issued {
	a.t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<60))
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "Test " + name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: usage == nil, KeyUsage: x509.KeyUsageDigitalSignature}
	if usage != nil {
		c.ExtraExtensions = []pkix.Extension{*usage}
	} else {
		c.KeyUsage = x509.KeyUsageCertSign
	}
	if by == nil {
		by = &issued{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	a.write(name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	if c, err = x509.ParseCertificate(der); err != nil {
		a.t.Fatal(err)
	}
	return &issued{c, key}
}

// openssl runs a command of it in the authority's folder.
func (a *authority) openssl(args ...string) {
	a.t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = a.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
}

// answer is what openssl answers to a query.
func (a *authority) answer(query []byte) []byte {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.write("query", query)
	a.openssl("ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-out", "answer")
	return a.read("answer")
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "no query", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(a.answer(query))
}

func (a *authority) certificate(name string) *x509.Certificate {
	a.t.Helper()
	c, err := ReadCertificate(a.read(name + ".pem"))
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// resigned has openssl cms sign what the token of a good answer signs, otherwise than an authority does.
func (a *authority) resigned(good []byte, content asn1.ObjectIdentifier, args ...string) []byte {
	a.t.Helper()
	token, err := tokenOf(good)
	if err != nil {
		a.t.Fatal(err)
	}
	parsed, err := pkcs7.Parse(token)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write("info", parsed.Content)
	a.openssl(append([]string{"cms", "-sign", "-binary", "-nodetach", "-econtent_type", content.String(), "-in", "info", "-outform", "DER", "-out", "token"}, args...)...)
	return wrap(a.t, 0, a.read("token"))
}

// wrap is a response of some status, with a token or without.
func wrap(t *testing.T, status int, token []byte) []byte {
	t.Helper()
	r := struct {
		Status struct{ Status int }
		Token  asn1.RawValue `asn1:"optional"`
	}{Token: asn1.RawValue{FullBytes: token}}
	r.Status.Status = status
	raw, err := asn1.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func weakRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func flipped(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 1
	return c
}
