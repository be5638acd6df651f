package tree

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/assay-por/assay/verifier/canon"
)

// Hash is a SHA-256 digest.
type Hash [sha256.Size]byte

// String gives the hash in lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// NormalizeCustomer turns what a person typed into the customer id that is hashed (SPEC part 5): NFC, without white space at the
// ends, 1-256 bytes. The id must come from the person, never from a file. Errors do not repeat it.
func NormalizeCustomer(typed string) (string, error) {
	if len(typed) > 4096 {
		return "", errors.New("the customer id is longer than 256 bytes")
	}
	if !utf8.ValidString(typed) {
		return "", errors.New("the customer id is not valid UTF-8")
	}
	id := strings.TrimSpace(norm.NFC.String(typed))
	if id == "" {
		return "", errors.New("the customer id is empty")
	}
	if len(id) > 256 {
		return "", fmt.Errorf("the customer id is %d bytes long, the limit is 256", len(id))
	}
	for _, c := range id {
		if canon.Barred(c) {
			return "", fmt.Errorf("the customer id holds the forbidden code point U+%04X", c)
		}
	}
	return id, nil
}

// Identity is what a leaf holds in place of a customer's name (SPEC part 5). The id must be normalized.
func Identity(snapshot, nonce Hash, customer string) Hash {
	b := append(make([]byte, 0, 384), "assay/v1/identity\x00"...)
	b = append(b, snapshot[:]...)
	b = append(b, nonce[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(customer))) //nolint:gosec // a customer id has at most 256 bytes
	return sha256.Sum256(append(b, customer...))
}
