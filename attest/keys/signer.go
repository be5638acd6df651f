package keys

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/assay-por/assay/attest"
)

const seedPrefix = "ed25519-seed:"

// Signer is an Ed25519 key that signs statements (SPEC part 10). It prints as its
// public key, whatever the verb.
type Signer struct {
	public  attest.PublicKey
	private ed25519.PrivateKey
}

var _ attest.Signer = (*Signer)(nil)

// GenerateSigner makes a new key out of 32 bytes of rand.
func GenerateSigner(rand io.Reader) (*Signer, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("new signing key: %w", err)
	}
	return newSigner(seed), nil
}

func newSigner(seed []byte) *Signer {
	private := ed25519.NewKeyFromSeed(seed)
	return &Signer{public: attest.PublicKey(private.Public().(ed25519.PublicKey)), private: private}
}

// PublicKey returns the public half.
func (s *Signer) PublicKey() attest.PublicKey { return s.public }

// Sign signs message as RFC 8032 says (SPEC part 10).
func (s *Signer) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.private, message), nil }

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
	if err := save(path, kindSigner, seedPrefix+hex.EncodeToString(s.private.Seed()), s.public.String(), lock); err != nil {
		return fmt.Errorf("saving the signing key: %w", err)
	}
	return nil
}

// OpenSigner opens the signing key that ref names ("file:PATH").
func OpenSigner(ref string, unlock Unlock) (attest.Signer, error) {
	path, err := FilePath(ref)
	if err != nil {
		return nil, err
	}
	line, err := openFile(path, kindSigner, unlock)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	digits, ok := strings.CutPrefix(line, seedPrefix)
	seed, err := hex.DecodeString(digits)
	if !ok || err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("signing key: %s: %w", path, ErrNotSealed)
	}
	s := newSigner(seed)
	if err := samePublic(path, s.public.String()); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return s, nil
}

// PublicKey reads the public half of the signing key that ref names, without
// opening the sealed file.
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
