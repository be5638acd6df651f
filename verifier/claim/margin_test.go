package claim

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
)

// settled is a registry of assets with so many decimals each, named A0, A1, …, and the prices of the first of them.
func settled(decimals []int, prices ...Price) *Margin {
	s := Snapshot{Margin: &Margin{Currency: "USD", Source: "index", Prices: prices}}
	for i, d := range decimals {
		s.Assets = append(s.Assets, Asset{ID: fmt.Sprintf("A%d", i), Decimals: d})
	}
	s.Margin.settle(&s)
	return s.Margin
}

func TestMargin_Factors(t *testing.T) {
	for name, tt := range map[string]struct {
		decimals []int
		prices   []Price
		scale    int
		factors  string
	}{
		"a whole price":          {[]int{0}, []Price{{"A0", "7", 100}}, 0, "7 -7 -1 -18446744073709551616"},
		"a weight":               {[]int{0}, []Price{{"A0", "7", 95}}, 2, "665 -700 -1 -18446744073709551616"},
		"a weight of a fifth":    {[]int{0}, []Price{{"A0", "5", 20}}, 0, "1 -5 -1 -18446744073709551616"},
		"a weight of nothing":    {[]int{2}, []Price{{"A0", "300", 0}}, 0, "0 -3 -1 -18446744073709551616"},
		"decimals":               {[]int{8}, []Price{{"A0", "60000.5", 90}}, 10, "5400045 -6000050 -1 -18446744073709551616"},
		"decimals of the asset":  {[]int{8, 3}, []Price{{"A1", "0.25", 50}}, 6, "0 125 -250 -1 -18446744073709551616"},
		"two":                    {[]int{2, 0}, []Price{{"A0", "2000", 50}, {"A1", "0.1", 100}}, 1, "100 1 -200 -1 -1 -18446744073709551616"},
		"the least price":        {[]int{0}, []Price{{"A0", "0." + strings.Repeat("0", 35) + "1", 1}}, 38, "1 -100 -1 -18446744073709551616"},
		"the greatest of factor": {[]int{0}, []Price{{"A0", "79228162514264337593543950335", 0}}, 0, "0 -79228162514264337593543950335 -1 -18446744073709551616"},
	} {
		t.Run(name, func(t *testing.T) {
			m := settled(tt.decimals, tt.prices...)
			if got := strings.Trim(fmt.Sprint(m.Factors), "[]"); m.fault != nil || m.Scale != tt.scale || got != tt.factors {
				t.Errorf("got scale %d, factors %s, %v; want %d, %s", m.Scale, got, m.fault, tt.scale, tt.factors)
			}
		})
	}
}

// A margin that the snapshot's check refuses leaves no factors: nothing that needs them can pass.
func TestMargin_Refused(t *testing.T) {
	var many []int
	var prices []Price
	for i := range 512 {
		many, prices = append(many, 0), append(prices, Price{fmt.Sprintf("A%d", i), "1", 100})
	}
	if m := settled(many, prices[:510]...); m.fault != nil || len(m.Factors) != 1024 {
		t.Errorf("1,024 columns: %v, %d factors", m.fault, len(m.Factors))
	}
	for name, tt := range map[string]struct {
		m      *Margin
		reason string
	}{
		"1,025 columns":     {settled(many, prices[:511]...), "1025 columns of assets, debits and net equity"},
		"a factor of 2^96":  {settled([]int{0}, Price{"A0", "79228162514264337593543950336", 0}), "2^96 or more"},
		"of no asset":       {settled([]int{0}, Price{"A1", "1", 0}), "of no asset of the registry"},
		"an asset twice":    {settled([]int{0}, Price{"A0", "1", 0}, Price{"A0", "1", 0}), "twice"},
		"out of order":      {settled([]int{0, 0}, Price{"A1", "1", 0}, Price{"A0", "1", 0}), "out of registry order"},
		"scaled up too far": {settled([]int{36, 0}, Price{"A0", "0.3", 100}, Price{"A1", "1", 100}), "a base unit of A1 is worth 2^96 or more"},
	} {
		if tt.m.fault == nil || !strings.Contains(tt.m.fault.Error(), tt.reason) || tt.m.Factors == nil || len(tt.m.Factors) != 0 {
			t.Errorf("%s: got %v, factors %v", name, tt.m.fault, tt.m.Factors)
		}
	}
	if got := new(Margin).Equity(big.NewInt(5), big.NewInt(2)); got.String() != "36893488147419103237" {
		t.Errorf("net equity comes to %s", got)
	}
}

// sampleMargin has a debt of 2 base units, at a price of 7 and a weight of half.
var sampleMargin = strings.NewReplacer(
	`"kind":"plain","period"`, `"kind":"plain","margin":{"currency":"USD","prices":[{"asset":"BTC","price":"7","weight":50}],"source":"index"},"period"`,
	`"liabilities":[{"amount":"5","asset":"BTC"}]`, `"liabilities":[{"amount":"5","asset":"BTC"},{"amount":"2","asset":"debit:BTC"},{"amount":"35","asset":"equity:low"},{"amount":"0","asset":"equity:high"}]`,
	`"entries":1,"negatives":{"entries":0,"rule":"error","sum":[]}`, `"entries":2,"negatives":{"entries":1,"rule":"debit","sum":[{"amount":"2","asset":"BTC"}]},"underwater":{"customers":0,"rule":"error","sum":[]}`,
).Replace(sampleStatement)

// FuzzMargin makes the checks of a statement with margin accounts: they may fail, and do not come to grief.
func FuzzMargin(f *testing.F) {
	fuzzJSON(f, func(raw []byte) (*Statement, error) {
		s, err := ParseStatement(raw)
		if err != nil || s.Debts() == nil {
			return s, err
		}
		_ = s.CheckLedger()
		if s.Snapshot.Margin.fault == nil {
			_ = s.CheckMargin()
		}
		return s, nil
	}, sampleMargin)
}

// The sample is true: 5 base units of collateral at 7 · 0.5 less 2 at 7 are 3.5 · 10^-8 USD, of which a unit is a tenth.
func TestMargin_Statement(t *testing.T) {
	s, err := ParseStatement([]byte(sampleMargin))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckLedger(); err == nil || !strings.Contains(err.Error(), "unknown_assets: sums without entries") { // the sample's one fault
		t.Errorf("got %v", err)
	}
	if err := s.CheckMargin(); err != nil || s.Snapshot.Margin.Scale != 9 || s.Equity().String() != "35" || len(s.Debts()) != 1 {
		t.Errorf("got %v, scale %d, net equity %s, debts %v", err, s.Snapshot.Margin.Scale, s.Equity(), s.Debts())
	}
	s.Liabilities[2] = big.NewInt(36)
	if err := s.CheckMargin(); err == nil || !strings.Contains(err.Error(), "comes to 35, their net equity is stated as 36 (in units of 10^-9 USD)") {
		t.Errorf("got %v", err)
	}
}
