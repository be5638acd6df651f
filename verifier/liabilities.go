package verifier

import (
	"fmt"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tree"
)

// commitment hands the tree's checks what the statement says (SPEC part 9).
func commitment(s *claim.Statement) (tree.Commitment, error) {
	c := tree.Commitment{
		Snapshot: tree.Hash(s.Snapshot.ID), Statement: tree.Hash(s.Digest), Assets: s.Snapshot.IDs(),
		Root: tree.Hash(s.Tree.Root), Leaves: s.Tree.Leaves, Shards: s.Tree.Shards,
	}
	for i, units := range s.Liabilities {
		if units.Sign() == 0 {
			continue
		}
		amount, err := tree.ParseAmount(units.String())
		if err != nil {
			return c, fmt.Errorf("liabilities of %s: %w", s.Snapshot.Assets[i].ID, err)
		}
		c.Totals = append(c.Totals, tree.Entry{Asset: uint16(i), Amount: amount}) //nolint:gosec // at most 1,024 assets
	}
	return c, nil
}

// checkRoot is the check `liabilities.root` (SPEC part 6).
func (b *bundleRun) checkRoot() (string, error) {
	raw, err := b.load(shardsPath)
	if err != nil {
		return "", err
	}
	list, err := tree.ParseShards(raw)
	if err != nil {
		return "", in(shardsPath, err)
	}
	c, err := commitment(b.statement)
	if err != nil {
		return "", err
	}
	if b.shards, err = list.Check(c); err != nil {
		return "", in(shardsPath, err)
	}
	return fmt.Sprintf("%d leaves in %d shards give root %s", c.Leaves, c.Shards, c.Root), nil
}

// checkFull is the check `liabilities.full` (SPEC part 6): shards that are present are recomputed; whether all must be is the
// policy's word, or the caller's. A part of the shards never passes for the whole; an auditor's finding stands for absent ones where the
// policy lets it (SPEC part 27).
func (b *bundleRun) checkFull() {
	vouched := b.policy.Finding && b.vouched
	wanted := b.policy.Recompute && !vouched || b.options.Full
	var done, absent uint64
	b.check("liabilities.full", []string{"liabilities.root"}, func() (string, error) {
		c, err := commitment(b.statement)
		if err != nil {
			return "", err
		}
		seen := tree.NewIdentities()
		for i := range b.statement.Tree.Shards {
			path := leavesPath(i)
			l, present := b.files.byPath[path]
			if !present {
				absent++
				continue
			}
			if !b.sound[path] {
				return "", &notRun{path + " did not pass bundle.files"}
			}
			if err := b.recompute(c, l, int(i), seen); err != nil { //nolint:gosec // at most 2^20 shards
				return "", in(path, err)
			}
			done++
		}
		if absent == 0 {
			return fmt.Sprintf("%d leaves, each counted once", c.Leaves), nil
		}
		missing := fmt.Sprintf("%d of %d shards have no leaves in this bundle", absent, done+absent)
		if wanted {
			return "", &unreadable{missing + ", and the policy (or --full) wants every shard recomputed"}
		}
		reason := "the policy does not ask for them"
		if vouched && b.policy.Recompute {
			reason = "the policy takes an auditor's finding for them"
		}
		return "", &notRun{fmt.Sprintf("%s, and %s; %d shards were recomputed and agree", missing, reason, done)}
	})
	last := &b.verdict.Checks[len(b.verdict.Checks)-1]
	if last.Result == Skipped && b.passed["liabilities.root"] && absent > 0 && !wanted && done+absent == b.statement.Tree.Shards {
		last.Required = false
		b.verdict.NotRecomputed = fmt.Sprintf("%d of %d shards", absent, done+absent)
		if vouched {
			b.note("%s were not recomputed from their leaves here: that they were is the word of an auditor whom the policy believes", b.verdict.NotRecomputed)
			return
		}
		b.note("%s were not recomputed from their leaves: that their sums are sums of customers is the exchange's word", b.verdict.NotRecomputed)
	}
}

func (b *bundleRun) recompute(c tree.Commitment, l listed, shard int, seen *tree.Identities) error {
	file, err := b.files.open(l.path)
	if err != nil {
		return &unreadable{cause(err)}
	}
	defer file.Close()
	return c.CheckLeaves(file, shard, b.shards[shard], seen)
}
