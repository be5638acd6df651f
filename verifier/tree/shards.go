package tree

import "fmt"

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

// ParseShards reads a shard list. Errors are *FormatError or *VersionError.
func ParseShards(raw []byte) (*ShardList, error) {
	if len(raw) > maxShardList {
		return nil, &FormatError{"", fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxShardList)}
	}
	l := new(ShardList)
	err := decode(raw, ShardsType, func(r *reader) {
		r.object(
			must("kind", func() { r.fixed(KindPlain) }),
			must("shards", func() {
				r.array(maxShards, func(int) {
					var s namedShard
					r.object(
						must("leaves", func() {
							if s.leaves = r.number(maxLeaves); r.err == nil && s.leaves == 0 {
								r.fail("a shard without leaves")
							}
						}),
						must("root", func() { s.root = r.hash() }),
						must("sum", func() { s.sum = r.balances() }),
					)
					l.shards = append(l.shards, s)
				})
			}),
			must("snapshot", func() { l.Snapshot = r.hash() }),
			must("type", func() { r.fixed(ShardsType) }),
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
