package confidential

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/tree"
)

type vector struct {
	Expect       string
	Confidential struct {
		Assets                            []string
		Level, Snapshot, Root, Sum, Total string
		Shard                             uint32
		Relations                         [][]string
		Totals, Rows                      []string
		Proof                             string
		Values                            *struct {
			Tau, Round []string
			E          string
		}
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

func (v *vector) claim(t *testing.T) (c Claim, rows []point) {
	t.Helper()
	f := v.Confidential
	parsed := func(s string) tree.Point {
		p, err := tree.ParsePoint(unhex(t, s))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, row := range f.Rows {
		rows = append(rows, parsed(row).Affine())
	}
	c = Claim{Index: f.Shard, Snapshot: tree.Hash(unhex(t, f.Snapshot)), Rows: uint64(len(rows)), Root: tree.Hash(unhex(t, f.Root)), Sum: parsed(f.Sum)}
	for _, relation := range f.Relations {
		c.Relations = append(c.Relations, numbers(t, relation))
	}
	if f.Level == "top" {
		c.Level, c.Totals = Top, numbers(t, f.Totals)
	} else {
		c.Total = parsed(f.Total)
	}
	return c, rows
}

func TestVectors(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "vectors", "confidential", "*.json"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("found %d vectors, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			claim, rows := v.claim(t)
			p, err := New(v.Confidential.Assets)
			if err != nil {
				t.Fatal(err)
			}
			proof := unhex(t, v.Confidential.Proof)
			if err := p.Check(claim, proof, given(rows), 1); (err == nil) != (v.Expect == "pass") {
				t.Errorf("got %v, want %s", err, v.Expect)
			}
			if v.Confidential.Values != nil {
				v.checkChallenges(t, p, &claim, proof)
			}
		})
	}
}

// checkChallenges compares what is drawn with what the prover drew.
func (v *vector) checkChallenges(t *testing.T, p *Parameters, c *Claim, raw []byte) {
	t.Helper()
	proof, err := parseProof(raw, p.columnVars()+rowVars(c.proved()), len(p.columns), len(p.assets), len(c.Relations))
	if err != nil {
		t.Fatal(err)
	}
	drawn, texts := p.draw(c, proof), func(list ...fr.Element) (out []string) {
		for _, s := range list {
			raw := s.Bytes()
			out = append(out, hex.EncodeToString(raw[:]))
		}
		return out
	}
	want := v.Confidential.Values
	for name, diff := range map[string]string{
		"tau": cmp.Diff(want.Tau, texts(drawn.tau...)), "round": cmp.Diff(want.Round, texts(drawn.round...)), "e": cmp.Diff([]string{want.E}, texts(drawn.e)),
	} {
		if diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
