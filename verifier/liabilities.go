package verifier

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/opinion"
	"github.com/assay-por/assay/verifier/tree"
)

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
	c, err := opinion.CommitmentOf(b.statement)
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
	b.check("liabilities.full", b.withMargin("liabilities.root"), func() (string, error) {
		c, err := opinion.CommitmentOf(b.statement)
		if err != nil {
			return "", err
		}
		present, err := b.present()
		if err != nil {
			return "", err
		}
		if err := b.recompute(c, present); err != nil {
			return "", err
		}
		done = uint64(len(present))
		absent = b.statement.Tree.Shards - done
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
		word := "that their sums are sums of customers"
		if b.statement.Snapshot.Margin != nil {
			word += ", and each customer's collateral is worth their debts,"
		}
		b.note("%s were not recomputed from their leaves: %s is the exchange's word", b.verdict.NotRecomputed, word)
	}
}

// present lists the shards whose files are here. Of a confidential one leaves and proof are both here or neither.
func (b *bundleRun) present() (shards []uint64, err error) {
	for i := range b.statement.Tree.Shards {
		files := []string{leavesPath(i)}
		if b.statement.Snapshot.Kind == claim.KindConfidential {
			files = append(files, shardProofPath(i))
		}
		here := slices.DeleteFunc(slices.Clone(files), func(path string) bool { _, ok := b.files.byPath[path]; return !ok })
		for _, path := range here {
			if !b.sound[path] {
				return nil, &notRun{path + " did not pass bundle.files"}
			}
		}
		switch len(here) {
		case 0:
		case len(files):
			shards = append(shards, i)
		default:
			return nil, &unreadable{fmt.Sprintf("of shard #%d only %s is here: its leaves and its proof are both there or neither", i, here[0])}
		}
	}
	return shards, nil
}

// recompute checks the leaves of these shards, of a confidential tree with their proofs, as many shards at a time as there are cores. The
// error is of the first shard that fails, or of an identity that is in the tree twice.
func (b *bundleRun) recompute(c tree.Commitment, present []uint64) error {
	one, workers := b.recomputePlain, runtime.GOMAXPROCS(0)
	if c.Kind == tree.KindConfidential {
		if err := b.makeColumns(); err != nil {
			return err
		}
		one = b.recomputeConfidential
	}
	seen, failures := tree.NewIdentities(b.options.Scratch), make([]error, len(present))
	var failed atomic.Bool
	var lock sync.Mutex
	var group errgroup.Group
	group.SetLimit(workers)
	done := uint64(0)
	for n, shard := range present {
		if failed.Load() {
			break
		}
		group.Go(func() error {
			if failures[n] = one(c, shard, seen, max(1, workers/len(present))); failures[n] != nil {
				failed.Store(true)
			}
			lock.Lock()
			defer lock.Unlock()
			if done++; b.options.Progress != nil {
				b.options.Progress(done, uint64(len(present)))
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // failures has them, by shard
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return once(seen)
}

// once checks that no identity is in two leaves.
func once(seen *tree.Identities) error {
	err := seen.Check()
	var twice *tree.TwiceError
	if errors.As(err, &twice) {
		return in(leavesPath(twice.Shard), err)
	}
	return err
}

func (b *bundleRun) recomputePlain(c tree.Commitment, shard uint64, seen *tree.Identities, _ int) error {
	path := leavesPath(shard)
	file, err := b.files.open(path)
	if err != nil {
		return in(path, &unreadable{cause(err)})
	}
	defer file.Close()
	return in(path, c.CheckLeaves(file, int(shard), b.shards[shard], seen)) //nolint:gosec // at most 2^20 shards
}
