package oauth_test

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestLoginAsksForNoMore: of the identity provider this server asks who signs in, and nothing else.
func TestLoginAsksForNoMore(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	b := &browser{h: h}
	for name, there := range map[string]*url.URL{
		"for an app":             led(t, b.ask("GET", "/oauth/authorize?"+url.Values{"client_id": {c.id}, "request_uri": {c.push(t)}}.Encode(), "")),
		"to see what is allowed": led(t, b.ask("GET", "/oauth/grants/sign-in", "")),
	} {
		q := there.Query()
		want := []string{"client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri", "response_type", "scope", "state"}
		if got := slices.Sorted(maps.Keys(q)); !slices.Equal(got, want) || q.Get("scope") != "openid" || q.Get("response_type") != "code" || q.Get("client_id") != "assay" || q.Get("redirect_uri") != origin+"/oauth/callback" {
			t.Errorf("%s: %s", name, there)
		}
	}
}

// TestLoginElsewhere: an identity provider that says it is another one is asked for nothing.
func TestLoginElsewhere(t *testing.T) {
	for name, says := range map[string]func(map[string]any){
		"another":      func(of map[string]any) { of["issuer"] = "https://evil.example" },
		"with a slash": func(of map[string]any) { of["issuer"] = of["issuer"].(string) + "/" },
		"none":         func(of map[string]any) { delete(of, "issuer") },
	} {
		h := newHouse(t)
		h.idp.says = says
		if w := (&browser{h: h}).ask("GET", "/oauth/grants/sign-in", ""); w.Code != 503 || w.Header().Get("Location") != "" || len(h.faults) != 1 {
			t.Errorf("%s: %d %v %v", name, w.Code, w.Header(), h.faults)
		}
		r := signed(t, h.idp.key, map[string]any{"typ": "at+jwt", "kid": "first"}, map[string]any{"iss": h.idp.server.URL, "aud": origin, "sub": "x", "scope": "proofs", "iat": h.now().Unix(), "exp": h.now().Unix() + 60})
		if _, err := (&client{h: h, dpop: newKey(t)}).calls(t, r); err == nil || h.idp.asked != 0 {
			t.Errorf("%s: its token: %v; it was asked for keys %d times", name, err, h.idp.asked)
		}
	}
}

// TestLoginIDToken: who signed in is told by an ID token of the provider's, for this server alone, of this sign-in, now.
func TestLoginIDToken(t *testing.T) {
	h := newHouse(t)
	now := h.now().Unix()
	for name, attests := range map[string]func(map[string]any){
		"for another client":               func(c map[string]any) { c["aud"] = "another" },
		"for another one too":              func(c map[string]any) { c["aud"] = []string{"assay", "another"} },
		"for nobody":                       func(c map[string]any) { delete(c, "aud") },
		"of another issuer":                func(c map[string]any) { c["iss"] = "https://evil.example" },
		"of another sign-in":               func(c map[string]any) { c["nonce"] = "another" },
		"of no sign-in":                    func(c map[string]any) { delete(c, "nonce") },
		"over":                             func(c map[string]any) { c["exp"] = now - 60 },
		"without an end":                   func(c map[string]any) { delete(c, "exp") },
		"of nobody":                        func(c map[string]any) { delete(c, "sub") },
		"of somebody with a too long name": func(c map[string]any) { c["sub"] = strings.Repeat("x", 257) },
	} {
		h.idp.attests = attests
		b := &browser{h: h}
		if w := b.visits(t, "customer-1"); w.Code != 400 || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), "You were") {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if grants, field := b.shown(t); len(grants) != 0 || field != "" {
			t.Errorf("%s: somebody is signed in", name)
		}
	}
	h.idp.attests = func(c map[string]any) { c["aud"] = []string{"assay"} }
	led(t, (&browser{h: h}).visits(t, "customer-1"))
}
