package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
)

func newPublish(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "publish",
		Short: "Enter the signed statement in the log, and show its place in bundle and report",
		Long: `Enter the run's signed statement in the transparency log of [log]; it comes back once the witnesses cosigned a checkpoint that holds it. Bundle, zip and report page
then show its place. Nothing can be taken out of a log: a statement that does not follow from the ones before it is refused. Where server.reports is a bucket, the report goes there last, for servers
to show. Done again, it enters nothing twice, and puts there what is missing.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.loadLog(); err != nil {
				return err
			}
			return a.inRun(cmd, func(s *stages) error { return s.publish(cmd) })
		},
	}
}

// publish enters what was signed, and adds its place in the log to what others are given.
func (s *stages) publish(cmd *cobra.Command) error {
	envelope, signed, err := s.signedStatement()
	if err != nil {
		return err
	}
	entry, err := s.signedEntry(envelope)
	if err != nil {
		return err
	}
	if err := s.ready(envelope, signed); err != nil {
		return err
	}
	at, err := s.logged(envelope)
	if err != nil || at == nil { // a proof that does not hold, or has too few witnesses by now, is made anew
		if at, err = s.enterLog(envelope, entry); err != nil {
			return err
		}
	}
	if err := s.publishAttachments(envelope, signed); err != nil {
		return err
	}
	if err := s.show(signed); err != nil {
		return err
	}
	all := shown(at.head)
	all["statement"], all["index"] = signed.Digest.String(), at.index
	return s.app.say(cmd, all, "published statement %s: entry #%d of %s", signed.Digest, at.index, headLines(at.head))
}

// ready refuses to enter what is not the run's last word: nothing takes an entry back.
func (s *stages) ready(envelope []byte, signed report.Signed) error {
	if err := s.inBundle(envelope, signed); err != nil {
		return err
	}
	if there, err := s.entered(); err != nil || there != nil {
		return err
	}
	draft, err := s.run.read(fileDraft, "report")
	if err != nil {
		return err
	}
	if !bytes.Equal(draft, signed.Payload) {
		return hinted(refused("the draft is another statement than the one that was signed, %s", signed.Digest), "sign the draft with assay sign, or draw it up as it was")
	}
	return nil
}

// signedEntry is the signed statement's entry, as sign made it.
func (s *stages) signedEntry(envelope []byte) ([]byte, error) {
	entry, err := s.run.read(fileEntry, "sign")
	if err != nil {
		return nil, err
	}
	if err := checkEntry(entry, envelope); err != nil {
		return nil, hinted(unreadable("%s: %v", s.run.join(fileEntry), err), "assay sign makes it anew")
	}
	return entry, nil
}

// inBundle refuses a bundle of another statement, or none.
func (s *stages) inBundle(envelope []byte, signed report.Signed) error {
	dir := s.config.resolve(s.config.Bundle.Dir)
	if have, err := os.ReadFile(filepath.Join(dir, report.PathEnvelope)); err != nil || !bytes.Equal(have, envelope) {
		return hinted(refused("%s does not hold the statement %s of this run", dir, signed.Digest), "assay sign writes the bundle")
	}
	return nil
}

// checkEntry refuses what is no entry of the signed statement.
func checkEntry(raw, envelope []byte) error {
	e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, raw)
	if err != nil {
		return err
	}
	entry, err := report.ParseEntry(e.Payload)
	if err != nil {
		return err
	}
	return entry.About(envelope)
}

// enterLog enters the statement and keeps the proof of it, with the entry, among the run's attachments.
func (s *stages) enterLog(envelope, entry []byte) (*logged, error) {
	place, err := enterOwn(s.ctx, s.app, entry)
	if err != nil {
		return nil, err
	}
	if err := s.keepProof(place.Proof, entry); err != nil {
		return nil, err
	}
	s.log = nil // it has grown
	return s.logged(envelope)
}

// keepProof puts the entry and the proof of its place among the run's attachments.
func (s *stages) keepProof(proof, entry []byte) error {
	if err := s.run.write(report.PathLogProof, proof); err != nil {
		return err
	}
	return s.run.write(report.PathEntry, entry)
}

// enterOwn enters an entry of the exchange's, if it follows from what the log holds; both under one hold of the log's folder.
func enterOwn(ctx context.Context, a *app, entry []byte) (tlog.Place, error) {
	return withLog(ctx, a, func(l *tlog.Log) (tlog.Place, error) {
		if err := a.follow(ctx, entry); err != nil {
			return tlog.Place{}, err
		}
		places, err := l.Add(ctx, entry)
		if err != nil {
			return tlog.Place{}, err
		}
		return places[0], nil
	})
}

// follow refuses entries in the exchange's own name that would contradict the log, or each other.
func (a *app) follow(ctx context.Context, entries ...[]byte) error {
	own, err := a.ownKeys(ctx, a.config)
	if err != nil {
		return err
	}
	log, err := a.seeLog(ctx, a.config)
	if err != nil {
		return err
	}
	for n, raw := range entries {
		if isServers(raw) {
			if err := log.servers.Follows(raw); err != nil {
				return hinted(refused("%v", err), "nothing was entered; assay log show lists what is there")
			}
			log.servers.Add(raw)
			continue
		}
		e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, raw)
		if err != nil {
			return refused("%v", err)
		}
		entry, err := report.ParseEntry(e.Payload)
		if err != nil {
			return refused("%v", err)
		}
		if err := e.Verify(own...); err != nil {
			return hinted(refused("%v", err), "the keys of this exchange are keys.statement and keys.former")
		}
		if log.register.Holds(entry) {
			continue
		}
		if err := log.register.Follows(entry); err != nil {
			return hinted(refused("%v", err), "nothing was entered; assay log show lists what is there, and assay report draws a statement up anew after the last one")
		}
		if err := log.register.Add(log.head.Size+uint64(n), raw); err != nil { //nolint:gosec // an index
			return refused("%v", err)
		}
	}
	return nil
}

// logged is a signed statement's place in the log, verified.
type logged struct {
	index uint64
	head  tlog.Checkpoint
}

// logAttachments are the entry and the proof that the run holds of a signed statement, or nothing.
func (s *stages) logAttachments(envelope []byte) (entry, proof []byte, err error) {
	if !s.run.has(report.PathEntry) || !s.run.has(report.PathLogProof) {
		return nil, nil, nil
	}
	if entry, err = s.run.read(report.PathEntry, "publish"); err != nil {
		return nil, nil, err
	}
	if err = checkEntry(entry, envelope); err != nil {
		return nil, nil, unreadable("%s: %v", s.run.join(report.PathEntry), err)
	}
	proof, err = s.run.read(report.PathLogProof, "publish")
	return entry, proof, err
}

// logged verifies the run's proof of its statement's place; without one, or without a log, it is nothing.
func (s *stages) logged(envelope []byte) (*logged, error) {
	entry, proof, err := s.logAttachments(envelope)
	if proof == nil || err != nil || s.config.Log.Origin == "" {
		return nil, err
	}
	at, err := s.proved(s.run.join(report.PathLogProof), proof, entry)
	if err != nil {
		return nil, hinted(err, "assay publish makes it anew")
	}
	return at, nil
}

// proved verifies a proof of an entry, by the log's key and its witnesses'.
func (s *stages) proved(file string, proof, entry []byte) (*logged, error) {
	vkey, err := s.app.logKey(s.ctx, s.config)
	if err != nil {
		return nil, err
	}
	at := new(logged)
	if at.index, at.head, err = tlog.Verify(proof, entry, vkey, s.config.witnessKeys()...); err != nil {
		return nil, unreadable("%s: %v", file, err)
	}
	if len(at.head.Witnesses) < s.config.Log.Quorum {
		return nil, refused("%s: %d of the witnesses of [log] cosigned it, want %d", file, len(at.head.Witnesses), s.config.Log.Quorum)
	}
	return at, nil
}

// showsEntry refuses a proof that is not of the signed statement's entry; a machine that knows no log cannot say of which log it is.
func (s *stages) showsEntry(file string, proof, entry []byte) error {
	if s.config.Log.Origin != "" {
		_, err := s.proved(file, proof, entry)
		return err
	}
	if err := tlog.Shows(proof, entry); err != nil {
		return hinted(refused("%s: %v", file, err), "assay log add --proof makes it, of the entry.dsse.json of this very run")
	}
	return nil
}

// shown is the place as the page shows it.
func (l *logged) shown() *render.Logged {
	if l == nil {
		return nil
	}
	out := &render.Logged{Origin: l.head.Origin, Index: l.index, Size: l.head.Size}
	for _, w := range l.head.Witnesses {
		name, _, _ := strings.Cut(w.Key, "+")
		out.Witnesses = append(out.Witnesses, render.Witnessed{Name: name, Time: w.Time})
	}
	return out
}
