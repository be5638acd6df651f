package console

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/assay-por/assay/web/api"
)

// recordRoutes add what tells who did and asked for what, and how often they may.
func (c *Console) recordRoutes() {
	c.page("GET "+Path+"audit", (*visit).audit)
	c.page("GET "+Path+"usage", (*visit).usage)
	c.page("GET "+Path+"limits", (*visit).limits)
	c.form(Path+"limits/{name}", "limit:write", (*visit).limitChange)
}

// event is a row of the audit log with who acted, by name.
type event struct {
	api.Event
	Who string
}

func (v *visit) audit() error {
	var all api.Events
	ask := url.Values{"order": {"newest"}}
	if cursor := v.r.URL.Query().Get("cursor"); cursor != "" {
		ask.Set("cursor", cursor)
	}
	if _, err := v.get("/v1/audit?"+ask.Encode(), &all); err != nil {
		return err
	}
	known := v.names()
	rows := make([]event, len(all.Events))
	for i, e := range all.Events {
		rows[i] = event{e, known[e.Client]}
	}
	return v.show("audit", page{Title: "Audit log", Data: listed{Rows: rows, Next: v.following(Path+"audit", all.Next, nil)}})
}

// names are what clients, people among them, are called, by their ids, as far as whoever looks may know them.
func (v *visit) names() map[string]string {
	known := map[string]string{"local": "command line"}
	var all api.Clients
	if v.may("client:read") {
		if _, err := v.get("/v1/clients?limit=500", &all); err == nil {
			for _, c := range all.Clients {
				known[c.ID] = c.Name
			}
		}
	}
	known[v.me.Client.ID] = "you"
	return known
}

// usagePage is what was asked for.
type usagePage struct {
	api.Calls
	All    bool // of all clients
	MayAll bool
	Client string
	Quota  *api.DayQuota
	Hours  string
	Spans  []option
	Names  map[string]string // of clients, by their ids
}

func (v *visit) usage() error {
	q := v.r.URL.Query()
	out := usagePage{MayAll: v.may("usage:read"), Client: q.Get("client"), Hours: q.Get("hours"), Spans: []option{{"1", "an hour", ""}, {"24", "a day", ""}, {"168", "a week", ""}, {"720", "30 days", ""}}}
	if _, err := strconv.Atoi(out.Hours); err != nil {
		out.Hours = "24"
	}
	out.All = out.MayAll && !q.Has("own")
	ask := url.Values{"hours": {out.Hours}}
	if out.All {
		if out.Client != "" {
			ask.Set("client", out.Client)
		}
		if _, err := v.get("/v1/usage?"+ask.Encode(), &out.Calls); err != nil {
			return err
		}
		out.Names = v.names()
		return v.show("usage", page{Title: "Usage", Data: out})
	}
	var own api.OwnCalls
	if _, err := v.get("/v1/me/usage?"+ask.Encode(), &own); err != nil {
		return err
	}
	out.Calls, out.Quota = own.Calls, own.Quota
	return v.show("usage", page{Title: "Usage", Data: out})
}

// limitsPage are the limits.
type limitsPage struct {
	api.Limits
	MayWrite bool
}

func (v *visit) limits() error {
	out := limitsPage{MayWrite: v.may("limit:write")}
	if _, err := v.get("/v1/limits", &out.Limits); err != nil {
		return err
	}
	return v.show("limits", page{Title: "Limits", Data: out})
}

func (v *visit) limitChange() error {
	var l api.Limit
	header, err := v.get("/v1/limits/"+v.part("name"), &l)
	if err != nil {
		return err
	}
	f := &form{Action: Path + "limits/" + v.part("name"), Submit: "Change it", Fields: []field{
		{Name: "policy", Label: "Policy", Hint: "Such as 20/s burst 100, 30/min, or 500/s 20000000/day. Configured is " + l.Configured + ".", Kind: "text", Value: l.Policy, Required: true, Most: 64, Auto: "off"},
	}}
	f.hide("version", header.Get("ETag"))
	v.forTwo(f)
	title := "Change the limit " + l.Name
	if v.r.Method != http.MethodPost {
		return v.shows(title, f)
	}
	return v.does(deed{kind: "limit-change", method: http.MethodPut, path: "/v1/limits/" + v.part("name"), object: l.Name, version: v.value("version"), change: api.LimitWish{Policy: v.value("policy")}, page: "form", title: title, form: f, done: v.goes(Path+"limits", "changed")})
}
