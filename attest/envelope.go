package attest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The payload types of envelopes: a statement, what a custodian says that it holds,
// a commitment to draw an instant, an entry of the log, the keys that sign a server's
// answers, a head of its audit log (SPEC parts 10, 20, 21, 24 and 28). One is never taken
// for another: who reads an envelope says which it wants.
const (
	PayloadType         = "application/vnd.in-toto+json"
	PayloadCustody      = "application/vnd.assay.custody+json"
	PayloadDraw         = "application/vnd.assay.draw+json"
	PayloadEntry        = "application/vnd.assay.entry+json"
	PayloadResponseKeys = "application/vnd.assay.response-keys+json"
	PayloadAuditHead    = "application/vnd.assay.audit-head+json"
)

const (
	// MaxPayload is the largest statement in bytes (SPEC part 18).
	MaxPayload = 16 << 20
	// MaxEnvelope is the largest envelope in bytes (SPEC part 18).
	MaxEnvelope = 24 << 20
	// MaxSignatures is the most signatures an envelope carries (SPEC part 10).
	MaxSignatures = 32
)

// Envelope is a DSSE envelope (SPEC part 10). Payload holds the exact bytes that
// were signed: read the statement from them and from nothing else.
type Envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []Signature `json:"signatures"`
}

// Signature is one key's signature of an envelope (SPEC part 10).
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// PAE returns what is signed, DSSE's pre-authentication encoding (SPEC part 10).
func PAE(payloadType string, payload []byte) []byte {
	var b bytes.Buffer
	b.WriteString("DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(payload)) + " ")
	b.Write(payload)
	return b.Bytes()
}

// Sign seals payload in an envelope signed by distinct keys, at least one (SPEC part 10).
func Sign(payloadType string, payload []byte, signers ...Signer) (Envelope, error) {
	if !known(payloadType) {
		return Envelope{}, fmt.Errorf("envelope: payload type %q is unknown", payloadType)
	}
	if len(payload) == 0 || len(payload) > MaxPayload {
		return Envelope{}, fmt.Errorf("envelope: a payload of %d bytes, want 1 to %d", len(payload), MaxPayload)
	}
	if len(signers) == 0 {
		return Envelope{}, errors.New("envelope: nobody signs it: give at least one signer")
	}
	return Envelope{Payload: slices.Clone(payload), PayloadType: payloadType}.With(signers...)
}

// With returns the envelope with further signatures of the same bytes (SPEC part
// 10). A key that signed already is refused: one key never counts twice.
func (e Envelope) With(signers ...Signer) (Envelope, error) {
	e.Signatures = slices.Clone(e.Signatures)
	message := PAE(e.PayloadType, e.Payload)
	for _, s := range signers {
		key := s.PublicKey()
		sig, err := s.Sign(message)
		if err != nil {
			return Envelope{}, fmt.Errorf("envelope: key %s did not sign: %w", key, err)
		}
		if !key.verify(message, sig) {
			return Envelope{}, fmt.Errorf("envelope: the signature made by key %s does not verify", key)
		}
		e.Signatures = append(e.Signatures, Signature{KeyID: key.KeyID(), Sig: sig})
	}
	slices.SortFunc(e.Signatures, func(a, b Signature) int { return strings.Compare(a.KeyID, b.KeyID) })
	return e, e.check()
}

// JSON returns the envelope's file (SPEC part 10).
func (e Envelope) JSON() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	return Canonical(e)
}

// ParseEnvelope reads the envelope of a statement (SPEC part 10). Nothing in it is
// to be believed before [Envelope.Verify] has passed.
func ParseEnvelope(b []byte) (Envelope, error) { return ParseEnvelopeOf(PayloadType, b) }

// ParseEnvelopeOf reads an envelope of that payload type and of no other (SPEC parts
// 10, 20, 21, 24 and 28).
func ParseEnvelopeOf(payloadType string, b []byte) (Envelope, error) {
	var e Envelope
	if len(b) > MaxEnvelope {
		return e, fmt.Errorf("envelope: larger than %d bytes", MaxEnvelope)
	}
	if err := Decode(b, &e); err != nil {
		return Envelope{}, fmt.Errorf("envelope: %w", err)
	}
	if e.PayloadType != payloadType {
		return Envelope{}, fmt.Errorf("envelope: payload type %q, want %q", e.PayloadType, payloadType)
	}
	if err := e.check(); err != nil {
		return Envelope{}, err
	}
	return e, nil
}

func known(payloadType string) bool {
	return slices.Contains([]string{PayloadType, PayloadCustody, PayloadDraw, PayloadEntry, PayloadResponseKeys, PayloadAuditHead}, payloadType)
}

// check holds the envelope to its format (SPEC part 10).
func (e Envelope) check() error {
	if !known(e.PayloadType) {
		return fmt.Errorf("envelope: payload type %q is unknown", e.PayloadType)
	}
	if len(e.Payload) == 0 || len(e.Payload) > MaxPayload {
		return fmt.Errorf("envelope: a payload of %d bytes, want 1 to %d", len(e.Payload), MaxPayload)
	}
	if n := len(e.Signatures); n == 0 || n > MaxSignatures {
		return fmt.Errorf("envelope: %d signatures, want 1 to %d", n, MaxSignatures)
	}
	for i, s := range e.Signatures {
		if !isHex32(s.KeyID) {
			return fmt.Errorf("envelope: signature #%d: the keyid is not 64 lower-case hex digits", i)
		}
		if i == 0 {
			continue
		}
		switch c := strings.Compare(e.Signatures[i-1].KeyID, s.KeyID); {
		case c == 0:
			return fmt.Errorf("envelope: key id %s signed twice; one key counts once", s.KeyID)
		case c > 0:
			return fmt.Errorf("envelope: signature #%d: the signatures are not sorted by keyid", i)
		}
	}
	return nil
}

// Verify checks that every signature is by one of keys, over exactly this payload
// and type (SPEC part 10). A signature by any other key is refused.
func (e Envelope) Verify(keys ...PublicKey) error {
	if err := e.check(); err != nil {
		return err
	}
	known := make(map[string]PublicKey, len(keys))
	for _, k := range keys {
		known[k.KeyID()] = k
	}
	message := PAE(e.PayloadType, e.Payload)
	for _, s := range e.Signatures {
		key, ok := known[s.KeyID]
		if !ok {
			return fmt.Errorf("envelope: signed by key id %s, which is not among the %d keys given", s.KeyID, len(keys))
		}
		if !key.verify(message, s.Sig) {
			return fmt.Errorf("envelope: the signature of key id %s does not verify", s.KeyID)
		}
	}
	return nil
}

func isHex32(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}
