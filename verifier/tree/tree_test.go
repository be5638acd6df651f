package tree

import (
	"crypto/sha256"
	"testing"
)

// naive is SPEC part 6 written down recursively.
func naive(l level, leaves []node[Sum]) node[Sum] {
	var h hasher
	if len(leaves) == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	left, right := naive(l, leaves[:split]), naive(l, leaves[split:])
	sum, err := left.sum.appendAdd(nil, right.sum)
	if err != nil {
		panic(err)
	}
	return node[Sum]{inner(&h, l, left, right), sum}
}

func TestStackIsTheNaiveTree(t *testing.T) {
	for n := 1; n < 70; n++ {
		var leaves []node[Sum]
		s := stack{level: shardLevel}
		var h hasher
		for i := range n {
			id := Hash(sha256.Sum256([]byte{byte(i)}))
			sum := Sum{}
			if i%3 > 0 {
				sum = Sum{{uint16(i % 5), Amount{0, uint64(i)}}}
			}
			leaves = append(leaves, node[Sum]{leaf(&h, shardLevel, id, sum), sum})
			if err := s.add(id, sum); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.root()
		if err != nil {
			t.Fatal(err)
		}
		top := naive(shardLevel, leaves)
		if want := root(&h, shardLevel, uint64(n), top); got.hash != want || !got.sum.Equal(top.sum) {
			t.Errorf("%d leaves: got %s, want %s", n, got.hash, want)
		}
	}
}
