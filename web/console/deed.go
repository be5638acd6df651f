package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/assay-por/assay/web/api"
)

// deed is something that a form asks for.
type deed struct {
	kind    string // by the API's operationId, if it takes two people where that is so
	method  string // POST, if nothing is said
	path    string
	object  string // what it is done to, for a proposal
	version string // of that: what If-Match names
	change  any    // what is sent; nil: nothing
	page    string // the template that shows the form again if it is refused
	title   string
	form    *form
	data    any                       // what that template is shown; nil: the form
	script  bool                      // and whether a passkey may be asked for there
	done    func(answer []byte) error // shows what came of it
}

// does does it, or proposes it where it takes another person. Where it is refused for what stands in the form, the form is shown again.
func (v *visit) does(d deed) error {
	var raw []byte
	var err error
	twoPeople := d.kind != "" && v.me.Second
	if twoPeople {
		err = v.proposes(d, &raw)
	} else {
		fields := []string{"Idempotency-Key", v.value("once")}
		if d.version != "" {
			fields = append(fields, "If-Match", d.version)
		}
		method := d.method
		if method == "" {
			method = http.MethodPost
		}
		_, err = v.ask(method, d.path, d.change, &raw, fields...)
	}
	var p *problem
	if errors.As(err, &p) && d.form != nil && theForms(p) {
		return v.formAgain(d, p)
	}
	if err != nil {
		return err
	}
	if twoPeople {
		var made api.Proposal
		if err := json.Unmarshal(raw, &made); err != nil {
			return err
		}
		return v.to(Path + "proposals/" + url.PathEscape(made.ID) + "?done=proposed")
	}
	return d.done(raw)
}

func (v *visit) proposes(d deed, into *[]byte) error {
	wish := map[string]any{"kind": d.kind, "reason": v.value("reason")}
	for name, value := range map[string]string{"object": d.object, "version": d.version} {
		if value != "" {
			wish[name] = value
		}
	}
	if d.change != nil {
		wish["change"] = d.change
	}
	_, err := v.ask(http.MethodPost, "/v1/proposals", wish, into, "Idempotency-Key", v.value("once"))
	return err
}

// theForms reports whether a problem is with what a form says, so that it may be said otherwise.
func theForms(p *problem) bool {
	switch p.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		return true
	case http.StatusForbidden:
		return !p.is("cross-origin")
	}
	return false
}

// formAgain shows a form as it was sent, with what is wrong with it.
func (v *visit) formAgain(d deed, p *problem) error {
	d.form.fill(v.form)
	d.form.blame(p)
	if err := v.named(d.form); err != nil {
		return err
	}
	data := d.data
	if data == nil {
		data = d.form
	}
	return v.showAs(p.Status, d.page, page{Title: d.title, Data: data, Script: d.script, Problem: p})
}

// named gives a form a name under which it is done once.
func (v *visit) named(f *form) error {
	once, err := v.draw()
	f.hide("once", once)
	return err
}

// forTwo adds to a form why it is asked for, where another person is to confirm it.
func (v *visit) forTwo(f *form) {
	if !v.me.Second {
		return
	}
	f.Fields = append(f.Fields, field{Name: "reason", Label: "Why it is needed", Hint: "Another person reads this and confirms the change, or not.", Kind: "area", Required: true, Most: 512, Rule: "Say why, in 1 to 512 characters."})
	f.Submit = "Propose: " + f.Submit
}

// shows shows a form that nobody sent yet.
func (v *visit) shows(title string, f *form) error {
	if err := v.named(f); err != nil {
		return err
	}
	return v.show("form", page{Title: title, Data: f})
}

// goes leads to a page once something was done.
func (v *visit) goes(path, notice string) func([]byte) error {
	return func([]byte) error { return v.to(path + "?" + url.Values{"done": {notice}}.Encode()) }
}

// acts asks for something of which a button alone was pressed.
func (v *visit) acts(path string, change any, back, notice string) error {
	return v.does(deed{path: path, change: change, done: v.goes(back, notice)})
}
