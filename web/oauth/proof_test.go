package oauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/redis"
	"github.com/assay-por/assay/web/redis/redistest"
)

// challenge is what whoever is not let in is told.
func challenge(t testing.TB, err error) string {
	t.Helper()
	var no *authn.TokenError
	if !errors.As(err, &no) {
		t.Fatalf("%v is no token's error", err)
	}
	return no.Challenge
}

// TestProofs: a proof is for one request with one token, made now, and taken once.
func TestProofs(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	token := fmt.Sprint(c.tokens(t, "customer-1")["access_token"])
	const at = origin + "/v1/proofs"
	asks := func(proofs ...string) error {
		r := httptest.NewRequest("POST", "https://elsewhere.example/v1/proofs?x=y", nil)
		r.Header.Set("Authorization", "DPoP "+token)
		for _, p := range proofs {
			r.Header.Add("DPoP", p)
		}
		_, err := h.Who(r)
		return err
	}
	good := c.proof(t, "POST", at, token)
	if err := asks(good); err != nil {
		t.Fatal(err)
	}
	now := h.now().Unix()
	other := newKey(t)
	claims := map[string]any{"htm": "POST", "htu": at, "iat": now, "jti": "proof-of-a-test"}
	for name, proofs := range map[string][]string{
		"again": {good}, "none": nil, "two": {c.proof(t, "POST", at, token), c.proof(t, "POST", at, token)}, "no JWT": {"x"}, "another method": {c.proof(t, "GET", at, token)},
		"another address": {c.proof(t, "POST", origin+"/v1/me", token)}, "the Host that was sent": {c.proof(t, "POST", "https://elsewhere.example/v1/proofs", token)},
		"another token": {c.proof(t, "POST", at, "another")}, "no token": {c.proof(t, "POST", at, "")}, "too old": {c.proof(t, "POST", at, token, map[string]any{"iat": now - 61})},
		"of the future": {c.proof(t, "POST", at, token, map[string]any{"iat": now + 61})}, "no time": {c.proof(t, "POST", at, token, map[string]any{"iat": "now"})},
		"no id": {c.proof(t, "POST", at, token, map[string]any{"jti": ""})}, "another key": {proofBy(t, h, other, "POST", at, token)},
		"no type":            {signed(t, c.dpop, map[string]any{"jwk": jose.JSONWebKey{Key: c.dpop.Public()}}, claims)},
		"no key":             {signed(t, c.dpop, map[string]any{"typ": "dpop+jwt"}, claims)},
		"a key elsewhere":    {signed(t, c.dpop, map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: c.dpop.Public()}, "jku": "https://evil.example"}, claims)},
		"the key of another": {signed(t, other, map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: c.dpop.Public()}}, claims)},
		"a member twice":     {twice(c.proof(t, "POST", at, token))},
	} {
		if err := asks(proofs...); err == nil || challenge(t, err) != `DPoP error="invalid_dpop_proof", algs="ES256 EdDSA"` {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := asks(c.proof(t, "POST", strings.Replace(at, "https://x.example", "HTTPS://X.example:443", 1)+"?any#any", token)); err != nil {
		t.Errorf("the same address, written otherwise: %v", err)
	}
	h.pass(300 * time.Second)
	if err := asks(c.proof(t, "POST", at, token)); err == nil || challenge(t, err) != `DPoP error="invalid_token", algs="ES256 EdDSA"` {
		t.Errorf("a token that is over: %v", err)
	}
}

// twice makes a JWT of another, in whose claims a member stands twice.
func twice(jwt string) string {
	parts := strings.Split(jwt, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), "{", `{"htm":"POST",`, 1)))
	return strings.Join(parts, ".")
}

// TestProofsForTokens: a proof at the token endpoint is taken once too, and what must be bound is.
func TestProofsForTokens(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	asks := func(proof string) *httptest.ResponseRecorder {
		r := c.request(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}})
		r.Header.Del("DPoP")
		if proof != "" {
			r.Header.Set("DPoP", proof)
		}
		return h.ask(r)
	}
	good := c.proof(t, "POST", origin+oauth.PathToken, "")
	read(t, asks(good), 200)
	wrong(t, asks(good), 400, "invalid_dpop_proof")
	wrong(t, asks(c.proof(t, "POST", origin+oauth.PathPAR, "")), 400, "invalid_dpop_proof")
	wrong(t, asks(""), 400, "invalid_dpop_proof")
	b := h.client(t, func(w *oauth.Wish) { w.Bearer = true })
	b.dpop = nil
	got := read(t, b.post(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}), 200)
	r := httptest.NewRequest("GET", "https://x.example/v1/me", nil)
	r.Header.Set("Authorization", "Bearer "+fmt.Sprint(got["access_token"]))
	if _, err := h.Who(r); err != nil || got["token_type"] != "Bearer" {
		t.Errorf("of an app that may have bearers' tokens: %v %v", got, err)
	}
	r.Header.Set("DPoP", c.proof(t, "GET", origin+"/v1/me", fmt.Sprint(got["access_token"])))
	if _, err := h.Who(r); err == nil {
		t.Error("a proof with a token that is bound to nothing")
	}
}

// TestForms: what is sent is read strictly, and nobody is told why an app is not known.
func TestForms(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	asks := func(target, kind, content string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", target, strings.NewReader(content))
		r.Header.Set("Content-Type", kind)
		return h.ask(r)
	}
	const form = "application/x-www-form-urlencoded"
	wrong(t, asks("/oauth/token?grant_type=client_credentials", form, "client_id="+c.id), 400, "invalid_request")
	wrong(t, asks("/oauth/token", "application/json", "{}"), 400, "invalid_request")
	wrong(t, asks("/oauth/token", "multipart/form-data; boundary=x", "x"), 400, "invalid_request")
	wrong(t, asks("/oauth/token", form, "client_id=a&client_id=b"), 400, "invalid_request")
	wrong(t, asks("/oauth/token", form, "client_id=%00"), 400, "invalid_request")
	wrong(t, asks("/oauth/token", form, strings.Repeat("x", 33<<10)), 400, "invalid_request")
	wrong(t, asks("/oauth/token", form, ""), 400, "invalid_request")
	wrong(t, asks("/oauth/token", form, "client_id="+c.id+"&client_secret=x"), 401, "invalid_client")
	wrong(t, asks("/oauth/par", form, "client_id="+c.id+"&request=x"), 400, "request_not_supported")
	unknown := asks("/oauth/token", form, "client_id=aaaaaaaaaaaaaaaa&grant_type=client_credentials")
	nothing := asks("/oauth/token", form, "client_id="+c.id+"&grant_type=client_credentials")
	if unknown.Code != 401 || unknown.Body.String() != nothing.Body.String() {
		t.Errorf("one that is not there: %s; one that shows nothing: %s", unknown.Body, nothing.Body)
	}
	wrong(t, c.post(t, oauth.PathToken, url.Values{"scope": {"x"}}), 400, "invalid_request")
	wrong(t, c.post(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "resource": {"https://elsewhere.example"}}), 400, "invalid_target")
	wrong(t, c.post(t, oauth.PathPAR, wants(c, "request_uri", "urn:x")), 400, "invalid_request")
	wrong(t, c.post(t, oauth.PathPAR, wants(c, "state", "short")), 400, "invalid_request")
	wrong(t, c.post(t, oauth.PathPAR, wants(c, "response_type", "token")), 400, "unsupported_response_type")
	wrong(t, c.post(t, oauth.PathPAR, wants(c, "response_mode", "form_post")), 400, "unsupported_response_mode")
	wrong(t, c.post(t, oauth.PathToken, c.ofCode("asyc.unknown")), 400, "invalid_grant")
	other := h.client(t)
	wrong(t, other.post(t, oauth.PathToken, other.ofCode(c.code(t, "customer-1"))), 400, "invalid_grant")
}

// TestIssuer: a token of the identity provider is held to all that it says.
func TestIssuer(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	bearer := func(token string) (*authn.Principal, error) {
		r := httptest.NewRequest("GET", "https://x.example/v1/me", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		return h.Who(r)
	}
	header := func(changes map[string]any) map[string]any {
		all := map[string]any{"typ": "at+jwt", "kid": "first"}
		for name, v := range changes {
			all[name] = v
		}
		return all
	}
	claims := func(changes map[string]any) map[string]any {
		now := h.now().Unix()
		all := map[string]any{"iss": h.idp.server.URL, "aud": origin, "sub": "customer-1", "scope": "openid proofs", "iat": now, "exp": now + 300}
		for name, v := range changes {
			all[name] = v
		}
		return all
	}
	who, err := bearer(signed(t, h.idp.key, header(nil), claims(nil)))
	if err != nil || who.Kind != authn.External || who.Subject.Reveal() != "customer-1" || len(who.Permissions) != 1 || who.Permissions[0] != authz.ProofReadSelf {
		t.Fatalf("%+v %v", who, err)
	}
	if again, err := bearer(signed(t, h.idp.key, header(nil), claims(map[string]any{"scope": "other", "groups": "finance"}))); err != nil || again.Client != who.Client || again.Subject.Reveal() != "" || again.Permissions[0] != authz.RunRead {
		t.Errorf("%+v %v", again, err)
	}
	now := h.now().Unix()
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"another issuer":   signed(t, h.idp.key, header(nil), claims(map[string]any{"iss": h.idp.server.URL + "/"})),
		"two audiences":    signed(t, h.idp.key, header(nil), claims(map[string]any{"aud": []string{origin, "https://elsewhere.example"}})),
		"another audience": signed(t, h.idp.key, header(nil), claims(map[string]any{"aud": "https://elsewhere.example"})),
		"an ID token":      signed(t, h.idp.key, header(map[string]any{"typ": "JWT"}), claims(nil)),
		"another key":      signed(t, newKey(t), header(nil), claims(nil)),
		"an unknown key":   signed(t, newKey(t), header(map[string]any{"kid": "second"}), claims(nil)),
		"RS256":            signed(t, weak, header(map[string]any{"alg": "RS256"}), claims(nil)),
		"no key named":     signed(t, h.idp.key, map[string]any{"typ": "at+jwt"}, claims(nil)),
		"its own key":      signed(t, h.idp.key, header(map[string]any{"jwk": jose.JSONWebKey{Key: h.idp.key.Public()}}), claims(nil)),
		"a key elsewhere":  signed(t, h.idp.key, header(map[string]any{"x5u": "https://evil.example"}), claims(nil)),
		"over":             signed(t, h.idp.key, header(nil), claims(map[string]any{"iat": now - 400, "exp": now - 60})),
		"for too long":     signed(t, h.idp.key, header(nil), claims(map[string]any{"exp": now + 3601})),
		"without an end":   signed(t, h.idp.key, header(nil), claims(map[string]any{"exp": nil})),
		"of the future":    signed(t, h.idp.key, header(nil), claims(map[string]any{"iat": now + 61, "exp": now + 100})),
		"not yet":          signed(t, h.idp.key, header(nil), claims(map[string]any{"nbf": now + 61})),
		"of nobody":        signed(t, h.idp.key, header(nil), claims(map[string]any{"sub": ""})),
		"no rule":          signed(t, h.idp.key, header(nil), claims(map[string]any{"scope": "proofs2"})),
		"cnf of no kind":   signed(t, h.idp.key, header(nil), claims(map[string]any{"cnf": map[string]any{"kid": "x"}})),
		"alg none":         base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt","kid":"first"}`)) + "." + strings.Split(signed(t, h.idp.key, header(nil), claims(nil)), ".")[1] + ".",
		"a member twice":   twice(signed(t, h.idp.key, header(nil), claims(nil))),
		"altered":          signed(t, h.idp.key, header(nil), claims(nil)) + "x",
	} {
		if _, err := bearer(token); err == nil || challenge(t, err) != `Bearer error="invalid_token"` {
			t.Errorf("%s: %v", name, err)
		}
	}
	bound := claims(map[string]any{"aud": []string{origin, "https://elsewhere.example"}, "cnf": map[string]any{"jkt": thumbprint(t, c)}})
	token := signed(t, h.idp.key, header(nil), bound)
	if _, err := bearer(token); err == nil {
		t.Error("a bound token, as a bearer's")
	}
	if who, err := c.calls(t, token); err != nil || who.Subject.Reveal() != "customer-1" {
		t.Errorf("with its key: %v", err)
	}
}

func thumbprint(t testing.TB, c *client) string {
	t.Helper()
	got := read(t, c.post(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}), 200)
	told := read(t, c.post(t, oauth.PathIntrospect, url.Values{"token": {fmt.Sprint(got["access_token"])}}), 200)
	return told["cnf"].(map[string]any)["jkt"].(string)
}

// TestIssuersKeys: they are asked for when they are old, or one is not known, and seldom; while the issuer is away the former are good for an hour.
func TestIssuersKeys(t *testing.T) {
	h := newHouse(t)
	second := newKey(t)
	asks := func(key any, id string) error {
		now := h.now().Unix()
		claims := map[string]any{"iss": h.idp.server.URL, "aud": origin, "sub": "x", "scope": "proofs", "iat": now, "exp": now + 60}
		by := h.idp.key
		if key != nil {
			by = second
		}
		r := httptest.NewRequest("GET", "https://x.example/v1/me", nil)
		r.Header.Set("Authorization", "Bearer "+signed(t, by, map[string]any{"typ": "at+jwt", "kid": id}, claims))
		_, err := h.Who(r)
		return err
	}
	for range 3 {
		if err := asks(nil, "first"); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if asks(second, "second") == nil {
			t.Fatal("a key that is not there")
		}
	}
	if h.idp.asked != 1 {
		t.Errorf("asked %d times within half a minute, want once", h.idp.asked)
	}
	h.idp.others = []jose.JSONWebKey{{Key: second.Public(), KeyID: "second"}}
	h.pass(31 * time.Second)
	if err := asks(second, "second"); err != nil || h.idp.asked != 2 {
		t.Errorf("a new key: %v, asked %d times", err, h.idp.asked)
	}
	h.idp.mu.Lock()
	h.idp.away = true
	h.idp.mu.Unlock()
	h.pass(59 * time.Minute)
	if err := asks(second, "second"); err != nil {
		t.Errorf("away for less than an hour: %v", err)
	}
	h.pass(2 * time.Minute)
	if asks(second, "second") == nil {
		t.Error("away for more than an hour")
	}
}

// TestLoginIsHeld: without the identity provider nobody gets further, what was pushed waits, and nobody signs in as somebody without an id.
func TestLoginIsHeld(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.idp.away = true
	uri := c.push(t)
	b := &browser{h: h}
	if w := b.ask("GET", "/oauth/authorize?"+url.Values{"client_id": {c.id}, "request_uri": {uri}}.Encode(), ""); w.Code != 503 || len(h.faults) != 1 {
		t.Fatalf("%d %v", w.Code, h.faults)
	}
	h.idp.away = false
	h.pass(10 * time.Second) // it is asked seldom while it is away
	back := b.begin(t, c, uri, "")
	if w := b.ask("GET", back, ""); w.Code != 400 || !strings.Contains(w.Body.String(), "no customer") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	replayed := &browser{h: h}
	there := led(t, replayed.ask("GET", "/oauth/authorize?"+url.Values{"client_id": {c.id}, "request_uri": {c.push(t)}}.Encode(), "")).Query()
	foreign := h.idp.signIn("customer-1", "of another sign-in", there.Get("code_challenge"))
	if w := replayed.ask("GET", "/oauth/callback?"+url.Values{"state": {there.Get("state")}, "code": {foreign}}.Encode(), ""); w.Code != 400 {
		t.Errorf("an ID token of another sign-in: %d", w.Code)
	}
	other := &browser{h: h}
	stolen := other.begin(t, c, c.push(t), "customer-2")
	mine := &browser{h: h}
	own := mine.begin(t, c, c.push(t), "customer-1")
	code := stolen[strings.Index(stolen, "code="):]
	if i := strings.Index(code, "&"); i > 0 {
		code = code[:i]
	}
	state := own[strings.Index(own, "state="):]
	if w := mine.ask("GET", "/oauth/callback?"+state[:strings.IndexAny(state+"&", "&")]+"&"+code, ""); w.Code != 400 {
		t.Errorf("a code of another sign-in: %d %s", w.Code, w.Body)
	}
}

// TestProofsOfServersTogether: a proof that one server has taken no other takes that remembers them with it, and where that is away nobody is let in.
func TestProofsOfServersTogether(t *testing.T) {
	h, at := newHouse(t), redistest.Start(t)
	h.pass(time.Minute) // Redis has a clock of its own, and has begun long ago by this one
	o, _, _, err := redis.Options(at.URL)
	if err != nil {
		t.Fatal(err)
	}
	shared := redis.Open(o, time.Now, func(error) {})
	defer shared.Close()
	other, err := oauth.New(h.Config)
	if err != nil {
		t.Fatal(err)
	}
	h.Share(shared)
	other.Share(shared)
	c := h.client(t)
	token := fmt.Sprint(c.tokens(t, "customer-1")["access_token"])
	who := func(s *oauth.Server, proof string) error {
		r := httptest.NewRequest("GET", origin+"/v1/me", nil)
		r.Header.Set("Authorization", "DPoP "+token)
		r.Header.Set("DPoP", proof)
		_, err := s.Who(r)
		return err
	}
	proof := c.proof(t, "GET", origin+"/v1/me", token)
	if err := who(h.Server, proof); err != nil {
		t.Fatal(err)
	}
	if err := who(other, proof); err == nil || challenge(t, err) != `DPoP error="invalid_dpop_proof", algs="ES256 EdDSA"` {
		t.Errorf("the same at another server: %v", err)
	}
	if err := who(other, c.proof(t, "GET", origin+"/v1/me", token)); err != nil {
		t.Errorf("another one: %v", err)
	}
	at.Kill(t)
	if err := who(other, c.proof(t, "GET", origin+"/v1/me", token)); !errors.Is(err, redis.ErrAway) || errors.As(err, new(*authn.TokenError)) {
		t.Errorf("while nobody knows which were taken: %v", err)
	}
	at.Begin(t)
}

// TestStrangersAtAuthorize: a stranger's request leads to nobody being asked anything, and what it says is put on record nowhere.
func TestStrangersAtAuthorize(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.idp.away = true // who is asked is a fault
	for _, q := range []url.Values{
		{"client_id": {"canary of somebody"}, "request_uri": {"urn:ietf:params:oauth:request_uri:canary"}}, {"client_id": {c.id}, "request_uri": {"urn:ietf:params:oauth:request_uri:canary"}},
	} {
		if w := (&browser{h: h}).ask("GET", "/oauth/authorize?"+q.Encode(), ""); w.Code != 400 || len(h.faults) != 0 {
			t.Errorf("%v: %d %v", q, w.Code, h.faults)
		}
	}
	if all := strings.Join(h.events(t), " "); strings.Contains(all, "canary") {
		t.Error(all)
	}
}
