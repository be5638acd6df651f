package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// The states of a run, in order (SPEC part 24 names the last six).
const (
	stateNone     = "none"     // no snapshot was taken
	stateTaken    = "taken"    // there is a snapshot, and no draft yet
	stateDraft    = "draft"    // a draft waits for approvals, or for what moved to be confirmed
	stateApproved = "approved" // it may be signed
	stateSigned   = "signed"

	statePublished  = "published"  // the log holds it
	stateSuperseded = "superseded" // and another one in its place
	stateWithdrawn  = "withdrawn"  // and that it does not hold any more
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
	Stale     int    `json:"stale"`             // approvals of an older draft
	Confirm   string `json:"confirm,omitempty"` // digest of what moved, if nobody confirmed it yet
	Signed    string `json:"signed,omitempty"`
	Attached  int    `json:"attached"`

	Log *logStatus `json:"log,omitempty"`
}

// logStatus is what the log says of the signed statement.
type logStatus struct {
	Origin       string   `json:"origin"`
	Index        uint64   `json:"index"`
	Waiting      bool     `json:"waiting"` // for the witnesses: it is entered, and not published yet
	SupersededBy string   `json:"superseded_by,omitempty"`
	Withdrawn    bool     `json:"withdrawn"`
	Reason       string   `json:"reason,omitempty"` // why it was superseded or withdrawn
	Errata       []string `json:"errata"`
	Unseen       bool     `json:"unseen"` // one of these waits for the witnesses: readers do not see it yet
}

func newStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say where the run stands",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.readRun(cmd, func(s *stages) error {
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
		st.Customers = b.Ledger.Customers
	}
	if !s.run.has(fileDraft) {
		return st, nil
	}
	return st, s.draftStatus(&st)
}

// draftStatus says what people and keys did with the draft.
func (s *stages) draftStatus(st *status) error {
	payload, who, err := s.drafted()
	if err != nil {
		return err
	}
	have, err := s.approved(payload, who)
	if err != nil {
		return err
	}
	st.State, st.Statement, st.Approvals, st.Required, st.Stale = stateDraft, digestOf(payload), have.count(), who.Required, have.stale
	if st.Confirm, err = s.draftToConfirm(payload); err != nil {
		return err
	}
	if st.Approvals >= st.Required && st.Confirm == "" {
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
		st.State, st.Confirm = stateSigned, ""
	}
	attached, err := s.attachmentFiles()
	if err != nil {
		return err
	}
	st.Attached = len(attached)
	return s.logStatus(st)
}

// logStatus says what became of the signed statement, by the log.
func (s *stages) logStatus(st *status) error {
	there, err := s.entered()
	if err != nil || there == nil {
		return err
	}
	log := &logStatus{Origin: s.config.Log.Origin, Index: there.Index, Waiting: !s.log.published(there.Noted), Errata: []string{}}
	state := statePublished
	if by := there.SupersededBy; by != nil {
		state, log.SupersededBy, log.Reason = stateSuperseded, by.Entry.Statement.String(), by.Entry.Series.Supersedes.Reason
	}
	if w := there.Withdrawal; w != nil {
		state, log.Withdrawn, log.Reason = stateWithdrawn, true, w.Entry.Text
	}
	for _, e := range there.Errata {
		log.Errata = append(log.Errata, e.Entry.Text)
	}
	log.Unseen = !log.Waiting && slices.ContainsFunc(notices(there), func(n report.Noted) bool { return !s.log.published(n) })
	if st.State == stateSigned && !log.Waiting {
		st.State = state
	}
	st.Log = log
	return nil
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
	if st.Confirm != "" {
		fmt.Fprintf(out, "moved      more than [drift] allows: assay report lists it; if it is right, assay confirm %s\n", st.Confirm)
	}
	switch {
	case st.Signed == st.Statement:
		fmt.Fprintf(out, "signed     yes, with %d attachments\n", st.Attached)
	case st.Signed != "":
		fmt.Fprintf(out, "signed     an older draft, statement %s; not this one\n", st.Signed)
	default:
		fmt.Fprintln(out, "signed     no")
	}
	st.Log.say(out)
	return nil
}

// say prints what the log says, the worst first.
func (l *logStatus) say(out io.Writer) {
	if l == nil {
		return
	}
	if l.Withdrawn {
		fmt.Fprintf(out, "WITHDRAWN  %q\n", l.Reason)
	}
	if l.SupersededBy != "" {
		fmt.Fprintf(out, "SUPERSEDED by statement %s\n", l.SupersededBy)
		if !l.Withdrawn {
			fmt.Fprintf(out, "reason     %q\n", l.Reason)
		}
	}
	for _, text := range l.Errata {
		fmt.Fprintf(out, "erratum    %q\n", text)
	}
	if l.Waiting {
		fmt.Fprintf(out, "published  no: entry #%d of %s waits for the witnesses; assay publish tries again\n", l.Index, l.Origin)
		return
	}
	fmt.Fprintf(out, "published  entry #%d of %s\n", l.Index, l.Origin)
	if l.Unseen {
		fmt.Fprintln(out, "waiting    not all of this is published: what was entered last waits for the witnesses; assay log cosign tries again")
	}
}

// notices are what the log says of a statement after it was entered.
func notices(of *report.Listed) []report.Noted {
	all := slices.Clone(of.Errata)
	if of.SupersededBy != nil {
		all = append(all, of.SupersededBy.Noted)
	}
	if of.Withdrawal != nil {
		all = append(all, *of.Withdrawal)
	}
	return all
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
