package confidential

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/tree"
)

// vector is what of a file of vectors/confidential concerns a verifier.
type vector struct {
	About, Expect string

	Hex, Value, Sum string

	Asset   string
	Assets  []string
	Hashes  []struct{ Message, DST, Point string }
	Columns string `json:"generators"`

	Balances        []string
	Blinding, Point string

	Base  string
	Edits []struct {
		At, Cut int
		Hex     string
	}
	Fails                        []string
	Level, Snapshot, Root, Total string
	Shard                        uint32
	Relations                    [][]string
	Totals, Rows                 []string
	Surplus                      *string
	Proof                        string
	Builder                      *struct {
		Balances  [][]string
		Blindings []string
	}
	Checked *struct {
		Transcript []vectorStep
		Opened     string
		Weights    []string
	}
}

type vectorStep struct{ Drawn, Value, State string }

// readVector reads a file over the one that it is based on.
func readVector(t *testing.T, name string) (v vector) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "vectors", "confidential", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var base struct{ Base string }
	if err := json.Unmarshal(raw, &base); err != nil {
		t.Fatal(err)
	}
	if base.Base != "" {
		v = readVector(t, base.Base)
		v.Relations, v.Builder, v.Checked = slices.Clone(v.Relations), nil, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "vectors", "confidential", "*.json"))
	if err != nil || len(paths) < 100 {
		t.Fatalf("found %d vectors, %v", len(paths), err)
	}
	checks := map[string]func(*vector, *testing.T) error{
		"hash": (*vector).checkHashes, "generators": (*vector).checkHashes, "registry": (*vector).checkRegistry, "point": (*vector).checkPoint,
		"scalar": (*vector).checkScalar, "reduction": (*vector).checkReduction, "row": (*vector).checkRow, "proof": (*vector).checkProof,
	}
	elsewhere := []string{"addition", "tree", "build"} // package verifier/tree checks the first two, merkle/confidential all three
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			v := readVector(t, name)
			check, ok := checks[v.About]
			if !ok {
				if !slices.Contains(elsewhere, v.About) {
					t.Fatalf("no check for what is about %s", v.About)
				}
				return
			}
			v.judge(t, check(&v, t))
		})
	}
}

// judge compares what a check said with what the vector expects of it.
func (v *vector) judge(t *testing.T, err error) {
	t.Helper()
	var format *canon.FormatError
	var version *canon.VersionError
	switch v.Expect {
	case "pass":
		if err != nil {
			t.Errorf("refused: %v", err)
		}
	case "identity":
		if !errors.Is(err, errIsIdentity) {
			t.Errorf("got %v, want the identity", err)
		}
	case "format":
		if !errors.As(err, &format) && !errors.As(err, &version) {
			t.Errorf("got %v, want a proof that is not of the format", err)
		}
	case "equations":
		want := notTrue + ": some balance"
		if slices.Contains(v.Fails, "f") {
			want = "relation #"
		}
		if slices.Contains(v.Fails, "e") {
			want = "the rows' total of"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q: %v fail", err, want, v.Fails)
		}
	case "refused", "claim", "rows":
		if err == nil || errors.As(err, &format) || strings.Contains(err.Error(), notTrue) {
			t.Errorf("got %v, want it refused for its %s", err, v.Expect)
		}
	default:
		t.Errorf("expects %q, which is nothing", v.Expect)
	}
}

var errIsIdentity = errors.New("the identity")

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func numbers(t *testing.T, texts []string) (list []*big.Int) {
	t.Helper()
	for _, s := range texts {
		n, ok := new(big.Int).SetString(s, 10)
		if !ok {
			t.Fatal(s)
		}
		list = append(list, n)
	}
	return list
}

func pointHex(p grumpkin.G1Affine) string {
	raw := tree.PointOf(p).Bytes()
	return hex.EncodeToString(raw[:])
}

func scalarsHex(list ...fr.Element) (out []string) {
	for _, s := range list {
		raw := s.Bytes()
		out = append(out, hex.EncodeToString(raw[:]))
	}
	return out
}

func (v *vector) checkHashes(t *testing.T) error {
	for _, h := range v.Hashes {
		p, err := hashToCurve(h.DST, unhex(t, h.Message))
		if err != nil || pointHex(p[0]) != h.Point {
			t.Errorf("%s: got %s, %v", h.Message, pointHex(p[0]), err)
		}
	}
	if v.Asset == "" {
		return nil
	}
	p, err := New([]string{v.Asset})
	if err != nil {
		return err
	}
	all := sha256.New()
	for _, g := range p.columns {
		all.Write(unhex(t, pointHex(g)))
	}
	if got := hex.EncodeToString(all.Sum(nil)); got != v.Columns {
		t.Errorf("got generators %s", got)
	}
	return nil
}

func (v *vector) checkRegistry(*testing.T) error {
	_, err := New(v.Assets)
	return err
}

func (v *vector) checkPoint(t *testing.T) error {
	p, err := tree.ParsePoint(unhex(t, v.Hex))
	if err != nil && strings.Contains(err.Error(), "the identity") {
		return errIsIdentity
	}
	if err == nil && pointHex(p.Affine()) != v.Hex {
		t.Error("another point")
	}
	return err
}

func (v *vector) checkScalar(t *testing.T) error {
	return new(fr.Element).SetBytesCanonical(unhex(t, v.Hex))
}

func (v *vector) checkReduction(t *testing.T) error {
	if got := scalarsHex(*new(fr.Element).SetBytes(unhex(t, v.Hex)))[0]; got != v.Value {
		t.Errorf("got %s", got)
	}
	return nil
}

func (v *vector) checkRow(t *testing.T) error {
	row, err := committed(t, v.Assets, v.Balances, v.Blinding)
	if err == nil && pointHex(row.Affine()) != v.Point {
		t.Errorf("got %s", pointHex(row.Affine()))
	}
	if err == nil && row.IsIdentity() {
		return errIsIdentity
	}
	return err
}

func committed(t *testing.T, assets, balances []string, blinding string) (tree.Point, error) {
	t.Helper()
	var list []Balance
	for j, n := range numbers(t, balances) {
		if n.Sign() != 0 {
			list = append(list, Balance{assets[j], [16]byte(n.FillBytes(make([]byte, 16)))})
		}
	}
	return Row(list, [32]byte(unhex(t, blinding)))
}

// claim is what the vector's proof is about, and its rows.
func (v *vector) claim(t *testing.T) (c Claim, rows []point, err error) {
	t.Helper()
	parsed := func(s string) tree.Point {
		p, e := tree.ParsePoint(unhex(t, s))
		if e != nil && strings.Trim(s, "0") != "" {
			err = e
		}
		return p
	}
	c = Claim{Index: v.Shard, Snapshot: tree.Hash(unhex(t, v.Snapshot)), Rows: uint64(len(v.Rows)), Root: tree.Hash(unhex(t, v.Root)), Sum: parsed(v.Sum)}
	for _, relation := range v.Relations {
		c.Relations = append(c.Relations, numbers(t, relation))
	}
	if v.Level == "top" {
		c.Level, c.Totals = Top, numbers(t, v.Totals)
	} else {
		c.Total = parsed(v.Total)
	}
	if v.Surplus != nil && *v.Surplus != "" {
		surplus := parsed(*v.Surplus)
		c.Surplus = &surplus
	}
	for _, row := range v.Rows {
		p, e := tree.ParsePoint(unhex(t, row))
		if e != nil {
			err = e
		}
		rows = append(rows, p.Affine())
	}
	return c, rows, err
}

func (v *vector) checkProof(t *testing.T) error {
	claim, rows, err := v.claim(t)
	if err != nil {
		return err
	}
	p, err := New(v.Assets)
	if err != nil {
		return err
	}
	proof := unhex(t, v.Proof)
	for _, e := range v.Edits {
		proof = slices.Concat(proof[:e.At], unhex(t, e.Hex), proof[e.At+e.Cut:])
	}
	if v.Checked != nil {
		v.checkValues(t, p, &claim, proof, rows)
	}
	if v.Builder != nil {
		for i := range rows {
			if row, err := committed(t, v.Assets, v.Builder.Balances[i], v.Builder.Blindings[i]); err != nil || pointHex(row.Affine()) != v.Rows[i] {
				t.Errorf("row #%d: got %s, %v", i, pointHex(row.Affine()), err)
			}
		}
	}
	return p.Check(claim, proof, given(rows), 1)
}

// checkValues compares all that is drawn, the last state and the rows' weighted sum.
func (v *vector) checkValues(t *testing.T, p *Parameters, c *Claim, raw []byte, rows []point) {
	t.Helper()
	proof, err := parseProof(raw, p.columnVars()+c.rowVars(), len(p.columns), len(p.assets), len(c.Relations))
	if err != nil {
		t.Fatal(err)
	}
	drawn, want := p.draw(c, proof), map[string][]string{}
	for _, step := range v.Checked.Transcript {
		if step.Drawn != "" {
			want[step.Drawn] = append(want[step.Drawn], step.Value)
		}
	}
	proved, first := newTranscript(), slices.IndexFunc(v.Checked.Transcript, func(s vectorStep) bool { return s.Drawn != "" })
	if proved.claim(p.assets, c); hex.EncodeToString(proved.state[:]) != v.Checked.Transcript[first-1].State {
		t.Errorf("what is proved leaves the state %x", proved.state)
	}
	delete(want, "weight") // of these the low 128 bits count
	got := map[string][]string{"tau": scalarsHex(drawn.tau...), "round": scalarsHex(drawn.round...), "e": scalarsHex(drawn.e)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(v.Checked.Weights, scalarsHex(drawn.weights[:]...)); diff != "" {
		t.Errorf("weights: %s", diff)
	}
	if c.Surplus != nil {
		rows = append(slices.Clone(rows), c.Surplus.Affine())
	}
	opened, err := combine(drawn.round[p.columnVars():], uint64(len(rows)), given(rows), 1)
	if err != nil || pointHex(opened) != v.Checked.Opened {
		t.Errorf("the rows' weighted sum is %s, %v", pointHex(opened), err)
	}
}
