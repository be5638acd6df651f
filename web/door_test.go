package web_test

import (
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/httpsig"
)

// TestMatrix: each route for nobody, for a key that is not for it, and for one that is. Those that are public answer all alike.
func TestMatrix(t *testing.T) {
	p := newPlace(t)
	open, keys := p.proving(t)
	without, with := keys.without(t, open), keys.service(t, open)
	routes := map[string]string{"POST /v1/proofs": asking(p.first.Digest.String(), canary)}
	for path := range apiPaths(t, p) {
		routes["GET "+path] = ""
	}
	for path := range p.siteFiles(t) {
		routes["GET "+path] = ""
	}
	guarded := map[string][3]int{"POST /v1/proofs": {401, 403, 200}}
	for route, content := range routes {
		method, path, _ := strings.Cut(route, " ")
		asked := func(h http.Handler) *httptest.ResponseRecorder {
			if method == http.MethodPost {
				return post(h, path, content)
			}
			return ask(h, method, path)
		}
		nobody := asked(open)
		want, ok := guarded[route]
		if !ok {
			want = [3]int{nobody.Code, nobody.Code, nobody.Code}
		}
		for i, h := range []http.Handler{open, without, with} {
			got := asked(h)
			if got.Code != want[i] {
				t.Errorf("%s by #%d: %d, want %d", route, i, got.Code, want[i])
			}
			if !ok && got.Body.String() != nobody.Body.String() {
				t.Errorf("%s by #%d: another answer", route, i)
			}
			verified(t, method, path, got)
		}
	}
}

// turnedAway is what whoever is not let in is told, without what differs from answer to answer by itself.
func turnedAway(t testing.TB, w *httptest.ResponseRecorder) http.Header {
	t.Helper()
	h := w.Header().Clone()
	for _, name := range []string{"Signature", "Signature-Input"} {
		if h.Get(name) == "" {
			t.Errorf("no %s", name)
		}
		h.Del(name)
	}
	h.Set("Content", w.Body.String())
	return h
}

// TestTurnedAway: whatever is wrong with a credential, the answer is the same.
func TestTurnedAway(t *testing.T) {
	p := newPlace(t)
	h, keys := p.proving(t)
	content := asking(p.first.Digest.String(), canary)
	_, good := keys.issue(t, authn.Wish{})
	id, revoked := keys.issue(t, authn.Wish{})
	if err := keys.maker.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	_, foreign := keys.issue(t, authn.Wish{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	keys.maker.Now = now().AddDate(0, 0, -91)
	_, expired := keys.issue(t, authn.Wish{})
	other := newKeeper(t)
	_, unknown := other.issue(t, authn.Wish{})
	altered := good[:30] + map[bool]string{true: "b", false: "a"}[good[30] == 'a'] + good[31:]
	var first http.Header
	for name, secret := range map[string]string{"revoked": revoked, "foreign": foreign, "expired": expired, "unknown": unknown, "altered": altered, "of no form": "x"} {
		got := post(h, "/v1/proofs", content, "Assay-Key", secret)
		kind, _ := problem(t, got)
		if got.Code != 401 || kind != "/problems/credential-invalid" || got.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s %v", name, got.Code, kind, got.Header())
		}
		if first == nil {
			first = turnedAway(t, got)
		}
		if diff := cmp.Diff(first, turnedAway(t, got)); diff != "" {
			t.Errorf("%s is told apart: %s", name, diff)
		}
		verified(t, "POST", "/v1/proofs", got)
	}
	for name, tt := range map[string]struct {
		path   string
		header []string
		status int
		kind   string
	}{
		"nothing":    {"/v1/proofs", nil, 401, "credential-missing"},
		"two":        {"/v1/proofs", []string{"Assay-Key", good, "Authorization", "Bearer x"}, 400, "multiple-credentials"},
		"signature":  {"/v1/proofs", []string{"Signature", "assay=:AA==:"}, 401, "signature-invalid"},
		"in the URL": {"/v1/proofs?key=" + expired, nil, 400, "credential-in-url"},
		"elsewhere":  {"/nothing/" + expired, nil, 400, "credential-in-url"},
	} {
		got := post(h, tt.path, content, tt.header...)
		if kind, detail := problem(t, got); got.Code != tt.status || kind != "/problems/"+tt.kind || strings.Contains(detail, "asy1") {
			t.Errorf("%s: %d %s %s", name, got.Code, kind, detail)
		}
		verified(t, "POST", tt.path, got)
	}
	if got := ask(h, "GET", "/v1/reports?x="+good); got.Code != 400 {
		t.Errorf("a key in the URL of what is public: %d", got.Code)
	}
	if got := post(h, "/v1/proofs", content, "Assay-Key", good); got.Code != 401 {
		t.Errorf("a key that stood in a URL: %d", got.Code)
	}
	said := p.log.String() + keys.recorded(t)
	if strings.Contains(said, "asy1.") || strings.Contains(said, "canary") || !strings.Contains(said, id+": it is revoked") || !strings.Contains(said, "not for that address") {
		t.Errorf("the logs say %s", said)
	}
}

// TestOrder: what is asked comes first, then who asks, then whether they may, and only then what is in the content.
func TestOrder(t *testing.T) {
	p := newPlace(t)
	h, keys := p.proving(t)
	without, with := keys.without(t, h), keys.service(t, h)
	long := "/v1/proofs?" + strings.Repeat("x", 2048)
	for name, tt := range map[string]struct {
		got  *httptest.ResponseRecorder
		want int
	}{
		"too long, nobody":         {post(h, long, "x"), 414},
		"no such page, nobody":     {ask(h, "GET", "/v1/nothing"), 404},
		"another method, nobody":   {ask(h, "GET", "/v1/proofs"), 405},
		"nobody, bad content":      {post(h, "/v1/proofs", "x"), 401},
		"not permitted, bad":       {post(without, "/v1/proofs", "x"), 403},
		"permitted, bad content":   {post(with, "/v1/proofs", "x"), 400},
		"permitted, large content": {post(with, "/v1/proofs", strings.Repeat("x", 100<<10)), 413},
		"nobody, large content":    {post(h, "/v1/proofs", strings.Repeat("x", 100<<10)), 401},
	} {
		if tt.got.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", name, tt.got.Code, tt.got.Body, tt.want)
		}
	}
}

// TestSignedDoor: a request that is signed is let in once, with the content that was signed.
func TestSignedDoor(t *testing.T) {
	p := newPlace(t)
	c, keys := p.config(), newKeeper(t)
	clock := now()
	keys.guards(&c)
	c.Gate = authn.NewGate(keys.maker.Keys, keys.maker.Pepper, func() time.Time { return clock })
	c.Proofs = provers(nil)
	h := handler(t, c)
	clock = clock.Add(time.Minute)
	private := ed25519.NewKeyFromSeed([]byte("the key of a client that signs ."))
	id, _ := keys.issue(t, authn.Wish{Public: private.Public().(ed25519.PublicKey), Reports: []string{p.last.Digest.String()}})
	content := asking(p.first.Digest.String(), canary) // a report that the key is not for: what is let in is told 404
	request := func(nonce, sent string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://x.example/v1/proofs", strings.NewReader(sent))
		r.RequestURI = "/v1/proofs"
		r.Header.Set("Content-Type", "application/json")
		if err := httpsig.SignRequest(r, []byte(content), private, id, nonce, clock); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		verifiedTo(t, "POST", "/v1/proofs", httpsig.Asked(r), w)
		return w
	}
	if got := request("0123456789-first", content); got.Code != 404 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	for name, got := range map[string]*httptest.ResponseRecorder{
		"again":         request("0123456789-first", content),
		"other content": request("0123456789-other", asking("latest", canary)),
		"no content":    request("0123456789-empty", ""),
		"large":         request("0123456789-large", strings.Repeat("x", 64<<10)),
	} {
		if kind, _ := problem(t, got); got.Code != 401 || kind != "/problems/signature-invalid" || !strings.Contains(got.Header().Get("Accept-Signature"), httpsig.RequestTag) {
			t.Errorf("%s: %d %s", name, got.Code, kind)
		}
	}
	if got := request("0123456789-more-than", strings.Repeat("x", 2<<20+1)); got.Code != 413 {
		t.Errorf("more than may be sent: %d", got.Code)
	}
}

// TestContentIsNotHeld: of what somebody sends no more is held than an act of that kind can need, by whomever it is sent.
func TestContentIsNotHeld(t *testing.T) {
	o := newOffice(t)
	_, secret := o.issue(t, authn.Wish{Permissions: []authz.Permission{authz.ProofReadAny, authz.RunRead}})
	for _, path := range []string{"/v1/proofs", "/v1/keys/" + strings.Repeat("a", 16) + ":revoke"} {
		r := request("POST", path, strings.Repeat("x", 1<<20), "Assay-Key", secret)
		sent := &counted{Reader: r.Body}
		r.Body = io.NopCloser(sent)
		w := httptest.NewRecorder()
		o.h.ServeHTTP(w, r)
		if w.Code != 413 || sent.n > 65<<10 {
			t.Errorf("%s: %d, after %d bytes", path, w.Code, sent.n)
		}
	}
}

// counted knows how many bytes were read.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// TestNoGate: what is not for everybody is not served without a gate, and without its database to nobody.
func TestNoGate(t *testing.T) {
	p := newPlace(t)
	h, keys := p.proving(t)
	_, secret := keys.issue(t, authn.Wish{})
	if err := keys.maker.Keys.Close(); err != nil {
		t.Fatal(err)
	}
	got := post(h, "/v1/proofs", asking(p.first.Digest.String(), canary), "Assay-Key", secret)
	if kind, _ := problem(t, got); got.Code != 503 || kind != "/problems/policy-stale" || strings.Contains(got.Body.String(), "sql") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if public := ask(h, "GET", "/v1/reports"); public.Code != 200 {
		t.Errorf("what is public: %d", public.Code)
	}
}
