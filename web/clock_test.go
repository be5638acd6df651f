package web_test

import (
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authz"
)

// TestClock: what lets somebody in is over by the clock of the server, and not before. The clock is the one that the whole of it is handed; a program that turns the
// machine's, such as faketime, does not reach one that is written in Go, which asks the kernel itself.
func TestClock(t *testing.T) {
	type attempt func() *httptest.ResponseRecorder
	for name, tt := range map[string]struct {
		life  time.Duration
		every time.Duration // how often it is used meanwhile; zero: not at all
		late  int           // what it is answered with then
		begin func(*testing.T, *office) attempt
	}{
		"a session that is not used": {30 * time.Minute, 0, 401, func(t *testing.T, o *office) attempt {
			p := o.person(t, authz.Viewer)
			return func() *httptest.ResponseRecorder { return p.ask(t, "GET", "/v1/me", "") }
		}},
		"a session that is used": {12 * time.Hour, 20 * time.Minute, 401, func(t *testing.T, o *office) attempt {
			p := o.person(t, authz.Viewer)
			return func() *httptest.ResponseRecorder { return p.ask(t, "GET", "/v1/me", "") }
		}},
		"an invitation": {15 * time.Minute, 0, 401, func(t *testing.T, o *office) attempt {
			p, invitation := o.invite(t, authz.Viewer)
			return func() *httptest.ResponseRecorder {
				return p.ask(t, "POST", "/v1/auth/invitation:begin", `{"invitation":"`+invitation+`"}`)
			}
		}},
		"that a passkey was shown": {5 * time.Minute, 0, 401, func(t *testing.T, o *office) attempt {
			p := o.person(t, authz.Viewer)
			return func() *httptest.ResponseRecorder { return p.ask(t, "POST", "/v1/me/recovery-codes", "") }
		}},
		"what a passkey is asked": {2 * time.Minute, 0, 401, func(t *testing.T, o *office) attempt {
			p := o.person(t, authz.Viewer)
			p.cookie = ""
			asked := answered[api.PasskeyAsked](t, p.ask(t, "POST", "/v1/auth/passkey:begin", ""), 200)
			shown := shownBy(t, p.key.Get, asked.Options.RawMessage)
			return func() *httptest.ResponseRecorder {
				return p.ask(t, "POST", "/v1/auth/passkey", `{"credential":`+shown+`}`)
			}
		}},
		"a code of the second factor": {time.Minute, 0, 401, func(t *testing.T, o *office) attempt {
			p := o.person(t, authz.Viewer)
			uri := p.setsPassword(t)
			o.clock = o.clock.Add(time.Minute).Truncate(30 * time.Second) // its half minute begins
			shown := code(t, uri, o.clock)
			return func() *httptest.ResponseRecorder {
				return (&person{o: o}).ask(t, "POST", "/v1/auth/password", byPassword(p.login, password, shown))
			}
		}},
		"an API key": {90 * 24 * time.Hour, 20 * 24 * time.Hour, 401, func(t *testing.T, o *office) attempt {
			a := o.asker(t, authz.Viewer)
			return func() *httptest.ResponseRecorder { return a.ask(t, "GET", "/v1/me", "") }
		}},
		"an app's token": {5 * time.Minute, 0, 401, func(t *testing.T, o *office) attempt {
			a := o.application(t, authz.Service, authz.Viewer)
			token := tokenOf(t, a.post(t, "/oauth/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"run:read"}}))
			return func() *httptest.ResponseRecorder { return a.ask(t, token, "GET", "/v1/me", "") }
		}},
		"a token of the identity provider": {6 * time.Minute, 0, 401, func(t *testing.T, o *office) attempt { // five minutes, and one by which clocks differ
			token := o.idp.token(t, map[string]any{"sub": "somebody", "groups": "finance"})
			return func() *httptest.ResponseRecorder { return o.bears(t, token, "GET", "/v1/me", "") }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, after := range []time.Duration{-time.Second, time.Second} {
				o := newOffice(t)
				try := tt.begin(t, o)
				over := o.clock.Add(tt.life)
				for next := o.clock.Add(tt.every); tt.every > 0 && next.Before(over); next = next.Add(tt.every) {
					o.clock = next
					if w := try(); w.Code != 200 {
						t.Fatalf("it is used at %s: %d %s", next, w.Code, w.Body)
					}
				}
				o.clock = over.Add(after)
				want := 200
				if after > 0 {
					want = tt.late
				}
				if w := try(); w.Code != want {
					t.Errorf("%s after its end: %d %s, want %d", after, w.Code, w.Body, want)
				}
			}
		})
	}
}
