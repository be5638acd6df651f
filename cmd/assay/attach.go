package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/timestamp"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/report"
)

func newAttach(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "attach FILE...",
		Short: "Attach auditors' findings, time stamps and a proof of the log to the signed bundle",
		Long: `Add to the run's signed bundle (folder, zip and report page) what others made of it since: auditors' findings, as assay countersign writes them, and time stamps (RFC
3161), as authorities answer the query of assay timestamp --request. Each is looked at first: what it is, whose signature it bears, and that it is about this very statement.
The statement itself is not touched.

Where the log is on another machine: assay log add entry.dsse.json --proof log.tlog-proof there, of the entry in this run's directory; and its proof is for attach, here.`,
		Args: someArgs("attach takes the files of findings, of time stamps, or of a proof of the log"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inRun(cmd, func(s *stages) error { return s.attach(cmd, args) })
		},
	}
}

// attach takes all files in, or none, and publishes them. What is attached already stays as it is.
func (s *stages) attach(cmd *cobra.Command, files []string) error {
	envelope, signed, err := s.signedStatement()
	if err != nil {
		return err
	}
	findings, err := s.findings()
	if err != nil {
		return err
	}
	stamps, err := s.stamps(envelope)
	if err != nil {
		return err
	}
	before := len(findings) + len(stamps)
	_, proof, err := s.logAttachments(envelope)
	if err != nil {
		return err
	}
	more, err := s.readAttachments(files, envelope, signed)
	if err != nil {
		return err
	}
	have := len(findings)
	for _, raw := range more.findings {
		if !slices.ContainsFunc(findings, func(b []byte) bool { return bytes.Equal(b, raw) }) {
			findings = append(findings, raw)
		}
	}
	if len(findings) > report.MaxFindings {
		return refused("a bundle holds at most %d findings, these would be %d", report.MaxFindings, len(findings))
	}
	if stamps, err = s.keepStamps(stamps, more.stamps...); err != nil {
		return err
	}
	for n := have; n < len(findings); n++ {
		if err := s.run.write(report.PathFinding(n), findings[n]); err != nil {
			return err
		}
	}
	attached := len(findings) + len(stamps) - before
	if more.proof != nil && !bytes.Equal(proof, more.proof) {
		proof = more.proof
		attached++
		if err := s.keepProof(proof, more.entry); err != nil {
			return err
		}
	}
	if err := s.publishAttachments(envelope, signed); err != nil {
		return err
	}
	if err := s.showAgain(signed); err != nil {
		return err
	}
	place := ""
	if proof != nil {
		place = ", and shows its place in a log"
	}
	return s.app.say(cmd, map[string]any{"attached": attached, "findings": len(findings), "timestamps": len(stamps), "log": proof != nil, "statement": signed.Digest.String()},
		"attached %d, the bundle holds %d findings and %d time stamps%s", attached, len(findings), len(stamps), place)
}

// attachments are what attach was given.
type attachments struct {
	findings     [][]byte
	stamps       []timestamp.Stamp
	entry, proof []byte // of the log; nil if there was none
}

// readAttachments reads files, each by what it is, and refuses what is not about the signed statement.
func (s *stages) readAttachments(files []string, envelope []byte, signed report.Signed) (attachments, error) {
	var all, none attachments
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return none, unreadable("%v", err)
		}
		if tlog.IsProof(raw) {
			if all.entry, err = s.signedEntry(envelope); err != nil {
				return none, err
			}
			if err := s.showsEntry(file, raw, all.entry); err != nil {
				return none, err
			}
			all.proof = raw
			continue
		}
		if isDER(raw) {
			stamp, err := timestamp.Read(raw, envelope)
			if err != nil {
				return none, hinted(refused("%s: %v", file, err), "authorities make time stamps of the query that assay timestamp --request writes, for this very statement")
			}
			all.stamps = append(all.stamps, stamp)
			continue
		}
		if err := aboutStatement(raw, signed); err != nil {
			return none, hinted(refused("%s: %v", file, err), "auditors make findings with assay countersign, from this very bundle")
		}
		all.findings = append(all.findings, raw)
	}
	return all, nil
}

// isDER tells a time stamp from an envelope, which is JSON.
func isDER(raw []byte) bool { return bytes.HasPrefix(raw, []byte{0x30}) }

// aboutStatement refuses what cannot be attached to a signed statement.
func aboutStatement(raw []byte, signed report.Signed) error {
	_, about, err := report.ReadFinding(raw)
	if err != nil {
		return err
	}
	if about != signed.Digest {
		return fmt.Errorf("it is about the statement %s, this run's is %s", about, signed.Digest)
	}
	return nil
}

// publishAttachments adds what the run holds to the bundle's folder, and makes zip and page anew.
func (s *stages) publishAttachments(envelope []byte, signed report.Signed) error {
	attached, err := s.attachmentFiles()
	if err != nil {
		return err
	}
	dir := s.config.resolve(s.config.Bundle.Dir)
	if err := report.Attach(dir, attached...); err != nil {
		return hinted(unreadable("%v", err), "assay sign writes the bundle")
	}
	files, err := report.ReadDir(dir)
	if err != nil {
		return unreadable("%v", err)
	}
	if err := report.Lint(files, s.private); err != nil {
		return refused("%v", err)
	}
	if err := s.writeZip(s.config.resolve(s.config.Bundle.Zip), files); err != nil {
		return err
	}
	return s.render(filepath.Join(s.config.resolve(s.config.Bundle.Report), "index.html"), envelope, len(signed.Statement.Predicate.Bands))
}

// findings are the auditors' that were attached, in order.
func (s *stages) findings() ([][]byte, error) {
	var all [][]byte
	for n := 0; n < report.MaxFindings && s.run.has(report.PathFinding(n)); n++ {
		raw, err := s.run.read(report.PathFinding(n), "attach")
		if err != nil {
			return nil, err
		}
		all = append(all, raw)
	}
	return all, nil
}

// attachmentFiles are what was attached to the signed statement. Of files that are of use only together a half is passed over: it
// was being written when the stage ended, which makes the whole when it is done again.
func (s *stages) attachmentFiles() ([]report.File, error) {
	var files []report.File
	root := s.run.join(dirAttachments)
	err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") { // a write that was interrupted leaves one with a dot
			return err
		}
		rel, err := filepath.Rel(s.run.path, name)
		if err != nil {
			return err
		}
		f, err := report.NewDiskFile(filepath.ToSlash(rel), name)
		files = append(files, f)
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, unreadable("%v", err)
	}
	for _, pair := range [][]string{{report.PathEntry, report.PathLogProof}, {report.PathAnchor, report.PathAnchorProof}} {
		if s.run.has(pair[0]) != s.run.has(pair[1]) {
			files = slices.DeleteFunc(files, func(f report.File) bool { return slices.Contains(pair, f.Path) })
		}
	}
	return files, nil
}
