package web_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
)

// TestOWASP_API2_PeopleAuthentication: a session is shown by its cookie and nothing else, is over when its person says so, and ends with them.
// (TestSignInFailsAlike, TestLockedOverTheAPI and package people have how it begins.)
func TestOWASP_API2_PeopleAuthentication(t *testing.T) {
	o := newOffice(t)
	ada, boss := o.person(t, authz.Viewer), o.person(t, authz.Admin)
	token := ada.cookie
	nobody := &person{o: o}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"in a field":          nobody.ask(t, "GET", "/v1/me", "", "Assay-Key", token),
		"as a bearer":         nobody.ask(t, "GET", "/v1/me", "", "Authorization", "Bearer "+token),
		"by its id":           nobody.ask(t, "GET", "/v1/me", "", "Cookie", authn.SessionCookie+"="+ada.session),
		"by a cookie of less": nobody.ask(t, "GET", "/v1/me", "", "Cookie", "assay="+token),
		"in upper case":       nobody.ask(t, "GET", "/v1/me", "", "Cookie", authn.SessionCookie+"="+strings.ToUpper(token)),
	} {
		if w.Code != 401 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := ada.ask(t, "GET", "/v1/me", "", "Authorization", "Bearer x"); w.Code != 400 {
		t.Errorf("and another credential: %d", w.Code)
	}
	two := &person{o: o, cookie: ada.cookie}
	if w := two.ask(t, "GET", "/v1/me", "", "Cookie", authn.SessionCookie+"="+boss.cookie); w.Code != 400 {
		t.Errorf("two sessions: %d", w.Code)
	}
	answered[api.Session](t, ada.ask(t, "POST", "/v1/auth/sign-out", ""), 200)
	if w := nobody.ask(t, "GET", "/v1/me", "", "Cookie", authn.SessionCookie+"="+token); w.Code != 401 {
		t.Errorf("after they signed out: %d", w.Code)
	}
	ada.signIn(t)
	answered[api.Person](t, boss.ask(t, "POST", "/v1/people/"+ada.id+":disable", ""), 200)
	if w := ada.ask(t, "GET", "/v1/me", ""); w.Code != 401 {
		t.Errorf("after they were disabled: %d", w.Code)
	}
}

// TestOWASP_API3_PeoplePropertyLevelAuthorization: nobody sets of a person what the server decides, and what they sign in by is shown to nobody.
func TestOWASP_API3_PeoplePropertyLevelAuthorization(t *testing.T) {
	off := false
	o := newOffice(t)
	o.people.Second = &off
	boss := o.person(t, authz.Admin)
	boss.setsPassword(t)
	for _, more := range []string{`"id":"aaaaaaaaaaaaaaaa"`, `"kind":"machine"`, `"state":"good"`, `"passkeys":1`, `"password":"x"`, `"invitation":"x"`, `"tier":"partner"`, `"permissions":["client:read"]`, `"Roles":["admin"]`} {
		if w := boss.ask(t, "POST", "/v1/people", `{"login":"carol","name":"x","roles":["viewer"],`+more+`}`); w.Code != 422 {
			t.Errorf("a person with %s: %d %s", more, w.Code, w.Body)
		}
	}
	secret := regexp.MustCompile(`argon2id|[pP]ublicKey|[mM]ac"|"totp"|"token"|"seed"|` + boss.cookie)
	for _, path := range []string{"/v1/me", "/v1/me/credentials", "/v1/me/sessions", "/v1/people", "/v1/people/" + boss.id, "/v1/clients", "/v1/clients/" + boss.id, "/v1/proposals", "/v1/audit?limit=500"} {
		if w := boss.ask(t, "GET", path, ""); w.Code != 200 || secret.Match(w.Body.Bytes()) {
			t.Errorf("%s shows %d %s", path, w.Code, w.Body)
		}
	}
}

// TestOWASP_API6_PeopleSensitiveFlows: nobody lets themselves, or anybody else, have more than they have, for longer, or alone. (TestSecondPersonRefused
// has who confirms, TestProved what takes a fresh passkey.)
func TestOWASP_API6_PeopleSensitiveFlows(t *testing.T) {
	off := false
	o := newOffice(t)
	o.people.Second = &off
	boss, other := o.person(t, authz.Admin), o.person(t, authz.Viewer)
	tag := boss.ask(t, "GET", "/v1/people/"+boss.id, "").Header().Get("ETag")
	theirs := boss.ask(t, "GET", "/v1/clients/"+other.id, "").Header().Get("ETag")
	for name, tt := range map[string]struct {
		got    *httptest.ResponseRecorder
		status int
	}{
		"to be another one oneself":         {boss.ask(t, "PUT", "/v1/people/"+boss.id, `{"login":"x2","name":"x","roles":["admin","publisher"]}`, "If-Match", tag), 403},
		"to be reset by oneself":            {boss.ask(t, "POST", "/v1/people/"+boss.id+":reset", ""), 403},
		"to be changed as a machine is":     {boss.ask(t, "PUT", "/v1/clients/"+other.id, `{"name":"x","roles":["admin"]}`, "If-Match", theirs), 409},
		"to be disabled as one":             {boss.ask(t, "POST", "/v1/clients/"+other.id+":disable", ""), 409},
		"to have a key":                     {boss.ask(t, "POST", "/v1/keys", `{"client":"`+other.id+`","name":"x","permissions":["run:read"]}`), 403},
		"to have a key of what one may":     {boss.ask(t, "POST", "/v1/keys", `{"client":"`+boss.id+`","name":"x","permissions":["client:read"],"networks":["10.0.0.0/8"],"publicKey":"`+publicText(t)+`"}`), 422},
		"an auditor for ever":               {boss.ask(t, "POST", "/v1/people", `{"login":"auditor","name":"x","roles":["auditor"]}`), 422},
		"a person who serves":               {boss.ask(t, "POST", "/v1/people", `{"login":"service","name":"x","roles":["service"]}`), 422},
		"the name of somebody else":         {boss.ask(t, "POST", "/v1/people", `{"login":"`+other.login+`","name":"x","roles":["viewer"]}`), 409},
		"an invitation by who may not give": {other.ask(t, "POST", "/v1/people", `{"login":"carol","name":"x","roles":["viewer"]}`), 403},
	} {
		if tt.got.Code != tt.status {
			t.Errorf("%s: %d %s, want %d", name, tt.got.Code, tt.got.Body, tt.status)
		}
	}
}
