package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/report"
)

func newReport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "report",
		Short: "Draw up the statement, unsigned, for people to read before it is signed",
		Long: `Join tree, evidence and signatures of control in the statement's draft (draft.json in the run directory) and print coverage per asset, what changed since the
former statement, and what to look at twice. Accounts that have not signed count for nothing. Whoever must approve it reads draft.json with assay approve.

Where totals are hidden (run.totals), the reserves that count now are proved to reach what is owed. That takes the snapshot's key, once for the same reserves. Of an asset that they do
not reach the draft shows what is owed: draw it up once the wallets have signed.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				d, err := s.draft()
				if err != nil {
					return err
				}
				r := newReview(digestOf(d.payload), d.statement.Predicate, d.former, s.config.Drift, d.claims...)
				if r.Confirm, err = s.toConfirm(s.drift(d.former, d.statement.Predicate)); err != nil {
					return err
				}
				if a.json {
					return a.say(cmd, r, "")
				}
				if err := a.sayCoverage(cmd, d.statement.Predicate); err != nil {
					return err
				}
				return a.sayReview(cmd, r, d.statement.Predicate)
			})
		},
	}
}

// draft is a drafted statement and the files of the bundle that it names.
type draft struct {
	payload   []byte
	statement report.Statement
	files     []report.File // all but the envelope, manifest included
	former    *report.Signed
	claims    []string // what is odd about claims now
}

// draft draws up the statement from what the earlier stages left. It is done anew each time: the same files give the same bytes.
func (s *stages) draft() (draft, error) {
	snap, tree, err := s.snapshotAndTree()
	if err != nil {
		return draft{}, err
	}
	var b buildRecord
	if err := s.run.readJSON(fileBuild, "build", &b); err != nil {
		return draft{}, err
	}
	if err := s.sameTotals(b); err != nil {
		return draft{}, err
	}
	balances, err := s.reserves(snap)
	if err != nil {
		return draft{}, err
	}
	lines, err := s.writeLines(snap, tree, balances)
	if err != nil {
		return draft{}, err
	}
	more, err := s.beside(snap)
	if err != nil {
		return draft{}, err
	}
	files, err := s.bundleFiles(snap, tree, b.Hidden)
	if err != nil {
		return draft{}, err
	}
	others, err := s.besideFiles(snap, more)
	if err != nil {
		return draft{}, err
	}
	files = append(files, others...)
	page, err := s.customersPage()
	if err != nil {
		return draft{}, err
	}
	files = append(files, page...)
	result, err := s.shardList(snap)
	if err != nil {
		return draft{}, err
	}
	switch {
	case b.Hidden:
		proved, err := s.cover(snap, b, result, lines)
		if err != nil {
			return draft{}, err
		}
		result.Totals, tree.Surplus = proved.Totals, proved.Surplus
		files = append(files, report.NewBytesFile(report.PathTopProof, proved.Proof))
	case result.Kind == merkle.KindConfidential:
		result.Totals = b.Totals
	}
	d := draft{claims: report.ClaimWarnings(more.claims, time.Now())}
	in := report.Inputs{
		Snapshot: snap, Scope: s.scope(), Tool: "assay " + version, Ledger: b.Ledger, Tree: tree, Liabilities: result.Totals,
		Lines: lines, Claims: more.claims, Bands: more.bands, Rule: s.rule(), Files: files,
	}
	if d.former, err = s.origin(&in); err != nil {
		return draft{}, err
	}
	payload, manifest, err := report.Draft(in)
	if err != nil {
		return draft{}, refused("%v", err)
	}
	if err := s.mayBeAnew(payload); err != nil {
		return draft{}, err
	}
	if err := s.run.write(published(report.PathManifest), manifest); err != nil {
		return draft{}, err
	}
	d.payload, d.files = payload, append(files, report.NewBytesFile(report.PathManifest, manifest))
	if d.statement, err = attest.DecodeStatement[report.Predicate](payload, report.PredicateType, report.PathManifest); err != nil {
		return draft{}, refused("%v", err)
	}
	return d, s.run.write(fileDraft, payload)
}

// customersPage is the page of the run, which the first draft takes from the program: with a later program the same run gives the same statement.
func (s *stages) customersPage() ([]report.File, error) {
	name := published(report.PathVerify)
	if !s.run.has(name) {
		if s.app.page == nil {
			return nil, nil
		}
		if err := s.run.write(name, s.app.page); err != nil {
			return nil, err
		}
	}
	f, err := report.NewDiskFile(report.PathVerify, s.run.join(name))
	if err != nil {
		return nil, s.missing(err)
	}
	return []report.File{f}, nil
}

func (s *stages) scope() report.Scope {
	c := s.config.Scope
	return report.Scope{Included: c.Included, Excluded: c.Excluded, Encumbrances: c.Encumbrances}
}

func (s *stages) rule() report.Rule {
	c := s.config.Coverage
	rule := report.Rule{Evidence: chains.EvidenceGrade(c.Evidence)}
	for _, grade := range c.Control {
		rule.Control = append(rule.Control, chains.ControlGrade(grade))
	}
	for _, class := range c.Classes {
		rule.Classes = append(rule.Classes, report.Class(class))
	}
	return rule
}

// writeLines joins balances and signatures and writes the two files of the bundle that hold them.
func (s *stages) writeLines(snap report.Snapshot, tree report.Tree, balances []chains.Balance) ([]report.Line, error) {
	wallets, err := s.wallets()
	if err != nil {
		return nil, err
	}
	have, err := s.signatures(snap, tree)
	if err != nil {
		return nil, err
	}
	var sigs []report.ControlSignature
	for _, one := range have.list() {
		sigs = append(sigs, one.published())
	}
	var accounts []report.Wallet
	for _, w := range wallets {
		grade := chains.NoControl
		if one, ok := have[w.account]; ok {
			grade = one.Grade
		}
		accounts = append(accounts, report.Wallet{Account: w.account, Custody: report.Custody(w.custody), Control: grade})
	}
	lines, err := report.NewLines(snap, accounts, balances)
	if err != nil {
		return nil, refused("%v", err)
	}
	linesFile, err := report.LinesJSON(snap, lines)
	if err != nil {
		return nil, refused("%v", err)
	}
	controlFile, err := report.ControlJSON(snap, lines, sigs)
	if err != nil {
		return nil, refused("%v", err)
	}
	return lines, errors.Join(s.run.write(published(report.PathLines), linesFile), s.run.write(published(report.PathControl), controlFile))
}

// bundleFiles are the files that the manifest lists; where totals are hidden, all but the top's proof.
func (s *stages) bundleFiles(snap report.Snapshot, tree report.Tree, hidden bool) ([]report.File, error) {
	paths := []string{report.PathShards, report.PathLines, report.PathControl}
	for _, chain := range snap.Chains() {
		paths = append(paths, report.PathEvidence(chain))
		if s.config.chain(chain).hasCheckpoint() {
			paths = append(paths, report.PathBeacon(chain))
		}
	}
	var files []report.File
	for _, path := range paths {
		f, err := report.NewDiskFile(path, s.run.join(dirPublished, path))
		if err != nil {
			return nil, s.missing(err)
		}
		files = append(files, f)
	}
	plan, err := s.builtPlan()
	if err != nil {
		return nil, err
	}
	built, err := s.treeFiles(plan)
	if err != nil {
		return nil, err
	}
	type ofTree struct{ path, name string }
	var all []ofTree
	hides := tree.Kind == report.KindConfidential
	if hides && !hidden {
		all = append(all, ofTree{report.PathTopProof, build.TopProofFile})
	}
	for shard := range tree.Shards {
		all = append(all, ofTree{report.PathLeaves(shard), build.LeavesFile(int(shard))}) //nolint:gosec // at most 2^20 shards
		if hides {
			all = append(all, ofTree{report.PathProof(shard), build.ProofFile(int(shard))}) //nolint:gosec // at most 2^20 shards
		}
	}
	for _, one := range all {
		f, err := report.NewFile(one.path, func() (io.ReadCloser, error) { return built.Open(s.ctx, one.name) })
		if err != nil {
			return nil, s.missing(err)
		}
		files = append(files, f)
	}
	return files, nil
}

func (s *stages) missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return hinted(unreadable("%v", err), "a file of the run is gone; take a new snapshot in a run directory of its own")
	}
	return unreadable("%v", err)
}
