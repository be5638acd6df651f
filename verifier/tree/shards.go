package tree

import (
	"fmt"

	"github.com/assay-por/assay/verifier/canon"
)

// ShardsType is the type of a shard list (SPEC part 6).
const ShardsType = "assay/v1/shards"

// Shard is what the shard list says of one shard.
type Shard struct {
	Leaves uint64
	Root   Hash
	Sum    Sum   // of kind plain
	Total  Point // of kind confidential: the shard's total row (SPEC part 29)
}

// ShardList is `liabilities/shards.json` (SPEC part 6), with the sums still named by asset id.
type ShardList struct {
	Kind     string
	Snapshot Hash
	shards   []namedShard
}

type namedShard struct {
	leaves uint64
	root   Hash
	sum    []Balance
	total  Point
}

// ParseShards reads a shard list. Errors are *canon.FormatError or *canon.VersionError.
func ParseShards(raw []byte) (*ShardList, error) {
	if len(raw) > maxShardList {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxShardList)}
	}
	l := new(ShardList)
	err := canon.DecodeTyped(raw, "type", ShardsType, func(r *canon.Reader) {
		r.Object(
			canon.Key("kind", func() { l.Kind = canon.Parse(r, parseKind) }),
			canon.Key("shards", func() {
				r.Array(maxShards, func(int) {
					var s namedShard
					r.Object(
						canon.Key("leaves", func() {
							if s.leaves = r.Number(maxLeaves); s.leaves == 0 {
								r.Fail("a shard without leaves")
							}
						}),
						canon.Key("root", func() { s.root = r.Hash() }),
						l.total(r, &s),
					)
					l.shards = append(l.shards, s)
				})
			}),
			canon.Key("snapshot", func() { l.Snapshot = r.Hash() }),
			canon.Key("type", func() { r.Fixed(ShardsType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// total is the key that holds what a shard sums up to, by the list's kind.
func (l *ShardList) total(r *canon.Reader, s *namedShard) canon.Member {
	if l.Kind == KindConfidential {
		return canon.Key("total", func() { s.total = canon.Parse(r, parsePointHex) })
	}
	return canon.Key("sum", func() { s.sum = readBalances(r) })
}

// Check is the check `liabilities.root` (SPEC parts 6 and 29): the top tree over the shards gives the statement's root, and of kind plain
// its liabilities, and the counts add up. It returns the shards, for the check of their leaves.
func (l *ShardList) Check(c Commitment) ([]Shard, error) {
	if l.Snapshot != c.Snapshot {
		return nil, fmt.Errorf("the shard list is of snapshot %s, the statement's is %s", l.Snapshot, c.Snapshot)
	}
	if l.Kind != c.Kind {
		return nil, fmt.Errorf("the shard list is of kind %s, the statement's tree of kind %s", l.Kind, c.Kind)
	}
	if got := uint64(len(l.shards)); got != c.Shards {
		return nil, fmt.Errorf("the shard list has %d shards, the statement %d", got, c.Shards)
	}
	shards, err := l.climb(c)
	if err != nil {
		return nil, err
	}
	leaves := uint64(0)
	for _, s := range shards {
		leaves += s.Leaves
	}
	if leaves != c.Leaves {
		return nil, fmt.Errorf("the shards have %d leaves together, the statement says %d", leaves, c.Leaves)
	}
	return shards, nil
}

// climb recomputes the top tree and compares it with the statement.
func (l *ShardList) climb(c Commitment) ([]Shard, error) {
	if l.Kind == KindConfidential {
		return l.climbPoints(c)
	}
	places := newRegistry(c.Assets)
	shards := make([]Shard, len(l.shards))
	top := stack{level: topLevel}
	for i, s := range l.shards {
		sum, err := places.sum(s.sum)
		if err != nil {
			return nil, fmt.Errorf("shard #%d: %w", i, err)
		}
		if err := top.add(s.root, sum); err != nil {
			return nil, err
		}
		shards[i] = Shard{Leaves: s.leaves, Root: s.root, Sum: sum}
	}
	root, err := top.root()
	if err != nil {
		return nil, err
	}
	return shards, c.matches(root)
}

func (l *ShardList) climbPoints(c Commitment) ([]Shard, error) {
	shards := make([]Shard, len(l.shards))
	top := pointTree{level: topLevel}
	for i, s := range l.shards {
		shards[i] = Shard{Leaves: s.leaves, Root: s.root, Total: s.total}
		top.add(s.root, s.total)
	}
	root, err := top.root()
	if err != nil {
		return nil, err
	}
	if root.hash != c.Root {
		return nil, fmt.Errorf("the root comes out as %s, the statement has %s", root.hash, c.Root)
	}
	return shards, nil
}
