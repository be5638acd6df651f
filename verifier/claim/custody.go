package claim

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

// custody is what a custodian signs (SPEC part 20).
type custody struct {
	Balances            []custodyBalance
	Custodian, Exchange string
	Expires, Instant    time.Time
	Snapshot            Hash
}

type custodyBalance struct{ amount, asset string }

// CustodyType is the type of a custody statement (SPEC part 20).
const CustodyType = "assay/v1/custody"

func parseCustodyStatement(raw []byte) (*custody, error) {
	c := new(custody)
	err := canon.DecodeTyped(raw, "type", CustodyType, func(r *canon.Reader) {
		r.Object(
			canon.Key("balances", func() {
				var last string
				r.Array(maxEntries, func(i int) {
					var b custodyBalance
					r.Object(
						canon.Key("amount", func() { b.amount = canon.Parse(r, parseDecimal) }),
						canon.Key("asset", func() { b.asset = canon.Parse(r, parseAsset) }),
					)
					ascending(r, i, &last, b.asset)
					c.Balances = append(c.Balances, b)
				})
			}),
			canon.Key("custodian", func() { c.Custodian = canon.Parse(r, parsePrintable) }),
			canon.Key("exchange", func() { c.Exchange = canon.Parse(r, parsePrintable) }),
			canon.Key("expires", func() { c.Expires = canon.Parse(r, parseTime) }),
			canon.Key("instant", func() { c.Instant = canon.Parse(r, parseTime) }),
			canon.Key("snapshot", func() { c.Snapshot = r.Hash() }),
			canon.Key("type", func() { r.Fixed(CustodyType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

const custodyPayload = "application/vnd.assay.custody+json" // payloadType of SPEC part 20

// signedCustody is a custody statement in its envelope.
type signedCustody struct {
	statement *custody
	text      string // the envelope as it stands in the file
	message   []byte // what the signature covers
	signature []byte
	jws       bool // whose only algorithm is Ed25519, whatever the key
}

// verify reports whether the key signed.
func (s *signedCustody) verify(key Key) bool {
	return (!s.jws || key.edwards()) && key.verifies(s.message, s.signature)
}

func readSigned(r *canon.Reader, raw []byte, parse func([]byte) (*signedCustody, error)) *signedCustody {
	if r.Failed() {
		return nil
	}
	s, err := parse(raw)
	if err != nil {
		r.Fail("%v", err)
		return nil
	}
	s.text = string(raw)
	return s
}

// parseDSSE reads a custody statement in a DSSE envelope of one signature.
func parseDSSE(raw []byte) (*signedCustody, error) {
	e, err := parseEnvelope(raw, custodyPayload)
	if err != nil {
		return nil, err
	}
	if len(e.Signatures) != 1 {
		return nil, errors.New("a custody statement has one signature")
	}
	c, err := parseCustodyStatement(e.Payload)
	return &signedCustody{statement: c, message: e.signed(), signature: e.Signatures[0].Sig}, err
}

// parseJWS reads a custody statement in a JWS in compact serialization (RFC 7515), signed with Ed25519 (RFC 8037). Its header is not
// ours to spell, so it is read as any JSON; the algorithm is the only one taken, whatever a header asks for.
func parseJWS(raw []byte) (*signedCustody, error) {
	parts := strings.Split(string(raw), ".")
	if len(parts) != 3 {
		return nil, errors.New("not a JWS in compact serialization: want three parts between dots")
	}
	var decoded [3][]byte
	for i, p := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(p); err != nil || strings.ContainsAny(p, "\r\n") {
			return nil, errors.New("not a JWS in compact serialization: a part is not base64url")
		}
	}
	var header map[string]string
	if err := json.Unmarshal(decoded[0], &header); err != nil {
		return nil, errors.New("the JWS header is not a JSON object of texts")
	}
	if header["alg"] != "EdDSA" {
		return nil, errors.New("the JWS header does not say alg EdDSA, the only algorithm taken")
	}
	for key, value := range header {
		if key != "alg" && key != "kid" && (key != "typ" || value != "JWT") {
			return nil, errors.New("the JWS header has more than alg, kid and typ JWT")
		}
	}
	c, err := parseCustodyStatement(decoded[1])
	return &signedCustody{statement: c, message: []byte(parts[0] + "." + parts[1]), signature: decoded[2], jws: true}, err
}
