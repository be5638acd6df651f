package attest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Algorithm says how a key signs (SPEC parts 2 and 10). Its text begins the text of the key.
type Algorithm string

// The algorithms of signatures.
const (
	Ed25519 Algorithm = "ed25519" // RFC 8032
	P256    Algorithm = "p256"    // ECDSA on NIST P-256 with SHA-256
)

// ParseAlgorithm reads the name of an algorithm.
func ParseAlgorithm(text string) (Algorithm, error) {
	if a := Algorithm(text); a.size() != 0 {
		return a, nil
	}
	return "", fmt.Errorf("no algorithm of signatures is called %q: want ed25519 or p256", text)
}

// size is how many bytes a public key has.
func (a Algorithm) size() int {
	switch a {
	case Ed25519:
		return ed25519.PublicKeySize
	case P256:
		return 33 // a compressed point
	}
	return 0
}

// SignatureSize is the length of every signature in bytes (SPEC part 10): of Ed25519
// as RFC 8032 has it, of P-256 r and s.
const SignatureSize = 64

// PublicKey is a public key. Its text form (SPEC part 2) is "ed25519:" and 64 hex
// digits, or "p256:" and the 66 of a compressed point. It can be compared with == and
// be the key of a map; the zero value is no key.
type PublicKey struct {
	algorithm Algorithm
	bytes     [33]byte // of Ed25519 the last is 0
}

// Ed25519Key returns the public key of Ed25519 with those bytes.
func Ed25519Key(b [ed25519.PublicKeySize]byte) PublicKey {
	k := PublicKey{algorithm: Ed25519}
	copy(k.bytes[:], b[:])
	return k
}

// P256Key returns the public key of a point of NIST P-256, and refuses another curve's.
func P256Key(public *ecdsa.PublicKey) (PublicKey, error) {
	if public.Curve != elliptic.P256() {
		return PublicKey{}, errors.New("an ECDSA key of another curve, want NIST P-256")
	}
	point, err := public.Bytes() // 4 ‖ x ‖ y
	if err != nil {
		return PublicKey{}, fmt.Errorf("a P-256 key: %w", err)
	}
	k := PublicKey{algorithm: P256, bytes: [33]byte{2 + point[64]&1}}
	copy(k.bytes[1:], point[1:33])
	return k, nil
}

// ParsePublicKey reads the text form of a public key (SPEC part 2).
func ParsePublicKey(text string) (PublicKey, error) {
	name, digits, _ := strings.Cut(text, ":")
	k := PublicKey{algorithm: Algorithm(name)}
	size := k.algorithm.size()
	if size == 0 || len(digits) != 2*size || strings.ToLower(digits) != digits {
		return PublicKey{}, errKeyText
	}
	if _, err := hex.Decode(k.bytes[:], []byte(digits)); err != nil {
		return PublicKey{}, errKeyText
	}
	if k.algorithm == P256 {
		if _, err := k.point(); err != nil {
			return PublicKey{}, err
		}
	}
	return k, nil
}

var errKeyText = errors.New("a public key is written ed25519: and 64 lower-case hex digits, or p256: and 66, a compressed point")

// point is the point of a P-256 key.
func (k PublicKey) point() (*ecdsa.PublicKey, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), k.bytes[:])
	if x == nil {
		return nil, errors.New("a public key p256: is no compressed point of NIST P-256")
	}
	uncompressed := append([]byte{4}, make([]byte, 64)...)
	x.FillBytes(uncompressed[1:33])
	y.FillBytes(uncompressed[33:])
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), uncompressed)
}

// Algorithm says how the key signs.
func (k PublicKey) Algorithm() Algorithm { return k.algorithm }

// String returns the text form (SPEC part 2).
func (k PublicKey) String() string {
	if k == (PublicKey{}) {
		return "no key"
	}
	return string(k.algorithm) + ":" + hex.EncodeToString(k.bytes[:k.algorithm.size()])
}

// KeyID returns the name under which an envelope lists this key's signature (SPEC part 10).
func (k PublicKey) KeyID() string {
	id := sha256.Sum256(append([]byte("assay/v1/key\x00"), k.String()...))
	return hex.EncodeToString(id[:])
}

// MarshalText writes the text form (SPEC part 2).
func (k PublicKey) MarshalText() ([]byte, error) {
	if k == (PublicKey{}) {
		return nil, errors.New("a public key is missing")
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads the text form (SPEC part 2).
func (k *PublicKey) UnmarshalText(b []byte) error {
	parsed, err := ParsePublicKey(string(b))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

// verify reports whether sig is the key's signature of message, in its one spelling
// (SPEC part 10): crypto/ed25519 refuses an s that is not below the group order, of
// P-256 s is at most half of it.
func (k PublicKey) verify(message, sig []byte) bool {
	if len(sig) != SignatureSize {
		return false
	}
	switch k.algorithm {
	case Ed25519:
		return ed25519.Verify(k.bytes[:ed25519.PublicKeySize], message, sig)
	case P256:
		public, err := k.point()
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
		digest := sha256.Sum256(message)
		return err == nil && s.Cmp(half) <= 0 && ecdsa.Verify(public, digest[:], r, s)
	}
	return false
}

// Signer holds a private key and gives it to nobody: it says which key it is and
// signs. What Sign returns is what an envelope stores (SPEC part 10).
type Signer interface {
	PublicKey() PublicKey
	Sign(message []byte) ([]byte, error)
}
