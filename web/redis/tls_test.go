package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/redis"
	"github.com/assay-por/assay/web/redis/redistest"
)

// authority vouches for certificates.
type authority struct {
	file        string // its certificate
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir, name string) authority {
	t.Helper()
	a := authority{file: filepath.Join(dir, name+".pem"), certificate: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	a.key = a.issue(t, a.certificate, a.file)
	return a
}

// issue writes a certificate into a file, and returns its key; with no key of its own yet the authority vouches for itself.
func (a authority) issue(t *testing.T, template *x509.Certificate, file string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	by := a.key
	if by == nil {
		by = key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return key
}

// overTLS starts a real Redis that speaks TLS at a port of the loopback address, which it returns. Its certificate is for that address, and not for a name.
func overTLS(t *testing.T, dir string, a authority) (port string) {
	t.Helper()
	certificate, private := filepath.Join(dir, "redis.pem"), filepath.Join(dir, "redis.key")
	key := a.issue(t, &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, certificate)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err = net.SplitHostPort(free.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	redistest.Start(t, "--bind", "127.0.0.1", "--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", private, "--tls-ca-cert-file", a.file, "--tls-auth-clients", "no")
	return port
}

// TestTLS: a Redis over TLS is one whose certificate is of whom the URL names, for where the URL goes. Of another one it is said in one sentence why
// it is not asked, without where it is.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	own, foreign := newAuthority(t, dir, "own"), newAuthority(t, dir, "foreign")
	port := overTLS(t, dir, own)
	for name, tt := range map[string]struct{ url, want string }{
		"of whom the URL names": {"rediss://127.0.0.1:" + port + "?ca=" + own.file, ""},
		"of somebody else":      {"rediss://127.0.0.1:" + port + "?ca=" + foreign.file, "its certificate is of nobody who is trusted to vouch for it: ca=PATH in its URL says who is"},
		"nobody is named":       {"rediss://127.0.0.1:" + port, "its certificate is of nobody who is trusted to vouch for it: ca=PATH in its URL says who is"},
		"for another name":      {"rediss://localhost:" + port + "?ca=" + own.file, "its certificate is for another name than its URL says"},
	} {
		t.Run(name, func(t *testing.T) {
			o, _, verified, err := redis.Options(tt.url)
			if err != nil || verified == nil {
				t.Fatal(err, verified)
			}
			c, told := new(clock), new(said)
			s := redis.Open(o, c.now, told.tell)
			defer s.Close()
			end := time.Now().Add(time.Minute)
			for try := 0; ; try++ { // on a machine that is busy it may say nothing in time
				c.on(2 * time.Second)
				err := s.Look(t.Context())
				switch {
				case tt.want == "" && err == nil:
					first, _, err := s.First(t.Context(), fmt.Append(nil, "try ", try), time.Minute)
					if err != nil && time.Now().Before(end) {
						continue
					}
					if !first || err != nil {
						t.Errorf("%v, %v", first, err)
					}
					return
				case tt.want != "" && err != nil && strings.Contains(err.Error(), "certificate"):
					if want := redis.ErrAway.Error() + ": " + tt.want; err.Error() != want {
						t.Errorf("%q, want %q", err, want)
					}
					return
				case tt.want != "" && err == nil, time.Now().After(end):
					t.Fatalf("%v", err)
				}
			}
		})
	}
	for url, want := range map[string]string{
		"rediss://127.0.0.1?ca=" + dir + "/none": "ca: open ", "rediss://127.0.0.1?ca=" + dir + "/redis.key": "holds no certificate", "redis://127.0.0.1?ca=" + own.file: "not understood",
	} {
		if _, _, _, err := redis.Options(url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
