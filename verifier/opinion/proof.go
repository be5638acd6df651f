package opinion

import (
	"fmt"

	"github.com/assay-por/assay/verifier/tree"
)

func (r *run) checkFormat() (string, error) {
	var err error
	if r.proof, err = tree.ParseProof(r.input.Proof); err != nil {
		return "", in("proof", err)
	}
	s := r.proof.Shard
	return fmt.Sprintf("leaf #%d of %d in shard #%d of %d", s.Leaf, s.Leaves, s.Index, s.Count), nil
}

// checkMeant is the check `proof.statement` (SPEC part 8).
func (r *run) checkMeant() (string, error) {
	var err error
	if r.tree, err = CommitmentOf(r.statement); err != nil {
		return "", err
	}
	return "statement " + r.tree.Statement.String(), r.proof.CheckStatement(r.tree)
}

// checkMargin is the check `proof.margin` (SPEC part 30).
func (r *run) checkMargin() (string, error) {
	return "the net equity is collateral less debts", r.proof.CheckMargin(r.tree)
}

// checkRoot is the check `proof.root` (SPEC parts 8 and 29).
func (r *run) checkRoot() (string, error) {
	_, err := Climb(r.proof, r.tree, r.input.Customer)
	return "root " + r.tree.Root.String(), err
}

// checkCounted is the check `proof.counted` (SPEC part 29), by auditors' findings alone.
func (r *run) checkCounted() {
	if r.input.Elsewhere {
		r.Checks = append(r.Checks, Check{Name: "proof.counted", Result: Skipped, Detail: "the proof of the shard is not checked here"})
		return
	}
	r.check("proof.counted", []string{"proof.root"}, func() (string, error) {
		auditor, err := VouchedBy(r.statement, r.policy, r.input.Findings)
		if err == nil && auditor == "" {
			err = &notRun{fmt.Sprintf("nobody checked the proof of shard #%d here: the row is committed to, and that it is counted is the exchange's word", r.proof.Shard.Index)}
		}
		return "the auditor " + auditor + " found that every shard's proof holds", err
	})
	if last := &r.Checks[len(r.Checks)-1]; last.Result == Skipped && r.passed["proof.root"] {
		last.Required = r.policy.Recompute
	}
}
