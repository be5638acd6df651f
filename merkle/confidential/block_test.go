package confidential

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/merkle"
)

// A run of leaves has the top that a tree over them has, and opens to its own balances and to no others.
func TestBlocks(t *testing.T) {
	p := parameters(t, 3)
	b := p.Blocks()
	for _, n := range []int{1, 2, 3, 5, 14, 27, 40, 63, 64, 65, 79} {
		rows := someRows(uint64(n), n, 3, 3, 64)
		var leaves []Leaf
		if _, err := p.Commit(shardOf(rows), func(l []Leaf) error { leaves = append(leaves, l...); return nil }); err != nil {
			t.Fatal(err)
		}
		nodes := make([]merkle.Node[Point], n)
		balances := make([]merkle.Plain, n)
		for i, l := range leaves {
			nodes[i], balances[i] = merkle.Leaf(merkle.Shard, l.Identity, l.Sum), rows[i].Balances
		}
		tree, err := merkle.NewTree(merkle.Shard, merkle.KindConfidential, nodes)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Top(leaves); got != tree.Top() {
			t.Errorf("%d leaves: top %v, want %v", n, got, tree.Top())
		}
		paired, err := merkle.NewTreeBy(merkle.Shard, merkle.KindConfidential, nodes, b.Pairs)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(n) {
			path, err := paired.Path(i)
			want, bad := tree.Path(i)
			if err != nil || bad != nil || paired.Root() != tree.Root() || !slices.Equal(path, want) {
				t.Errorf("%d leaves, by pairs: the path of leaf %d: %v", n, i, err)
			}
		}
		if err := b.Open(leaves, balances); err != nil {
			t.Errorf("%d leaves: %v", n, err)
		}
		for name, change := range map[string]func(l *Leaf, v *merkle.Plain){
			"does not open":   func(_ *Leaf, v *merkle.Plain) { *v = merkle.Plain{{Asset: 1, Amount: merkle.Amount{Hi: 9, Lo: 9}}} },
			"below the group": func(l *Leaf, _ *merkle.Plain) { l.Blinding[0] = 0xff },
			"outside":         func(_ *Leaf, v *merkle.Plain) { *v = merkle.Plain{{Asset: 3, Amount: merkle.Amount{Lo: 1}}} },
		} {
			l, v := leaves[n-1], balances[n-1]
			change(&leaves[n-1], &balances[n-1])
			if err := b.Open(leaves, balances); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%d leaves: got %v, want %q", n, err, name)
			}
			leaves[n-1], balances[n-1] = l, v
		}
	}
}
