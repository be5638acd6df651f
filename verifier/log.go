package verifier

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/watch"
)

// ReadPolicy reads a trust policy whole (SPEC part 16): what [claim.ParsePolicy] reads, the keys of logs and witnesses, and the certificates of
// time-stamping authorities. Errors are *canon.FormatError or *canon.VersionError.
func ReadPolicy(raw []byte) (*claim.Policy, error) {
	policy, err := claim.ParsePolicy(raw)
	if err != nil {
		return nil, err
	}
	if _, err := LogTrust(policy); err != nil {
		return nil, err
	}
	if _, err := authorities(policy); err != nil {
		return nil, err
	}
	return policy, nil
}

// LogTrust gives the logs and witnesses that a policy believes, nil if it has no [log] (SPEC parts 16 and 25). Errors are
// *canon.FormatError.
func LogTrust(policy *claim.Policy) (*tlog.Trust, error) {
	trust, err := watch.TrustOf(policy.Log)
	switch {
	case errors.Is(err, watch.ErrNoLog):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &trust, nil
}

// Log is a statement's place in a log (SPEC part 25).
type Log struct {
	Origin    string    `json:"origin"`
	Index     uint64    `json:"index"`
	Size      uint64    `json:"size"`
	Root      string    `json:"root"`
	Known     bool      `json:"known"` // the policy has this log; otherwise nothing below and nothing of the above is more than the exchange's word
	Witnesses []Witness `json:"witnesses"`
	Witnessed string    `json:"witnessed,omitempty"` // so many witnesses as the policy asks for saw the log then or before
}

// Witness is a witness of the policy and when it saw the log (SPEC part 25).
type Witness struct {
	Name string `json:"name"`
	Time string `json:"time"`
}

// A file is bytes and how errors speak of them.
type file struct {
	name string
	raw  []byte
}

// A place is where an entry stands in a log, as a proof shows (SPEC part 25).
type place struct {
	name       string // of the entry
	entry      *claim.Entry
	digest     claim.Hash // of the entry's bytes
	envelope   claim.Hash // of the statement's envelope that it must be about
	index      uint64
	checkpoint *tlog.Checkpoint
}

// readPlace makes the steps (2) and (3) of the check `log`, which need nothing of the statement (SPEC part 25). verify is how a trust
// checks a checkpoint.
func (r *run) readPlace(entry, proof file, envelope claim.Hash, verify func(tlog.Trust, []byte) (*tlog.Checkpoint, error)) (*place, error) {
	if r.untrusted != nil {
		return nil, in("the policy", r.untrusted)
	}
	e, err := claim.ParseEntry(entry.raw)
	if err != nil {
		return nil, in(entry.name, err)
	}
	p, err := tlog.ParseProof(proof.raw)
	if err != nil {
		return nil, in(proof.name, err)
	}
	var checkpoint *tlog.Checkpoint
	if r.trust == nil {
		checkpoint, err = tlog.ParseCheckpoint(p.Checkpoint)
	} else {
		checkpoint, err = verify(*r.trust, p.Checkpoint)
	}
	if err == nil {
		err = tlog.CheckInclusion(tlog.LeafHash(entry.raw), p.Index, checkpoint.Size, p.Path, checkpoint.Root)
	}
	if err != nil {
		return nil, in(proof.name, err)
	}
	return &place{entry.name, e, sha256.Sum256(entry.raw), envelope, p.Index, checkpoint}, nil
}

// enter reads the statement's place in a log, and keeps by when its witnesses saw it.
func (r *run) enter(entry, proof file, envelope claim.Hash) {
	if r.place, r.unplaced = r.readPlace(entry, proof, envelope, tlog.Trust.Check); r.unplaced != nil {
		return
	}
	if c := r.place.checkpoint; !c.Witnessed.IsZero() {
		r.date(c.Witnessed, fmt.Sprintf("%d of the policy's witnesses, who saw the log %s", r.trust.Quorum, c.Origin), r.place.digest, r.place.entry.Envelope)
	}
}

// checkLog makes the check `log` (SPEC part 25). Without a place to look at it is not required, unless the policy says so.
func (r *run) checkLog(needs ...string) {
	switch {
	case r.place != nil || r.unplaced != nil:
		r.check("log", needs, r.checkPlace)
	case r.policy.Log != nil && r.policy.Log.Required:
		r.check("log", needs, func() (string, error) {
			return "", &unreadable{"the statement's place in a log is missing, and the policy requires it"}
		})
	default:
		r.verdict.Checks = append(r.verdict.Checks, Check{Name: "log", Title: title("log"), Result: Skipped, Detail: "no place in a log is shown, and the policy requires none"})
	}
}

func (r *run) checkPlace() (string, error) {
	if r.unplaced != nil {
		return "", r.unplaced
	}
	p, c := r.place, r.place.checkpoint
	if err := p.entry.Verify(r.policy, r.notAfter(p.digest)); err != nil {
		return "", in(p.name, err)
	}
	if err := r.statement.CheckEntry(p.entry, p.envelope); err != nil {
		return "", in(p.name, err)
	}
	shown := &Log{Origin: c.Origin, Index: p.index, Size: c.Size, Root: c.Root.String(), Known: r.trust != nil, Witnesses: []Witness{}}
	r.verdict.Log = shown
	detail := fmt.Sprintf("entry %d of %d in the log %s", p.index, c.Size, c.Origin)
	if r.trust == nil {
		r.note("the policy knows no log: that others are shown the log %s with the same entries is the exchange's word", c.Origin)
		return detail + ", which the policy does not know", nil
	}
	var names []string
	for _, w := range c.Cosignatures {
		shown.Witnesses = append(shown.Witnesses, Witness{w.Witness, w.Time.Format(timeForm)})
		names = append(names, w.Witness)
	}
	if len(names) == 0 {
		r.note("no witness of the policy saw the log %s: that others are shown the same entries is the log's word", c.Origin)
		return detail + ", seen by no witness", nil
	}
	detail += ", seen by " + strings.Join(names, ", ")
	if !c.Witnessed.IsZero() {
		shown.Witnessed = c.Witnessed.Format(timeForm)
		detail += "; witnessed " + shown.Witnessed
	}
	return detail, nil
}
