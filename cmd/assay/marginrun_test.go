package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
)

// marginConfig has margin accounts; KIND is the tree's.
const marginConfig = `[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot and margin"]
[ledger]
files = ["ledger.csv"]
negatives = "debit"
duplicates = "sum"
[margin]
currency = "USD"
source = "an index"
prices = "prices.csv"
underwater = "write-off"
[[asset]]
id = "BTC"
decimals = 8
[[asset]]
id = "ETH"
decimals = 18
[[asset]]
id = "USDT"
decimals = 6
[run]
kind = "KIND"
shards = 3
`

// marginRunOf signs a statement of customers some of whom borrow, and some of these too much. It returns their ids in order; one in three
// owes dollars, one in ten is under water.
func marginRunOf(t *testing.T, assay, kind string, n int) (dir string, customers []string) {
	t.Helper()
	dir = t.TempDir()
	recipient, err := identityFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ledger strings.Builder
	ledger.WriteString("customer,asset,balance\n")
	for i := range n {
		id := fmt.Sprintf("canary-%03d", i)
		customers = append(customers, id)
		fmt.Fprintf(&ledger, "%s,BTC,%d.%08d\n%s,ETH,%d\n", id, i+1, i, id, i)
		if i%3 == 0 {
			fmt.Fprintf(&ledger, "%s,USDT,-%d.25\n%s,USDT,-0.25\n", id, 50_000*(i+1), id)
		}
		if i%10 == 5 {
			fmt.Fprintf(&ledger, "%s,BTC,-%d\n", id, 3*(i+1))
		}
	}
	for name, text := range map[string]string{
		"assay.toml": strings.Replace(marginConfig, "KIND", kind, 1), "ledger.csv": ledger.String(), "prices.csv": "asset,price,weight\nUSDT,1,100\nBTC,61234.50,90\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, dir, assay, "init", "--recipient", recipient)
	must(t, dir, assay, opened("run", "--period", "2026-10", "--at", "2026-10-31T00:00:00Z")...)
	if err := os.WriteFile(filepath.Join(dir, "customers.txt"), []byte(strings.Join(customers, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, dir, assay, opened("prove", "--customers", "customers.txt", "--out", "single")...)
	return dir, customers
}

// TestMarginRun: from the ledger to the statement and every customer's proof, in both kinds of trees, which say the same of ledger and totals.
func TestMarginRun(t *testing.T) {
	assay, _ := programs(t)
	var said [2]string
	for k, kind := range []string{report.KindPlain, report.KindConfidential} {
		dir, customers := marginRunOf(t, assay, kind, 60)
		signed, err := report.Read([]byte(read(t, dir, "bundle", report.PathEnvelope)))
		if err != nil {
			t.Fatal(err)
		}
		p := signed.Statement.Predicate
		if p.Ledger.Underwater.Customers != 6 || p.Ledger.Entries != 60*2+20*2+6 || p.Ledger.Negatives.Entries != 46 || p.Ledger.Duplicates.Entries != 20 || p.Tree.Kind != kind {
			t.Errorf("%s: %+v", kind, p.Ledger)
		}
		text, err := json.Marshal([]any{p.Ledger, p.Liabilities, p.Coverage})
		if err != nil {
			t.Fatal(err)
		}
		said[k] = string(text)
		sender := newAgeIdentity(t)
		must(t, dir, assay, opened("prove", "--all", "--out", "proofs", "--to", sender.Recipient().String())...)
		files := map[string]string{}
		for name := range archivesIn(t, filepath.Join(dir, "proofs")) {
			for file, raw := range unpacked(t, filepath.Join(dir, "proofs", name), sender) {
				if raw != read(t, dir, "single", file) {
					t.Errorf("%s: %s is not what prove --customers writes", kind, file)
				}
				files[file] = raw
			}
		}
		if len(files) != len(customers) {
			t.Errorf("%s: %d files, want %d", kind, len(files), len(customers))
		}
		if kind == report.KindConfidential {
			showOnlyTheirOwn(t, files)
		}
		addsUp(t, files, p)
		envelope := read(t, dir, "bundle", report.PathEnvelope)
		if err := os.Remove(filepath.Join(dir, "prices.csv")); err != nil {
			t.Fatal(err)
		}
		must(t, dir, assay, opened("run")...)
		if read(t, dir, "bundle", report.PathEnvelope) != envelope {
			t.Errorf("%s: another run publishes another statement", kind)
		}
	}
	if diff := cmp.Diff(said[0], said[1]); diff != "" {
		t.Errorf("the kinds differ:\n%s", diff)
	}
}

// addsUp: the balances of all files add up to the liabilities, column by column.
func addsUp(t *testing.T, files map[string]string, p report.Predicate) {
	t.Helper()
	sums := map[string]report.Units{}
	for _, raw := range files {
		var proof struct{ Balances []report.AssetAmount }
		if err := json.Unmarshal([]byte(raw), &proof); err != nil {
			t.Fatal(err)
		}
		for _, b := range proof.Balances {
			sum, err := sums[b.Asset].Add(b.Amount)
			if err != nil {
				t.Fatal(err)
			}
			sums[b.Asset] = sum
		}
	}
	for _, a := range p.Liabilities {
		if !a.Amount.Equal(sums[a.Asset]) {
			t.Errorf("%s: liabilities are %s, balances add up to %s", a.Asset, a.Amount, sums[a.Asset])
		}
	}
	if len(p.Liabilities) != 7 || p.Liabilities[4].Amount.IsZero() {
		t.Errorf("liabilities: %+v", p.Liabilities)
	}
}

// TestMarginServed: a server with a handover gives the file that assay prove writes, with the columns of margin accounts.
func TestMarginServed(t *testing.T) {
	prices := filepath.Join(t.TempDir(), "prices.csv")
	if err := os.WriteFile(prices, []byte("asset,price,weight\nBTC,60000,90\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newProofServerOf(t, fmt.Sprintf("kind = \"confidential\"\n[margin]\ncurrency = \"USD\"\nsource = \"an index\"\nprices = %q\n", prices), 5)
	c, _, _, process := s.start(t, s.apiKey(t))
	first := s.exchange.digest(t, "first")
	for _, customer := range s.customers[:2] {
		proof, _, err := c.Proof(t.Context(), first, customer)
		s.exchange.must(t, "prove", "--config", "first.toml", "--customer", customer, "--out", "want.json")
		if err != nil || string(proof) != read(t, s.exchange.dir, "want.json") || !strings.Contains(string(proof), `"asset":"equity:low"`) {
			t.Errorf("got %s (%v)", proof, err)
		}
	}
	stopped(t, process)
	s.holdsNoSecret(t, "first")
}
