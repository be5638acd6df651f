package timestamp

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lab is a folder in which openssl is the authority.
type lab struct {
	t   *testing.T
	dir string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed: its time stamps are tested from testdata alone")
	}
	l := &lab{t, t.TempDir()}
	l.write("request.cnf", "[req]\ndistinguished_name=dn\n[dn]\n")
	l.write("ca.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n")
	l.write("tsa.ext", "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\n")
	l.write("data", "what is stamped\n")
	return l
}

func (l *lab) write(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) read(name string) []byte {
	l.t.Helper()
	raw, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		l.t.Fatal(err)
	}
	return raw
}

// openssl runs one command, words parted by spaces, and gives what it said.
func (l *lab) openssl(format string, args ...any) (string, error) {
	command := exec.Command("openssl", strings.Fields(fmt.Sprintf(format, args...))...)
	command.Dir = l.dir
	said, err := command.CombinedOutput()
	return string(said), err
}

func (l *lab) must(format string, args ...any) {
	l.t.Helper()
	if said, err := l.openssl(format, args...); err != nil {
		l.t.Fatalf("%v: %s", err, said)
	}
}

// authority makes name.key and name.pem, signed by ca.
func (l *lab) authority(name, key string) {
	l.t.Helper()
	l.must("req -new -newkey %s -nodes -config request.cnf -subj /CN=%s -keyout %s.key -out %s.csr", key, name, name, name)
	l.must("x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile tsa.ext -out %s.pem", name, name)
}

// answer lets an authority answer a query; options are of the query.
func (l *lab) answer(name, digest, ess, options string) []byte {
	l.t.Helper()
	l.write("tsa.cnf", fmt.Sprintf(`[t]
serial = serial
signer_cert = %s.pem
signer_key = %s.key
certs = ca.pem
signer_digest = %s
default_policy = 1.2.3.4
digests = sha256, sha512
accuracy = secs:1
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_alg = %s
`, name, name, digest, ess))
	l.must("ts -query -config request.cnf -data data %s -out query.tsq", options)
	l.must("ts -reply -config tsa.cnf -section t -queryfile query.tsq -out answer.tsr")
	return l.read("answer.tsr")
}

func TestOpenSSL(t *testing.T) {
	l := newLab(t)
	l.must("req -x509 -newkey rsa:2048 -nodes -config request.cnf -subj /CN=root -keyout ca.key -out ca0.pem -days 30")
	l.must("req -new -key ca.key -config request.cnf -subj /CN=root -out ca.csr")
	l.must("x509 -req -in ca.csr -signkey ca.key -days 30 -extfile ca.ext -out ca.pem")
	ca := certificate(t, l.read("ca.pem"))
	for name, key := range map[string]string{"rsa": "rsa:2048", "p256": "ec -pkeyopt ec_paramgen_curve:P-256"} {
		l.authority(name, key)
		for _, digest := range []string{"sha256", "sha384", "sha512"} {
			for _, ess := range []string{"sha1", "sha256", "sha512"} {
				before := time.Now().Add(-time.Minute)
				token, err := verdict(l.answer(name, digest, ess, "-sha256 -cert"), ca)
				switch {
				case err != nil:
					t.Errorf("%s, %s, %s: %v", name, digest, ess, err)
				case token.Authority != "CN="+name || token.Time.Before(before) || token.Time.After(before.Add(time.Hour)):
					t.Errorf("%s, %s, %s: got %q at %s", name, digest, ess, token.Authority, token.Time)
				}
			}
		}
		_, err := verdict(l.answer(name, "sha1", "sha256", "-sha256 -cert"), ca)
		refused(t, "signed with SHA-1", err, "is signed with digest 1.3.14.3.2.26")
		_, err = verdict(l.answer(name, "sha256", "sha256", "-sha256"), ca)
		refused(t, "without certificates", err, "is not in the time stamp")
		_, err = verdict(l.answer(name, "sha256", "sha256", "-sha512 -cert"), ca)
		refused(t, "an imprint of SHA-512", err, "is of another file")
		_, err = verdict(l.answer(name, "sha256", "sha256", "-sha1 -cert"), ca)
		refused(t, "a refusal", err, "its status is 2")
		l.write("data", "something else\n")
		_, err = verdict(l.answer(name, "sha256", "sha256", "-sha256 -cert"), ca)
		refused(t, "another file", err, "is of another file")
		l.write("data", "what is stamped\n")
	}
}

// What the tests forge is no invention: openssl takes the sound ones too, and refuses what is not.
func TestOpenSSL_AgreesOnForgeries(t *testing.T) {
	l := newLab(t)
	ca := issue(t, nil, "root", keyRSA(), root)
	by := issue(t, ca, "good", keyOn(t, elliptic.P256()), stamping)
	l.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw})))
	for _, tt := range []struct {
		name   string
		sound  bool
		change func(*forgery)
	}{
		{"sound", true, func(*forgery) {}},
		{"SHA-512", true, func(f *forgery) { f.digest, f.algorithm = oidSHA512, oidECDSASHA512 }},
		{"another imprint", false, func(f *forgery) { f.imprint = bytes.Repeat([]byte{1}, sha256.Size) }},
		{"two signers", false, func(f *forgery) { f.signers = 2 }},
		{"other bytes are signed", false, func(f *forgery) { f.after = func(b []byte) []byte { return b[1:] } }},
		{"another certificate named", false, func(f *forgery) {
			f.attributes = func(f *forgery, content []byte) map[string][]byte {
				all := attributes(f, content)
				all[oidSigningCertificateV2] = named(make([]byte, sha256.Size))
				return all
			}
		}},
		{"no certificate named", false, func(f *forgery) {
			f.attributes = func(f *forgery, content []byte) map[string][]byte {
				all := attributes(f, content)
				delete(all, oidSigningCertificateV2)
				return all
			}
		}},
	} {
		f := by.forge(stamped)
		tt.change(f)
		raw := f.response(t)
		l.write("answer.tsr", string(raw))
		said, theirs := l.openssl("ts -verify -data data -in answer.tsr -CAfile ca.pem -attime %d", noon.Unix())
		_, ours := verdict(raw, []*x509.Certificate{ca.certificate}...)
		if (ours == nil) != tt.sound || (theirs == nil) != tt.sound {
			t.Errorf("%s: got %v, openssl has %v: %s", tt.name, ours, theirs, said)
		}
	}
}
