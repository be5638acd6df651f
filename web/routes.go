package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/web/authz"
)

const public = authz.Public

// permissions says which permission each route needs: all of them, and no others.
var permissions = map[string]authz.Permission{
	"GET /":                                 public,
	"GET /index.html":                       public,
	"GET /index.json":                       public,
	"GET /how.html":                         public,
	"GET /feed.xml":                         public,
	"GET /404.html":                         public,
	"GET /robots.txt":                       public,
	"GET /verify.html":                      public,
	"GET /verify-small.html":                public,
	"GET /widget.js":                        public,
	"GET /page-{number}.html":               public,
	"GET /reports/*":                        public,
	"GET /es/*":                             public,
	"GET /tr/*":                             public,
	"GET /zh/*":                             public,
	"GET /ar/*":                             public,
	"GET /pt/*":                             public,
	"GET /statement.dsse.json":              public,
	"GET /bundle.zip":                       public,
	"GET /bundle/*":                         public,
	"GET /log/*":                            public,
	"GET /v1/reports":                       public,
	"GET /v1/reports/{statement}":           public,
	"GET /v1/reports/{statement}/statement": public,
	"GET /v1/reports/{statement}/bundle":    public,
	"GET /v1/reports/{statement}/files/*":   public,
	"GET /v1/reports/{statement}/report":    public,
	"GET /v1/reports/{statement}/states":    public,
	"GET /v1/log/checkpoint":                public,
	"GET /v1/log/tile/*":                    public,
	"GET /v1/log/proof":                     public,
	"GET /v1/policy":                        public,
	"GET /v1/health":                        public,
	"GET /.well-known/assay-keys":           public,
	"GET /openapi.json":                     public,
	"GET /openapi.yaml":                     public,
	"GET /console":                          public, // what its pages show and do they ask the routes below for
	"GET /console/*":                        public,
	"POST /console/*":                       public,

	"GET /.well-known/oauth-authorization-server": public,
	"GET /oauth/authorize":                        public,
	"GET /oauth/callback":                         public,
	"GET /oauth/consent":                          public,
	"GET /oauth/grants":                           public, // a customer's own, once they signed in
	"POST /oauth/grants":                          public,
	"GET /oauth/grants/sign-in":                   public,
	"GET /oauth/style.css":                        public,
	"POST /oauth/consent":                         public,
	"POST /oauth/par":                             public, // apps show who they are, to these four
	"POST /oauth/token":                           public,
	"POST /oauth/introspect":                      public,
	"POST /oauth/revoke":                          public,

	"POST /v1/proofs":                       authz.ProofReadAny,
	"GET /v1/audit":                         authz.AuditRead,
	"GET /v1/usage":                         authz.UsageRead,
	"GET /v1/me/usage":                      authz.Self,
	"GET /v1/me":                            authz.Self,
	"GET /v1/roles":                         authz.Self,
	"GET /v1/clients":                       authz.ClientRead,
	"POST /v1/clients":                      authz.ClientWrite,
	"GET /v1/clients/{id}":                  authz.Self, // their own; of others it takes client:read
	"PUT /v1/clients/{id}":                  authz.ClientWrite,
	"POST /v1/clients/{id}:disable":         authz.ClientWrite,
	"POST /v1/clients/{id}:enable":          authz.ClientWrite,
	"GET /v1/keys":                          authz.Self,
	"POST /v1/keys":                         authz.KeyWrite,
	"GET /v1/keys/{id}":                     authz.Self,
	"POST /v1/keys/{id}:rotate":             authz.Self,
	"POST /v1/keys/{id}:revoke":             authz.Self,
	"POST /v1/auth/passkey:begin":           public,
	"POST /v1/auth/passkey":                 public,
	"POST /v1/auth/password":                public,
	"POST /v1/auth/recovery":                public,
	"POST /v1/auth/invitation:begin":        public,
	"POST /v1/auth/invitation":              public,
	"POST /v1/auth/invitation:password":     public,
	"POST /v1/auth/step-up:begin":           authz.Self,
	"POST /v1/auth/step-up":                 authz.Self,
	"POST /v1/auth/sign-out":                authz.Self,
	"GET /v1/me/sessions":                   authz.Self,
	"POST /v1/me/sessions/{id}:end":         authz.Self,
	"GET /v1/me/credentials":                authz.Self,
	"POST /v1/me/credentials:begin":         authz.Self,
	"POST /v1/me/credentials":               authz.Self,
	"POST /v1/me/credentials/{id}:remove":   authz.Self,
	"POST /v1/me/password:begin":            authz.Self,
	"POST /v1/me/password":                  authz.Self,
	"POST /v1/me/password:remove":           authz.Self,
	"POST /v1/me/recovery-codes":            authz.Self,
	"GET /v1/me/grants":                     authz.Self,
	"POST /v1/me/grants/{id}:revoke":        authz.Self,
	"GET /v1/people":                        authz.ClientRead,
	"GET /v1/people/{id}":                   authz.ClientRead,
	"POST /v1/people":                       authz.ClientWrite,
	"PUT /v1/people/{id}":                   authz.ClientWrite,
	"POST /v1/people/{id}:disable":          authz.ClientWrite,
	"POST /v1/people/{id}:enable":           authz.ClientWrite,
	"POST /v1/people/{id}:reset":            authz.ClientWrite,
	"GET /v1/people/{id}/sessions":          authz.ClientRead,
	"POST /v1/sessions/{id}:end":            authz.ClientWrite,
	"GET /v1/proposals":                     authz.ClientRead,
	"GET /v1/proposals/{id}":                authz.ClientRead,
	"POST /v1/proposals":                    authz.Self, // and what the act takes that is proposed
	"POST /v1/proposals/{id}:confirm":       authz.Self,
	"POST /v1/proposals/{id}:reject":        authz.Self,
	"GET /v1/runs":                          authz.RunRead,
	"POST /v1/runs":                         authz.RunStart,
	"GET /v1/runs/{id}":                     authz.RunRead,
	"GET /v1/runs/{id}/draft":               authz.RunRead,
	"POST /v1/runs/{id}/approvals":          authz.ApprovalSubmit,
	"POST /v1/runs/{id}:publish":            authz.ReportPublish,
	"POST /v1/runs/{id}:cancel":             authz.RunStart,
	"POST /v1/runs/{id}:resume":             authz.RunStart,
	"POST /v1/reports/{statement}:withdraw": authz.ReportWithdraw,
	"POST /v1/reports/{statement}/findings": authz.FindingSubmit,
	"GET /v1/limits":                        authz.LimitRead,
	"GET /v1/limits/{name}":                 authz.LimitRead,
	"PUT /v1/limits/{name}":                 authz.LimitWrite,
	"GET /v1/anomalies":                     authz.AnomalyRead,
	"GET /v1/anomalies/{id}":                authz.AnomalyRead,
	"POST /v1/anomalies/{id}:undo":          authz.AnomalyUndo,
}

// own are the permissions that are enough where somebody's token is for one customer, and what they ask for is of that customer.
var own = map[string]authz.Permission{"POST /v1/proofs": authz.ProofReadSelf}

// proved are the routes that ask of a person that they proved who they are by a passkey within the last five minutes (RFC 9470).
// Of machines they ask nothing: their keys sign.
var proved = map[string]bool{
	"POST /v1/clients":                      true,
	"PUT /v1/clients/{id}":                  true,
	"POST /v1/clients/{id}:disable":         true,
	"POST /v1/clients/{id}:enable":          true,
	"POST /v1/keys":                         true,
	"POST /v1/keys/{id}:rotate":             true,
	"POST /v1/keys/{id}:revoke":             true,
	"POST /v1/me/credentials":               true,
	"POST /v1/me/credentials/{id}:remove":   true,
	"POST /v1/me/password":                  true,
	"POST /v1/me/password:remove":           true,
	"POST /v1/me/recovery-codes":            true,
	"POST /v1/people":                       true,
	"PUT /v1/people/{id}":                   true,
	"POST /v1/people/{id}:disable":          true,
	"POST /v1/people/{id}:enable":           true,
	"POST /v1/people/{id}:reset":            true,
	"POST /v1/sessions/{id}:end":            true,
	"POST /v1/proposals":                    true,
	"POST /v1/proposals/{id}:confirm":       true,
	"POST /v1/proposals/{id}:reject":        true,
	"POST /v1/runs/{id}/approvals":          true,
	"POST /v1/runs/{id}:publish":            true,
	"POST /v1/reports/{statement}:withdraw": true,
	"PUT /v1/limits/{name}":                 true,
	"POST /v1/anomalies/{id}:undo":          true,
}

// checkRoutes reports a route without a permission, or a permission without a route: nothing is served by an oversight.
func checkRoutes(r chi.Routes, table map[string]authz.Permission) error {
	left := map[string]bool{}
	for route := range table {
		left[route] = true
	}
	err := chi.Walk(r, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		name := method + " " + route
		if !authz.Known(table[name]) {
			return fmt.Errorf("web: the route %s has no permission that this version knows", name)
		}
		delete(left, name)
		return nil
	})
	if err != nil {
		return err
	}
	for route := range left {
		// the others are there or not, by what the server was handed
		if optional := strings.HasPrefix(route, "GET /console") || strings.Contains(route, "oauth"); table[route] == public && strings.HasPrefix(route, http.MethodGet) && !optional {
			return fmt.Errorf("web: the table of permissions names a route that is not there: %s", route)
		}
	}
	return nil
}
