package timestamp

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/digitorus/pkcs7"
	rfc3161 "github.com/digitorus/timestamp"
)

// A Stamp is an authority's answer, looked at.
type Stamp struct {
	Raw         []byte            // the file: a DER TimeStampResp
	Time        time.Time         // the token's genTime
	Certificate *x509.Certificate // that signed it

	nonce        *big.Int
	certificates []*x509.Certificate // all in the token
}

// response is a TimeStampResp (RFC 3161 §2.4.2).
type response struct {
	Status struct {
		Status int
		Text   []asn1.RawValue `asn1:"optional"`
		Fail   asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

// PKIStatus of RFC 3161 §2.4.2.
const (
	granted         = 0
	grantedWithMods = 1
)

// Read reads a response and checks that it is a granted time stamp of the file, signed
// by a certificate in it that is for time-stamping alone (SPEC part 26, 1 to 3). Whose
// certificate that is says [Stamp.ChainsTo].
func Read(raw, file []byte) (Stamp, error) {
	token, err := tokenOf(raw)
	if err != nil {
		return Stamp{}, fmt.Errorf("time stamp: %w", err)
	}
	signed, err := pkcs7.Parse(token)
	if err != nil {
		return Stamp{}, fmt.Errorf("time stamp: its token cannot be read: %w", err)
	}
	signer, err := checkSigned(signed)
	if err != nil {
		return Stamp{}, fmt.Errorf("time stamp: %w", err)
	}
	info, err := rfc3161.Parse(token)
	if err != nil {
		return Stamp{}, fmt.Errorf("time stamp: what it signs cannot be read: %w", err)
	}
	if digest := sha256.Sum256(file); info.HashAlgorithm != crypto.SHA256 || !bytes.Equal(info.HashedMessage, digest[:]) {
		return Stamp{}, fmt.Errorf("time stamp: it is of a file with %v %x, want SHA-256 %x", info.HashAlgorithm, info.HashedMessage, digest)
	}
	return Stamp{Raw: raw, Time: info.Time.UTC(), Certificate: signer, nonce: info.Nonce, certificates: signed.Certificates}, nil
}

// tokenOf returns the token of a response that was granted.
func tokenOf(raw []byte) ([]byte, error) {
	if len(raw) > MaxResponse {
		return nil, fmt.Errorf("it is larger than %d bytes", MaxResponse)
	}
	if err := checkDER(raw, maxDepth); err != nil {
		return nil, fmt.Errorf("it is no DER: %w", err)
	}
	var r response
	if rest, err := asn1.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("it is no TimeStampResp: %w", err)
	} else if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes are left over", len(rest))
	}
	if s := r.Status.Status; s != granted && s != grantedWithMods {
		return nil, fmt.Errorf("the authority refused, status %d%s", s, r.words())
	}
	if len(r.Token.FullBytes) == 0 {
		return nil, errors.New("it was granted and holds no token")
	}
	return r.Token.FullBytes, nil
}

// words are what the authority said of a refusal, fit for one line.
func (r response) words() string {
	var said []string
	for _, t := range r.Status.Text {
		said = append(said, fmt.Sprintf("%+.200q", t.Bytes))
	}
	if len(said) == 0 {
		return ""
	}
	return ": " + strings.Join(said[:min(len(said), 3)], ", ")
}

// maxDepth is more than a token with its certificates has.
const maxDepth = 32

// checkDER checks every length of an encoding that holds others: guests would take BER,
// and verifiers do not.
func checkDER(der []byte, depth int) error {
	if depth == 0 {
		return fmt.Errorf("it is deeper than %d", maxDepth)
	}
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return err
		}
		if v.IsCompound {
			if err := checkDER(v.Bytes, depth-1); err != nil {
				return err
			}
		}
		der = rest
	}
	return nil
}

// ChainsTo returns nil if the certificate that signed is authority's, or chains to it by
// certificates in the token, at the token's time (SPEC part 26, 4).
func (s Stamp) ChainsTo(authority *x509.Certificate) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(authority)
	for _, c := range s.certificates {
		between.AddCert(c)
	}
	_, err := s.Certificate.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: s.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return fmt.Errorf("time stamp: its certificate is not of the authority: %w", err)
	}
	return nil
}

// ReadCertificate reads a file with one certificate in PEM.
func ReadCertificate(file []byte) (*x509.Certificate, error) {
	block, rest := pem.Decode(file)
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it is not one certificate in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}
