package merkle

import (
	"bytes"
	"slices"
	"testing"
)

// An Encoder and a Climber that saw other proofs before give what new ones give: in leaf order, out of order, of other trees, and
// where a node's hash stays and its sum does not.
func TestManyProofs(t *testing.T) {
	envelope, log := []byte(`{"payload":"e30="}`), &InLog{Entry: []byte(`{"payload":"e30="}`), Proof: []byte("c2sp.org/tlog-proof@v1\n")}
	e, err := NewEncoder[Plain](testIDs, envelope, log)
	if err != nil {
		t.Fatal(err)
	}
	var c Climber[Plain]
	check := func(p Proof[Plain], identity Hash) {
		t.Helper()
		want, err := p.JSON(testIDs, envelope, log)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Append([]byte("before"), p); err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Fatalf("leaf #%d: got\n%s (%v), want\n%s", p.Shard.Leaf, got, err, want)
		}
		root, err := p.RootOf(identity)
		again, err2 := c.Root(p, identity)
		if (err == nil) != (err2 == nil) || again.Hash != root.Hash || !slices.Equal(again.Sum, root.Sum) {
			t.Fatalf("leaf #%d: got the root %v (%v), want %v (%v)", p.Shard.Leaf, again.Hash, err2, root.Hash, err)
		}
	}
	for _, shards := range [][][]leaf{{someLeaves(37), someLeaves(3), someLeaves(5)}, {someLeaves(11)}, {someLeaves(2), someLeaves(40)}} {
		for s, leaves := range shards {
			for i := range leaves {
				for _, at := range []int{i, i * 7 % len(leaves)} {
					p, root := proofOf(t, shards, s, at)
					check(p, leaves[at].identity)
					if got, err := c.Root(p, leaves[at].identity); err != nil || got.Hash != root.Hash {
						t.Fatalf("leaf #%d of shard #%d: got the root %v (%v), want %v", at, s, got.Hash, err, root.Hash)
					}
					if len(p.Path) == 0 {
						continue
					}
					other := p
					other.Path = slices.Clone(p.Path)
					last := &other.Path[len(p.Path)-1]
					last.Sum = append(slices.Clone(last.Sum), Entry{Asset: uint16(len(testIDs) - 1), Amount: Amount{Lo: 1}})
					check(other, leaves[at].identity)
					other.Path = p.Path[1:]
					check(other, leaves[at].identity)
				}
			}
		}
	}
}

// What could not be encoded or added is refused again when it comes again.
func TestManyProofsRefused(t *testing.T) {
	e, err := NewEncoder[Plain]([]string{"BTC"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var c Climber[Plain]
	most := Plain{{0, Amount{Hi: 1<<64 - 1, Lo: 1<<64 - 1}}}
	p := Proof[Plain]{Kind: KindPlain, Balances: most, Shard: Place{1, 0, 0, 2}, Path: []Node[Plain]{{Hash: Hash{2}, Sum: Plain{{2, Amount{Lo: 1}}}}}}
	for range 2 {
		if got, err := e.Append(nil, p); err == nil {
			t.Errorf("an asset beyond the registry: got %s, want an error", got)
		}
	}
	p.Path = []Node[Plain]{{Hash: Hash{2}, Sum: most}}
	for range 2 {
		if _, err := c.Root(p, Hash{}); err == nil {
			t.Error("a sum of 2^128: want an error")
		}
	}
}
