package timestamp

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	maxResponse = 64 << 10 // SPEC part 18
	maxRSA      = 16384    // a longer key makes one signature take seconds: nobody's, and a trap
)

// Names of what a response is made of (RFC 3161, RFC 5652).
const (
	oidSignedData = "1.2.840.113549.1.7.2"
	oidTSTInfo    = "1.2.840.113549.1.9.16.1.4"
)

// Token is the time stamp in a response, as it stands there: nothing in it is believed yet (SPEC part 26).
type Token struct {
	Time      time.Time
	Authority string // subject of the certificate that signed

	content      []byte // what is stamped: the TSTInfo
	imprintHash  string
	imprint      []byte
	signer       signer
	certificate  *x509.Certificate // the signer's
	certificates []*x509.Certificate
}

// signer is who signed, how, and what.
type signer struct {
	issuer, keyID     []byte // one of them is there
	serial            *big.Int
	digest, algorithm string
	attributes        map[string]cryptobyte.String
	signed            []byte // the attributes, in the encoding that is signed
	signature         []byte
}

// Parse reads a response (SPEC part 26). Errors are *canon.FormatError for what is no response; another error says that the authority
// gave no time stamp, or one without its certificate.
func Parse(der []byte) (*Token, error) {
	if len(der) > maxResponse {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(der), maxResponse)}
	}
	input := cryptobyte.String(der)
	var response, info cryptobyte.String
	var status int64
	if !input.ReadASN1(&response, asn1.SEQUENCE) || !input.Empty() {
		return nil, &canon.FormatError{Problem: "not one DER value: want a TimeStampResp"}
	}
	if !response.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1Integer(&status) ||
		!info.SkipOptionalASN1(asn1.SEQUENCE) || !info.SkipOptionalASN1(asn1.BIT_STRING) || !info.Empty() {
		return nil, &canon.FormatError{Field: "status", Problem: "not a PKIStatusInfo"}
	}
	if status != 0 && status != 1 {
		return nil, fmt.Errorf("the authority gave no time stamp: its status is %d, want 0 or 1", status)
	}
	t := new(Token)
	if err := t.readSignedData(response); err != nil {
		return nil, err
	}
	if err := t.readInfo(t.content); err != nil {
		return nil, err
	}
	for _, c := range t.certificates {
		if t.signer.is(c) {
			t.certificate, t.Authority = c, printable(c.Subject.String())
			return t, nil
		}
	}
	return nil, errors.New("the certificate of who signed is not in the time stamp: request one with its certificates")
}

// readSignedData reads the token: CMS SignedData with one signer (RFC 5652 §5).
func (t *Token) readSignedData(response cryptobyte.String) error {
	var info, explicit, data, content, octets, certificates, signers cryptobyte.String
	var kind, contentKind string
	var version int64
	certificatesTag, crlsTag := asn1.Tag(0).ContextSpecific().Constructed(), asn1.Tag(1).ContextSpecific().Constructed()
	if !response.ReadASN1(&info, asn1.SEQUENCE) || !response.Empty() || !readOID(&info, &kind) || kind != oidSignedData ||
		!info.ReadASN1(&explicit, certificatesTag) || !info.Empty() || !explicit.ReadASN1(&data, asn1.SEQUENCE) || !explicit.Empty() {
		return &canon.FormatError{Field: "token", Problem: "not CMS SignedData"}
	}
	if !data.ReadASN1Integer(&version) || !data.SkipASN1(asn1.SET) || !data.ReadASN1(&content, asn1.SEQUENCE) ||
		!readOID(&content, &contentKind) || contentKind != oidTSTInfo || !content.ReadASN1(&explicit, certificatesTag) || !content.Empty() ||
		!explicit.ReadASN1(&octets, asn1.OCTET_STRING) || !explicit.Empty() {
		return &canon.FormatError{Field: "token.content", Problem: "not a TSTInfo"}
	}
	t.content = octets
	if !data.ReadOptionalASN1(&certificates, nil, certificatesTag) || !data.SkipOptionalASN1(crlsTag) ||
		!data.ReadASN1(&signers, asn1.SET) || !data.Empty() {
		return &canon.FormatError{Field: "token", Problem: "not CMS SignedData"}
	}
	if err := t.readCertificates(certificates); err != nil {
		return err
	}
	return t.signer.read(signers)
}

func (t *Token) readCertificates(certificates cryptobyte.String) error {
	for i := 0; !certificates.Empty(); i++ {
		var element cryptobyte.String
		if !certificates.ReadASN1Element(&element, asn1.SEQUENCE) {
			return &canon.FormatError{Field: fmt.Sprintf("token.certificates[%d]", i), Problem: "not an X.509 certificate"}
		}
		c, err := x509.ParseCertificate(element)
		if err != nil {
			return &canon.FormatError{Field: fmt.Sprintf("token.certificates[%d]", i), Problem: err.Error()}
		}
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSA {
			return &canon.FormatError{Field: fmt.Sprintf("token.certificates[%d]", i), Problem: fmt.Sprintf("an RSA key of %d bits, the limit is %d", key.N.BitLen(), maxRSA)}
		}
		t.certificates = append(t.certificates, c)
	}
	return nil
}

// read reads the SignerInfo, of which there is one (RFC 5652 §5.3).
func (s *signer) read(signers cryptobyte.String) error {
	var info, id, attributes, signature cryptobyte.String
	var version int64
	keyID, attributesTag := asn1.Tag(0).ContextSpecific(), asn1.Tag(0).ContextSpecific().Constructed()
	sound := signers.ReadASN1(&info, asn1.SEQUENCE) && info.ReadASN1Integer(&version)
	if !signers.Empty() {
		return &canon.FormatError{Field: "token.signers", Problem: "want one"}
	}
	if sound && info.PeekASN1Tag(keyID) {
		sound = info.ReadASN1(&id, keyID)
		s.keyID = id
	} else if sound {
		var issuer cryptobyte.String
		s.serial = new(big.Int)
		sound = info.ReadASN1(&id, asn1.SEQUENCE) && id.ReadASN1Element(&issuer, asn1.SEQUENCE) && id.ReadASN1Integer(s.serial) && id.Empty()
		s.issuer = issuer
	}
	if !sound || !readAlgorithm(&info, &s.digest) || !info.ReadASN1Element(&attributes, attributesTag) || !readAlgorithm(&info, &s.algorithm) ||
		!info.ReadASN1(&signature, asn1.OCTET_STRING) || !info.SkipOptionalASN1(asn1.Tag(1).ContextSpecific().Constructed()) || !info.Empty() {
		return &canon.FormatError{Field: "token.signers[0]", Problem: "not a SignerInfo with signed attributes"}
	}
	s.signature = signature
	s.signed = append([]byte{byte(asn1.SET)}, attributes[1:]...) // RFC 5652 §5.4
	return s.readAttributes(attributes)
}

func (s *signer) readAttributes(element cryptobyte.String) error {
	var list cryptobyte.String
	sound := element.ReadASN1(&list, asn1.Tag(0).ContextSpecific().Constructed())
	s.attributes = map[string]cryptobyte.String{}
	for sound && !list.Empty() {
		var attribute, values, value cryptobyte.String
		var name string
		sound = list.ReadASN1(&attribute, asn1.SEQUENCE) && readOID(&attribute, &name) && attribute.ReadASN1(&values, asn1.SET) && attribute.Empty() &&
			values.ReadAnyASN1Element(&value, nil) && values.Empty()
		if _, twice := s.attributes[name]; twice {
			sound = false
		}
		s.attributes[name] = value
	}
	if !sound {
		return &canon.FormatError{Field: "token.signers[0]", Problem: "its signed attributes are not different ones of one value each"}
	}
	return nil
}

// readInfo reads what is stamped (RFC 3161 §2.4.2).
func (t *Token) readInfo(content cryptobyte.String) error {
	var info, imprint, digest, at cryptobyte.String
	var policy string
	var version int64
	serial, nonce, ordering := new(big.Int), new(big.Int), false
	if !content.ReadASN1(&info, asn1.SEQUENCE) || !content.Empty() || !info.ReadASN1Integer(&version) || version != 1 || !readOID(&info, &policy) ||
		!info.ReadASN1(&imprint, asn1.SEQUENCE) || !readAlgorithm(&imprint, &t.imprintHash) || !imprint.ReadASN1(&digest, asn1.OCTET_STRING) || !imprint.Empty() ||
		!info.ReadASN1Integer(serial) || !info.ReadASN1(&at, asn1.GeneralizedTime) || !info.SkipOptionalASN1(asn1.SEQUENCE) ||
		info.PeekASN1Tag(asn1.BOOLEAN) && !info.ReadASN1Boolean(&ordering) || info.PeekASN1Tag(asn1.INTEGER) && !info.ReadASN1Integer(nonce) ||
		!info.SkipOptionalASN1(asn1.Tag(0).ContextSpecific().Constructed()) || !info.SkipOptionalASN1(asn1.Tag(1).ContextSpecific().Constructed()) || !info.Empty() {
		return &canon.FormatError{Field: "token.content", Problem: "not a TSTInfo of version 1"}
	}
	t.imprint = digest
	var err error
	t.Time, err = time.Parse("20060102150405Z", string(at))
	if err != nil || t.Time.Format("20060102150405.999999999Z") != string(at) {
		return &canon.FormatError{Field: "token.content.genTime", Problem: "not a time: want YYYYMMDDhhmmss, a fraction that does not end in 0 if there is one, and Z"}
	}
	return nil
}

// is reports whether a certificate is the signer's.
func (s *signer) is(c *x509.Certificate) bool {
	if s.serial == nil {
		return len(s.keyID) > 0 && bytes.Equal(c.SubjectKeyId, s.keyID)
	}
	return bytes.Equal(c.RawIssuer, s.issuer) && c.SerialNumber.Cmp(s.serial) == 0
}

// readAlgorithm reads an AlgorithmIdentifier. Those that are taken here have no parameters that matter.
func readAlgorithm(s *cryptobyte.String, name *string) bool {
	var algorithm, parameters cryptobyte.String
	return s.ReadASN1(&algorithm, asn1.SEQUENCE) && readOID(&algorithm, name) &&
		(algorithm.Empty() || algorithm.ReadAnyASN1(&parameters, nil) && algorithm.Empty())
}

// readOID reads an object identifier of whatever length: the names that matter here are compared as text.
func readOID(s *cryptobyte.String, name *string) bool {
	var raw cryptobyte.String
	if !s.ReadASN1(&raw, asn1.OBJECT_IDENTIFIER) {
		return false
	}
	var oid x509.OID
	if oid.UnmarshalBinary(raw) != nil {
		return false
	}
	*name = oid.String()
	return true
}

// printable writes out code points that no text here may hold (SPEC part 2).
func printable(s string) string {
	var out strings.Builder
	for _, c := range s {
		if canon.Barred(c) || c == utf8.RuneError {
			fmt.Fprintf(&out, `\u%04x`, c)
		} else {
			out.WriteRune(c)
		}
	}
	return out.String()
}
