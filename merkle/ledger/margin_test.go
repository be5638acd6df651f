package ledger

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
)

// margined are the assets of a ledger with margin accounts: BTC and JPY have prices.
func margined() []Asset {
	all := slices.Clone(registry)
	all[0].Debit, all[3].Debit = uint16(len(all)), uint16(len(all)+1)
	return all
}

// Entries below zero become debits, in columns of their own, and are no entries of their class.
func TestC04_Debits(t *testing.T) {
	rules := Rules{Negatives: RuleDebit, Duplicates: RuleSum, Underwater: RuleWriteOff}
	sources := textSources("customer,class,asset,balance\ncarol,spot,BTC,1\ncarol,spot,BTC,-0.5\ncarol,earn,JPY,-7\ncarol,earn,JPY,-7\ndave,spot,JPY,-3\ndave,spot,JPY,-0\n")
	l, err := Read(t.Context(), sources, margined(), rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	btc, jpy := uint16(len(registry)), uint16(len(registry)+1)
	for i, want := range []merkle.Plain{
		{{Asset: 0, Amount: amount(t, "100000000")}, {Asset: btc, Amount: amount(t, "50000000")}, {Asset: jpy, Amount: amount(t, "14")}},
		{{Asset: jpy, Amount: amount(t, "3")}},
	} {
		if diff := cmp.Diff(want, l.Balances(i)); diff != "" {
			t.Errorf("customer #%d: %s", i, diff)
		}
	}
	s := l.Summary()
	negatives := NegativesSummary{RuleDebit, 4, merkle.Plain{{Asset: 0, Amount: amount(t, "50000000")}, {Asset: 3, Amount: amount(t, "17")}}}
	if diff := cmp.Diff(negatives, s.Negatives); diff != "" || s.Entries != 6 || s.Duplicates.Entries != 1 || len(s.Classes) != 1 || s.Classes[0].Entries != 2 {
		t.Errorf("%+v\n%s", s, diff)
	}
}

func TestDebitsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, text, says string
		assets           []Asset
		rules            Rules
	}{
		{"an asset without a price", long + "SECRET,ETH,-7777\n", "a.csv:2: column balance: is below zero, and its asset has no price", margined(), Rules{Negatives: RuleDebit}},
		{"no prices", long, "no asset has a price", registry, Rules{Negatives: RuleDebit}},
		{"not asked for", long + "SECRET,BTC,-7777\n", `or set negatives = "debit"`, margined(), Rules{}},
		{"another rule", long, `rule underwater is "sum"`, margined(), Rules{Underwater: RuleSum}},
		{"twice", long + "SECRET,JPY,-7777\nx,JPY,1\nSECRET,JPY,7777\nSECRET,JPY,-1\n", "a.csv:5: is a second entry", margined(), Rules{Negatives: RuleDebit}},
	} {
		_, err := Read(t.Context(), textSources(tt.text), tt.assets, tt.rules, nil)
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "7777") {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.says)
		}
	}
}
