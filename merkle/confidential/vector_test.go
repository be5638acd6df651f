package confidential

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
)

const vectorsDir = "../../verifier/vectors/confidential"

// vector is a file of the project's vectors; README.md beside their folder says what stands in it.
type vector struct {
	About, Expect string

	Hex, Sum, Value string
	Points          []string

	Asset  string
	Assets []string
	Hashes []struct {
		Message, DST, Uniform, Point string
		U, Mapped                    [2]string
	}
	Generators string

	Balances        []string
	Blinding, Point string

	Identities                   []string
	Level, Root, Snapshot, Total string
	Nodes                        []vectorNode
	Paths                        [][]vectorNode
	Rows                         []string

	Base  string
	Edits []struct {
		At, Cut int
		Hex     string
	}
	Fails     []string
	Relations [][]string
	Shard     uint32
	Totals    []string
	Surplus   *string
	Proof     string
	Builder   *vectorBuilder
	Checked   *vectorChecked
}

type vectorNode struct{ Hash, Sum string }

// readVector reads a file over the one that it is based on.
func readVector(t *testing.T, name string) (v vector) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(vectorsDir, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var base struct{ Base string }
	if err := json.Unmarshal(raw, &base); err != nil {
		t.Fatal(err)
	}
	if base.Base != "" {
		v = readVector(t, base.Base)
		v.Builder, v.Checked = nil, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The builder's side of the project's vectors: it makes what they have, byte for byte, and its tests' plain check says of every proof
// what they say.
func TestVectors(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(vectorsDir, "*.json"))
	if err != nil || len(paths) < 100 {
		t.Fatalf("found %d vectors, %v", len(paths), err)
	}
	checks := map[string]func(*vector, *testing.T) error{
		"hash": (*vector).checkHashes, "generators": (*vector).checkHashes, "registry": (*vector).checkRegistry, "point": (*vector).checkPoint, "addition": (*vector).checkAddition,
		"scalar": (*vector).checkScalar, "reduction": (*vector).checkReduction, "row": (*vector).checkRow, "tree": (*vector).checkTree, "build": (*vector).checkBuild,
		"proof": (*vector).checkProof,
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			v := readVector(t, name)
			check := checks[v.About]
			if check == nil {
				t.Fatalf("no check for what is about %q", v.About)
			}
			err := check(&v, t)
			if (err == nil) != (v.Expect == "pass" || v.Expect == "identity") {
				t.Errorf("got %v, want %s", err, v.Expect)
			}
			if v.Expect == "equations" && err != nil && !strings.HasPrefix(err.Error(), "("+v.Fails[0]+")") {
				t.Errorf("got %v, want %v to fail", err, v.Fails)
			}
		})
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func integers(t *testing.T, texts []string) (list []*big.Int) {
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

func plain(t *testing.T, amounts []string) (p merkle.Plain) {
	t.Helper()
	for j, s := range amounts {
		a, err := merkle.ParseAmount(s)
		if err != nil {
			t.Fatal(err)
		}
		if !a.IsZero() {
			p = append(p, merkle.Entry{Asset: uint16(j), Amount: a})
		}
	}
	return p
}

// known are parameters by their assets: they are dear.
var known = map[string]*Parameters{}

func parametersOf(assets []string) (*Parameters, error) {
	key := strings.Join(assets, ",")
	if known[key] == nil {
		p, err := NewParameters(assets)
		if err != nil {
			return nil, err
		}
		known[key] = p
	}
	return known[key], nil
}

func (v *vector) checkHashes(t *testing.T) error {
	for _, h := range v.Hashes {
		if got := hex.EncodeToString(hashToCurve(string(unhex(t, h.Message)), h.DST)); got != h.Point {
			t.Errorf("%s: got %s", h.Message, got)
		}
		uniform, u, mapped := hashSteps(string(unhex(t, h.Message)), h.DST)
		if hex.EncodeToString(uniform) != h.Uniform {
			t.Errorf("%s: got uniform %x", h.Message, uniform)
		}
		for i := range u {
			if fmt.Sprintf("%064x", u[i]) != h.U[i] || mapped[i].String() != h.Mapped[i] {
				t.Errorf("%s: %x is mapped to %s", h.Message, u[i], mapped[i])
			}
		}
	}
	if v.Asset == "" {
		return nil
	}
	p, err := parametersOf([]string{v.Asset})
	if err != nil {
		return err
	}
	var all []byte
	for _, g := range p.generators {
		all = Point{g}.AppendBinary(all)
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(all)); got != v.Generators {
		t.Errorf("got generators %s", got)
	}
	return nil
}

func (v *vector) checkRegistry(*testing.T) error {
	_, err := NewParameters(v.Assets)
	return err
}

func (v *vector) checkPoint(t *testing.T) error {
	p, err := ParsePoint(unhex(t, v.Hex))
	if err == nil && (p.String() != v.Hex || p.IsIdentity() != (v.Expect == "identity")) {
		t.Error("another point")
	}
	return err
}

func (v *vector) checkAddition(t *testing.T) error {
	var sum Point
	for _, s := range v.Points {
		p, err := ParsePoint(unhex(t, s))
		if err != nil {
			return err
		}
		sum = plus(sum, p)
	}
	if sum.String() != v.Sum {
		t.Errorf("got %s", sum)
	}
	return nil
}

func (v *vector) checkScalar(t *testing.T) error {
	return new(fr.Element).SetBytesCanonical(unhex(t, v.Hex))
}

func (v *vector) checkReduction(t *testing.T) error {
	w := newWide()
	if got := hexes([]fr.Element{w.scalar((*[64]byte)(unhex(t, v.Hex)))})[0]; got != v.Value {
		t.Errorf("got %s", got)
	}
	return nil
}

func (v *vector) checkRow(t *testing.T) error {
	p, err := parametersOf(v.Assets)
	if err != nil {
		return err
	}
	row, err := p.CommitRow(plain(t, v.Balances), [32]byte(unhex(t, v.Blinding)))
	if err == nil && row.String() != v.Point {
		t.Errorf("got %s", row)
	}
	return err
}

// nodes are the leaves of the vector's tree.
func (v *vector) nodes(t *testing.T) (level merkle.Level, leaves []merkle.Node[Point]) {
	t.Helper()
	if level = merkle.Shard; v.Level == "top" {
		level = merkle.Top
	}
	for i, id := range v.Identities {
		p, err := ParsePoint(unhex(t, v.Rows[i]))
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, merkle.Leaf(level, merkle.Hash(unhex(t, id)), p))
	}
	return level, leaves
}

func (v *vector) checkTree(t *testing.T) error {
	level, leaves := v.nodes(t)
	tree, err := merkle.NewTree(level, merkle.KindConfidential, leaves)
	if err != nil {
		return err
	}
	if root := tree.Root(); root.Hash.String() != v.Root || root.Sum.String() != v.Sum {
		t.Errorf("got root %s, %s", root.Hash, root.Sum)
	}
	var nodes []vectorNode
	if walk(level, leaves, &nodes); v.Nodes != nil {
		if diff := cmp.Diff(v.Nodes, nodes); diff != "" {
			t.Error(diff)
		}
	}
	for i, want := range v.Paths {
		path, err := tree.Path(uint64(i))
		if err != nil {
			return err
		}
		got := []vectorNode{}
		for _, n := range path {
			got = append(got, vectorNode{n.Hash.String(), n.Sum.String()})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("path #%d: %s", i, diff)
		}
	}
	return nil
}

// walk gathers the nodes over leaves, left before right before what joins them.
func walk(level merkle.Level, leaves []merkle.Node[Point], nodes *[]vectorNode) {
	if len(leaves) > 1 {
		k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
		walk(level, leaves[:k], nodes)
		walk(level, leaves[k:], nodes)
	}
	b := merkle.NewBuilder[Point](level, merkle.KindConfidential)
	for _, n := range leaves {
		if err := b.AddNode(n); err != nil {
			panic(err)
		}
	}
	top, err := b.Top()
	if err != nil {
		panic(err)
	}
	*nodes = append(*nodes, vectorNode{top.Hash.String(), top.Sum.String()})
}

func (v *vector) relations(t *testing.T) (all []Relation) {
	t.Helper()
	for _, r := range v.Relations {
		all = append(all, integers(t, r))
	}
	return all
}

// source is the shard that the vector is about.
func (v *vector) source(t *testing.T) Shard {
	t.Helper()
	rows := make([]Row, len(v.Builder.Balances))
	for i, b := range v.Builder.Balances {
		if rows[i].Balances = plain(t, b); len(v.Identities) > 0 {
			rows[i].Identity = merkle.Hash(unhex(t, v.Identities[i]))
		}
	}
	return Shard{Snapshot: merkle.Hash(unhex(t, v.Snapshot)), Index: v.Shard, Key: merkle.BlindKey(unhex(t, v.Builder.Key)), Count: uint64(len(rows)), Rows: each(rows), Relations: v.relations(t)}
}

func (v *vector) checkBuild(t *testing.T) error {
	p, err := parametersOf(v.Assets)
	if err != nil {
		return err
	}
	_, err = p.Commit(v.source(t), nil)
	return err
}
