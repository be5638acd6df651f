package confidential

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutations take the checks of this room and of the points it rests on away, one at a time. Each names the tests that must fail
// without the check: of a challenge, a prover who would then have been believed. The text stands once in its file.
var mutations = []struct{ name, attack, file, text, instead string }{
	{"rows are at least one", `TestZ01`, "confidential.go", "c.Rows == 0 || c.Rows > maxRows", "c.Rows > maxRows"},
	{"rows are below 2^31", `TestZ01`, "confidential.go", "c.Rows == 0 || c.Rows > maxRows", "c.Rows == 0"},
	{"a relation is of the registry", `TestZ01`, "confidential.go", "len(relation) != assets", "false"},
	{"a relation is below 2^96", `TestZ01`, "confidential.go", "lambda.BitLen() > lambdaBits", "lambda.BitLen() < 0"},
	{"the total row is a point", `TestZ01`, "confidential.go", "c.Total.IsIdentity()", "false"},
	{"totals are of the registry", `TestZ01`, "confidential.go", "len(c.Totals) != assets", "false"},
	{"totals are not negative", `TestZ01`, "confidential.go", "total.Sign() < 0 || ", ""},
	{"totals are below 2^200", `TestZ01`, "confidential.go", " || total.BitLen() > totalBits", ""},
	{"a registry is not empty", `TestZ09`, "generators.go", "len(assets) == 0 || ", ""},
	{"a registry has a limit", `TestZ09`, "generators.go", " || len(assets) > maxAssets", ""},
	{"asset ids are not empty", `TestZ09`, "generators.go", `id == "" || `, ""},
	{"asset ids have a limit", `TestZ09`, "generators.go", ` || len(id) > maxName`, ""},
	{"asset ids differ", `TestZ08`, "generators.go", "if seen[id] {", "if false {"},
	{"proofs have a limit", `TestZ14`, "proof.go", "len(raw) > maxProof", "false"},
	{"a proof says what it is", `TestZ14`, "proof.go", "len(raw) < len(proofMagic) || string(raw[:len(proofMagic)]) != proofMagic", "len(raw) < len(proofMagic)"},
	{"nothing is left over", `TestZ14`, "proof.go", "len(raw) != want", "len(raw) < want"},
	{"nothing is missing", `TestZ14`, "proof.go", "len(raw) != want", "len(raw) > want"},
	{"points are points", `TestZ14`, "proof.go", "if err != nil && r.err == nil {\n\t\tr.err = &canon.FormatError{Field: fmt.Sprintf(\"point", "if false {\n\t\tr.err = &canon.FormatError{Field: fmt.Sprintf(\"point"},
	{"scalars are below q", `TestZ14`, "proof.go", "err != nil && r.err == nil {\n\t\tr.err = &canon.FormatError{Field: fmt.Sprintf(\"scalar", "err != nil && false {\n\t\tr.err = &canon.FormatError{Field: fmt.Sprintf(\"scalar"},
	{"what the format refuses is refused", `TestZ14`, "proof.go", "return p, r.err", "return p, nil"},
	{"x is below p", `TestZ14`, "../tree/point.go", "p.affine.X.SetBytesCanonical(b[:fp.Bytes]) != nil || ", "p.affine.X.SetBytes(b[:fp.Bytes]) == nil || "},
	{"y is below p", `TestZ14`, "../tree/point.go", " || p.affine.Y.SetBytesCanonical(b[fp.Bytes:]) != nil", " || p.affine.Y.SetBytes(b[fp.Bytes:]) == nil"},
	{"the identity is no point", `TestZ14`, "../tree/point.go", "if p.IsIdentity() {\n\t\treturn Point{}, errIdentity", "if false {\n\t\treturn Point{}, errIdentity"},
	{"points are on the curve", `TestZ14`, "../tree/point.go", "!left.Equal(&right)", "false"},
	{"the level is absorbed", `TestZ13/.*level$`, "transcript.go", `t.absorb("level", []byte{byte(c.Level)})`, ""},
	{"the snapshot is absorbed", `TestZ13/.*snapshot`, "transcript.go", `t.absorb("snapshot", c.Snapshot[:])`, ""},
	{"the shard is absorbed", `TestZ13/.*shard`, "transcript.go", `t.absorb("shard", binary.BigEndian.AppendUint32(nil, c.Index))`, ""},
	{"the assets are absorbed", `TestZ13/.*assets`, "transcript.go", `t.absorb("assets", names)`, ""},
	{"the relations are absorbed", `TestZ13/.*relations`, "transcript.go", `t.absorb("relations", relations)`, ""},
	{"the rows are absorbed", `TestZ13/.*rows`, "transcript.go", `t.absorb("rows", binary.BigEndian.AppendUint64(nil, c.Rows))`, ""},
	{"the root is absorbed", `TestZ13/.*root`, "transcript.go", `t.absorb("root", root[:])`, "_ = root"},
	{"the sum is absorbed", `TestZ13/.*sum`, "transcript.go", `t.absorb("sum", sum[:])`, "_ = sum"},
	{"the total row is absorbed", `TestZ13/.*total$`, "transcript.go", `t.absorb("total", total[:])`, "_ = total"},
	{"the totals are absorbed", `TestZ13/.*totals`, "transcript.go", `t.absorb("totals", totals)`, ""},
	{"the chain goes on", `TestCheck`, "transcript.go", "copy(t.state[:], draw(0x03))", ""},
	{"a round is absorbed", `TestZ13/.*round`, "check.go", `t.absorb("round", message)`, "_ = message"},
	{"masks are absorbed", `TestZ13/e_is`, "check.go", `t.absorb("masks", proof.rawMasks)`, ""},
	{"masks are absorbed before e", `TestZ13/e_is`, "check.go", "t.absorb(\"masks\", proof.rawMasks)\n\tdrawn.e = t.challenge(\"e\")", "drawn.e = t.challenge(\"e\")\n\tt.absorb(\"masks\", proof.rawMasks)"},
	{"(a) the opened row", `TestZ05`, "check.go", "a, b, product, d := &drawn.weights[0],", "a, b, product, d := new(fr.Element),"},
	{"(b) b is committed to", `TestZ05`, "check.go", "&drawn.weights[1],", "new(fr.Element),"},
	{"(c) the last claim is b - b²", `TestZ05`, "check.go", "&drawn.weights[2],", "new(fr.Element),"},
	{"(d) the sum is opened", `TestZ11`, "check.go", "&drawn.weights[3]\n", "new(fr.Element)\n"},
	{"(a) to (d) are zero", `TestZ05`, "check.go", "err == nil && !zero", "err == nil && !zero && false"},
	{"(e) the totals", `TestZ11`, "check.go", "!got.Equal(&want)", "got.IsZero() && false"},
	{"(e) the totals are the stated ones", `TestCheck`, "check.go", "want.Mul(&want, &drawn.e)", "want.SetZero()"},
	{"(f) the relations", `TestZ17`, "check.go", "!got.Equal(&proof.relations[u])", "false"},
	{"the total row is subtracted", `TestCheck`, "check.go", "s.add(c.Total.Affine(), mul(d, &drawn.e))", ""},
	{"the top has no relations", `TestZ01`, "confidential.go", "len(c.Relations) != 0 || c.Index != 0", "c.Index != 0"},
	{"the top is no shard", `TestZ01`, "confidential.go", "len(c.Relations) != 0 || c.Index != 0", "len(c.Relations) != 0"},
	{"the surplus is a point", `TestZ17`, "confidential.go", "c.Surplus != nil && c.Surplus.IsIdentity()", "false"},
	{"a shard has no surplus", `TestZ17`, "confidential.go", "if c.Surplus != nil {\n\t\t\treturn", "if false {\n\t\t\treturn"},
	{"the surplus is absorbed", `TestZ17`, "transcript.go", `t.absorb("surplus", surplus[:])`, "_ = surplus"},
	{"the surplus is a row", `TestCheck`, "check.go", "mul(add(&weight, d), &drawn.e)", "mul(d, &drawn.e)"},
	{"the surplus is counted", `TestCheck`, "check.go", "mul(add(&weight, d), &drawn.e)", "mul(&weight, &drawn.e)"},
	{"weights differ", `TestZ16`, "check.go", "drawn.weights[i] = t.weight()", "drawn.weights[i].SetOne()"},
	{"no row is missing", `TestZ07`, "rows.go", "c.done != n", "false"},
	{"no row is left over", `TestZ07`, "rows.go", "c.done+uint64(len(c.points)) > c.n", "false"},
	{"a row's blinding is below q", `TestRow`, "row.go", "r.SetBytesCanonical(blinding[:]) != nil", "r.SetBytes(blinding[:]) == nil"},
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
			if strings.Count(string(source), m.text) != 1 {
				t.Fatalf("%q stands %d times in %s, want once", m.text, strings.Count(string(source), m.text), m.file)
			}
			if out, err := mutant(t, m.attack, m.file, strings.Replace(string(source), m.text, m.instead, 1)); err == nil {
				t.Error("no test fails without it")
			} else if !strings.Contains(out, "--- FAIL") && !strings.Contains(out, "panic") {
				t.Errorf("the mutant was not tested: %v\n%s", err, out)
			}
		})
	}
}

// mutant runs some of this room's tests with another text of one file.
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
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-failfast", "-vet=off", "-run", "^"+attack, ".")
	command.Env = append(os.Environ(), "ASSAY_MUTATIONS=")
	raw, err := command.CombinedOutput()
	return string(raw), err
}
