package merkle

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// vector is what these tests read of the verifier's vectors; the two sides share the files and nothing else.
type vector struct {
	Expect                              string
	Assets                              int
	Hex                                 string
	Customer, Identity, Nonce, Snapshot string
	Leaves                              []struct{ Identity, Sum string }
	Level, Root, Sum                    string
	Paths                               [][]string
}

func eachVector(t *testing.T, kind string, check func(*testing.T, vector)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "verifier", "vectors", kind, "*.json"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("found %d vectors of %s, %v", len(paths), kind, err)
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
			check(t, v)
		})
	}
}

func TestVectors_Sum(t *testing.T) {
	eachVector(t, "sum", func(t *testing.T, v vector) {
		sum, rest, err := DecodePlain(unhex(t, v.Hex), v.Assets)
		if ok := err == nil && len(rest) == 0; ok != (v.Expect == "pass") {
			t.Errorf("got %v with %d bytes left, want %s", err, len(rest), v.Expect)
		}
		if v.Expect == "pass" && hex.EncodeToString(sum.AppendBinary(nil)) != v.Hex {
			t.Errorf("encoded again: %x", sum.AppendBinary(nil))
		}
	})
}

func TestVectors_Identity(t *testing.T) {
	eachVector(t, "identity", func(t *testing.T, v vector) {
		id, err := NormalizeCustomer(v.Customer)
		if (err == nil) != (v.Expect == "pass") {
			t.Fatalf("got %v, want %s", err, v.Expect)
		}
		if err != nil {
			return
		}
		got := Identity(Hash(unhex(t, v.Snapshot)), [32]byte(unhex(t, v.Nonce)), id)
		if got.String() != v.Identity {
			t.Errorf("got %s, want %s", got, v.Identity)
		}
	})
}

func TestVectors_Tree(t *testing.T) {
	eachVector(t, "tree", func(t *testing.T, v vector) {
		level := map[string]Level{"shard": Shard, "top": Top}[v.Level]
		streamed := NewBuilder[Plain](level, KindPlain)
		var leaves []Node[Plain]
		for _, l := range v.Leaves {
			sum, _, err := DecodePlain(unhex(t, l.Sum), 3)
			if err != nil {
				t.Fatal(err)
			}
			if err := streamed.Add(Hash(unhex(t, l.Identity)), sum); err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, Leaf(level, Hash(unhex(t, l.Identity)), sum))
		}
		root, err := streamed.Root()
		if err != nil {
			t.Fatal(err)
		}
		if root.Hash.String() != v.Root || hex.EncodeToString(root.Sum.AppendBinary(nil)) != v.Sum {
			t.Errorf("got root %s and sum %x, want %s and %s", root.Hash, root.Sum.AppendBinary(nil), v.Root, v.Sum)
		}
		tree, err := NewTree(level, KindPlain, leaves)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range v.Paths {
			path, err := tree.Path(uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range path {
				got = append(got, n.Hash.String())
			}
			if !slices.Equal(got, want) {
				t.Errorf("path of leaf %d: got %v, want %v", i, got, want)
			}
		}
	})
}
