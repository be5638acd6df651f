package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
)

// TestMarginVerified: assay-verify takes a bundle with margin accounts of either kind whole, and every customer's proof, debtors' and those
// who were under water among them; and it takes neither a debt away from one nor another's row for it.
func TestMarginVerified(t *testing.T) {
	assay, verify := programs(t)
	for _, kind := range []string{report.KindPlain, report.KindConfidential} {
		t.Run(kind, func(t *testing.T) {
			dir, customers := marginRunOf(t, assay, kind, 24)
			v := judged(t, dir, verify, 0)
			if !v.Proven {
				t.Error(v.Summary)
			}
			for _, check := range []string{"snapshot", "liabilities.ledger", "liabilities.margin", "liabilities.full"} {
				v.detail(t, check)
			}
			handles := strings.Fields(must(t, dir, assay, opened("prove", "--handles", "customers.txt")...))
			for i, customer := range customers {
				file := filepath.Join("single", handles[i]+".json")
				got := judgedProof(t, dir, verify, file, customer, 0)
				if !got.Proven {
					t.Errorf("customer #%d: %s", i, got.Summary)
				}
				got.detail(t, "proof.margin")
			}
			debtor := read(t, dir, "single", handles[0]+".json") // owes 50000.5 USDT and has 1 BTC
			const owed = `{"amount":"50000500000","asset":"debit:USDT"}`
			for name, changed := range map[string]string{
				"no debt":       strings.Replace(debtor, owed+",", "", 1),
				"a smaller one": strings.Replace(debtor, owed, strings.Replace(owed, "50000500000", "50000400000", 1), 1),
			} {
				if changed == debtor {
					t.Fatalf("%s: the file has no debt %s", name, owed)
				}
				if err := os.WriteFile(filepath.Join(dir, "changed.json"), []byte(changed), 0o600); err != nil {
					t.Fatal(err)
				}
				if got := judgedProof(t, dir, verify, "changed.json", customers[0], 1); got.Proven {
					t.Errorf("%s: it is taken", name)
				}
			}
		})
	}
}

// judgedProof has assay-verify check a customer's file, of a confidential tree with the shard's own files.
func judgedProof(t *testing.T, dir, verify, file, customer string, code int) (v verdict) {
	t.Helper()
	var p struct {
		Kind  string
		Shard struct{ Index uint64 }
	}
	if err := json.Unmarshal([]byte(read(t, dir, file)), &p); err != nil {
		t.Fatal(err)
	}
	args := []string{"proof", file, "--customer", customer, "--policy", "policy.toml", "--json"}
	if p.Kind == report.KindConfidential {
		args = append(args, "--shard", filepath.Join("bundle", report.PathLeaves(p.Shard.Index)))
	}
	got, stdout, stderr := call(t, dir, verify, args...)
	if got != code {
		t.Fatalf("assay-verify: exit %d, want %d: %s%s", got, code, stdout, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
