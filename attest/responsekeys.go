package attest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// TypeResponseKeys is the type of the list of keys that sign a server's answers (SPEC part 28).
const TypeResponseKeys = "assay/v1/response-keys"

// MaxResponseKeys is the most keys that a list holds (SPEC part 28).
const MaxResponseKeys = 1000

// ResponseKeys lists the keys that sign the answers of an exchange's server, and the heads of
// its audit log, those of the past too (SPEC part 28). It is the payload of an envelope of type
// [PayloadResponseKeys] that the statement's key signs.
type ResponseKeys struct {
	Exchange string        `json:"exchange"`
	Issued   time.Time     `json:"issued"`
	Keys     []ResponseKey `json:"keys"` // sorted by the text of the key
	Type     string        `json:"type"`
}

// UseAudit is the use of a key that signs heads of the audit log, and no answers (SPEC part 28).
const UseAudit = "audit"

// ResponseKey is a key, and from when until when it signs. Times are in UTC, whole seconds.
type ResponseKey struct {
	From  time.Time `json:"from"`
	Key   PublicKey `json:"key"`
	Until time.Time `json:"until"`
	Use   string    `json:"use,omitempty"` // empty: it signs answers; or [UseAudit]
}

// JSON returns the payload to be signed (SPEC part 28).
func (l ResponseKeys) JSON() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	return Canonical(l)
}

// ParseResponseKeys reads the payload of an envelope that was verified (SPEC part 28).
func ParseResponseKeys(payload []byte) (ResponseKeys, error) {
	var l ResponseKeys
	if err := Decode(payload, &l); err != nil {
		return ResponseKeys{}, fmt.Errorf("response keys: %w", err)
	}
	return l, l.check()
}

// check holds the list to its format (SPEC part 28).
func (l ResponseKeys) check() error {
	if l.Type != TypeResponseKeys {
		return fmt.Errorf("response keys: type is %q, want %q", clip([]byte(l.Type), 0, 64), TypeResponseKeys)
	}
	if !isName(l.Exchange) {
		return errors.New("response keys: exchange: want 1 to 64 printable ASCII characters without a blank at either end")
	}
	if !isTime(l.Issued) {
		return errors.New("response keys: issued: want a time in UTC, whole seconds")
	}
	if n := len(l.Keys); n == 0 || n > MaxResponseKeys {
		return fmt.Errorf("response keys: %d keys, want 1 to %d", n, MaxResponseKeys)
	}
	for i, k := range l.Keys {
		switch {
		case k.Key.Algorithm() != Ed25519:
			return fmt.Errorf("response keys: key #%d: %s, want one of ed25519, which alone signs answers", i, k.Key)
		case k.Key.SmallOrder():
			return fmt.Errorf("response keys: key #%d: %s is of small order, and everybody could sign for it", i, k.Key)
		case k.Use != "" && k.Use != UseAudit:
			return fmt.Errorf("response keys: key #%d: use is %q, want %q or none", i, clip([]byte(k.Use), 0, 64), UseAudit)
		case !isTime(k.From) || !isTime(k.Until):
			return fmt.Errorf("response keys: key #%d: from and until: want times in UTC, whole seconds", i)
		case !k.From.Before(k.Until):
			return fmt.Errorf("response keys: key #%d: from is not before until", i)
		case i > 0 && l.Keys[i-1].Key.String() >= k.Key.String():
			return fmt.Errorf("response keys: key #%d: the keys are not sorted, or one stands twice", i)
		}
	}
	return nil
}

// SmallOrder reports whether k is one of the points of Edwards25519 whose order is at most 8, in any encoding: as
// Ed25519 multiplies by the key, anybody can make signatures that verify by them.
func (k PublicKey) SmallOrder() bool {
	y := k.bytes
	y[31] &= 0x7f // the sign of x
	switch hex.EncodeToString(y[:32]) {
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

// isTime reports whether t has the form of SPEC part 2.
func isTime(t time.Time) bool {
	_, offset := t.Zone()
	return offset == 0 && t.Nanosecond() == 0 && t.Year() >= 0 && t.Year() <= 9999
}

// isName reports whether s can be the name of an exchange (SPEC part 3).
func isName(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64 && strings.TrimSpace(s) == s
}
