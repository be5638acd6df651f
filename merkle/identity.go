package merkle

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxCustomerID is the longest customer id, in bytes (SPEC part 5).
const MaxCustomerID = 256

const identityTag = "assay/v1/identity\x00"

// Identity returns the identity of a customer in a snapshot (SPEC part 5). Requires a customer id that [NormalizeCustomer]
// returned.
func Identity(snapshot Hash, nonce [32]byte, customer string) Hash {
	var buf [len(identityTag) + 32 + 32 + 2 + MaxCustomerID]byte
	b := append(buf[:0], identityTag...)
	b = append(b, snapshot[:]...)
	b = append(b, nonce[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(customer))) //nolint:gosec // normalised ids have at most 256 bytes
	b = append(b, customer...)
	return sha256.Sum256(b)
}

// NormalizeCustomer returns a customer id in the one form that is hashed: Unicode normal form NFC, white space (Unicode's
// White_Space) trimmed, 1 to 256 bytes, without the code points that SPEC part 2 bars from strings (SPEC part 5). Its errors
// never quote the id.
func NormalizeCustomer(raw string) (string, error) {
	if !utf8.ValidString(raw) {
		return "", errors.New("customer id is not UTF-8")
	}
	id := strings.TrimSpace(norm.NFC.String(raw))
	if id == "" {
		return "", errors.New("customer id is empty")
	}
	if len(id) > MaxCustomerID {
		return "", fmt.Errorf("customer id has %d bytes, want at most %d", len(id), MaxCustomerID)
	}
	if BarredText(id) {
		return "", errors.New("customer id holds an invisible or control character")
	}
	return id, nil
}

// BarredText reports whether s holds a code point that SPEC part 2 bars from strings.
func BarredText(s string) bool { return strings.ContainsFunc(s, barred) }

func barred(r rune) bool {
	switch {
	case r <= 0x1f, 0x7f <= r && r <= 0x9f, r == 0x61c, r == 0x200e, r == 0x200f, r == 0xfeff,
		0x2028 <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069:
		return true
	}
	return false
}

// Keys are a snapshot's keys (SPEC part 5). Whoever has them can link every customer id to its leaf.
//
// The state of each HMAC is kept and used again, so a Keys, and any copy of it, is for one goroutine at a time; [Keys.Clone]
// makes another.
type Keys struct {
	order, nonce, lookup *mac
	blind                BlindKey
}

// DeriveKeys derives a snapshot's keys from its secret: 32 bytes that are fresh for each snapshot (SPEC part 5).
func DeriveKeys(secret [32]byte, snapshot Hash) (Keys, error) {
	if secret == ([32]byte{}) {
		return Keys{}, errors.New("the snapshot's secret is all zero: it was never made")
	}
	var keys [4][]byte
	for i, purpose := range []string{"order", "nonce", "lookup", "blind"} {
		var err error
		if keys[i], err = hkdf.Key(sha256.New, secret[:], snapshot[:], "assay/v1/key/"+purpose, 32); err != nil {
			return Keys{}, fmt.Errorf("derive the key %q: %w", purpose, err)
		}
	}
	return Keys{newMAC(keys[0]), newMAC(keys[1]), newMAC(keys[2]), BlindKey(keys[3])}, nil
}

// Clone returns Keys of the same values for another goroutine.
func (k Keys) Clone() Keys {
	return Keys{newMAC(k.order.key), newMAC(k.nonce.key), newMAC(k.lookup.key), k.blind}
}

// IsZero reports whether k was never derived.
func (k Keys) IsZero() bool { return k.order == nil }

// String keeps the keys out of logs.
func (k Keys) String() string { return "merkle.Keys(secret)" }

// Order returns a customer's order key: customers are sorted by it, and its first 64 bits choose the shard (SPEC part 5).
func (k Keys) Order(customer string) [32]byte { return k.order.sum(customer) }

// Nonce returns a customer's nonce, which keeps the leaf from being guessed (SPEC part 5).
func (k Keys) Nonce(customer string) [32]byte { return k.nonce.sum(customer) }

// Handle returns a customer's look-up handle, by which a row is found without the customer id (SPEC part 5).
func (k Keys) Handle(customer string) [32]byte { return k.lookup.sum(customer) }

// Blind returns the key that blindings of the confidential tree come from (SPEC part 29, Who builds).
func (k Keys) Blind() BlindKey { return k.blind }

// BlindKey is the key that blindings and masks of one snapshot's confidential tree come from: who has it sees all balances through their
// commitments.
type BlindKey [32]byte

// String keeps the key out of logs.
func (BlindKey) String() string { return "merkle.BlindKey(secret)" }

// Lookup are the two of a snapshot's keys that find a customer's row, for whoever serves proofs (SPEC part 5): nonces and secret
// cannot be computed from them. Without shard files they tell roughly where in its tree a customer known by id stands; with them,
// the row. Like [Keys], a Lookup is for one goroutine at a time.
type Lookup struct{ order, lookup *mac }

// LookupSize is the size of a Lookup in bytes.
const LookupSize = 64

// Lookup returns what finds a customer's row.
func (k Keys) Lookup() Lookup { return Lookup{k.order, k.lookup}.Clone() }

// ParseLookup takes what [Lookup.Bytes] gave.
func ParseLookup(b [LookupSize]byte) Lookup { return Lookup{newMAC(b[:32:32]), newMAC(b[32:])} }

// Bytes returns both keys, to be sealed.
func (l Lookup) Bytes() [LookupSize]byte {
	return [LookupSize]byte(append(append(make([]byte, 0, LookupSize), l.order.key...), l.lookup.key...))
}

// Clone returns a Lookup of the same keys for another goroutine.
func (l Lookup) Clone() Lookup { return Lookup{newMAC(l.order.key), newMAC(l.lookup.key)} }

// String keeps the keys out of logs.
func (l Lookup) String() string { return "merkle.Lookup(secret)" }

// Order is [Keys.Order].
func (l Lookup) Order(customer string) [32]byte { return l.order.sum(customer) }

// Handle is [Keys.Handle].
func (l Lookup) Handle(customer string) [32]byte { return l.lookup.sum(customer) }

// mac is HMAC-SHA256 under one key, with its state and buffers kept.
type mac struct {
	key  []byte
	hash hash.Hash
	buf  []byte
}

func newMAC(key []byte) *mac { return &mac{key: key, hash: hmac.New(sha256.New, key)} }

func (m *mac) sum(customer string) [32]byte {
	m.hash.Reset()
	m.buf = append(m.buf[:0], customer...)
	m.hash.Write(m.buf) // never fails, by hash.Hash's promise
	m.buf = m.hash.Sum(m.buf[:0])
	return [32]byte(m.buf)
}
