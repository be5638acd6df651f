package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// documents are those that were read already, by their text.
var documents sync.Map

// recorded holds every answer of a handler, in whatever test it is asked, to the document that the handler has of itself: kin-openapi finds its
// status, media type and form in it. What the document does not tell of is no operation, and is passed over.
func recorded(t testing.TB, h http.Handler) http.Handler {
	if _, fuzzed := t.(*testing.F); fuzzed {
		return h // what it finds it tells to a testing.T of its own
	}
	document := sync.OnceValue(func() *openapi3.T {
		got := httptest.NewRecorder()
		h.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "http://x.example/openapi.json", nil))
		if got.Code != http.StatusOK {
			return nil // there is no key, or it is not good now
		}
		if doc, ok := documents.Load(got.Body.String()); ok {
			return doc.(*openapi3.T)
		}
		doc, err := openapi3.NewLoader().LoadFromData(got.Body.Bytes())
		if err != nil {
			t.Error(err)
		}
		documents.Store(got.Body.String(), doc)
		return doc
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, path := r.Method, r.URL.Path // which the handler may alter
		h.ServeHTTP(w, r)
		answer, ok := w.(*httptest.ResponseRecorder)
		if !ok || answer.Code == http.StatusNotModified || method == http.MethodHead {
			return
		}
		doc := document()
		if doc == nil {
			return
		}
		for template, item := range doc.Paths.Map() {
			if op := item.GetOperation(method); op != nil && matches(template, path) {
				checkAnswer(t, op, path, answer)
			}
		}
	})
}

// matches reports whether a path is one of a template, in which {path} stands for all the rest.
func matches(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	for i, one := range want {
		switch {
		case i >= len(have):
			return false
		case one == "{path}":
			return true
		case one != have[i] && (!strings.HasPrefix(one, "{") || have[i] == ""):
			return false
		}
	}
	return len(want) == len(have)
}
