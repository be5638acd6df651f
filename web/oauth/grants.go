package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// Grant is what a customer has allowed, as they are shown it.
type Grant struct {
	ID             string
	App            string // id
	Name, Owner    string // of the app
	Scopes         []string
	Created, Until time.Time
}

// maxGrants is how many of a customer's grants are shown.
const maxGrants = 500

// GrantsOf are those that whoever asks may see: a customer whom the exchange's identity provider lets in, all of theirs; an app that a
// customer has let in, that one grant.
func (s *Server) GrantsOf(ctx context.Context, who *authn.Principal) ([]Grant, error) {
	all, err := s.Store.GrantsOf(ctx, s.subject(who.Subject.Reveal()), s.now(), maxGrants)
	if err != nil || who.Subject.Reveal() == "" {
		return nil, err
	}
	var out []Grant
	for _, g := range all {
		if !sees(who, g.ID) {
			continue
		}
		a, err := s.Store.App(ctx, g.App)
		if err != nil {
			return nil, err
		}
		c, err := s.Store.Client(ctx, g.App)
		if err != nil {
			return nil, err
		}
		of, err := decode(g.Content, g.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, Grant{ID: g.ID, App: g.App, Name: c.Name, Owner: a.Owner, Scopes: of.GetGrantedScopes(), Created: g.Created, Until: g.Until})
	}
	return out, nil
}

func sees(who *authn.Principal, grant string) bool {
	return who.Kind == authn.External || who.ID == grant
}

// Revoke ends a grant that whoever asks may see; from then on its tokens let nobody in. [store.ErrUnknown] if they do not see it.
func (s *Server) Revoke(ctx context.Context, tx *store.Tx, who *authn.Principal, id string) error {
	g, err := tx.Grant(ctx, id)
	if err != nil && !errors.Is(err, store.ErrUnknown) {
		return err
	}
	if err != nil || who.Subject.Reveal() == "" || g.Subject != s.subject(who.Subject.Reveal()) || !sees(who, id) {
		return fmt.Errorf("%w: no such grant", store.ErrUnknown)
	}
	return s.end(ctx, tx, id, "the customer took it back")
}
