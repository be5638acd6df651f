package tlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/assay-por/assay/attest"
)

// algCosignature is the type of a witness's key (SPEC part 25).
const algCosignature = 0x04

// maxName is the longest name of a key in bytes (SPEC part 25).
const maxName = 256

// VerifierKey returns the verifier key of a log: its origin and its public key, which
// must be of Ed25519 (SPEC part 25).
func VerifierKey(origin string, key attest.PublicKey) (string, error) {
	public, err := ed25519Key(key)
	if err != nil {
		return "", err
	}
	return verifierKey(origin, public)
}

// verifierKey is a log's; it holds the name to what a name may be.
func verifierKey(name string, public ed25519.PublicKey) (string, error) {
	vkey, err := note.NewEd25519VerifierKey(name, public)
	if err == nil {
		_, err = note.NewVerifier(vkey)
	}
	if err != nil || len(name) > maxName {
		return "", fmt.Errorf("the name %q of a log or witness: want 1 to %d bytes of UTF-8 without white space and +", name, maxName)
	}
	return vkey, nil
}

// WitnessKey returns the verifier key of a witness, whose public key must be of
// Ed25519 (SPEC part 25).
func WitnessKey(name string, key attest.PublicKey) (string, error) {
	public, err := ed25519Key(key)
	if err != nil {
		return "", err
	}
	if _, err := verifierKey(name, public); err != nil {
		return "", err
	}
	typed := append([]byte{algCosignature}, public...)
	hash := sha256.Sum256(append([]byte(name+"\n"), typed...))
	return fmt.Sprintf("%s+%x+%s", name, hash[:4], base64.StdEncoding.EncodeToString(typed)), nil
}

// ed25519Key takes the key out of its text form; logs and witnesses sign with no other kind.
func ed25519Key(key attest.PublicKey) (ed25519.PublicKey, error) {
	kind, digits, _ := strings.Cut(key.String(), ":")
	if kind != "ed25519" {
		return nil, fmt.Errorf("a key of kind %s: logs and witnesses sign with Ed25519 keys only", kind)
	}
	return hex.DecodeString(digits)
}

// noteSigner signs checkpoints with a key that it never sees, and reports each attempt.
type noteSigner struct {
	note.Verifier
	key     attest.Signer
	hearing *hearing
}

// newSigner requires that vkey is of key.
func newSigner(vkey string, key attest.Signer, h *hearing) (*noteSigner, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	return &noteSigner{Verifier: v, key: key, hearing: h}, nil
}

// Sign signs the text of a checkpoint and verifies what the key's keeper answered.
func (s *noteSigner) Sign(text []byte) ([]byte, error) {
	sig, err := s.key.Sign(text)
	if err == nil && !s.Verify(text, sig) {
		err = errors.New("the signature does not verify")
	}
	s.hearing.begin(text, err)
	return sig, err
}
