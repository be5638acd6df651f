package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
)

const pricedHidden = countXRP + `[margin]
currency = "USD"
source = "an index"
prices = "prices.csv"
underwater = "write-off"
` + inTwoHidden

// TestHiddenMargin: an exchange with margin accounts hides its totals: what customers owe in all, and their net equity, is told by no file and said
// by no command, and assay-verify proves bundle and customers' proofs all the same.
func TestHiddenMargin(t *testing.T) {
	assay, verify := programs(t)
	dir := coveredWorkplace(t, assay, pricedHidden)
	configured(t, dir, `files = ["ledger.csv"]`, "files = [\"ledger.csv\"]\nnegatives = \"debit\"")
	// 13579246.80 EUR and 2468013.57 EUR are owed, 99887766.55 EUR are written off.
	ledger := "customer,asset,balance,class\nalice,XRP,1000.25,spot\nalice,EUR,-13579246.80,loan\nbob,XRP,200,spot\nbob,XRP,34.317891,earn\nbob,EUR,-2468013.57,spot\n" +
		"carol,EUR,1234.56,spot\ndave,EUR,-99887766.55,loan\n"
	customers := []string{"alice", "bob", "carol", "dave"}
	for name, text := range map[string]string{"ledger.csv": ledger, "prices.csv": "asset,price,weight\nXRP,61234.5000000001,90\nEUR,1.08,100\n", "customers.txt": strings.Join(customers, "\n") + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said strings.Builder
	do := func(args ...string) string {
		t.Helper()
		stdout, stderr := mustCall(t, dir, assay, opened(args...)...)
		said.WriteString(stdout + stderr)
		return stdout
	}
	do("run", "--unsigned", "--period", "2023-11", "--at", "2023-11-01T21:20:05Z")
	p := predicateOf(t, dir)
	for _, c := range []struct{ got, want string }{
		{jsonOf(t, p.Liabilities), `[{"asset":"XRP","at_most":"9876543210"},{"amount":"123456","asset":"EUR"},{"asset":"NIL","at_most":"0"}]`},
		{jsonOf(t, p.Ledger.Negatives), `{"entries":3,"rule":"debit"}`},
		{jsonOf(t, p.Ledger.Underwater), `{"customers":1,"rule":"write-off","sum":[{"amount":"9988776655","asset":"EUR"}]}`},
		{jsonOf(t, p.Ledger.Classes), `[{"class":"earn","customers":1,"entries":1},{"class":"spot","customers":3,"entries":3}]`},
	} {
		if c.got != c.want {
			t.Errorf("the statement says %s, want %s", c.got, c.want)
		}
	}
	v := judged(t, dir, verify, 0, countedToo...)
	if !v.Proven {
		t.Error(v.Summary)
	}
	for _, check := range []string{"snapshot", "statement.format", "liabilities.root", "liabilities.ledger", "liabilities.totals", "liabilities.full", "coverage.stated"} {
		v.detail(t, check)
	}
	if slices.ContainsFunc(v.Checks, func(c struct{ Name, Result, Detail string }) bool {
		return c.Name == "liabilities.margin" && c.Result == "pass"
	}) {
		t.Error("the rule is said to hold of totals that nobody sees")
	}
	do("prove", "--customers", "customers.txt", "--out", "single")
	totals := marginProofs(t, dir, assay, verify, customers)
	for _, column := range []string{"debit:EUR", "equity:low", "equity:high"} {
		if len(totals[column]) == 0 {
			t.Errorf("no customer has any %s", column)
		}
	}
	do("status", "--json")
	do("report", "--json")
	do("approve", "run/draft.json", "--json")
	writeKEK(t, dir)
	do("keys", "response", "--recipient", recipientOf(t, dir))
	url, served := serving(t, dir, assay, opened("serve", "--listen", "127.0.0.1:0")...)
	for _, path := range []string{"/v1/reports/latest", "/v1/reports/latest/report"} {
		status, _, content := sendsTo(t, "GET", url+path, "")
		if status != 200 {
			t.Fatalf("%s: %d %s", path, status, content)
		}
		said.WriteString(content)
	}
	said.WriteString(read(t, served))
	if page := read(t, dir, "report", "index.html"); strings.Count(page, `<td class="num">not shown</td>`) < 2 || !strings.Contains(page, "99,887,766.55") {
		t.Error("the page does not say that debts are not shown, or what was written off")
	}
	// Debts, these with what was written off, what is owed of XRP; and net equity.
	for _, text := range []string{"1604726037", "16047260.37", "16,047,260.37", "11593502692", "115935026.92", "115,935,026.92", owedXRP, owedXRPText, totals["equity:low"]} {
		if strings.Contains(said.String(), text) {
			t.Errorf("it was said: %s", text)
		}
		if found := tellers(t, dir, text); len(found) > 0 {
			t.Errorf("it is told: %s", found)
		}
	}
	if totals["debit:EUR"] != "1604726037" || len(tellers(t, dir, "9988776655")) == 0 {
		t.Errorf("debts are %s, or what is shown is not found where it is shown: nothing that is hidden would be", totals["debit:EUR"])
	}
}

// marginProofs has assay-verify prove every customer's file, and returns what they add up to by column, in base units.
func marginProofs(t *testing.T, dir, assay, verify string, customers []string) map[string]string {
	t.Helper()
	sums := map[string]report.Units{}
	handles := strings.Fields(must(t, dir, assay, opened("prove", "--handles", "customers.txt")...))
	policy := strings.NewReplacer(countedToo...).Replace(read(t, dir, "policy.toml"))
	if err := os.WriteFile(filepath.Join(dir, "policy.toml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, customer := range customers {
		file := filepath.Join("single", handles[i]+".json")
		v := judgedProof(t, dir, verify, file, customer, 0)
		if !v.Proven {
			t.Errorf("customer #%d: %s", i, v.Summary)
		}
		v.detail(t, "proof.margin")
		v.detail(t, "proof.counted")
		var proof struct{ Balances []report.AssetAmount }
		if err := json.Unmarshal([]byte(read(t, dir, file)), &proof); err != nil {
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
	all := map[string]string{}
	for column, sum := range sums {
		all[column] = sum.String()
	}
	return all
}
