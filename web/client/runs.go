package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Run is what a server's worker was asked for, and how far it is (GET /v1/runs).
type Run struct {
	ID         string `json:"id"`
	Kind       string `json:"kind"`  // report, withdrawal or finding
	State      string `json:"state"` // asked, running, waiting, published, failed or cancelled
	Client     string `json:"client"`
	Period     string `json:"period,omitempty"`
	Instant    string `json:"instant,omitempty"`
	Supersedes string `json:"supersedes,omitempty"` // why it takes the place of the statement of the same period
	Unsigned   bool   `json:"unsigned"`
	About      string `json:"about,omitempty"`     // digest of the statement that a withdrawal or a finding is about
	Draft      string `json:"draft,omitempty"`     // digest of the draft, once there is one
	Publish    bool   `json:"publish"`             // somebody asked that this draft be published
	Statement  string `json:"statement,omitempty"` // digest of the statement, once it is published
	Cancel     bool   `json:"cancel"`              // somebody asked that it be cancelled
	Created    string `json:"created"`
	Changed    string `json:"changed"`
	Seq        int64  `json:"seq"` // number of the last event

	Approvals *RunApprovals `json:"approvals,omitempty"` // these two of [Client.Run] alone
	Events    []RunEvent    `json:"events,omitempty"`
}

// Ended reports whether nothing more happens to a run by itself.
func (r Run) Ended() bool {
	return r.State == "published" || r.State == "failed" || r.State == "cancelled"
}

// RunApprovals are the ids of the keys that may approve a draft, and of those that did.
type RunApprovals struct {
	Required int      `json:"required"`
	Keys     []string `json:"keys"`
	Approved []string `json:"approved"`
}

// RunEvent is something that happened to a run.
type RunEvent struct {
	Seq  int64  `json:"seq"`
	At   string `json:"at"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// RunWish says which report is asked for. What is left empty the worker chooses.
type RunWish struct {
	Period     string `json:"period,omitempty"`
	Instant    string `json:"instant,omitempty"`    // 2026-11-01T00:00:00Z
	Supersedes string `json:"supersedes,omitempty"` // why it takes the place of the statement of the same period
	Unsigned   bool   `json:"unsigned,omitempty"`   // go on without the wallets' signatures that are missing
}

// MaxWait is how long a server lets a question wait for something to happen.
const MaxWait = 20 * time.Second

// Runs are the runs that there are, newest first; of one state, if it is given.
func (c *Client) Runs(ctx context.Context, state string) iter.Seq2[Run, error] {
	query := url.Values{}
	if state != "" {
		query.Set("state", state)
	}
	return pages(ctx, c, "/v1/runs", query, func(p struct {
		Runs []Run  `json:"runs"`
		Next string `json:"next"`
	}) ([]Run, string) {
		return p.Runs, p.Next
	})
}

// Run is a run with what happened to it after the event of that number. If nothing did, the server waits for up to that long, of
// which it takes whole seconds up to [MaxWait].
func (c *Client) Run(ctx context.Context, id string, after int64, wait time.Duration) (Run, error) {
	query := url.Values{"after": {strconv.FormatInt(after, 10)}, "wait": {strconv.Itoa(int(min(wait, MaxWait) / time.Second))}}
	return c.run(ctx, question{http.MethodGet, runPath(id, "?") + query.Encode(), nil, "", ""})
}

// Draft is what approvers sign of a run: its very bytes.
func (c *Client) Draft(ctx context.Context, id string) ([]byte, error) {
	resp, err := c.ask(ctx, question{http.MethodGet, runPath(id, "/draft"), nil, "", ""}, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return wholeOf(resp)
}

// AskRun asks for a report; of the wish's name see [Client.CreateClient].
func (c *Client) AskRun(ctx context.Context, wish string, w RunWish) (Run, error) {
	return c.run(ctx, question{http.MethodPost, "/v1/runs", w, wish, ""})
}

// ApproveRun hands in the file that assay approve wrote of a run's draft.
func (c *Client) ApproveRun(ctx context.Context, id string, envelope []byte) (Run, error) {
	return c.run(ctx, question{http.MethodPost, runPath(id, "/approvals"), json.RawMessage(envelope), "", ""})
}

// PublishRun has a draft published, named by its digest, that enough people approved.
func (c *Client) PublishRun(ctx context.Context, id, draft string) (Run, error) {
	return c.run(ctx, question{http.MethodPost, runPath(id, ":publish"), map[string]string{"draft": draft}, "", ""})
}

// CancelRun ends a run that is not being published.
func (c *Client) CancelRun(ctx context.Context, id string) (Run, error) {
	return c.run(ctx, question{http.MethodPost, runPath(id, ":cancel"), nil, "", ""})
}

// ResumeRun has a run looked at again that failed, or that waits.
func (c *Client) ResumeRun(ctx context.Context, id string) (Run, error) {
	return c.run(ctx, question{http.MethodPost, runPath(id, ":resume"), nil, "", ""})
}

// Withdraw asks that a published statement be taken back, for a reason that everybody is told.
func (c *Client) Withdraw(ctx context.Context, wish, statement, reason string) (Run, error) {
	return c.run(ctx, question{http.MethodPost, fmt.Sprintf("/v1/reports/%s:withdraw", url.PathEscape(statement)), map[string]string{"reason": reason}, wish, ""})
}

// SubmitFinding hands in the file that assay countersign wrote about a published statement.
func (c *Client) SubmitFinding(ctx context.Context, wish, statement string, envelope []byte) (Run, error) {
	return c.run(ctx, question{http.MethodPost, fmt.Sprintf("/v1/reports/%s/findings", url.PathEscape(statement)), json.RawMessage(envelope), wish, ""})
}

func (c *Client) run(ctx context.Context, q question) (r Run, err error) {
	_, err = c.call(ctx, q, &r)
	return r, err
}

func runPath(id, rest string) string { return "/v1/runs/" + url.PathEscape(id) + rest }
