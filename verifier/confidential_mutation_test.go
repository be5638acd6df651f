package verifier

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutations take the checks that join the confidential tree's proofs to statement, list and leaves away, one at a time. The text stands
// once in its file.
var mutations = []struct{ name, attack, file, text, instead string }{
	{"the top's proof verifies", "TestZ11", "confidential.go", "return detail, in(topProofPath, err)", "return detail, in(topProofPath, map[bool]error{true: err}[false])"},
	{"a shard's tree is recomputed", "TestZ07", "confidential.go", "if err != nil {\n\t\treturn in(leaves, err)", "if err != nil && false {\n\t\treturn in(leaves, err)"},
	{"a shard's proof verifies", "TestZ05", "confidential.go", "return in(shardProofPath(index), err)", "return nil"},
	{"the shard's root is the list's", "TestZ07", "tree/rows.go", "root.hash != want.Root", "false"},
	{"identities of rows are gathered", "TestZ07", "tree/rows.go", "err := seen.add(index, first, raw, rowSize)", "err := error(nil)"},
	{"no identity is twice", "TestZ07", "tree/identities.go", "n > 0 && o.high == last.high && o.low == last.low", "false"},
	{"no identity is in two shards", "TestZ07", "liabilities.go", "return once(seen)", "return nil"},
	{"no identity is twice in a customer's shard", "TestZ07", "confidential.go", "if err := once(seen); err != nil {", "if err := once(seen); err != nil && false {"},
	{"a row is a point", "TestZ14", "tree/rows.go", "point, err := ParsePoint(row[sha256.Size:])\n\t\t\tif err != nil {", "point, err := ParsePoint(row[sha256.Size:])\n\t\t\tif err != nil && false {"},
	{"a tree's leaves are its node's", "TestZ07", "tree/pointtree.go", "t.buf = points[2*i].appendBinary(t.buf)\n", ""},
	{"a shard's tree is no top tree", "TestConfidential", "tree/pointtree.go", "t.buf = append(t.buf[:0], byte(t.level))", "t.buf = append(t.buf[:0], 0)"},
	{"the header names the shard", "TestZ18", "tree/leaves.go", "int64(got) != int64(index)", "false"},
	{"the header names the count", "TestZ17", "tree/leaves.go", "got != want.Leaves {\n\t\treturn fmt.Errorf(\"header", "false {\n\t\treturn fmt.Errorf(\"header"},
	{"the list's root is the statement's", "TestZ18", "tree/shards.go", "root.hash != c.Root", "false"},
	{"the list's kind is the statement's", "TestZ17", "tree/shards.go", "l.Kind != c.Kind", "false"},
	{"the customer's root is the statement's", "TestZ07", "tree/proof.go", "whole.hash != c.Root", "false"},
	{"the customer's kind is the statement's", "TestZ07", "tree/proof.go", "case p.Kind != c.Kind:", "case false:"},
	{"a row is no identity", "TestZ07", "tree/proof.go", "row.IsIdentity()", "false"},
	{"a proof has what its kind has", "TestZ07", "tree/proof.go", "!r.Failed() && (blinding", "false && (blinding"},
	{"a blinding is below q", "TestZ07", "tree/point.go", "x.SetBytesCanonical(b[:]) != nil", "x.SetBytes(b[:]) == nil"},
	{"hex has one spelling", "TestZ07", "tree/point.go", "err != nil || hex.EncodeToString(b) != s", "err != nil"},
	{"leaves and proof are both there", "TestConfidential_HalfAShard", "liabilities.go", "default:\n\t\t\treturn nil, &unreadable", "case 1:\n\t\tdefault:\n\t\t\treturn nil, &unreadable"},
	{"the top's proof is listed", "TestConfidential_HalfAShard", "bundle.go", `table[topProofPath] = "core"`, ""},
	{"a shard's proof is listed", "TestConfidential_Bundle", "bundle.go", `table[shardProofPath(i)] = "shard"`, ""},
	{"what nobody checked is not counted", "TestZ18", "confidential.go", `if auditor == "" {`, "if false {"},
	{"an auditor is believed", "TestZ18", "confidential.go", "if believed && f.Passed", "if (believed || true) && f.Passed"},
	{"an auditor checked the shards", "TestZ18", "confidential.go", `f.Passed("liabilities.full") && (`, "("},
	{"the policy takes findings", "TestZ18", "confidential.go", " && (r.policy.Finding || !r.policy.Recompute)", ""},
	{"recompute asks for it", "TestZ18", "confidential.go", ` && !r.policy.Recompute {`, " {"},
	{"a shard's proof is with the margin's relation", "TestZ12", "confidential.go", "if c.Margin != nil {", "if false {"},
	{"the statement's factors are the tree's", "TestZ12", "liabilities.go", "c.Margin = m.Factors", "_ = m"},
	{"a plain leaf satisfies the rule", "TestZ12", "tree/leaves.go", "err := margin.check(sum); err != nil", "err := margin.check(sum); err != nil && false"},
	{"what counts against it is told apart", "TestMargin_Bundle", "tree/margin.go", "if f.below {", "if false {"},
	{"the totals satisfy the rule", "TestMargin_StatementRefused", "claim/margin.go", "equity.Cmp(worth) != 0", "false"},
	{"the customer's balances satisfy the rule", "TestMargin_ProofOfAnotherEquity", "margin.go", "proof.CheckMargin(c)", "nil"},
	{"proof.root rests on proof.margin", "TestMargin_ProofOfAnotherEquity", "margin.go", `return []string{"proof.margin"}`, "return nil"},
	{"rows rest on the snapshot", "TestVectors/bundle/margin-factor", "margin.go", `needs = append(needs, "snapshot")`, ""},
	{"the snapshot's margin is checked", "TestA07", "claim/snapshot.go", "return s.Margin.fault", "return nil"},
	{"factors have a limit", "TestA07", "claim/margin.go", "factors[i].BitLen() > factorBits", "false"},
	{"prices are of the registry, in order", "TestA07", "claim/margin.go", "if at <= last {", "if at <= min(last, -1) {"},
	{"prices are above zero", "TestA07", "claim/margin.go", `p.Price == "0" || `, ""},
	{"prices have a limit of places", "TestA07", "claim/margin.go", ` || len(fraction) > maxPlaces`, ` || len(fraction) < 0`},
	{"collateral counts for at most what it is", "TestA07", "claim/margin.go", "r.Number(100)", "r.Number(1000)"},
	{"liabilities name the columns", "TestMargin_StatementRefused", "claim/statement.go", "!slices.Equal(names[i], list.want)", "!slices.Equal(names[i], list.want) && i > 0"},
	{"debts are of entries", "TestA05", "claim/margin.go", "got[i].Cmp(want[i]) != 0", "false"},
	{"debts are of the rule debit", "TestA05", "claim/margin.go", `s.Ledger.Negatives.Rule == "debit"`, "true"},
	{"what was written off is of entries", "TestA05", "claim/margin.go", `s.Ledger.Underwater.Sum, got)`, "s.Ledger.Underwater.Sum, nil)"},
	{"the rule error wrote nothing off", "TestA05", "claim/ledger.go", `u.Rule == "error" && (`, `u.Rule == "none" && (`},
	{"somebody's debts were written off", "TestA05", "claim/ledger.go", "(u.Customers == 0) != (len(u.Sum) == 0)", "false"},
	{"of no more customers than there are", "TestA05", "claim/ledger.go", "u.Customers > l.Customers", "false"},
	{"underwater is there with margin only", "TestMargin_StatementRefused", "claim/ledger.go", "(l.Underwater != nil) != margin", "margin && l.Underwater == nil"},
	{"debit is there with margin only", "TestMargin_StatementRefused", "claim/ledger.go", `!margin && l.Negatives.Rule == "debit"`, "false"},
	{"only confidential trees hide totals", "TestVectors/proof/hidden", "claim/hidden.go", "s.Hidden() && s.Snapshot.Kind != KindConfidential", "false"},
	{"open totals are no bounds", "TestZ19", "claim/hidden.go", "if hidden && !s.Hidden() {", "if hidden && false {"},
	{"an entry is one of both", "TestVectors/proof/hidden", "claim/hidden.go", "(o.amount == nil) == (o.atMost == nil)", "o.amount == nil && o.atMost == nil"},
	{"an entry is there", "TestVectors/proof/hidden", "claim/hidden.go", "(o.amount == nil) == (o.atMost == nil)", "o.amount != nil && o.atMost != nil"},
	{"coverage tells what liabilities tell", "TestVectors/proof/hidden", "claim/hidden.go", "got != s.AtMost[i]", "got != s.AtMost[i] && false"},
	{"classes tell no totals", "TestVectors/proof/hidden", "claim/hidden.go", "got != s.Hidden()", "got && !s.Hidden()"},
	{"classes have sums", "TestVectors/proof/hidden", "claim/hidden.go", "got != s.Hidden()", "!got && s.Hidden()"},
	{"a surplus has one spelling", "TestVectors/proof/hidden", "claim/hidden.go", " || hex.EncodeToString(b) != s", ""},
	{"a surplus is as long as a point", "TestVectors/proof/hidden", "claim/hidden.go", " || len(b) != SurplusSize", ""},
	{"a surplus is a point", "TestVectors/proof/hidden", "confidential.go", "p, err := tree.ParsePoint(s.Tree.Surplus[:])\n\tif err != nil {", "p, err := tree.ParsePoint(s.Tree.Surplus[:])\n\tif err != nil && false {"},
	{"at most is what counts", "TestZ19", "claim/hidden.go", "s.AtMost[i] && stated.Cmp(counted) != 0", "false"},
	{"at most is no less than counts", "TestZ19", "claim/hidden.go", "s.AtMost[i] && stated.Cmp(counted) != 0", "s.AtMost[i] && stated.Cmp(counted) > 0"},
	{"an amount is more than counts", "TestZ19", "claim/hidden.go", "!s.AtMost[i] && stated.Cmp(counted) <= 0", "false"},
	{"an amount is not what counts", "TestZ19", "claim/hidden.go", "stated.Cmp(counted) <= 0", "stated.Cmp(counted) < 0"},
	{"bounds are compared", "TestZ19", "claim/coverage.go", "if s.Hidden() {\n\t\t\tif err := s.checkBound", "if false {\n\t\t\tif err := s.checkBound"},
	{"coverage has no more than counts", "TestVectors/proof/hidden", "claim/coverage.go", "c.Liabilities == nil && (c.Percent != nil || surplus != nil || shortfall != nil)", "false"},
	{"the surplus is in the totals", "TestHiddenTotals", "confidential.go", "Totals: s.Totals(), Surplus: r.surplus,", "Totals: s.Totals(),"},
	{"bounds are shown as bounds", "TestHiddenTotals", "coverage.go", "if hidden {", "if false {"},
	{"what is not shown is not covered", "TestZ19", "coverage.go", "unshown = append(unshown, c.ShortfallAtMost+\" \"+c.Asset)", ""},
	{"the policy's rule counts", "TestZ19", "claim/coverage.go", "c.Percent != nil && c.Percent.Below(p.LeastCoverage)", "c.Percent != nil && !hidden && c.Percent.Below(p.LeastCoverage)"},
	{"debts tell no totals", "TestHiddenTotals_WithMargin", "claim/hidden.go", `got != (s.Hidden() && s.Ledger.Negatives.Rule == "debit")`, "got && false"},
	{"debits and net equity are not told", "TestHiddenTotals_WithMargin", "claim/statement.go", "if s.Hidden() {\n\t\towed = assets", "if false {\n\t\towed = assets"},
	{"customers are not more than leaves", "TestConfidential_Ledger", "claim/ledger.go", "l.Customers > s.Tree.Leaves || ", ""},
}

// A check that can be taken away without a test that fails was never checked.
func TestMutations_EachCheckIsNeeded(t *testing.T) {
	if os.Getenv("ASSAY_MUTATIONS") == "" {
		t.Skip("builds the tests once a mutation, which takes minutes: make test-mutations")
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), m.text); n != 1 {
				t.Fatalf("%q stands %d times in %s, want once", m.text, n, m.file)
			}
			out, err := mutant(t, m.attack, m.file, strings.Replace(string(source), m.text, m.instead, 1))
			if err == nil {
				t.Error("no test fails without it")
			} else if !strings.Contains(out, "--- FAIL") && !strings.Contains(out, "panic") {
				t.Errorf("the mutant was not tested: %v\n%s", err, out)
			}
		})
	}
}

// mutant runs some of this package's tests with another text of one file.
func mutant(t *testing.T, attack, file, text string) (out string, err error) {
	t.Helper()
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{changed: []byte(text), overlay: list} {
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-failfast", "-vet=off", "-run", "^"+attack, ".")
	command.Env = append(os.Environ(), "ASSAY_MUTATIONS=")
	raw, err := command.CombinedOutput()
	return string(raw), err
}
