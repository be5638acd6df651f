package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/store"
)

// introspect tells an app what a token of its own is (RFC 7662). Of others, and of what is over, it tells alike that it is no good.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	a, err := s.who(w, r)
	if err == nil {
		err = asksOf(a)
	}
	out := map[string]any{"active": false}
	if err == nil {
		err = s.change(r.Context(), a, func(ctx context.Context, d *doing) error { // what was shown is taken for used
			row, err := s.good(ctx, d.tx, a)
			if err != nil || row.ID == "" {
				return err
			}
			of, err := decode(row.Content, row.Grant)
			if err == nil {
				out = s.told(row, of)
			}
			return err
		})
	}
	if err != nil {
		s.refuse(w, r, "token.introspect", a.app.ID, err)
		return
	}
	answer(w, http.StatusOK, out)
}

func asksOf(a asking) error {
	if a.app.IsPublic() {
		return fosite.ErrInvalidClient.WithHint("This is for apps that show who they are.")
	}
	if a.form.Get("token") == "" {
		return fosite.ErrInvalidRequest.WithHint("token is missing.")
	}
	return nil
}

// good is the row of a token that is the app's and good; zero if it is not.
func (s *Server) good(ctx context.Context, tx *store.Tx, a asking) (store.Token, error) {
	token := a.form.Get("token")
	if !strings.HasPrefix(token, beginsAccess) && !strings.HasPrefix(token, beginsRefresh) {
		return store.Token{}, nil
	}
	row, err := tx.Token(ctx, s.tokenMAC(token))
	if errors.Is(err, store.ErrUnknown) {
		return store.Token{}, nil
	}
	if err != nil {
		return row, err
	}
	g, err := tx.Grant(ctx, row.Grant)
	if err != nil || g.App != a.app.ID || !row.Used.IsZero() || !s.now().Before(row.Until) {
		return store.Token{}, err
	}
	return row, nil
}

func (s *Server) told(row store.Token, of *fosite.Request) map[string]any {
	out := map[string]any{"active": true, "client_id": of.GetClient().GetID(), "scope": strings.Join(of.GetGrantedScopes(), " "), "exp": row.Until.Unix(), "iss": s.Origin, "aud": s.Origin, "token_type": "Bearer"}
	bound := of.GetSession().(*session).Cnf
	if bound != (cnf{}) {
		out["cnf"] = bound
	}
	if bound.Key != "" {
		out["token_type"] = "DPoP"
	}
	return out
}

// revoke ends the grant that a token is of (RFC 7009), and says nothing of whether there was one.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	a, err := s.who(w, r)
	if err == nil && a.form.Get("token") == "" {
		err = fosite.ErrInvalidRequest.WithHint("token is missing.")
	}
	if err == nil {
		err = s.change(r.Context(), a, func(ctx context.Context, d *doing) error {
			row, err := d.tx.Token(ctx, s.tokenMAC(a.form.Get("token")))
			if errors.Is(err, store.ErrUnknown) {
				return nil
			}
			if err != nil {
				return err
			}
			g, err := d.tx.Grant(ctx, row.Grant)
			if err != nil || g.App != a.app.ID {
				return err
			}
			return s.end(acting(ctx, a.app.ID, g.ID), d.tx, g.ID, "the app gave it back")
		})
	}
	if err != nil {
		s.refuse(w, r, "grant.revoke", a.app.ID, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// end ends a grant, and records it.
func (s *Server) end(ctx context.Context, tx *store.Tx, grant, why string) error {
	return errors.Join(tx.EndGrant(ctx, grant), s.record(ctx, tx, "grant.revoke", grant, why))
}
