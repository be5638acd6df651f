package tlog

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/assay-por/assay/verifier/canon"
)

// Limits of SPEC part 18.
const (
	maxSmall    = 64 << 10 // a checkpoint, a proof, an entry
	maxBundle   = 17 << 20
	maxEvidence = 1 << 20
	maxSize     = 1 << 32
	maxPath     = 32 // what maxSize gives
)

// Hash is a SHA-256 digest.
type Hash [32]byte

// String gives the hash in lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// parseBase64 reads base64 in its one spelling (SPEC part 2).
func parseBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, errors.New("not base64: want RFC 4648 with padding, without line breaks")
	}
	return b, nil
}

func parseHash(s string) (Hash, error) {
	b, err := parseBase64(s)
	if err != nil || len(b) != len(Hash{}) {
		return Hash{}, errors.New("not a hash: want base64 of 32 bytes")
	}
	return Hash(b), nil
}

func parseNumber(s string, limit uint64) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	switch {
	case err != nil || strconv.FormatUint(n, 10) != s:
		return 0, errors.New("not a number: want decimal digits without sign or leading zero")
	case n > limit:
		return 0, fmt.Errorf("%d, the limit is %d", n, limit)
	}
	return n, nil
}

func tooLong(raw []byte, limit int) error {
	if len(raw) > limit {
		return &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), limit)}
	}
	return nil
}
