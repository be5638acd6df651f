package api

import (
	"time"

	"github.com/assay-por/assay/web/store"
)

// Runs is a page of the runs, newest first.
type Runs struct {
	Runs []Run  `json:"runs" nullable:"false" maxItems:"500"`
	Next string `json:"next,omitempty" maxLength:"256" doc:"Cursor for the runs before these; missing on the last page"`
}

// Run is something that a worker does inside, and how far it is.
type Run struct {
	ID         string `json:"id" minLength:"16" maxLength:"16"`
	Kind       string `json:"kind" enum:"report,withdrawal,finding"`
	State      string `json:"state" enum:"asked,running,waiting,published,failed,cancelled" doc:"What it waits for, or why it failed, the last event of that kind says"`
	Client     string `json:"client" maxLength:"32" doc:"Who asked"`
	Period     string `json:"period,omitempty" maxLength:"32" doc:"As it was asked for"`
	Instant    string `json:"instant,omitempty" maxLength:"20" doc:"As it was asked for"`
	Supersedes string `json:"supersedes,omitempty" maxLength:"1024" doc:"Why it takes the place of the statement of the same period"`
	Unsigned   bool   `json:"unsigned" doc:"It goes on without the wallets' signatures that are missing"`
	About      string `json:"about,omitempty" maxLength:"64" doc:"Digest of the statement that a withdrawal or a finding is about"`
	Draft      string `json:"draft,omitempty" maxLength:"64" doc:"Digest of the draft, which approvers sign"`
	Publish    bool   `json:"publish" doc:"Somebody asked that this very draft be published"`
	Statement  string `json:"statement,omitempty" maxLength:"64" doc:"Digest of the statement, once it is published"`
	Cancel     bool   `json:"cancel" doc:"Somebody asked that it be cancelled, which its worker has not heard yet"`
	Created    string `json:"created" format:"date-time" maxLength:"20"`
	Changed    string `json:"changed" format:"date-time" maxLength:"20"`
	Seq        int64  `json:"seq" format:"int64" minimum:"0" maximum:"9007199254740991" doc:"Number of the last event"`
}

// RunDetail is a run with what happened to it.
type RunDetail struct {
	Run
	Approvals *RunApprovals `json:"approvals,omitempty" doc:"Missing as long as there is no draft"`
	Events    []RunEvent    `json:"events" nullable:"false" maxItems:"500" doc:"Those after the one that was asked for, oldest first"`
}

// RunApprovals are who may approve a draft, and who did.
type RunApprovals struct {
	Required int      `json:"required" format:"int32" minimum:"0" maximum:"30" doc:"How many must; 0: the statement is unattended"`
	Keys     []string `json:"keys" nullable:"false" maxItems:"30" maxLength:"128" doc:"Ids of the keys that may approve"`
	Approved []string `json:"approved" nullable:"false" maxItems:"30" maxLength:"128" doc:"Ids of the keys that signed this very draft"`
}

// RunEvent is something that happened to a run. Numbers only grow; some are missing, as how far a stage is is told only until something newer is known.
type RunEvent struct {
	Seq  int64  `json:"seq" format:"int64" minimum:"1" maximum:"9007199254740991"`
	At   string `json:"at" format:"date-time" maxLength:"20"`
	Kind string `json:"kind" enum:"asked,started,stage,progress,drafted,approved,waiting,publish,published,failed,resumed,cancelled"`
	Text string `json:"text" maxLength:"2048"`
}

// RunWish says which report is asked for.
type RunWish struct {
	Period     string `json:"period,omitempty" minLength:"1" maxLength:"32" pattern:"^[A-Za-z0-9.-]+$" doc:"Name of the period, such as 2026-11; missing: year and month of the instant"`
	Instant    string `json:"instant,omitempty" maxLength:"20" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$" doc:"Of the snapshot, UTC; missing: when the worker takes it"`
	Supersedes string `json:"supersedes,omitempty" minLength:"1" maxLength:"1024" doc:"Why it takes the place of the statement of the same period, which everybody is told"`
	Unsigned   bool   `json:"unsigned,omitempty" doc:"Go on without the wallets' signatures that are missing: those wallets count for nothing"`
}

// Envelope is what approvers and auditors sign, as assay approve and assay countersign write it (SPEC part 10).
type Envelope struct {
	Payload     string              `json:"payload" minLength:"1" maxLength:"1048576" format:"byte" doc:"The very bytes that are signed, base64"`
	PayloadType string              `json:"payloadType" minLength:"1" maxLength:"64"`
	Signatures  []EnvelopeSignature `json:"signatures" nullable:"false" minItems:"1" maxItems:"32"`
}

// EnvelopeSignature is one key's signature of an envelope.
type EnvelopeSignature struct {
	KeyID string `json:"keyid" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$"`
	Sig   string `json:"sig" minLength:"1" maxLength:"256" format:"byte"`
}

// PublishWish says what is to be published: a draft that changed meanwhile is not.
type PublishWish struct {
	Draft string `json:"draft" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"Digest of the draft"`
}

// WithdrawWish says why a statement is withdrawn.
type WithdrawWish struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1024" doc:"Which everybody is told, in the log"`
}

func runOf(r store.Run) Run {
	return Run{
		ID: r.ID, Kind: r.Kind, State: r.State, Client: r.Client, Period: r.Period, Instant: r.Instant, Supersedes: r.Supersedes, Unsigned: r.Unsigned, About: r.About, Draft: r.Digest,
		Publish: r.Digest != "" && r.Publish == r.Digest, Statement: r.Statement, Cancel: r.Cancel, Created: r.Created.Format(time.RFC3339), Changed: r.Changed.Format(time.RFC3339), Seq: r.Events,
	}
}

func eventsOf(all []store.RunEvent) []RunEvent {
	out := make([]RunEvent, len(all))
	for i, e := range all {
		out[i] = RunEvent{Seq: e.Seq, At: e.At.Format(time.RFC3339), Kind: e.Kind, Text: e.Text}
	}
	return out
}
