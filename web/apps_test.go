package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/store"
)

// provider is the exchange's identity provider, as far as a server asks it for keys.
type provider struct {
	server *httptest.Server
	key    *ecdsa.PrivateKey
	now    func() time.Time
}

var oneProvider = sync.OnceValues(func() (*httptest.Server, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	var s *httptest.Server
	s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/keys" {
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token", "jwks_uri": s.URL + "/keys"})
	}))
	return s, key
})

func newProvider(t testing.TB, now func() time.Time) *provider {
	t.Helper()
	s, key := oneProvider()
	return &provider{s, key, now}
}

func (p *provider) issuer() *oauth.Issuer {
	return &oauth.Issuer{URL: p.server.URL, Audience: "https://x.example", Algorithms: []string{"ES256"}, HTTP: p.server.Client(), Rules: []oauth.Rule{{Claim: "scope", Value: "proofs", Role: authz.Delegate}, {Claim: "groups", Value: "finance", Role: authz.Viewer}}}
}

// token is an access token of the identity provider.
func (p *provider) token(t testing.TB, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": p.server.URL, "aud": "https://x.example", "iat": p.now().Unix(), "exp": p.now().Unix() + 300}
	for name, v := range claims {
		all[name] = v
	}
	return jwt(t, p.key, map[jose.HeaderKey]any{"typ": "at+jwt", "kid": "1"}, all)
}

func jwt(t testing.TB, key *ecdsa.PrivateKey, header map[jose.HeaderKey]any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// bears asks with a token that is bound to nothing.
func (o *office) bears(t testing.TB, token, method, path, content string) *httptest.ResponseRecorder {
	t.Helper()
	o.asked++
	r := request(method, path, content, "Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	o.h.ServeHTTP(w, r)
	verified(t, method, path, w)
	return w
}

// An application is an app whose tokens are bound to a key.
type application struct {
	o    *office
	id   string
	key  *ecdsa.PrivateKey // of assertions and of proofs alike
	next int
}

func (o *office) application(t testing.TB, roles ...authz.Role) *application {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public()}}})
	if err != nil {
		t.Fatal(err)
	}
	a := &application{o: o, key: key}
	err = o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		c, _, err := oauth.Register(ctx, tx, o.maker.Maker, oauth.Wish{
			Enrolment: authn.Enrolment{Name: "Wallet", Roles: roles, Tier: authn.Standard}, Owner: "Wallet Ltd", Auth: oauth.ByKey, Keys: keys, Redirects: []string{"https://app.example/back"},
		})
		a.id = c.ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *application) proof(t testing.TB, method, path, token string) string {
	a.next++
	claims := map[string]any{"htm": method, "htu": "https://x.example" + path, "iat": a.o.clock.Unix(), "jti": fmt.Sprintf("proof-%06d", a.next)}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return jwt(t, a.key, map[jose.HeaderKey]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: a.key.Public()}}, claims)
}

// post asks one of the endpoints.
func (a *application) post(t testing.TB, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	a.next++
	now := a.o.clock.Unix()
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", jwt(t, a.key, nil, map[string]any{"iss": a.id, "sub": a.id, "aud": "https://x.example", "iat": now, "exp": now + 60, "jti": fmt.Sprintf("assertion-%d", a.next)}))
	r := request("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "DPoP", a.proof(t, "POST", path, ""))
	w := httptest.NewRecorder()
	a.o.h.ServeHTTP(w, r)
	verified(t, "POST", path, w)
	return w
}

// ask asks the API with a token.
func (a *application) ask(t testing.TB, token, method, path, content string) *httptest.ResponseRecorder {
	t.Helper()
	r := request(method, path, content, "Authorization", "DPoP "+token, "DPoP", a.proof(t, method, path, token))
	w := httptest.NewRecorder()
	a.o.h.ServeHTTP(w, r)
	verified(t, method, path, w)
	return w
}

func tokenOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.Token == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return got.Token
}

// TestAppAsksForItself: an app's token opens what its roles may, as far as it asked for that, and is no key.
func TestAppAsksForItself(t *testing.T) {
	o := newOffice(t)
	a := o.application(t, authz.Service, authz.Viewer)
	token := tokenOf(t, a.post(t, "/oauth/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"run:read"}}))
	me := answered[api.Me](t, a.ask(t, token, "GET", "/v1/me", ""), 200)
	if me.Client.ID != a.id || me.Client.Kind != store.OfApp || me.Key != nil || len(me.Permissions) != 1 || me.Permissions[0] != "run:read" {
		t.Errorf("%+v", me)
	}
	if w := a.ask(t, token, "GET", "/v1/runs", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := a.ask(t, token, "POST", "/v1/proofs", `{"customer":"x","statement":"latest"}`); w.Code != 403 {
		t.Errorf("what it did not ask for: %d", w.Code)
	}
	refused := o.bears(t, token, "GET", "/v1/me", "")
	if kind, _ := problem(t, refused); refused.Code != 401 || kind != "/problems/credential-invalid" || refused.Header().Get("WWW-Authenticate") != `DPoP error="invalid_token", algs="ES256 EdDSA"` {
		t.Errorf("%d %v %s", refused.Code, refused.Header(), refused.Body)
	}
	r := request("GET", "/v1/me", "", "Authorization", "DPoP "+token, "DPoP", a.proof(t, "GET", "/v1/runs", token))
	w := httptest.NewRecorder()
	o.h.ServeHTTP(w, r)
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") != `DPoP error="invalid_dpop_proof", algs="ES256 EdDSA"` {
		t.Errorf("a proof for another address: %d %v", w.Code, w.Header())
	}
	for _, body := range []url.Values{{"token": {token}}, {"token": {token}}} {
		if w := a.post(t, "/oauth/revoke", body); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := a.ask(t, token, "GET", "/v1/me", ""); w.Code != 401 {
		t.Errorf("a token that was given back: %d", w.Code)
	}
	err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, _, err := o.maker.Maker.Issue(ctx, tx, authn.Wish{Client: a.id, Name: "x", Permissions: []authz.Permission{authz.RunRead}, Life: authn.Life})
		return err
	})
	if err == nil {
		t.Error("an app has an API key")
	}
}

// TestCustomerOfTheProvider: a token of the exchange's identity provider opens what its rules say: a customer has their own proof, and nobody else's.
func TestCustomerOfTheProvider(t *testing.T) {
	asked := ""
	o := newOffice(t, func(c *web.Config) {
		c.Proofs = provers(func(_ report.Digest, customer string) ([]byte, error) {
			asked = customer
			return []byte(`{"type":"assay/v1/proof"}`), nil
		})
	})
	token := o.idp.token(t, map[string]any{"sub": "customer-1", "scope": "openid proofs"})
	if w := o.bears(t, token, "POST", "/v1/proofs", `{"statement":"latest"}`); w.Code != 200 || asked != "customer-1" {
		t.Errorf("%d %s, of %q", w.Code, w.Body, asked)
	}
	if w := o.bears(t, token, "POST", "/v1/proofs", `{"customer":"customer-2","statement":"latest"}`); w.Code != 422 || strings.Contains(w.Body.String(), "customer-2") {
		t.Errorf("somebody else's: %d %s", w.Code, w.Body)
	}
	if all := answered[api.Grants](t, o.bears(t, token, "GET", "/v1/me/grants", ""), 200); len(all.Grants) != 0 {
		t.Errorf("%+v", all)
	}
	me := answered[api.Me](t, o.bears(t, token, "GET", "/v1/me", ""), 200)
	if me.Client.Kind != authn.External || len(me.Permissions) != 1 || me.Permissions[0] != "proof:read:self" {
		t.Errorf("%+v", me)
	}
	other := o.idp.token(t, map[string]any{"sub": "clerk", "groups": []string{"finance"}})
	if w := o.bears(t, other, "GET", "/v1/runs", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := o.bears(t, other, "POST", "/v1/proofs", `{"statement":"latest"}`); w.Code != 403 {
		t.Errorf("who is no customer: %d", w.Code)
	}
	if w := o.bears(t, o.idp.token(t, map[string]any{"sub": "nobody"}), "GET", "/v1/me", ""); w.Code != 401 {
		t.Errorf("whom no rule gives anything: %d", w.Code)
	}
	who := request("GET", "/v1/me", "", "Authorization", "Bearer "+token, "Assay-Key", "x")
	w := httptest.NewRecorder()
	if o.h.ServeHTTP(w, who); w.Code != 400 {
		t.Errorf("two credentials: %d", w.Code)
	}
}

// A customers is a way to be let in as an app that a customer has allowed.
type customers struct{ app string }

func (customers) Shows(r *http.Request) bool { return r.Header.Get("Authorization") != "" }

func (c customers) Who(*http.Request) (*authn.Principal, error) {
	return &authn.Principal{ID: "grant", Client: c.app, Kind: store.OfApp, Roles: []authz.Role{authz.Delegate}, Permissions: authz.Of(authz.Delegate), Subject: hidden.NewCustomer("customer-1")}, nil
}

func (customers) Still(context.Context, authn.Records, *authn.Principal, time.Time) error { return nil }

// TestCustomersDoNotSeeEachOther: where an app's customers come from is told to none of them.
func TestCustomersDoNotSeeEachOther(t *testing.T) {
	way := new(customers)
	o := newOffice(t, func(c *web.Config) { c.Gate = authn.NewGate(c.Acts.Store, c.Acts.Pepper, c.Acts.Now, way) })
	way.app = o.application(t, authz.Delegate).id
	if w := o.bears(t, "x", "GET", "/v1/me/usage", ""); w.Code != 403 || strings.Contains(w.Body.String(), "192.0.2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := o.bears(t, "x", "GET", "/v1/me", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
