package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/runs"
)

// countedToo makes a policy count what coveredWorkplace counts.
var countedToo = []string{`"inclusion-proved"`, `"node-attested"`, "control = [", `control = ["none", `}

// TestHiddenTotalsJudged: assay-verify proves a bundle whose totals are hidden, with a shortfall and an asset of which nothing is owed, and every
// customer's own file with the shard's.
func TestHiddenTotalsJudged(t *testing.T) {
	assay, verify := programs(t)
	dir := coveredWorkplace(t, assay, countXRP+inTwoHidden)
	must(t, dir, assay, opened("run", "--unsigned", "--period", "2023-11", "--at", "2023-11-01T21:20:05Z")...)
	v := judged(t, dir, verify, 0, countedToo...)
	if !v.Proven {
		t.Error(v.Summary)
	}
	for _, check := range []string{"statement.format", "liabilities.root", "liabilities.ledger", "liabilities.totals", "liabilities.full", "reserves.totals", "coverage.stated"} {
		v.detail(t, check)
	}
	must(t, dir, assay, opened("prove", "--customers", "customers.txt", "--out", "single")...)
	handles := strings.Fields(must(t, dir, assay, opened("prove", "--handles", "customers.txt")...))
	for i, customer := range []string{"alice", "bob", "carol"} {
		file := filepath.Join("single", handles[i]+".json")
		var p struct{ Shard struct{ Index uint64 } }
		if err := json.Unmarshal([]byte(read(t, dir, file)), &p); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := call(t, dir, verify, "proof", file, "--customer", customer, "--policy", "policy.toml", "--shard", filepath.Join("bundle", report.PathLeaves(p.Shard.Index)))
		if code != 0 || !strings.Contains(stdout, "\nPROVEN") {
			t.Errorf("customer #%d: exit %d: %s%s", i, code, stdout, stderr)
		}
	}
}

// TestHiddenTotalsAltered: what an exchange puts in place of the surplus, the proof or the total of an asset in shortfall is refused, though it is
// signed.
func TestHiddenTotalsAltered(t *testing.T) {
	assay, verify := programs(t)
	for name, alter := range map[string]func(dir string, c *coveredRecord){
		"the proof": func(_ string, c *coveredRecord) { c.Proof[len(c.Proof)-1] ^= 1 },
		"the surplus": func(dir string, c *coveredRecord) {
			_, c.Surplus, _ = strings.Cut(read(t, dir, "bundle", report.PathShards), `"total":"`)
			c.Surplus = c.Surplus[:128] // a point, of another row
		},
		"what is owed of EUR": func(_ string, c *coveredRecord) { c.Totals[1] = merkle.Entry{Asset: 1, Amount: merkle.Amount{Lo: 1}} },
	} {
		t.Run(name, func(t *testing.T) {
			dir := coveredWorkplace(t, assay, countXRP+inTwoHidden)
			run := opened("run", "--unsigned", "--period", "2023-11", "--at", "2023-11-01T21:20:05Z")
			must(t, dir, assay, run...)
			judged(t, dir, verify, 0, countedToo...)
			var c coveredRecord
			unmarshal(t, read(t, dir, "run", fileCovered), &c)
			alter(dir, &c)
			if err := os.WriteFile(filepath.Join(dir, "run", fileCovered), []byte(jsonOf(t, c)), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, gone := range []string{"bundle", filepath.Join("run", fileEnvelope), filepath.Join("run", fileDraft)} {
				if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
					t.Fatal(err)
				}
			}
			must(t, dir, assay, run...)
			if v := judged(t, dir, verify, 1, countedToo...); v.Proven || v.failure(t, "liabilities.totals") == "" {
				t.Error(v.Summary)
			}
		})
	}
}

// TestHiddenTotalsJudged_Asked: what a worker publishes is proved too.
func TestHiddenTotalsJudged_Asked(t *testing.T) {
	w := newWorkshop(t, inTwoHidden)
	id := w.asks(t, "2026-10", "2026-10-31T00:00:00Z")
	w.works(t)
	r := w.reaches(t, id, runs.Waiting, "waiting for approvals of the draft")
	w.approve(t, r, attest.PayloadType, w.people[0], w.people[1])
	w.publish(t, r)
	w.reaches(t, id, runs.Published, "")
	w.judges(t, 0, "bundle", "reports/"+id+"/bundle.zip", "--log", "log")
}
