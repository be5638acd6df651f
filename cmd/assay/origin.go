package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// momentRecord is moment.json: when the statement was drawn up first, and what could not be known earlier. It is written once a run,
// so that a draft that is drawn anew is the same bytes.
type momentRecord struct {
	Issued report.Time   `json:"issued"`
	Moment report.Moment `json:"moment"`
}

// lastBlocks is how long nodes are waited for: without them a statement has no moment, which is no reason to have no statement.
const lastBlocks = 30 * time.Second

// origin puts in when the statement is drawn up, who may approve it, and its place after the former one, which it returns.
func (s *stages) origin(in *report.Inputs) (former *report.Signed, err error) {
	if in.Approvals, err = s.approvals(); err != nil {
		return nil, err
	}
	if former, err = s.former(); err != nil {
		return nil, err
	}
	if in.Series, err = s.series(in.Snapshot, former); err != nil {
		return nil, err
	}
	m, err := s.moment(in.Snapshot)
	in.Issued, in.Moment = m.Issued, m.Moment
	return former, err
}

// moment returns the run's moment, or takes it now.
func (s *stages) moment(snap report.Snapshot) (momentRecord, error) {
	var m momentRecord
	if s.run.has(fileMoment) {
		return m, s.run.readJSON(fileMoment, "report", &m)
	}
	ctx, cancel := context.WithTimeout(s.ctx, lastBlocks)
	defer cancel()
	var last []chains.BlockRef
	for _, chain := range snap.Chains() {
		block, err := s.last(ctx, snap, chain)
		if s.ctx.Err() != nil {
			return m, s.ctx.Err()
		}
		if err != nil {
			s.progress.say("report: note: the statement will name no last block of %s: %v", chain, err)
			continue
		}
		last = append(last, block)
	}
	var err error
	if m.Moment, err = report.NewMoment(snap, last...); err != nil {
		return m, refused("%v", err)
	}
	if m.Issued, err = now(); err != nil {
		return m, err
	}
	return m, s.run.writeJSON(fileMoment, m)
}

// last is the last block of a chain, which a node that lags behind does not have.
func (s *stages) last(ctx context.Context, snap report.Snapshot, chain chains.Chain) (chains.BlockRef, error) {
	source, err := s.source(ctx, chain)
	if err != nil {
		return chains.BlockRef{}, err
	}
	block, err := source.Last(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	_, err = report.NewMoment(snap, block)
	return block, err
}

// approvals are those who may approve, by the configuration. The exchange's own key approves nothing.
func (s *stages) approvals() (report.Approvals, error) {
	var all []attest.PublicKey
	for _, path := range s.config.Approvals.Keys {
		key, err := keys.ReadPublicKey(s.config.resolve(path))
		if err != nil {
			return report.Approvals{}, hinted(unreadable("approvals.keys: %v", err), "name the approvers' .pub files")
		}
		if slices.Contains(all, key) {
			return report.Approvals{}, hinted(refused("approvals.keys: %s holds a key that is listed before", path), "one key counts once")
		}
		all = append(all, key)
	}
	if len(all) > 0 {
		own, err := s.app.publicKey(s.ctx, "keys.statement", s.config.keyRef(s.config.Keys.Statement))
		if err != nil {
			return report.Approvals{}, err
		}
		if slices.Contains(all, own) {
			return report.Approvals{}, hinted(refused("approvals.keys: key %s signs for the exchange, and cannot approve what it signs", own), "a key has one role")
		}
	}
	a, err := report.NewApprovals(s.config.Approvals.Required, all...)
	if err != nil {
		return a, unreadable("%s: %v", s.config.path, err)
	}
	return a, nil
}

// former is the signed statement before this one, or nothing for the first of a series.
func (s *stages) former() (*report.Signed, error) {
	if s.config.Series.Former == "" {
		return nil, nil
	}
	former, err := readStatement(s.config.resolve(s.config.Series.Former))
	if err != nil {
		return nil, hinted(err, "series.former names the %s of the statement before this one", report.PathEnvelope)
	}
	return &former, nil
}

// readStatement reads a signed statement.
func readStatement(path string) (report.Signed, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return report.Signed{}, unreadable("%v", err)
	}
	signed, err := report.Read(raw)
	if err != nil {
		return signed, unreadable("%s: %v", path, err)
	}
	return signed, nil
}

// series is the statement's place after the former one.
func (s *stages) series(snap report.Snapshot, former *report.Signed) (report.Series, error) {
	c := s.config.Series
	if former == nil {
		return report.Series{Name: c.Name}, nil
	}
	if name := former.Statement.Predicate.Series.Name; name != c.Name {
		return report.Series{}, refused("series.former: it is of the series %q, this one of %q", name, c.Name)
	}
	next, err := former.Next(snap, c.Supersedes)
	if err != nil {
		return next, hinted(refused("%v", err), "see [series] in %s", s.rel(s.config.path))
	}
	return next, nil
}

// lookSeries reads the former statement for the doctor.
func (s *stages) lookSeries() (string, error) {
	former, err := s.former()
	if err != nil || former == nil {
		return "the next statement is the first of the series " + s.config.Series.Name, err
	}
	p := former.Statement.Predicate
	return fmt.Sprintf("the next statement follows number %d of the series %s, of period %s: %s", p.Series.Number, p.Series.Name, p.Snapshot.Period, former.Digest), nil
}

// lookApprovers reads the approvers' keys for the doctor.
func (s *stages) lookApprovers() (string, error) {
	a, err := s.approvals()
	if err != nil {
		return "", err
	}
	if a.Required == 0 {
		return "nobody has to approve the statement: it will be unattended", nil
	}
	var ids []string
	for _, k := range a.Keys {
		ids = append(ids, k.KeyID()[:8])
	}
	return fmt.Sprintf("%d of %d must approve: keys %s", a.Required, len(ids), strings.Join(ids, ", ")), nil
}
