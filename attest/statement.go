package attest

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// StatementType is the only _type of a statement (SPEC part 9).
const StatementType = "https://in-toto.io/Statement/v1"

// Statement is an in-toto Statement v1 about predicate P (SPEC part 9).
type Statement[P any] struct {
	Type          string    `json:"_type"`
	Predicate     P         `json:"predicate"`
	PredicateType string    `json:"predicateType"`
	Subject       []Subject `json:"subject"`
}

// Subject names a file by digest (SPEC part 9).
type Subject struct {
	Digest Digest `json:"digest"`
	Name   string `json:"name"`
}

// Digest holds a file's SHA-256 in hex (SPEC part 9).
type Digest struct {
	SHA256 string `json:"sha256"`
}

// NewStatement states predicate about the one file of that name and digest (SPEC part 9).
func NewStatement[P any](predicateType string, predicate P, name string, sha256 [32]byte) Statement[P] {
	return Statement[P]{
		Type:          StatementType,
		Predicate:     predicate,
		PredicateType: predicateType,
		Subject:       []Subject{{Digest: Digest{SHA256: hex.EncodeToString(sha256[:])}, Name: name}},
	}
}

// DecodeStatement reads the exact bytes that were signed (SPEC part 9). It checks
// the frame: type, predicate type, one subject of that name. What the predicate
// says is the caller's to check.
func DecodeStatement[P any](payload []byte, predicateType, subject string) (Statement[P], error) {
	var s Statement[P]
	if len(payload) > MaxPayload {
		return s, fmt.Errorf("statement: larger than %d bytes", MaxPayload)
	}
	if err := Decode(payload, &s); err != nil {
		return s, fmt.Errorf("statement: %w", err)
	}
	if s.Type != StatementType {
		return s, fmt.Errorf("statement: _type is %q, want %q", s.Type, StatementType)
	}
	if s.PredicateType != predicateType {
		return s, fmt.Errorf("statement: predicateType is %q, want %q", s.PredicateType, predicateType)
	}
	if len(s.Subject) != 1 || s.Subject[0].Name != subject {
		return s, fmt.Errorf("statement: it must have one subject, %q", subject)
	}
	if _, err := s.ManifestDigest(); err != nil {
		return s, err
	}
	return s, nil
}

// ManifestDigest returns the digest of the one subject (SPEC part 9).
func (s Statement[P]) ManifestDigest() (sum [32]byte, err error) {
	if len(s.Subject) != 1 {
		return sum, errors.New("statement: it must have one subject")
	}
	b, err := hex.DecodeString(s.Subject[0].Digest.SHA256)
	if err != nil || len(b) != len(sum) || hex.EncodeToString(b) != s.Subject[0].Digest.SHA256 {
		return sum, errors.New("statement: the subject's sha256 is not 64 lower-case hex digits")
	}
	return [32]byte(b), nil
}
