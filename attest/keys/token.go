package keys

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/assay-por/assay/attest"
)

var (
	// ErrPIN is wrapped by the error of a token that refuses the PIN.
	ErrPIN = errors.New("wrong PIN")
	// ErrNoPKCS11 is the error of every pkcs11: reference in a program that was built without PKCS#11.
	ErrNoPKCS11 = errors.New("pkcs11: this program was built without it: build it with CGO_ENABLED=1 go build -tags pkcs11 ./cmd/assay")
)

// TokenSigner is a key in a PKCS#11 token: it signs there and never leaves it. It
// prints as its public key, whatever the verb. [TokenSigner.Close] ends its session.
type TokenSigner struct {
	public  attest.PublicKey
	session *session
}

var _ attest.Signer = (*TokenSigner)(nil)

// OpenToken logs in to the token that ref names and finds the key. pin is asked only if
// the token wants one.
func OpenToken(ref TokenRef, pin func() ([]byte, error)) (*TokenSigner, error) {
	s, public, err := openSession(ref, pin)
	if err != nil {
		return nil, err
	}
	return &TokenSigner{public, s}, nil
}

// PublicKey returns the public half.
func (s *TokenSigner) PublicKey() attest.PublicKey { return s.public }

// Sign has the token sign message (SPEC part 10). Of P-256 it is given the digest only.
func (s *TokenSigner) Sign(message []byte) ([]byte, error) {
	sig, err := s.session.sign(s.public.Algorithm(), message)
	if err != nil {
		return nil, err
	}
	if len(sig) != attest.SignatureSize {
		return nil, fmt.Errorf("pkcs11: the token made a signature of %d bytes, want %d", len(sig), attest.SignatureSize)
	}
	if s.public.Algorithm() == attest.P256 {
		return lowS(sig)
	}
	return sig, nil
}

// Close ends the session; nothing can be signed afterwards.
func (s *TokenSigner) Close() error { return s.session.close() }

// String returns the public key only.
func (s *TokenSigner) String() string { return "signer " + s.public.String() }

// Format prints the public key only, whatever the verb.
func (s TokenSigner) Format(f fmt.State, _ rune) { io.WriteString(f, "signer "+s.public.String()) } //nolint:errcheck // fmt.State keeps its own error

// LogValue logs the public key only.
func (s TokenSigner) LogValue() slog.Value { return slog.StringValue(s.public.String()) }

// MarshalText writes the public key only.
func (s TokenSigner) MarshalText() ([]byte, error) { return s.public.MarshalText() }
