package main

import (
	"crypto/rand"
	"fmt"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/report"
)

// What of the totals of a confidential tree is published: run.totals.
const (
	totalsOpen   = "open"
	totalsHidden = "hidden"
)

func (c *Config) hidesTotals() bool { return c.Run.Totals == totalsHidden }

func (c *Config) checkTotals() error {
	switch {
	case c.Run.Totals != totalsOpen && !c.hidesTotals():
		return fmt.Errorf("got %q, want %q or %q", c.Run.Totals, totalsOpen, totalsHidden)
	case c.hidesTotals() && c.Run.Kind != report.KindConfidential:
		return fmt.Errorf("a tree of kind %q shows what is owed in all; to hide it, set run.kind to %q", c.Run.Kind, report.KindConfidential)
	}
	return nil
}

// sameTotals refuses to go on with a tree that was built to show, or hide, what the configuration does not.
func (s *stages) sameTotals(b buildRecord) error {
	if b.Hidden == s.config.hidesTotals() {
		return nil
	}
	return hinted(refused("run.totals in assay.toml is %s, which the tree was not built for", s.config.Run.Totals), "assay build --again builds it; signatures of control stay, since the root is the same")
}

// coveredRecord is covered.json: what is published of hidden totals by the last draft, so that it can be drawn up, and signed, without the
// key of the snapshot. What was proved of other reserves lies sealed among the files of the tree: of an asset that was in shortfall by
// those, it tells a total.
type coveredRecord struct {
	ID      string       `json:"id"` // of root and reserves
	Proof   []byte       `json:"proof"`
	Surplus string       `json:"surplus"`
	Totals  merkle.Plain `json:"totals"`
}

// cover shows that the reserves that count cover what is owed, whose totals are hidden; of an asset that they do not cover, it opens the total.
func (s *stages) cover(snap report.Snapshot, b buildRecord, result build.Result, lines []report.Line) (coveredRecord, error) {
	reserves, err := report.Counted(snap, lines, s.rule())
	if err != nil {
		return coveredRecord{}, refused("%v", err)
	}
	id := build.CoveredID(result.Root, reserves)
	if s.run.has(fileCovered) {
		var last coveredRecord
		if err := s.run.readJSON(fileCovered, "report", &last); err != nil || last.ID == id {
			return last, err
		}
	}
	top, err := s.hiddenTop(snap, b, result)
	if err != nil {
		return coveredRecord{}, err
	}
	proved, err := top.Cover(s.ctx, reserves)
	if err != nil {
		return coveredRecord{}, unproved(err)
	}
	record := coveredRecord{ID: id, Proof: proved.Proof, Surplus: proved.Surplus.String(), Totals: proved.Totals}
	return record, s.run.writeJSON(fileCovered, record)
}

// hiddenTop opens what the top level of the run's tree is proved with.
func (s *stages) hiddenTop(snap report.Snapshot, b buildRecord, result build.Result) (*build.HiddenTop, error) {
	derived, err := s.derivedKeys(snap)
	if err != nil {
		return nil, err
	}
	identity, err := s.shardIdentity()
	if err != nil {
		return nil, err
	}
	recipient, err := keys.Recipient("file:" + s.run.join(fileShardKey))
	if err != nil {
		return nil, unreadable("%v", err)
	}
	files, err := s.treeFiles(b.Plan)
	if err != nil {
		return nil, err
	}
	return &build.HiddenTop{Files: files, Result: result, Columns: snap.Columns(), Assets: len(snap.Assets), Keys: derived, Recipient: recipient, Identity: identity, Random: rand.Reader}, nil
}
