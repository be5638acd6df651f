package api

import (
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

// adapter is huma's way to the router. A parameter {path} at the end stands for all the rest, as OpenAPI cannot say.
type adapter struct{ chi.Router }

const rest = "{path}"

// Handle adds an operation. What huma does not refuse by itself is refused before it sees the request.
func (a adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	pattern, tail := strings.CutSuffix(op.Path, rest)
	if tail {
		pattern += "*"
	}
	kinds := mediaTypes(op)
	a.MethodFunc(op.Method, pattern, func(w http.ResponseWriter, r *http.Request) {
		if verb := strings.LastIndexByte(r.URL.Path, ':'); strings.HasSuffix(pattern, "}") && verb > strings.LastIndexByte(r.URL.Path, '/') { // no id has one: it is an act's
			RefuseMethod(w, a.Router, r.URL.Path)
			return
		}
		if sentence := oddQuery(r.URL.RawQuery); sentence != "" {
			Refuse(w, http.StatusBadRequest, sentence)
			return
		}
		if !accepts(r.Header.Values("Accept"), kinds) {
			Refuse(w, http.StatusNotAcceptable, "this is to be had as "+strings.Join(kinds, " or ")+" only")
			return
		}
		r.Header.Del("Accept") // settled: huma would choose among its own
		if tail {
			r.SetPathValue("path", chi.URLParam(r, "*"))
		}
		handler(humachi.NewContext(op, r, w))
	})
}

// RefuseMethod answers whoever asks by a method that is not answered at a path: which are, or that nothing is there.
func RefuseMethod(w http.ResponseWriter, r chi.Routes, path string) {
	answered := methods(r, path)
	if len(answered) == 0 {
		Refuse(w, http.StatusNotFound, "there is no such page")
		return
	}
	w.Header().Set("Allow", strings.Join(answered, ", "))
	Refuse(w, http.StatusMethodNotAllowed, "only "+strings.Join(answered, ", ")+" is answered here")
}

// methods are those that are answered at a path. Where that names an act of something, as /v1/keys/{id}:revoke, the thing itself is not meant.
func methods(r chi.Routes, path string) (all []string) {
	named := strings.Contains(path[strings.LastIndexByte(path, '/')+1:], ":")
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		found := chi.NewRouteContext()
		if !r.Match(found, method, path) || named && strings.HasSuffix(found.RoutePattern(), "}") {
			continue
		}
		all = append(all, method)
		if method == http.MethodGet {
			all = append(all, http.MethodHead)
		}
	}
	return all
}

func mediaTypes(op *huma.Operation) []string {
	var kinds []string
	for _, success := range []string{"200", "201"} {
		if r, ok := op.Responses[success]; ok {
			kinds = slices.AppendSeq(kinds, maps.Keys(r.Content))
		}
	}
	slices.Sort(kinds)
	return kinds
}

// oddQuery says what is wrong with a query by itself: which parameters there are huma knows.
func oddQuery(raw string) string {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return "the query cannot be read"
	}
	for _, values := range q {
		switch {
		case len(values) > 1:
			return "a parameter of the query stands twice"
		case values[0] == "":
			return "a parameter of the query has no value: leave it out" // huma would pass over it
		}
	}
	return ""
}

// accepts reports whether Accept takes one of these kinds (RFC 9110 part 12.5.1); a part that cannot be read takes nothing.
func accepts(lines, kinds []string) bool {
	if len(lines) == 0 {
		return true
	}
	for _, kind := range kinds {
		family, _, _ := strings.Cut(kind, "/")
		best, taken := 0, false
		for _, line := range lines {
			for one := range strings.SplitSeq(line, ",") {
				name, params, err := mime.ParseMediaType(one)
				if err != nil {
					continue
				}
				if exact := 1 + slices.Index([]string{"*/*", family + "/*", kind}, name); exact > best {
					q, err := strconv.ParseFloat(params["q"], 64)
					best, taken = exact, params["q"] == "" || err == nil && q > 0
				}
			}
		}
		if taken {
			return true
		}
	}
	return false
}
