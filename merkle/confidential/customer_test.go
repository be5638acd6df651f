package confidential

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-por/assay/merkle"
)

// A customer's proof leads from balances and blinding to the tree's root, and holds nothing of another customer but hashes and points.
func TestCustomersProof(t *testing.T) {
	p := parameters(t, 3)
	var top Top
	var leaves [][]Leaf
	var roots []merkle.Node[Point]
	rows := [][]Row{someRows(1, 5, 3, 3, 64), someRows(2, 3, 3, 2, 64), nil}
	for index := range rows {
		s := shardOf(rows[index])
		s.Index = uint32(index)
		var mine []Leaf
		c, err := p.Commit(s, func(l []Leaf) error { mine = append(mine, l...); return nil })
		if err != nil {
			t.Fatal(err)
		}
		leaves, top.Rows = append(leaves, mine), append(top.Rows, c.Top)
		roots = append(roots, merkle.Leaf(merkle.Top, c.Root.Hash, c.Top.Total))
	}
	proved, err := p.ProveTop(top, bytes.NewReader(someRandom))
	if err != nil {
		t.Fatal(err)
	}
	above, err := merkle.NewTree(merkle.Top, merkle.KindConfidential, roots)
	if err != nil {
		t.Fatal(err)
	}
	for index, mine := range leaves[:2] {
		var nodes []merkle.Node[Point]
		for _, l := range mine {
			nodes = append(nodes, merkle.Leaf(merkle.Shard, l.Identity, l.Sum))
		}
		tree, err := merkle.NewTree(merkle.Shard, merkle.KindConfidential, nodes)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range mine {
			path, err1 := tree.Path(uint64(i))
			upper, err2 := above.Path(uint64(index))
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			proof := merkle.Proof[Point]{
				Kind: merkle.KindConfidential, Balances: l.Sum, Path: path, Top: upper,
				Opening: &merkle.Opening[Point]{Balances: rows[index][i].Balances, Blinding: l.Blinding, Total: top.Rows[index].Total},
				Shard:   merkle.Place{Count: 3, Index: uint64(index), Leaf: uint64(i), Leaves: tree.Count()},
			}
			if root, err := proof.RootOf(l.Identity); err != nil || root != proved.Root {
				t.Errorf("shard %d, row #%d: got %v, want %v (%v)", index, i, root, proved.Root, err)
			}
			file, err := proof.JSON(p.assets, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkFile(t, file, rows[index][i], l, top.Rows[index].Total)
			for j, other := range mine {
				if j != i && (strings.Contains(string(file), hex.EncodeToString(other.Blinding[:])) || strings.Contains(string(file), other.Identity.String())) {
					t.Errorf("row #%d's file has row #%d's blinding or identity", i, j)
				}
			}
		}
	}
}

func checkFile(t *testing.T, file []byte, row Row, l Leaf, total Point) {
	t.Helper()
	var got struct {
		Balances        []struct{ Amount, Asset string }
		Blinding, Total string
		Kind            string
		Path            []struct{ Sum Point }
	}
	if err := json.Unmarshal(file, &got); err != nil {
		t.Fatal(err)
	}
	if got.Kind != "confidential" || got.Blinding != hex.EncodeToString(l.Blinding[:]) || got.Total != total.String() || len(got.Balances) != len(row.Balances) {
		t.Errorf("got %s", file)
	}
	for i, e := range row.Balances {
		if got.Balances[i].Amount != e.Amount.String() || got.Balances[i].Asset != names(3)[e.Asset] {
			t.Errorf("balance #%d: got %+v, want %v", i, got.Balances[i], e)
		}
	}
	var canonical any
	if err := json.Unmarshal(file, &canonical); err != nil {
		t.Fatal(err)
	}
	if sorted, err := json.Marshal(canonical); err != nil || !bytes.Equal(sorted, file) {
		t.Errorf("keys are not in order: %s", file)
	}
}
