package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Amount is an unsigned 128-bit number of an asset's base units (SPEC part 4). There is no negative amount.
type Amount struct{ hi, lo uint64 }

var errAmount = errors.New("not an amount: want decimal digits without sign or leading zero, below 2^128")

// ParseAmount reads the one spelling of an amount (SPEC part 2) below 2^128.
func ParseAmount(s string) (Amount, error) {
	if s == "" || len(s) > 39 || len(s) > 1 && s[0] == '0' {
		return Amount{}, errAmount
	}
	var a Amount
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return Amount{}, errAmount
		}
		high, low := bits.Mul64(a.lo, 10)
		over, mid := bits.Mul64(a.hi, 10)
		low, carry := bits.Add64(low, uint64(s[i]-'0'), 0)
		mid, carry = bits.Add64(mid, high, carry)
		if over+carry != 0 {
			return Amount{}, errAmount
		}
		a = Amount{mid, low}
	}
	return a, nil
}

// String gives the amount in decimal digits.
func (a Amount) String() string {
	const e19 = 10_000_000_000_000_000_000
	var parts []string
	for a.hi != 0 {
		q, rem := bits.Div64(0, a.hi, e19)
		low, digits := bits.Div64(rem, a.lo, e19)
		part := strconv.FormatUint(digits, 10)
		parts = append(parts, strings.Repeat("0", 19-len(part))+part)
		a = Amount{q, low}
	}
	s := strconv.FormatUint(a.lo, 10)
	for i := len(parts) - 1; i >= 0; i-- {
		s += parts[i]
	}
	return s
}

// Bytes gives the amount as 16 bytes, big-endian.
func (a Amount) Bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return b
}

// IsZero reports whether the amount is nothing.
func (a Amount) IsZero() bool { return a.hi|a.lo == 0 }

func (a Amount) add(b Amount) (Amount, bool) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, carry := bits.Add64(a.hi, b.hi, carry)
	return Amount{hi, lo}, carry == 0
}

// Entry is the amount of one asset, named by its place in the registry.
type Entry struct {
	Asset  uint16
	Amount Amount
}

// Sum is the sum of kind plain (SPEC part 4): amounts by asset, ascending, without zeros.
type Sum []Entry

// Amount gives the amount of one asset, zero where the sum does not hold it.
func (s Sum) Amount(asset uint16) Amount {
	for _, e := range s {
		if e.Asset == asset {
			return e.Amount
		}
	}
	return Amount{}
}

// Equal reports whether two sums hold the same amounts.
func (s Sum) Equal(t Sum) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

func (s Sum) kind() byte { return 0x01 }

func (s Sum) plus(t Sum) (Sum, error) { return s.appendAdd(nil, t) }

// appendAdd appends s + t to dst. A sum that would reach 2^128 is an error, never a wrap.
func (s Sum) appendAdd(dst, t Sum) (Sum, error) {
	i, j := 0, 0
	for i < len(s) || j < len(t) {
		switch {
		case j == len(t) || i < len(s) && s[i].Asset < t[j].Asset:
			dst = append(dst, s[i])
			i++
		case i == len(s) || t[j].Asset < s[i].Asset:
			dst = append(dst, t[j])
			j++
		default:
			total, ok := s[i].Amount.add(t[j].Amount)
			if !ok {
				return dst, fmt.Errorf("the sum of asset #%d reaches 2^128", s[i].Asset)
			}
			dst = append(dst, Entry{s[i].Asset, total})
			i++
			j++
		}
	}
	return dst, nil
}

// appendBinary appends the encoding of SPEC part 4.
func (s Sum) appendBinary(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s))) //nolint:gosec // a sum has at most 1,024 entries
	for _, e := range s {
		b = binary.BigEndian.AppendUint16(b, e.Asset)
		b = binary.BigEndian.AppendUint64(b, e.Amount.hi)
		b = binary.BigEndian.AppendUint64(b, e.Amount.lo)
	}
	return b
}

const entrySize = 2 + 16

// appendEntries appends the entries that b encodes, strictly, to dst; b holds whole entries.
func appendEntries(dst Sum, b []byte, assets int) (Sum, error) {
	for n := 0; len(b) >= entrySize; n, b = n+1, b[entrySize:] {
		e := Entry{
			Asset:  binary.BigEndian.Uint16(b),
			Amount: Amount{binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint64(b[10:])},
		}
		switch {
		case int(e.Asset) >= assets:
			return dst, fmt.Errorf("sum entry %d: asset #%d is not in the registry of %d", n, e.Asset, assets)
		case e.Amount.IsZero():
			return dst, fmt.Errorf("sum entry %d: a zero amount is written out", n)
		case n > 0 && e.Asset <= dst[len(dst)-1].Asset:
			return dst, fmt.Errorf("sum entry %d: asset #%d is twice or out of order", n, e.Asset)
		}
		dst = append(dst, e)
	}
	return dst, nil
}

// Balance is an amount of an asset named by its id, as JSON sums have it (SPEC part 4).
type Balance struct {
	Asset  string
	Amount Amount
}

// registry maps asset ids to their places.
type registry map[string]uint16

func newRegistry(assets []string) registry {
	places := make(registry, len(assets))
	for i, id := range assets {
		places[id] = uint16(i) //nolint:gosec // a registry has at most 1,024 assets
	}
	return places
}

// sum turns named amounts into a sum; they must stand in registry order.
func (places registry) sum(balances []Balance) (Sum, error) {
	s := make(Sum, 0, len(balances))
	for i, b := range balances {
		at, known := places[b.Asset]
		if !known {
			return nil, fmt.Errorf("asset %q is not in the statement's registry", b.Asset)
		}
		if i > 0 && at <= s[i-1].Asset {
			return nil, fmt.Errorf("asset %q is twice or out of registry order", b.Asset)
		}
		s = append(s, Entry{at, b.Amount})
	}
	return s, nil
}

// balances reads a sum in JSON: no zero amount, well-formed asset ids. Order needs the registry and comes later.
func readBalances(r *canon.Reader) (list []Balance) {
	r.Array(maxAssets, func(int) {
		var b Balance
		r.Object(
			canon.Key("amount", func() {
				if b.Amount = canon.Parse(r, ParseAmount); b.Amount.IsZero() {
					r.Fail("a zero amount is written out")
				}
			}),
			canon.Key("asset", func() {
				if b.Asset = r.Text(); !column(b.Asset) {
					r.Fail("not an asset id: want 1-32 of A-Z 0-9 . # -; nor another column's name")
				}
			}),
		)
		list = append(list, b)
	})
	return list
}

// column reports whether s may be a column's name (SPEC part 30); which there are, the statement says.
func column(s string) bool {
	if s == "equity:low" || s == "equity:high" {
		return true
	}
	s = strings.TrimPrefix(s, "debit:")
	return len(s) >= 1 && len(s) <= 32 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.#-") == ""
}
