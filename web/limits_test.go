package web_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/limit"
)

// limited serves both reports and their proofs within such policies.
func (p place) limited(t testing.TB, given limit.Policies) (http.Handler, *keeper, web.Config) {
	t.Helper()
	c, keys := p.config(), newKeeper(t)
	keys.guards(&c)
	c.Proofs = absent
	var err error
	if c.Limits, err = limit.New(given, keys.maker.Keys, now); err != nil {
		t.Fatal(err)
	}
	return handler(t, c), keys, c
}

// absent knows nobody.
var absent = provers(func(report.Digest, string) ([]byte, error) { return nil, fs.ErrNotExist })

// at asks from an address.
func at(h http.Handler, address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = address + ":40000"
		h.ServeHTTP(w, r)
	})
}

// few lets nobody ask more than a few times in an hour.
func few(n int) limit.Policy { return limit.Policy{Rate: 1, Per: time.Hour, Burst: n} }

// TestOrderOfSteps: a request that fails at several steps is refused by the first of them, and each refusal is signed. TLS comes before all
// of it (cmd/assay), and what a handler decodes, and does once, after it (web/api).
func TestOrderOfSteps(t *testing.T) {
	p := newPlace(t)
	c, keys := p.config(), newKeeper(t)
	keys.guards(&c)
	c.Proofs = absent
	c.Retired = []api.Retirement{{Operation: "GET /v1/policy", Deprecated: now().AddDate(-1, 0, 0), Sunset: now().Add(-time.Hour)}}
	served := func(given limit.Policies) http.Handler {
		t.Helper()
		var err error
		if c.Limits, err = limit.New(given, keys.maker.Keys, now); err != nil {
			t.Fatal(err)
		}
		return handler(t, c)
	}
	used := func(h http.Handler, path string) http.Handler { ask(h, "GET", path); return h }
	stopped := used(served(limit.Policies{limit.Anonymous: few(1)}), "/v1/health") // by the guard, whoever shows nothing
	open := served(nil)
	_, far := keys.issue(t, authn.Wish{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	_, good := keys.issue(t, authn.Wish{})
	_, other := keys.issue(t, authn.Wish{Permissions: []authz.Permission{authz.RunRead}})
	spent := func(secret string) http.Handler { // by the client
		h := served(limit.Policies{limit.Standard: few(1)})
		ask(h, "GET", "/v1/health", "Assay-Key", secret)
		return as(h, secret)
	}
	wrong := good[:30] + map[bool]string{true: "b", false: "a"}[good[30] == 'a'] + good[31:]
	long := "/v1/proofs?" + strings.Repeat("x", 2048)
	suspect := served(limit.Policies{limit.Failures: few(1)})
	post(suspect, "/v1/proofs", "x", "Assay-Key", wrong)
	for _, tt := range []struct {
		name, path string
		got        *httptest.ResponseRecorder
		status     int
		slug       string
	}{
		{"caps before the guard", long, post(stopped, long, "x"), 414, "uri-too-long"},
		{"caps before the guard, content", "/v1/reports", carrying(stopped, "/v1/reports"), 413, "content-too-large"},
		{"guard before route", "/v1/nothing", ask(stopped, "GET", "/v1/nothing"), 429, "rate-limited"},
		{"guard before route, of one who guesses", "/v1/nothing", ask(suspect, "GET", "/v1/nothing", "Assay-Key", good), 429, "rate-limited"},
		{"route before retired", "/v1/policy", ask(open, "PUT", "/v1/policy"), 405, "method-not-allowed"},
		{"retired before who asks", "/v1/policy", ask(open, "GET", "/v1/policy", "Assay-Key", wrong), 410, "version-retired"},
		{"route before who asks", "/v1/nothing", ask(open, "GET", "/v1/nothing", "Assay-Key", wrong), 404, "not-found"},
		{"who asks before from where", "/v1/proofs", post(open, "/v1/proofs", "x", "Assay-Key", wrong), 401, "credential-invalid"},
		{"from where before how often", "/v1/proofs", post(spent(far), "/v1/proofs", "x"), 401, "credential-invalid"},
		{"how often before permission", "/v1/proofs", post(spent(other), "/v1/proofs", "x"), 429, "rate-limited"},
		{"permission before decoding", "/v1/proofs", post(open, "/v1/proofs", "x", "Assay-Key", other), 403, "permission-denied"},
		{"decoding before what is asked", "/v1/proofs", post(open, "/v1/proofs", "x", "Assay-Key", good), 400, "malformed"},
		{"what is asked", "/v1/proofs", post(open, "/v1/proofs", asking("latest", "nobody"), "Assay-Key", good), 404, "not-found"},
	} {
		if kind, _ := problem(t, tt.got); tt.got.Code != tt.status || kind != "/problems/"+tt.slug {
			t.Errorf("%s: %d %s, want %d %s", tt.name, tt.got.Code, kind, tt.status, tt.slug)
		}
		method := "GET"
		switch {
		case tt.status == 405:
			method = "PUT"
		case strings.HasPrefix(tt.path, "/v1/proofs"):
			method = "POST"
		}
		verified(t, method, tt.path, tt.got)
	}
	if said := keys.recorded(t); !strings.Contains(said, "no key of that form or id") && !strings.Contains(said, "the secret is wrong") || !strings.Contains(said, "not for that address") || !strings.Contains(said, "by the policy standard") {
		t.Errorf("the audit log says %s", said)
	}
}

// carrying reads, and sends content along.
func carrying(h http.Handler, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://x.example"+path, strings.NewReader("x"))
	r.RequestURI = path
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestOrderOfActs: of an act the content is decoded before it is looked whether it was done, and that before it is done.
func TestOrderOfActs(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin)
	wish := func(name string) string { return `{"name":"` + name + `","roles":["viewer"]}` }
	same := []string{"Idempotency-Key", "the-same-wish-again"}
	first := boss.ask(t, "POST", "/v1/clients", wish("one"), same...)
	for _, tt := range []struct {
		name, content string
		status        int
		slug          string
	}{
		{"decoding before what was done", wish("one") + "x", 400, "malformed"},
		{"what was done before doing it", wish("another"), 422, "idempotency-mismatch"},
	} {
		got := boss.ask(t, "POST", "/v1/clients", tt.content, same...)
		if kind, _ := problem(t, got); got.Code != tt.status || kind != "/problems/"+tt.slug {
			t.Errorf("%s: %d %s", tt.name, got.Code, kind)
		}
	}
	if again := boss.ask(t, "POST", "/v1/clients", wish("one"), same...); first.Code != 201 || again.Code != 201 || again.Body.String() != first.Body.String() {
		t.Errorf("%d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
	}
}

// TestEndingOnesOwnKey: whoever has used up all that they may, at an address from which others guess, still ends their own key; not
// another's.
func TestEndingOnesOwnKey(t *testing.T) {
	var limits *limit.Limiter
	o := newOffice(t, func(c *web.Config) {
		var err error
		if limits, err = limit.New(limit.Policies{limit.Anonymous: few(1), limit.Failures: few(1), limit.Standard: few(2)}, c.Acts.Store, c.Acts.Now); err != nil {
			t.Fatal(err)
		}
		c.Limits = limits
	})
	k, other := o.asker(t, authz.Admin), o.asker(t, authz.Admin)
	for _, want := range []int{200, 200, 429} {
		if got := k.ask(t, "GET", "/v1/me", ""); got.Code != want {
			t.Fatalf("%d, want %d", got.Code, want)
		}
	}
	post(o.h, "/v1/proofs", "x", "Assay-Key", "x")
	if got := k.ask(t, "GET", "/v1/me", ""); got.Code != 429 || got.Header().Get("Ratelimit-Policy") != `"failures";q=1;w=3600` {
		t.Errorf("beside one who guesses: %d %v", got.Code, got.Header())
	}
	if got := k.ask(t, "POST", "/v1/keys/"+other.key+":revoke", ""); got.Code != 429 {
		t.Errorf("another's key: %d", got.Code)
	}
	if got := k.ask(t, "POST", "/v1/keys/"+k.key+":revoke", ""); got.Code != 200 {
		t.Errorf("their own: %d %s", got.Code, got.Body)
	}
	if got := k.ask(t, "POST", "/v1/keys/"+k.key+":revoke", ""); got.Code != 401 {
		t.Errorf("once more: %d", got.Code)
	}
}

// noKey looks like an API key.
var noKey = "asy1." + strings.Repeat("a", 16) + "." + strings.Repeat("a", 52) + "." + strings.Repeat("a", 7)

// TestNoWayAround: whoever shows something that is no good credential is counted as if they showed nothing, wherever they ask.
func TestNoWayAround(t *testing.T) {
	p := newPlace(t)
	const most = 5
	for name, fields := range map[string][]string{
		"nothing": nil, "a key of no form": {"Assay-Key", "x"}, "another scheme": {"Authorization", "Bearer x"}, "a signature": {"Signature-Input", "assay=()", "Signature", "assay=:AA==:"},
		"two": {"Assay-Key", "x", "Authorization", "x"},
	} {
		for _, path := range []string{"/v1/health", "/v1/nothing", "/", "/openapi.json", "/log/checkpoint"} {
			h, _, _ := p.limited(t, limit.Policies{limit.Anonymous: few(most)})
			for i := range most + 3 {
				want := i >= most
				if got := ask(h, "GET", path, fields...); (got.Code == 429) != want {
					t.Errorf("%s: %s: request %d: %d", name, path, i+1, got.Code)
				}
			}
		}
	}
	h, _, _ := p.limited(t, limit.Policies{limit.Anonymous: few(most), limit.Failures: few(most)})
	for i := range most + 3 {
		got := post(h, "/v1/proofs", "x", "Assay-Key", "x")
		if want := map[bool]int{true: 429, false: 401}[i >= most]; got.Code != want {
			t.Errorf("guess %d: %d, want %d", i+1, got.Code, want)
		}
	}
	h, _, _ = p.limited(t, limit.Policies{limit.Anonymous: few(most), limit.Failures: few(most)})
	for i := range most + 3 {
		got := ask(h, "GET", "/v1/health?x="+noKey)
		if want := map[bool]int{true: 429, false: 400}[i >= most]; got.Code != want {
			t.Errorf("guess %d in a URL: %d, want %d", i+1, got.Code, want)
		}
	}
	if got := ask(h, "GET", "/v1/health"); got.Code != 200 {
		t.Errorf("who shares an address with one who guesses, and shows nothing: %d", got.Code)
	}
	if got := post(at(h, "198.51.100.7"), "/v1/proofs", "x", "Assay-Key", "x"); got.Code != 401 {
		t.Errorf("the first guess from elsewhere: %d", got.Code)
	}
}

// TestRefusedEarly: what is refused before anybody looks at the credential that it shows is counted for the address.
func TestRefusedEarly(t *testing.T) {
	p := newPlace(t)
	const most = 5
	for name, change := range map[string]func(*web.Config){
		"retired": func(c *web.Config) {
			c.Retired = []api.Retirement{{Operation: "GET /v1/policy", Deprecated: now().AddDate(-2, 0, 0), Sunset: now().AddDate(-1, 0, 0)}}
		},
		"a response key that is over": func(c *web.Config) { c.KeyList = func() ([]byte, error) { return []byte("{}"), errors.New("over") } },
	} {
		_, _, c := p.limited(t, limit.Policies{limit.Anonymous: few(most)})
		change(&c)
		h := handler(t, c)
		for i := range most + 3 {
			if got := ask(h, "GET", "/v1/policy", "Assay-Key", "x"); (got.Code == 429) != (i >= most) {
				t.Errorf("%s: request %d: %d", name, i+1, got.Code)
			}
		}
	}
}

// TestClientsLimits: a client is counted by its own tier, whatever its address asks, and for what is dear apart.
func TestClientsLimits(t *testing.T) {
	p := newPlace(t)
	h, keys, c := p.limited(t, limit.Policies{limit.Anonymous: few(1), limit.Standard: few(6), limit.Lookups: few(2)})
	_, one := keys.issue(t, authn.Wish{})
	_, two := keys.issue(t, authn.Wish{})
	content := asking("latest", "nobody")
	codes := func(secret string) (all []int) {
		for range 3 {
			all = append(all, post(h, "/v1/proofs", content, "Assay-Key", secret).Code)
		}
		for range 5 {
			all = append(all, ask(h, "GET", "/v1/health", "Assay-Key", secret).Code)
		}
		return all
	}
	ask(h, "GET", "/v1/health")
	if got := ask(h, "GET", "/v1/health"); got.Code != 429 || got.Header().Get("Retry-After") != "3600" || got.Header().Get("Ratelimit-Policy") != `"anonymous";q=1;w=3600` {
		t.Errorf("the second request of an address: %d %v", got.Code, got.Header())
	}
	want := []int{404, 404, 429, 200, 200, 200, 200, 429}
	for name, secret := range map[string]string{"one": one, "the other": two} {
		if diff := cmp.Diff(want, codes(secret)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if left, day, err := c.Limits.Left(t.Context(), "nobody", limit.Standard); left != 0 || day != 0 || err != nil {
		t.Errorf("a tier without a day's quota: %d of %d %v", left, day, err)
	}
	day := few(100)
	day.Day = 2
	h, keys, _ = p.limited(t, limit.Policies{limit.Standard: day})
	_, one = keys.issue(t, authn.Wish{})
	for range 2 {
		ask(h, "GET", "/v1/health", "Assay-Key", one)
	}
	got := ask(h, "GET", "/v1/health", "Assay-Key", one)
	midnight := now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	if kind, _ := problem(t, got); got.Code != 429 || kind != "/problems/quota-exhausted" || got.Header().Get("Retry-After") != strconv.Itoa(int(midnight.Sub(now()).Seconds())) {
		t.Errorf("the third of two in a day: %d %s %v", got.Code, kind, got.Header())
	}
	verified(t, "GET", "/v1/health", got)
}

// TestToldOutsideTheSignature: every answer says what is left, and what is signed stays the same.
func TestToldOutsideTheSignature(t *testing.T) {
	p := newPlace(t)
	h, _, _ := p.limited(t, nil)
	path := "/v1/reports/" + p.first.Digest.String() + "/files/manifest.json"
	first, second := ask(h, "GET", path), ask(h, "GET", path)
	if first.Header().Get("Signature") == "" || first.Header().Get("Signature") != second.Header().Get("Signature") || !bytes.Equal(first.Body.Bytes(), second.Body.Bytes()) {
		t.Error("an answer that is kept is signed anew")
	}
	if a, b := first.Header().Get("Ratelimit"), second.Header().Get("Ratelimit"); a != `"anonymous";r=99;t=1` || b != `"anonymous";r=98;t=1` {
		t.Errorf("left: %s, then %s", a, b)
	}
	if strings.Contains(strings.ToLower(first.Header().Get("Signature-Input")), "ratelimit") {
		t.Errorf("what is left is signed: %s", first.Header().Get("Signature-Input"))
	}
	for _, path := range []string{"/", "/v1/reports", "/nothing", "/bundle.zip", "/log/checkpoint", "/openapi.json"} {
		got := ask(h, "GET", path)
		if got.Header().Get("Ratelimit") == "" || got.Header().Get("Ratelimit-Policy") == "" {
			t.Errorf("%s: %v", path, got.Header())
		}
		verified(t, "GET", path, got)
	}
}
