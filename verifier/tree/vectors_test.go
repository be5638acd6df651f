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

func eachVector(t *testing.T, kind string, check func(*testing.T, vector)) {
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
			var v vector
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
		err := c.CheckLeaves(bytes.NewReader(file), 0, Shard{Leaves: 1}, NewIdentities())
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
