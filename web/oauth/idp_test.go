package oauth_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/oauth"
)

// idp is an identity provider.
type idp struct {
	server *httptest.Server
	key    *ecdsa.PrivateKey
	now    func() time.Time

	mu      sync.Mutex
	codes   map[string][3]string
	asked   int                  // for keys
	away    bool                 // it answers nothing
	says    func(map[string]any) // changes what it says of itself
	attests func(map[string]any) // and what it says of who signed in
	refused int                  // how often it did not
	others  []jose.JSONWebKey
}

func newIDP(t testing.TB, now func() time.Time) *idp {
	t.Helper()
	as := func(map[string]any) {}
	p := &idp{key: newKey(t), now: now, codes: map[string][3]string{}, says: as, attests: as}
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		u := p.server.URL
		of := map[string]any{"issuer": u, "authorization_endpoint": u + "/authorize", "token_endpoint": u + "/token", "jwks_uri": u + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}}
		p.says(of)
		say(w, of)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked++
		say(w, jose.JSONWebKeySet{Keys: append([]jose.JSONWebKey{{Key: p.key.Public(), KeyID: "first"}}, p.others...)})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		of, known := p.take(r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if user, secret, _ := r.BasicAuth(); !known || user != "assay" || secret != "a+secret+of+ours" || base64.RawURLEncoding.EncodeToString(sum[:]) != of[2] {
			http.Error(w, `{"error":"invalid_grant"}`, 400)
			return
		}
		at := now().Unix()
		claims := map[string]any{"iss": p.server.URL, "aud": "assay", "sub": of[0], "nonce": of[1], "iat": at, "exp": at + 60}
		p.attests(claims)
		say(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": signed(t, p.key, map[string]any{"kid": "first"}, claims)})
	})
	p.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		away := p.away
		if away {
			p.refused++
		}
		p.mu.Unlock()
		if away {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *idp) take(code string) ([3]string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of, known := p.codes[code]
	delete(p.codes, code)
	return of, known
}

func (p *idp) host() string { return strings.TrimPrefix(p.server.URL, "https://") }

func (p *idp) signIn(customer, nonce, challenge string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := fmt.Sprintf("code-%d", len(p.codes))
	p.codes[code] = [3]string{customer, nonce, challenge}
	return code
}

func (p *idp) issuer() *oauth.Issuer {
	return &oauth.Issuer{
		URL: p.server.URL, Audience: origin, Algorithms: []string{"ES256"}, HTTP: p.server.Client(),
		Rules: []oauth.Rule{{Claim: "scope", Value: "proofs", Role: authz.Delegate}, {Claim: "groups", Value: "finance", Role: authz.Viewer}},
	}
}
