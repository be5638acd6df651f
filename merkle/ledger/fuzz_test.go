package ledger

import (
	"bytes"
	"encoding/csv"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assay-por/assay/merkle"
)

// FuzzRows compares what is read with encoding/csv. That one drops empty lines and carriage returns before line breaks in
// quotes, and takes bare carriage returns; such texts are left out.
func FuzzRows(f *testing.F) {
	for _, s := range []string{"", "a,b\nc,d\n", "a,b\r\nc,d", "\"a\"\"b\",\"c\nd\",\n", "a\"b,c\n", "\"a\"b\n", "\"a\n", ",\n", "\"\"\n", "a,\"", "\"a\",\n\"b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), "\r") || strings.Contains(text, "\r\n") && strings.Contains(text, `"`) {
			return
		}
		got, err := readText(strings.NewReader(text))
		slow, slowErr := readText(iotest.OneByteReader(strings.NewReader(text)))
		if (err == nil) != (slowErr == nil) || !cmp.Equal(got, slow) {
			t.Fatalf("%q depends on how it is read: %v, %v and %v, %v", text, got, err, slow, slowErr)
		}
		c := csv.NewReader(strings.NewReader(text))
		c.FieldsPerRecord = -1
		want, wantErr := c.ReadAll()
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: got error %v, encoding/csv %v", text, err, wantErr)
		}
		got = slices.DeleteFunc(got, func(row []string) bool { return len(row) == 1 && row[0] == "" })
		want = slices.DeleteFunc(want, func(row []string) bool { return len(row) == 1 && row[0] == "" })
		if err == nil && len(got)+len(want) > 0 && !cmp.Equal(got, want) {
			t.Errorf("%q: got %q, encoding/csv %q", text, got, want)
		}
	})
}

var balanceGrammar = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// checkBalance compares parseBalance with rational numbers.
func checkBalance(t *testing.T, text string, decimals int) {
	t.Helper()
	a, negative, problem := parseBalance([]byte(text), decimals)
	if !balanceGrammar.MatchString(text) {
		if problem == "" {
			t.Errorf("%q was read as %v", text, a)
		}
		return
	}
	want, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	want.Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)))
	fits := want.IsInt() && want.Num().BitLen() <= 128
	if fits != (problem == "") {
		t.Errorf("%q with %d decimals: got %q, fits: %v", text, decimals, problem, fits)
	}
	if problem == "" && (a.String() != new(big.Int).Abs(want.Num()).String() || negative != (want.Sign() < 0)) {
		t.Errorf("%q with %d decimals: got %v, below zero %v, want %v", text, decimals, a, negative, want)
	}
}

func FuzzParseBalance(f *testing.F) {
	for _, s := range []string{"0", "-0.0", "123456.123456789012345678", "1000000000000000000000000", "1e3", "+1", ".5", "5.", "1,000", "00.10",
		"340282366920938463463374607431768211455", "340282366920938463463374607431768211456", "18446744073709551616.5"} {
		f.Add(s, uint8(18))
		f.Add(s, uint8(0))
	}
	f.Fuzz(func(t *testing.T, text string, decimals uint8) {
		if len(text) < 200 {
			checkBalance(t, text, int(decimals%37))
		}
	})
}

func TestRapidBalance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		checkBalance(t, rapid.StringMatching(`-?[0-9]{1,42}(\.[0-9]{1,40})?`).Draw(rt, "balance"), rapid.IntRange(0, 36).Draw(rt, "decimals"))
		checkBalance(t, rapid.StringMatching(`-?0{0,3}[0-9]{1,3}(\.[0-9]{0,3}0{0,30})?`).Draw(rt, "balance"), rapid.IntRange(0, 36).Draw(rt, "decimals"))
	})
}

func FuzzParseUnknown(f *testing.F) {
	for _, s := range []string{"0", "-1.50", "123456789012345678901234567890.000000000000000001", "1e3", "", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		units, problem := parseUnknown([]byte(text))
		if problem != "" {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		got, ok2 := new(big.Rat).SetString(decimalText(units))
		if !balanceGrammar.MatchString(text) || !ok || !ok2 || got.Cmp(want.Abs(want)) != 0 {
			t.Errorf("%q was read as %s", text, decimalText(units))
		}
	})
}

// FuzzRead holds every ledger that is accepted to the ties of part 7.
func FuzzRead(f *testing.F) {
	for _, s := range []string{long + "carol,BTC,1\ncarol,BTC,-1\n", "customer,class,JPY,DOGE\ncarol,a,1,2\ndave,b,-3,\n", "\xef\xbb\xbfcustomer,JPY\n\"a\"\"b\",1\r\n"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, lenient bool) {
		var rules Rules
		if lenient {
			rules = Rules{Negatives: RuleExclude, Duplicates: RuleSum, UnknownAssets: RuleExclude}
		}
		l, err := read(rules, text)
		if err != nil {
			return
		}
		s := l.Summary()
		counted := s.Negatives.Entries + s.UnknownAssets.Entries
		var classes, leaves merkle.Plain
		for _, c := range s.Classes {
			counted += c.Entries
			if classes, err = classes.Add(c.Sum); err != nil {
				t.Fatal(err)
			}
		}
		for i := range l.Len() {
			sum := l.Balances(i)
			if _, _, err := merkle.DecodePlain(sum.AppendBinary(nil), len(registry)); err != nil {
				t.Fatalf("customer #%d: %v", i, err)
			}
			if leaves, err = leaves.Add(sum); err != nil {
				t.Fatal(err)
			}
			if id, err := merkle.NormalizeCustomer(l.Customer(i)); err != nil || id != l.Customer(i) {
				t.Fatalf("customer #%d is not in normal form", i)
			}
		}
		if counted != s.Entries || !bytes.Equal(classes.AppendBinary(nil), leaves.AppendBinary(nil)) {
			t.Fatalf("%q: %d of %d entries, classes %v, leaves %v", text, counted, s.Entries, classes, leaves)
		}
	})
}

// The fold against a naive one: maps of big integers, whatever the order of the rows.
func TestRapidFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type key struct{ customer, class, asset string }
		want := map[string]*big.Int{}
		customers := map[string]bool{}
		seen := map[key]bool{}
		duplicates := uint64(0)
		text := "customer,class,asset,balance\n"
		n := rapid.IntRange(1, 60).Draw(t, "rows")
		for range n {
			k := key{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "customer"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "class"),
				rapid.SampledFrom([]string{"BTC", "ETH", "JPY"}).Draw(t, "asset")}
			units := rapid.Uint32Max(3).Draw(t, "balance")
			text += k.customer + "," + k.class + "," + k.asset + "," + string(rune('0'+units)) + "\n"
			customers[k.customer] = true
			if seen[k] {
				duplicates++
			}
			seen[k] = true
			cell := k.customer + " " + k.asset
			if want[cell] == nil {
				want[cell] = new(big.Int)
			}
			want[cell].Add(want[cell], big.NewInt(int64(units)))
		}
		l, err := read(Rules{Duplicates: RuleSum}, text)
		if err != nil {
			t.Fatal(err)
		}
		if l.Len() != len(customers) || l.Summary().Duplicates.Entries != duplicates {
			t.Fatalf("%d customers, %d duplicates, want %d and %d", l.Len(), l.Summary().Duplicates.Entries, len(customers), duplicates)
		}
		for i := range l.Len() {
			sum := l.Balances(i)
			for asset, a := range registry[:4] {
				units := new(big.Int)
				if w := want[l.Customer(i)+" "+a.ID]; w != nil {
					units.Mul(w, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.Decimals)), nil))
				}
				if got := sum.Amount(asset).String(); got != units.String() {
					t.Fatalf("%s %s: got %s, want %s", l.Customer(i), a.ID, got, units)
				}
			}
		}
	})
}
