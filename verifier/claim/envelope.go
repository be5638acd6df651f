package claim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	payloadType   = "application/vnd.in-toto+json"
	maxEnvelope   = 24 << 20 // SPEC part 18
	maxSignatures = 32
)

// Key is a public key as a policy names it (SPEC part 2).
type Key struct {
	Text   string
	ID     string // as signatures name it (SPEC part 10)
	public ed25519.PublicKey
}

func parseKey(s string) (Key, error) {
	hexes, ok := strings.CutPrefix(s, "ed25519:")
	if !ok || len(hexes) != 64 || !only(hexes, lowerHex) {
		return Key{}, errors.New("not a public key: want ed25519: and 64 lower-case hex digits")
	}
	public, err := hex.DecodeString(hexes)
	if err != nil {
		return Key{}, err
	}
	id := sha256.Sum256([]byte("assay/v1/key\x00" + s))
	return Key{s, hex.EncodeToString(id[:]), public}, nil
}

// Signature is one signature of an envelope (SPEC part 10).
type Signature struct {
	KeyID string
	Sig   []byte
}

// Envelope is a statement with its signatures (SPEC part 10).
type Envelope struct {
	Payload    []byte
	Signatures []Signature
}

// ParseEnvelope reads an envelope. Errors are *FormatError.
func ParseEnvelope(raw []byte) (*Envelope, error) {
	if len(raw) > maxEnvelope {
		return nil, &FormatError{"", fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxEnvelope)}
	}
	e := new(Envelope)
	err := decode(raw, "", "", func(r *reader) {
		r.object(
			must("payload", func() { e.Payload = parsed(r, parseBase64) }),
			must("payloadType", func() { r.fixed(payloadType) }),
			must("signatures", func() { e.Signatures = r.signatures() }),
		)
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (r *reader) signatures() (list []Signature) {
	var last string
	r.array(maxSignatures, func(i int) {
		var s Signature
		r.object(
			must("keyid", func() { s.KeyID = parsed(r, parseHash).String() }),
			must("sig", func() { s.Sig = parsed(r, parseBase64) }),
		)
		r.ascending(i, &last, s.KeyID)
		list = append(list, s)
	})
	if len(list) == 0 {
		r.fail("no signature")
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
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(e.Payload)), e.Payload...)
}

// Verify is the check `statement.signature` (SPEC part 10): every signature is by a key of the policy and verifies. It returns the
// keys that signed.
func (e *Envelope) Verify(keys []Key) ([]Key, error) {
	message, signers := e.signed(), []Key(nil)
	for i, s := range e.Signatures {
		key, known := Key{}, false
		for _, k := range keys {
			if k.ID == s.KeyID {
				key, known = k, true
			}
		}
		switch {
		case !known:
			return nil, fmt.Errorf("signature %d is by key %s, which the policy does not have", i, s.KeyID)
		case len(s.Sig) != ed25519.SignatureSize || !ed25519.Verify(key.public, message, s.Sig):
			return nil, fmt.Errorf("signature %d, by key %s, does not verify", i, s.KeyID)
		}
		signers = append(signers, key)
	}
	if len(signers) == 0 {
		return nil, errors.New("nobody signed")
	}
	return signers, nil
}
