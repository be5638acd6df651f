package tree

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
)

type vector struct {
	Expect           string
	Assets           int
	Hex              string
	Leaves           []struct{ Identity, Sum string }
	Level, Root, Sum string
}

func eachVector[V any](t *testing.T, kind string, check func(*testing.T, V)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "vectors", kind, "*.json"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("found %d vectors of %s, %v", len(paths), kind, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var v V
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			check(t, v)
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

// A sum is read where it stands: as the only leaf of a leaves file.
func TestVectors_Sum(t *testing.T) {
	eachVector(t, "sum", func(t *testing.T, v vector) {
		c := Commitment{Assets: []string{"BTC", "ETH", "USDT"}[:v.Assets]}
		file := append([]byte("assay/v1/leaves\n"), make([]byte, 32+4)...)
		file = binary.BigEndian.AppendUint64(file, 1)
		file = append(file, make([]byte, 32)...)
		file = append(file, unhex(t, v.Hex)...)
		err := c.CheckLeaves(bytes.NewReader(file), 0, Shard{Leaves: 1}, NewIdentities(nil))
		var format *canon.FormatError
		if refused := errors.As(err, &format); refused != (v.Expect != "pass") {
			t.Errorf("got %v, want %s", err, v.Expect)
		}
	})
}

func TestVectors_Tree(t *testing.T) {
	eachVector(t, "tree", func(t *testing.T, v vector) {
		s := stack{level: map[string]level{"shard": shardLevel, "top": topLevel}[v.Level]}
		for _, l := range v.Leaves {
			sum, err := appendEntries(nil, unhex(t, l.Sum)[2:], 3)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.add(Hash(unhex(t, l.Identity)), sum); err != nil {
				t.Fatal(err)
			}
		}
		root, err := s.root()
		if err != nil {
			t.Fatal(err)
		}
		if root.hash.String() != v.Root || hex.EncodeToString(root.sum.appendBinary(nil)) != v.Sum {
			t.Errorf("got root %s and sum %x, want %s and %s", root.hash, root.sum.appendBinary(nil), v.Root, v.Sum)
		}
	})
}

// TestVectors_Points are sums of points, and trees of them.
func TestVectors_Points(t *testing.T) {
	parsed := func(t *testing.T, s string) Point {
		p, err := parseSumHex(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	type vector struct {
		About, Level, Root, Sum  string
		Identities, Points, Rows []string
	}
	eachVector(t, "confidential", func(t *testing.T, v vector) {
		switch v.About {
		case "addition":
			var sum Point
			for _, s := range v.Points {
				var err error
				if sum, err = sum.plus(parsed(t, s)); err != nil {
					t.Fatal(err)
				}
			}
			if sum != parsed(t, v.Sum) {
				t.Errorf("got %x, want %s", sum.Bytes(), v.Sum)
			}
		case "tree":
			tree := pointTree{level: map[string]level{"shard": shardLevel, "top": topLevel}[v.Level]}
			for i, id := range v.Identities {
				tree.add(Hash(unhex(t, id)), parsed(t, v.Rows[i]))
			}
			root, err := tree.root()
			if err != nil || root.hash.String() != v.Root || root.sum != parsed(t, v.Sum) {
				t.Errorf("got root %s and sum %x, %v; want %s and %s", root.hash, root.sum.Bytes(), err, v.Root, v.Sum)
			}
		}
	})
}
