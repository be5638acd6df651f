package web

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/web/authz"
)

// TestRoutesNeedPermissions: a route that nobody thought of, and a permission for nothing, are found before anything is served.
func TestRoutesNeedPermissions(t *testing.T) {
	router := func(routes ...string) chi.Router {
		r := chi.NewRouter()
		for _, route := range routes {
			method, path, _ := strings.Cut(route, " ")
			r.MethodFunc(method, path, func(http.ResponseWriter, *http.Request) {})
		}
		return r
	}
	table := map[string]authz.Permission{"GET /a": public, "GET /b/*": public}
	if err := checkRoutes(router("GET /a", "GET /b/*"), table); err != nil {
		t.Error(err)
	}
	for name, r := range map[string]chi.Router{
		"a route more":   router("GET /a", "GET /b/*", "GET /c"),
		"another method": router("GET /a", "POST /a", "GET /b/*"),
		"a route less":   router("GET /a"),
		"another path":   router("GET /a", "GET /b"),
	} {
		if err := checkRoutes(r, table); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	unknown := maps.Clone(table)
	unknown["GET /a"] = "reports:read"
	if err := checkRoutes(router("GET /a", "GET /b/*"), unknown); err == nil {
		t.Error("a permission that nothing checks: no error")
	}
}
