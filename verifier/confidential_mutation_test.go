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
	{"the top's proof verifies", "TestZ11", "confidential.go", "len(shards)), in(topProofPath, err)", "len(shards)), in(topProofPath, map[bool]error{true: err}[false])"},
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
