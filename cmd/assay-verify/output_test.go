package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
)

// readVector gives bundle and policy of one of the verifier's vectors.
func readVector(t *testing.T, name string) (files *verifier.Files, policy string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "verifier", "vectors", "bundle", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Policy string
		Files  map[string]struct{ Base64, Text string }
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{}
	for path, f := range v.Files {
		data := []byte(f.Text)
		if f.Base64 != "" {
			if data, err = base64.StdEncoding.DecodeString(f.Base64); err != nil {
				t.Fatal(err)
			}
		}
		folder[path] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	if files, err = verifier.Folder(folder); err != nil {
		t.Fatal(err)
	}
	return files, v.Policy
}

func policyOf(t *testing.T, text string) *claim.Policy {
	t.Helper()
	policy, err := verifier.ReadPolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// Reserves stand in the verdict by the grades that were reached: header-trusted where the policy anchors the block.
func TestB16_ReservesByGrade(t *testing.T) {
	files, policy := readVector(t, "happy-two-chains")
	_, pinned := verifier.PinnedChains(files, policyOf(t, policy), nil)
	for _, p := range pinned {
		if p.Block.Chain == "eip155:1337" {
			policy += "[[anchor]]\nchain = \"eip155:1337\"\nnumber = 100\nhash = \"" + p.Block.Hash + "\"\n"
		}
	}
	v := verifier.Bundle(files, policyOf(t, policy), verifier.Options{})
	var text, raw bytes.Buffer
	if err := (&output{}).print(&text, v); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(text.String(), "\nReserves by what shows them, at the grades reached here\n")
	table, _, _ := strings.Cut(after, "\n\n")
	want := `  asset  amount  counts  evidence          control  class   custody   accounts  token
  BTC    2       yes     inclusion-proved  none     native  own-cold  1         bip122:0f9188f1…/slip44:1
  ETH    3.5     yes     header-trusted    bound    native  own-hot   1         eip155:1337/slip44:60
  USDT   1,000   yes     header-trusted    bound    issued  own-hot   1         eip155:1337/erc20:0x0000000000000000000000000000000000000000`
	if diff := cmp.Diff(want, table); diff != "" {
		t.Error(diff)
	}
	if err := (&output{json: true}).print(&raw, v); err != nil {
		t.Fatal(err)
	}
	var read struct{ Reserves []verifier.Reserves }
	if err := json.Unmarshal(raw.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Reserves, read.Reserves); diff != "" || len(read.Reserves) != 3 {
		t.Errorf("%d assets: %s", len(read.Reserves), diff)
	}
	for _, key := range []string{`"evidence": "header-trusted"`, `"counted": true`, `"custody": "own-cold"`, `"token": "eip155:1337/slip44:60"`} {
		if !strings.Contains(raw.String(), key) {
			t.Errorf("the verdict in JSON has no %s", key)
		}
	}
	text.Reset()
	files, policy = readVector(t, "happy-liabilities-only")
	if err := (&output{}).print(&text, verifier.Bundle(files, policyOf(t, policy), verifier.Options{})); err != nil || strings.Contains(text.String(), "Reserves by what shows them") {
		t.Errorf("no reserves: %v, and a table of them", err)
	}
}

// What an auditor found stands in the verdict, with its scope and what did not pass, and says first who that auditor is.
func TestC12_FindingsInTheVerdict(t *testing.T) {
	for name, want := range map[string]string{
		"happy-finding": `Finding by an auditor of the policy: Example Accountants, 2026-11-02T00:00:00Z
  scope       liabilities at the instant
  done        recomputed every leaf from the ledger
  made with   assay-verify 0.1.0, policy 5555555555555555555555555555555555555555555555555555555555555555, which is not the one used here
`,
		"happy-finding-by-an-unknown-auditor": "Finding by an auditor whom the policy does not know: Other Accountants, ",
		"happy-approved-by-the-policys":       "approvers' keys, 2 of them the policy's: ",
		"happy-superseding":                   ": a wrong total\n",
	} {
		files, policy := readVector(t, name)
		var text bytes.Buffer
		if err := (&output{}).print(&text, verifier.Bundle(files, policyOf(t, policy), verifier.Options{})); err != nil || !strings.Contains(text.String(), want) {
			t.Errorf("%s: %v, want %q in:\n%s", name, err, want, text.String())
		}
	}
}

// Of hidden totals a verdict shows bounds, in words and keys of their own, so that none is taken for a total.
func TestPrint_HiddenTotals(t *testing.T) {
	files, policy := readVector(t, "happy-hidden-totals-shortfall")
	v := verifier.Bundle(files, policyOf(t, policy), verifier.Options{})
	var text, raw bytes.Buffer
	if err := (&output{}).print(&text, v); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(text.String(), "\nReserves and coverage, counted by the policy's rule; totals are hidden\n")
	table, _, _ := strings.Cut(after, "\n\n")
	want := `    asset  owed at most  counted  coverage at least  shortfall at most
      BTC    1.50001002        0             0.00 %         1.50001002
      ETH           3.5      3.5           100.00 %                  –
     USDT         1,000    1,000           100.00 %                  –
  BTC: the statement's own rule counts 0, coverage 0.00 %, shortfall 1.50001002`
	if diff := cmp.Diff(want, table); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(text.String(), "  totals      hidden: of each asset the statement has what is owed at most\n") {
		t.Errorf("that totals are hidden is not among what was signed:\n%s", text.String())
	}
	if err := (&output{json: true}).print(&raw, v); err != nil {
		t.Fatal(err)
	}
	var read struct{ Coverage []map[string]string }
	if err := json.Unmarshal(raw.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	covered := map[string]string{"asset": "ETH", "at_most": "3.5", "counted": "3.5", "coverage_at_least": "100.00", "stated_counted": "3.5"}
	if diff := cmp.Diff(covered, read.Coverage[1]); diff != "" || !strings.Contains(raw.String(), `"hidden_totals": true`) {
		t.Errorf("%s in %s", diff, raw.String())
	}
	text.Reset()
	files, policy = readVector(t, "happy-hidden-totals") // whose policy counts more
	if err := (&output{}).print(&text, verifier.Bundle(files, policyOf(t, strings.Replace(policy, `["bound", "none"]`, `["none"]`, 1)), verifier.Options{})); err != nil {
		t.Fatal(err)
	}
	if want := "  ETH: the statement's own rule counts 3.5, which covers what is owed\n"; !strings.Contains(text.String(), want) {
		t.Errorf("want %q in:\n%s", want, text.String())
	}
}

// By which prices collateral covers debts, and what customers owe, stands in the verdict; whether prices are fair, the reader sees.
func TestA07_PricesInTheVerdict(t *testing.T) {
	const want = `
Margin accounts: collateral against debts, at the prices of Demo Index, mid prices
    asset  price in USD  counts as collateral  all customers owe
      BTC       60000.5                  90 %                0.1
     USDT             1                 100 %             12,345
  collateral less debts of all customers: 54,000,450,042,655.401080009 USD
  What customers owe is subtracted from nothing that is owed to them, and counts as no reserve.
`
	files, policy := readVector(t, "happy-margin")
	v := verifier.Bundle(files, policyOf(t, policy), verifier.Options{})
	var text, raw bytes.Buffer
	if err := (&output{}).print(&text, v); err != nil || !strings.Contains(text.String(), want) {
		t.Errorf("%v, want %s in:\n%s", err, want, text.String())
	}
	if err := (&output{json: true}).print(&raw, v); err != nil {
		t.Fatal(err)
	}
	var read struct{ Margin *verifier.Margin }
	if err := json.Unmarshal(raw.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Margin, read.Margin); diff != "" || read.Margin == nil {
		t.Error(diff)
	}
}
