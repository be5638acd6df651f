package web_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authz"
)

// proposes is a proposal that a person makes.
func (p *person) proposes(t *testing.T, kind, object, version, change string) api.Proposal {
	t.Helper()
	return answered[api.Proposal](t, p.ask(t, "POST", "/v1/proposals", proposalWish(kind, object, version, change)), 201)
}

func proposalWish(kind, object, version, change string) string {
	wish := map[string]any{"kind": kind, "reason": "A test."}
	for name, value := range map[string]string{"object": object, "version": version} {
		if value != "" {
			wish[name] = value
		}
	}
	if change != "" {
		wish["change"] = json.RawMessage(change)
	}
	raw, err := json.Marshal(wish)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func (p *person) confirms(t *testing.T, of api.Proposal) *httptest.ResponseRecorder {
	t.Helper()
	return p.ask(t, "POST", "/v1/proposals/"+of.ID+":confirm", `{"digest":"`+of.Digest+`"}`)
}

// TestSecondPerson: once there are people, one asks and another confirms, and then it is done, once.
func TestSecondPerson(t *testing.T) {
	o := newOffice(t)
	ada, bob := o.person(t, authz.Admin), o.person(t, authz.Admin)
	if me := answered[api.Me](t, ada.ask(t, "GET", "/v1/me", ""), 200); !me.Second {
		t.Errorf("%+v", me)
	}
	wish := `{"roles":["operator"],"name":"Carol","login":"carol"}`
	made := ada.proposes(t, "person-create", "", "", wish)
	if made.State != "open" || made.Person != ada.id || made.Until != o.clock.Add(24*time.Hour).Format(time.RFC3339) || string(made.Change.RawMessage) != `{"login":"carol","name":"Carol","roles":["operator"]}` {
		t.Errorf("%+v", made)
	}
	if got := answered[api.Persons](t, bob.ask(t, "GET", "/v1/people", ""), 200); len(got.People) != 2 {
		t.Errorf("it is done before it is confirmed: %d", len(got.People))
	}
	w := bob.confirms(t, made)
	done := answered[api.Decision](t, w, 200)
	var carol api.InvitedPerson
	if err := json.Unmarshal(done.Result.RawMessage, &carol); err != nil || done.State != "confirmed" || done.By != bob.id || carol.Link != "https://x.example/console/invitation#"+carol.Invitation {
		t.Fatalf("%+v %+v %v", done, carol, err)
	}
	third := &person{o: o, id: carol.ID, key: o.person(t, authz.Viewer).key}
	third.enrol(t, carol.Invitation)
	if got := answered[api.Me](t, third.ask(t, "GET", "/v1/me", ""), 200); !slices.Equal(got.Client.Roles, []string{"operator"}) {
		t.Errorf("%+v", got)
	}
	shown := answered[api.Proposal](t, ada.ask(t, "GET", "/v1/proposals/"+made.ID, ""), 200)
	if shown.State != "confirmed" || shown.Digest != made.Digest {
		t.Errorf("%+v", shown)
	}
	said := o.recorded(t)
	for _, want := range []string{`"action":"proposal.create"`, `"action":"proposal.confirm"`, `"action":"client.create","at":"2026-12-01T00:01:00.000Z","client":"` + bob.id + `"`} {
		if !strings.Contains(said, want) {
			t.Errorf("the log has no %s", want)
		}
	}
	if strings.Contains(said, carol.Invitation) || strings.Contains(o.log.String(), carol.Invitation) {
		t.Error("the invitation stands in a log")
	}
}

// TestSecondPersonRefused: what would let one do it alone.
func TestSecondPersonRefused(t *testing.T) {
	o := newOffice(t)
	ada, bob, eve, machine := o.person(t, authz.Admin), o.person(t, authz.Admin), o.person(t, authz.Viewer), o.asker(t, authz.Admin)
	reset := func() api.Proposal { t.Helper(); return ada.proposes(t, "person-reset", eve.id, "", "") }
	confirmed, rejected := reset(), reset()
	answered[api.Decision](t, bob.confirms(t, confirmed), 200)
	answered[api.Decision](t, ada.ask(t, "POST", "/v1/proposals/"+rejected.ID+":reject", ""), 200)
	tag := machine.ask(t, "GET", "/v1/limits/runs", "").Header().Get("ETag")
	changed := ada.proposes(t, "limit-change", "runs", tag, `{"policy":"9/min"}`)
	answered[api.Decision](t, bob.confirms(t, ada.proposes(t, "limit-change", "runs", tag, `{"policy":"8/min"}`)), 200)
	other := reset()
	other.Digest = confirmed.Digest[:63] + map[bool]string{true: "b", false: "a"}[confirmed.Digest[63] == 'a']
	ofBob := ada.proposes(t, "person-reset", bob.id, "", "")
	for _, tt := range []struct {
		name   string
		got    *httptest.ResponseRecorder
		status int
		slug   string
	}{
		{"by the proposer", ada.confirms(t, reset()), 403, "approval-self"},
		{"by a machine", machine.ask(t, "POST", "/v1/proposals/"+reset().ID+":confirm", `{"digest":"`+confirmed.Digest+`"}`), 403, "people-only"},
		{"proposed by a machine", machine.ask(t, "POST", "/v1/proposals", proposalWish("person-reset", eve.id, "", "")), 403, "people-only"},
		{"with another digest", bob.confirms(t, other), 409, "state-conflict"},
		{"twice", bob.confirms(t, confirmed), 409, "state-conflict"},
		{"after it was rejected", bob.confirms(t, rejected), 409, "state-conflict"},
		{"of what was changed meanwhile", bob.confirms(t, changed), 412, "precondition-failed"},
		{"by whom it is about", bob.confirms(t, ofBob), 403, "own-client"},
		{"by one who may not", eve.ask(t, "GET", "/v1/proposals", ""), 401, "session-over"}, // she was reset
		{"of oneself", ada.ask(t, "POST", "/v1/proposals", proposalWish("person-reset", ada.id, "", "")), 403, "own-client"},
		{"of nobody", ada.ask(t, "POST", "/v1/proposals", proposalWish("person-reset", strings.Repeat("a", 16), "", "")), 404, "not-found"},
		{"of what cannot be", ada.ask(t, "POST", "/v1/proposals", proposalWish("person-create", "", "", `{"login":"x y","name":"x","roles":["viewer"]}`)), 422, "validation"},
		{"of a role that is for machines", ada.ask(t, "POST", "/v1/proposals", proposalWish("person-create", "", "", `{"login":"xy","name":"x","roles":["service"]}`)), 422, "validation"},
		{"without what it is sent", ada.ask(t, "POST", "/v1/proposals", proposalWish("person-create", "", "", "")), 422, "validation"},
		{"with what it is not sent", ada.ask(t, "POST", "/v1/proposals", proposalWish("person-reset", eve.id, "", `{"x":1}`)), 422, "validation"},
		{"without the version", ada.ask(t, "POST", "/v1/proposals", proposalWish("limit-change", "runs", "", `{"policy":"9/min"}`)), 422, "validation"},
		{"of an old version", ada.ask(t, "POST", "/v1/proposals", proposalWish("limit-change", "runs", tag, `{"policy":"9/min"}`)), 412, "precondition-failed"},
		{"of another act", ada.ask(t, "POST", "/v1/proposals", proposalWish("run-publish", "", "", "")), 422, "validation"},
	} {
		if kind, _ := problem(t, tt.got); tt.got.Code != tt.status || kind != "/problems/"+tt.slug {
			t.Errorf("%s: %d %s, want %d %s", tt.name, tt.got.Code, tt.got.Body, tt.status, tt.slug)
		}
	}
	late := reset()
	o.clock = o.clock.Add(24 * time.Hour)
	bob.signIn(t)
	if w := bob.confirms(t, late); w.Code != 409 {
		t.Errorf("too late: %d %s", w.Code, w.Body)
	}
	if got := answered[api.Proposal](t, bob.ask(t, "GET", "/v1/proposals/"+late.ID, ""), 200); got.State != "expired" {
		t.Errorf("%+v", got)
	}
	ada.signIn(t)
	tired := reset()
	o.clock = o.clock.Add(6 * time.Minute)
	if kind, _ := problem(t, bob.confirms(t, tired)); kind != "/problems/insufficient-user-authentication" {
		t.Errorf("with a passkey shown six minutes ago: %s", kind)
	}
	bob.stepUp(t)
	answered[api.Person](t, bob.ask(t, "POST", "/v1/people/"+ada.id+":disable", ""), 200)
	if w := bob.confirms(t, tired); w.Code != 409 {
		t.Errorf("of somebody who is disabled: %d %s", w.Code, w.Body)
	}
}

// TestTakesTwo: each act that can be proposed is done by nobody alone, and those are the acts that are; the permission that it takes is that
// of its route.
func TestTakesTwo(t *testing.T) {
	o := newOffice(t)
	ada, machine := o.person(t, authz.Admin), o.asker(t, authz.Admin)
	doc := document(t, o.h)
	kinds := doc.Components.Schemas["ProposalWish"].Value.Properties["kind"].Value.Enum
	other, eve := o.asker(t, authz.Service), o.person(t, authz.Viewer)
	alone := 0
	for route, op := range guarded(t, doc) {
		method, template, _ := strings.Cut(route, " ")
		if method == "GET" || strings.HasPrefix(template, "/v1/me/") || strings.HasPrefix(template, "/v1/auth/") || strings.HasPrefix(op.OperationID, "propos") {
			continue
		}
		of := strings.NewReplacer("/v1/clients/{id}", "/v1/clients/"+other.client, "/v1/keys/{id}", "/v1/keys/"+other.key, "/v1/people/{id}", "/v1/people/"+eve.id, "/v1/limits/{name}", "/v1/limits/runs",
			"{id}", strings.Repeat("a", 16), "{statement}", o.first.Digest.String(), "{unique}", op.OperationID, "{client}", other.client, "{public}", publicText(t), "{draft}", o.first.Digest.String())
		proposable := slices.ContainsFunc(kinds, func(kind any) bool { return fmt.Sprint(kind) == op.OperationID })
		for _, who := range []somebody{ada, machine} {
			w := who.ask(t, method, of.Replace(template), of.Replace(rules[op.OperationID].content))
			kind := ""
			if w.Code >= 400 {
				kind, _ = problem(t, w)
			}
			if (kind == "/problems/second-person") != proposable {
				t.Errorf("%s: %d %s, and it can be proposed: %t", route, w.Code, w.Body, proposable)
			}
		}
		if proposable {
			alone++
		}
	}
	if alone != len(kinds) {
		t.Errorf("%d of %v", alone, kinds)
	}
	answered[api.MadeKey](t, machine.ask(t, "POST", "/v1/keys/"+machine.key+":rotate", `{"publicKey":"`+publicText(t)+`"}`), 201) // its own
}

// TestSessionOfAnother: another site's page signs nobody in or out, and gets no session; a cookie that was there before is none of a session's.
func TestSessionOfAnother(t *testing.T) {
	o := newOffice(t)
	ada := o.person(t, authz.Admin)
	for _, path := range []string{"/v1/auth/passkey:begin", "/v1/auth/passkey", "/v1/auth/password", "/v1/auth/recovery", "/v1/auth/invitation", "/v1/auth/sign-out", "/v1/auth/step-up:begin", "/v1/clients"} {
		w := ada.ask(t, "POST", path, "", "Origin", "https://evil.example")
		if kind, _ := problem(t, w); w.Code != 403 || kind != "/problems/cross-origin" || w.Header().Get("Set-Cookie") != "" || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	eve := *ada
	eve.cookie = "a-cookie-that-somebody-put-there"
	eve.signIn(t)
	if eve.cookie == "a-cookie-that-somebody-put-there" || eve.cookie == ada.cookie {
		t.Error("a session has a cookie that was there before")
	}
	w := ada.ask(t, "POST", "/v1/auth/passkey:begin", "")
	if c := w.Header(); w.Code != 200 || c.Get("Set-Cookie") != "" || c.Get("Cache-Control") != "no-store" || c.Get("Padding") == "" {
		t.Errorf("%d %v", w.Code, c)
	}
}

// signIn signs in anew.
func (p *person) signIn(t *testing.T) *httptest.ResponseRecorder {
	t.Helper()
	before := p.cookie
	p.cookie = ""
	asked := answered[api.PasskeyAsked](t, p.ask(t, "POST", "/v1/auth/passkey:begin", ""), 200)
	p.cookie = before
	w := p.ask(t, "POST", "/v1/auth/passkey", `{"credential":`+shownBy(t, p.key.Get, asked.Options.RawMessage)+`}`)
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w
}

// TestProposalsReadAsTheyAre: nothing that is to be confirmed has characters that turn the order of others round.
func TestProposalsReadAsTheyAre(t *testing.T) {
	o := newOffice(t)
	ada := o.person(t, authz.Admin)
	for _, turned := range []string{"\u202e", "\u2066"} {
		change := `{"login":"carol","name":"Carol","roles":["operator"],"scope":{"entities":["Demo ` + turned + `dtL"]}}`
		if w := ada.ask(t, "POST", "/v1/proposals", proposalWish("person-create", "", "", change)); w.Code != 400 && w.Code != 422 || !strings.Contains(w.Body.String(), "turns the order") {
			t.Errorf("%q in a change: %d %s", turned, w.Code, w.Body)
		}
		wish := strings.Replace(proposalWish("person-reset", ada.id, "", ""), "A test.", "A "+turned+"test.", 1)
		if w := ada.ask(t, "POST", "/v1/proposals", wish); w.Code != 400 && w.Code != 422 || !strings.Contains(w.Body.String(), "turns the order") {
			t.Errorf("%q in a reason: %d %s", turned, w.Code, w.Body)
		}
	}
}

// TestProposalsOfAnySpelling: what is proposed is a value, however a client spells it: the digest is that of its one canonical spelling.
func TestProposalsOfAnySpelling(t *testing.T) {
	o := newOffice(t)
	ada, bob := o.person(t, authz.Admin), o.person(t, authz.Admin)
	client := o.client(t, authz.Scope{}, authz.Admin)
	wish := func(change string) string {
		return `{"kind":"key-create","reason":"A <test> & more.","change":` + strings.ReplaceAll(change, "{client}", client.ID) + `}`
	}
	canonical := strings.ReplaceAll(`{"client":"{client}","days":30,"name":"R&D <é😀/>","permissions":["client:read"]}`, "{client}", client.ID)
	plain := answered[api.Proposal](t, ada.ask(t, "POST", "/v1/proposals", wish(canonical)), 201)
	for name, change := range map[string]string{
		"as encoding/json escapes":   `{"client":"{client}","days":30,"name":"R\u0026D \u003cé😀/\u003e","permissions":["client:read"]}`,
		"as Python's json escapes":   `{"client":"{client}","days": 30, "name": "R&D <\u00e9\ud83d\ude00/>", "permissions": ["client:read"]}`,
		"as PHP's json escapes":      `{"client":"{client}","days":30,"name":"R&D <\u00e9\ud83d\ude00\/>","permissions":["client:read"]}`,
		"in capitals, another order": `{"permissions":["client\u003Aread"],"client":"{client}","name":"R\u0026D \u003C\u00E9😀\u002F\u003E","days":30}`,
		"its name escaped":           "{\"client\":\"{client}\",\"d\\u0061ys\":30,\n\t\"name\":\"R&D <é😀/>\",\"permissions\":[\"client:read\"]}",
		"its number in another way":  `{"client":"{client}","days":3e1,"name":"R&D <é😀/>","permissions":["client:read"]}`,
	} {
		w := ada.ask(t, "POST", "/v1/proposals", wish(change))
		if w.Code != 201 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
			continue
		}
		if got := answered[api.Proposal](t, w, 201); got.Digest != plain.Digest || string(got.Change.RawMessage) != canonical {
			t.Errorf("%s: digest %s of %s, want %s", name, got.Digest, got.Change.RawMessage, plain.Digest)
		}
	}
	for name, change := range map[string]string{
		"a fraction":     `{"client":"{client}","days":30.5,"name":"x","permissions":["client:read"]}`,
		"beyond 2^53":    `{"client":"{client}","days":9007199254740993,"name":"x","permissions":["client:read"]}`,
		"another's name": `{"client":"{client}","days-":30,"name":"x","permissions":["client:read"]}`,
	} {
		if w := ada.ask(t, "POST", "/v1/proposals", wish(change)); w.Code != 422 || !strings.Contains(w.Body.String(), "change: ") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	answered[api.Decision](t, bob.confirms(t, plain), 200)
}
