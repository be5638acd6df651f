package merkle

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
)

// ErrOverflow says that a quantity would reach 2^128 (SPEC part 4).
var ErrOverflow = errors.New("amount reaches 2^128")

// Amount is a quantity of one asset in its base units: an unsigned 128-bit integer (SPEC part 4). There is no negative
// amount, and nothing that makes one rounds.
type Amount struct{ Hi, Lo uint64 }

// ParseAmount reads the text form "amount" of SPEC part 2 and refuses 2^128 and above.
func ParseAmount(s string) (Amount, error) {
	if s == "" {
		return Amount{}, errors.New("amount is empty")
	}
	if s[0] == '0' && len(s) > 1 {
		return Amount{}, errors.New("amount has a leading zero")
	}
	var a Amount
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return Amount{}, fmt.Errorf("amount has byte %#02x at position %d, want digits only", s[i], i)
		}
		var ok bool
		if a, ok = a.MulAdd(10, uint64(d)); !ok {
			return Amount{}, ErrOverflow
		}
	}
	return a, nil
}

// String returns a as an "amount" of SPEC part 2.
func (a Amount) String() string { return string(a.AppendText(nil)) }

// AppendText appends a as an "amount" of SPEC part 2.
func (a Amount) AppendText(b []byte) []byte {
	if a.Hi == 0 {
		return strconv.AppendUint(b, a.Lo, 10)
	}
	// 2^128 has 39 digits: at most two steps of 19 below the leading part.
	const e19 = 10_000_000_000_000_000_000
	high, rem := bits.Div64(0, a.Hi, e19)
	low, digits := bits.Div64(rem, a.Lo, e19)
	b = Amount{Hi: high, Lo: low}.AppendText(b)
	for unit := uint64(e19 / 10); unit > digits && unit > 1; unit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, digits, 10)
}

// IsZero reports whether a is 0.
func (a Amount) IsZero() bool { return a.Hi|a.Lo == 0 }

// Cmp compares a and b as numbers: -1, 0 or 1.
func (a Amount) Cmp(b Amount) int {
	return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
}

// Add returns a + b, or [ErrOverflow] (SPEC part 4).
func (a Amount) Add(b Amount) (Amount, error) {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	hi, carry := bits.Add64(a.Hi, b.Hi, carry)
	if carry != 0 {
		return Amount{}, ErrOverflow
	}
	return Amount{Hi: hi, Lo: lo}, nil
}

// Sub returns a − b. Requires b to be at most a.
func (a Amount) Sub(b Amount) Amount {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(a.Hi, b.Hi, borrow)
	return Amount{Hi: hi, Lo: lo}
}

// MulAdd returns a × m + d, and whether it is below 2^128. It is the step of every parser of decimals.
func (a Amount) MulAdd(m, d uint64) (Amount, bool) {
	over, hi := bits.Mul64(a.Hi, m)
	up, lo := bits.Mul64(a.Lo, m)
	lo, carry := bits.Add64(lo, d, 0)
	hi, carry2 := bits.Add64(hi, up, carry)
	return Amount{Hi: hi, Lo: lo}, over|carry2 == 0
}

// Bytes16 returns a as a u128 of SPEC part 2: 16 bytes, big-endian, unsigned.
func (a Amount) Bytes16() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return b
}

func (a Amount) appendBinary(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, a.Hi)
	return binary.BigEndian.AppendUint64(b, a.Lo)
}

// MarshalText returns a as an "amount" of SPEC part 2.
func (a Amount) MarshalText() ([]byte, error) { return a.AppendText(nil), nil }

// UnmarshalText reads an "amount" of SPEC part 2.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}
