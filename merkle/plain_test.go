package merkle

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	maxText  = "340282366920938463463374607431768211455" // 2^128 - 1
	overText = "340282366920938463463374607431768211456"
)

var maxAmount = Amount{Hi: 1<<64 - 1, Lo: 1<<64 - 1}

// A4: digits that a float or a short decimal loses stay.
func TestA04_RoundTrips(t *testing.T) {
	for _, s := range []string{"0", "1", "9", "10", "18446744073709551615", "18446744073709551616", "123456123456789012345678",
		"1000000000000000000000000", "9999999999999999999", "10000000000000000000", "100000000000000000000000000000000000000",
		"170141183460469231731687303715884105728", maxText} {
		a, err := ParseAmount(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if a.String() != s {
			t.Errorf("%s came back as %s", s, a)
		}
	}
}

// A1, E2: an amount has one spelling, and none below zero.
func TestA01_AmountSpelling(t *testing.T) {
	for _, s := range []string{"", "-1", "-0", "+1", "00", "01", "1.0", "1e3", " 1", "1 ", "1,000", "0x1", "١", "NaN", "1_0"} {
		if a, err := ParseAmount(s); err == nil {
			t.Errorf("%q was read as %v, want an error", s, a)
		}
	}
}

// A2: sums do not wrap.
func TestA02_Overflow(t *testing.T) {
	if _, err := ParseAmount(overText); !errors.Is(err, ErrOverflow) {
		t.Errorf("2^128: got %v, want ErrOverflow", err)
	}
	if _, err := ParseAmount(strings.Repeat("9", 78)); !errors.Is(err, ErrOverflow) {
		t.Errorf("78 digits: got %v, want ErrOverflow", err)
	}
	if _, err := maxAmount.Add(Amount{Lo: 1}); !errors.Is(err, ErrOverflow) {
		t.Errorf("2^128-1 + 1: got %v, want ErrOverflow", err)
	}
	if got, err := maxAmount.Add(Amount{}); err != nil || got != maxAmount {
		t.Errorf("2^128-1 + 0: got %v, %v", got, err)
	}
	full, one := Plain{{3, maxAmount}}, Plain{{3, Amount{Lo: 1}}}
	var over *OverflowError
	if _, err := full.Add(one); !errors.As(err, &over) || over.Asset != 3 || !errors.Is(err, ErrOverflow) {
		t.Errorf("sum: got %v, want an OverflowError of asset #3", err)
	}
	for _, level := range []Level{Shard, Top} {
		if _, err := Parent(level, Node[Plain]{Sum: full}, Node[Plain]{Sum: one}); !errors.Is(err, ErrOverflow) {
			t.Errorf("parent: got %v, want ErrOverflow", err)
		}
		nodes := []Node[Plain]{{Sum: full}, {Sum: Plain{{2, maxAmount}}}, {Sum: one}}
		if _, err := NewTree(level, KindPlain, nodes); !errors.Is(err, ErrOverflow) {
			t.Errorf("tree: got %v, want ErrOverflow", err)
		}
		b := NewBuilder[Plain](level, KindPlain)
		for _, n := range nodes {
			if err := b.AddNode(n); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Root(); !errors.Is(err, ErrOverflow) {
			t.Errorf("builder: got %v, want ErrOverflow", err)
		}
		if err := b.AddNode(Node[Plain]{Sum: full}); !errors.Is(err, ErrOverflow) {
			t.Errorf("builder's addition: got %v, want ErrOverflow", err)
		}
	}
	if err := (&OverflowError{Asset: 7}).Error(); err != "sum of asset #7 reaches 2^128" {
		t.Errorf("got %q", err)
	}
}

// E8: sixteen bytes, unsigned, whatever the highest bit is.
func TestE08_Width(t *testing.T) {
	for _, c := range []struct{ text, hex string }{
		{"0", "00000000000000000000000000000000"},
		{"1", "00000000000000000000000000000001"},
		{"170141183460469231731687303715884105728", "80000000000000000000000000000000"},
		{"9223372036854775808", "00000000000000008000000000000000"},
		{maxText, "ffffffffffffffffffffffffffffffff"},
	} {
		a, err := ParseAmount(c.text)
		if err != nil {
			t.Fatal(err)
		}
		b := a.Bytes16()
		if !bytes.Equal(b[:], unhex(t, c.hex)) || !bytes.Equal(a.appendBinary(nil), b[:]) {
			t.Errorf("%s is encoded as %x, want %s", c.text, b, c.hex)
		}
	}
}

// T13: the decoder refuses every encoding but one, and hands back what follows.
func TestT13_SparseSum(t *testing.T) {
	const entry0, entry1 = "0000" + "00000000000000000000000000000005", "0001" + "00000000000000000000000000000006"
	for name, s := range map[string]string{
		"nothing":            "",
		"one byte":           "00",
		"cut entry":          "0001" + entry0[:34],
		"too few entries":    "0002" + entry0,
		"asset twice":        "0002" + entry0 + entry0,
		"descending":         "0002" + entry1 + entry0,
		"zero":               "0001" + "0000" + "00000000000000000000000000000000",
		"asset not in list":  "0001" + "0002" + "00000000000000000000000000000005",
		"more than the list": "0003" + entry0 + entry1 + "0002" + "00000000000000000000000000000005",
		"count of 65535":     "ffff" + entry0,
	} {
		if p, _, err := DecodePlain(unhex(t, s), 2); err == nil {
			t.Errorf("%s: got %v, want an error", name, p)
		}
	}
	p, rest, err := DecodePlain(unhex(t, "0002"+entry0+entry1+"aabb"), 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Plain{{0, Amount{Lo: 5}}, {1, Amount{Lo: 6}}}, p); diff != "" || !bytes.Equal(rest, []byte{0xaa, 0xbb}) {
		t.Errorf("rest %x, want aabb; sum:\n%s", rest, diff)
	}
	if p, _, err := DecodePlain([]byte{0, 0}, 0); err != nil || p != nil {
		t.Errorf("the empty sum: got %v, %v", p, err)
	}
}

// E1: two different sums never have one encoding, nor do two sums one after the other.
func TestE01_InjectiveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c, d := drawPlain(t, "a"), drawPlain(t, "b"), drawPlain(t, "c"), drawPlain(t, "d")
		one, two := b.AppendBinary(a.AppendBinary(nil)), d.AppendBinary(c.AppendBinary(nil))
		if bytes.Equal(one, two) != (cmp.Equal(a, c) && cmp.Equal(b, d)) {
			t.Fatalf("%v, %v and %v, %v: encodings %x and %x", a, b, c, d, one, two)
		}
		p, rest, err := DecodePlain(one, testAssets)
		if err != nil {
			t.Fatal(err)
		}
		q, rest, err := DecodePlain(rest, testAssets)
		if err != nil || len(rest) != 0 || !cmp.Equal(a, p) || !cmp.Equal(b, q) {
			t.Fatalf("decoded %v, %v (%v), want %v, %v", p, q, err, a, b)
		}
	})
}

func TestRapidArithmetic(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	rapid.Check(t, func(t *rapid.T) {
		full := rapid.Custom(func(t *rapid.T) Amount {
			return Amount{rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")}
		})
		a, b := full.Draw(t, "a"), full.Draw(t, "b")
		if a.String() != bigOf(a).String() {
			t.Fatalf("printed %s, want %s", a, bigOf(a))
		}
		if a.Cmp(b) != bigOf(a).Cmp(bigOf(b)) {
			t.Fatalf("%v against %v: got %d", a, b, a.Cmp(b))
		}
		sum := new(big.Int).Add(bigOf(a), bigOf(b))
		if got, err := a.Add(b); (err == nil) != (sum.Cmp(limit) < 0) || err == nil && bigOf(got).Cmp(sum) != 0 {
			t.Fatalf("%v + %v: got %v, %v", a, b, got, err)
		}
		m, d := rapid.Uint64().Draw(t, "m"), rapid.Uint64().Draw(t, "d")
		product := new(big.Int).Mul(bigOf(a), new(big.Int).SetUint64(m))
		product.Add(product, new(big.Int).SetUint64(d))
		if got, ok := a.MulAdd(m, d); ok != (product.Cmp(limit) < 0) || ok && bigOf(got).Cmp(product) != 0 {
			t.Fatalf("%v × %d + %d: got %v, %v", a, m, d, got, ok)
		}
	})
}

func TestRapidPlainAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := drawPlain(t, "p"), drawPlain(t, "q")
		before := [2][]byte{p.AppendBinary(nil), q.AppendBinary(nil)}
		sum, err := p.Add(q)
		if err != nil {
			t.Fatal(err)
		}
		for a := range testAssets {
			want, err := p.Amount(a).Add(q.Amount(a))
			if err != nil || sum.Amount(a) != want {
				t.Fatalf("asset #%d: %v, want %v", a, sum.Amount(a), want)
			}
		}
		if _, _, err := DecodePlain(sum.AppendBinary(nil), testAssets); err != nil {
			t.Fatalf("the sum is not in the one form: %v", err)
		}
		if !bytes.Equal(before[0], p.AppendBinary(nil)) || !bytes.Equal(before[1], q.AppendBinary(nil)) {
			t.Fatal("adding changed an operand")
		}
	})
}

func FuzzDecodePlain(f *testing.F) {
	f.Add([]byte{0, 0}, 1)
	f.Add(Plain{{0, Amount{Lo: 1}}, {3, maxAmount}}.AppendBinary(nil), 4)
	f.Add([]byte{0, 2, 0, 1}, 1024)
	f.Fuzz(func(t *testing.T, b []byte, assets int) {
		p, rest, err := DecodePlain(b, assets)
		if err != nil {
			return
		}
		if again := p.AppendBinary(nil); !bytes.Equal(append(again, rest...), b) {
			t.Errorf("%x was accepted, its form is %x", b, again)
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"0", "1", "01", "-1", maxText, overText, "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		if err == nil && a.String() != s {
			t.Errorf("%q was read as %s", s, a)
		}
		n, ok := new(big.Int).SetString(s, 10)
		if canonical := ok && n.Sign() >= 0 && n.String() == s && n.BitLen() <= 128; canonical != (err == nil) {
			t.Errorf("%q: got %v, canonical: %v", s, err, canonical)
		}
	})
}

func TestAmount_Sub(t *testing.T) {
	for _, c := range []struct{ a, b, want Amount }{
		{Amount{1, 0}, Amount{0, 1}, Amount{0, 1<<64 - 1}},
		{Amount{5, 7}, Amount{5, 7}, Amount{}},
		{Amount{5, 7}, Amount{2, 3}, Amount{3, 4}},
	} {
		if got := c.a.Sub(c.b); got != c.want {
			t.Errorf("%v − %v: got %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
