package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	shelves "github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/runs"
	"github.com/assay-por/assay/web/store"
)

// doKind does what a run asks for, as far as it can, and returns the digest of the statement that it is about once it is done.
func (w *runWorker) doKind(ctx context.Context, r store.Run) (statement string, err error) {
	if !runName.MatchString(r.ID) { // files are named by it, whatever the run is for
		return "", refused("%q is no id of a run: want 16 of a-z and 2-7", r.ID)
	}
	switch r.Kind {
	case runs.Report:
		err = w.inRun(ctx, r.ID, r.ID, func(s *stages, silent *cobra.Command) error {
			statement, err = w.report(s, silent, r)
			return err
		})
		return statement, err
	case runs.Withdrawal:
		return r.About, w.withdraw(ctx, r)
	case runs.Finding:
		return r.About, w.attachFinding(ctx, r)
	}
	return "", refused("a run of the kind %q, which this version does not know", r.Kind)
}

// report draws up a statement, and once people gave their word signs and publishes it.
func (w *runWorker) report(s *stages, silent *cobra.Command, r store.Run) (string, error) {
	when := instant{period: r.Period, at: r.Instant}
	done, err := s.isPublished(when)
	if err != nil {
		return "", err
	}
	if !done {
		s.config.Series.Supersedes = r.Supersedes
		if err := errors.Join(s.run.writeJSON(fileAsked, askedFor{r.Supersedes}), w.bringFormer(s)); err != nil {
			return "", err
		}
		d, err := s.drawn(silent, when, r.Unsigned)
		if err != nil {
			return "", err
		}
		if err := w.mayPublish(s, d, r.ID); err != nil {
			return "", err
		}
		if err := s.sign(silent, d); err != nil {
			return "", err
		}
	}
	_, signed, err := s.signedStatement()
	if err != nil {
		return "", err
	}
	if s.config.Log.Origin != "" {
		if err := s.publish(silent); err != nil {
			return "", err
		}
	}
	return signed.Digest.String(), s.showRun(r.ID, signed)
}

// bringFormer puts the last statement of the series beside the run, if server.reports has it, so that what moved since then is noticed; the configuration may name
// another one.
func (w *runWorker) bringFormer(s *stages) error {
	if w.config.Series.Former != "" {
		return nil
	}
	others, err := s.others()
	if err != nil || others == nil {
		return err
	}
	last := others.Last(s.config.Series.Name)
	if last == nil {
		return nil
	}
	there, err := w.find(s.ctx, last.Entry.Statement)
	if err != nil || there == nil {
		return err
	}
	f, _, err := there.Open(report.PathEnvelope)
	if err != nil {
		return unreadable("server.reports: %v", err)
	}
	raw, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return unreadable("server.reports: %v", err)
	}
	s.config.Series.Former = s.run.join(fileFormer)
	return s.run.write(fileFormer, raw)
}

// find is the report of a statement as servers show it, or nil.
func (w *runWorker) find(ctx context.Context, statement report.Digest) (*shelves.Report, error) {
	shelf := shelves.Folder(w.config.resolve(w.config.Server.Reports), time.Now)
	if w.shown != nil {
		if err := w.shown.Look(ctx); err != nil {
			return nil, fmt.Errorf("server.reports: %w", err)
		}
		shelf = w.shown.Shelf(time.Now)
	}
	there, err := shelf.Find(statement)
	if err != nil {
		return nil, unreadable("server.reports: %v", err)
	}
	return there, nil
}

// mayPublish tells the server of the draft, takes in what approvers signed of it, and is an error until all that is needed is there.
func (w *runWorker) mayPublish(s *stages, d draft, id string) error {
	r, err := w.book.Drafted(s.ctx, id, d.payload)
	if err != nil {
		return err
	}
	have, err := w.store.Approvals(s.ctx, id, r.Digest)
	if err != nil {
		return err
	}
	who := d.statement.Predicate.Approvals
	for _, key := range who.Keys {
		if envelope := have[key.KeyID()]; envelope != nil { // it is verified when it is read
			if err := s.run.write(approvalFile(key.KeyID()), envelope); err != nil {
				return err
			}
		}
	}
	taken, err := s.approved(d.payload, who)
	if err != nil {
		return err
	}
	if err := s.awaitConfirmation(d); err != nil {
		return err
	}
	if err := s.await(taken, who); err != nil {
		return &peopleError{err.Error()}
	}
	if r.Publish != r.Digest {
		return &peopleError{"waiting for somebody to ask that the draft be published"}
	}
	return nil
}

// withdraw enters a withdrawal, word by word as it was approved, if as many approved it as had to approve the statement.
func (w *runWorker) withdraw(ctx context.Context, r store.Run) error {
	c := w.config
	if c.Log.Origin == "" {
		return refused("there is no [log] that a withdrawal could be entered in")
	}
	entry, err := report.ParseEntry(r.Draft)
	if err != nil {
		return refused("%v", err)
	}
	log, err := w.app.seeLog(ctx, c)
	if err != nil {
		return err
	}
	there := log.register.Find(entry.Statement)
	switch {
	case entry.Kind != report.EntryWithdrawal || entry.Exchange != c.Exchange.Name || entry.Statement.String() != r.About:
		return refused("it is no withdrawal of the statement %s of %s", r.About, c.Exchange.Name)
	case there == nil:
		return refused("the log holds no statement %s", r.About)
	case there.Withdrawal != nil && log.published(*there.Withdrawal):
		return nil
	}
	if err := w.approvedBy(ctx, r, entry.Statement); err != nil {
		return err
	}
	silent := new(cobra.Command)
	silent.SetContext(ctx)
	silent.SetOut(bytes.NewBuffer(nil))
	return w.app.enterNotice(silent, c, notice{kind: report.EntryWithdrawal, text: entry.Text, out: c.notices(), approved: &entry}, entry.Statement)
}

// approvedBy wants a withdrawal approved by those who could approve the statement, as that itself names them: its digest is in the log.
func (w *runWorker) approvedBy(ctx context.Context, r store.Run, statement report.Digest) error {
	published, err := w.find(ctx, statement)
	if err != nil {
		return err
	}
	if published == nil {
		return refused("server.reports does not hold the statement %s, which names its approvers", statement)
	}
	who := published.Statement.Predicate.Approvals
	all, err := w.store.Approvals(ctx, r.ID, r.Digest)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, raw := range all {
		e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, raw)
		if err == nil && !bytes.Equal(e.Payload, r.Draft) {
			err = errors.New("it is of another withdrawal")
		}
		if err == nil {
			err = e.Verify(who.Keys...)
		}
		if err != nil {
			return refused("an approval of the withdrawal: %v", err)
		}
		for _, s := range e.Signatures {
			have[s.KeyID] = true
		}
	}
	if n := uint64(len(have)); n < who.Required {
		return &peopleError{fmt.Sprintf("waiting for approvals of the withdrawal %s: %d of %d are there", r.Digest, n, who.Required)}
	}
	return nil
}

// attachFinding puts an auditor's finding beside the statement that a run here published.
func (w *runWorker) attachFinding(ctx context.Context, r store.Run) error {
	of, err := w.store.RunOf(ctx, runs.Report, r.About)
	if errors.Is(err, store.ErrNoRun) {
		return hinted(refused("the statement %s was made by no run that was asked for over the API", r.About), "where it was made, assay attach puts the finding beside it")
	}
	if err != nil {
		return err
	}
	return w.inRun(ctx, of.ID, r.ID, func(s *stages, silent *cobra.Command) error {
		handed := "handed/" + r.ID + ".dsse.json"
		if err := s.run.write(handed, r.Content); err != nil {
			return err
		}
		return s.attach(silent, []string{s.run.join(handed)})
	})
}
