package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/web/watch"
)

// watched has all that is asked and answered be seen, if somebody watches.
func (c Config) watched(h http.Handler) http.Handler {
	if c.Watch == nil {
		return h
	}
	return c.Watch.Around(h)
}

// noted tells whoever watches which route it is, once that is known.
func noted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		watch.Of(r.Context()).Operation(methodOf(r), chi.RouteContext(r.Context()).RoutePattern())
		next.ServeHTTP(w, r)
	})
}

// methodOf is the method that a route has: HEAD is answered by that of GET.
func methodOf(r *http.Request) string {
	if r.Method == http.MethodHead {
		return http.MethodGet
	}
	return r.Method
}
