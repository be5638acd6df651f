package respsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	keysType = "assay/v1/response-keys"
	maxKeys  = 1000 // SPEC part 28
)

// Keys is what an exchange signed about the keys of its servers (SPEC part 28).
type Keys struct {
	Exchange string
	Issued   time.Time
	List     []Key
}

// Key is a key of a server, and from when until when it signs, both included (SPEC part 28).
type Key struct {
	Text        string // of the public key (SPEC part 2)
	Audit       bool   // it signs heads of the audit log, and no answers
	Thumbprint  string // as signatures name it (RFC 7638)
	From, Until time.Time
	public      ed25519.PublicKey
}

// ParseKeys reads the payload of a key list's envelope. Errors are *canon.FormatError or *canon.VersionError.
func ParseKeys(payload []byte) (*Keys, error) {
	k := new(Keys)
	err := canon.DecodeTyped(payload, "type", keysType, func(r *canon.Reader) {
		r.Object(
			canon.Key("exchange", func() { k.Exchange = canon.Parse(r, parseExchange) }),
			canon.Key("issued", func() { k.Issued = canon.Parse(r, parseTime) }),
			canon.Key("keys", func() { k.List = readKeys(r) }),
			canon.Key("type", func() { r.Fixed(keysType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

func readKeys(r *canon.Reader) (list []Key) {
	r.Array(maxKeys, func(i int) {
		var from, until time.Time
		var audit bool
		var key Key
		r.Object(
			canon.Key("from", func() { from = canon.Parse(r, parseTime) }),
			canon.Key("key", func() { key = canon.Parse(r, parseKey) }),
			canon.Key("until", func() { until = canon.Parse(r, parseTime) }),
			canon.Optional("use", func() { r.Fixed("audit"); audit = true }),
		)
		switch {
		case i > 0 && key.Text <= list[i-1].Text:
			r.Fail("twice or out of order")
		case !from.Before(until):
			r.Fail("from is not before until")
		}
		key.From, key.Until, key.Audit = from, until, audit
		list = append(list, key)
	})
	if len(list) == 0 {
		r.Fail("empty: no answer could be signed")
	}
	return list
}

func (k *Keys) find(thumbprint string) (Key, bool) {
	for _, key := range k.List {
		if key.Thumbprint == thumbprint {
			return key, true
		}
	}
	return Key{}, false
}

func parseExchange(s string) (string, error) {
	if s == "" || len(s) > 64 || !printable(s, ' ') || strings.TrimSpace(s) != s {
		return "", errors.New("want 1-64 printable ASCII characters, not blank at either end")
	}
	return s, nil
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(timeForm, s)
	if err != nil || t.Format(timeForm) != s {
		return time.Time{}, errors.New("not a time: want YYYY-MM-DDThh:mm:ssZ")
	}
	return t, nil
}

// parseKey reads an Ed25519 public key in its text form (SPEC part 2).
func parseKey(s string) (Key, error) {
	digits, ok := strings.CutPrefix(s, "ed25519:")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != ed25519.PublicKeySize || hex.EncodeToString(raw) != digits {
		return Key{}, errors.New("not the key of a server: want ed25519: and 64 lower-case hex digits")
	}
	if isSmallOrder([32]byte(raw)) {
		return Key{}, errors.New("a key of small order: everybody can sign for it")
	}
	return Key{Text: s, Thumbprint: thumbprint(raw), public: raw}, nil
}

// thumbprint is that of the key as a JWK (RFC 7638 §3, RFC 8037 §2).
func thumbprint(public []byte) string {
	jwk := fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":"%s"}`, base64.RawURLEncoding.EncodeToString(public))
	sum := sha256.Sum256([]byte(jwk))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// isSmallOrder: the point is one of the eight that a signature needs no secret for. The sign of x aside, they have five values of y,
// two of which can also be written above the field's order.
func isSmallOrder(key [32]byte) bool {
	key[31] &= 0x7f
	switch hex.EncodeToString(key[:]) {
	case "0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f":
		return true
	}
	return false
}
