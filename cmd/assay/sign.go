package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
	lang "github.com/assay-por/assay/web/words"
)

func newSign(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "sign",
		Short: "Sign the statement; write the bundle, its zip, and the report page",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				d, err := s.draft()
				if err != nil {
					return err
				}
				return s.sign(cmd, d)
			})
		},
	}
}

// sign signs the draft and publishes. A statement that was signed before and says the same is not signed again.
func (s *stages) sign(cmd *cobra.Command, d draft) error {
	for _, text := range d.claims {
		s.progress.say("sign: note: %s", text)
	}
	envelope, err := s.signed(d)
	if err != nil {
		return err
	}
	attached, err := s.attachmentFiles()
	if err != nil {
		return err
	}
	files := append(append(d.files, report.NewBytesFile(report.PathEnvelope, envelope)), attached...)
	if !s.config.Bundle.Leaves {
		files = withoutLeaves(files)
	}
	dir, zip, page := s.config.resolve(s.config.Bundle.Dir), s.config.resolve(s.config.Bundle.Zip), s.config.resolve(s.config.Bundle.Report)
	if err := report.Lint(files, s.private); err != nil {
		return refused("%v", err)
	}
	if err := report.WriteDir(dir, files); err != nil {
		return unreadable("%v", err)
	}
	if err := s.writeZip(zip, files); err != nil {
		return err
	}
	if err := s.render(filepath.Join(page, "index.html"), envelope, len(d.statement.Predicate.Bands)); err != nil {
		return err
	}
	return s.app.say(cmd, map[string]string{"bundle": dir, "zip": zip, "report": page, "statement": digestOf(d.payload)},
		"signed statement %s\nbundle: %s, %s\nreport: %s", digestOf(d.payload), s.rel(dir), s.rel(zip), s.rel(filepath.Join(page, "index.html")))
}

// writeZip writes the bundle as one file, if it is not too large for that.
func (s *stages) writeZip(path string, files []report.File) error {
	err := report.WriteFile(path, func(w io.Writer) error { return report.WriteZip(w, files) })
	if errors.Is(err, report.ErrNoZip) {
		s.progress.say("sign: %v; the folder is the bundle", err)
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return unreadable("%v", err)
		}
		return nil
	}
	if err != nil {
		return unreadable("%v", err)
	}
	return nil
}

// private says whether a file that is to be published holds the password of a node or of the keys, or what all addresses of a
// wallet follow from.
func (s *stages) private(content []byte) bool {
	secrets := append([][]byte{s.app.passphrase}, s.app.secrets...)
	if all, err := s.descriptors(""); err == nil { // they were read before; what cannot be read derived nothing
		for _, d := range all {
			for _, key := range append(d.parsed.Keys(), d.wallet.XPubs...) {
				secrets = append(secrets, []byte(key))
			}
		}
	}
	var places []string
	for _, chain := range s.config.Chains {
		places = append(places, chain.Nodes...)
	}
	for _, c := range s.config.Custodians {
		places = append(places, c.URL)
	}
	for _, t := range s.config.Timestamps {
		places = append(places, t.URL)
	}
	for _, place := range places {
		if u, err := url.Parse(place); err == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, []byte(password))
		}
	}
	// Short ones occur by chance, and give nothing away by occurring.
	return slices.ContainsFunc(secrets, func(secret []byte) bool { return len(secret) >= 8 && bytes.Contains(content, secret) })
}

// signed returns the signed statement, with its entry beside it: what was signed before if it holds this very payload, else anew,
// once enough people approved it and somebody confirmed what moved. The key is opened at most once, and only if there is something to sign.
func (s *stages) signed(d draft) ([]byte, error) {
	own, err := s.app.publicKey(s.ctx, "keys.statement", s.config.keyRef(s.config.Keys.Statement))
	if err != nil {
		return nil, err
	}
	who := d.statement.Predicate.Approvals
	signer := sync.OnceValues(s.openStatementKey)
	envelope, err := s.signedBefore(d.payload, own, who)
	if err != nil {
		return nil, err
	}
	if envelope == nil {
		if err := s.signedOnce(d.payload); err != nil {
			return nil, err
		}
		have, err := s.approved(d.payload, who)
		if err != nil {
			return nil, err
		}
		moved := s.awaitConfirmation(d)
		if moved != nil && !isWaiting(moved) {
			return nil, moved
		}
		if err := joinWaiting(s.await(have, who), moved); err != nil {
			return nil, err
		}
		if envelope, err = s.signAnew(d.payload, own, who, have, signer); err != nil {
			return nil, err
		}
	}
	return envelope, s.enter(envelope, own, signer)
}

// signedOnce refuses to sign what is in the log already with other signatures: its entry is about those.
func (s *stages) signedOnce(payload []byte) error {
	log, err := s.seen()
	if log == nil || err != nil {
		return err
	}
	if there := log.register.Find(sha256.Sum256(payload)); there != nil {
		return hinted(refused("the statement %s is in the log, entry #%d, with other signatures than those in %s", there.Entry.Statement, there.Index, s.run.join(fileEnvelope)),
			"put back the %s that was published, or take a run directory of its own", report.PathEnvelope)
	}
	return nil
}

// openStatementKey opens the exchange's signing key.
func (s *stages) openStatementKey() (attest.Signer, error) {
	return s.app.signer(s.ctx, "keys.statement", s.config.keyRef(s.config.Keys.Statement))
}

// signedBefore returns the run's envelope if it holds the payload, by the exchange's key and enough approvers; else nothing.
func (s *stages) signedBefore(payload []byte, own attest.PublicKey, who report.Approvals) ([]byte, error) {
	if !s.run.has(fileEnvelope) {
		return nil, nil
	}
	before, err := s.run.read(fileEnvelope, "sign")
	if err != nil {
		return nil, err
	}
	e, err := attest.ParseEnvelope(before)
	if err != nil || !bytes.Equal(e.Payload, payload) || !e.SignedBy(own) || uint64(len(e.Signatures)) <= who.Required || e.Verify(append(slices.Clone(who.Keys), own)...) != nil {
		return nil, nil
	}
	return before, nil
}

// signAnew joins the exchange's signature and the approvals. What was attached to another statement goes: it is about that one.
func (s *stages) signAnew(payload []byte, own attest.PublicKey, who report.Approvals, have approved, open func() (attest.Signer, error)) ([]byte, error) {
	signer, err := open()
	if err != nil {
		return nil, err
	}
	e, err := attest.Sign(attest.PayloadType, payload, signer)
	if err != nil {
		return nil, refused("%v", err)
	}
	if e, err = e.Merge(append(slices.Clone(who.Keys), own), have.all...); err != nil {
		return nil, refused("%v", err)
	}
	raw, err := e.JSON()
	if err != nil {
		return nil, refused("%v", err)
	}
	for _, left := range []string{dirAttachments, fileEntry} {
		if s.run.has(left) {
			s.progress.say("sign: note: %s was of the statement signed before, and goes", s.rel(s.run.join(left)))
			if err := os.RemoveAll(s.run.join(left)); err != nil {
				return nil, unreadable("%v", err)
			}
		}
	}
	return raw, s.run.write(fileEnvelope, raw)
}

// enter makes the signed statement's entry for a log, unless it is there, or in the log itself. It is dated once.
func (s *stages) enter(envelope []byte, own attest.PublicKey, open func() (attest.Signer, error)) error {
	if s.run.has(fileEntry) {
		before, err := s.run.read(fileEntry, "sign")
		if err != nil {
			return err
		}
		if e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, before); err == nil && e.Verify(own) == nil {
			if checkEntry(before, envelope) == nil {
				return nil
			}
		}
	}
	there, err := s.entered()
	if err != nil {
		return err
	}
	if there != nil && there.Entry.About(envelope) == nil {
		return s.run.write(fileEntry, there.Raw)
	}
	signer, err := open()
	if err != nil {
		return err
	}
	issued, err := now()
	if err != nil {
		return err
	}
	entry, err := report.NewEntry(envelope, issued)
	if err != nil {
		return refused("%v", err)
	}
	payload, err := entry.JSON()
	if err != nil {
		return refused("%v", err)
	}
	raw, err := envelopeOf(attest.PayloadEntry, payload, signer)
	if err != nil {
		return err
	}
	return s.run.write(fileEntry, raw)
}

// envelopeOf signs a payload and returns the envelope's file.
func envelopeOf(payloadType string, payload []byte, signer attest.Signer) ([]byte, error) {
	e, err := attest.Sign(payloadType, payload, signer)
	if err != nil {
		return nil, refused("%v", err)
	}
	raw, err := e.JSON()
	if err != nil {
		return nil, refused("%v", err)
	}
	return raw, nil
}

// now is the time as statements have it.
func now() (report.Time, error) {
	t, err := report.NewTime(time.Now().Truncate(time.Second))
	if err != nil {
		return t, refused("%v", err)
	}
	return t, nil
}

// render writes the report page, from the bytes that were signed and the bundle that holds them.
func (s *stages) render(path string, envelope []byte, bands int) error {
	dir := s.config.resolve(s.config.Bundle.Dir)
	lines, err := os.ReadFile(filepath.Join(dir, report.PathLines))
	if err != nil {
		return unreadable("%v", err)
	}
	bandLines := make([][]byte, bands)
	for n := range bandLines {
		if bandLines[n], err = os.ReadFile(filepath.Join(dir, report.PathBandLines(n))); err != nil {
			return unreadable("%v", err)
		}
	}
	findings, err := s.findings()
	if err != nil {
		return err
	}
	at, err := s.logged(envelope)
	if err != nil {
		return err
	}
	english, err := lang.Load(lang.English, "site")
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := render.HTML(&page, render.Files{Envelope: envelope, Lines: lines, Bands: bandLines, Findings: findings, Logged: at.shown()}, english); err != nil {
		return refused("%v", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return unreadable("%v", err)
	}
	if err := report.WriteFile(path, func(w io.Writer) error { _, err := w.Write(page.Bytes()); return err }); err != nil {
		return unreadable("%v", err)
	}
	return nil
}

// digestOf names a statement by its payload.
func digestOf(payload []byte) string { return fmt.Sprintf("%x", sha256.Sum256(payload)) }

func withoutLeaves(files []report.File) []report.File {
	return slices.DeleteFunc(slices.Clone(files), func(f report.File) bool {
		part, _ := report.PartOf(f.Path)
		return part == report.PartShard
	})
}
