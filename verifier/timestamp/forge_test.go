package timestamp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// noon is when forged time stamps are made; the authority's certificate is good for the day.
var noon = time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC)

// authority is a certificate with its key, and whose certificate it is.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

var keyRSA = sync.OnceValue(func() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func keyOn(t testing.TB, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var timeStamping = pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usages(8)}

// usages is the value of an extended key usage: numbers below id-kp.
func usages(list ...int) []byte {
	var ids []asn1.ObjectIdentifier
	for _, n := range list {
		ids = append(ids, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, n})
	}
	b, err := asn1.Marshal(ids)
	if err != nil {
		panic(err)
	}
	return b
}

// issue makes a certificate; parent nil makes a root.
func issue(t testing.TB, parent *authority, name string, key crypto.Signer, change func(*x509.Certificate)) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(name)) + 1), Subject: pkix.Name{CommonName: name}, SubjectKeyId: []byte(name),
		NotBefore: noon.Add(-12 * time.Hour), NotAfter: noon.Add(12 * time.Hour), BasicConstraintsValid: true,
	}
	change(template)
	by := parent
	if by == nil {
		by = &authority{template, key}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, by.certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{c, key}
}

func root(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func stamping(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{timeStamping} }

// forgery is a time stamp to be made, right unless something is changed.
type forgery struct {
	by           *authority
	certificates []*x509.Certificate
	imprint      []byte
	imprintHash  string
	at           string
	status       int64
	signers      int
	digest       string
	algorithm    string
	contentKind  string
	keyID        bool
	attributes   func(f *forgery, content []byte) map[string][]byte
	after        func(signed []byte) []byte // what is signed instead
	tail         []byte                     // follows the last part of TSTInfo
}

func (a *authority) forge(imprint [32]byte, above ...*authority) *forgery {
	f := &forgery{
		by: a, certificates: []*x509.Certificate{a.certificate}, imprint: imprint[:], imprintHash: oidSHA256, at: "20261231120000Z",
		signers: 1, digest: oidSHA256, algorithm: oidRSASHA256, contentKind: oidTSTInfo, attributes: attributes,
	}
	if _, ok := a.key.(*ecdsa.PrivateKey); ok {
		f.algorithm = oidECDSASHA256
	}
	for _, c := range above {
		f.certificates = append(f.certificates, c.certificate)
	}
	return f
}

// attributes are those that must be there, with the certificate named as RFC 5035 does.
func attributes(f *forgery, content []byte) map[string][]byte {
	hash, own := f.hash(), sha256.Sum256(f.by.certificate.Raw)
	return map[string][]byte{
		oidContentType:          build(func(b *cryptobyte.Builder) { oid(b, f.contentKind) }),
		oidMessageDigest:        build(func(b *cryptobyte.Builder) { b.AddASN1OctetString(digestOf(hash, content)) }),
		oidSigningCertificateV2: named(own[:]),
	}
}

// named is a SigningCertificate or, of SHA-256, a SigningCertificateV2.
func named(digest []byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) })
			})
		})
	})
}

func (f *forgery) hash() crypto.Hash {
	if f.digest == oidSHA1 {
		return crypto.SHA1
	}
	return hashOf(f.digest)
}

const oidSHA1 = "1.3.14.3.2.26"

func digestOf(hash crypto.Hash, b []byte) []byte {
	if hash == crypto.SHA1 {
		s := sha1.Sum(b)
		return s[:]
	}
	return sum(hash, b)
}

func build(fill func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	fill(&b)
	return b.BytesOrPanic()
}

func oid(b *cryptobyte.Builder, name string) {
	id, err := x509.ParseOID(name)
	if err != nil {
		panic(err)
	}
	raw, err := id.MarshalBinary()
	if err != nil {
		panic(err)
	}
	b.AddASN1(der.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(raw) })
}

func algorithmID(b *cryptobyte.Builder, name string) {
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { oid(b, name) })
}

func (f *forgery) info() []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(1)
			oid(b, "1.2.3.4")
			b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
				algorithmID(b, f.imprintHash)
				b.AddASN1OctetString(f.imprint)
			})
			b.AddASN1Int64(7)
			b.AddASN1(der.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(f.at)) })
			b.AddBytes(f.tail)
		})
	})
}

func (f *forgery) signerInfo(t testing.TB, content []byte) []byte {
	t.Helper()
	list := build(func(b *cryptobyte.Builder) {
		// DER of a SET OF ascends: these names have one length each, so their order is that of the whole.
		values := f.attributes(f, content)
		for _, name := range []string{oidContentType, oidMessageDigest, oidSigningCertificate, oidSigningCertificateV2} {
			if value, ok := values[name]; ok {
				b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
					oid(b, name)
					b.AddASN1(der.SET, func(b *cryptobyte.Builder) { b.AddBytes(value) })
				})
			}
		}
	})
	signed := build(func(b *cryptobyte.Builder) { b.AddASN1(der.SET, func(b *cryptobyte.Builder) { b.AddBytes(list) }) })
	if f.after != nil {
		signed = f.after(signed)
	}
	signature, err := f.by.key.Sign(rand.Reader, digestOf(f.hash(), signed), f.hash())
	if err != nil {
		t.Fatal(err)
	}
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			if f.keyID {
				b.AddASN1Int64(3)
				b.AddASN1(der.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(f.by.certificate.SubjectKeyId) })
			} else {
				b.AddASN1Int64(1)
				b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddBytes(f.by.certificate.RawIssuer)
					b.AddASN1BigInt(f.by.certificate.SerialNumber)
				})
			}
			algorithmID(b, f.digest)
			b.AddASN1(der.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(list) })
			algorithmID(b, f.algorithm)
			b.AddASN1OctetString(signature)
		})
	})
}

// response gives the TimeStampResp.
func (f *forgery) response(t testing.TB) []byte {
	t.Helper()
	content, explicit := f.info(), der.Tag(0).ContextSpecific().Constructed()
	signer := f.signerInfo(t, content)
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(f.status) })
			if f.status > 1 {
				return
			}
			b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
				oid(b, oidSignedData)
				b.AddASN1(explicit, func(b *cryptobyte.Builder) {
					b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(3)
						b.AddASN1(der.SET, func(b *cryptobyte.Builder) { algorithmID(b, f.digest) })
						b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
							oid(b, f.contentKind)
							b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
						})
						b.AddASN1(explicit, func(b *cryptobyte.Builder) {
							for _, c := range f.certificates {
								b.AddBytes(c.Raw)
							}
						})
						b.AddASN1(der.SET, func(b *cryptobyte.Builder) {
							for range f.signers {
								b.AddBytes(signer)
							}
						})
					})
				})
			})
		})
	})
}
