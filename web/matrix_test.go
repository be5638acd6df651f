package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// rule says what an operation answers: with this content, to each role, about what is their own and what is somebody else's. A
// list is of role:status; * is everybody who is not named. To people it answers as to machines, but where it says otherwise.
type rule struct {
	content      string
	own, foreign string
	people       *rule
	two          bool // where it takes two people
}

// people are the lists for people alone: machines have nothing of the kind.
func forPeople(content, own, foreign string) rule {
	machines := rule{content: content, people: &rule{own: own, foreign: foreign}}
	if own != "" {
		machines.own = "*:403"
	}
	if foreign != "" {
		machines.foreign = "*:403"
	}
	return machines
}

// rules are for every operation that is not for everybody.
var rules = map[string]rule{
	"proof": {content: `{"customer":"` + canary + `","statement":"{statement}"}`, own: "service:200 *:403", foreign: "service:404 *:403"},

	"me":             {own: "*:200"},
	"roles":          {own: "*:200"},
	"clients":        {own: "admin:200 *:403"},
	"client":         {own: "*:200", foreign: "admin:200 *:404"},
	"client-create":  {content: `{"name":"new","roles":["viewer"]}`, own: "admin:201 *:403"},
	"client-change":  {content: `{"name":"other","roles":["viewer"]}`, own: "*:403", foreign: "admin:200 *:403"}, // nobody changes what they are themselves
	"client-disable": {own: "*:403", foreign: "admin:200 *:403"},
	"client-enable":  {own: "*:403", foreign: "admin:200 *:403"},

	"sign-out":      forPeople("", "*:200", ""),
	"step-up-begin": forPeople("", "*:200", ""),
	"step-up":       forPeople(`{"credential":`+someAnswer+`}`, "*:401", ""),

	"own-sessions":    forPeople("", "*:200", ""),
	"session-end":     forPeople("", "*:200", "*:404"),
	"own-credentials": forPeople("", "*:200", ""),
	"passkey-begin":   forPeople("", "*:200", ""),
	"passkey-add":     forPeople(`{"name":"x","credential":{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}}`, "*:422", ""),
	"passkey-remove":  forPeople("", "*:409", "*:404"),
	"password-begin":  forPeople("", "*:200", ""),
	"password-set":    forPeople(`{"password":"correct horse battery","code":"000000"}`, "*:422", ""),
	"password-remove": forPeople("", "*:409", ""),
	"recovery-codes":  forPeople("", "*:200", ""),

	"own-grants":   {own: "*:403"}, // they are customers'
	"grant-revoke": {foreign: "*:403"},

	"people":             {own: "admin:200 *:403"},
	"person":             {own: "admin:200 *:403", foreign: "admin:200 *:403"},
	"person-create":      {content: `{"login":"{unique}","name":"new","roles":["viewer"]}`, own: "admin:201 *:403"},
	"person-change":      {content: `{"login":"{unique}","name":"other","roles":["viewer"]}`, foreign: "admin:200 *:403", people: &rule{own: "*:403", foreign: "admin:200 *:403"}},
	"person-disable":     {foreign: "admin:200 *:403", people: &rule{own: "*:403", foreign: "admin:200 *:403"}},
	"person-enable":      {foreign: "admin:200 *:403", people: &rule{own: "*:403", foreign: "admin:200 *:403"}},
	"person-sessions":    {own: "admin:200 *:403", foreign: "admin:200 *:403"},
	"person-session-end": {own: "admin:200 *:403", foreign: "admin:200 *:403"},
	"person-reset":       {foreign: "admin:200 *:403", people: &rule{own: "*:403", foreign: "admin:200 *:403"}},

	"proposals":        {own: "admin:200 *:403", two: true},
	"proposal":         {own: "admin:200 *:403", foreign: "admin:200 *:403", two: true},
	"propose":          {content: `{"kind":"person-reset","object":"{person}","reason":"They lost it."}`, foreign: "*:403", people: &rule{own: "*:403", foreign: "admin:201 *:403"}, two: true},
	"proposal-confirm": {content: `{"digest":"{digest}"}`, foreign: "*:403", people: &rule{own: "*:403", foreign: "admin:200 *:403"}, two: true}, // nobody confirms what is their own
	"proposal-reject":  {foreign: "*:403", people: &rule{own: "admin:200 *:403", foreign: "admin:200 *:403"}, two: true},

	"audit":        {own: "auditor:200 admin:200 *:403"},
	"usage":        {own: "admin:200 *:403"},
	"own-usage":    {own: "*:200"},
	"limits":       {own: "admin:200 *:403"},
	"limit":        {own: "admin:200 *:403"},
	"limit-change": {content: `{"policy":"9/s"}`, own: "admin:200 *:403"},

	"anomalies":    {own: "admin:200 *:403"},
	"anomaly":      {own: "admin:200 *:403"},
	"anomaly-undo": forPeople("", "admin:200 *:403", ""),

	"keys":       {own: "*:200"},
	"key":        {own: "*:200", foreign: "admin:200 *:404", people: &rule{foreign: "admin:200 *:404"}},
	"key-create": {content: `{"name":"new","client":"{client}","permissions":["client:read"],"networks":["10.0.0.0/8"]}`, own: "admin:201 *:403", foreign: "admin:422 *:403", people: &rule{own: "admin:422 *:403", foreign: "admin:422 *:403"}}, // the other may not so much
	"key-rotate": {content: `{"publicKey":"{public}"}`, own: "*:201", foreign: "admin:403 *:404", people: &rule{foreign: "admin:403 *:404"}},                                                                                                     // who has not what the key may would have it then
	"key-revoke": {own: "*:200", foreign: "admin:200 *:404", people: &rule{foreign: "admin:200 *:404"}},

	// The run is the withdrawal of a statement that nobody had to approve. What is not one's own TestRunsOfOthers asks for.
	"runs":            {own: "viewer:200 auditor:200 operator:200 publisher:200 *:403"},
	"run":             {own: "viewer:200 auditor:200 operator:200 publisher:200 *:403"},
	"run-draft":       {own: "viewer:200 auditor:200 operator:200 publisher:200 *:403"},
	"run-ask":         {content: `{"period":"2026-11"}`, own: "operator:201 *:403"},
	"run-approve":     {content: strangerEnvelope, own: "operator:409 publisher:409 *:403"},
	"run-publish":     {content: `{"draft":"{draft}"}`, own: "publisher:200 *:403"},
	"run-cancel":      {own: "operator:200 *:403"},
	"run-resume":      {own: "operator:409 *:403"},
	"report-withdraw": {content: `{"reason":"It was wrong."}`, own: "publisher:201 *:403"},
	"report-finding":  {content: strangerEnvelope, own: "auditor:422 *:403"},
}

// someAnswer is how a browser shows a passkey that nobody has.
const someAnswer = `{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}`

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

// TestRolesMatrix: each role, as a machine and as a person, each operation that is not for everybody, on what is their own and on what is
// not. The operations are those of the document: one without a rule here fails.
func TestRolesMatrix(t *testing.T) {
	o := newOffice(t)
	operations := guarded(t, document(t, o.h))
	cells := 0
	for route, op := range operations {
		r, known := rules[op.OperationID]
		if !known {
			t.Errorf("%s (%s) has no rule", route, op.OperationID)
			continue
		}
		o.people.Second = &r.two
		for _, role := range authz.Roles() {
			cells += o.cells(t, route, op, r, role, store.Machine)
			if role != authz.Service && role != authz.Delegate { // which nobody is
				cells += o.cells(t, route, op, r, role, store.Person)
			}
		}
	}
	if used := slices.Collect(maps.Values(operations)); len(used) != len(rules) || cells < 500 {
		t.Errorf("%d operations and %d rules, %d cells", len(used), len(rules), cells)
	}
}

// cells holds an operation to its rule for one role.
func (o *office) cells(t *testing.T, route string, op *openapi3.Operation, r rule, role authz.Role, kind string) (n int) {
	t.Helper()
	method, template, _ := strings.Cut(route, " ")
	lists := r
	if kind == store.Person && r.people != nil {
		lists = *r.people
	}
	for name, list := range map[string]string{"own": lists.own, "foreign": lists.foreign} {
		if list == "" {
			continue
		}
		n++
		who, of := o.about(t, role, kind, name == "own", template+r.content)
		path, content := of.Replace(template), of.Replace(r.content)
		var header []string
		if method == http.MethodPut {
			header = []string{"If-Match", o.asker(t, authz.Admin).ask(t, "GET", path, "").Header().Get("ETag")}
		}
		got := who.ask(t, method, path, content, header...)
		if got.Code != wanted(list, role) {
			t.Errorf("%s by %s, a %s, %s: %d %s, want %d", route, role, kind, name, got.Code, got.Body, wanted(list, role))
		}
		checkAnswer(t, op, path, got)
	}
	return n
}

// somebody asks, and is a machine or a person.
type somebody interface {
	ask(t testing.TB, method, path, content string, header ...string) *httptest.ResponseRecorder
}

// about is a new asker of a role, and what replaces the parameters of a path and content: by what is theirs, or by what is somebody else's.
func (o *office) about(t *testing.T, role authz.Role, kind string, own bool, names string) (somebody, *strings.Replacer) {
	t.Helper()
	scope := authz.Scope{}
	if role == authz.Service {
		scope.Reports = []string{o.first.Digest.String()}
	}
	other, stranger := o.asker(t, authz.Service), &person{}
	if strings.Contains(names, "/v1/people/{id}") || strings.Contains(names, "{person}") || strings.Contains(names, "/v1/me/") || strings.Contains(names, "/v1/sessions/") || strings.Contains(names, "/v1/proposals/") {
		stranger = o.person(t, authz.Viewer)
	}
	who, statement := somebody(nil), o.first.Digest.String()
	asks, as := asker{o: o}, stranger
	if kind == store.Person {
		as = o.person(t, role)
		who, asks.client, asks.key = as, as.id, other.key
	} else {
		machine := o.keyOf(t, o.client(t, scope, role))
		who, asks.client, asks.key = machine, machine.client, machine.key
	}
	client, key, of := asks.client, asks.key, as
	if !own {
		client, key, of, statement = other.client, other.key, stranger, o.last.Digest.String()
	}
	var proposal store.Proposal
	if strings.Contains(names, "/v1/proposals/") {
		by := as
		if !own {
			by = o.person(t, authz.Admin)
		}
		proposal = o.proposal(t, by)
	}
	var finding string
	if strings.Contains(names, "/v1/anomalies/") {
		finding = o.finding(t, store.Anomaly{Rule: "burst", Client: client, Action: "halve"})
	}
	run := o.run(t, &asks, o.first.Digest, 0)
	return who, strings.NewReplacer("/v1/runs/{id}", "/v1/runs/"+run.ID, "{draft}", run.Digest, "/v1/clients/{id}", "/v1/clients/"+client, "/v1/keys/{id}", "/v1/keys/"+key,
		"/v1/limits/{name}", "/v1/limits/runs", "{client}", client, "{statement}", statement, "{public}", publicText(t), "/v1/people/{id}", "/v1/people/"+of.id, "{person}", of.id,
		"/v1/me/sessions/{id}", "/v1/me/sessions/"+of.session, "/v1/sessions/{id}", "/v1/sessions/"+of.session, "/v1/me/credentials/{id}", "/v1/me/credentials/"+of.passkey, "/v1/me/grants/{id}", "/v1/me/grants/"+strings.Repeat("a", 16), "{unique}", strings.ToLower(run.ID),
		"/v1/proposals/{id}", "/v1/proposals/"+proposal.ID, "{digest}", proposal.Digest,
		"/v1/anomalies/{id}", "/v1/anomalies/"+finding)
}

// id is one that nothing else has.
func (o *office) id() string {
	o.asked++
	return strings.NewReplacer("0", "a", "1", "b", "8", "c", "9", "d").Replace(fmt.Sprintf("%016d", o.asked))
}

// finding has something stand out.
func (o *office) finding(t testing.TB, f store.Anomaly) string {
	t.Helper()
	f.ID, f.At = o.id(), o.clock
	if err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.AddAnomaly(ctx, f) }); err != nil {
		t.Fatal(err)
	}
	return f.ID
}

// proposal is one of a person: that somebody be reset.
func (o *office) proposal(t *testing.T, of *person) store.Proposal {
	t.Helper()
	p := store.Proposal{ID: o.id(), Kind: "person-reset", Object: o.person(t, authz.Viewer).id,
		Reason: "A test.", Person: of.id, Created: o.clock, Until: o.clock.Add(time.Hour)}
	sum := sha256.Sum256([]byte(`{"kind":"` + p.Kind + `","object":"` + p.Object + `"}`))
	p.Digest = hex.EncodeToString(sum[:])
	if err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.CreateProposal(ctx, p) }); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNobody: what is not for everybody is for nobody without a good credential, whatever they send along.
func TestNobody(t *testing.T) {
	o := newOffice(t)
	_, good := o.issue(t, authn.Wish{})
	wrong := good[:30] + map[bool]string{true: "b", false: "a"}[good[30] == 'a'] + good[31:]
	for route := range guarded(t, document(t, o.h)) {
		method, template, _ := strings.Cut(route, " ")
		path := strings.NewReplacer("{id}", strings.Repeat("a", 16), "{statement}", strings.Repeat("0", 64), "{name}", "runs").Replace(template)
		for _, header := range [][]string{nil, {"Assay-Key", wrong}, {"Assay-Key", good[:40]}, {"Authorization", "Bearer " + good}, {"X-Forwarded-For", "127.0.0.1"}, {"Cookie", authn.SessionCookie + "=" + good}} {
			w := httptest.NewRecorder()
			o.h.ServeHTTP(w, request(method, path, "", header...))
			if kind, _ := problem(t, w); w.Code != 401 || !strings.HasPrefix(kind, "/problems/credential-") && kind != "/problems/session-over" {
				t.Errorf("%s with %v: %d %s", route, header, w.Code, kind)
			}
			verified(t, method, path, w)
		}
	}
}
