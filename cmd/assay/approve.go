package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

func newApprove(a *app) *cobra.Command {
	var key, formerFile string
	var yes bool
	cmd := &cobra.Command{
		Use:   "approve DRAFT",
		Short: "Read a draft on a machine of your own, and approve it with a key of your own",
		Long: `Show what a draft (run/draft.json of the exchange) says, what changed since the former statement, and what to look at twice. It needs no assay.toml and no run.

With --key it then asks, or takes --yes for an answer, and writes approval-KEYID.dsse.json: your signature over these very bytes. Send it to the exchange, which
takes it in with assay approve import, or over the API. Compare the statement's digest with what your colleagues see, over a line of its own.

The draft of a withdrawal that was asked for over the API (GET /v1/runs/ID/draft) is shown and approved likewise.`,
		Args: oneArg("approve takes one draft"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.approve(cmd, args[0], formerFile, key, yes)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "your key, such as file:alice.age; without it the draft is only shown")
	cmd.Flags().StringVar(&formerFile, "former", "", "the signed statement before this one (statement.dsse.json), from your own archive")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.AddCommand(newApproveImport(a))
	return cmd
}

// approval is what approve says of itself as JSON.
type approval struct {
	review
	Exchange string `json:"exchange"`
	Period   string `json:"period"`
	Instant  string `json:"instant"`
	Approval string `json:"approval,omitempty"` // the file written
}

func (a *app) approve(cmd *cobra.Command, draftFile, formerFile, ref string, yes bool) error {
	payload, err := os.ReadFile(draftFile)
	if err != nil {
		return unreadable("%v", err)
	}
	if entry, err := report.ParseEntry(payload); err == nil && entry.Kind == report.EntryWithdrawal {
		return a.approveWithdrawal(cmd, payload, entry, ref, yes)
	}
	statement, err := report.ParseStatement(payload)
	if err != nil {
		return unreadable("%s: %v", draftFile, err)
	}
	p := statement.Predicate
	former, err := formerOf(p, formerFile)
	if err != nil {
		return err
	}
	said := approval{review: newReview(digestOf(payload), p, former, defaultConfig().Drift), Exchange: p.Snapshot.Exchange.Name, Period: p.Snapshot.Period, Instant: p.Snapshot.Instant.String()}
	if !a.json {
		if err := a.sayDraft(cmd, said, p); err != nil {
			return err
		}
	}
	if ref != "" {
		if said.Approval, err = a.signApproval(cmd, attest.PayloadType, payload, &p.Approvals, ref, yes); err != nil {
			return err
		}
		return a.say(cmd, said, "approved: %s; send it to the exchange", said.Approval)
	}
	if a.json {
		return a.say(cmd, said, "")
	}
	return nil
}

// formerOf reads the former statement, which must be the one that the draft names.
func formerOf(p report.Predicate, path string) (*report.Signed, error) {
	if path == "" {
		return nil, nil
	}
	former, err := readStatement(path)
	if err != nil {
		return nil, err
	}
	if p.Series.Previous == nil || *p.Series.Previous != former.Digest {
		return nil, refused("--former: %s is the statement %s, which the draft does not name as the one before it", path, former.Digest)
	}
	return &former, nil
}

func (a *app) sayDraft(cmd *cobra.Command, said approval, p report.Predicate) error {
	fmt.Fprintf(cmd.OutOrStdout(), "draft of %s (%s), period %s, instant %s\nstatement %s\nseries %s, number %d; drawn up %s; %d customers\n",
		p.Snapshot.Exchange.Name, p.Snapshot.Exchange.Entity, p.Snapshot.Period, p.Snapshot.Instant, said.Statement, p.Series.Name, p.Series.Number, p.Issued, p.Ledger.Customers)
	if err := a.sayCoverage(cmd, p); err != nil {
		return err
	}
	return a.sayReview(cmd, said.review, p)
}

// approveWithdrawal is approve for the entry that takes a statement back. Who may approve it, the statement says, which is not here.
func (a *app) approveWithdrawal(cmd *cobra.Command, payload []byte, entry report.Entry, ref string, yes bool) error {
	said := map[string]string{"draft": digestOf(payload), "exchange": entry.Exchange, "statement": entry.Statement.String(), "reason": entry.Text}
	if !a.json {
		if err := a.say(cmd, nil, "withdrawal, for good, of the statement %s of %s\nreason %q\ndigest %s", entry.Statement, entry.Exchange, entry.Text, digestOf(payload)); err != nil {
			return err
		}
	}
	if ref == "" {
		if a.json {
			return a.say(cmd, said, "")
		}
		return nil
	}
	file, err := a.signApproval(cmd, attest.PayloadEntry, payload, nil, ref, yes)
	if err != nil {
		return err
	}
	said["approval"] = file
	return a.say(cmd, said, "approved: %s; send it to the exchange", file)
}

// signApproval signs the draft's bytes with the approver's key, once the approver agreed, and returns the file. Where it is known who may approve,
// others do not.
func (a *app) signApproval(cmd *cobra.Command, payloadType string, payload []byte, who *report.Approvals, ref string, yes bool) (string, error) {
	if err := agree(cmd, yes); err != nil {
		return "", err
	}
	signer, err := a.signer(cmd.Context(), "--key", ref)
	if err != nil {
		return "", err
	}
	if who != nil && !slices.Contains(who.Keys, signer.PublicKey()) {
		return "", hinted(refused("the draft does not name key %s among the %d that may approve it", signer.PublicKey(), len(who.Keys)), "the exchange lists approvers under [approvals]")
	}
	raw, err := envelopeOf(payloadType, payload, signer)
	if err != nil {
		return "", err
	}
	path := "approval-" + signer.PublicKey().KeyID()[:8] + ".dsse.json"
	if err := renameio.WriteFile(path, raw, 0o644); err != nil {
		return "", unreadable("%v", err)
	}
	return path, nil
}

// agree asks the person at the terminal.
func agree(cmd *cobra.Command, yes bool) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return hinted(usage("there is no terminal to ask at"), "read what is shown above, then say --yes")
	}
	fmt.Fprint(cmd.ErrOrStderr(), "Approve these very bytes? Type yes: ")
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return refused("not approved")
	}
	return nil
}
