package merkle

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// three assets, of which the first and the last have a price: BTC at 60,000.5 and weight 90, USDT at 1 and weight 100.
func newTestMargin(t *testing.T) *Margin {
	t.Helper()
	m, err := NewMargin([]uint8{8, 18, 6}, []Price{{0, "60000.5", 90}, {2, "1", 100}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMarginFactors(t *testing.T) {
	m := newTestMargin(t)
	// 60000.5 · 0.9 = 54000.45 needs two digits, and BTC's base unit eight: s = 10.
	if m.Scale() != 10 {
		t.Errorf("scale %d, want 10", m.Scale())
	}
	var got []string
	for _, n := range m.Factors() {
		got = append(got, n.String())
	}
	want := []string{"5400045", "0", "10000", "-6000050", "-10000", "-1", "-18446744073709551616"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	names := m.Names([]string{"BTC", "ETH", "USDT"})
	if diff := cmp.Diff([]string{"BTC", "ETH", "USDT", "debit:BTC", "debit:USDT", "equity:low", "equity:high"}, names); diff != "" {
		t.Error(diff)
	}
	if c, is := m.Debit(2); c != 4 || !is {
		t.Errorf("USDT's debits are in column %d, %v", c, is)
	}
	if _, is := m.Debit(1); is {
		t.Error("an asset without a price has debits")
	}
	for _, name := range names {
		if !validColumn(name) {
			t.Errorf("%s is no column", name)
		}
	}
	for _, name := range []string{"debit:", "debit:debit:BTC", "equity:", "equity:mid", "credit:BTC", "debit:" + strings.Repeat("A", 33)} {
		if validColumn(name) {
			t.Errorf("%s is a column", name)
		}
	}
}

func TestMarginRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		decimals []uint8
		prices   []Price
		want     string
	}{
		"none":           {[]uint8{8}, nil, "no prices"},
		"unknown asset":  {[]uint8{8}, []Price{{1, "1", 1}}, "asset #1"},
		"twice":          {[]uint8{8}, []Price{{0, "1", 1}, {0, "1", 1}}, "each once"},
		"out of order":   {[]uint8{8, 8}, []Price{{1, "1", 1}, {0, "1", 1}}, "in its order"},
		"weight":         {[]uint8{8}, []Price{{0, "1", 101}}, "weight 101"},
		"zero":           {[]uint8{8}, []Price{{0, "0", 1}}, " is 0"},
		"no digits":      {[]uint8{8}, []Price{{0, "", 1}}, "not a decimal"},
		"sign":           {[]uint8{8}, []Price{{0, "-1", 1}}, "not a decimal"},
		"last zero":      {[]uint8{8}, []Price{{0, "1.0", 1}}, "not a decimal"},
		"only a point":   {[]uint8{8}, []Price{{0, "1.", 1}}, "not a decimal"},
		"leading zero":   {[]uint8{8}, []Price{{0, "01", 1}}, "not a decimal"},
		"too fine":       {[]uint8{8}, []Price{{0, "0." + strings.Repeat("0", 36) + "1", 1}}, "37 digits"},
		"too far apart":  {[]uint8{0, 18}, []Price{{0, "100000", 100}, {1, "0.000001", 100}}, "2^96"},
		"debit too dear": {[]uint8{0}, []Price{{0, "79228162514264337593543950336", 0}}, "2^96"},
		"columns":        {make([]uint8, 1022), []Price{{0, "1", 1}}, "1025 columns"},
	} {
		if _, err := NewMargin(tt.decimals, tt.prices); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	if _, err := NewMargin([]uint8{0}, []Price{{0, "79228162514264337593543950335", 0}}); err != nil {
		t.Errorf("2^96 - 1: %v", err)
	}
	if _, err := NewMargin(make([]uint8, 1021), []Price{{0, "1", 1}}); err != nil {
		t.Errorf("1024 columns: %v", err)
	}
}

func TestMarginClose(t *testing.T) {
	m := newTestMargin(t)
	of := func(s string) Amount {
		a, err := ParseAmount(s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	// One bitcoin is collateral of 54,000.45 USDT.
	just := Plain{{0, of("100000000")}, {4, of("54000450000")}}
	got, err := m.Close(just)
	if diff := cmp.Diff(just, got); err != nil || diff != "" {
		t.Errorf("equity 0 has no entry: %v\n%s", err, diff)
	}
	if _, err := m.Close(Plain{{0, of("100000000")}, {4, of("54000450001")}}); !errors.Is(err, ErrUnderwater) {
		t.Errorf("a base unit too much was lent: got %v", err)
	}
	if got, err := m.Close(Plain{{1, of("5")}}); err != nil || len(got) != 1 {
		t.Errorf("an asset without a price is no collateral: %v, %v", got, err)
	}
	if _, err := m.Close(Plain{{1, of("5")}, {4, of("1")}}); !errors.Is(err, ErrUnderwater) {
		t.Errorf("an asset without a price is collateral: %v", err)
	}
	got, err = m.Close(Plain{{2, of("20000000000000000")}})
	want := Plain{{2, of("20000000000000000")}, {5, of("15532559262904483840")}, {6, of("10")}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	wide, err := NewMargin([]uint8{0}, []Price{{0, "79228162514264337593543950335", 100}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wide.Close(Plain{{0, Amount{Hi: 1 << 63}}}); err == nil || errors.Is(err, ErrUnderwater) {
		t.Errorf("an equity of 2^223: got %v", err)
	}
}

// Whatever the row, it is closed as big integers say, and sums of closed rows satisfy the rule too.
func TestMarginProperty(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	m, err := NewMargin([]uint8{8, 18, 6, 2}, []Price{{0, "61234.56789", 85}, {1, "0.00001234", 0}, {3, "3", 33}})
	if err != nil {
		t.Fatal(err)
	}
	var total Plain
	closed, under := 0, 0
	for range 2000 {
		var row Plain
		equity := new(big.Int)
		for column := range m.Columns() - 2 {
			amount := Amount{Lo: rng.Uint64() >> rng.IntN(64)}
			if rng.IntN(3) == 0 || amount.IsZero() {
				continue
			}
			row = append(row, Entry{uint16(column), amount})
			equity.Add(equity, new(big.Int).Mul(m.Factors()[column], new(big.Int).SetUint64(amount.Lo)))
		}
		got, err := m.Close(row)
		if (err != nil) != (equity.Sign() < 0) {
			t.Fatalf("equity %v: %v", equity, err)
		}
		if err != nil {
			under++
			continue
		}
		closed++
		if !m.Satisfied(got) {
			t.Fatalf("row %v does not satisfy the rule", got)
		}
		if equity.Sign() > 0 && m.Satisfied(row) {
			t.Fatalf("row %v satisfies the rule without its equity", row)
		}
		if total, err = total.Add(got); err != nil {
			t.Fatal(err)
		}
	}
	if !m.Satisfied(total) || closed < 100 || under < 100 {
		t.Errorf("sum of %d rows, %d under water: %v", closed, under, m.Satisfied(total))
	}
}
