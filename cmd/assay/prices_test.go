package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
)

// pricing is a configuration whose file of prices is that text.
func pricing(t *testing.T, prices string) *Config {
	t.Helper()
	c, err := parseConfig([]byte(strings.Replace(offlineConfig, "[[asset]]", "negatives = \"debit\"\n[margin]\ncurrency = \"USD\"\nsource = \"an index\"\nprices = \"prices.csv\"\n[[asset]]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	c.path = filepath.Join(t.TempDir(), "assay.toml")
	if err := os.WriteFile(filepath.Join(filepath.Dir(c.path), "prices.csv"), []byte(prices), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func priced(t *testing.T, prices string) (report.Snapshot, error) {
	t.Helper()
	c := pricing(t, prices)
	snap, err := registry(c, "2026-10", report.Time{}.Time)
	if err != nil {
		t.Fatal(err)
	}
	return c.withMargin(snap)
}

// Prices come in any order, with zeros that say nothing and a byte-order mark; the snapshot has each in its one spelling.
func TestPrices(t *testing.T) {
	for _, text := range []string{"asset,price,weight\nETH,3000.250,80\nBTC,0060000.00,0\n", "\ufeffasset,price,weight\r\nBTC,60000,0\r\n\r\nETH,\"3000.25\",80\r\n"} {
		snap, err := priced(t, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		want := &report.Margin{Currency: "USD", Source: "an index", Prices: []report.Price{{Asset: "BTC", Price: "60000"}, {Asset: "ETH", Price: "3000.25", Weight: 80}}}
		if diff := cmp.Diff(want, snap.Margin); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		if diff := cmp.Diff([]string{"BTC", "ETH", "debit:BTC", "debit:ETH", "equity:low", "equity:high"}, snap.Columns()); diff != "" {
			t.Error(diff)
		}
	}
}

// What is wrong with a file of prices is said with its line.
func TestPricesRefused(t *testing.T) {
	const head = "asset,price,weight\n"
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", ":1: want the header asset,price,weight"},
		{"no header", "BTC,1,1\n", ":1: want the header"},
		{"no prices", head, "has no prices"},
		{"fields", head + "BTC,1\n", ":2: has 2 fields"},
		{"quotes", head + "BTC,\"1,1\n", ":2: "},
		{"another asset", head + "BTC,1,1\nDOGE,1,1\n", `:3: "DOGE" is no [[asset]]`},
		{"twice", head + "BTC,1,1\n\nBTC,2,1\n", ":4: BTC stands in line 2 already"},
		{"weight", head + "ETH,1,1\nBTC,1,101\n", `:3: the weight is "101"`},
		{"no weight", head + "BTC,1,\n", `:2: the weight is ""`},
		{"below zero", head + "BTC,-1,1\n", ":2: the price is not a decimal"},
		{"a comma", head + "BTC,\"60,000\",1\n", ":2: the price is not a decimal"},
		{"nothing", head + "ETH,1,1\nBTC,0.00,1\n", ":3: the price is 0"},
		{"no price", head + "BTC,,1\n", ":2: the price is not a decimal"},
		{"exponent", head + "BTC,6e4,1\n", ":2: the price is not a decimal"},
		{"too fine", head + "BTC,0.0000000000000000000000000000000000001,1\n", ":2: the price has 37 digits"},
		{"too far apart", head + "ETH,0.00000000000000000001,100\nBTC,60000,100\n", ":3: the price is 2^96 or more"},
	} {
		if _, err := priced(t, tt.text); err == nil || !strings.Contains(err.Error(), "prices.csv"+tt.want) && !strings.Contains(err.Error(), "prices.csv: "+tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		} else if exitCode(err) != exitUnreadable {
			t.Errorf("%s: exit code %d", tt.name, exitCode(err))
		}
	}
	c := pricing(t, "")
	c.Margin.Prices = "elsewhere.csv"
	if _, err := c.withMargin(report.Snapshot{}); err == nil || !strings.Contains(err.Error(), "margin.prices: ") {
		t.Errorf("no file: %v", err)
	}
}

// [margin] is refused where it is not whole, and the rule for debits without it.
func TestMarginConfig(t *testing.T) {
	const whole = "currency = \"USD\"\nsource = \"s\"\nprices = \"p.csv\"\n"
	for _, tt := range []struct{ name, text, want string }{
		{"debits without prices", strings.Replace(offlineConfig, "[[asset]]", "negatives = \"debit\"\n[[asset]]", 1), `ledger.negatives: "debit" is for margin accounts`},
		{"no currency", offlineConfig + "[margin]\nsource = \"s\"\nprices = \"p.csv\"\n", "margin.currency is empty"},
		{"no source", offlineConfig + "[margin]\ncurrency = \"USD\"\nprices = \"p.csv\"\n", "margin.source is empty"},
		{"no prices", offlineConfig + "[margin]\ncurrency = \"USD\"\nsource = \"s\"\n", "margin.prices is empty"},
		{"another rule", offlineConfig + "[margin]\n" + whole + "underwater = \"exclude\"\n", `margin.underwater: got "exclude", want "error" or "write-off"`},
		{"an unknown key", offlineConfig + "[margin]\n" + whole + "weight = 1\n", `unknown key "margin.weight"`},
	} {
		if _, err := parseConfig([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	c, err := parseConfig([]byte(offlineConfig + "[margin]\n" + whole))
	if err != nil || c.rules().Underwater != "error" {
		t.Errorf("%+v, %v", c.rules(), err)
	}
}

// What a build takes has room for net equity: in a plain tree's leaves too, while a commitment is no larger for it.
func TestMarginEstimate(t *testing.T) {
	size := ledgerSize{entries: 3_000_000, customers: 1_000_000, bytes: 100_000_000}
	for kind, each := range map[string]int64{report.KindPlain: shardEntry + leafEntry, report.KindConfidential: shardEntry} {
		c := pricing(t, "")
		c.Run.Kind = kind
		with := (&stages{config: c}).needs(size, 2)
		c.Margin = nil
		if without := (&stages{config: c}).needs(size, 2); with.disk-without.disk < 2*1_000_000*each || with.seconds <= without.seconds {
			t.Errorf("%s: with margin accounts %+v, without %+v", kind, with, without)
		}
	}
}
