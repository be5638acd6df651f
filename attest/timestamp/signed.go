package timestamp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 2634 names the certificate by SHA-1, beside the signature that is over it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"github.com/digitorus/pkcs7"
)

var (
	oidTSTInfo              = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSigningCertificate   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // RFC 2634
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // RFC 5035
	oidExtKeyUsage          = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// digests and ciphers are the algorithms of signatures that verifiers take (SPEC part 26, 3).
var (
	digests = []asn1.ObjectIdentifier{pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmSHA384, pkcs7.OIDDigestAlgorithmSHA512}
	ciphers = []asn1.ObjectIdentifier{
		pkcs7.OIDEncryptionAlgorithmRSA, pkcs7.OIDEncryptionAlgorithmRSASHA256, pkcs7.OIDEncryptionAlgorithmRSASHA384, pkcs7.OIDEncryptionAlgorithmRSASHA512,
		pkcs7.OIDDigestAlgorithmECDSASHA256, pkcs7.OIDDigestAlgorithmECDSASHA384, pkcs7.OIDDigestAlgorithmECDSASHA512,
	}
)

// Lengths of RSA keys in bits (SPEC parts 18 and 26).
const (
	leastRSA = 2048
	mostRSA  = 16384
)

// checkSigned checks the token's one signature and returns the certificate that made it
// (SPEC part 26, 2 and 3).
func checkSigned(token *pkcs7.PKCS7) (*x509.Certificate, error) {
	if n := len(token.Signers); n != 1 {
		return nil, fmt.Errorf("%d signers signed it, want 1", n)
	}
	signer := token.GetOnlySigner()
	if signer == nil {
		return nil, errors.New("the certificate that signed it is not in it: the authority was asked for it")
	}
	if err := checkCertificate(signer); err != nil {
		return nil, err
	}
	by := token.Signers[0]
	has := func(list []asn1.ObjectIdentifier, got asn1.ObjectIdentifier) bool {
		return slices.ContainsFunc(list, func(oid asn1.ObjectIdentifier) bool { return oid.Equal(got) })
	}
	if digest, cipher := by.DigestAlgorithm.Algorithm, by.DigestEncryptionAlgorithm.Algorithm; !has(digests, digest) || !has(ciphers, cipher) {
		return nil, fmt.Errorf("it is signed with %v over %v, want RSA or ECDSA over SHA-256 or longer", cipher, digest)
	}
	var content asn1.ObjectIdentifier
	if err := token.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &content); err != nil || !content.Equal(oidTSTInfo) {
		return nil, errors.New("what it signs is not said to be a TSTInfo")
	}
	if err := checkNamed(token, signer); err != nil {
		return nil, err
	}
	var other *pkcs7.MessageDigestMismatchError
	switch err := token.Verify(); {
	case errors.As(err, &other):
		return nil, errors.New("what it holds is not what was signed")
	case err != nil:
		return nil, fmt.Errorf("its signature does not verify: %w", err)
	}
	return signer, nil
}

// checkCertificate checks that a certificate is for time-stamping alone, with a key that is long enough.
func checkCertificate(c *x509.Certificate) error {
	critical := slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidExtKeyUsage) && e.Critical })
	if !critical || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) || len(c.UnknownExtKeyUsage) > 0 {
		return errors.New("the certificate that signed it is not, by a critical extension, for time-stamping alone")
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < leastRSA || bits > mostRSA {
			return fmt.Errorf("it is signed with an RSA key of %d bits, want %d to %d", bits, leastRSA, mostRSA)
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return fmt.Errorf("it is signed with a key on %s, want P-256 or P-384", key.Curve.Params().Name)
		}
	default:
		return fmt.Errorf("it is signed with a key of type %T, want RSA or ECDSA", key)
	}
	return nil
}

// checkNamed checks that the signature is over the name of the certificate that made it,
// so that no other certificate of the same key can take its place.
func checkNamed(token *pkcs7.PKCS7, signer *x509.Certificate) error {
	var v1 struct {
		Certs []struct {
			Hash   []byte
			Issuer asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	var v2 struct {
		Certs []struct {
			Algorithm pkix.AlgorithmIdentifier `asn1:"optional"`
			Hash      []byte
			Issuer    asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	old := token.UnmarshalSignedAttribute(oidSigningCertificate, &v1) == nil
	late := token.UnmarshalSignedAttribute(oidSigningCertificateV2, &v2) == nil
	if !old && !late {
		return errors.New("the signature does not name the certificate that made it")
	}
	other := errors.New("the signature names another certificate than the one that made it")
	if old {
		if sum := sha1.Sum(signer.Raw); len(v1.Certs) == 0 || !bytes.Equal(v1.Certs[0].Hash, sum[:]) { //nolint:gosec // as above
			return other
		}
	}
	if late && (len(v2.Certs) == 0 || !bytes.Equal(v2.Certs[0].Hash, digestOf(v2.Certs[0].Algorithm.Algorithm, signer.Raw))) {
		return other
	}
	return nil
}

// digestOf is a digest by its algorithm, SHA-256 if none is named (RFC 5035 §4), nil if it is unknown.
func digestOf(algorithm asn1.ObjectIdentifier, data []byte) []byte {
	switch {
	case len(algorithm) == 0, algorithm.Equal(pkcs7.OIDDigestAlgorithmSHA256):
		sum := sha256.Sum256(data)
		return sum[:]
	case algorithm.Equal(pkcs7.OIDDigestAlgorithmSHA384):
		sum := sha512.Sum384(data)
		return sum[:]
	case algorithm.Equal(pkcs7.OIDDigestAlgorithmSHA512):
		sum := sha512.Sum512(data)
		return sum[:]
	}
	return nil
}
