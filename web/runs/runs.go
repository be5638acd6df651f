// Package runs is what a server asks of a worker, and what a worker tells it. The two share
// a database and nothing else: the server has neither ledger nor key of the statement, so it
// writes down what is wanted; the worker inside does it, and writes down how far it is.
//
// There are three kinds. A report is drawn up, waits for its approvers and for somebody to
// ask for its publishing, and is published. A withdrawal takes a published statement back, once
// as many of its approvers signed that as had to approve it. A finding, an auditor's, is put
// beside a published statement.
//
//	asked → running → waiting → running → published
//	                     ↘ failed, cancelled
//
// Whoever approves signs the draft's very bytes, in an envelope as assay approve writes it: a
// draft that changed has other bytes, and what was said of the former one counts no more. The
// same signatures go into the statement, where the worker and every verifier check them
// again: a broken server approves nothing.
//
// A worker holds what it works on for a short while, which it prolongs; who finds one that
// was left goes on with it. Only one is worked on at a time.
package runs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/store"
)

// The kinds of runs.
const (
	Report     = "report"
	Withdrawal = "withdrawal"
	Finding    = "finding"
)

// The states of a run. The last three are final, except that one which failed may be resumed.
const (
	Asked     = "asked"
	Running   = "running"
	Waiting   = "waiting" // for people, signatures, blocks or nodes: the last event of that kind says which
	Published = "published"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// The kinds of events. One that tells how far a stage is is taken out once anything newer happened.
const (
	EventAsked     = "asked"
	EventStarted   = "started"
	EventStage     = "stage"
	EventProgress  = "progress"
	EventDrafted   = "drafted"  // text: the draft's digest
	EventApproved  = "approved" // text: the approver's key, and how many there are
	EventWaiting   = "waiting"
	EventPublish   = "publish" // somebody asked for it; text: the draft's digest
	EventPublished = "published"
	EventFailed    = "failed"
	EventResumed   = "resumed"
	EventCancelled = "cancelled"
)

// Conflict says in a sentence why a run is not in a state for what was asked.
type Conflict struct{ Sentence string }

func (c *Conflict) Error() string { return c.Sentence }

func conflict(format string, args ...any) error { return &Conflict{fmt.Sprintf(format, args...)} }

// Invalid says in a sentence why what was sent is refused, in whatever state a run is.
type Invalid struct{ Sentence string }

func (i *Invalid) Error() string { return i.Sentence }

func invalid(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// ErrSelf says that whoever asked for something would approve it.
var ErrSelf = fmt.Errorf("whoever asked for it cannot approve it")

// Ended reports whether nothing more happens to a run by itself.
func Ended(state string) bool { return slices.Contains([]string{Published, Failed, Cancelled}, state) }

// Digest names a draft: the SHA-256 of its bytes, in hex. A statement's digest is that of the draft that was signed.
func Digest(draft []byte) string {
	sum := sha256.Sum256(draft)
	return hex.EncodeToString(sum[:])
}

var period = regexp.MustCompile(`^[A-Za-z0-9.-]{1,32}$`)

// Approvals are who may approve a run's draft, and how many must. Requires a draft.
func Approvals(r store.Run) (a report.Approvals, payloadType string, err error) {
	if r.Kind == Withdrawal {
		return a, attest.PayloadEntry, attest.Decode(r.Content, &a)
	}
	statement, err := report.ParseStatement(r.Draft)
	return statement.Predicate.Approvals, attest.PayloadType, err
}

// note adds an event to a run that is being changed.
func note(ctx context.Context, tx *store.Tx, r *store.Run, at time.Time, kind, text string) error {
	r.Events++
	r.Changed = at
	return tx.AddRunEvent(ctx, r.ID, store.RunEvent{Seq: r.Events, At: at, Kind: kind, Text: clip(text)}, EventProgress)
}

// maxText is the most that an event says, in bytes.
const maxText = 2048

func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	text = text[:maxText]
	for !utf8.ValidString(text) { // a rune was cut
		text = text[:len(text)-1]
	}
	return text
}
