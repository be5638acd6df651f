package web

import (
	"net/http"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/assay-por/assay/web/audit"
)

// clerk stands before what apps are given their tokens at. They are not known yet: they show who they are to what stands behind. Whoever is
// nobody there counts for the address like a credential that is not good.
func (c Config) clerk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.stranger(w, r) {
			return
		}
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(seen, r.WithContext(audit.With(r.Context(), origin(r, nil))))
		if seen.Status() == http.StatusUnauthorized && c.Limits != nil {
			c.Limits.Failed(r.Context(), from(r))
		}
	})
}
