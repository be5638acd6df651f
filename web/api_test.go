package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/api"
)

// decoded reads an answer that must be 200 and strictly of that type.
func decoded[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(w.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); w.Code != 200 || err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d: %v %v", w.Code, err, w.Header())
	}
	return v
}

func TestList(t *testing.T) {
	p := newPlace(t)
	h := p.signed(t)
	all := decoded[api.Reports](t, ask(h, "GET", "/v1/reports"))
	if len(all.Reports) != 2 || all.Next != "" || all.Reports[0].Statement != p.last.Digest.String() || all.Reports[1].Statement != p.first.Digest.String() {
		t.Fatalf("got %+v", all)
	}
	self := "/v1/reports/" + p.last.Digest.String()
	want := api.Summary{
		Statement: p.last.Digest.String(), Exchange: "Demo Exchange", Series: api.Series{Name: "main", Number: 1}, Period: "2026-11-02", Instant: "2026-11-02T00:00:00Z", Issued: "2026-11-02T01:00:00Z", State: "signed",
		Links: api.Links{Self: self, Statement: self + "/statement", Manifest: self + "/files/manifest.json", States: self + "/states", Bundle: self + "/bundle", Report: self + "/report"},
	}
	if diff := cmp.Diff(want, all.Reports[0]); diff != "" {
		t.Error(diff)
	}
	first := decoded[api.Reports](t, ask(h, "GET", "/v1/reports?limit=1&series=main"))
	if len(first.Reports) != 1 || first.Next != first.Reports[0].Statement {
		t.Fatalf("a page of one: %+v", first)
	}
	rest := decoded[api.Reports](t, ask(h, "GET", "/v1/reports?limit=1&cursor="+first.Next))
	if diff := cmp.Diff(api.Reports{Reports: all.Reports[1:]}, rest); diff != "" {
		t.Error(diff)
	}
	if none := decoded[api.Reports](t, ask(h, "GET", "/v1/reports?series=other")); len(none.Reports) != 0 {
		t.Errorf("another series: %+v", none)
	}
	if raw := ask(h, "GET", "/v1/reports?series=other").Body.String(); !strings.Contains(raw, `"reports":[]`) {
		t.Errorf("nothing is %s", raw)
	}
}

func TestOne(t *testing.T) {
	p := newPlace(t)
	h := p.signed(t)
	got := decoded[api.Report](t, ask(h, "GET", "/v1/reports/"+p.last.Digest.String()))
	if got.Previous != p.first.Digest.String() || got.Snapshot != p.last.Statement.Predicate.Snapshot.ID.String() {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]api.Coverage{{Asset: "BTC", Decimals: 8, Liabilities: "140000000", Counted: "0", Ratio: "0.00", Shortfall: "140000000"}}, got.Coverage); diff != "" {
		t.Error(diff)
	}
	var want []string
	for _, f := range p.last.Files {
		want = append(want, f.Path)
	}
	slices.Sort(want)
	var have []string
	for _, f := range got.Files {
		have = append(have, f.Path)
		i := slices.IndexFunc(p.last.Files, func(g report.File) bool { return g.Path == f.Path })
		if i >= 0 && (p.last.Files[i].SHA256.String() != f.SHA256 || int64(p.last.Files[i].Size) != f.Size) {
			t.Errorf("%+v is listed, want %+v", f, p.last.Files[i])
		}
		if file := ask(h, "GET", f.Link); file.Code != 200 || file.Header().Get("ETag") != `"`+f.SHA256+`"` {
			t.Errorf("%s: %d %v", f.Link, file.Code, file.Header())
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if latest := decoded[api.Report](t, ask(h, "GET", "/v1/reports/latest")); latest.Statement != got.Statement {
		t.Errorf("the latest is %s", latest.Statement)
	}
	for part, want := range map[string]string{"/statement": string(p.last.Envelope), "/report": "<!DOCTYPE html>", "/bundle": "PK"} {
		if w := ask(h, "GET", got.Links.Self+part); w.Code != 200 || !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%s: %d", part, w.Code)
		}
	}
}

// TestStates: the last word of the log is the report's, and a log that cannot be read leaves none.
func TestStates(t *testing.T) {
	p := newPlace(t)
	first := "/v1/reports/" + p.first.Digest.String()
	c := p.withRegister(t, p.config(), report.EntryErratum)
	got := decoded[api.States](t, ask(handler(t, c), "GET", first+"/states"))
	want := api.States{Statement: p.first.Digest.String(), State: "published", Log: &api.Head{Origin: "x.example/log", Size: 3}, Entries: []api.Entry{
		{Index: 0, Kind: "published", Issued: "2026-11-06T00:00:00Z"}, {Index: 2, Kind: "erratum", Issued: "2026-11-06T00:00:00Z", Text: "mended"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	c = p.withRegister(t, p.config(), report.EntryErratum, report.EntryWithdrawal)
	h := handler(t, c)
	want.State, want.Log.Size = "withdrawn", 4
	want.Entries = append(want.Entries, api.Entry{Index: 3, Kind: "withdrawn", Issued: "2026-11-06T00:00:00Z", Text: "taken back"})
	if diff := cmp.Diff(want, decoded[api.States](t, ask(h, "GET", first+"/states"))); diff != "" {
		t.Error(diff)
	}
	for _, s := range decoded[api.Reports](t, ask(h, "GET", "/v1/reports")).Reports {
		if want := map[string]string{p.first.Digest.String(): "withdrawn", p.last.Digest.String(): "published"}[s.Statement]; s.State != want {
			t.Errorf("%s is %s, want %s", s.Period, s.State, want)
		}
	}
	if proof := ask(h, "GET", "/v1/log/proof?index=1"); proof.Code != 200 || !strings.Contains(proof.Body.String(), "index 1") {
		t.Errorf("proof: %d %q", proof.Code, proof.Body)
	}
	if proof := ask(h, "GET", "/v1/log/proof?index=4"); proof.Code != http.StatusNotFound {
		t.Errorf("an entry that is not there: %d", proof.Code)
	}
	c.Register = func() (api.Seen, error) { return api.Seen{}, errors.New("secret") }
	for _, path := range []string{"/v1/reports", first, first + "/states", "/v1/health"} {
		if got := ask(handler(t, c), "GET", path); got.Code != http.StatusServiceUnavailable || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%s with a log that cannot be read: %d %q", path, got.Code, got.Body)
		}
	}
}

// TestProblems: each way of asking wrongly is a problem of its own.
func TestProblems(t *testing.T) {
	p := newPlace(t)
	h := handler(t, p.withRegister(t, p.config()))
	unknown := strings.Repeat("0", 64)
	for path, want := range map[string]int{
		"/v1/reports?limit=0": 422, "/v1/reports?limit=501": 422, "/v1/reports?limit=x": 422, "/v1/reports?limit=1&limit=2": 400, "/v1/reports?size=1": 422, "/v1/reports?a": 400, "/v1/reports?cursor=": 400, "/v1/reports?limit=": 400,
		"/v1/reports?limit=%zz": 400, "/v1/reports?limit=1;limit=2": 400, "/v1/reports?cursor=" + unknown: 404, "/v1/reports?cursor=x": 422, "/v1/reports?series=" + strings.Repeat("x", 65): 422,
		"/v1/reports/" + unknown: 404, "/v1/reports/" + unknown + "/states": 404, "/v1/reports/" + strings.ToUpper(p.first.Digest.String()): 422, "/v1/reports/new": 422, "/v1/reports/latest?x=1": 422,
		"/v1/log/proof": 422, "/v1/log/proof?index=-1": 422, "/v1/log/proof?index=99999999999999999999": 422, "/v1/log/proof?index=0&size=1": 422, "/v1/health?x": 400,
		"/openapi.json?v=1": 422, "/v1/reports/latest/files/" + strings.Repeat("x", 129): 422, "/?" + strings.Repeat("x", 2048): 414, "/v1/reports?" + strings.Repeat("x", 2048): 414,
	} {
		got := ask(h, "GET", path)
		kind, _ := problem(t, got)
		if got.Code != want || kind != map[int]string{400: "/problems/malformed", 404: "/problems/not-found", 414: "/problems/uri-too-long", 422: "/problems/validation"}[want] {
			t.Errorf("%.80s: %d %s, want %d", path, got.Code, kind, want)
		}
		if strings.Contains(path, "%zz") || strings.Contains(path, ";") {
			continue // a client could not ask so
		}
		verified(t, "GET", path, got)
	}
	for accept, want := range map[string]int{
		"": 200, "*/*": 200, "application/json": 200, "application/*;q=0.5": 200, "text/html, application/json;q=0.1": 200, "text/html, */*;q=0.8": 200, "application/xml;q=0.9, */*": 200,
		"text/html": 406, "application/json;q=0": 406, "application/json;q=0, */*": 406, "application/cbor": 406, "a;b,c": 406, "application/json;q=x": 406, ";": 406,
	} {
		var header []string
		if accept != "" {
			header = []string{"Accept", accept}
		}
		if got := ask(h, "GET", "/v1/reports", header...); got.Code != want {
			t.Errorf("Accept: %s: %d, want %d", accept, got.Code, want)
		} else if want != 200 {
			problem(t, got)
		}
	}
	r := httptest.NewRequest("GET", "/v1/reports", strings.NewReader("{}"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if kind, _ := problem(t, w); w.Code != http.StatusRequestEntityTooLarge || kind != "/problems/content-too-large" {
		t.Errorf("a request with content: %d %s", w.Code, kind)
	}
}

// TestWithoutKey: nothing of the API is told unsigned; the sentence says what to do.
func TestWithoutKey(t *testing.T) {
	p := newPlace(t)
	for path := range apiPaths(t, p) {
		got := ask(p.site(t), "GET", path)
		if kind, detail := problem(t, got); got.Code != http.StatusServiceUnavailable || kind != "/problems/unavailable" || !strings.Contains(detail, "server.key") {
			t.Errorf("%s: %d %s %s", path, got.Code, kind, detail)
		}
		if got.Header().Get("Signature") != "" {
			t.Errorf("%s is signed by nobody knows whom", path)
		}
	}
}

// TestKeyRunsOut: once the key's time is over nothing is answered but what shows it.
func TestKeyRunsOut(t *testing.T) {
	p := newPlace(t)
	c := p.config()
	c.KeyList = func() ([]byte, error) { return []byte("{}"), errors.New("over") }
	h := handler(t, c)
	for path, want := range map[string]int{"/": 503, "/bundle.zip": 503, "/v1/reports": 503, "/v1/log/checkpoint": 503, "/.well-known/assay-keys": 200, "/v1/health": 503} {
		if got := ask(h, "GET", path); got.Code != want {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
	c.KeyList = func() ([]byte, error) { return nil, errors.New("secret") }
	if got := ask(handler(t, c), "GET", "/.well-known/assay-keys"); got.Code != http.StatusServiceUnavailable || strings.Contains(got.Body.String(), "secret") {
		t.Errorf("a list that cannot be read: %d %q", got.Code, got.Body)
	}
}

// document is the served OpenAPI document, as kin-openapi reads it.
func document(t testing.TB, h http.Handler) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(ask(h, "GET", "/openapi.json").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// apiPaths are the paths of the document, each with parameters that are there; to each its template.
func apiPaths(t testing.TB, p place) map[string]string {
	t.Helper()
	paths := map[string]string{}
	for template := range document(t, handler(t, p.withRegister(t, p.config()))).Paths.Map() {
		file := "manifest.json"
		if strings.HasPrefix(template, "/v1/log/") {
			file = "0/000"
		}
		path := strings.NewReplacer("{statement}", p.first.Digest.String(), "{path}", file).Replace(template)
		if template == "/v1/log/proof" {
			path += "?index=1"
		}
		paths[path] = template
	}
	return paths
}

// TestEveryAnswerIsSigned: of every route of API and site; with GET and HEAD, found, not changed and refused; and each answers as the document says.
func TestEveryAnswerIsSigned(t *testing.T) {
	p := newPlace(t)
	h := handler(t, p.withRegister(t, p.config()))
	paths := apiPaths(t, p)
	for path := range p.siteFiles(t) {
		paths[path] = path
	}
	if len(paths) < 28 {
		t.Fatalf("only %d paths", len(paths))
	}
	for path := range paths {
		got := ask(h, "GET", path)
		if got.Code != 200 {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
		verified(t, "GET", path, got)
		head := ask(h, "HEAD", path)
		if head.Body.Len() != 0 || head.Header().Get("Content-Digest") != got.Header().Get("Content-Digest") {
			t.Errorf("HEAD %s: %v", path, head.Header())
		}
		same := ask(h, "GET", path, "If-None-Match", got.Header().Get("ETag"))
		if same.Code != http.StatusNotModified {
			t.Errorf("%s asked again: %d", path, same.Code)
		}
		verified(t, "GET", path, same)
		verified(t, "POST", path, ask(h, "POST", path))
		verified(t, "GET", path+"/none", ask(h, "GET", path+"/none"))
	}
}

// TestDocument: the document is OpenAPI 3.1, the same in both spellings, and every answer is of the form that it promises.
func TestDocument(t *testing.T) {
	p := newPlace(t)
	h := handler(t, p.withRegister(t, p.config()))
	doc := document(t, h)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %s", doc.OpenAPI)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
	asYAML, err := openapi3.NewLoader().LoadFromData(ask(h, "GET", "/openapi.yaml").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	one, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	other, err := json.Marshal(asYAML)
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(other) {
		t.Error("the YAML says something else than the JSON")
	}
	for path, template := range apiPaths(t, p) {
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{u.RawQuery, "unknown=1"} {
			checkAnswer(t, doc.Paths.Value(template).Get, u.Path, ask(h, "GET", u.Path+"?"+query))
		}
	}
}

// checkAnswer holds an answer to the schema that the document has for its operation, status and media type.
func checkAnswer(t testing.TB, operation *openapi3.Operation, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	response := operation.Responses.Status(w.Code)
	if response == nil {
		t.Errorf("%s answers %d, which the document does not tell", path, w.Code)
		return
	}
	kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	media := response.Value.Content.Get(kind)
	if media == nil {
		t.Errorf("%s answers %d with %s, which the document does not tell", path, w.Code, kind)
		return
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	if err := media.Schema.Value.VisitJSON(v); err != nil {
		t.Errorf("%s: %d: %v", path, w.Code, err)
	}
}

// FuzzAsk: whatever is asked, the answer is one of the few that there are, is signed, and shows nothing private.
func FuzzAsk(f *testing.F) {
	p := newPlace(f)
	h := handler(f, p.withRegister(f, p.config()))
	for path := range apiPaths(f, p) {
		f.Add("GET", path, "application/json", "")
	}
	f.Add("HEAD", "/v1/reports?limit=1&limit=", "a;b,c", `W/"x", *`)
	f.Add("PUT", "/bundle/..%2f..%2fkeys/statement.age", ";", "\x00")
	f.Fuzz(func(t *testing.T, method, path, accept, tag string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(path, "/") || u.Host != "" || strings.ContainsAny(path, "\x00 #\r\n\t") || strings.ContainsFunc(path, func(r rune) bool { return r > 0x7e || r < 0x21 }) {
			return // net/http refuses it
		}
		w := ask(h, method, path, "Accept", accept, "If-None-Match", tag)
		if !slices.Contains([]int{200, 304, 400, 404, 405, 406, 414, 422}, w.Code) {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "carol") {
			t.Fatalf("%s %s shows %s", method, path, w.Body)
		}
		if method == http.MethodGet && u.RequestURI() == path { // else Go's clients would have asked otherwise
			verified(t, method, path, w)
		}
	})
}
