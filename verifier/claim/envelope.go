package claim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	payloadType      = "application/vnd.in-toto+json"
	keyListPayload   = "application/vnd.assay.response-keys+json" // SPEC part 28
	auditHeadPayload = "application/vnd.assay.audit-head+json"    // likewise
	maxEnvelope      = 24 << 20                                   // SPEC part 18
	maxKeyList       = 1 << 20
	maxSignatures    = 32
)

// Signature is one signature of an envelope (SPEC part 10).
type Signature struct {
	KeyID string
	Sig   []byte
}

// Envelope is a statement with its signatures (SPEC part 10).
type Envelope struct {
	Payload    []byte
	Signatures []Signature
	kind       string // payloadType
}

// ParseEnvelope reads the envelope of a statement. Errors are *canon.FormatError.
func ParseEnvelope(raw []byte) (*Envelope, error) { return parseEnvelope(raw, payloadType) }

// ParseKeyList reads the envelope of a list of servers' keys, whose payload is for package respsig (SPEC part 28). Errors are
// *canon.FormatError.
func ParseKeyList(raw []byte) (*Envelope, error) {
	if len(raw) > maxKeyList {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit of a key list is %d", len(raw), maxKeyList)}
	}
	return parseEnvelope(raw, keyListPayload)
}

// ParseAuditHead reads the envelope of a head of a server's audit log, whose payload is for package respsig (SPEC part 28). Errors are
// *canon.FormatError.
func ParseAuditHead(raw []byte) (*Envelope, error) {
	e, err := parseEnvelope(raw, auditHeadPayload)
	if err == nil && len(e.Signatures) > 1 {
		return nil, &canon.FormatError{Field: "signatures", Problem: fmt.Sprintf("%d, and a head has one", len(e.Signatures))}
	}
	return e, err
}

func parseEnvelope(raw []byte, kind string) (*Envelope, error) {
	if len(raw) > maxEnvelope {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxEnvelope)}
	}
	e := &Envelope{kind: kind}
	err := canon.Decode(raw, func(r *canon.Reader) {
		r.Object(
			canon.Key("payload", func() { e.Payload = canon.Parse(r, parseBase64) }),
			canon.Key("payloadType", func() { r.Fixed(kind) }),
			canon.Key("signatures", func() { e.Signatures = readSignatures(r) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func readSignatures(r *canon.Reader) (list []Signature) {
	var last string
	r.Array(maxSignatures, func(i int) {
		var s Signature
		r.Object(
			canon.Key("keyid", func() { s.KeyID = Hash(r.Hash()).String() }),
			canon.Key("sig", func() { s.Sig = canon.Parse(r, parseBase64) }),
		)
		ascending(r, i, &last, s.KeyID)
		list = append(list, s)
	})
	if len(list) == 0 {
		r.Fail("no signature")
	}
	return list
}

func parseBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("not base64: want RFC 4648 with padding, without line breaks")
	}
	return b, nil
}

// signed gives the bytes that a signature covers: DSSE's pre-authentication encoding (SPEC part 10).
func (e *Envelope) signed() []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(e.kind), e.kind, len(e.Payload)), e.Payload...)
}

// Verify is what the check `statement.signature` asks of the signatures alone (SPEC part 10): at least one is by a key of the
// exchange, and every one that is verifies. It returns the keys that signed, whose limits are for [Policy.CheckLimits]: they speak of
// a time inside the payload, which may be read only now. Signatures by others are for [Envelope.Approvals].
func (e *Envelope) Verify(keys []Key) ([]Key, error) {
	message, signers := e.signed(), []Key(nil)
	for i, s := range e.Signatures {
		key, known := keyOf(keys, s.KeyID)
		if !known {
			continue
		}
		if !key.verifies(message, s.Sig) {
			return nil, fmt.Errorf("signature %d, by key %s, does not verify", i, s.KeyID)
		}
		signers = append(signers, key)
	}
	if len(signers) == 0 {
		return nil, fmt.Errorf("no signature is by a key of the exchange: the first is by key %s, which the policy does not have", e.Signatures[0].KeyID)
	}
	return signers, nil
}

// VerifiesBy says whether the first signature is by the key of that text, and verifies (SPEC parts 2 and 10).
func (e *Envelope) VerifiesBy(text string) bool {
	key, err := parseKey(text)
	return err == nil && e.Signatures[0].KeyID == key.ID && key.verifies(e.signed(), e.Signatures[0].Sig)
}
