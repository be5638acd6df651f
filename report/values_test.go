package report_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/assay-por/assay/report"
)

const maxUnits = "115792089237316195423570985008687907853269984665640564039457584007913129639935"

func TestParseUnits(t *testing.T) {
	for _, ok := range []string{"0", "1", "340282366920938463463374607431768211456", maxUnits} {
		if u, err := report.ParseUnits(ok); err != nil || u.String() != ok {
			t.Errorf("%s became %s, %v", ok, u, err)
		}
	}
	for _, bad := range []string{"", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "1 ", "0x10", "1_000", "1,000", "٣",
		maxUnits[:77] + "6", strings.Repeat("9", 78), strings.Repeat("1", 79)} {
		if u, err := report.ParseUnits(bad); err == nil {
			t.Errorf("E02: %q was read as %s", bad, u)
		}
	}
}

// drawUnits draws amounts of all sizes, and the edges.
func drawUnits(t *rapid.T, name string) (report.Units, *big.Int) {
	bits := rapid.IntRange(0, 256).Draw(t, name+" bits")
	n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name))
	n.Rsh(n, uint(256-bits))
	u, err := report.ParseUnits(n.String())
	if err != nil {
		t.Fatal(err)
	}
	return u, n
}

var limit = new(big.Int).Lsh(big.NewInt(1), 256)

// TestA02_UnitsAgainstBig: sums and products are those of unbounded integers, or refused.
func TestA02_UnitsAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, x := drawUnits(t, "a")
		b, y := drawUnits(t, "b")
		digits := rapid.Uint8Range(0, 90).Draw(t, "digits")
		check := func(got report.Units, err error, want *big.Int) {
			if want.Cmp(limit) >= 0 {
				if err == nil {
					t.Fatalf("%s was not refused", want)
				}
			} else if err != nil || got.String() != want.String() {
				t.Fatalf("got %s, %v, want %s", got, err, want)
			}
		}
		sum, err := a.Add(b)
		check(sum, err, new(big.Int).Add(x, y))
		if digits <= 77 || !a.IsZero() {
			scaled, err := a.Scale(digits)
			check(scaled, err, new(big.Int).Mul(x, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
		}
		if a.Cmp(b) != x.Cmp(y) || a.Equal(b) != (x.Cmp(y) == 0) {
			t.Fatalf("%s and %s compare as %d", a, b, a.Cmp(b))
		}
	})
}

// TestA08_RatioAgainstBig: the ratio is floored, never capped and never rounded up, whatever the sizes.
func TestA08_RatioAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counted, x := drawUnits(t, "counted")
		owed, y := drawUnits(t, "owed")
		got := report.Ratio(counted, owed)
		if y.Sign() == 0 {
			if got != "" {
				t.Fatalf("a ratio to nothing: %s", got)
			}
			return
		}
		n := new(big.Int).Div(new(big.Int).Mul(x, big.NewInt(10_000)), y)
		whole, part := new(big.Int).DivMod(n, big.NewInt(100), new(big.Int))
		want := whole.String() + "." + string([]byte{byte('0' + part.Int64()/10), byte('0' + part.Int64()%10)})
		if got != want {
			t.Fatalf("%s / %s is %s, want %s", counted, owed, got, want)
		}
	})
}

func TestA08_RatioNeverRoundsUp(t *testing.T) {
	for _, c := range []struct{ counted, owed, want string }{
		{"99999999", "100000000", "99.99"},
		{"100000000", "100000000", "100.00"},
		{"100009999", "100000000", "100.00"},
		{"0", "1", "0.00"},
		{"1", maxUnits, "0.00"},
		{maxUnits, "1", maxUnits + "00.00"},
		{maxUnits, maxUnits, "100.00"},
		{"19", "1", "1900.00"},
	} {
		if got := report.Ratio(units(t, c.counted), units(t, c.owed)); got != c.want {
			t.Errorf("%s of %s is %s, want %s", c.counted, c.owed, got, c.want)
		}
	}
}

func FuzzParseUnits(f *testing.F) {
	for _, s := range []string{"0", "1", "01", maxUnits, "-1", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := report.ParseUnits(s); err == nil && u.String() != s {
			t.Fatalf("%q became %s", s, u)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-11-01T00:00:00Z", "2026-02-29T00:00:00Z", "2024-02-29T23:59:60Z", "2026-11-01T00:00:00.0Z", "0000-01-01T00:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at, err := report.ParseTime(s); err == nil && at.String() != s {
			t.Fatalf("%q became %s", s, at)
		}
	})
}
