package oauth_test

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/store"
)

// TestWholeWay: pushed, allowed, changed for tokens that are one customer's, refreshed, given back.
func TestWholeWay(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	first := c.tokens(t, "customer-1")
	if first["token_type"] != "DPoP" || first["expires_in"] != 300.0 || first["scope"] != "proof:read:self" || !strings.HasPrefix(first["access_token"].(string), "asya.") {
		t.Errorf("%v", first)
	}
	who, err := c.calls(t, first["access_token"])
	if err != nil || who.Client != c.id || who.Kind != store.OfApp || who.Subject.Reveal() != "customer-1" || !slices.Equal(who.Permissions, []authz.Permission{authz.ProofReadSelf}) {
		t.Fatalf("%+v %v", who, err)
	}
	if err := calls(t, c, first["refresh_token"]); err == nil {
		t.Error("a refresh token lets somebody in")
	}
	second := read(t, c.post(t, oauth.PathToken, ofRefresh(first["refresh_token"])), 200)
	for _, token := range []any{first["access_token"], second["access_token"]} {
		if who, err := c.calls(t, token); err != nil || who.Subject.Reveal() != "customer-1" {
			t.Errorf("after refreshing: %v", err)
		}
	}
	if err := h.Still(t.Context(), h.store, who, h.now()); err != nil {
		t.Error(err)
	}
	read(t, c.post(t, oauth.PathRevoke, url.Values{"token": {second["refresh_token"].(string)}}), 200)
	for _, token := range []any{first["access_token"], second["access_token"]} {
		if _, err := c.calls(t, token); err == nil {
			t.Error("a token of a grant that was given back lets somebody in")
		}
	}
	wrong(t, c.post(t, oauth.PathToken, ofRefresh(second["refresh_token"])), 400, "invalid_grant")
	if len(h.faults) > 0 {
		t.Error(h.faults)
	}
	events := strings.Join(h.events(t), "\n")
	for _, want := range []string{"grant.create done the customer allowed it", "token.issue done authorization_code", "token.issue done refresh_token", "grant.revoke done the app gave it back"} {
		if !strings.Contains(events, want) {
			t.Errorf("no %q in\n%s", want, events)
		}
	}
	if strings.Contains(events, "customer-1") {
		t.Error("the audit log names the customer")
	}
}

func calls(t testing.TB, c *client, token any) error {
	_, err := c.calls(t, token)
	return err
}

// TestOwn: an app asks for itself, and for no customer.
func TestOwn(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	got := read(t, c.post(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}), 200)
	if got["scope"] != "proof:read:any" || got["refresh_token"] != nil {
		t.Errorf("%v", got)
	}
	who, err := c.calls(t, got["access_token"])
	if err != nil || who.Subject.Reveal() != "" || !slices.Equal(who.Permissions, []authz.Permission{authz.ProofReadAny}) {
		t.Errorf("%+v %v", who, err)
	}
	wrong(t, c.post(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "scope": {"proof:read:self"}}), 400, "invalid_scope")
	wrong(t, c.post(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "scope": {"key:write"}}), 400, "invalid_scope")
	wrong(t, c.post(t, oauth.PathToken, url.Values{"grant_type": {"password"}}), 400, "unsupported_grant_type")
	over := wants(c, "scope", "proof:read:any")
	wrong(t, c.post(t, oauth.PathPAR, over), 400, "invalid_scope")
}

func wants(c *client, pairs ...string) url.Values {
	v := c.wants()
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// TestRefusing: the customer does not allow it, or does not sign in; the app is told, and gets nothing.
func TestRefusing(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	b := &browser{h: h}
	led(t, b.ask("GET", b.begin(t, c, c.push(t), "customer-1"), ""))
	page := b.ask("GET", "/oauth/consent", "").Body.String()
	for _, want := range []string{"Wallet", "Wallet Ltd", "your own balances", "Demo Exchange", h.now().AddDate(0, 0, 90).Format("2 January 2006"), "app.example"} {
		if !strings.Contains(page, want) {
			t.Errorf("the question does not say %q", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "style=") {
		t.Error("there is a script, or a style, in the page")
	}
	to := b.decides(t, "refuse").Query()
	if to.Get("error") != "access_denied" || to.Get("iss") != origin || to.Get("state") != "a state of a test" || to.Has("code") {
		t.Errorf("%v", to)
	}
	other := &browser{h: h}
	back := other.begin(t, c, c.push(t), "customer-1")
	state, _, _ := strings.Cut(strings.TrimPrefix(back[strings.Index(back, "state="):], ""), "&")
	if to := led(t, other.ask("GET", "/oauth/callback?"+state+"&error=login_required", "")).Query(); to.Get("error") != "access_denied" {
		t.Errorf("%v", to)
	}
}

// TestConsentIsTheBrowsers: nobody answers for another browser, from another site, or before anybody signed in.
func TestConsentIsTheBrowsers(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	victim, thief := &browser{h: h}, &browser{h: h}
	back := victim.begin(t, c, c.push(t), "customer-1")
	if w := thief.ask("GET", back, ""); w.Code != 400 {
		t.Errorf("a browser that did not begin: %d", w.Code)
	}
	if w := victim.ask("GET", "/oauth/consent", ""); w.Code != 400 {
		t.Errorf("before signing in: %d", w.Code)
	}
	before := victim.cookie
	led(t, victim.ask("GET", back, ""))
	if victim.cookie == before {
		t.Error("the cookie is the one of before signing in")
	}
	field := hiddenField.FindStringSubmatch(victim.ask("GET", "/oauth/consent", "").Body.String())[1]
	answer := url.Values{"for": {field}, "answer": {"allow"}}.Encode()
	r := httptest.NewRequest("POST", origin+"/oauth/consent", strings.NewReader(answer))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Cookie", "__Host-assay-consent="+victim.cookie)
	if w := h.ask(r); w.Code != 400 || w.Header().Get("Location") != "" {
		t.Errorf("another site's form: %d", w.Code)
	}
	if w := victim.ask("POST", "/oauth/consent", url.Values{"for": {strings.Repeat("0", 64)}, "answer": {"allow"}}.Encode()); w.Code != 400 {
		t.Errorf("an answer to another question: %d", w.Code)
	}
	if w := thief.ask("POST", "/oauth/consent", answer); w.Code != 400 {
		t.Errorf("another browser: %d", w.Code)
	}
	if w := victim.ask("POST", "/oauth/consent", url.Values{"for": {field}, "answer": {"perhaps"}}.Encode()); w.Code != 400 {
		t.Errorf("neither answer: %d", w.Code)
	}
	if to := victim.decides(t, "allow").Query(); to.Get("code") == "" {
		t.Errorf("%v", to)
	}
	if w := victim.ask("GET", "/oauth/consent", ""); w.Code != 400 {
		t.Errorf("after it was decided: %d", w.Code)
	}
}
