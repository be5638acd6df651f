package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/web/api"
)

// retires tells of operations that are on their way out: since when (RFC 9745), until when (RFC 8594), and what takes their place.
// After that they are not answered any more.
func (c Config) retires(next http.Handler) http.Handler {
	if len(c.Retired) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of := c.retirement(r)
		if of == nil {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Deprecation", "@"+strconv.FormatInt(of.Deprecated.Unix(), 10))
		h.Set("Sunset", of.Sunset.UTC().Format(http.TimeFormat))
		if of.Successor != "" {
			h.Add("Link", "<"+of.Successor+`>; rel="successor-version"`)
		}
		if of.Notice != "" {
			h.Add("Link", "<"+of.Notice+`>; rel="deprecation"`)
		}
		if !c.Now().Before(of.Sunset) {
			if !c.stranger(w, r) {
				return
			}
			api.RefuseAs(w, http.StatusGone, "version-retired", "this is not answered any more since "+of.Sunset.UTC().Format(time.DateOnly)+": see the field Link")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// retirement is that of the request's operation, or of its version.
func (c Config) retirement(r *http.Request) *api.Retirement {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	operation := method + " " + api.PathOf(chi.RouteContext(r.Context()).RoutePattern())
	for i, of := range c.Retired {
		if of.Operation == operation || of.Operation == api.Version && strings.HasPrefix(r.URL.Path, "/"+api.Version+"/") {
			return &c.Retired[i]
		}
	}
	return nil
}

// notice is for how long at least it is told that something will not be answered any more.
const notice = 180 * 24 * time.Hour

// checkRetired refuses what clients could not prepare for.
func (c Config) checkRetired() error {
	for _, of := range c.Retired {
		if of.Sunset.Sub(of.Deprecated) < notice {
			return fmt.Errorf("web: %s is retired on %s, want at least 180 days after %s, since when it is deprecated", of.Operation, of.Sunset.Format(time.DateOnly), of.Deprecated.Format(time.DateOnly))
		}
	}
	return nil
}
