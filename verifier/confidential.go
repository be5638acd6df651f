package verifier

import (
	"fmt"
	"io"
	"math/big"
	"runtime"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"

	"github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/opinion"
	"github.com/assay-por/assay/verifier/tree"
)

// ShardFiles are what is published of one shard of a confidential tree (SPEC part 29).
type ShardFiles struct {
	Leaves func() (io.ReadCloser, error) // opened twice
	Proof  []byte
}

// TopFiles are what is published of its top: the shard list and the proof over the total rows (SPEC part 29).
type TopFiles struct{ List, Proof []byte }

// makeColumns makes the generators of the statement's columns once.
func (r *run) makeColumns() (err error) {
	if r.columns == nil {
		r.columns, err = confidential.New(r.statement.Snapshot.Columns())
	}
	return err
}

// checkTotals is the check `liabilities.totals` (SPEC part 29).
func (b *bundleRun) checkTotals() (string, error) {
	raw, err := b.load(topProofPath)
	if err != nil {
		return "", err
	}
	if err := b.makeColumns(); err != nil {
		return "", err
	}
	return b.checkTop(b.shards, raw)
}

// checkTop checks that the total rows of all shards open to the statement's liabilities, with the surplus where totals are hidden.
func (r *run) checkTop(shards []tree.Shard, proof []byte) (string, error) {
	s := r.statement
	top := confidential.Claim{
		Level: confidential.Top, Snapshot: tree.Hash(s.Snapshot.ID), Rows: uint64(len(shards)), Root: tree.Hash(s.Tree.Root),
		Sum: tree.SumTotals(shards), Totals: s.Totals(), Surplus: r.surplus,
	}
	rows := make([]grumpkin.G1Affine, len(shards))
	for i, shard := range shards {
		rows[i] = shard.Total.Affine()
	}
	err := r.columns.Check(top, proof, func(take func([]grumpkin.G1Affine) error) error { return take(rows) }, runtime.GOMAXPROCS(0))
	detail := fmt.Sprintf("the total rows of %d shards are not negative, and add up to the liabilities", len(shards))
	if s.Hidden() {
		detail = fmt.Sprintf("the total rows of %d shards and what is left over are not negative, and add up to what is stated: of no asset is more owed", len(shards))
	}
	return detail, in(topProofPath, err)
}

func (b *bundleRun) recomputeConfidential(c tree.Commitment, shard uint64, seen *tree.Identities, threads int) error {
	proof, err := b.load(shardProofPath(shard))
	if err != nil {
		return err
	}
	files := ShardFiles{func() (io.ReadCloser, error) { return b.files.open(leavesPath(shard)) }, proof}
	return files.check(b.columns, c, shard, b.shards[shard], seen, threads)
}

// check is the check `liabilities.full` for one shard: its tree from its leaves, and its proof over them.
func (f *ShardFiles) check(p *confidential.Parameters, c tree.Commitment, index uint64, want tree.Shard, seen *tree.Identities, threads int) error {
	leaves := leavesPath(index)
	var rows tree.Rows
	err := f.read(func(file io.Reader) (err error) {
		rows, err = c.CheckRows(file, int(index), want, seen) //nolint:gosec // at most 2^20 shards
		return err
	})
	if err != nil {
		return in(leaves, err)
	}
	shard := confidential.Claim{
		Level: confidential.Shard, Snapshot: c.Snapshot, Index: uint32(index), //nolint:gosec // at most 2^20 shards
		Rows: want.Leaves, Root: want.Root, Sum: rows.Sum, Total: want.Total,
	}
	if c.Margin != nil {
		shard.Relations = [][]*big.Int{c.Margin}
	}
	var unread error // what is wrong with the leaves, not the proof
	err = p.Check(shard, f.Proof, func(take func([]grumpkin.G1Affine) error) error {
		unread = f.read(func(file io.Reader) error { return c.ReadRows(file, int(index), want, rows, take) }) //nolint:gosec // at most 2^20 shards
		return unread
	}, threads)
	if unread != nil {
		return in(leaves, unread)
	}
	return in(shardProofPath(index), err)
}

func (f *ShardFiles) read(read func(io.Reader) error) error {
	file, err := f.Leaves()
	if err != nil {
		return &unreadable{cause(err)}
	}
	defer file.Close()
	return read(file)
}

// checkCounted is the check `proof.counted` (SPEC part 29): that a row is committed to does not show that it is counted. Who checked the
// shard's proof is always named.
func (r *run) checkCounted(proof *tree.Proof, c tree.Commitment, root tree.Hash, input ProofInput) (by string) {
	r.check("proof.counted", []string{"proof.root"}, func() (string, error) {
		if input.Shard != nil {
			if err := r.makeColumns(); err != nil {
				return "", err
			}
			want := tree.Shard{Leaves: proof.Shard.Leaves, Root: root, Total: proof.Total}
			seen := tree.NewIdentities(nil)
			if err := input.Shard.check(r.columns, c, proof.Shard.Index, want, seen, runtime.GOMAXPROCS(0)); err != nil {
				return "", err
			}
			if err := once(seen); err != nil {
				return "", err
			}
			by = byThisProgram
			return fmt.Sprintf("this program checked the proof of shard #%d over its %d rows", proof.Shard.Index, want.Leaves), nil
		}
		auditor, err := opinion.VouchedBy(r.statement, r.policy, input.Findings)
		if err != nil {
			return "", err
		}
		if auditor == "" {
			return "", &notRun{fmt.Sprintf("nobody checked the proof of shard #%d here: the row is committed to, and that it is counted is the exchange's word. "+
				"Give the shard's published files, %s and %s, or the finding of an auditor whom the policy believes",
				proof.Shard.Index, leavesPath(proof.Shard.Index), shardProofPath(proof.Shard.Index))}
		}
		by = "the auditor " + auditor
		return fmt.Sprintf("%s found that every shard's proof holds", by), nil
	})
	last := &r.verdict.Checks[len(r.verdict.Checks)-1]
	if last.Result == Skipped && r.passed["proof.root"] && !r.policy.Recompute {
		last.Required = false
		r.note("nobody checked the proof of this customer's shard here: that the row is counted is the exchange's word")
	}
	return by
}

// checkTopOf checks the totals for a customer who has the top's files.
func (r *run) checkTopOf(c tree.Commitment, files *TopFiles) {
	var shards []tree.Shard
	r.check("liabilities.root", []string{"proof.statement"}, func() (string, error) {
		list, err := tree.ParseShards(files.List)
		if err == nil {
			shards, err = list.Check(c)
		}
		return fmt.Sprintf("%d leaves in %d shards give root %s", c.Leaves, c.Shards, c.Root), in(shardsPath, err)
	})
	r.check("liabilities.totals", []string{"liabilities.root"}, func() (string, error) {
		if err := r.makeColumns(); err != nil {
			return "", err
		}
		return r.checkTop(shards, files.Proof)
	})
}
