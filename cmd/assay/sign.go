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

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
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
	envelope, err := s.envelope(d.payload)
	if err != nil {
		return err
	}
	files := append(d.files, report.NewBytesFile(report.PathEnvelope, envelope))
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
	return s.app.say(cmd, map[string]string{"bundle": dir, "zip": zip, "report": page, "statement": d.digest()},
		"signed statement %s\nbundle: %s, %s\nreport: %s", d.digest(), s.rel(dir), s.rel(zip), s.rel(filepath.Join(page, "index.html")))
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
	for _, place := range places {
		if u, err := url.Parse(place); err == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, []byte(password))
		}
	}
	// Short ones occur by chance, and give nothing away by occurring.
	return slices.ContainsFunc(secrets, func(secret []byte) bool { return len(secret) >= 8 && bytes.Contains(content, secret) })
}

// envelope returns the signed statement: the one of before if it holds this very payload, else a new one.
func (s *stages) envelope(payload []byte) ([]byte, error) {
	ref := s.config.keyRef(s.config.Keys.Statement)
	if s.run.has(fileEnvelope) {
		before, err := s.run.read(fileEnvelope, "sign")
		if err != nil {
			return nil, err
		}
		public, err := s.app.publicKey(s.ctx, "keys.statement", ref)
		if err != nil {
			return nil, err
		}
		if e, err := attest.ParseEnvelope(before); err == nil && bytes.Equal(e.Payload, payload) && e.Verify(public) == nil {
			return before, nil
		}
	}
	signer, err := s.app.signer(s.ctx, "keys.statement", ref)
	if err != nil {
		return nil, err
	}
	e, err := attest.Sign(attest.PayloadType, payload, signer)
	if err != nil {
		return nil, refused("%v", err)
	}
	raw, err := e.JSON()
	if err != nil {
		return nil, refused("%v", err)
	}
	return raw, s.run.write(fileEnvelope, raw)
}

// render writes the report page, from the bytes that were signed.
func (s *stages) render(path string, envelope []byte, bands int) error {
	lines, err := s.run.read(published(report.PathLines), "report")
	if err != nil {
		return err
	}
	bandLines := make([][]byte, bands)
	for n := range bandLines {
		if bandLines[n], err = s.run.read(published(report.PathBandLines(n)), "report"); err != nil {
			return err
		}
	}
	var page bytes.Buffer
	if err := render.HTML(&page, envelope, lines, bandLines...); err != nil {
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

// digest names the statement.
func (d draft) digest() string { return fmt.Sprintf("%x", sha256.Sum256(d.payload)) }

func withoutLeaves(files []report.File) []report.File {
	return slices.DeleteFunc(slices.Clone(files), func(f report.File) bool {
		part, _ := report.PartOf(f.Path)
		return part == report.PartShard
	})
}
