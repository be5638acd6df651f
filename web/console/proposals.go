package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/assay-por/assay/web/api"
)

func (c *Console) proposalRoutes() {
	c.page("GET "+Path+"proposals", (*visit).proposals)
	c.page("GET "+Path+"proposals/{id}", (*visit).proposal)
	c.page("POST "+Path+"proposals/{id}/confirm", (*visit).confirm)
	c.page("POST "+Path+"proposals/{id}/reject", func(v *visit) error {
		return v.acts("/v1/proposals/"+v.part("id")+":reject", nil, Path+"proposals/"+v.part("id"), "rejected")
	})
}

func (v *visit) proposals() error {
	var all api.Proposals
	if _, err := v.get("/v1/proposals"+v.query("cursor"), &all); err != nil {
		return err
	}
	return v.show("proposals", page{Title: "Proposals", Data: listed{Rows: v.proposedBy(all.Proposals), Next: v.following(Path+"proposals", all.Next, nil)}})
}

// proposed is a proposal with who is meant by its ids.
type proposed struct {
	api.Proposal
	Asks, Decides string
	Lines         []line // of the change
	Of            string // what it is done to
	Own           bool   // whoever looks asked for it
}

// line is a member of a change.
type line struct{ Name, Value string }

// proposedBy tells who asked, by their names, where whoever looks may know them.
func (v *visit) proposedBy(all []api.Proposal) []proposed {
	out, known := make([]proposed, len(all)), v.names()
	for i, p := range all {
		out[i] = proposed{Proposal: p, Asks: v.who(known, p.Person), Decides: v.who(known, p.By), Own: p.Person == v.me.Client.ID}
	}
	return out
}

// who is the name of a client, as far as whoever looks may see it.
func (v *visit) who(known map[string]string, id string) string {
	if id == "" || id == v.me.Client.ID {
		return map[bool]string{true: "you"}[id != ""]
	}
	if name, ok := known[id]; ok {
		return name
	}
	var c api.Client
	known[id] = id
	if _, err := v.get("/v1/clients/"+id, &c); err == nil {
		known[id] = c.Name
	}
	return known[id]
}

func (v *visit) proposal() error {
	var p api.Proposal
	if _, err := v.get("/v1/proposals/"+v.part("id"), &p); err != nil {
		return err
	}
	known := v.names()
	out := v.proposedBy([]api.Proposal{p})[0]
	switch {
	case p.Object != "" && (strings.HasPrefix(p.Kind, "person-") || strings.HasPrefix(p.Kind, "client-")):
		out.Of = v.who(known, p.Object)
	default:
		out.Of = p.Object
	}
	if p.Change != nil {
		out.Lines = linesOf(p.Change.RawMessage, func(id string) string { return v.who(known, id) })
	}
	return v.show("proposal", page{Title: words(p.Kind), Data: out})
}

// linesOf are the members of a change as they are, one a line; of whom an id is it says the name beside.
func linesOf(raw []byte, who func(string) string) []line {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return []line{{"change", string(raw)}}
	}
	var out []line
	for name, value := range members {
		var text string
		var list []string
		switch {
		case json.Unmarshal(value, &text) == nil && name == "client":
			text = who(text) + " (" + text + ")"
		case json.Unmarshal(value, &text) == nil:
		case json.Unmarshal(value, &list) == nil:
			text = strings.Join(list, ", ")
		default:
			var spaced bytes.Buffer
			if json.Compact(&spaced, value) == nil {
				text = spaced.String()
			}
		}
		if text == "{}" || text == "" {
			text = "—"
		}
		out = append(out, line{name, text})
	}
	slices.SortFunc(out, func(a, b line) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// confirm has done what another person proposed, and shows this once what is shown once.
func (v *visit) confirm() error {
	back := Path + "proposals/" + v.part("id")
	return v.does(deed{path: "/v1/proposals/" + v.part("id") + ":confirm", change: api.Confirmation{Digest: v.value("digest")}, done: func(raw []byte) error {
		var done api.Decision
		if err := json.Unmarshal(raw, &done); err != nil {
			return err
		}
		if done.Result != nil {
			if shown, err := v.once(done.Result.RawMessage); shown || err != nil {
				return err
			}
		}
		return v.goes(back, "confirmed")(nil)
	}})
}

// secret is something that is shown once.
type secret struct {
	Key    *api.MadeKey
	Person *api.InvitedPerson
}

// once shows what an act was answered with, if there is something in it that is not shown again.
func (v *visit) once(raw []byte) (shown bool, err error) {
	var k api.MadeKey
	if err := json.Unmarshal(raw, &k); err == nil && k.Secret != "" {
		return true, v.showAs(http.StatusOK, "once", page{Title: "The key, this once", Data: secret{Key: &k}})
	}
	var p api.InvitedPerson
	if err := json.Unmarshal(raw, &p); err == nil && p.Link != "" {
		return true, v.showAs(http.StatusOK, "once", page{Title: "An invitation for " + p.Name, Data: secret{Person: &p}})
	}
	return false, nil
}

// words are acts as people say them.
func words(kind string) string {
	said, ok := map[string]string{
		"person-create": "Invite a person", "person-change": "Change a person", "person-enable": "Let a person in again", "person-reset": "Reset what a person signs in by",
		"client-change": "Change a client", "client-enable": "Let a client in again", "key-create": "Make an API key", "key-rotate": "Give an API key another secret", "limit-change": "Change a limit",
	}[kind]
	if !ok {
		return kind
	}
	return said
}

// say is a state, kind or grade as people say it.
func say(word string) string {
	said, ok := map[string]string{
		"asked": "asked for", "publish": "publishing was asked for", "stage": "done", "progress": "at work", "phr": "passkey", "mfa": "password and code", "signed": "signed, in no log", "open": "waits for another person",
		"report": "report", "unused": "not used for 60 days",
	}[word]
	if !ok {
		return word
	}
	return said
}
