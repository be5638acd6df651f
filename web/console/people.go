package console

import (
	"net/http"
	"strings"

	"github.com/assay-por/assay/web/api"
)

func (c *Console) peopleRoutes() {
	c.page("GET "+Path+"people", (*visit).persons)
	c.form(Path+"people/new", "client:write", (*visit).personNew)
	c.page("GET "+Path+"people/{id}", (*visit).person)
	c.form(Path+"people/{id}/change", "client:write", (*visit).personChange)
	c.form(Path+"people/{id}/reset", "client:write", (*visit).personReset)
	c.form(Path+"people/{id}/enable", "client:write", func(v *visit) error { return v.enable("people", "person") })
	c.page("POST "+Path+"people/{id}/sessions/{session}/end", func(v *visit) error {
		return v.acts("/v1/sessions/"+v.part("session")+":end", nil, Path+"people/"+v.part("id"), "ended")
	})
	c.page("POST "+Path+"people/{id}/disable", func(v *visit) error {
		return v.acts("/v1/people/"+v.part("id")+":disable", nil, Path+"people/"+v.part("id"), "disabled")
	})
}

func (v *visit) persons() error {
	var all api.Persons
	if _, err := v.get("/v1/people"+v.query("cursor"), &all); err != nil {
		return err
	}
	return v.show("people", page{Title: "People", Data: listed{Rows: all.People, Next: v.following(Path+"people", all.Next, nil), May: v.may("client:write")}})
}

// personPage is somebody who signs in.
type personPage struct {
	api.Person
	SignedIn      []api.Session
	MayWrite, Own bool
}

func (v *visit) person() error {
	out := personPage{MayWrite: v.may("client:write")}
	if _, err := v.get("/v1/people/"+v.part("id"), &out.Person); err != nil {
		return err
	}
	var all api.Sessions
	if _, err := v.get("/v1/people/"+v.part("id")+"/sessions", &all); err != nil {
		return err
	}
	out.SignedIn, out.Own = all.Sessions, out.ID == v.me.Client.ID
	return v.show("person", page{Title: out.Name, Data: out})
}

func (v *visit) personForm(action, submit string) (*form, error) {
	f := &form{Action: action, Submit: submit, Fields: []field{
		{Name: "name", Label: "Name", Kind: "text", Required: true, Most: 64, Auto: "off", Rule: "1 to 64 characters."},
		{Name: "login", Label: "Name to sign in by", Hint: "If they sign in by a password; an address of mail is good.", Kind: "text", Required: true, Most: 64, Auto: "off", Rule: "2 to 64 letters, digits and . _ @ + -, or a name that nobody has yet."},
	}}
	more, err := v.roleFields(true)
	f.Fields = append(f.Fields, more...)
	v.forTwo(f)
	return f, err
}

func (v *visit) personWish() api.PersonWish {
	return api.PersonWish{Login: strings.ToLower(v.value("login")), Name: v.value("name"), Roles: v.form["roles"], Scope: v.scope(), Expires: v.value("expires")}
}

func (v *visit) personNew() error {
	f, err := v.personForm(Path+"people/new", "Invite them")
	if err != nil {
		return err
	}
	if v.r.Method != http.MethodPost {
		return v.shows("Invite a person", f)
	}
	return v.does(deed{kind: "person-create", path: "/v1/people", change: v.personWish(), page: "form", title: "Invite a person", form: f, done: v.shownOnce(Path+"people", "made")})
}

func (v *visit) personChange() error {
	var p api.Person
	header, err := v.get("/v1/people/"+v.part("id"), &p)
	if err != nil {
		return err
	}
	back := Path + "people/" + v.part("id")
	f, err := v.personForm(back+"/change", "Change it")
	if err != nil {
		return err
	}
	f.known(p.Name, p.Roles, p.Expires, p.Scope)
	f.Fields[1].Value = p.Login
	f.hide("version", header.Get("ETag"))
	title := "Change " + p.Name
	if v.r.Method != http.MethodPost {
		return v.shows(title, f)
	}
	return v.does(deed{kind: "person-change", method: http.MethodPut, path: "/v1/people/" + v.part("id"), object: p.ID, version: v.value("version"), change: v.personWish(), page: "form", title: title, form: f, done: v.goes(back, "changed")})
}

func (v *visit) personReset() error {
	var p api.Person
	if _, err := v.get("/v1/people/"+v.part("id"), &p); err != nil {
		return err
	}
	back := Path + "people/" + v.part("id")
	f := &form{Action: back + "/reset", Submit: "Reset and invite anew", Danger: true}
	v.forTwo(f)
	title := "Reset what " + p.Name + " signs in by"
	if v.r.Method != http.MethodPost {
		return v.shows(title, f)
	}
	return v.does(deed{kind: "person-reset", path: "/v1/people/" + v.part("id") + ":reset", object: p.ID, page: "form", title: title, form: f, done: v.shownOnce(back, "changed")})
}
