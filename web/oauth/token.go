package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// token changes a code, a refresh token or an app's word for tokens.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	a, err := s.who(w, r)
	if err == nil {
		err = s.checkToken(a)
	}
	var out map[string]any
	if err == nil {
		err = s.change(r.Context(), a, func(ctx context.Context, d *doing) (err error) {
			out, err = s.issue(ctx, d, r)
			return err
		})
	}
	if err != nil {
		s.refuse(w, r, "token.issue", a.app.ID, err)
		return
	}
	answer(w, http.StatusOK, out)
}

// checkToken refuses what there is no token for.
func (s *Server) checkToken(a asking) error {
	kind := a.form.Get("grant_type")
	switch {
	case !a.form.Has("grant_type"):
		return fosite.ErrInvalidRequest.WithHint("grant_type is missing.")
	case !slices.Contains([]string{"authorization_code", "refresh_token", "client_credentials"}, kind):
		return fosite.ErrUnsupportedGrantType
	case !a.app.GetGrantTypes().Has(kind):
		return fosite.ErrUnauthorizedClient
	case kind == "authorization_code" && a.form.Get("code") == "" || kind == "refresh_token" && a.form.Get("refresh_token") == "":
		return fosite.ErrInvalidRequest.WithHint("What is to be changed for tokens is missing.")
	case a.cnf == cnf{} && !a.app.kept.Bearer:
		return errProof.WithHint("Tokens are bound to a key, or to a certificate.")
	}
	for name, begins := range map[string]string{"code": beginsCode, "refresh_token": beginsRefresh} {
		if token := a.form.Get(name); token != "" && !strings.HasPrefix(token, begins) { // nothing is taken for what it is not
			return fosite.ErrInvalidGrant
		}
	}
	return s.target(a.form)
}

// issue makes the tokens.
func (s *Server) issue(ctx context.Context, d *doing, r *http.Request) (map[string]any, error) {
	request, err := s.core.NewAccessRequest(ctx, r, &session{Cnf: d.cnf})
	if err != nil {
		return nil, err
	}
	kind := request.GetGrantTypes()[0]
	if kind == "client_credentials" {
		err = s.own(ctx, d, request)
	} else {
		err = s.theirs(ctx, d, request, kind)
	}
	if err != nil {
		return nil, err
	}
	response, err := s.core.NewAccessResponse(ctx, request)
	if err != nil {
		return nil, err
	}
	until, err := (storage{s}).until(ctx, accessLife)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"access_token": response.GetAccessToken(), "token_type": "Bearer", "expires_in": int64(until.Sub(s.now()) / time.Second), "scope": strings.Join(request.GetGrantedScopes(), " "),
	}
	if d.cnf.Key != "" { // fosite knows of bearers alone
		out["token_type"] = "DPoP"
	}
	if refresh, ok := response.GetExtra("refresh_token").(string); ok {
		out["refresh_token"] = refresh
	}
	return out, s.record(acting(ctx, d.app.ID, d.grant), d.tx, "token.issue", d.grant, kind)
}

// theirs holds a customer's grant to what it is bound to. It is done between what fosite asks and what it answers: the code's session replaces the one that fosite
// was given.
func (s *Server) theirs(ctx context.Context, d *doing, request fosite.AccessRequester, kind string) error {
	of, ok := request.GetSession().(*session)
	if !ok {
		return fosite.ErrServerError
	}
	if kind == "refresh_token" {
		if of.Cnf != d.cnf {
			return fosite.ErrInvalidGrant.WithHint("The refresh token is bound to another key.")
		}
		return nil
	}
	if of.Cnf.Key != "" && of.Cnf.Key != d.cnf.Key {
		return fosite.ErrInvalidGrant.WithHint("The code is bound to another key.")
	}
	of.Cnf = d.cnf
	g, err := d.tx.Grant(ctx, d.grant)
	if err != nil {
		return err
	}
	g.Until = g.Created.Add(grantLife)
	return d.tx.ChangeGrant(ctx, g)
}

// own makes the grant of an app that asks for itself.
func (s *Server) own(ctx context.Context, d *doing, request fosite.AccessRequester) (err error) {
	wanted := request.GetRequestedScopes()
	if len(wanted) == 0 {
		wanted = slices.DeleteFunc(d.app.GetScopes(), func(scope string) bool { return scope == string(authz.ProofReadSelf) })
	}
	if len(wanted) == 0 || wanted.Has(string(authz.ProofReadSelf)) {
		return fosite.ErrInvalidScope.WithHint("proof:read:self is a customer's to allow.")
	}
	for _, scope := range wanted {
		request.GrantScope(scope)
	}
	if d.grant, err = s.draw(idSize); err != nil {
		return err
	}
	request.SetID(d.grant)
	if err := d.tx.TidyGrants(ctx, s.now()); err != nil {
		return err
	}
	raw, err := encode(request)
	if err != nil {
		return err
	}
	return d.tx.AddGrant(ctx, store.Grant{ID: d.grant, App: d.app.ID, Content: raw, Created: s.now(), Until: s.now().Add(accessLife)})
}
