package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/assay-por/assay/attest"
)

// What a sealed signing key's line begins with, before 64 hex digits.
const (
	seedPrefix   = "ed25519-seed:" // RFC 8032's private key
	scalarPrefix = "p256-scalar:"  // ECDSA's d
)

// Signer is a key of a sealed file, opened: it signs statements (SPEC part 10). It
// prints as its public key, whatever the verb.
type Signer struct {
	public  attest.PublicKey
	private crypto.Signer // ed25519.PrivateKey or *ecdsa.PrivateKey
	line    string        // as it is sealed
}

var _ attest.Signer = (*Signer)(nil)

// GenerateSigner makes a new key of that algorithm out of rand.
func GenerateSigner(rand io.Reader, algorithm attest.Algorithm) (*Signer, error) {
	prefix, ok := map[attest.Algorithm]string{attest.Ed25519: seedPrefix, attest.P256: scalarPrefix}[algorithm]
	if !ok {
		return nil, fmt.Errorf("new signing key: no algorithm %q", algorithm)
	}
	var secret [32]byte
	if _, err := io.ReadFull(rand, secret[:]); err != nil {
		return nil, fmt.Errorf("new signing key: %w", err)
	}
	s, err := newSigner(prefix + hex.EncodeToString(secret[:]))
	if err != nil { // one in 2^32 numbers of 32 bytes is no scalar of P-256
		return nil, errors.New("new signing key: the random bytes make no key: try again")
	}
	return s, nil
}

// newSigner reads the line of a sealed signing key. Its error carries nothing of it.
func newSigner(line string) (*Signer, error) {
	prefix, digits, _ := strings.Cut(line, ":")
	secret, err := hex.DecodeString(digits)
	if err != nil || len(secret) != 32 {
		return nil, ErrNotSealed
	}
	switch prefix + ":" {
	case seedPrefix:
		private := ed25519.NewKeyFromSeed(secret)
		return &Signer{attest.Ed25519Key([32]byte(private.Public().(ed25519.PublicKey))), private, line}, nil
	case scalarPrefix:
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret)
		if err != nil {
			return nil, ErrNotSealed
		}
		public, err := attest.P256Key(&private.PublicKey)
		if err != nil {
			return nil, ErrNotSealed
		}
		return &Signer{public, private, line}, nil
	}
	return nil, ErrNotSealed
}

// PublicKey returns the public half.
func (s *Signer) PublicKey() attest.PublicKey { return s.public }

// Sign signs message as SPEC part 10 says; of P-256 the nonce is RFC 6979's, so that one
// message has one signature and a bad source of randomness betrays no key.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	if s.public.Algorithm() == attest.Ed25519 {
		return s.private.Sign(nil, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	der, err := s.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return fromDER(der)
}

// String returns the public key only.
func (s *Signer) String() string { return "signer " + s.public.String() }

// Format prints the public key only, whatever the verb.
func (s Signer) Format(f fmt.State, _ rune) { io.WriteString(f, "signer "+s.public.String()) } //nolint:errcheck // fmt.State keeps its own error

// LogValue logs the public key only.
func (s Signer) LogValue() slog.Value { return slog.StringValue(s.public.String()) }

// MarshalText writes the public key only.
func (s Signer) MarshalText() ([]byte, error) { return s.public.MarshalText() }

// Save seals the key in a new file at path, with its public half beside it.
func (s *Signer) Save(path string, lock Lock) error {
	if err := save(path, kindSigner, s.line, s.public.String(), lock); err != nil {
		return fmt.Errorf("saving the signing key: %w", err)
	}
	return nil
}

// OpenSigner opens the sealed signing key that ref names ("file:PATH").
func OpenSigner(ref string, unlock Unlock) (*Signer, error) {
	path, err := FilePath(ref)
	if err != nil {
		return nil, err
	}
	line, err := openFile(path, kindSigner, unlock)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	s, err := newSigner(line)
	if err != nil {
		return nil, fmt.Errorf("signing key: %s: %w", path, err)
	}
	if err := samePublic(path, s.public.String()); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return s, nil
}

// PublicKey reads the public half of the signing key that ref names ("file:PATH"),
// without opening the sealed file.
func PublicKey(ref string) (attest.PublicKey, error) {
	path, err := FilePath(ref)
	if err != nil {
		return attest.PublicKey{}, err
	}
	return ReadPublicKey(PublicPath(path))
}

// ReadPublicKey reads a file that holds a public key in text form, as ".pub" files do.
func ReadPublicKey(path string) (attest.PublicKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return attest.PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	k, err := attest.ParsePublicKey(strings.TrimSuffix(string(b), "\n"))
	if err != nil {
		return attest.PublicKey{}, fmt.Errorf("public key: %s: %w", path, err)
	}
	return k, nil
}
