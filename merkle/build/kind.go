package build

import (
	"strings"
	"sync"
	"weak"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/merkle/shard"
)

// kind is what building and proving hang on of a tree's kind.
type kind[S merkle.Sum[S]] struct {
	shard.Kind[S]
	above func(ShardResult) S // what stands for a shard's sum in the top tree
}

var plainKind = kind[merkle.Plain]{shard.Plain, func(s ShardResult) merkle.Plain { return s.Sum }}

// shardsAbove is the kind of the top tree over shards whose sums hide.
var shardsAbove = kind[confidential.Point]{
	shard.Kind[confidential.Point]{Tree: merkle.KindConfidential}, func(s ShardResult) confidential.Point { return *s.Total },
}

// hidingKind is the kind whose sums hide, under parameters of the registry's assets.
func hidingKind(p *confidential.Parameters) kind[confidential.Point] {
	k, blocks := shardsAbove, p.Blocks()
	k.Decode = func(b []byte, _ int) (point confidential.Point, rest []byte, err error) {
		n := min(len(b), confidential.PointSize)
		point, err = confidential.ParsePoint(b[:n])
		return point, b[n:], err
	}
	k.Top = func(rows []shard.Row[confidential.Point]) (merkle.Node[confidential.Point], error) {
		return blocks.Top(leavesOf(rows)), nil
	}
	k.Pairs = blocks.Pairs
	k.Opens = func(rows []shard.Row[confidential.Point]) error {
		balances := make([]merkle.Plain, len(rows))
		for i := range rows {
			balances[i] = rows[i].Opening.Balances
		}
		return blocks.Open(leavesOf(rows), balances)
	}
	return k
}

func leavesOf(rows []shard.Row[confidential.Point]) []confidential.Leaf {
	leaves := make([]confidential.Leaf, len(rows))
	for i, r := range rows {
		leaves[i] = confidential.Leaf{Identity: r.Identity, Sum: r.Sum, Blinding: r.Opening.Blinding}
	}
	return leaves
}

// inUse are the parameters that something in this process holds, by their assets.
var inUse = struct {
	sync.Mutex
	of map[string]weak.Pointer[confidential.Parameters]
}{of: map[string]weak.Pointer[confidential.Parameters]{}}

// parametersOf returns the parameters of the registry's asset ids. All who hold those of one list share them, since they take 34 MB and more.
func parametersOf(assets []string) (*confidential.Parameters, error) {
	inUse.Lock()
	defer inUse.Unlock()
	name := strings.Join(assets, "\n")
	if p := inUse.of[name].Value(); p != nil {
		return p, nil
	}
	p, err := confidential.NewParameters(assets)
	if err == nil {
		inUse.of[name] = weak.Make(p)
	}
	return p, err
}

// topTree builds the top tree over shards (SPEC part 6).
func topTree[S merkle.Sum[S]](k kind[S], shards []ShardResult) (*merkle.Tree[S], error) {
	leaves := make([]merkle.Node[S], len(shards))
	for i, s := range shards {
		leaves[i] = merkle.Leaf(merkle.Top, s.Root, k.above(s))
	}
	return merkle.NewTree(merkle.Top, k.Tree, leaves)
}
