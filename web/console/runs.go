package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/assay-por/assay/web/api"
)

func (c *Console) runRoutes() {
	c.page("GET "+Path+"runs", (*visit).runs)
	c.form(Path+"runs/new", "run:start", (*visit).askRun)
	c.page("GET "+Path+"runs/{id}", (*visit).run)
	c.page("GET "+Path+"runs/{id}/draft", (*visit).draft)
	c.page("GET "+Path+"runs/{id}/draft.json", (*visit).draftFile)
	c.upload("POST "+Path+"runs/{id}/approvals", (*visit).approve)
	c.page("POST "+Path+"runs/{id}/publish", (*visit).publish)
	c.page("POST "+Path+"runs/{id}/cancel", func(v *visit) error { return v.runAct("cancel", "cancelled") })
	c.page("POST "+Path+"runs/{id}/resume", func(v *visit) error { return v.runAct("resume", "resumed") })
}

const askTitle = "Ask for a report"

// states are those of runs, as people say them.
var states = []option{{"", "All", ""}, {"waiting", "Waiting", ""}, {"running", "Running", ""}, {"asked", "Asked for", ""}, {"published", "Published", ""}, {"failed", "Failed", ""}, {"cancelled", "Cancelled", ""}}

// listed is a page of a list.
type listed struct {
	Rows   any
	Filter string
	States []option
	Next   string // where the page after it is; empty: it is the last
	May    bool   // add to it
}

// following is the address of the page after this one.
func (v *visit) following(path, cursor string, keep url.Values) string {
	if cursor == "" {
		return ""
	}
	q := url.Values{"cursor": {cursor}}
	for name, values := range keep {
		if values[0] != "" {
			q[name] = values
		}
	}
	return path + "?" + q.Encode()
}

// query is what the API is asked with, of what the page was.
func (v *visit) query(names ...string) string {
	q := url.Values{}
	for _, name := range names {
		if value := v.r.URL.Query().Get(name); value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (v *visit) runs() error {
	var all api.Runs
	if _, err := v.get("/v1/runs"+v.query("state", "cursor"), &all); err != nil {
		return err
	}
	state := v.r.URL.Query().Get("state")
	return v.show("runs", page{Title: "Runs", Data: listed{Rows: all.Runs, Filter: state, States: states, Next: v.following(Path+"runs", all.Next, url.Values{"state": {state}}), May: v.may("run:start")}})
}

func runForm() *form {
	return &form{Action: Path + "runs/new", Submit: "Ask for it", Fields: []field{
		{Name: "period", Label: "Period", Hint: "Such as 2026-11. Left empty: year and month of the instant.", Kind: "text", Most: 32, Auto: "off", Rule: "Letters, digits, dots and dashes, at most 32."},
		{Name: "instant", Label: "Instant of the snapshot", Hint: "In UTC, such as 2026-11-30T23:59:59Z. Left empty: when the worker takes it.", Kind: "text", Most: 20, Auto: "off", Rule: "A time of UTC such as 2026-11-30T23:59:59Z."},
		{Name: "supersedes", Label: "Why it takes the place of an earlier statement", Hint: "Only if a statement of this period was published already. Everybody is told.", Kind: "area", Most: 1024, Rule: "At most 1024 characters, without breaks."},
		{Name: "unsigned", Label: "Wallets without a signature", Kind: "choice", Options: []option{{"yes", "Go on without signatures that are missing", "Those wallets count for nothing."}}},
	}}
}

func (v *visit) askRun() error {
	if v.r.Method != http.MethodPost {
		return v.shows(askTitle, runForm())
	}
	wish := api.RunWish{Period: v.value("period"), Instant: v.value("instant"), Supersedes: v.value("supersedes"), Unsigned: v.value("unsigned") != ""}
	return v.does(deed{path: "/v1/runs", change: wish, page: "form", title: askTitle, form: runForm(), done: func(raw []byte) error {
		var made api.Run
		if err := json.Unmarshal(raw, &made); err != nil {
			return err
		}
		return v.to(Path + "runs/" + url.PathEscape(made.ID) + "?done=asked")
	}})
}

// runPage is a run as its page shows it.
type runPage struct {
	api.RunDetail
	Asks                       string // who asked for it
	Follow                     bool   // it is shown again as soon as something happens
	MayStart                   bool
	Ended, Resumable           bool
	Missing                    int // approvals
	Enough, MayPublish, Waited bool
}

const (
	longest   = 15  // seconds for which a page waits for something to happen
	shownLast = 200 // events
)

// run shows a run. Whoever follows it is shown it again as soon as something happened: the browser asks by itself (Refresh), and the answer waits.
func (v *visit) run() error {
	out := runPage{MayStart: v.may("run:start"), MayPublish: v.may("report:publish")}
	path, query := "/v1/runs/"+v.part("id"), v.r.URL.Query()
	out.Follow = query.Has("follow")
	if after := query.Get("follow"); after != "" {
		var waited api.RunDetail
		if _, err := v.get(path+"?"+url.Values{"after": {after}, "wait": {strconv.Itoa(longest)}}.Encode(), &waited); err != nil {
			return err
		}
	}
	if _, err := v.get(path, &out.RunDetail); err != nil {
		return err
	}
	out.Asks = v.who(map[string]string{}, out.Client)
	out.settle()
	if out.Follow && !out.Ended {
		v.w.Header().Set("Refresh", "1; url="+Path+"runs/"+v.part("id")+"?follow="+strconv.FormatInt(out.Seq, 10))
	}
	return v.show("run", page{Title: "Run " + name(out.Run), Data: out})
}

// settle says what can be done with the run now.
func (r *runPage) settle() {
	switch r.State {
	case "published", "cancelled":
		r.Ended = true
	case "failed":
		r.Ended, r.Resumable = true, true
	case "waiting":
		r.Resumable = true
	}
	if r.Approvals != nil {
		r.Missing = max(0, r.Approvals.Required-len(r.Approvals.Approved))
	}
	r.Enough = r.Draft != "" && r.Missing == 0
	if len(r.Events) > shownLast {
		r.Events = r.Events[len(r.Events)-shownLast:]
	}
}

// name is what people call a run.
func name(r api.Run) string {
	switch {
	case r.Kind != "report":
		return r.Kind
	case r.Period != "":
		return r.Period
	}
	return short(r.ID)
}

func (v *visit) runAct(verb, notice string) error {
	return v.acts("/v1/runs/"+v.part("id")+":"+verb, nil, Path+"runs/"+v.part("id"), notice)
}

func (v *visit) publish() error {
	return v.acts("/v1/runs/"+v.part("id")+":publish", api.PublishWish{Draft: v.value("draft")}, Path+"runs/"+v.part("id"), "published")
}

// envelope is a signed file that was chosen.
func (v *visit) envelope() (json.RawMessage, error) {
	raw := v.value("envelope")
	if raw == "" || !json.Valid([]byte(raw)) {
		return nil, &problem{Status: http.StatusUnprocessableEntity, Detail: "Choose the file that was signed: it ends in .dsse.json."}
	}
	return json.RawMessage(raw), nil
}

func (v *visit) approve() error {
	raw, err := v.envelope()
	if err != nil {
		return err
	}
	return v.acts("/v1/runs/"+v.part("id")+"/approvals", raw, Path+"runs/"+v.part("id")+"/draft", "approved")
}

// draftFile is the draft's very bytes, for who approves on a machine of their own.
func (v *visit) draftFile() error {
	var raw []byte
	if _, err := v.get("/v1/runs/"+v.part("id")+"/draft", &raw); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="draft.json"`)
	_, _ = v.w.Write(raw) // who asked is gone
	return nil
}
