package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/limit"
)

const password = "correct horse battery staple"

// code is what an authenticator app shows that was given this.
func code(t *testing.T, uri string, at time.Time) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := totp.GenerateCode(u.Query().Get("secret"), at)
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// setsPassword gives a person who is signed in a password, and returns what their app was given.
func (p *person) setsPassword(t *testing.T) (uri string) {
	t.Helper()
	asked := answered[api.TOTPAsked](t, p.ask(t, "POST", "/v1/me/password:begin", ""), 200)
	if got := answered[api.Factors](t, p.ask(t, "POST", "/v1/me/password", fmt.Sprintf(`{"password":%q,"code":%q}`, password, code(t, asked.TOTP, p.o.clock))), 200); !got.Password {
		t.Errorf("%+v", got)
	}
	return asked.TOTP
}

func byPassword(login, password, code string) string {
	return fmt.Sprintf(`{"login":%q,"password":%q,"code":%q}`, login, password, code)
}

// TestProved: exactly the routes of that table ask a person for a passkey anew, and no machine for anything.
func TestProved(t *testing.T) {
	o := newOffice(t)
	off := false
	o.people.Second = &off
	ada, machine := o.person(t, authz.Admin, authz.Operator, authz.Publisher), o.asker(t, authz.Admin, authz.Operator, authz.Publisher)
	o.clock = o.clock.Add(authn.Fresh + time.Second)
	for route := range web.Proved {
		if _, known := web.Permissions[route]; !known {
			t.Errorf("%s is no route", route)
		}
	}
	asked := 0
	for route, op := range guarded(t, document(t, o.h)) {
		method, template, _ := strings.Cut(route, " ")
		if strings.HasPrefix(template, "/v1/auth/") || template == "/v1/me/sessions/{id}:end" {
			continue
		}
		path := strings.NewReplacer("{id}", strings.Repeat("a", 16), "{statement}", strings.Repeat("0", 64), "{name}", "runs").Replace(template)
		content := rules[op.OperationID].content
		kind := func(w *httptest.ResponseRecorder) string {
			if w.Code < 400 {
				return ""
			}
			kind, _ := problem(t, w)
			return kind
		}
		const again = "/problems/insufficient-user-authentication"
		if got := kind(ada.ask(t, method, path, content)); (got == again) != web.Proved[route] {
			t.Errorf("%s by a person: %s, and it asks for a passkey: %t", route, got, web.Proved[route])
		}
		if got := kind(machine.ask(t, method, path, content)); got == again {
			t.Errorf("%s by a machine: %s", route, got)
		}
		if web.Proved[route] {
			asked++
		}
	}
	if asked != len(web.Proved) {
		t.Errorf("%d of %d", asked, len(web.Proved))
	}
}

// TestSignInFailsAlike: whoever fails learns that alone, whatever was wrong, and whether there is such a person or not.
func TestSignInFailsAlike(t *testing.T) {
	o := newOffice(t)
	ada, eve := o.person(t, authz.Admin), o.person(t, authz.Viewer)
	uri := ada.setsPassword(t)
	o.clock = o.clock.Add(time.Minute)
	stranger := &person{o: o}
	right := code(t, uri, o.clock)
	answered[api.SignedIn](t, stranger.ask(t, "POST", "/v1/auth/password", byPassword(ada.login, password, right)), 200)
	if me := answered[api.Me](t, stranger.ask(t, "GET", "/v1/me", ""), 200); me.Session.Class != authn.MFA {
		t.Errorf("%+v", me.Session)
	}
	stranger.cookie = ""
	var bodies []string
	instance := regexp.MustCompile(`"instance":"[^"]*",?`)
	for _, content := range []string{
		byPassword(ada.login, password, right), byPassword(ada.login, "not that password", right), byPassword(ada.login, password, "000000"),
		byPassword(eve.login, password, right), byPassword("nobody", password, right),
	} {
		w := stranger.ask(t, "POST", "/v1/auth/password", content)
		if w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Session" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		bodies = append(bodies, instance.ReplaceAllString(w.Body.String(), "")+" "+strconv.Itoa(len(w.Header().Get("Padding"))))
	}
	for path, content := range map[string]string{
		"/v1/auth/passkey": `{"credential":` + someAnswer + `}`, "/v1/auth/recovery": `{"login":"nobody","code":"aaaaa"}`, "/v1/auth/invitation:begin": `{"invitation":"a.b"}`,
	} {
		w := stranger.ask(t, "POST", path, content)
		bodies = append(bodies, instance.ReplaceAllString(w.Body.String(), "")+" "+strconv.Itoa(len(w.Header().Get("Padding"))))
	}
	if slices.Sort(bodies); bodies[0] != bodies[len(bodies)-1] {
		t.Errorf("they differ:\n%s", strings.Join(bodies, "\n"))
	}
	said := o.recorded(t)
	for _, want := range []string{"the code was used before", "the password is wrong", "the code is wrong", "nobody signs in by that name"} {
		if !strings.Contains(said, want) {
			t.Errorf("the log has not %q", want)
		}
	}
	for _, secret := range []string{password, right, ada.login, ada.cookie} {
		if strings.Contains(said, secret) || strings.Contains(o.log.String(), secret) {
			t.Errorf("a log has %q", secret)
		}
	}
}

// TestLockedOverTheAPI: who is locked is told for how long, whether there is such a person or not, and a passkey lets in meanwhile.
func TestLockedOverTheAPI(t *testing.T) {
	o := newOffice(t)
	ada, stranger := o.person(t, authz.Admin), &person{o: o}
	uri := ada.setsPassword(t)
	o.clock = o.clock.Add(time.Minute)
	for _, login := range []string{ada.login, "nobody"} {
		var w *httptest.ResponseRecorder
		for range 6 {
			w = stranger.ask(t, "POST", "/v1/auth/password", byPassword(login, "not that password", "000000"))
		}
		if kind, _ := problem(t, w); w.Code != 429 || kind != "/problems/locked" || w.Header().Get("Retry-After") != "60" {
			t.Errorf("%s: %d %v %s", login, w.Code, w.Header(), w.Body)
		}
	}
	if w := stranger.ask(t, "POST", "/v1/auth/password", byPassword(ada.login, password, code(t, uri, o.clock))); w.Code != 429 {
		t.Errorf("though it is right: %d", w.Code)
	}
	ada.cookie = ""
	ada.signIn(t)
}

// TestSignInsAreCounted: an address tries so often, and who is signed in is not held up by it.
func TestSignInsAreCounted(t *testing.T) {
	policies := plenty()
	policies[limit.SignIns] = limit.Policy{Rate: 1, Per: time.Hour, Burst: 5}
	o := newOffice(t, func(c *web.Config) {
		var err error
		if c.Limits, err = limit.New(policies, c.Acts.Store, now); err != nil {
			t.Fatal(err)
		}
	})
	ada, stranger := o.person(t, authz.Admin), &person{o: o} // two of the five are hers
	for i, want := range []int{200, 200, 200, 429} {
		if w := stranger.ask(t, "POST", "/v1/auth/passkey:begin", ""); w.Code != want {
			t.Errorf("%d: %d, want %d", i, w.Code, want)
		}
	}
	ada.stepUp(t)
	if w := ada.ask(t, "GET", "/v1/me", ""); w.Code != 200 || !strings.Contains(w.Header().Get("RateLimit-Policy"), `"person"`) {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// TestOwnFactors: a person adds a passkey, removes one and sees both; the last one stays.
func TestOwnFactors(t *testing.T) {
	o := newOffice(t)
	ada, eve := o.person(t, authz.Viewer), o.person(t, authz.Viewer)
	asked := answered[api.PasskeyAsked](t, ada.ask(t, "POST", "/v1/me/credentials:begin", ""), 200)
	wish := `{"name":"Key","credential":` + shownBy(t, ada.key.Create, asked.Options.RawMessage) + `}`
	if w := eve.ask(t, "POST", "/v1/me/credentials", wish); w.Code != 422 {
		t.Errorf("an answer to somebody else's question: %d %s", w.Code, w.Body)
	}
	added := answered[api.Passkey](t, ada.ask(t, "POST", "/v1/me/credentials", wish), 201)
	if w := ada.ask(t, "POST", "/v1/me/credentials", wish); w.Code != 422 {
		t.Errorf("the answer again: %d %s", w.Code, w.Body)
	}
	own := answered[api.Factors](t, ada.ask(t, "GET", "/v1/me/credentials", ""), 200)
	if len(own.Passkeys) != 2 || own.Passkeys[1].ID != added.ID || own.Passkeys[1].Name != "Key" || own.Recovery != 10 || own.Password {
		t.Errorf("%+v", own)
	}
	answered[api.Passkey](t, ada.ask(t, "POST", "/v1/me/credentials/"+own.Passkeys[0].ID+":remove", ""), 200)
	if w := ada.ask(t, "POST", "/v1/me/credentials/"+added.ID+":remove", ""); w.Code != http.StatusConflict {
		t.Errorf("the last one: %d", w.Code)
	}
	ada.signIn(t)
	sessions := answered[api.Sessions](t, ada.ask(t, "GET", "/v1/me/sessions", ""), 200).Sessions
	if len(sessions) != 2 || sessions[0].Current == sessions[1].Current || sessions[0].From != "192.0.2.0/24" {
		t.Fatalf("%+v", sessions)
	}
	for _, s := range sessions {
		if !s.Current {
			answered[api.Session](t, ada.ask(t, "POST", "/v1/me/sessions/"+s.ID+":end", ""), 200)
		}
	}
	if left := answered[api.Sessions](t, ada.ask(t, "GET", "/v1/me/sessions", ""), 200).Sessions; len(left) != 1 || !left[0].Current {
		t.Errorf("%+v", left)
	}
	codes := answered[api.RecoveryCodes](t, ada.ask(t, "POST", "/v1/me/recovery-codes", ""), 200)
	ada.cookie = ""
	invited := answered[api.Invited](t, ada.ask(t, "POST", "/v1/auth/recovery", fmt.Sprintf(`{"login":%q,"code":%q}`, ada.login, codes.Recovery[9])), 200)
	ada.enrol(t, invited.Invitation)
}

// TestPasswordChange: whoever sets a password has shown a passkey within five minutes; the former password is neither enough nor asked for, and signs nobody in afterwards.
func TestPasswordChange(t *testing.T) {
	o := newOffice(t)
	ada := o.person(t, authz.Admin)
	uri := ada.setsPassword(t)
	wish := func(p *person, text string) (string, *httptest.ResponseRecorder) {
		asked := p.ask(t, "POST", "/v1/me/password:begin", "")
		if asked.Code != 200 {
			return "", asked
		}
		next := answered[api.TOTPAsked](t, asked, 200).TOTP
		return next, p.ask(t, "POST", "/v1/me/password", fmt.Sprintf(`{"password":%q,"code":%q}`, text, code(t, next, o.clock)))
	}
	const other = "another staple of a battery"
	o.clock = o.clock.Add(time.Minute)
	thief := *ada // who has the password, and sits where she sits, but has no passkey
	thief.cookie = ""
	answered[api.SignedIn](t, thief.ask(t, "POST", "/v1/auth/password", byPassword(ada.login, password, code(t, uri, o.clock))), 200)
	if _, w := wish(&thief, other); w.Code != 401 || !strings.Contains(w.Body.String(), "/problems/insufficient-user-authentication") || !strings.Contains(w.Header().Get("WWW-Authenticate"), `acr_values="urn:assay:acr:phr"`) {
		t.Errorf("by the former password alone: %d %v %s", w.Code, w.Header(), w.Body)
	}
	o.clock = o.clock.Add(authn.Fresh)
	if _, w := wish(ada, other); w.Code != 401 || !strings.Contains(w.Body.String(), "/problems/insufficient-user-authentication") {
		t.Errorf("by a passkey of six minutes ago: %d %s", w.Code, w.Body)
	}
	ada.stepUp(t)
	next, w := wish(ada, other)
	answered[api.Factors](t, w, 200)
	o.clock = o.clock.Add(time.Minute)
	stranger := &person{o: o}
	for _, factors := range [][2]string{{password, uri}, {password, next}, {other, uri}} {
		if w := stranger.ask(t, "POST", "/v1/auth/password", byPassword(ada.login, factors[0], code(t, factors[1], o.clock))); w.Code != 401 {
			t.Errorf("by what was before: %d %s", w.Code, w.Body)
		}
	}
	answered[api.SignedIn](t, stranger.ask(t, "POST", "/v1/auth/password", byPassword(ada.login, other, code(t, next, o.clock))), 200)
}
