package report

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holiman/uint256"
)

// Digest is 32 bytes that are written as hex32 (SPEC part 2). It converts to and
// from any other [32]byte.
type Digest [32]byte

// String returns the digest as hex32 (SPEC part 2).
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes hex32 (SPEC part 2).
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads hex32 (SPEC part 2).
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) != 2*len(d) || strings.ToLower(string(b)) != string(b) {
		return errors.New("a digest is 64 lower-case hex digits")
	}
	_, err := hex.Decode(d[:], b)
	return err
}

const timeForm = "2006-01-02T15:04:05Z"

// Time is an instant in whole seconds of UTC (SPEC part 2).
type Time struct{ time.Time }

// NewTime returns t as a report can state it: in UTC, without a fraction (SPEC part 2).
func NewTime(t time.Time) (Time, error) {
	t = t.UTC()
	if t.Nanosecond() != 0 {
		return Time{}, fmt.Errorf("the time %s has a fraction of a second", t.Format(time.RFC3339Nano))
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return Time{}, fmt.Errorf("the year %d is not of four digits", t.Year())
	}
	return Time{t}, nil
}

// ParseTime reads YYYY-MM-DDThh:mm:ssZ (SPEC part 2).
func ParseTime(s string) (Time, error) {
	t, err := time.Parse(timeForm, s)
	if err != nil || t.Format(timeForm) != s {
		return Time{}, fmt.Errorf("the time %q is not of the form YYYY-MM-DDThh:mm:ssZ", clip(s))
	}
	return NewTime(t)
}

// String returns YYYY-MM-DDThh:mm:ssZ (SPEC part 2).
func (t Time) String() string { return t.UTC().Format(timeForm) }

// MarshalText writes YYYY-MM-DDThh:mm:ssZ (SPEC part 2).
func (t Time) MarshalText() ([]byte, error) {
	if _, err := NewTime(t.Time); err != nil {
		return nil, err
	}
	return []byte(t.String()), nil
}

// MarshalJSON writes the text form as a string (SPEC part 2).
func (t Time) MarshalJSON() ([]byte, error) {
	b, err := t.MarshalText()
	return []byte(`"` + string(b) + `"`), err
}

// UnmarshalText reads YYYY-MM-DDThh:mm:ssZ (SPEC part 2).
func (t *Time) UnmarshalText(b []byte) error {
	parsed, err := ParseTime(string(b))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// UnmarshalJSON reads the text form as a string (SPEC part 2).
func (t *Time) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return errors.New("a time is a string")
	}
	return t.UnmarshalText(b[1 : len(b)-1])
}

// Units is an amount in base units, below 2^256 (SPEC parts 2 and 15).
type Units struct{ n uint256.Int }

const maxDigits = 78 // SPEC part 2; 2^256-1 has as many

// NewUnits returns n as an amount.
func NewUnits(n *uint256.Int) Units { return Units{*n} }

// ParseUnits reads an amount (SPEC part 2).
func ParseUnits(s string) (Units, error) {
	if s == "" || len(s) > maxDigits || strings.Trim(s, "0123456789") != "" || s[0] == '0' && s != "0" {
		return Units{}, fmt.Errorf("the amount %q is not 0 or digits that begin with 1 to 9, at most %d", clip(s), maxDigits)
	}
	var u Units
	if err := u.n.SetFromDecimal(s); err != nil {
		return Units{}, fmt.Errorf("the amount %s is not below 2^256", s)
	}
	return u, nil
}

// Int returns a copy as an integer.
func (u Units) Int() *uint256.Int { return u.n.Clone() }

// String returns the amount's digits (SPEC part 2).
func (u Units) String() string { return u.n.Dec() }

// Decimal returns the amount in whole units of an asset with so many decimals, exactly
// and without trailing zeros (SPEC part 2).
func (u Units) Decimal(decimals uint8) string { return decimal(u.String(), decimals) }

func decimal(digits string, decimals uint8) string {
	n := int(decimals)
	if len(digits) <= n {
		digits = strings.Repeat("0", n-len(digits)+1) + digits
	}
	whole, fraction := digits[:len(digits)-n], strings.TrimRight(digits[len(digits)-n:], "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// IsZero reports whether the amount is zero.
func (u Units) IsZero() bool { return u.n.IsZero() }

// Cmp compares two amounts as cmp.Compare does.
func (u Units) Cmp(v Units) int { return u.n.Cmp(&v.n) }

// Equal reports whether the amounts are the same.
func (u Units) Equal(v Units) bool { return u.n.Eq(&v.n) }

// Add returns the sum; one that would reach 2^256 is an error (SPEC part 15).
func (u Units) Add(v Units) (Units, error) {
	var sum Units
	if _, over := sum.n.AddOverflow(&u.n, &v.n); over {
		return Units{}, fmt.Errorf("the sum of %s and %s reaches 2^256", u, v)
	}
	return sum, nil
}

// Scale returns the amount times 10^digits, exactly (SPEC part 15).
func (u Units) Scale(digits uint8) (Units, error) {
	factor := new(uint256.Int).Exp(uint256.NewInt(10), uint256.NewInt(uint64(digits)))
	var out Units
	if _, over := out.n.MulOverflow(&u.n, factor); over || digits > 77 {
		return Units{}, fmt.Errorf("%s times 10^%d reaches 2^256", u, digits)
	}
	return out, nil
}

// MarshalText writes the amount's digits (SPEC part 2).
func (u Units) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads an amount (SPEC part 2).
func (u *Units) UnmarshalText(b []byte) error {
	parsed, err := ParseUnits(string(b))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}

// clip keeps a hostile text from filling an error message.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
