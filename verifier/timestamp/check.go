package timestamp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"     //nolint:gosec // RFC 2634 names the certificate by it; the signature does not rest on it
	_ "crypto/sha256" // what hashOf names is called by number
	_ "crypto/sha512" // likewise
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Names of algorithms and attributes that are taken (SPEC part 26).
const (
	oidSHA256 = "2.16.840.1.101.3.4.2.1"
	oidSHA384 = "2.16.840.1.101.3.4.2.2"
	oidSHA512 = "2.16.840.1.101.3.4.2.3"

	oidRSA           = "1.2.840.113549.1.1.1" // with the digest that the signer names
	oidRSASHA256     = "1.2.840.113549.1.1.11"
	oidRSASHA384     = "1.2.840.113549.1.1.12"
	oidRSASHA512     = "1.2.840.113549.1.1.13"
	oidECDSASHA256   = "1.2.840.10045.4.3.2"
	oidECDSASHA384   = "1.2.840.10045.4.3.3"
	oidECDSASHA512   = "1.2.840.10045.4.3.4"
	oidExtendedUsage = "2.5.29.37"

	oidContentType          = "1.2.840.113549.1.9.3"
	oidMessageDigest        = "1.2.840.113549.1.9.4"
	oidSigningCertificate   = "1.2.840.113549.1.9.16.2.12"
	oidSigningCertificateV2 = "1.2.840.113549.1.9.16.2.47"
)

const minRSA = 2048

// Check verifies that the time stamp is of this SHA-256 digest, and signed as SPEC part 26 demands in steps 2 and 3. By whom, Trusted
// says.
func (t *Token) Check(imprint [32]byte) error {
	if t.imprintHash != oidSHA256 || !bytes.Equal(t.imprint, imprint[:]) {
		return fmt.Errorf("the time stamp is of another file: its imprint is %x, want SHA-256 %x", t.imprint, imprint)
	}
	if err := checkCertificate(t.certificate); err != nil {
		return fmt.Errorf("the certificate of the time stamp's authority %q %w", t.Authority, err)
	}
	if err := t.checkAttributes(); err != nil {
		return err
	}
	algorithm := signatureAlgorithm(t.signer.algorithm, t.signer.digest)
	if algorithm == x509.UnknownSignatureAlgorithm {
		return fmt.Errorf("the time stamp is signed by algorithm %s with digest %s: want RSA (PKCS #1 v1.5) or ECDSA with SHA-256 or longer", t.signer.algorithm, t.signer.digest)
	}
	if err := t.certificate.CheckSignature(algorithm, t.signer.signed, t.signer.signature); err != nil {
		return fmt.Errorf("the signature of the time stamp does not verify: %w", err)
	}
	return nil
}

// Trusted verifies that the authority is one of these, or has its certificate from one of these, at the time of the token and through
// certificates in it (SPEC part 26, step 4). It means nothing unless Check passes.
func (t *Token) Trusted(certificates []*x509.Certificate) error {
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   t.Time,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}
	for _, c := range certificates {
		options.Roots.AddCert(c)
	}
	for _, c := range t.certificates {
		options.Intermediates.AddCert(c)
	}
	if _, err := t.certificate.Verify(options); err != nil {
		return fmt.Errorf("the certificate of authority %q does not lead to a [[timestamp]] certificate of the policy at the time of the time stamp: %w", t.Authority, err)
	}
	return nil
}

// checkCertificate checks what a certificate of an authority may be, whoever gave it.
func checkCertificate(c *x509.Certificate) error {
	critical := false
	for _, e := range c.Extensions {
		critical = critical || e.Critical && e.Id.String() == oidExtendedUsage
	}
	if !critical || len(c.UnknownExtKeyUsage) > 0 || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) {
		return errors.New("is not for time stamps: want the extended key usage timeStamping, alone and critical")
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return fmt.Errorf("has an RSA key of %d bits, want %d or more", key.N.BitLen(), minRSA)
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return fmt.Errorf("has a key on %s, want P-256 or P-384", key.Curve.Params().Name)
		}
	default:
		return errors.New("has neither an RSA nor an ECDSA key")
	}
	return nil
}

// checkAttributes checks that what is signed names the content, its digest and the signer's certificate.
func (t *Token) checkAttributes() error {
	hash := hashOf(t.signer.digest)
	if hash == 0 {
		return fmt.Errorf("the time stamp is signed with digest %s: want SHA-256, SHA-384 or SHA-512", t.signer.digest)
	}
	contentType, digest := t.signer.attributes[oidContentType], t.signer.attributes[oidMessageDigest]
	var kind string
	if !readOID(&contentType, &kind) || kind != oidTSTInfo {
		return errors.New("the signed attributes of the time stamp do not name its content type")
	}
	var value cryptobyte.String
	if !digest.ReadASN1(&value, asn1.OCTET_STRING) || !bytes.Equal(value, sum(hash, t.content)) {
		return errors.New("the signed attributes of the time stamp have another digest than its content")
	}
	v1, hasV1 := t.signer.attributes[oidSigningCertificate]
	v2, hasV2 := t.signer.attributes[oidSigningCertificateV2]
	if !hasV1 && !hasV2 || hasV1 && !namesV1(v1, t.certificate.Raw) || hasV2 && !namesV2(v2, t.certificate.Raw) {
		return errors.New("the signed attributes of the time stamp do not name the certificate of who signed")
	}
	return nil
}

// namesV1 reports whether the first certificate of a SigningCertificate (RFC 2634 §5.4) is this one.
func namesV1(attribute cryptobyte.String, certificate []byte) bool {
	id, ok := firstID(attribute)
	var digest cryptobyte.String
	sha := sha1.Sum(certificate) //nolint:gosec // as RFC 2634 has it
	return ok && id.ReadASN1(&digest, asn1.OCTET_STRING) && id.SkipOptionalASN1(asn1.SEQUENCE) && id.Empty() && bytes.Equal(digest, sha[:])
}

// namesV2 reports whether the first certificate of a SigningCertificateV2 (RFC 5035 §3) is this one.
func namesV2(attribute cryptobyte.String, certificate []byte) bool {
	id, ok := firstID(attribute)
	name := oidSHA256 // unless it says so
	if !ok || id.PeekASN1Tag(asn1.SEQUENCE) && !readAlgorithm(&id, &name) {
		return false
	}
	var digest cryptobyte.String
	hash := hashOf(name)
	return hash != 0 && id.ReadASN1(&digest, asn1.OCTET_STRING) && id.SkipOptionalASN1(asn1.SEQUENCE) && id.Empty() && bytes.Equal(digest, sum(hash, certificate))
}

func firstID(attribute cryptobyte.String) (id cryptobyte.String, ok bool) {
	var all, ids cryptobyte.String
	ok = attribute.ReadASN1(&all, asn1.SEQUENCE) && all.ReadASN1(&ids, asn1.SEQUENCE) && all.SkipOptionalASN1(asn1.SEQUENCE) && all.Empty() &&
		ids.ReadASN1(&id, asn1.SEQUENCE)
	return id, ok
}

func hashOf(oid string) crypto.Hash {
	switch oid {
	case oidSHA256:
		return crypto.SHA256
	case oidSHA384:
		return crypto.SHA384
	case oidSHA512:
		return crypto.SHA512
	}
	return 0
}

func sum(hash crypto.Hash, b []byte) []byte {
	h := hash.New()
	h.Write(b)
	return h.Sum(nil)
}

// signatureAlgorithm gives what a signer's two algorithms are together. They name one digest, or none fits.
func signatureAlgorithm(signature, digest string) x509.SignatureAlgorithm {
	switch {
	case digest == oidSHA256 && (signature == oidRSA || signature == oidRSASHA256):
		return x509.SHA256WithRSA
	case digest == oidSHA384 && (signature == oidRSA || signature == oidRSASHA384):
		return x509.SHA384WithRSA
	case digest == oidSHA512 && (signature == oidRSA || signature == oidRSASHA512):
		return x509.SHA512WithRSA
	case digest == oidSHA256 && signature == oidECDSASHA256:
		return x509.ECDSAWithSHA256
	case digest == oidSHA384 && signature == oidECDSASHA384:
		return x509.ECDSAWithSHA384
	case digest == oidSHA512 && signature == oidECDSASHA512:
		return x509.ECDSAWithSHA512
	}
	return x509.UnknownSignatureAlgorithm
}
