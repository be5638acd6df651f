package merkle

import (
	"bytes"
	"errors"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A9, T3: any number of leaves from 1, against the naive tree of the specification; nothing is doubled or padded.
func TestA09_EverySize(t *testing.T) {
	for _, level := range []Level{Shard, Top} {
		for _, n := range treeSizes() {
			leaves := someLeaves(n)
			want := make([]oracleNode, n)
			b := NewBuilder[Plain](level, KindPlain)
			for i, l := range leaves {
				want[i] = oracleLeaf(byte(level), l.identity, l.sum)
				if err := b.Add(l.identity, l.sum); err != nil {
					t.Fatal(err)
				}
			}
			root := oracleRoot(byte(level), want)
			streamed, err := b.Root()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(streamed.Hash[:], root.hash) || !bytes.Equal(streamed.Sum.AppendBinary(nil), oracleEncode(root.sum)) {
				t.Fatalf("level %d, %d leaves: builder's root %v, want %x", level, n, streamed.Hash, root.hash)
			}
			tree, err := NewTree(level, KindPlain, hashed(level, leaves))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(streamed, tree.Root()); diff != "" {
				t.Fatalf("level %d, %d leaves: builder and tree differ:\n%s", level, n, diff)
			}
			if b.Count() != uint64(n) || tree.Count() != uint64(n) {
				t.Fatalf("counts %d and %d, want %d", b.Count(), tree.Count(), n)
			}
		}
	}
}

func TestA09_NoLeaves(t *testing.T) {
	if _, err := NewBuilder[Plain](Shard, KindPlain).Root(); !errors.Is(err, ErrNoLeaves) {
		t.Errorf("builder: got %v, want ErrNoLeaves", err)
	}
	if _, err := NewTree[Plain](Shard, KindPlain, nil); !errors.Is(err, ErrNoLeaves) {
		t.Errorf("tree: got %v, want ErrNoLeaves", err)
	}
}

// Runs of 2^k leaves built apart join to the same tree, and to the same paths.
func TestSubtreesJoin(t *testing.T) {
	for _, n := range treeSizes() {
		leaves := hashed(Shard, someLeaves(n))
		whole, err := NewTree(Shard, KindPlain, leaves)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 2, 8, 64} {
			joined := NewBuilder[Plain](Shard, KindPlain)
			run := NewBuilder[Plain](Shard, KindPlain)
			for i := 0; i < n; i += size {
				run.Reset()
				for _, l := range leaves[i:min(i+size, n)] {
					if err := run.AddNode(l); err != nil {
						t.Fatal(err)
					}
				}
				top, err := run.Top()
				if err != nil {
					t.Fatal(err)
				}
				if err := joined.AddNode(top); err != nil {
					t.Fatal(err)
				}
			}
			top, err := joined.Top()
			if err != nil {
				t.Fatal(err)
			}
			if root := Root(Shard, KindPlain, uint64(n), top); root.Hash != whole.Root().Hash {
				t.Fatalf("%d leaves in runs of %d: root %v, want %v", n, size, root.Hash, whole.Root().Hash)
			}
		}
	}
}

// proofOf makes the whole proof of leaf i of shard s.
func proofOf(t testing.TB, shards [][]leaf, s, i int) (Proof[Plain], Node[Plain]) {
	t.Helper()
	var tops []Node[Plain]
	var path []Node[Plain]
	for j, leaves := range shards {
		tree, err := NewTree(Shard, KindPlain, hashed(Shard, leaves))
		if err != nil {
			t.Fatal(err)
		}
		if j == s {
			if path, err = tree.Path(uint64(i)); err != nil {
				t.Fatal(err)
			}
		}
		tops = append(tops, Leaf(Top, tree.Root().Hash, tree.Root().Sum))
	}
	tree, err := NewTree(Top, KindPlain, tops)
	if err != nil {
		t.Fatal(err)
	}
	top, err := tree.Path(uint64(s))
	if err != nil {
		t.Fatal(err)
	}
	return Proof[Plain]{
		Kind: KindPlain, Snapshot: Hash{1}, Statement: Hash{2}, Balances: shards[s][i].sum, Nonce: [32]byte{3},
		Shard: Place{Count: uint64(len(shards)), Index: uint64(s), Leaf: uint64(i), Leaves: uint64(len(shards[s]))},
		Path:  path, Top: top,
	}, tree.Root()
}

func TestEveryPathGivesTheRoot(t *testing.T) {
	for _, n := range treeSizes() {
		if testing.Short() && n > 70 {
			break
		}
		step := max(1, n/100)
		for i := 0; i < n; i += step {
			shards := [][]leaf{someLeaves(n), someLeaves(5), someLeaves(2)}
			if n > 70 && i%7 != 0 {
				continue
			}
			p, root := proofOf(t, shards, 0, i)
			got, err := p.RootOf(shards[0][i].identity)
			if err != nil {
				t.Fatalf("leaf #%d of %d: %v", i, n, err)
			}
			if got.Hash != root.Hash {
				t.Fatalf("leaf #%d of %d: root %v, want %v", i, n, got.Hash, root.Hash)
			}
		}
	}
}

// T1: a parent that committed to its total only would let the builder invent the sibling's sum. In ours, moving a unit from
// one child to the other changes the parent.
func TestT01_SumOnlyParent(t *testing.T) {
	a, b := Hash{1}, Hash{2}
	sum := func(lo uint64) Plain { return Plain{{0, Amount{Lo: lo}}} }
	honest, err := Parent(Shard, Node[Plain]{a, sum(60)}, Node[Plain]{b, sum(40)})
	if err != nil {
		t.Fatal(err)
	}
	forged, err := Parent(Shard, Node[Plain]{a, sum(60)}, Node[Plain]{b, sum(0)[:0]})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := Parent(Shard, Node[Plain]{a, sum(61)}, Node[Plain]{b, sum(39)})
	if err != nil {
		t.Fatal(err)
	}
	if honest.Hash == forged.Hash || honest.Hash == moved.Hash {
		t.Error("a parent's hash does not bind its children's sums")
	}
}

// T2: one preimage cannot be read as leaf, node or root of either level: all six first bytes differ.
func TestT02_LeafNodeRootDiffer(t *testing.T) {
	seen := map[Hash]string{}
	for _, level := range []Level{Shard, Top} {
		n := Leaf(level, Hash{}, Plain(nil))
		parent, err := Parent(level, Node[Plain]{}, Node[Plain]{})
		if err != nil {
			t.Fatal(err)
		}
		for name, h := range map[string]Hash{"leaf": n.Hash, "node": parent.Hash, "root": Root(level, KindPlain, 1, Node[Plain]{}).Hash} {
			if other, twice := seen[h]; twice {
				t.Errorf("%s of level %d has the hash of %s", name, level, other)
			}
			seen[h] = name
		}
	}
}

// T6, C3: length and sides follow from index and count; every other length is refused, every other place gives another root.
func TestT06_PathLengthAndPlace(t *testing.T) {
	shards := [][]leaf{someLeaves(11), someLeaves(6), someLeaves(3)}
	good, root := proofOf(t, shards, 0, 10)
	identity := shards[0][10].identity
	for name, change := range map[string]func(p *Proof[Plain]){
		"path cut":         func(p *Proof[Plain]) { p.Path = p.Path[:len(p.Path)-1] },
		"path longer":      func(p *Proof[Plain]) { p.Path = append(p.Path[:len(p.Path):len(p.Path)], Node[Plain]{}) },
		"top cut":          func(p *Proof[Plain]) { p.Top = p.Top[:len(p.Top)-1] },
		"top longer":       func(p *Proof[Plain]) { p.Top = append(p.Top[:len(p.Top):len(p.Top)], Node[Plain]{}) },
		"leaf is count":    func(p *Proof[Plain]) { p.Shard.Leaf = 11 },
		"shard is count":   func(p *Proof[Plain]) { p.Shard.Index = 3 },
		"no leaves":        func(p *Proof[Plain]) { p.Shard.Leaves = 0 },
		"path and no need": func(p *Proof[Plain]) { p.Shard.Leaf, p.Shard.Leaves = 0, 1 },
	} {
		p := good
		change(&p)
		if got, err := p.RootOf(identity); err == nil {
			t.Errorf("%s: got the root %v, want an error", name, got.Hash)
		}
	}
	for leaf := range uint64(16) {
		for leaves := leaf + 1; leaves <= 16; leaves++ {
			p := good
			p.Shard.Leaf, p.Shard.Leaves = leaf, leaves
			got, err := p.RootOf(identity)
			if same := err == nil && got.Hash == root.Hash; same != (leaf == 10 && leaves == 11) {
				t.Errorf("leaf #%d of %d: root reached: %v", leaf, leaves, same)
			}
		}
	}
}

// T7, T11: siblings in each other's place, a wrong sum with a right hash and the reverse each give another root.
func TestT11_SiblingChanged(t *testing.T) {
	shards := [][]leaf{someLeaves(8), someLeaves(8), someLeaves(8)}
	good, root := proofOf(t, shards, 1, 2)
	identity := shards[1][2].identity
	other := Plain{{0, Amount{Lo: 5}}}
	try := func(name string, p Proof[Plain]) {
		if got, err := p.RootOf(identity); err == nil && got.Hash == root.Hash {
			t.Errorf("%s: the root is still reached", name)
		}
	}
	for i := range good.Path {
		p := good
		p.Path = append([]Node[Plain]{}, good.Path...)
		p.Path[i].Hash[31] ^= 1
		try("path hash", p)
		p.Path[i] = Node[Plain]{good.Path[i].Hash, other}
		try("path sum", p)
		if i > 0 {
			p.Path[i], p.Path[i-1] = good.Path[i-1], good.Path[i]
			try("path swapped", p)
		}
	}
	for i := range good.Top {
		p := good
		p.Top = append([]Node[Plain]{}, good.Top...)
		p.Top[i].Hash[0] ^= 1
		try("top hash", p)
		p.Top[i] = Node[Plain]{good.Top[i].Hash, other}
		try("top sum", p)
	}
}

// T12: a path of one shard under another's place gives another root.
func TestT12_WrongShard(t *testing.T) {
	shards := [][]leaf{someLeaves(4), someLeaves(8)[4:], someLeaves(12)[8:], someLeaves(16)[12:]}
	good, root := proofOf(t, shards, 1, 2)
	for index := range uint64(4) {
		p := good
		p.Shard.Index = index
		got, err := p.RootOf(shards[1][2].identity)
		if reached := err == nil && got.Hash == root.Hash; reached != (index == 1) {
			t.Errorf("place %d: root reached: %v", index, reached)
		}
	}
}

func TestPathBeyondTree(t *testing.T) {
	tree, err := NewTree(Shard, KindPlain, hashed(Shard, someLeaves(5)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Path(5); err == nil {
		t.Error("path of leaf #5 of 5: want an error")
	}
}

// The root's sum is the sum of the leaves, and every change of one byte of any leaf's encoding changes the root.
func TestRapidSumAndBinding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "leaves")
		leaves := make([]leaf, n)
		want := map[uint16]*big.Int{}
		for i := range leaves {
			leaves[i] = leaf{drawHash.Draw(t, "identity"), drawPlain(t, "sum")}
			for _, e := range leaves[i].sum {
				if want[e.Asset] == nil {
					want[e.Asset] = new(big.Int)
				}
				want[e.Asset].Add(want[e.Asset], bigOf(e.Amount))
			}
		}
		tree, err := NewTree(Shard, KindPlain, hashed(Shard, leaves))
		if err != nil {
			t.Fatal(err)
		}
		root := tree.Root()
		if !bytes.Equal(root.Sum.AppendBinary(nil), oracleEncode(want)) {
			t.Fatalf("sum of the root %v, want %v", root.Sum, want)
		}
		i := rapid.IntRange(0, n-1).Draw(t, "changed leaf")
		encoded := leaves[i].sum.AppendBinary(append([]byte{}, leaves[i].identity[:]...))
		at := rapid.IntRange(0, len(encoded)-1).Draw(t, "byte")
		encoded[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		sum, rest, err := DecodePlain(encoded[32:], testAssets)
		if err != nil || len(rest) > 0 {
			return // refused by the decoder
		}
		leaves[i] = leaf{Hash(encoded[:32]), sum}
		changed, err := NewTree(Shard, KindPlain, hashed(Shard, leaves))
		if err != nil {
			return // refused by the addition
		}
		if changed.Root().Hash == root.Hash {
			t.Fatalf("byte %d of leaf #%d changed, the root did not", at, i)
		}
	})
}

// A Hasher's nodes are those that Leaf and Parent make.
func TestHasher(t *testing.T) {
	for _, level := range []Level{Shard, Top} {
		h := NewHasher[Plain](level)
		left, right := h.Leaf(Hash{1}, wide()), h.Leaf(Hash{2}, wide())
		if want := Leaf(level, Hash{1}, wide()); left.Hash != want.Hash {
			t.Errorf("leaf: got %v, want %v", left.Hash, want.Hash)
		}
		want, err := Parent(level, left, right)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Parent(left, right, want.Sum); got.Hash != want.Hash {
			t.Errorf("parent: got %v, want %v", got.Hash, want.Hash)
		}
	}
}
