package attest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const keyPrefix = "ed25519:"

// PublicKey is an Ed25519 public key. Its text form (SPEC part 2) is "ed25519:"
// and 64 lower-case hex digits. It can be compared with ==.
type PublicKey [ed25519.PublicKeySize]byte

// ParsePublicKey reads the text form of a public key (SPEC part 2).
func ParsePublicKey(text string) (PublicKey, error) {
	var k PublicKey
	digits, ok := strings.CutPrefix(text, keyPrefix)
	if !ok || len(digits) != 2*len(k) || strings.ToLower(digits) != digits {
		return PublicKey{}, errors.New("a public key is written ed25519: and 64 lower-case hex digits")
	}
	if _, err := hex.Decode(k[:], []byte(digits)); err != nil {
		return PublicKey{}, fmt.Errorf("a public key is written ed25519: and 64 lower-case hex digits: %w", err)
	}
	return k, nil
}

// String returns the text form (SPEC part 2).
func (k PublicKey) String() string { return keyPrefix + hex.EncodeToString(k[:]) }

// KeyID returns the name under which an envelope lists this key's signature (SPEC part 10).
func (k PublicKey) KeyID() string {
	id := sha256.Sum256(append([]byte("assay/v1/key\x00"), k.String()...))
	return hex.EncodeToString(id[:])
}

// MarshalText writes the text form (SPEC part 2).
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the text form (SPEC part 2).
func (k *PublicKey) UnmarshalText(b []byte) error {
	parsed, err := ParsePublicKey(string(b))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

// verify reports whether sig is the key's signature of message; crypto/ed25519
// refuses an s that is not below the group order (SPEC part 10).
func (k PublicKey) verify(message, sig []byte) bool {
	return len(sig) == ed25519.SignatureSize && ed25519.Verify(k[:], message, sig)
}

// Signer holds a private key and gives it to nobody: it says which key it is and
// signs (SPEC part 10).
type Signer interface {
	PublicKey() PublicKey
	Sign(message []byte) ([]byte, error)
}
