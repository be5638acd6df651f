package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/assay-por/assay/web/api"
)

func (c *Console) clientRoutes() {
	c.page("GET "+Path+"clients", (*visit).clients)
	c.form(Path+"clients/new", "client:write", (*visit).clientNew)
	c.page("GET "+Path+"clients/{id}", (*visit).client)
	c.form(Path+"clients/{id}/change", "client:write", (*visit).clientChange)
	c.page("POST "+Path+"clients/{id}/disable", func(v *visit) error {
		return v.acts("/v1/clients/"+v.part("id")+":disable", nil, Path+"clients/"+v.part("id"), "disabled")
	})
	c.form(Path+"clients/{id}/enable", "client:write", func(v *visit) error { return v.enable("clients", "client") })
	c.form(Path+"clients/{id}/key", "key:write", (*visit).keyNew)
	c.page("GET "+Path+"keys/{id}", (*visit).key)
	c.form(Path+"keys/{id}/rotate", "key:write", (*visit).keyRotate)
	c.page("POST "+Path+"keys/{id}/revoke", func(v *visit) error {
		return v.acts("/v1/keys/"+v.part("id")+":revoke", nil, Path+"keys/"+v.part("id"), "revoked")
	})
}

func (v *visit) clients() error {
	var all api.Clients
	if _, err := v.get("/v1/clients"+v.query("cursor"), &all); err != nil {
		return err
	}
	var machines []api.Client
	for _, c := range all.Clients {
		if c.Kind == "machine" {
			machines = append(machines, c)
		}
	}
	return v.show("clients", page{Title: "Clients", Data: listed{Rows: machines, Next: v.following(Path+"clients", all.Next, nil), May: v.may("client:write")}})
}

// clientPage is a client with its keys.
type clientPage struct {
	api.Client
	Keys          []api.Key
	More          bool
	MayWrite, Own bool
	MayKeys       bool
}

func (v *visit) client() error {
	out := clientPage{MayWrite: v.may("client:write"), MayKeys: v.may("key:write")}
	if _, err := v.get("/v1/clients/"+v.part("id"), &out.Client); err != nil {
		return err
	}
	if out.Kind == "person" {
		return v.to(Path + "people/" + v.part("id"))
	}
	var keys api.Keys
	if _, err := v.get("/v1/keys?limit=500&client="+url.QueryEscape(out.ID), &keys); err != nil {
		return err
	}
	out.Keys, out.More = keys.Keys, keys.Next != ""
	return v.show("client", page{Title: out.Name, Data: out})
}

// roleFields are what clients and people alike may be given.
func (v *visit) roleFields(person bool) ([]field, error) {
	var all api.Roles
	if _, err := v.get("/v1/roles", &all); err != nil {
		return nil, err
	}
	roles := field{Name: "roles", Label: "Roles", Kind: "choice", Required: true, Rule: "Choose one role at least."}
	for _, r := range all.Roles {
		if !person || r.Role != "service" && r.Role != "delegate" {
			roles.Options = append(roles.Options, option{r.Role, r.Role, strings.Join(r.Permissions, ", ")})
		}
	}
	return []field{
		roles,
		{Name: "expires", Label: "Until", Hint: "In UTC, such as 2027-03-31T00:00:00Z. Auditors need one, of 180 days at most; left empty, all others are let in until somebody ends it.", Kind: "text", Most: 20, Auto: "off", Rule: "A time of UTC such as 2027-03-31T00:00:00Z."},
		{Name: "scope-entities", Label: "Only statements of these legal entities", Hint: "One a line; empty: of all.", Kind: "area", Most: 16384},
		{Name: "scope-reports", Label: "Only these statements", Hint: "Their digests, one a line; empty: all.", Kind: "area", Most: 36000, Rule: "Digests of 64 hexadecimal digits, one a line."},
		{Name: "scope-from", Label: "Only of instants since", Hint: "A day such as 2026-10-01; empty: since ever.", Kind: "text", Most: 10, Auto: "off", Rule: "A day such as 2026-10-01."},
		{Name: "scope-until", Label: "Only of instants until", Hint: "A day such as 2026-12-31; empty: for ever.", Kind: "text", Most: 10, Auto: "off", Rule: "A day such as 2026-12-31."},
	}, nil
}

func (v *visit) scope() api.Scope {
	return api.Scope{Entities: byLine(v.value("scope-entities")), Reports: lines(v.value("scope-reports")), From: v.value("scope-from"), Until: v.value("scope-until")}
}

func byLine(text string) []string {
	var all []string
	for one := range strings.Lines(text) {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}

// known puts into a form what somebody is now.
func (f *form) known(name string, roles []string, expires string, s api.Scope) {
	was := url.Values{"name": {name}, "roles": roles, "expires": {expires}, "scope-entities": {strings.Join(s.Entities, "\n")}, "scope-reports": {strings.Join(s.Reports, "\n")}, "scope-from": {s.From}, "scope-until": {s.Until}}
	for i, one := range f.Fields {
		if values, ok := was[one.Name]; ok {
			f.Fields[i].Chosen, f.Fields[i].Value = values, ""
			if one.Kind != "choice" && len(values) > 0 {
				f.Fields[i].Value = values[0]
			}
		}
	}
}

func (v *visit) clientForm(action, submit string) (*form, error) {
	f := &form{Action: action, Submit: submit, Fields: []field{
		{Name: "name", Label: "Name", Kind: "text", Required: true, Most: 64, Auto: "off", Rule: "1 to 64 characters."},
		{Name: "tier", Label: "Tier", Hint: "How often it may ask: see Limits.", Kind: "select", Value: "standard", Options: []option{{"basic", "basic", ""}, {"standard", "standard", ""}, {"partner", "partner", ""}}},
	}}
	more, err := v.roleFields(false)
	f.Fields = append(f.Fields, more...)
	return f, err
}

func (v *visit) clientWish() api.ClientWish {
	return api.ClientWish{Name: v.value("name"), Roles: v.form["roles"], Tier: v.value("tier"), Scope: v.scope(), Expires: v.value("expires")}
}

func (v *visit) clientNew() error {
	f, err := v.clientForm(Path+"clients/new", "Make the client")
	if err != nil {
		return err
	}
	if v.r.Method != http.MethodPost {
		return v.shows("A new client", f)
	}
	return v.does(deed{path: "/v1/clients", change: v.clientWish(), page: "form", title: "A new client", form: f, done: func(raw []byte) error {
		var made api.Client
		if err := json.Unmarshal(raw, &made); err != nil {
			return err
		}
		return v.to(Path + "clients/" + url.PathEscape(made.ID) + "?done=made")
	}})
}

func (v *visit) clientChange() error {
	var c api.Client
	header, err := v.get("/v1/clients/"+v.part("id"), &c)
	if err != nil {
		return err
	}
	back := Path + "clients/" + v.part("id")
	f, err := v.clientForm(back+"/change", "Change it")
	if err != nil {
		return err
	}
	f.known(c.Name, c.Roles, c.Expires, c.Scope)
	f.Fields[1].Value = c.Tier
	f.hide("version", header.Get("ETag"))
	title := "Change " + c.Name
	v.forTwo(f)
	if v.r.Method != http.MethodPost {
		return v.shows(title, f)
	}
	return v.does(deed{kind: "client-change", method: http.MethodPut, path: "/v1/clients/" + v.part("id"), object: c.ID, version: v.value("version"), change: v.clientWish(), page: "form", title: title, form: f, done: v.goes(back, "changed")})
}

// enable lets a client or a person in again, which takes two people.
func (v *visit) enable(list, kind string) error {
	var c struct{ ID, Name string }
	if _, err := v.get("/v1/"+list+"/"+v.part("id"), &c); err != nil {
		return err
	}
	back := Path + list + "/" + v.part("id")
	f := &form{Action: back + "/enable", Submit: "Let " + c.Name + " in again"}
	v.forTwo(f)
	title := "Let " + c.Name + " in again"
	if v.r.Method != http.MethodPost {
		return v.shows(title, f)
	}
	return v.does(deed{kind: kind + "-enable", path: "/v1/" + list + "/" + v.part("id") + ":enable", object: c.ID, page: "form", title: title, form: f, done: v.goes(back, "enabled")})
}
