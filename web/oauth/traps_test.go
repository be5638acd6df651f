package oauth_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/store"
)

// The traps of fosite, as the design of the server's security lists them (docs/adr/0036).

// TestTrap1_TokensAreBound: fosite knows no DPoP and no cnf, replaces the session at the code, and calls every token a bearer's. Here each token is bound
// to the key that asked for it, refreshed ones too, and is nobody's who has not that key.
func TestTrap1_TokensAreBound(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	first := c.tokens(t, "customer-1")
	second := read(t, c.post(t, oauth.PathToken, ofRefresh(first["refresh_token"])), 200)
	for _, got := range []map[string]any{first, second} {
		if got["token_type"] != "DPoP" {
			t.Errorf("token_type is %v", got["token_type"])
		}
		told := read(t, c.post(t, oauth.PathIntrospect, url.Values{"token": {got["access_token"].(string)}}), 200)
		if bound, ok := told["cnf"].(map[string]any); !ok || bound["jkt"] == "" {
			t.Errorf("%v", told)
		}
		thief := *c
		thief.dpop = newKey(t)
		if err := calls(t, &thief, got["access_token"]); err == nil || !strings.Contains(err.Error(), "another key") {
			t.Errorf("with another key: %v", err)
		}
		r := httptest.NewRequest("POST", "https://x.example/v1/proofs", nil)
		r.Header.Set("Authorization", "Bearer "+got["access_token"].(string))
		if _, err := h.Who(r); err == nil || !strings.Contains(err.Error(), "as if it were not") {
			t.Errorf("as a bearer: %v", err)
		}
	}
	thief := *c
	thief.dpop = newKey(t)
	wrong(t, thief.post(t, oauth.PathToken, ofRefresh(second["refresh_token"])), 400, "invalid_grant")
	thief.dpop = nil
	wrong(t, thief.post(t, oauth.PathToken, ofRefresh(second["refresh_token"])), 400, "invalid_dpop_proof")
	read(t, c.post(t, oauth.PathToken, ofRefresh(second["refresh_token"])), 200)
}

// What was pushed without a key has tokens that are bound to the key by which the code is changed.
func TestTrap1_BoundAtTheCode(t *testing.T) {
	c := newHouse(t).client(t)
	key := c.dpop
	c.dpop = nil
	code := c.code(t, "customer-1")
	c.dpop = key
	got := read(t, c.post(t, oauth.PathToken, c.ofCode(code)), 200)
	if err := calls(t, c, got["access_token"]); err != nil || got["token_type"] != "DPoP" {
		t.Errorf("%v %v", got, err)
	}
	thief := *c
	thief.dpop = newKey(t)
	if calls(t, &thief, got["access_token"]) == nil {
		t.Error("with another key")
	}
}

// A code is bound to the key of the request that was pushed, if that had one.
func TestTrap1_TheCodeIsBound(t *testing.T) {
	c := newHouse(t).client(t)
	thief := *c
	thief.dpop = newKey(t)
	wrong(t, thief.post(t, oauth.PathToken, c.ofCode(c.code(t, "customer-1"))), 400, "invalid_grant")
	wrong(t, c.post(t, oauth.PathPAR, wants(c, "dpop_jkt", "of-another-key")), 400, "invalid_request")
}

// TestTrap2_Assertions: fosite's own way of knowing apps has no Ed25519 and no certificates, and takes an assertion for used before it sees that it is for somebody else.
func TestTrap2_Assertions(t *testing.T) {
	h := newHouse(t)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := h.client(t, func(w *oauth.Wish) { w.Keys = setOf(t, private) })
	c.key = private
	asks := func(changes map[string]any) url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {c.assertion(t, changes)}}
	}
	wrong(t, c.post(t, oauth.PathToken, asks(map[string]any{"jti": "once-and-no-more", "aud": "https://elsewhere.example"})), 401, "invalid_client")
	good := asks(map[string]any{"jti": "once-and-no-more"})
	read(t, c.post(t, oauth.PathToken, good), 200)
	wrong(t, c.post(t, oauth.PathToken, good), 401, "invalid_client")
	now := h.now().Unix()
	for name, changes := range map[string]map[string]any{
		"of somebody else": {"iss": "another"}, "about somebody else": {"sub": "another"}, "over": {"exp": now}, "for too long": {"exp": now + 66}, "without an end": {"exp": nil},
		"of the future": {"iat": now + 6}, "not yet": {"nbf": now + 6}, "without a jti": {"jti": ""}, "for two": {"aud": []string{origin, "https://elsewhere.example"}}, "for no one": {"aud": nil},
	} {
		if w := c.post(t, oauth.PathToken, asks(changes)); w.Code != 401 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	read(t, c.post(t, oauth.PathToken, asks(map[string]any{"aud": origin + oauth.PathToken})), 200)
	thief := *c
	_, thief.key, _ = ed25519.GenerateKey(rand.Reader)
	wrong(t, thief.post(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}), 401, "invalid_client")
}

// TestTrap2_Certificates: an app that shows a certificate is known by it, and its tokens are bound to it.
func TestTrap2_Certificates(t *testing.T) {
	h := newHouse(t)
	id := h.register(t, func() oauth.Wish {
		w := wish(t, newKey(t))
		w.Auth, w.Keys, w.Certificate = oauth.ByCertificate, nil, "wallet.app.example"
		return w
	}())
	c := &client{h: h, id: id, back: "https://app.example/back"}
	first, second, foreign := shownBy(t, "wallet.app.example"), shownBy(t, "wallet.app.example"), shownBy(t, "other.app.example")
	asks := func(by *tls.ConnectionState) *httptest.ResponseRecorder {
		r := c.request(t, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_id": {id}})
		r.TLS = by
		return h.ask(r)
	}
	got := read(t, asks(first), 200)
	if got["token_type"] != "Bearer" {
		t.Errorf("%v", got)
	}
	wrong(t, asks(foreign), 401, "invalid_client")
	wrong(t, asks(nil), 401, "invalid_client")
	wrong(t, asks(&tls.ConnectionState{PeerCertificates: first.PeerCertificates}), 401, "invalid_client")
	for name, tt := range map[string]struct {
		by   *tls.ConnectionState
		good bool
	}{"the certificate": {first, true}, "another of that name": {second, false}, "none": {nil, false}} {
		r := httptest.NewRequest("GET", "https://x.example/v1/me", nil)
		r.Header.Set("Authorization", "Bearer "+got["access_token"].(string))
		r.TLS = tt.by
		if who, err := h.Who(r); (err == nil) != tt.good || tt.good && who.Client != id {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// shownBy is a connection on which a certificate of a name was shown, and verified.
func shownBy(t testing.TB, name string) *tls.ConnectionState {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}}}
}

// TestTrap3_Introspection: fosite's takes Basic or bearers. Here an app shows who it is as everywhere, and learns of its own tokens alone.
func TestTrap3_Introspection(t *testing.T) {
	h := newHouse(t)
	c, other := h.client(t), h.client(t)
	got := c.tokens(t, "customer-1")
	asks := func(of *client, token any) map[string]any {
		return read(t, of.post(t, oauth.PathIntrospect, url.Values{"token": {fmt.Sprint(token)}}), 200)
	}
	for _, token := range []any{got["access_token"], got["refresh_token"]} {
		if told := asks(c, token); told["active"] != true || told["client_id"] != c.id || told["iss"] != origin || told["cnf"] == nil {
			t.Errorf("%v", told)
		}
		if told := asks(other, token); len(told) != 1 || told["active"] != false {
			t.Errorf("to another app: %v", told)
		}
	}
	for _, token := range []string{"asya.unknown", "nothing", c.code(t, "customer-1")} {
		if told := asks(c, token); len(told) != 1 || told["active"] != false {
			t.Errorf("%s: %v", token, told)
		}
	}
	h.pass(300 * time.Second)
	if told := asks(c, got["access_token"]); len(told) != 1 || told["active"] != false {
		t.Errorf("what is over: %v", told)
	}
	r := httptest.NewRequest("POST", origin+oauth.PathIntrospect, strings.NewReader("token=x"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.id, "secret")
	wrong(t, h.ask(r), 401, "invalid_client")
}

// TestTrap4_RefreshingEnds: fosite gives each refresh token its whole life again. Here a grant is over after 90 days, however much it is used, and after 14 if it is not.
func TestTrap4_RefreshingEnds(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	token := c.tokens(t, "customer-1")["refresh_token"]
	began := h.now()
	for h.now().Sub(began) < 78*24*time.Hour {
		h.pass(13 * 24 * time.Hour)
		token = read(t, c.post(t, oauth.PathToken, ofRefresh(token)), 200)["refresh_token"]
	}
	h.pass(12*24*time.Hour - 100*time.Second)
	last := read(t, c.post(t, oauth.PathToken, ofRefresh(token)), 200)
	if last["expires_in"].(float64) > 100 {
		t.Errorf("a token that is good for %v seconds, of a grant that has 100 left", last["expires_in"])
	}
	h.pass(100 * time.Second)
	wrong(t, c.post(t, oauth.PathToken, ofRefresh(last["refresh_token"])), 400, "invalid_grant")
	idle := c.tokens(t, "customer-1")["refresh_token"]
	h.pass(14 * 24 * time.Hour)
	wrong(t, c.post(t, oauth.PathToken, ofRefresh(idle)), 400, "invalid_grant")
}

// TestTrap5_PushedOnce: fosite reads and deletes what was pushed in two steps, and leaves it to others to see that it is old. Here one browser gets it, for 90 seconds,
// and has ten minutes from then on.
func TestTrap5_PushedOnce(t *testing.T) {
	h := newHouse(t)
	c, other := h.client(t), h.client(t)
	b := &browser{h: h}
	uri := c.push(t)
	at := func(id, uri string) int {
		return (&browser{h: h}).ask("GET", "/oauth/authorize?"+url.Values{"client_id": {id}, "request_uri": {uri}}.Encode(), "").Code
	}
	back := b.begin(t, c, uri, "customer-1")
	if code := at(c.id, uri); code != 400 {
		t.Errorf("again: %d", code)
	}
	if code := at(other.id, c.push(t)); code != 400 {
		t.Errorf("by another app: %d", code)
	}
	old := c.push(t)
	h.pass(90 * time.Second)
	if code := at(c.id, old); code != 400 {
		t.Errorf("after 90 seconds: %d", code)
	}
	led(t, b.ask("GET", back, ""))
	h.pass(9 * time.Minute)
	if to := b.decides(t, "allow"); to.Query().Get("code") == "" {
		t.Errorf("%s", to)
	}
	codes := make(chan int)
	uri = c.push(t)
	for range 20 {
		go func() { codes <- at(c.id, uri) }()
	}
	good := 0
	for range 20 {
		if <-codes == 303 {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d browsers at once got it, want one", good)
	}
}

// TestTrap6_Reuse: fosite ends the family of a refresh token that turns up again only if its store says so in one certain way. Here whoever has
// the same key and did not get the answer may try again within ten seconds; anybody else ends the grant.
func TestTrap6_Reuse(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	first := c.tokens(t, "customer-1")
	lost := read(t, c.post(t, oauth.PathToken, ofRefresh(first["refresh_token"])), 200)
	wrong(t, c.post(t, oauth.PathToken, ofRefresh(first["refresh_token"])), 400, "invalid_grant") // at once: the loser
	h.pass(2 * time.Second)
	again := read(t, c.post(t, oauth.PathToken, ofRefresh(first["refresh_token"])), 200)
	for _, token := range []any{lost["access_token"]} {
		if calls(t, c, token) == nil {
			t.Error("what the retry replaced lets somebody in")
		}
	}
	if err := calls(t, c, again["access_token"]); err != nil {
		t.Error(err)
	}
	third := read(t, c.post(t, oauth.PathToken, ofRefresh(again["refresh_token"])), 200)
	wrong(t, c.post(t, oauth.PathToken, ofRefresh(first["refresh_token"])), 400, "invalid_grant") // its successor was used
	if calls(t, c, third["access_token"]) == nil {
		t.Error("the family goes on")
	}
	wrong(t, c.post(t, oauth.PathToken, ofRefresh(third["refresh_token"])), 400, "invalid_grant")

	late := c.tokens(t, "customer-1")
	next := read(t, c.post(t, oauth.PathToken, ofRefresh(late["refresh_token"])), 200)
	h.pass(11 * time.Second)
	wrong(t, c.post(t, oauth.PathToken, ofRefresh(late["refresh_token"])), 400, "invalid_grant")
	if calls(t, c, next["access_token"]) == nil {
		t.Error("after the grace, the family goes on")
	}

	stolen := c.tokens(t, "customer-1")
	next = read(t, c.post(t, oauth.PathToken, ofRefresh(stolen["refresh_token"])), 200)
	h.pass(2 * time.Second)
	thief := *c
	thief.dpop = newKey(t)
	wrong(t, thief.post(t, oauth.PathToken, ofRefresh(stolen["refresh_token"])), 400, "invalid_grant")
	if calls(t, c, next["access_token"]) == nil {
		t.Error("with another key, the family goes on")
	}
	if n := strings.Count(strings.Join(h.events(t), "\n"), "an old token of it turned up"); n != 3 {
		t.Errorf("%d families ended on record, want 3", n)
	}
}

// TestTrap7_Loopback: fosite lets every app be answered at any port of a loopback address. Here that is for those on the customer's own device.
func TestTrap7_Loopback(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	for _, uri := range []string{"https://app.example/back/", "https://app.example/back?x=1", "https://app.example:444/back", "http://app.example/back", ""} {
		wrong(t, c.post(t, oauth.PathPAR, wants(c, "redirect_uri", uri)), 400, "invalid_request")
	}
	native := &client{h: h, dpop: newKey(t), back: "http://127.0.0.1:51004/back"}
	native.id = h.register(t, func() oauth.Wish {
		w := wish(t, newKey(t))
		w.Auth, w.Keys, w.Native, w.Redirects, w.Roles = oauth.ByNothing, nil, true, []string{"http://127.0.0.1/back"}, []authz.Role{authz.Delegate}
		return w
	}())
	native.push(t)
	for _, uri := range []string{"http://127.0.0.1:51004/other", "http://[::1]:51004/back", "http://localhost:51004/back", "https://127.0.0.1:51004/back"} {
		wrong(t, native.post(t, oauth.PathPAR, wants(native, "redirect_uri", uri)), 400, "invalid_request")
	}
	ctx := t.Context()
	err := h.store.Write(ctx, func(tx *store.Tx) error { // as if it had been registered for both
		return tx.PutApp(ctx, store.App{Client: c.id, Owner: "Wallet Ltd", Redirects: []string{"http://127.0.0.1/back"}, Auth: oauth.ByKey, Keys: string(setOf(t, c.key)), Scopes: []string{"proof:read:self"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong(t, c.post(t, oauth.PathPAR, wants(c, "redirect_uri", "http://127.0.0.1:51004/back")), 400, "invalid_request")
}

// TestTrap8_Enforced: fosite asks neither for PKCE nor for PAR unless it is told to, and has long lives of its own.
func TestTrap8_Enforced(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	for _, pairs := range [][]string{{"code_challenge", ""}, {"code_challenge_method", "plain"}, {"code_challenge_method", ""}, {"code_challenge", "short"}} {
		wrong(t, c.post(t, oauth.PathPAR, wants(c, pairs...)), 400, "invalid_request")
	}
	b := &browser{h: h}
	q := c.wants()
	q.Set("client_id", c.id)
	if w := b.ask("GET", "/oauth/authorize?"+q.Encode(), ""); w.Code != 400 || w.Header().Get("Location") != "" {
		t.Errorf("without PAR: %d %v", w.Code, w.Header())
	}
	q.Set("request_uri", "urn:ietf:params:oauth:request_uri:unknown")
	if w := b.ask("GET", "/oauth/authorize?"+q.Encode(), ""); w.Code != 400 || w.Header().Get("Location") != "" {
		t.Errorf("of no request: %d %v", w.Code, w.Header())
	}
	q.Set("request_uri", "https://app.example/request")
	if w := b.ask("GET", "/oauth/authorize?"+q.Encode(), ""); w.Code != 400 || w.Header().Get("Location") != "" {
		t.Errorf("of a request elsewhere: %d %v", w.Code, w.Header())
	}
	form := c.ofCode(c.code(t, "customer-1"))
	other := sha256.Sum256([]byte("x"))
	form.Set("code_verifier", base64.RawURLEncoding.EncodeToString(other[:]))
	wrong(t, c.post(t, oauth.PathToken, form), 400, "invalid_grant")
	form.Set("code_verifier", verifier)
	wrong(t, c.post(t, oauth.PathToken, form), 400, "invalid_grant") // who guesses has one guess
	form = c.ofCode(c.code(t, "customer-1"))
	form.Del("code_verifier")
	wrong(t, c.post(t, oauth.PathToken, form), 400, "invalid_grant")
	old := c.code(t, "customer-1")
	h.pass(60 * time.Second)
	wrong(t, c.post(t, oauth.PathToken, c.ofCode(old)), 400, "invalid_grant")
}

// TestOneOfMany: of a hundred uses of one code at once, and of one refresh token, one has an answer. A code that turns up twice ends what came of it.
func TestOneOfMany(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	many := func(form url.Values) (good []map[string]any) {
		t.Helper()
		const all = 100
		answers := make(chan *httptest.ResponseRecorder, all)
		for range all {
			r := c.request(t, oauth.PathToken, form)
			go func() { answers <- h.ask(r) }()
		}
		for range all {
			w := <-answers
			if w.Code == 200 {
				good = append(good, read(t, w, 200))
				continue
			}
			wrong(t, w, 400, "invalid_grant")
		}
		return good
	}
	if good := many(c.ofCode(c.code(t, "customer-1"))); len(good) != 1 {
		t.Errorf("%d of a hundred uses of one code have tokens, want one", len(good))
	} else if calls(t, c, good[0]["access_token"]) == nil {
		t.Error("the code turned up again, and its token lets somebody in")
	}
	good := many(ofRefresh(c.tokens(t, "customer-1")["refresh_token"]))
	if len(good) != 1 {
		t.Fatalf("%d of a hundred uses of one refresh token have tokens, want one", len(good))
	}
	if err := calls(t, c, good[0]["access_token"]); err != nil {
		t.Errorf("the one's token: %v", err)
	}
}
