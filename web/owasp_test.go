package web_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/limit"
)

// The OWASP API Security Top 10 of 2023, a test each.

// TestOWASP_API1_ObjectLevelAuthorization: what is somebody else's is told apart from nothing by nothing: not by reading it, not by
// ending it, not by a list, and not by a proof. (TestRolesMatrix has every role and operation.)
func TestOWASP_API1_ObjectLevelAuthorization(t *testing.T) {
	o := newOffice(t)
	other := o.asker(t, authz.Service)
	who := o.keyOf(t, o.client(t, authz.Scope{Reports: []string{o.first.Digest.String()}}, authz.Service))
	nothing := strings.Repeat("a", 16)
	for _, ask := range []struct{ method, foreign, absent, content string }{
		{"GET", "/v1/clients/" + other.client, "/v1/clients/" + nothing, ""},
		{"GET", "/v1/keys/" + other.key, "/v1/keys/" + nothing, ""},
		{"POST", "/v1/keys/" + other.key + ":revoke", "/v1/keys/" + nothing + ":revoke", ""},
		{"POST", "/v1/keys/" + other.key + ":rotate", "/v1/keys/" + nothing + ":rotate", `{"publicKey":"` + publicText(t) + `"}`},
		{"GET", "/v1/keys?client=" + other.client, "/v1/keys?client=" + nothing, ""},
	} {
		theirs, none := who.ask(t, ask.method, ask.foreign, ask.content), who.ask(t, ask.method, ask.absent, ask.content)
		if theirs.Code != 404 || none.Code != 404 || theirs.Body.String() != none.Body.String() {
			t.Errorf("%s %s: %d %s, of nothing %d %s", ask.method, ask.foreign, theirs.Code, theirs.Body, none.Code, none.Body)
		}
	}
	theirs, none := who.ask(t, "POST", "/v1/proofs", asking(o.last.Digest.String(), canary)), who.ask(t, "POST", "/v1/proofs", asking(strings.Repeat("0", 64), canary))
	if theirs.Code != 404 || theirs.Body.String() != none.Body.String() {
		t.Errorf("a report that is not theirs: %d %s, none: %s", theirs.Code, theirs.Body, none.Body)
	}
	if got := other.ask(t, "GET", "/v1/me", ""); got.Code != 200 {
		t.Errorf("the other's key was ended: %d", got.Code)
	}
}

// TestOWASP_API2_Authentication: a credential is good for who has it, from where they are, in its time, once where it is signed; all
// else is answered alike (TestTurnedAway, TestNobody).
func TestOWASP_API2_Authentication(t *testing.T) {
	o := newOffice(t)
	who := o.asker(t, authz.Viewer)
	r := request("GET", "/v1/me", "")
	if err := httpsig.SignRequest(r, nil, who.private, who.key, "0123456789-a-nonce", o.clock); err != nil {
		t.Fatal(err)
	}
	send := func(change func(*http.Request)) int {
		w, again := httptest.NewRecorder(), r.Clone(t.Context())
		change(again)
		o.h.ServeHTTP(w, again)
		return w.Code
	}
	for _, tt := range []struct {
		name   string
		status int
		change func(*http.Request)
	}{
		{"from elsewhere", 401, func(r *http.Request) { r.RemoteAddr = "198.51.100.1:1" }},
		{"for another path", 401, func(r *http.Request) { r.URL.Path, r.RequestURI = "/v1/keys", "/v1/keys" }},
		{"as another method", 401, func(r *http.Request) { r.Method = http.MethodHead }},
		{"at another server", 401, func(r *http.Request) { r.Host = "y.example" }},
		{"as it was meant", 200, func(*http.Request) {}},
		{"again", 401, func(*http.Request) {}},
	} {
		if got := send(tt.change); got != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.status)
		}
	}
	if got := who.ask(t, "HEAD", "/v1/me", ""); got.Code != 200 {
		t.Errorf("HEAD, signed as that: %d", got.Code)
	}
	boss := o.asker(t, authz.Admin)
	if got := boss.ask(t, "POST", "/v1/clients/"+who.client+":disable", ""); got.Code != 200 || who.ask(t, "GET", "/v1/me", "").Code != 401 {
		t.Errorf("disabled: %d", got.Code)
	}
	o.clock = o.clock.Add(authn.AuditorLife + time.Second)
	if got := boss.ask(t, "GET", "/v1/me", ""); got.Code != 401 {
		t.Errorf("beyond its time: %d", got.Code)
	}
}

// TestOWASP_API3_PropertyLevelAuthorization: nobody sets what the server decides, and nothing that is secret is shown, but to who is
// given it, once.
func TestOWASP_API3_PropertyLevelAuthorization(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin, authz.Service)
	client := o.client(t, authz.Scope{}, authz.Service)
	for _, more := range []string{`"id":"aaaaaaaaaaaaaaaa"`, `"state":"good"`, `"created":"2020-01-01T00:00:00Z"`, `"disabled":false`, `"permissions":["proof:read:any"]`, `"Roles":["admin"]`, `"$schema":"x"`, `"__proto__":{}`} {
		if got := boss.ask(t, "POST", "/v1/clients", `{"name":"x","roles":["viewer"],`+more+`}`); got.Code != 422 {
			t.Errorf("a client with %s: %d %s", more, got.Code, got.Body)
		}
	}
	for _, more := range []string{`"id":"aaaaaaaaaaaaaaaa"`, `"key":"x"`, `"mac":"x"`, `"state":"good"`, `"created":"2020-01-01T00:00:00Z"`, `"expires":"2099-01-01T00:00:00Z"`, `"used":"2099-01-01T00:00:00Z"`, `"roles":["admin"]`} {
		if got := boss.ask(t, "POST", "/v1/keys", `{"client":"`+client.ID+`","name":"x","permissions":["proof:read:any"],`+more+`}`); got.Code != 422 {
			t.Errorf("a key with %s: %d %s", more, got.Code, got.Body)
		}
	}
	made := answered[api.MadeKey](t, boss.ask(t, "POST", "/v1/keys", `{"client":"`+client.ID+`","name":"x","permissions":["proof:read:any"]}`), 201)
	for _, path := range []string{"/v1/keys", "/v1/keys/" + made.ID, "/v1/clients", "/v1/clients/" + client.ID, "/v1/me"} {
		for _, asked := range []*httptest.ResponseRecorder{boss.ask(t, "GET", path, ""), o.secret(t, made.Secret, "GET", path, "")} {
			if body := asked.Body.String(); strings.Contains(body, made.Secret[:30]) || regexp.MustCompile(`asy1\.|"key":"|"mac"|"public"`).MatchString(body) {
				t.Errorf("%s shows %s", path, body)
			}
		}
	}
	if said := o.log.String(); strings.Contains(said, "asy1.") {
		t.Errorf("the log says %s", said)
	}
}

// TestOWASP_API4_ResourceConsumption: what is sent, asked for at once, and asked how often has its bounds. (Slow clients, connections
// and loads are judged by make test-security and make bench-serve.)
func TestOWASP_API4_ResourceConsumption(t *testing.T) {
	policies := limit.Defaults()
	few := policies[limit.Standard]
	few.Burst = 40
	policies[limit.Standard] = few
	o := newOffice(t, func(c *web.Config) {
		var err error
		if c.Limits, err = limit.New(policies, c.Acts.Store, now); err != nil {
			t.Fatal(err)
		}
	})
	boss := o.asker(t, authz.Admin)
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	for name, tt := range map[string]struct {
		got  *httptest.ResponseRecorder
		want int
	}{
		"a path":       {boss.ask(t, "GET", "/v1/keys?cursor="+strings.Repeat("x", 2048), ""), 414},
		"content":      {boss.ask(t, "POST", "/v1/clients", `{"name":"`+strings.Repeat("x", 70<<10)+`"}`), 413},
		"depth":        {boss.ask(t, "POST", "/v1/clients", `{"name":`+deep+`}`), 400},
		"a page":       {boss.ask(t, "GET", "/v1/keys?limit=501", ""), 422},
		"many members": {boss.ask(t, "POST", "/v1/clients", `{"name":"x","roles":["viewer"],"scope":{"reports":[`+strings.Repeat(`"x",`, 600)+`"x"]}}`), 422},
		"many faults":  {boss.ask(t, "POST", "/v1/clients", `{`+members(2000)+`}`), 422},
	} {
		if tt.got.Code != tt.want || tt.got.Body.Len() > 8<<10 {
			t.Errorf("%s: %d of %d bytes, want %d", name, tt.got.Code, tt.got.Body.Len(), tt.want)
		}
	}
	for range 60 {
		if got := boss.ask(t, "GET", "/v1/roles", ""); got.Code == 429 {
			if got.Header().Get("Retry-After") == "" || got.Header().Get("RateLimit-Policy") == "" {
				t.Errorf("%v", got.Header())
			}
			return
		}
	}
	t.Error("nobody is told that they ask too often")
}

// members are so many of an object.
func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"member%04d":1,`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// TestOWASP_API5_FunctionLevelAuthorization: there is no way around the table: not by another method, not by a field that names one,
// not by another spelling of a path. (TestRolesMatrix has every role and operation, TestRoutesNeedPermissions a route without one.)
func TestOWASP_API5_FunctionLevelAuthorization(t *testing.T) {
	o := newOffice(t)
	viewer := o.asker(t, authz.Viewer)
	wish := `{"name":"x","roles":["admin"]}`
	for _, path := range []string{"/v1/clients/", "/v1//clients", "/V1/clients", "/v1/clients/../clients", "/v1/%63lients", "/v1/clients;x", "/v1/clients%2f", "/v1/reports/../clients", "/v1/clients:create"} {
		for _, method := range []string{"GET", "POST"} {
			content := map[string]string{"POST": wish}[method]
			if got := viewer.ask(t, method, path, content); got.Code != 403 && got.Code != 404 && got.Code != 405 {
				t.Errorf("%s %s: %d %s", method, path, got.Code, got.Body)
			}
		}
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "X-Original-URL", "X-Rewrite-URL"} {
		if got := viewer.ask(t, "GET", "/v1/roles", "", name, "POST"); got.Code != 200 || !strings.Contains(got.Body.String(), `"roles"`) {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} {
		if got := viewer.ask(t, method, "/v1/clients", ""); got.Code != 405 {
			t.Errorf("%s: %d", method, got.Code)
		}
	}
	for path, allow := range map[string]string{"/v1/clients/" + viewer.client + ":disable": "POST", "/v1/keys/" + viewer.key + ":revoke": "POST", "/v1/keys/" + viewer.key + ":fly": "", "/v1/keys/" + viewer.key: "GET, HEAD"} {
		for _, method := range []string{"GET", "PUT"} {
			got := viewer.ask(t, method, path, "")
			if allow == "" && got.Code != 404 || allow == "POST" && got.Code != 405 && got.Code != 403 || got.Code == 405 && got.Header().Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow %q", method, path, got.Code, got.Header().Get("Allow"))
			}
		}
	}
	if got := answered[api.Clients](t, o.asker(t, authz.Admin).ask(t, "GET", "/v1/clients?limit=500", ""), 200); slices.ContainsFunc(got.Clients, func(c api.Client) bool { return c.Name == "x" }) {
		t.Error("a client was made")
	}
}

// TestOWASP_API6_SensitiveFlows: nobody lets themselves, or anybody else, have more than they have. (Publishing takes the approvers'
// own signatures, which the worker and every verifier check.)
func TestOWASP_API6_SensitiveFlows(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin)
	service := o.asker(t, authz.Service)
	weak := o.keyOf(t, o.client(t, authz.Scope{}, authz.Admin, authz.Service), authz.ClientRead)
	strong := o.keyOf(t, o.client(t, authz.Scope{}, authz.Admin, authz.Publisher))
	bounded := o.keyOf(t, o.client(t, authz.Scope{From: "2026-01-01"}, authz.Admin))
	rotate := `{"publicKey":"` + publicText(t) + `"}`
	tag := boss.ask(t, "GET", "/v1/clients/"+boss.client, "").Header().Get("ETag")
	for _, tt := range []struct {
		name string
		got  *httptest.ResponseRecorder
		slug string
	}{
		{"to be another one oneself", boss.ask(t, "PUT", "/v1/clients/"+boss.client, `{"name":"x","roles":["admin","publisher"]}`, "If-Match", tag), "own-client"},
		{"to give what one has not", boss.ask(t, "POST", "/v1/keys", `{"client":"`+service.client+`","name":"x","permissions":["proof:read:any"]}`), "permission-denied"},
		{"to be shown the secret of a key that may more", boss.ask(t, "POST", "/v1/keys/"+service.key+":rotate", rotate), "permission-denied"},
		{"or of one that may publish", boss.ask(t, "POST", "/v1/keys/"+strong.key+":rotate", rotate), "permission-denied"},
		{"to make a key with one that may not", weak.ask(t, "POST", "/v1/keys", `{"client":"`+weak.client+`","name":"x","permissions":["client:read"]}`), "permission-denied"},
		{"to let in others who see more, a client", bounded.ask(t, "POST", "/v1/clients", `{"name":"x","roles":["viewer"]}`), "permission-denied"},
		{"to let in others who see more, a key", bounded.ask(t, "POST", "/v1/keys", `{"client":"`+boss.client+`","name":"x","permissions":["client:read"]}`), "permission-denied"},
	} {
		if kind, _ := problem(t, tt.got); tt.got.Code != 403 || kind != "/problems/"+tt.slug {
			t.Errorf("%s: %d %s", tt.name, tt.got.Code, tt.got.Body)
		}
	}
}

// TestOWASP_API7_ServerSideRequestForgery: no request names anything that the server would ask: no content and no parameter is a URL.
// (What it does ask goes through one dialer with an allow-list: package chains/egress.)
func TestOWASP_API7_ServerSideRequestForgery(t *testing.T) {
	o := newOffice(t)
	doc := document(t, o.h)
	looked := 0
	var look func(name string, s *openapi3.SchemaRef)
	look = func(name string, s *openapi3.SchemaRef) {
		looked++
		if strings.Contains(s.Value.Format, "uri") || strings.Contains(s.Value.Format, "hostname") || regexp.MustCompile(`(?i)url|host|callback|webhook|endpoint`).MatchString(name) {
			t.Errorf("%s is something to be asked", name)
		}
		for member, of := range s.Value.Properties {
			look(name+"."+member, of)
		}
		if s.Value.Items != nil {
			look(name+"[]", s.Value.Items)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for _, p := range op.Parameters {
				look(method+" "+path+" "+p.Value.Name, p.Value.Schema)
			}
			if op.RequestBody != nil {
				look(method+" "+path, op.RequestBody.Value.Content.Get("application/json").Schema)
			}
		}
	}
	if looked < 50 {
		t.Errorf("only %d were looked at", looked)
	}
}

// TestOWASP_API8_Misconfiguration: what is not for everybody is kept by nobody on the way and read by no page of others; no answer
// tells of the inside; what no route needs is refused. (TLS is judged by testssl and sslscan: make test-security.)
func TestOWASP_API8_Misconfiguration(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin)
	for _, got := range []*httptest.ResponseRecorder{
		boss.ask(t, "GET", "/v1/me", "", "Origin", "https://evil.example"), boss.ask(t, "GET", "/v1/keys", ""), boss.ask(t, "GET", "/v1/clients/aaaaaaaaaaaaaaaa", ""),
		boss.ask(t, "POST", "/v1/clients", `{"name":"x","roles":["viewer"]}`, "Origin", "https://evil.example"), boss.ask(t, "POST", "/v1/clients", `x`), boss.ask(t, "GET", "/v1/keys?x=y", ""),
	} {
		h := got.Header()
		if h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Set-Cookie") != "" ||
			h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Server") != "" || h.Get("X-Powered-By") != "" {
			t.Errorf("%d %v", got.Code, h)
		}
		if bytes.Contains(got.Body.Bytes(), []byte("sql")) || bytes.Contains(got.Body.Bytes(), []byte(".go")) || bytes.Contains(got.Body.Bytes(), []byte("/tmp")) {
			t.Errorf("%s", got.Body)
		}
	}
	if err := o.maker.Keys.Close(); err != nil {
		t.Fatal(err)
	}
	if got := boss.ask(t, "GET", "/v1/me", ""); got.Code != 503 || strings.Contains(got.Body.String(), "database") {
		t.Errorf("without the database: %d %s", got.Code, got.Body)
	}
}

// TestOWASP_API9_Inventory: the document tells of every operation that the table of permissions has, and of no other; what is on its
// way out says so (TestRetired).
func TestOWASP_API9_Inventory(t *testing.T) {
	o := newOffice(t)
	var told, there []string
	for path, item := range document(t, o.h).Paths.Map() {
		for method := range item.Operations() {
			told = append(told, method+" "+path)
		}
	}
	for route := range maps.Keys(web.Permissions) {
		if strings.Contains(route, " /v1/") || strings.HasSuffix(route, "/openapi.json") || strings.HasSuffix(route, "/openapi.yaml") || strings.HasSuffix(route, "/.well-known/assay-keys") {
			there = append(there, strings.Replace(route, "*", "{path}", 1))
		}
	}
	slices.Sort(told)
	slices.Sort(there)
	if diff := cmp.Diff(there, told); diff != "" {
		t.Error(diff)
	}
	if document(t, o.h).Info.Version != "1" {
		t.Error("the document is of another version")
	}
}

// TestOWASP_API10_UnsafeConsumption: what the server is told by those that it reads is held to what it says of itself: a proof that
// cannot be made, or a log that cannot be read, is no answer at all, and an address is taken from a proxy of the exchange's own alone.
// (Nodes, custodians and time-stampers that lie: packages chains/... and attest/timestamp; a server that lies to a client: package client, TestRefuses.)
func TestOWASP_API10_UnsafeConsumption(t *testing.T) {
	o := newOffice(t, func(c *web.Config) {
		c.Register = func() (api.Seen, error) { return api.Seen{}, fmt.Errorf("the log's checkpoint is of another key") }
	})
	_, far := o.issue(t, authn.Wish{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, field := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP"} {
		if got := o.secret(t, far, "GET", "/v1/me", "", field, "10.0.0.1"); got.Code != 401 {
			t.Errorf("%s is believed: %d", field, got.Code)
		}
	}
	if got := ask(o.h, "GET", "/v1/reports"); got.Code != 503 || strings.Contains(got.Body.String(), "another key") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}
