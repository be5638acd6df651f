package opinion

import (
	"crypto/sha256"
	"fmt"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
)

// A place is where the statement's entry stands in a log, as the proof shows (SPEC part 25).
type place struct {
	entry      *claim.Entry
	digest     claim.Hash // of the entry's bytes
	envelope   claim.Hash // of the envelope that the entry must be about
	index      uint64
	checkpoint *tlog.Checkpoint
}

// readLog makes the steps (2) and (3) of the check `log`, which need nothing of the statement (SPEC part 25).
func (r *run) readLog() {
	log := r.proof.Log
	if log == nil {
		return
	}
	envelope := r.proof.Envelope
	if envelope == nil {
		envelope = r.input.Statement
	}
	r.place, r.unplaced = r.readPlace(log.Entry, log.Proof, sha256.Sum256(envelope))
}

func (r *run) readPlace(entry, proof []byte, envelope claim.Hash) (*place, error) {
	e, err := claim.ParseEntry(entry)
	if err != nil {
		return nil, in("proof: log.entry", err)
	}
	p, err := tlog.ParseProof(proof)
	if err != nil {
		return nil, in("proof: log.proof", err)
	}
	var c *tlog.Checkpoint
	if r.trust == nil {
		c, err = tlog.ParseCheckpoint(p.Checkpoint)
	} else {
		c, err = r.trust.Check(p.Checkpoint)
	}
	if err == nil {
		err = tlog.CheckInclusion(tlog.LeafHash(entry), p.Index, c.Size, p.Path, c.Root)
	}
	if err != nil {
		return nil, in("proof: log.proof", err)
	}
	return &place{e, sha256.Sum256(entry), envelope, p.Index, c}, nil
}

// checkLog makes the check `log` (SPEC part 25). Without a place to look at it is not required, unless the policy says so.
func (r *run) checkLog() {
	switch {
	case r.place != nil || r.unplaced != nil:
		r.check("log", []string{"statement.format"}, r.checkPlace)
	case r.policy.Log != nil && r.policy.Log.Required:
		r.check("log", []string{"statement.format"}, func() (string, error) {
			return "", &unreadable{"the statement's place in a log is missing, and the policy requires it"}
		})
	default:
		r.Checks = append(r.Checks, Check{Name: "log", Result: Skipped, Detail: "no place in a log is shown, and the policy requires none"})
	}
}

func (r *run) checkPlace() (string, error) {
	if r.unplaced != nil {
		return "", r.unplaced
	}
	p := r.place
	if err := p.entry.Verify(r.policy, r.notAfter(p.digest)); err != nil {
		return "", in("proof: log.entry", err)
	}
	if err := r.statement.CheckEntry(p.entry, p.envelope); err != nil {
		return "", in("proof: log.entry", err)
	}
	return fmt.Sprintf("entry %d of %d in the log %s", p.index, p.checkpoint.Size, p.checkpoint.Origin), nil
}
