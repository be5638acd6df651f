package oauth

import (
	"encoding/json"
	"net/http"

	"github.com/assay-por/assay/web/authz"
)

// metadata tells apps how this server is asked (RFC 8414).
func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	signs, proofs := texts(assertionAlgorithms), texts(proofAlgorithms)
	ways := []string{ByKey, ByCertificate, ByNothing}
	all := map[string]any{
		"issuer": s.Origin, "token_endpoint": s.Origin + PathToken, "introspection_endpoint": s.Origin + PathIntrospect, "revocation_endpoint": s.Origin + PathRevoke,
		"token_endpoint_auth_methods_supported": ways, "token_endpoint_auth_signing_alg_values_supported": signs,
		"introspection_endpoint_auth_methods_supported": ways[:2], "introspection_endpoint_auth_signing_alg_values_supported": signs,
		"revocation_endpoint_auth_methods_supported": ways, "revocation_endpoint_auth_signing_alg_values_supported": signs,
		"dpop_signing_alg_values_supported": proofs, "tls_client_certificate_bound_access_tokens": true,
		"scopes_supported": scopesOf([]authz.Role{authz.Delegate, authz.Service, authz.Viewer}), "grant_types_supported": []string{"client_credentials"}, "response_types_supported": []string{},
	}
	if s.Login != nil {
		all["pushed_authorization_request_endpoint"], all["authorization_endpoint"] = s.Origin+PathPAR, s.Origin+PathAuthorize
		all["require_pushed_authorization_requests"], all["authorization_response_iss_parameter_supported"] = true, true
		all["response_types_supported"], all["response_modes_supported"] = []string{"code"}, []string{"query"}
		all["grant_types_supported"], all["code_challenge_methods_supported"] = []string{"authorization_code", "refresh_token", "client_credentials"}, []string{"S256"}
	}
	raw, err := json.Marshal(all)
	if err != nil { // there is nothing in it that could not be written
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(raw) // who asked is gone
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = string(one)
	}
	return out
}
