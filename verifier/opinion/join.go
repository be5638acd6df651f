package opinion

import (
	"fmt"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/tree"
)

// CommitmentOf hands the tree's checks what the statement says (SPEC part 9).
func CommitmentOf(s *claim.Statement) (tree.Commitment, error) {
	c := tree.Commitment{
		Kind: s.Snapshot.Kind, Snapshot: tree.Hash(s.Snapshot.ID), Statement: tree.Hash(s.Digest), Assets: s.Snapshot.Columns(),
		Root: tree.Hash(s.Tree.Root), Leaves: s.Tree.Leaves, Shards: s.Tree.Shards,
	}
	if m := s.Snapshot.Margin; m != nil {
		c.Margin = m.Factors
	}
	if c.Kind == tree.KindConfidential {
		return c, nil
	}
	for i, units := range s.Liabilities {
		if units.Sign() == 0 {
			continue
		}
		amount, err := tree.ParseAmount(units.String())
		if err != nil {
			return c, fmt.Errorf("liabilities of %s: %w", c.Assets[i], err)
		}
		c.Totals = append(c.Totals, tree.Entry{Asset: uint16(i), Amount: amount}) //nolint:gosec // at most 1,024 assets
	}
	return c, nil
}

// SurplusOf reads the row that makes up what is not owed, nil where totals are open (SPEC part 29, "Hidden totals"). Errors are
// *canon.FormatError.
func SurplusOf(s *claim.Statement) (*tree.Point, error) {
	if !s.Hidden() {
		return nil, nil
	}
	p, err := tree.ParsePoint(s.Tree.Surplus[:])
	if err != nil {
		return nil, &canon.FormatError{Field: "predicate.tree.surplus", Problem: err.Error()}
	}
	return &p, nil
}

// Climb goes from a customer to the statement's root, by the kind of the tree (SPEC parts 8 and 29); of a confidential one it gives the shard's root.
// Requires that the proof's CheckStatement passed.
func Climb(proof *tree.Proof, c tree.Commitment, customer string) (shard tree.Hash, err error) {
	if c.Kind != tree.KindConfidential {
		err = proof.CheckRoot(c, customer)
	} else {
		var row tree.Point
		if row, err = rowOf(proof); err == nil {
			shard, err = proof.CheckRow(c, customer, row)
		}
	}
	if err != nil {
		return shard, fmt.Errorf("%w. Either the customer id is not the one that the exchange used, or the proof is not true", err)
	}
	return shard, nil
}

// rowOf is the commitment to what a proof says that its customer is owed.
func rowOf(proof *tree.Proof) (tree.Point, error) {
	balances := make([]confidential.Balance, len(proof.Balances))
	for i, b := range proof.Balances {
		balances[i] = confidential.Balance{Asset: b.Asset, Amount: b.Amount.Bytes()}
	}
	return confidential.Row(balances, proof.Blinding)
}

// VouchedBy names an auditor of the policy who found that every shard was recomputed, empty if none of the findings is one that the policy
// takes (SPEC parts 27 and 29). Every finding given must be about this statement.
func VouchedBy(s *claim.Statement, policy *claim.Policy, findings [][]byte) (auditor string, err error) {
	for n, raw := range findings {
		f, err := claim.ParseFinding(raw)
		if err != nil {
			return "", fmt.Errorf("finding #%d: %w", n, err)
		}
		believed, err := s.CheckFinding(f, policy)
		if err != nil {
			return "", fmt.Errorf("finding #%d: %w", n, err)
		}
		if believed && f.Passed("liabilities.full") && (policy.Finding || !policy.Recompute) {
			auditor = f.Auditor
		}
	}
	return auditor, nil
}
