package claim

import (
	"fmt"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

const maxApprovers = 30 // SPEC part 23

// Approvals says who may approve the statement, and how many of them must (SPEC part 23). Without keys it is unattended.
type Approvals struct {
	Keys     []Key
	Required uint64
}

func readApprovals(r *canon.Reader) (a Approvals) {
	r.Object(
		canon.Key("keys", func() {
			var last string
			r.Array(maxApprovers, func(i int) {
				k := canon.Parse(r, parseKey)
				ascending(r, i, &last, k.Text)
				a.Keys = append(a.Keys, k)
			})
		}),
		canon.Key("required", func() { a.Required = r.Number(canon.MaxInteger) }),
	)
	return a
}

// Approved is what the signatures of approvers come to. Counted is how many of those who approved count by the policy: those with a
// key of its own, if it has any.
type Approved struct {
	By      []Key
	Counted int
}

// CheckApprovals is the check `statement.approvals` (SPEC part 23) of one envelope of this statement. Requires that the exchange's
// signatures verified. notAfter is as in [Policy.CheckLimits], of the envelope.
func (s *Statement) CheckApprovals(e *Envelope, p *Policy, notAfter time.Time) (Approved, error) {
	var out Approved
	named := s.Approvals
	if named.Required > uint64(len(named.Keys)) || (named.Required == 0) != (len(named.Keys) == 0) {
		return out, fmt.Errorf("approvals: %d of %d keys are required, want at least one of them, or neither keys nor approvals", named.Required, len(named.Keys))
	}
	for _, k := range named.Keys {
		if _, twofold := keyOf(p.Keys, k.ID); twofold {
			return out, fmt.Errorf("approvals: key %s is the exchange's own, which approves nothing", k.ID)
		}
	}
	message := e.signed()
	lapsed := "" // why a signature that verifies does not count
	for i, sig := range e.Signatures {
		if _, own := keyOf(p.Keys, sig.KeyID); own {
			continue
		}
		key, known := keyOf(named.Keys, sig.KeyID)
		if !known {
			return out, fmt.Errorf("signature %d is by key %s, which is neither the exchange's nor one of those who may approve", i, sig.KeyID)
		}
		if !key.verifies(message, sig.Sig) {
			return out, fmt.Errorf("signature %d, by the approver's key %s, does not verify", i, sig.KeyID)
		}
		if p.audits(key) {
			lapsed += fmt.Sprintf("; key %s is an auditor's by the policy, and approves nothing", key.ID)
			continue
		}
		out.By = append(out.By, key)
		if p.Approvals == nil {
			continue
		}
		if _, trusted := keyOf(p.Approvals.Keys, key.ID); trusted {
			if err := p.CheckLimits(key, s.Issued, notAfter); err != nil {
				lapsed += "; " + err.Error()
				continue
			}
			out.Counted++
		}
	}
	if uint64(len(out.By)) < named.Required {
		return out, fmt.Errorf("%d approved, the statement asks for %d of %d%s", len(out.By), named.Required, len(named.Keys), lapsed)
	}
	if p.Approvals != nil && out.Counted < p.Approvals.Required {
		return out, fmt.Errorf("%d approved with a key that the policy believes, it asks for %d%s", out.Counted, p.Approvals.Required, lapsed)
	}
	return out, nil
}
