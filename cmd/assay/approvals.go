package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

func newApproveImport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE...",
		Short: "Take approvals into the run",
		Long: `Take in what approvers sent: each must be a signature over this run's draft, by a key of [approvals]. One key counts once, however often it signed. Once
enough are there, assay sign (or assay run) goes on.`,
		Args: someArgs("approve import takes the files that approvers sent"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inRun(cmd, func(s *stages) error { return s.importApprovals(cmd, args) })
		},
	}
}

// importApprovals takes all files in, or none.
func (s *stages) importApprovals(cmd *cobra.Command, files []string) error {
	payload, who, err := s.drafted()
	if err != nil {
		return err
	}
	if who.Required == 0 {
		return hinted(refused("this statement is unattended: nobody has to approve it"), "name approvers under [approvals], then assay report")
	}
	taken := map[string]attest.Envelope{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return unreadable("%v", err)
		}
		e, err := attest.ParseEnvelope(raw)
		if err != nil {
			return unreadable("%s: %v", file, err)
		}
		if !bytes.Equal(e.Payload, payload) {
			return hinted(refused("%s approves the statement %s, the draft is %s", file, digestOf(e.Payload), digestOf(payload)),
				"the draft changed since, or it is of another run: send the approvers %s", s.rel(s.run.join(fileDraft)))
		}
		if err := e.Verify(who.Keys...); err != nil {
			return hinted(refused("%s: %v", file, err), "the keys that may approve are those of [approvals]")
		}
		for _, sig := range e.Signatures {
			taken[sig.KeyID] = attest.Envelope{Payload: e.Payload, PayloadType: e.PayloadType, Signatures: []attest.Signature{sig}}
		}
	}
	for id, e := range taken {
		raw, err := e.JSON()
		if err != nil {
			return refused("%v", err)
		}
		if err := s.run.write(approvalFile(id), raw); err != nil {
			return err
		}
	}
	have, err := s.approved(payload, who)
	if err != nil {
		return err
	}
	return s.app.say(cmd, map[string]any{"approvals": have.count(), "required": who.Required, "statement": digestOf(payload)},
		"approvals: %d of %d required are there", have.count(), who.Required)
}

// drafted is the run's draft, and who may approve it.
func (s *stages) drafted() ([]byte, report.Approvals, error) {
	payload, err := s.run.read(fileDraft, "report")
	if err != nil {
		return nil, report.Approvals{}, err
	}
	statement, err := report.ParseStatement(payload)
	if err != nil {
		return nil, report.Approvals{}, unreadable("%s: %v", s.run.join(fileDraft), err)
	}
	return payload, statement.Predicate.Approvals, nil
}

func approvalFile(keyID string) string { return dirApprovals + "/" + keyID + ".dsse.json" }

// approved are the approvals that the run holds of a statement.
type approved struct {
	keyIDs []string
	all    []attest.Envelope
	stale  int // of other bytes: they do not count
}

func (h approved) count() uint64 { return uint64(len(h.keyIDs)) }

// approved reads and verifies the approvals that were taken in.
func (s *stages) approved(payload []byte, who report.Approvals) (approved, error) {
	var have approved
	for _, key := range who.Keys {
		name := approvalFile(key.KeyID())
		if !s.run.has(name) {
			continue
		}
		raw, err := s.run.read(name, "approve import")
		if err != nil {
			return have, err
		}
		e, err := attest.ParseEnvelope(raw)
		if err == nil && !bytes.Equal(e.Payload, payload) {
			have.stale++
			continue
		}
		if err == nil {
			err = e.Verify(key)
		}
		if err != nil {
			return have, hinted(unreadable("%s: %v", s.run.join(name), err), "remove it, and take the approval in again")
		}
		have.keyIDs, have.all = append(have.keyIDs, key.KeyID()), append(have.all, e)
	}
	return have, nil
}

// await is an error of waiting until enough people approved this very payload.
func (s *stages) await(have approved, who report.Approvals) error {
	if have.count() >= who.Required {
		return nil
	}
	text := fmt.Sprintf("waiting for approvals of the draft: %d of %d are there", have.count(), who.Required)
	if have.stale > 0 {
		text += fmt.Sprintf(", and %d of an older draft, which do not count", have.stale)
	}
	return waiting(fmt.Sprintf("have %s read and approved with assay approve, then assay approve import FILE... and the same command again", s.rel(s.run.join(fileDraft))), "%s", text)
}
