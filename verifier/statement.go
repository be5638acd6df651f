package verifier

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/opinion"
)

// Approvals says who approved the statement (SPEC part 23).
type Approvals struct {
	Required uint64   `json:"required"` // by the statement
	Of       int      `json:"of"`       // so many may approve
	By       []string `json:"by"`       // ids of the keys that did
	Believed int      `json:"believed"` // so many of them are keys of the policy
}

// verifyEnvelope is the check `statement.signature` of one envelope (SPEC part 10); of several all have one payload.
func (r *run) verifyEnvelope(raw []byte) (detail string, err error) {
	opened, err := opinion.Open(raw, r.policy, r.notAfter)
	if err != nil {
		return "", err
	}
	if len(r.envelopes) > 0 && string(r.envelopes[0].Payload) != string(opened.Payload) {
		return "", errors.New("the statement in the proof and the one beside it are not the same")
	}
	r.statement, r.unread, r.verdict.Signers = opened.Statement, opened.Unread, opened.Signers
	r.envelopes = append(r.envelopes, opened)
	return "by key " + strings.Join(opened.Signers, ", "), nil
}

// checkStatement makes the checks of the signed payload: `statement.*` and `snapshot` (SPEC part 9).
func (r *run) checkStatement() {
	r.check("statement.format", []string{"statement.signature"}, func() (string, error) {
		if r.unread != nil {
			return "", in("statement", r.unread)
		}
		var err error
		if r.surplus, err = opinion.SurplusOf(r.statement); err != nil {
			return "", in("statement", err)
		}
		r.verdict.Statement, r.verdict.NotAfter = describe(r.statement), r.bound()
		r.verdict.Margin = describeMargin(r.statement)
		return "statement " + r.statement.Digest.String(), nil
	})
	if !r.passed["statement.format"] {
		r.statement = nil
	}
	s, format := r.statement, []string{"statement.format"}
	r.check("statement.exchange", format, func() (string, error) {
		return s.Snapshot.Exchange.Name, s.CheckExchange(r.policy)
	})
	r.check("snapshot", format, func() (string, error) {
		if err := s.Snapshot.Check(r.policy.Window); err != nil {
			return "", err
		}
		drawn, err := r.checkDraw(s)
		return fmt.Sprintf("%s, %d assets on %d chains%s", r.verdict.Statement.Instant, len(s.Snapshot.Assets), len(s.Snapshot.Blocks), drawn), err
	})
	r.check("statement.approvals", format, r.checkApprovals)
	r.check("statement.series", format, func() (string, error) {
		return fmt.Sprintf("number %d of the series %s", s.Series.Number, s.Series.Name), s.Series.Check()
	})
	r.check("statement.moment", format, r.checkMoment)
}

// bound gives the earliest time at which the statement was there in one of its envelopes, nil if nothing shows it.
func (r *run) bound() *Bound {
	var digests []claim.Hash
	for _, envelope := range r.envelopes {
		digests = append(digests, envelope.Digest)
	}
	found := r.earliest(digests...)
	if found.at.IsZero() {
		return nil
	}
	whole := found.at.Add(time.Second - 1).Truncate(time.Second) // never earlier than shown
	return &Bound{whole.Format(timeForm), found.by, true}
}

// checkApprovals is the check `statement.approvals` (SPEC part 23), of every envelope given.
func (r *run) checkApprovals() (string, error) {
	var approved claim.Approved
	for _, envelope := range r.envelopes {
		var err error
		if approved, err = r.statement.CheckApprovals(envelope.Envelope, r.policy, r.notAfter(envelope.Digest)); err != nil {
			return "", err
		}
	}
	named := r.statement.Approvals
	shown := &Approvals{Required: named.Required, Of: len(named.Keys), By: []string{}, Believed: approved.Counted}
	for _, key := range approved.By {
		shown.By = append(shown.By, key.ID)
	}
	r.verdict.Approvals = shown
	if len(named.Keys) == 0 {
		r.note("the statement is unattended: nobody approved it before the exchange's key signed")
		return "nobody approved: the statement is unattended", nil
	}
	detail := fmt.Sprintf("%d of %d approved, %d had to", len(shown.By), shown.Of, shown.Required)
	if r.policy.Approvals == nil {
		r.note("who may approve is the exchange's word: the policy has no [approvals]")
		return detail, nil
	}
	return fmt.Sprintf("%s; the policy believes %d of them and asks for %d", detail, shown.Believed, r.policy.Approvals.Required), nil
}

// checkMoment is the check `statement.moment` (SPEC part 26).
func (r *run) checkMoment() (string, error) {
	m := r.statement.Moment
	unanchored, err := r.statement.CheckMoment(r.policy)
	if err != nil {
		return "", err
	}
	var told []string
	for _, b := range m.Blocks {
		by, at := fmt.Sprintf("block %d of %s", b.Number, b.Chain), b.Time.Format(timeForm)
		told = append(told, by+", of "+at)
		r.verdict.NotBefore = append(r.verdict.NotBefore, Bound{at, by, !slices.Contains(unanchored, b)})
	}
	if c := m.Checkpoint; c != nil {
		if p := r.place; p != nil && p.checkpoint.Origin == c.Origin && c.Size > p.index {
			return "", fmt.Errorf("moment: the log %s had %d entries when the statement was drawn up, which stands in it as entry %d: it was there before", c.Origin, c.Size, p.index)
		}
		by := fmt.Sprintf("the log %s with %d entries", c.Origin, c.Size)
		told = append(told, by)
		r.verdict.NotBefore = append(r.verdict.NotBefore, Bound{By: by})
	}
	if len(told) == 0 {
		return "it names nothing that would date it", nil
	}
	for _, b := range unanchored {
		r.note("no anchor of the policy confirms block %d of %s, which the statement names to show that it was not made earlier: that is the exchange's word", b.Number, b.Chain)
	}
	return "made when these were there: " + strings.Join(told, "; "), nil
}

// checkDraw is what the check `snapshot` asks of a drawn instant (SPEC part 21).
func (r *run) checkDraw(s *claim.Statement) (string, error) {
	anchored, err := s.Snapshot.CheckDraw(r.policy)
	if err != nil || s.Snapshot.Draw == nil {
		return "", err
	}
	d := s.Snapshot.Draw
	if !anchored {
		r.note("the instant was drawn with block %d of %s, which no anchor of the policy confirms: that it is the chain's is the exchange's word", d.Number, d.Chain)
	}
	r.note("the instant was drawn under the commitment %s: that it was published before block %d of %s is not shown here; compare it with the one you kept", d.Commitment, d.Number, d.Chain)
	return ", the instant drawn", nil
}

const timeForm = "2006-01-02T15:04:05Z"

func describe(s *claim.Statement) *Statement {
	d := &Statement{
		Digest: s.Digest.String(), Exchange: s.Snapshot.Exchange.Name, Entity: s.Snapshot.Exchange.Entity,
		Period: s.Snapshot.Period, Instant: s.Snapshot.Instant.Format(timeForm), Issued: s.Issued.Format(timeForm),
		Series: s.Series.Name, Number: s.Series.Number, Reason: s.Series.Reason,
		Snapshot: s.Snapshot.ID.String(), Root: s.Tree.Root.String(), Leaves: s.Tree.Leaves, Shards: s.Tree.Shards,
		HiddenTotals: s.Hidden(), Included: s.Scope.Included, Excluded: s.Scope.Excluded, Encumbrances: s.Scope.Encumbrances, Tool: s.Tool,
	}
	if s.Series.Follows {
		d.Previous = s.Series.Previous.String()
	}
	if s.Series.Reason != "" {
		d.Supersedes = s.Series.Supersedes.String()
	}
	return d
}
