package opinion

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/claim"
)

// checkSignature is the check `statement.signature` (SPEC part 10) of the envelope in the proof, of that beside it, or of both: then both must be
// one. The place in a log is read before, since a revoked key's signature rests on when witnesses saw it.
func (r *run) checkSignature() (detail string, err error) {
	r.readLog()
	own, beside := r.proof.Envelope, r.input.Statement
	if own == nil && beside == nil {
		return "", &unreadable{"the proof does not hold the signed statement, and none was given beside it"}
	}
	if own != nil {
		if detail, err = r.verify(own); err != nil {
			return "", in("proof: envelope", err)
		}
	}
	if beside != nil {
		if detail, err = r.verify(beside); err != nil {
			return "", in("statement", err)
		}
	}
	return detail, nil
}

func (r *run) verify(raw []byte) (string, error) {
	opened, err := Open(raw, r.policy, r.notAfter)
	if err != nil {
		return "", err
	}
	if len(r.envelopes) > 0 && string(r.envelopes[0].Payload) != string(opened.Payload) {
		return "", errors.New("the statement in the proof and the one beside it are not the same")
	}
	r.statement, r.unread = opened.Statement, opened.Unread
	r.envelopes = append(r.envelopes, opened)
	return "by key " + strings.Join(opened.Signers, ", "), nil
}

// notAfter is when bytes were there, as witnesses of the log saw, zero if nothing shows it.
func (r *run) notAfter(digest claim.Hash) (at time.Time) {
	if p := r.place; p != nil && slices.Contains([]claim.Hash{p.digest, p.entry.Envelope}, digest) {
		at = p.checkpoint.Witnessed
	}
	return at
}

// checkStatement makes the checks of the signed payload (SPEC parts 9, 23, 24 and 26).
func (r *run) checkStatement() {
	r.check("statement.format", []string{"statement.signature"}, func() (string, error) {
		if r.unread != nil {
			return "", in("statement", r.unread)
		}
		if _, err := SurplusOf(r.statement); err != nil {
			return "", in("statement", err)
		}
		return "statement " + r.statement.Digest.String(), nil
	})
	if !r.passed["statement.format"] {
		r.statement = nil
	}
	s, format := r.statement, []string{"statement.format"}
	r.check("statement.exchange", format, func() (string, error) { return s.Snapshot.Exchange.Name, s.CheckExchange(r.policy) })
	r.check("snapshot", format, func() (string, error) {
		if err := s.Snapshot.Check(r.policy.Window); err != nil {
			return "", err
		}
		_, err := s.Snapshot.CheckDraw(r.policy)
		return fmt.Sprintf("%d assets on %d chains", len(s.Snapshot.Assets), len(s.Snapshot.Blocks)), err
	})
	r.check("statement.approvals", format, r.checkApprovals)
	r.check("statement.series", format, func() (string, error) {
		return fmt.Sprintf("number %d of the series %s", s.Series.Number, s.Series.Name), s.Series.Check()
	})
	r.check("statement.moment", format, func() (string, error) {
		if _, err := s.CheckMoment(r.policy); err != nil {
			return "", err
		}
		if c, p := s.Moment.Checkpoint, r.place; c != nil && p != nil && p.checkpoint.Origin == c.Origin && c.Size > p.index {
			return "", fmt.Errorf("moment: the log %s had %d entries when the statement was drawn up, which stands in it as entry %d: it was there before", c.Origin, c.Size, p.index)
		}
		return "what it names was there before it", nil
	})
}

func (r *run) checkApprovals() (string, error) {
	var approved claim.Approved
	for _, envelope := range r.envelopes {
		var err error
		if approved, err = r.statement.CheckApprovals(envelope.Envelope, r.policy, r.notAfter(envelope.Digest)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d of %d approved, %d had to", len(approved.By), len(r.statement.Approvals.Keys), r.statement.Approvals.Required), nil
}
