package web_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
)

// rule says what an operation answers: with this content, to each role, about what is their own and what is somebody else's. A
// list is of role:status; * is everybody who is not named.
type rule struct {
	content      string
	own, foreign string
}

// rules are for every operation that is not for everybody.
var rules = map[string]rule{
	"proof": {`{"customer":"` + canary + `","statement":"{statement}"}`, "service:200 *:403", "service:404 *:403"},

	"me":             {"", "*:200", ""},
	"roles":          {"", "*:200", ""},
	"clients":        {"", "admin:200 *:403", ""},
	"client":         {"", "*:200", "admin:200 *:404"},
	"client-create":  {`{"name":"new","roles":["viewer"]}`, "admin:201 *:403", ""},
	"client-change":  {`{"name":"other","roles":["viewer"]}`, "*:403", "admin:200 *:403"}, // nobody changes what they are themselves
	"client-disable": {"", "*:403", "admin:200 *:403"},
	"client-enable":  {"", "*:403", "admin:200 *:403"},

	"limits":       {"", "admin:200 *:403", ""},
	"limit":        {"", "admin:200 *:403", ""},
	"limit-change": {`{"policy":"9/s"}`, "admin:200 *:403", ""},
	"audit":        {"", "auditor:200 admin:200 *:403", ""},
	"usage":        {"", "admin:200 *:403", ""},
	"own-usage":    {"", "*:200", ""},

	"keys":       {"", "*:200", ""},
	"key":        {"", "*:200", "admin:200 *:404"},
	"key-create": {`{"name":"new","client":"{client}","permissions":["client:read"],"networks":["10.0.0.0/8"]}`, "admin:201 *:403", "admin:422 *:403"}, // the other may not so much
	"key-rotate": {`{"publicKey":"{public}"}`, "*:201", "admin:403 *:404"},                                                                             // who has not what the key may would have it then
	"key-revoke": {"", "*:200", "admin:200 *:404"},

	// The run is the withdrawal of a statement that nobody had to approve. What is not one's own TestRunsOfOthers asks for.
	"runs":            {"", "viewer:200 auditor:200 operator:200 publisher:200 *:403", ""},
	"run":             {"", "viewer:200 auditor:200 operator:200 publisher:200 *:403", ""},
	"run-draft":       {"", "viewer:200 auditor:200 operator:200 publisher:200 *:403", ""},
	"run-ask":         {`{"period":"2026-11"}`, "operator:201 *:403", ""},
	"run-approve":     {strangerEnvelope, "operator:409 publisher:409 *:403", ""},
	"run-publish":     {`{"draft":"{draft}"}`, "publisher:200 *:403", ""},
	"run-cancel":      {"", "operator:200 *:403", ""},
	"run-resume":      {"", "operator:409 *:403", ""},
	"report-withdraw": {`{"reason":"It was wrong."}`, "publisher:201 *:403", ""},
	"report-finding":  {strangerEnvelope, "auditor:422 *:403", ""},
}

// wanted is the status that a list has for a role.
func wanted(list string, role authz.Role) int {
	for _, name := range []string{string(role), "*"} {
		for one := range strings.FieldsSeq(list) {
			if who, status, _ := strings.Cut(one, ":"); who == name {
				code, _ := strconv.Atoi(status)
				return code
			}
		}
	}
	return 0
}

// guarded are the operations of the document that are not for everybody, by method and path.
func guarded(t testing.TB, doc *openapi3.T) map[string]*openapi3.Operation {
	t.Helper()
	all := map[string]*openapi3.Operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Security != nil && len(*op.Security) > 0 {
				all[method+" "+path] = op
			}
		}
	}
	return all
}

// TestRolesMatrix: each role, each operation that is not for everybody, on what is their own and on what is not. The operations are
// those of the document: one without a rule here fails.
func TestRolesMatrix(t *testing.T) {
	o := newOffice(t)
	doc := document(t, o.h)
	operations := guarded(t, doc)
	cells := 0
	for route, op := range operations {
		r, known := rules[op.OperationID]
		if !known {
			t.Errorf("%s (%s) has no rule", route, op.OperationID)
			continue
		}
		method, template, _ := strings.Cut(route, " ")
		for _, role := range authz.Roles() {
			for name, list := range map[string]string{"own": r.own, "foreign": r.foreign} {
				if list == "" {
					continue
				}
				cells++
				who, of := o.about(t, role, name == "own")
				path, content := of.Replace(template), of.Replace(r.content)
				var header []string
				if method == http.MethodPut {
					header = []string{"If-Match", o.asker(t, authz.Admin).ask(t, "GET", path, "").Header().Get("ETag")}
				}
				got := who.ask(t, method, path, content, header...)
				if got.Code != wanted(list, role) {
					t.Errorf("%s by %s, %s: %d %s, want %d", route, role, name, got.Code, got.Body, wanted(list, role))
				}
				checkAnswer(t, op, path, got)
			}
		}
	}
	if used := slices.Collect(maps.Values(operations)); len(used) != len(rules) || cells < 100 {
		t.Errorf("%d operations and %d rules, %d cells", len(used), len(rules), cells)
	}
}

// about is a new asker of a role, and what replaces the parameters of a path: by what is theirs, or by what is somebody else's.
func (o *office) about(t *testing.T, role authz.Role, own bool) (*asker, *strings.Replacer) {
	t.Helper()
	scope := authz.Scope{}
	if role == authz.Service {
		scope.Reports = []string{o.first.Digest.String()}
	}
	who := o.keyOf(t, o.client(t, scope, role))
	client, key, statement := who.client, who.key, o.first.Digest.String()
	if !own {
		other := o.asker(t, authz.Service)
		client, key, statement = other.client, other.key, o.last.Digest.String()
	}
	run := o.run(t, who, o.first.Digest, 0)
	return who, strings.NewReplacer("/v1/runs/{id}", "/v1/runs/"+run.ID, "{draft}", run.Digest, "/v1/clients/{id}", "/v1/clients/"+client, "/v1/keys/{id}", "/v1/keys/"+key, "/v1/limits/{name}", "/v1/limits/runs", "{client}", client, "{statement}", statement, "{public}", publicText(t))
}

// TestNobody: what is not for everybody is for nobody without a good credential, whatever they send along.
func TestNobody(t *testing.T) {
	o := newOffice(t)
	_, good := o.issue(t, authn.Wish{})
	wrong := good[:30] + map[bool]string{true: "b", false: "a"}[good[30] == 'a'] + good[31:]
	for route := range guarded(t, document(t, o.h)) {
		method, template, _ := strings.Cut(route, " ")
		path := strings.NewReplacer("{id}", strings.Repeat("a", 16), "{name}", "runs", "{statement}", strings.Repeat("0", 64)).Replace(template)
		for _, header := range [][]string{nil, {"Assay-Key", wrong}, {"Assay-Key", good[:40]}, {"Authorization", "Bearer " + good}, {"X-Forwarded-For", "127.0.0.1"}} {
			w := httptest.NewRecorder()
			o.h.ServeHTTP(w, request(method, path, "", header...))
			if kind, _ := problem(t, w); w.Code != 401 || !strings.HasPrefix(kind, "/problems/credential-") {
				t.Errorf("%s with %v: %d %s", route, header, w.Code, kind)
			}
			verified(t, method, path, w)
		}
	}
}
