package tlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assay-por/assay/verifier/canon"
)

// What a key is for, in its first byte (SPEC part 25).
const (
	logAlgorithm     = 0x01
	witnessAlgorithm = 0x04
)

const maxName = 256

// Key is the verifier key of a log or a witness (SPEC part 25). Of two keys with one Public only one may count as a witness: what a
// witness signs does not hold its name.
type Key struct {
	Text   string // as written
	Name   string
	Hash   uint32
	Public [ed25519.PublicKeySize]byte
}

// ParseLogKey reads the key of a log (SPEC part 25).
func ParseLogKey(vkey string) (Key, error) { return parseKey(vkey, logAlgorithm, "a log") }

// ParseWitnessKey reads the key of a witness (SPEC part 25).
func ParseWitnessKey(vkey string) (Key, error) { return parseKey(vkey, witnessAlgorithm, "a witness") }

func parseKey(vkey string, algorithm byte, whose string) (Key, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	hash, encoded, _ := strings.Cut(rest, "+") // base64 may hold another +
	decoded, err := parseBase64(encoded)
	switch {
	case !validName(name):
		return Key{}, errors.New("not a verifier key: want name+hash+base64, the name of 1-256 bytes without white space and +")
	case err != nil:
		return Key{}, fmt.Errorf("not a verifier key: %w", err)
	case len(decoded) != 1+ed25519.PublicKeySize || decoded[0] != algorithm:
		return Key{}, fmt.Errorf("not the verifier key of %s: want the byte %#02x and 32 bytes of an Ed25519 key", whose, algorithm)
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), decoded...))
	if want := fmt.Sprintf("%x", sum[:4]); hash != want {
		return Key{}, fmt.Errorf("not a verifier key: its hash is %q, name and key give %q", hash, want)
	}
	return Key{vkey, name, binary.BigEndian.Uint32(sum[:4]), [ed25519.PublicKeySize]byte(decoded[1:])}, nil
}

// validName reports whether a name is one of SPEC part 25. Code points that no text here may hold (SPEC part 2) are barred too: names
// stand in statements and verdicts.
func validName(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(c rune) bool { return c == '+' || unicode.IsSpace(c) || canon.Barred(c) })
}
