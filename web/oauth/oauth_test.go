package oauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/storetest"
)

const origin = "https://x.example"

// A house is an authorization server, with the identity provider at which customers sign in.
type house struct {
	*oauth.Server
	store  *store.Store
	idp    *idp
	mux    *http.ServeMux
	faults []error

	mu    sync.Mutex
	clock time.Time
	drawn int
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func (h *house) next() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drawn++
	return h.drawn
}

func newHouse(t testing.TB, changes ...func(*oauth.Config)) *house {
	t.Helper()
	h := &house{store: storetest.Open(t, filepath.Join(t.TempDir(), "assay.db")), clock: time.Now().UTC().Truncate(time.Second), mux: http.NewServeMux()}
	h.idp = newIDP(t, h.now)
	of := h.idp.issuer()
	c := oauth.Config{
		Store: h.store, Random: rand.Reader, Now: h.now, Denials: audit.NewDenials(h.store, h.now), Exchange: "Demo Exchange", Origin: origin,
		Fault: func(err error) { h.faults = append(h.faults, err) }, Login: &oauth.Login{Issuer: of, Client: "assay", Secret: hidden.NewSecret("a secret of ours")}, Issuers: []*oauth.Issuer{of},
	}
	for _, change := range changes {
		change(&c)
	}
	var err error
	if h.Server, err = oauth.New(c); err != nil {
		t.Fatal(err)
	}
	for route, f := range h.Handlers() {
		h.mux.HandleFunc(route, f)
	}
	h.pass(time.Second)
	return h
}

// ask asks the server.
func (h *house) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r = r.WithContext(audit.With(r.Context(), audit.Origin{Address: netip.MustParseAddr("192.0.2.7")}))
	h.mux.ServeHTTP(w, r)
	return w
}

// A client is an app that a test plays.
type client struct {
	h    *house
	id   string
	key  crypto.Signer // that signs assertions; nil: it shows nothing
	dpop crypto.Signer // that proofs are signed with; nil: none are sent
	back string
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func setOf(t testing.TB, keys ...crypto.Signer) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public(), KeyID: "1"})
	}
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// wish is an app that customers can allow, and that signs its assertions.
func wish(t testing.TB, key crypto.Signer) oauth.Wish {
	return oauth.Wish{
		Enrolment: authn.Enrolment{Name: "Wallet", Roles: []authz.Role{authz.Delegate, authz.Service}, Tier: authn.Standard}, Owner: "Wallet Ltd",
		Redirects: []string{"https://app.example/back"}, Auth: oauth.ByKey, Keys: setOf(t, key),
	}
}

func (h *house) register(t testing.TB, w oauth.Wish) string {
	t.Helper()
	var id string
	ctx := audit.With(t.Context(), audit.Local())
	err := h.store.Write(ctx, func(tx *store.Tx) error {
		c, _, err := oauth.Register(ctx, tx, authn.Maker{Random: rand.Reader, Now: h.now()}, w)
		id = c.ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// client is an app that signs assertions, and binds its tokens to a key.
func (h *house) client(t testing.TB, changes ...func(*oauth.Wish)) *client {
	t.Helper()
	key := newKey(t)
	w := wish(t, key)
	for _, change := range changes {
		change(&w)
	}
	return &client{h: h, id: h.register(t, w), key: key, dpop: newKey(t), back: "https://app.example/back"}
}

// signed is a JWT.
func signed(t testing.TB, key crypto.Signer, header map[string]any, claims map[string]any) string {
	t.Helper()
	alg := jose.ES256
	if _, ok := key.(ed25519.PrivateKey); ok {
		alg = jose.EdDSA
	}
	options := &jose.SignerOptions{}
	for name, v := range header {
		if name == "alg" {
			alg = jose.SignatureAlgorithm(v.(string))
			continue
		}
		options.WithHeader(jose.HeaderKey(name), v)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// assertion says who the app is; changes alter its claims.
func (c *client) assertion(t testing.TB, changes ...map[string]any) string {
	now := c.h.now().Unix()
	claims := map[string]any{"iss": c.id, "sub": c.id, "aud": origin, "iat": now, "exp": now + 60, "jti": fmt.Sprintf("assertion-%d", c.h.next())}
	for _, change := range changes {
		for name, v := range change {
			claims[name] = v
		}
	}
	return signed(t, c.key, map[string]any{"kid": "1"}, claims)
}

// proof is one of possession.
func (c *client) proof(t testing.TB, method, at, token string, changes ...map[string]any) string {
	return proofBy(t, c.h, c.dpop, method, at, token, changes...)
}

func proofBy(t testing.TB, h *house, key crypto.Signer, method, at, token string, changes ...map[string]any) string {
	claims := map[string]any{"htm": method, "htu": at, "iat": h.now().Unix(), "jti": fmt.Sprintf("proof-%06d", h.next())}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for _, change := range changes {
		for name, v := range change {
			claims[name] = v
		}
	}
	return signed(t, key, map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: key.Public()}}, claims)
}

// request is one to an endpoint, by which the app shows who it is, unless the form does.
func (c *client) request(t testing.TB, path string, form url.Values) *http.Request {
	t.Helper()
	all := url.Values{}
	for name, v := range form {
		all[name] = v
	}
	switch {
	case all.Has("client_assertion"):
	case c.key != nil:
		all.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		all.Set("client_assertion", c.assertion(t))
	default:
		all.Set("client_id", c.id)
	}
	r := httptest.NewRequest("POST", "http://elsewhere.example"+path, strings.NewReader(all.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.dpop != nil {
		r.Header.Set("DPoP", c.proof(t, "POST", origin+path, ""))
	}
	return r
}

func (c *client) post(t testing.TB, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	return c.h.ask(c.request(t, path, form))
}

const verifier = "a-verifier-of-a-test-that-has-at-least-43-characters"

func (c *client) wants() url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "redirect_uri": {c.back}, "scope": {"proof:read:self"}, "state": {"a state of a test"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
}

// read reads an answer in JSON.
func read(t testing.TB, w *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || w.Code != status || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d, want %d: %s %v", w.Code, status, w.Body, w.Header())
	}
	return all
}

// wrong wants an error of OAuth.
func wrong(t testing.TB, w *httptest.ResponseRecorder, status int, name string) {
	t.Helper()
	if got := read(t, w, status); got["error"] != name || got["error_description"] == "" {
		t.Fatalf("%v, want %s", got, name)
	}
}

// push pushes what the app wants.
func (c *client) push(t testing.TB) string {
	t.Helper()
	got := read(t, c.post(t, oauth.PathPAR, c.wants()), http.StatusCreated)
	if got["expires_in"] != 90.0 {
		t.Errorf("%v", got)
	}
	return got["request_uri"].(string)
}

// A browser is a customer's.
type browser struct {
	h      *house
	cookie string
	visit  string // the cookie of who sees what they allowed
}

func (b *browser) ask(method, at, content string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, origin+at, strings.NewReader(content))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
	}
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-assay-consent", Value: b.cookie})
	}
	if b.visit != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-assay-grants", Value: b.visit})
	}
	w := b.h.ask(r)
	for _, c := range w.Result().Cookies() {
		if c.Name == "__Host-assay-grants" {
			b.visit = c.Value
		} else {
			b.cookie = c.Value
		}
	}
	return w
}

// led is where an answer leads.
func led(t testing.TB, w *httptest.ResponseRecorder) *url.URL {
	t.Helper()
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther || u.String() == "" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	return u
}

// begin brings a request, and comes back from the identity provider as a customer.
func (b *browser) begin(t testing.TB, c *client, uri, customer string) string {
	t.Helper()
	there := led(t, b.ask("GET", "/oauth/authorize?"+url.Values{"client_id": {c.id}, "request_uri": {uri}}.Encode(), ""))
	q := there.Query()
	if there.Host != b.h.idp.host() || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid" {
		t.Fatalf("sent to %s", there)
	}
	code := b.h.idp.signIn(customer, q.Get("nonce"), q.Get("code_challenge"))
	return "/oauth/callback?" + url.Values{"state": {q.Get("state")}, "code": {code}}.Encode()
}

var hiddenField = regexp.MustCompile(`name="for" value="([0-9a-f]{64})"`)

// decides answers the question, and is where the browser is led then.
func (b *browser) decides(t testing.TB, answer string) *url.URL {
	t.Helper()
	asked := b.ask("GET", "/oauth/consent", "")
	field := hiddenField.FindStringSubmatch(asked.Body.String())
	if asked.Code != 200 || field == nil {
		t.Fatalf("%d %s", asked.Code, asked.Body)
	}
	return led(t, b.ask("POST", "/oauth/consent", url.Values{"for": {field[1]}, "answer": {answer}}.Encode()))
}

// code is one that a customer allowed.
func (c *client) code(t testing.TB, customer string) string {
	t.Helper()
	b := &browser{h: c.h}
	if to := led(t, b.ask("GET", b.begin(t, c, c.push(t), customer), "")); to.String() != "/oauth/consent" {
		t.Fatalf("led to %s", to)
	}
	to := b.decides(t, "allow")
	q := to.Query()
	if to.Host != "app.example" || q.Get("iss") != origin || q.Get("state") != "a state of a test" || q.Get("code") == "" || b.cookie != "" {
		t.Fatalf("led to %s, with the cookie %q", to, b.cookie)
	}
	return q.Get("code")
}

func (c *client) ofCode(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.back}, "code_verifier": {verifier}}
}

func ofRefresh(token any) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {fmt.Sprint(token)}}
}

// tokens are those of a new grant of a customer's.
func (c *client) tokens(t testing.TB, customer string) map[string]any {
	t.Helper()
	return read(t, c.post(t, oauth.PathToken, c.ofCode(c.code(t, customer))), 200)
}

// calls asks the API with a token.
func (c *client) calls(t testing.TB, token any) (*authn.Principal, error) {
	t.Helper()
	r := httptest.NewRequest("POST", "https://elsewhere.example/v1/proofs", nil)
	r.Header.Set("Authorization", "DPoP "+fmt.Sprint(token))
	r.Header.Set("DPoP", c.proof(t, "POST", origin+"/v1/proofs", fmt.Sprint(token)))
	return c.h.Who(r)
}

// events are the acts on record.
func (h *house) events(t testing.TB) (all []string) {
	t.Helper()
	rows, err := h.store.Events(context.Background(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		var e audit.Event
		if err := json.Unmarshal(row.Text, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Action+" "+e.Outcome+" "+e.Reason)
	}
	return all
}
