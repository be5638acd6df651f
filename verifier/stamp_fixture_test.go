package verifier

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/assay-por/assay/verifier/claim"
)

// Time stamps by the letter of RFC 3161, the same bytes every time: that openssl makes them so too is shown in verifier/timestamp.

// A stamper is an authority that gives time stamps, or has a certificate above one that does.
type stamper struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func ecKey(name string) crypto.Signer {
	return must(ecdsa.ParseRawPrivateKey(elliptic.P256(), h([]byte(name))))
}

// rsaKey is of two primes that follow numbers made of a name.
var rsaKey = sync.OnceValue(func() crypto.Signer {
	prime := func(name string) *big.Int {
		var b []byte
		for i := range 4 {
			b = append(b, h([]byte(name), u64(i))...)
		}
		b[0] |= 0xc0
		p := new(big.Int).SetBytes(b)
		p.SetBit(p, 0, 1)
		for e := big.NewInt(65537); !p.ProbablyPrime(0) || new(big.Int).GCD(nil, nil, e, new(big.Int).Sub(p, big.NewInt(1))).Cmp(big.NewInt(1)) != 0; {
			p.Add(p, big.NewInt(2))
		}
		return p
	}
	p, q := prime("p of a time stamp"), prime("q of a time stamp")
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(big.NewInt(65537), phi), Primes: []*big.Int{p, q},
	}
	key.Precompute()
	return key
})

// stampRoot is the certificate that a policy has.
func stampRoot(name string) stamper {
	return issued(stamper{}, name, ecKey(name), func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign })
}

// stampedBy is an authority with a certificate from a root. change edits the certificate before it is signed.
func stampedBy(root stamper, name string, key crypto.Signer, change func(*x509.Certificate)) stamper {
	return issued(root, name, key, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{usageOf(8)}
		edit(change, c)
	})
}

// usageOf is the extended key usage id-kp n, critical: 8 is timeStamping.
func usageOf(n int) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: must(asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, n}}))}
}

func issued(by stamper, name string, key crypto.Signer, change func(*x509.Certificate)) stamper {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(name))), Subject: pkix.Name{CommonName: name}, SubjectKeyId: []byte(name), BasicConstraintsValid: true,
		NotBefore: time.Unix(seenAt, 0).Add(-time.Hour), NotAfter: time.Unix(seenAt, 0).Add(time.Hour),
	}
	change(c)
	if by.key == nil {
		by = stamper{c, key}
	}
	raw := must(x509.CreateCertificate(nil, c, by.certificate, key.Public(), by.key))
	return stamper{must(x509.ParseCertificate(raw)), key}
}

// section is an authority in a policy.
func (s stamper) section(name string) string {
	return "[[timestamp]]\nname = \"" + name + "\"\ncertificate = \"\"\"" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw})) + "\"\"\"\n"
}

func derOf(fill func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	fill(&b)
	return b.BytesOrPanic()
}

func derOID(b *cryptobyte.Builder, id ...int) { b.AddASN1ObjectIdentifier(id) }

func derAlgorithm(b *cryptobyte.Builder, id ...int) {
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { derOID(b, id...) })
}

var (
	idSHA256  = []int{2, 16, 840, 1, 101, 3, 4, 2, 1}
	idTSTInfo = []int{1, 2, 840, 113549, 1, 9, 16, 1, 4}
)

func derSequence(b *cryptobyte.Builder, fill func(b *cryptobyte.Builder)) {
	b.AddASN1(der.SEQUENCE, fill)
}

// tstInfo is what is stamped.
func tstInfo(digest []byte, at time.Time) []byte {
	return derOf(func(b *cryptobyte.Builder) {
		derSequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(1)
			derOID(b, 1, 2, 3, 4)
			derSequence(b, func(b *cryptobyte.Builder) {
				derAlgorithm(b, idSHA256...)
				b.AddASN1OctetString(digest)
			})
			b.AddASN1Int64(7)
			b.AddASN1GeneralizedTime(at.UTC())
		})
	})
}

// attributes are what is signed: content type, digest, and the certificate.
func (s stamper) attributes(content []byte) []byte {
	attribute := func(b *cryptobyte.Builder, last []int, fill func(b *cryptobyte.Builder)) {
		derSequence(b, func(b *cryptobyte.Builder) {
			derOID(b, append([]int{1, 2, 840, 113549, 1, 9}, last...)...)
			b.AddASN1(der.SET, fill)
		})
	}
	return derOf(func(b *cryptobyte.Builder) {
		attribute(b, []int{3}, func(b *cryptobyte.Builder) { derOID(b, idTSTInfo...) })
		attribute(b, []int{4}, func(b *cryptobyte.Builder) { b.AddASN1OctetString(h(content)) })
		attribute(b, []int{16, 2, 47}, func(b *cryptobyte.Builder) {
			derSequence(b, func(b *cryptobyte.Builder) {
				derSequence(b, func(b *cryptobyte.Builder) {
					derSequence(b, func(b *cryptobyte.Builder) { b.AddASN1OctetString(h(s.certificate.Raw)) })
				})
			})
		})
	})
}

var derInner = der.Tag(0).ContextSpecific().Constructed()

// signerInfo is the signature over a TSTInfo.
func (s stamper) signerInfo(b *cryptobyte.Builder, content []byte) {
	attributes := s.attributes(content)
	signed := derOf(func(b *cryptobyte.Builder) {
		b.AddASN1(der.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	})
	algorithm := []int{1, 2, 840, 10045, 4, 3, 2}
	if _, ok := s.key.(*rsa.PrivateKey); ok {
		algorithm = []int{1, 2, 840, 113549, 1, 1, 11}
	}
	derSequence(b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		derSequence(b, func(b *cryptobyte.Builder) {
			b.AddBytes(s.certificate.RawIssuer)
			b.AddASN1BigInt(s.certificate.SerialNumber)
		})
		derAlgorithm(b, idSHA256...)
		b.AddASN1(derInner, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
		derAlgorithm(b, algorithm...)
		b.AddASN1OctetString(must(s.key.Sign(nil, h(signed), crypto.SHA256)))
	})
}

// stamp is a response of RFC 3161 for a digest.
func (s stamper) stamp(digest []byte, at time.Time) []byte {
	content := tstInfo(digest, at)
	token := func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		b.AddASN1(der.SET, func(b *cryptobyte.Builder) { derAlgorithm(b, idSHA256...) })
		derSequence(b, func(b *cryptobyte.Builder) {
			derOID(b, idTSTInfo...)
			b.AddASN1(derInner, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
		})
		b.AddASN1(derInner, func(b *cryptobyte.Builder) { b.AddBytes(s.certificate.Raw) })
		b.AddASN1(der.SET, func(b *cryptobyte.Builder) { s.signerInfo(b, content) })
	}
	return derOf(func(b *cryptobyte.Builder) {
		derSequence(b, func(b *cryptobyte.Builder) {
			derSequence(b, func(b *cryptobyte.Builder) { b.AddASN1Int64(0) })
			derSequence(b, func(b *cryptobyte.Builder) {
				derOID(b, 1, 2, 840, 113549, 1, 7, 2)
				b.AddASN1(derInner, func(b *cryptobyte.Builder) { derSequence(b, token) })
			})
		})
	})
}

// attachTo adds time stamps of the envelope to the bundle of a world.
func (s stamper) attachTo(w *world, n int, at time.Time) {
	also := w.attach
	w.attach = func(m *made) map[string][]byte {
		files := map[string][]byte{}
		if also != nil {
			files = also(m)
		}
		files[timestampPath(n)] = s.stamp(h(m.files[claim.EnvelopePath]), at)
		return files
	}
}
