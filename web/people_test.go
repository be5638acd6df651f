package web_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/people/peopletest"
	"github.com/assay-por/assay/web/store"
)

// A person signs in at a server, with a browser.
type person struct {
	o      *office
	id     string
	login  string
	key    *peopletest.Authenticator
	cookie string

	session, passkey string // ids
}

// invite makes a person of these roles, as assay admin does, who has an invitation.
func (o *office) invite(t testing.TB, roles ...authz.Role) (p *person, invitation string) {
	t.Helper()
	o.asked++
	p = &person{o: o, login: fmt.Sprintf("person-%d", o.asked), key: &peopletest.Authenticator{Origin: "https://x.example", Random: rand.Reader}}
	w := people.Wish{Login: p.login, Enrolment: authn.Enrolment{Name: fmt.Sprint(roles), Roles: roles, Tier: authn.Standard}}
	if slices.Contains(roles, authz.Auditor) {
		w.Expires = o.clock.Add(authn.AuditorLife)
	}
	err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		c, secret, err := o.people.Create(ctx, tx, w)
		p.id, invitation = c.ID, secret.Reveal()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, invitation
}

// person is a new one of these roles who is signed in.
func (o *office) person(t testing.TB, roles ...authz.Role) *person {
	t.Helper()
	p, invitation := o.invite(t, roles...)
	p.enrol(t, invitation)
	return p
}

// enrol takes an invitation by a passkey.
func (p *person) enrol(t testing.TB, invitation string) api.SignedIn {
	t.Helper()
	asked := answered[api.InvitationAsked](t, p.ask(t, "POST", "/v1/auth/invitation:begin", `{"invitation":"`+invitation+`"}`), 200)
	content := `{"invitation":"` + invitation + `","name":"Laptop","credential":` + shownBy(t, p.key.Create, asked.Options.RawMessage) + `}`
	in := answered[api.SignedIn](t, p.ask(t, "POST", "/v1/auth/invitation", content), 200)
	account, err := p.o.maker.Keys.Account(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	p.session, p.passkey = in.Session.ID, people.PasskeyID(account.Passkeys[len(account.Passkeys)-1])
	return in
}

// shownBy is how a browser shows a passkey.
func shownBy(t testing.TB, by func([]byte) (map[string]any, error), asked []byte) string {
	t.Helper()
	answer, err := by(asked)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// ask asks with the session's cookie, and keeps another one.
func (p *person) ask(t testing.TB, method, path, content string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	p.o.asked++
	if method == http.MethodPost {
		header = append([]string{"Idempotency-Key", fmt.Sprintf("wish-of-a-test-%06d", p.o.asked), "Origin", "http://x.example"}, header...)
	}
	r := request(method, path, content, header...)
	if p.cookie != "" {
		r.AddCookie(&http.Cookie{Name: authn.SessionCookie, Value: p.cookie})
	}
	w := httptest.NewRecorder()
	p.o.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == authn.SessionCookie {
			p.cookie = c.Value
		}
	}
	verified(t, method, path, w)
	return w
}

// stepUp shows the passkey again.
func (p *person) stepUp(t testing.TB) {
	t.Helper()
	asked := answered[api.PasskeyAsked](t, p.ask(t, "POST", "/v1/auth/step-up:begin", ""), 200)
	answered[api.SignedIn](t, p.ask(t, "POST", "/v1/auth/step-up", `{"credential":`+shownBy(t, p.key.Get, asked.Options.RawMessage)+`}`), 200)
}

// TestPersonWholeWay: invited, registered, signed in; what is sensitive takes the passkey again once it is older than five minutes.
func TestPersonWholeWay(t *testing.T) {
	off := false
	o := newOffice(t)
	o.people.Second = &off
	ada, invitation := o.invite(t, authz.Admin)
	in := ada.enrol(t, invitation)
	if in.Client != ada.id || in.Session.Class != authn.PHR || len(in.Recovery) != 10 || !in.Session.Current {
		t.Errorf("%+v", in)
	}
	me := answered[api.Me](t, ada.ask(t, "GET", "/v1/me", ""), 200)
	if me.Key != nil || me.Session == nil || me.Session.ID != in.Session.ID || me.Client.Kind != store.Person || me.Second {
		t.Errorf("%+v", me)
	}
	wish := `{"name":"Backend","roles":["service"]}`
	answered[api.Client](t, ada.ask(t, "POST", "/v1/clients", wish), 201)
	o.clock = o.clock.Add(authn.Fresh + time.Second)
	w := ada.ask(t, "POST", "/v1/clients", wish)
	if kind, _ := problem(t, w); w.Code != 401 || kind != "/problems/insufficient-user-authentication" ||
		w.Header().Get("WWW-Authenticate") != `Session error="insufficient_user_authentication", acr_values="urn:assay:acr:phr", max_age="300"` {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	before := ada.cookie
	ada.stepUp(t)
	answered[api.Client](t, ada.ask(t, "POST", "/v1/clients", wish), 201)
	stale := *ada
	stale.cookie = before
	if w := stale.ask(t, "GET", "/v1/me", ""); w.Code != 401 {
		t.Errorf("the cookie of before: %d", w.Code)
	}
	left := ada.ask(t, "POST", "/v1/auth/sign-out", "")
	if answered[api.Session](t, left, 200); ada.cookie != "" || !strings.Contains(left.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("signed out: %v", left.Header())
	}
	if !strings.Contains(o.recorded(t), `"action":"step-up"`) {
		t.Error("what was refused is not in the log")
	}
}
