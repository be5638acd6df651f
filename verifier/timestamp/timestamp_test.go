package timestamp

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/assay-por/assay/verifier/canon"
)

var stamped = sha256.Sum256([]byte("what is stamped\n"))

// verdict is what a reader makes of a time stamp of stamped.
func verdict(raw []byte, trusted ...*x509.Certificate) (*Token, error) {
	token, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	if err := token.Check(stamped); err != nil {
		return nil, err
	}
	return token, token.Trusted(trusted)
}

func refused(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want an error that says %q", name, err, want)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func certificate(t testing.TB, raw []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(raw)
	if block == nil {
		t.Fatal("not PEM")
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What openssl ts answered once; testdata/README.md says how.
func TestTimeStamp_Fixtures(t *testing.T) {
	ca := certificate(t, read(t, "ca.pem"))
	for _, tt := range []struct{ file, authority, tsa string }{
		{"rsa-sha256-ess1.tsr", "CN=Test TSA rsa", "rsa.pem"},
		{"p256-sha512-ess2.tsr", "CN=Test TSA p256", "p256.pem"},
	} {
		raw := read(t, tt.file)
		token, err := verdict(raw, ca)
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if token.Authority != tt.authority || token.Time.Year() != 2026 {
			t.Errorf("%s: got %q at %s", tt.file, token.Authority, token.Time)
		}
		if _, err := verdict(raw, certificate(t, read(t, tt.tsa))); err != nil {
			t.Errorf("%s: the authority's own certificate in the policy: %v", tt.file, err)
		}
		_, err = verdict(raw)
		refused(t, tt.file+": nobody is trusted", err, "does not lead to a [[timestamp]] certificate")
		if err := token.Check(sha256.Sum256(nil)); err == nil {
			t.Errorf("%s: another imprint is taken", tt.file)
		}
	}
}

// Every bit that says what was stamped, when and by whom is bound. Others – versions, certificates above the authority's, what is named
// twice – may be another without a reader's seeing another time.
func TestTimeStamp_Flipped(t *testing.T) {
	ca := certificate(t, read(t, "ca.pem"))
	for _, file := range []string{"rsa-sha256-ess1.tsr", "p256-sha512-ess2.tsr"} {
		raw := read(t, file)
		token, err := verdict(raw, ca)
		if err != nil {
			t.Fatal(err)
		}
		bound := make([]bool, len(raw))
		for _, part := range [][]byte{token.content, token.signer.signed[1:], token.signer.signature, token.certificate.Raw} {
			from := bytes.LastIndex(raw, part)
			if from < 0 {
				t.Fatal("what is signed is not in the file")
			}
			for i := range part {
				bound[from+i] = true
			}
		}
		for at := range raw {
			bad := bytes.Clone(raw)
			bad[at] ^= 1
			got, err := verdict(bad, ca)
			if err == nil && (bound[at] || !got.Time.Equal(token.Time) || got.Authority != token.Authority) {
				t.Errorf("%s: byte %d flipped is taken", file, at)
			}
			if _, err := Parse(raw[:at]); err == nil {
				t.Errorf("%s: cut at %d is taken", file, at)
			}
		}
		_, err = Parse(append(bytes.Clone(raw), 0))
		refused(t, "a byte more", err, "not one DER value")
	}
}

func TestTimeStamp_Forged_Good(t *testing.T) {
	ca := issue(t, nil, "root", keyRSA(), root)
	between := issue(t, ca, "between", keyOn(t, elliptic.P256()), root)
	change := func(f *forgery, c func(*forgery)) *forgery { c(f); return f }
	byRSA := issue(t, between, "by RSA", keyRSA(), stamping)
	by384 := issue(t, ca, "by P-384", keyOn(t, elliptic.P384()), stamping)
	for name, f := range map[string]*forgery{
		"RSA, by way of the token":           byRSA.forge(stamped, between),
		"RSA, the digest named once":         change(byRSA.forge(stamped, between), func(f *forgery) { f.algorithm = oidRSA }),
		"RSA, SHA-384":                       change(byRSA.forge(stamped, between), func(f *forgery) { f.digest, f.algorithm = oidSHA384, oidRSASHA384 }),
		"RSA, SHA-512":                       change(byRSA.forge(stamped, between), func(f *forgery) { f.digest, f.algorithm = oidSHA512, oidRSASHA512 }),
		"P-384":                              by384.forge(stamped),
		"P-384, SHA-384":                     change(by384.forge(stamped), func(f *forgery) { f.digest, f.algorithm = oidSHA384, oidECDSASHA384 }),
		"P-384, SHA-512":                     change(by384.forge(stamped), func(f *forgery) { f.digest, f.algorithm = oidSHA512, oidECDSASHA512 }),
		"granted with modifications":         change(by384.forge(stamped), func(f *forgery) { f.status = 1 }),
		"named by its key":                   change(by384.forge(stamped), func(f *forgery) { f.keyID = true }),
		"a fraction":                         change(by384.forge(stamped), func(f *forgery) { f.at = "20261231120000.25Z" }),
		"a second certificate of one issuer": by384.forge(stamped, byRSA),
		"accuracy, ordering, nonce": change(by384.forge(stamped), func(f *forgery) {
			f.tail = build(func(b *cryptobyte.Builder) {
				b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) })
				b.AddASN1Boolean(true)
				b.AddASN1Int64(1 << 60)
			})
		}),
	} {
		token, err := verdict(f.response(t), ca.certificate)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := noon
		if name == "a fraction" {
			want = noon.Add(250 * time.Millisecond)
		}
		if !token.Time.Equal(want) || token.Authority != f.by.certificate.Subject.String() {
			t.Errorf("%s: got %q at %s", name, token.Authority, token.Time)
		}
	}
}

func TestTimeStamp_Refused(t *testing.T) {
	ca := issue(t, nil, "root", keyRSA(), root)
	good := issue(t, ca, "good", keyOn(t, elliptic.P256()), stamping)
	twin := issue(t, ca, "good", keyOn(t, elliptic.P256()), stamping) // issuer and serial are those of good
	weak := func() *authority {
		t.Setenv("GODEBUG", "rsa1024min=0")
		key, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		return issue(t, ca, "weak", key, stamping)
	}()
	usage := func(critical bool, list ...int) *authority {
		return issue(t, ca, "usage", keyRSA(), func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: timeStamping.Id, Critical: critical, Value: usages(list...)}}
		})
	}
	none := func(*forgery) {}
	without := func(name string) func(*forgery) {
		return func(f *forgery) {
			f.attributes = func(f *forgery, content []byte) map[string][]byte {
				all := attributes(f, content)
				delete(all, name)
				return all
			}
		}
	}
	with := func(name string, value []byte) func(*forgery) {
		return func(f *forgery) {
			f.attributes = func(f *forgery, content []byte) map[string][]byte {
				all := attributes(f, content)
				all[name] = value
				return all
			}
		}
	}
	other, v1 := sha256.Sum256(ca.certificate.Raw), sha1.Sum(ca.certificate.Raw)
	octets := func(b []byte) []byte { return build(func(c *cryptobyte.Builder) { c.AddASN1OctetString(b) }) }
	for _, tt := range []struct {
		name    string
		by      *authority
		change  func(*forgery)
		problem string
	}{
		{"another imprint", good, func(f *forgery) { f.imprint = make([]byte, 32) }, "is of another file"},
		{"an imprint by another hash", good, func(f *forgery) { f.imprintHash = oidSHA512 }, "is of another file"},
		{"a refusal", good, func(f *forgery) { f.status = 2 }, "the authority gave no time stamp: its status is 2"},
		{"two signers", good, func(f *forgery) { f.signers = 2 }, "token.signers: want one"},
		{"no signer", good, func(f *forgery) { f.signers = 0 }, "token.signers[0]: not a SignerInfo"},
		{"other content", good, func(f *forgery) { f.contentKind = oidSignedData }, "token.content: not a TSTInfo"},
		{"more in the content", good, func(f *forgery) { f.tail = octets(nil) }, "token.content: not a TSTInfo"},
		{"signed with SHA-1", good, func(f *forgery) { f.digest, f.algorithm = oidSHA1, "1.2.840.10045.4.1" }, "is signed with digest 1.3.14.3.2.26"},
		{"RSA-PSS", good, func(f *forgery) { f.algorithm = "1.2.840.113549.1.1.10" }, "is signed by algorithm 1.2.840.113549.1.1.10"},
		{"two digests", good, func(f *forgery) { f.algorithm = oidECDSASHA384 }, "want RSA (PKCS #1 v1.5) or ECDSA"},
		{"an algorithm of another key", good, func(f *forgery) { f.algorithm = oidRSASHA256 }, "does not verify"},
		{"signed by a twin", twin, func(f *forgery) { f.certificates = []*x509.Certificate{good.certificate} }, "do not name the certificate"},
		{"signed by a twin, who names the other", twin, func(f *forgery) {
			f.certificates = []*x509.Certificate{good.certificate}
			own := sha256.Sum256(good.certificate.Raw)
			with(oidSigningCertificateV2, named(own[:]))(f)
		}, "does not verify"},
		{"other bytes are signed", good, func(f *forgery) { f.after = func(b []byte) []byte { return b[1:] } }, "does not verify"},
		{"no content type", good, without(oidContentType), "do not name its content type"},
		{"another content type", good, with(oidContentType, build(func(b *cryptobyte.Builder) { oid(b, oidSignedData) })), "do not name its content type"},
		{"no digest", good, without(oidMessageDigest), "another digest"},
		{"another digest", good, with(oidMessageDigest, octets(make([]byte, 32))), "another digest"},
		{"no certificate named", good, without(oidSigningCertificateV2), "do not name the certificate"},
		{"another certificate named", good, with(oidSigningCertificateV2, named(other[:])), "do not name the certificate"},
		{"another certificate named besides", good, with(oidSigningCertificate, named(v1[:])), "do not name the certificate"},
		{"two values", good, with(oidMessageDigest, append(octets(nil), octets(nil)...)), "not different ones of one value each"},
		{"no certificates", good, func(f *forgery) { f.certificates = nil }, "is not in the time stamp"},
		{"the certificate of another", good, func(f *forgery) { f.certificates = []*x509.Certificate{usage(true, 8).certificate} }, "is not in the time stamp"},
		{"a short RSA key", weak, none, "has an RSA key of 1024 bits, want 2048"},
		{"P-521", issue(t, ca, "P-521", keyOn(t, elliptic.P521()), stamping), none, "has a key on P-521"},
		{"no usage", issue(t, ca, "no usage", keyRSA(), func(*x509.Certificate) {}), none, "want the extended key usage timeStamping"},
		{"for code", usage(true, 3), none, "want the extended key usage timeStamping"},
		{"for code too", usage(true, 8, 3), none, "alone and critical"},
		{"not critical", usage(false, 8), none, "alone and critical"},
		{"an hour", good, func(f *forgery) { f.at = "2026123112Z" }, "genTime: not a time"},
		{"local time", good, func(f *forgery) { f.at = "20261231120000" }, "genTime: not a time"},
		{"a zone", good, func(f *forgery) { f.at = "20261231120000+0100" }, "genTime: not a time"},
		{"a fraction that ends in 0", good, func(f *forgery) { f.at = "20261231120000.50Z" }, "genTime: not a time"},
		{"no such day", good, func(f *forgery) { f.at = "20260231120000Z" }, "genTime: not a time"},
		{"after the certificate", good, func(f *forgery) { f.at = "20270101120001Z" }, "expired or is not yet valid"},
		{"before the certificate", good, func(f *forgery) { f.at = "20261230235959Z" }, "expired or is not yet valid"},
		{"another root of that name", issue(t, issue(t, nil, "root", keyOn(t, elliptic.P256()), root), "good", keyOn(t, elliptic.P256()), stamping), none, "does not lead to"},
	} {
		f := tt.by.forge(stamped)
		tt.change(f)
		_, err := verdict(f.response(t), ca.certificate)
		refused(t, tt.name, err, tt.problem)
	}
}

// A root that is good for a morning does not vouch for the afternoon, nor one whose certificates are for something else.
func TestTimeStamp_Chain(t *testing.T) {
	morning := issue(t, nil, "morning", keyRSA(), func(c *x509.Certificate) { root(c); c.NotAfter = noon.Add(-time.Hour) })
	_, err := verdict(issue(t, morning, "good", keyRSA(), stamping).forge(stamped).response(t), morning.certificate)
	refused(t, "an expired root", err, "does not lead to")

	ca := issue(t, nil, "root", keyRSA(), root)
	forCode := issue(t, ca, "for code", keyOn(t, elliptic.P256()), func(c *x509.Certificate) {
		root(c)
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	})
	_, err = verdict(issue(t, forCode, "good", keyRSA(), stamping).forge(stamped, forCode).response(t), ca.certificate)
	refused(t, "by way of another usage", err, "does not lead to")

	noCA := issue(t, ca, "no authority", keyOn(t, elliptic.P256()), func(*x509.Certificate) {})
	_, err = verdict(issue(t, noCA, "good", keyRSA(), stamping).forge(stamped, noCA).response(t), ca.certificate)
	refused(t, "by way of no authority", err, "does not lead to")
}

// One signature by such a key takes seconds, and a chain has many.
func TestE09_TimeStampWithALongKey(t *testing.T) {
	ca := issue(t, nil, "root", keyRSA(), root)
	n := new(big.Int).Lsh(big.NewInt(1), maxRSA)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: noon}
	raw, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 1<<31 - 1}, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	long, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse(issue(t, ca, "good", keyRSA(), stamping).forge(stamped, &authority{certificate: long}).response(t))
	refused(t, "a long key", err, "token.certificates[1]: an RSA key of 16385 bits, the limit is 16384")
}

func TestTimeStamp_FormatErrors(t *testing.T) {
	refusal := build(func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(2)
				b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(der.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte("no")) })
				})
				b.AddASN1BitString([]byte{0x20})
			})
		})
	})
	_, err := Parse(refusal)
	var format *canon.FormatError
	if errors.As(err, &format) {
		t.Errorf("a refusal is of its format: got %v", err)
	}
	refused(t, "a refusal", err, "its status is 2")
	for _, tt := range []struct{ name, raw, problem string }{
		{"empty", "", "not one DER value"},
		{"text", "-----BEGIN", "not one DER value"},
		{"an indefinite length", "\x30\x80\x00\x00", "not one DER value"},
		{"a length of two spellings", "\x30\x81\x05\x30\x03\x02\x01\x00", "not one DER value"},
		{"no status", "\x30\x00", "status: not a PKIStatusInfo"},
		{"no token", "\x30\x05\x30\x03\x02\x01\x00", "token: not CMS SignedData"},
		{"long", strings.Repeat("x", maxResponse+1), "the limit is 65536"},
	} {
		_, err := Parse([]byte(tt.raw))
		if !errors.As(err, &format) {
			t.Errorf("%s: got %T", tt.name, err)
		}
		refused(t, tt.name, err, tt.problem)
	}
}

// An authority may call itself what it likes; a verdict shows it as it is.
func TestTimeStamp_AuthorityIsPrintable(t *testing.T) {
	ca := issue(t, nil, "root", keyRSA(), root)
	odd := issue(t, ca, "a\u202eb\nc", keyRSA(), stamping)
	token, err := verdict(odd.forge(stamped).response(t), ca.certificate)
	if err != nil || token.Authority != `CN=a\u202eb\u000ac` {
		t.Errorf("got %+v, %v", token, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"rsa-sha256-ess1.tsr", "p256-sha512-ess2.tsr"} {
		f.Add(read(f, name))
	}
	f.Add([]byte("\x30\x05\x30\x03\x02\x01\x02"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		token, err := Parse(raw)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		if token.Check([32]byte{1}) == nil {
			t.Error("a time stamp of nothing is taken")
		}
		if token.Trusted(nil) == nil {
			t.Error("an authority is trusted by nobody")
		}
	})
}
