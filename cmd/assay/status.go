package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// The states of a run, in order (SPEC part 24 names the last three).
const (
	stateNone     = "none"     // no snapshot was taken
	stateTaken    = "taken"    // there is a snapshot, and no draft yet
	stateDraft    = "draft"    // a draft waits for approvals
	stateApproved = "approved" // it may be signed
	stateSigned   = "signed"
)

// status is where a run stands.
type status struct {
	State     string `json:"state"`
	Snapshot  string `json:"snapshot,omitempty"`
	Period    string `json:"period,omitempty"`
	Instant   string `json:"instant,omitempty"`
	Customers uint64 `json:"customers,omitempty"`
	Statement string `json:"statement,omitempty"`
	Approvals uint64 `json:"approvals"`
	Required  uint64 `json:"required"`
	Stale     int    `json:"stale"` // approvals of an older draft
	Signed    string `json:"signed,omitempty"`
	Attached  int    `json:"attached"`
}

func newStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say where the run stands",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if _, err := os.Stat(c.resolve(c.Run.Dir)); err != nil {
				return a.sayStatus(cmd, status{State: stateNone})
			}
			return a.inRun(cmd, func(s *stages) error {
				st, err := s.status()
				if err != nil {
					return err
				}
				return a.sayStatus(cmd, st)
			})
		},
	}
}

// status reads what the stages left, and does none of their work.
func (s *stages) status() (status, error) {
	st := status{State: stateNone}
	if !s.run.has(fileSnapshot) {
		return st, nil
	}
	var snap report.Snapshot
	if err := s.run.readJSON(fileSnapshot, "snapshot", &snap); err != nil {
		return st, err
	}
	st.State, st.Snapshot, st.Period, st.Instant = stateTaken, snap.ID.String(), snap.Period, snap.Instant.String()
	if s.run.has(fileBuild) {
		var b buildRecord
		if err := s.run.readJSON(fileBuild, "build", &b); err != nil {
			return st, err
		}
		st.Customers = b.Tree.Leaves
	}
	if !s.run.has(fileDraft) {
		return st, nil
	}
	return st, s.draftStatus(&st)
}

// draftStatus says what people and keys did with the draft.
func (s *stages) draftStatus(st *status) error {
	payload, err := s.run.read(fileDraft, "report")
	if err != nil {
		return err
	}
	statement, err := report.ParseStatement(payload)
	if err != nil {
		return unreadable("%s: %v", s.run.join(fileDraft), err)
	}
	who := statement.Predicate.Approvals
	have, err := s.approved(payload, who)
	if err != nil {
		return err
	}
	st.State, st.Statement, st.Approvals, st.Required, st.Stale = stateDraft, digestOf(payload), have.count(), who.Required, have.stale
	if st.Approvals >= st.Required {
		st.State = stateApproved
	}
	if !s.run.has(fileEnvelope) {
		return nil
	}
	raw, err := s.run.read(fileEnvelope, "sign")
	if err != nil {
		return err
	}
	e, err := attest.ParseEnvelope(raw)
	if err != nil {
		return unreadable("%s: %v", s.run.join(fileEnvelope), err)
	}
	st.Signed = digestOf(e.Payload)
	if bytes.Equal(e.Payload, payload) {
		st.State = stateSigned
	}
	attached, err := s.attachmentFiles()
	st.Attached = len(attached)
	return err
}

func (a *app) sayStatus(cmd *cobra.Command, st status) error {
	if a.json {
		return a.say(cmd, st, "")
	}
	out := cmd.OutOrStdout()
	if st.State == stateNone {
		fmt.Fprintln(out, "nothing yet: no snapshot was taken")
		return nil
	}
	fmt.Fprintf(out, "snapshot   %s, period %s, instant %s\n", st.Snapshot, st.Period, st.Instant)
	if st.Customers > 0 {
		fmt.Fprintf(out, "tree       %d customers\n", st.Customers)
	}
	if st.Statement == "" {
		fmt.Fprintln(out, "draft      none yet: assay report draws it up")
		return nil
	}
	fmt.Fprintf(out, "draft      statement %s\n", st.Statement)
	fmt.Fprintf(out, "approvals  %s\n", st.approvals())
	switch {
	case st.State == stateSigned:
		fmt.Fprintf(out, "signed     yes, with %d attachments\n", st.Attached)
	case st.Signed != "":
		fmt.Fprintf(out, "signed     an older draft, statement %s; not this one\n", st.Signed)
	default:
		fmt.Fprintln(out, "signed     no")
	}
	return nil
}

func (st status) approvals() string {
	text := fmt.Sprintf("%d of %d required", st.Approvals, st.Required)
	if st.Required == 0 {
		text = "unattended: nobody has to approve it"
	}
	if st.Stale > 0 {
		text += fmt.Sprintf("; %d of an older draft do not count", st.Stale)
	}
	return text
}
