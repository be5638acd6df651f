package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// described is a path of a document.
type described struct {
	pattern *regexp.Regexp
	item    *openapi3.PathItem
}

// documents are the paths of those that were read already, by their text.
var documents sync.Map

// recorded holds every answer of a handler, in whatever test it is asked, to the document that the handler has of itself: kin-openapi finds its
// status, media type and form in it. What the document does not tell of is no operation, and is passed over; so is one that is retired.
func recorded(t testing.TB, h http.Handler) http.Handler {
	if _, fuzzed := t.(*testing.F); fuzzed {
		return h // what it finds it tells to a testing.T of its own
	}
	document := sync.OnceValue(func() []described { return describedBy(t, h) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, path := r.Method, r.URL.Path // which the handler may alter
		h.ServeHTTP(w, r)
		answer, ok := w.(*httptest.ResponseRecorder)
		if !ok || answer.Code == http.StatusNotModified || answer.Code == http.StatusGone || method == http.MethodHead {
			return
		}
		for _, d := range document() {
			if op := d.item.GetOperation(method); op != nil && d.pattern.MatchString(path) {
				checkAnswer(t, op, path, answer)
			}
		}
	})
}

// describedBy are the paths of a handler's document; none if it tells of itself nothing now.
func describedBy(t testing.TB, h http.Handler) (all []described) {
	got := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://x.example/openapi.json", nil)
	r.RemoteAddr = "198.51.100.250:1" // no test counts what this address asks
	h.ServeHTTP(got, r)
	if got.Code != http.StatusOK {
		return nil
	}
	text := got.Body.String()
	if known, ok := documents.Load(text); ok {
		return known.([]described)
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		t.Error(err)
		return nil
	}
	for template, item := range doc.Paths.Map() {
		all = append(all, described{patternOf(template), item})
	}
	documents.Store(text, all)
	return all
}

// patternOf is a path's template, in which {path} stands for all the rest.
func patternOf(template string) *regexp.Regexp {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(template), `\{path\}`, ".*")
	return regexp.MustCompile("^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(pattern, "[^/:]+") + "$")
}
