package oauth_test

import (
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// visits signs in to see what was allowed, and is where the browser is led from the identity provider.
func (b *browser) visits(t testing.TB, customer string) *httptest.ResponseRecorder {
	t.Helper()
	there := led(t, b.ask("GET", "/oauth/grants/sign-in", ""))
	q := there.Query()
	if there.Host != b.h.idp.host() || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid" || q.Get("nonce") == "" {
		t.Fatalf("sent to %s", there)
	}
	code := b.h.idp.signIn(customer, q.Get("nonce"), q.Get("code_challenge"))
	return b.ask("GET", "/oauth/callback?"+url.Values{"state": {q.Get("state")}, "code": {code}}.Encode(), "")
}

// shown are the apps that the page shows, and its field.
func (b *browser) shown(t testing.TB) (grants []string, field string) {
	t.Helper()
	w := b.ask("GET", "/oauth/grants", "")
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(w.Body.String(), "<script") {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, found := range regexp.MustCompile(`name="grant" value="([a-z2-7]{16})"`).FindAllStringSubmatch(w.Body.String(), -1) {
		grants = append(grants, found[1])
	}
	if found := hiddenField.FindStringSubmatch(w.Body.String()); found != nil {
		field = found[1]
	}
	return grants, field
}

// TestAllowed: a customer who signed in at the identity provider sees what they have allowed, all of it and nothing of others, and takes it back; its tokens let nobody in from then on.
func TestAllowed(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	token := c.tokens(t, "customer-1")["access_token"]
	h.pass(time.Second) // the oldest is shown first
	kept := c.tokens(t, "customer-1")["access_token"]
	other := c.tokens(t, "customer-2")["access_token"]
	b := &browser{h: h}
	if w := b.ask("GET", "/oauth/grants", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `href="/oauth/grants/sign-in"`) || strings.Contains(w.Body.String(), "Wallet") {
		t.Fatalf("before signing in: %d %s", w.Code, w.Body)
	}
	if to := led(t, b.visits(t, "customer-1")); to.String() != "/oauth/grants" {
		t.Fatalf("led to %s", to)
	}
	page := b.ask("GET", "/oauth/grants", "").Body.String()
	for _, want := range []string{"Wallet", "Wallet Ltd", "your own balances", "Demo Exchange", h.now().Format("2 January 2006"), h.now().AddDate(0, 0, 90).Format("2 January 2006")} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "customer-1") {
		t.Error("the page names the customer")
	}
	grants, field := b.shown(t)
	if len(grants) != 2 {
		t.Fatalf("%d grants, want the two that are theirs", len(grants))
	}
	if to := led(t, b.ask("POST", "/oauth/grants", url.Values{"for": {field}, "grant": {grants[0]}}.Encode())); to.String() != "/oauth/grants?back" {
		t.Errorf("led to %s", to)
	}
	if w := b.ask("GET", "/oauth/grants?back", ""); !strings.Contains(w.Body.String(), "It was taken back") {
		t.Errorf("%s", w.Body)
	}
	if left, _ := b.shown(t); len(left) != 1 || left[0] != grants[1] {
		t.Errorf("%v of %v", left, grants)
	}
	if calls(t, c, token) == nil {
		t.Error("a token of a grant that was taken back lets somebody in")
	}
	for _, good := range []any{kept, other} {
		if err := calls(t, c, good); err != nil {
			t.Errorf("a grant that was not taken back: %v", err)
		}
	}
	led(t, b.ask("POST", "/oauth/grants", url.Values{"for": {field}, "grant": {grants[0]}}.Encode())) // again: it stays over
	before := b.visit
	led(t, b.ask("POST", "/oauth/grants", url.Values{"for": {field}, "leave": {"leave"}}.Encode()))
	if b.visit != "" {
		t.Error("who left has a cookie still")
	}
	b.visit = before
	if left, _ := b.shown(t); len(left) != 0 {
		t.Errorf("after leaving: %v", left)
	}
	events := strings.Join(h.events(t), "\n")
	for _, want := range []string{"customer.sign-in done", "grant.revoke done the customer took it back", "grant.revoke denied the customer has no such grant"} {
		if !strings.Contains(events, want) {
			t.Errorf("no %q in\n%s", want, events)
		}
	}
	if strings.Contains(events, "customer-1") || len(h.faults) > 0 {
		t.Errorf("%s %v", events, h.faults)
	}
}

// TestAllowedIsTheCustomers: nobody sees or ends what another customer has allowed, by another browser, from another site, after the visit, or by what is for another page.
func TestAllowedIsTheCustomers(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	token := c.tokens(t, "customer-1")["access_token"]
	victim, thief := &browser{h: h}, &browser{h: h}
	there := led(t, victim.ask("GET", "/oauth/grants/sign-in", ""))
	code := h.idp.signIn("customer-1", there.Query().Get("nonce"), there.Query().Get("code_challenge"))
	back := "/oauth/callback?" + url.Values{"state": {there.Query().Get("state")}, "code": {code}}.Encode()
	if w := thief.ask("GET", back, ""); w.Code != 400 {
		t.Errorf("a browser that did not begin: %d", w.Code)
	}
	if grants, _ := victim.shown(t); len(grants) != 0 {
		t.Error("it is shown before anybody signed in")
	}
	if w := victim.ask("GET", back+"&iss=https%3A%2F%2Fevil.example", ""); w.Code != 400 {
		t.Errorf("sent back by another provider: %d", w.Code)
	}
	before := victim.visit
	led(t, victim.ask("GET", back, ""))
	if victim.visit == before {
		t.Error("the cookie is the one of before signing in")
	}
	led(t, thief.visits(t, "customer-2"))
	grants, field := victim.shown(t)
	theirs, thiefs := thief.shown(t)
	if len(grants) != 1 || len(theirs) != 0 {
		t.Fatalf("%v %v", grants, theirs)
	}
	led(t, thief.ask("POST", "/oauth/grants", url.Values{"for": {thiefs}, "grant": grants}.Encode()))
	answer := url.Values{"for": {field}, "grant": grants}.Encode()
	if w := thief.ask("POST", "/oauth/grants", answer); w.Code != 400 {
		t.Errorf("by another browser: %d", w.Code)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"without its field": victim.ask("POST", "/oauth/grants", url.Values{"grant": grants}.Encode()),
		"of no grant":       victim.ask("POST", "/oauth/grants", url.Values{"for": {field}, "grant": {"x"}}.Encode()),
		"from another site": func() *httptest.ResponseRecorder {
			r := httptest.NewRequest("POST", origin+"/oauth/grants", strings.NewReader(answer))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Cookie", "__Host-assay-grants="+victim.visit)
			return h.ask(r)
		}(),
		"as an answer to an app": victim.ask("POST", "/oauth/consent", url.Values{"for": {field}, "answer": {"allow"}}.Encode()),
	} {
		if w.Code != 400 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	asks := &browser{h: h}
	led(t, asks.ask("GET", asks.begin(t, c, c.push(t), "customer-1"), ""))
	crossed := &browser{h: h, visit: asks.cookie}
	if grants, field := crossed.shown(t); len(grants) != 0 || field != "" {
		t.Error("the cookie of an app's question shows what was allowed")
	}
	crossed = &browser{h: h, cookie: victim.visit}
	if w := crossed.ask("GET", "/oauth/consent", ""); w.Code != 400 {
		t.Errorf("the cookie of a visit at an app's question: %d", w.Code)
	}
	if err := calls(t, c, token); err != nil {
		t.Errorf("it was taken back by somebody: %v", err)
	}
	h.pass(10 * time.Minute)
	if grants, _ := victim.shown(t); len(grants) != 0 {
		t.Error("it is shown ten minutes later")
	}
	if to := led(t, victim.ask("POST", "/oauth/grants", answer)); to.String() != "/oauth/grants" {
		t.Errorf("led to %s", to)
	}
	if grants, _ := func() ([]string, string) { led(t, victim.visits(t, "customer-1")); return victim.shown(t) }(); len(grants) != 1 {
		t.Error("it was taken back after the visit")
	}
}

// TestVisitorsWhileTheProviderIsAway: however many come, it is asked seldom what it is.
func TestVisitorsWhileTheProviderIsAway(t *testing.T) {
	h := newHouse(t)
	h.idp.away = true
	for range 20 {
		if w := (&browser{h: h}).ask("GET", "/oauth/grants/sign-in", ""); w.Code != 503 || w.Header().Get("Set-Cookie") != "" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if h.idp.refused != 1 {
		t.Errorf("it was asked %d times", h.idp.refused)
	}
	h.idp.away = false
	h.pass(10 * time.Second)
	led(t, (&browser{h: h}).ask("GET", "/oauth/grants/sign-in", ""))
}
