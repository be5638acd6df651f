package main

import (
	"fmt"
	"strings"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// drift is what moved too far since the former statement for the draft to be signed before a person looked. The statement does not
// speak of it: it is no verdict, and whoever draws the statement up is asked whether the ledger is the whole ledger.
type drift struct {
	Former report.Digest  `json:"former"`
	Drifts []report.Drift `json:"drifts"`
}

// drift compares a draft with the former statement, by the limits of the configuration.
func (s *stages) drift(former *report.Signed, p report.Predicate) drift {
	if former == nil {
		return drift{}
	}
	return drift{former.Digest, report.Drifts(former.Statement.Predicate, p, report.DriftLimits(s.config.Drift))}
}

// digest names the drift by every figure in it: who confirmed it confirmed no other.
func (d drift) digest() (string, error) {
	b, err := attest.Canonical(d)
	if err != nil {
		return "", refused("%s: %v", fileConfirmed, err)
	}
	return digestOf(b), nil
}

// toConfirm is the digest of a drift that nobody confirmed yet; empty if there is nothing to confirm.
func (s *stages) toConfirm(d drift) (string, error) {
	if len(d.Drifts) == 0 {
		return "", nil
	}
	digest, err := d.digest()
	if err != nil || !s.run.has(fileConfirmed) {
		return digest, err
	}
	var before drift
	if err := s.run.readJSON(fileConfirmed, "confirm", &before); err != nil {
		return "", err
	}
	confirmed, err := before.digest()
	if err != nil || confirmed == digest {
		return "", err
	}
	return digest, nil
}

// draftToConfirm is toConfirm for the run's draft as it was drawn up last.
func (s *stages) draftToConfirm(payload []byte) (string, error) {
	former, err := s.former()
	if err != nil || former == nil {
		return "", err
	}
	statement, err := report.ParseStatement(payload)
	if err != nil {
		return "", unreadable("%s: %v", s.run.join(fileDraft), err)
	}
	return s.toConfirm(s.drift(former, statement.Predicate))
}

// awaitConfirmation is an error of waiting until somebody confirmed the draft's drift.
func (s *stages) awaitConfirmation(d draft) error {
	p := d.statement.Predicate
	if d.former == nil && p.Series.Previous != nil {
		s.progress.say("sign: note: the draft is not compared with the former statement %s: name its file under series.former", p.Series.Previous)
	}
	moved := s.drift(d.former, p)
	digest, err := s.toConfirm(moved)
	if err != nil || digest == "" {
		return err
	}
	lines := []string{fmt.Sprintf("waiting for somebody to confirm what moved since the former statement %s:", moved.Former.String()[:8])}
	for _, one := range moved.Drifts {
		lines = append(lines, "  "+one.String())
	}
	return waiting(fmt.Sprintf("if that is right, assay confirm %s and the same command again; the limits are those of [drift]", digest), "%s", strings.Join(lines, "\n"))
}
