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
	Sum    Sum
}

// ShardList is `liabilities/shards.json` (SPEC part 6), with the sums still named by asset id.
type ShardList struct {
	Snapshot Hash
	shards   []namedShard
}

type namedShard struct {
	leaves uint64
	root   Hash
	sum    []Balance
}

// ParseShards reads a shard list. Errors are *canon.FormatError or *canon.VersionError.
func ParseShards(raw []byte) (*ShardList, error) {
	if len(raw) > maxShardList {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxShardList)}
	}
	l := new(ShardList)
	err := canon.DecodeTyped(raw, "type", ShardsType, func(r *canon.Reader) {
		r.Object(
			canon.Key("kind", func() { r.Fixed(KindPlain) }),
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
						canon.Key("sum", func() { s.sum = readBalances(r) }),
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

// Check is the check `liabilities.root` (SPEC part 6): the top tree over the shards gives the statement's root and liabilities,
// and the counts add up. It returns the shards, for the check of their leaves.
func (l *ShardList) Check(c Commitment) ([]Shard, error) {
	if l.Snapshot != c.Snapshot {
		return nil, fmt.Errorf("the shard list is of snapshot %s, the statement's is %s", l.Snapshot, c.Snapshot)
	}
	if got := uint64(len(l.shards)); got != c.Shards {
		return nil, fmt.Errorf("the shard list has %d shards, the statement %d", got, c.Shards)
	}
	places := newRegistry(c.Assets)
	shards := make([]Shard, len(l.shards))
	top, leaves := stack{level: topLevel}, uint64(0)
	for i, s := range l.shards {
		sum, err := places.sum(s.sum)
		if err != nil {
			return nil, fmt.Errorf("shard #%d: %w", i, err)
		}
		if err := top.add(s.root, sum); err != nil {
			return nil, err
		}
		shards[i] = Shard{s.leaves, s.root, sum}
		leaves += s.leaves
	}
	root, err := top.root()
	if err != nil {
		return nil, err
	}
	if err := c.matches(root); err != nil {
		return nil, err
	}
	if leaves != c.Leaves {
		return nil, fmt.Errorf("the shards have %d leaves together, the statement says %d", leaves, c.Leaves)
	}
	return shards, nil
}
