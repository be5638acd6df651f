package api

import (
	"context"
	"net/http"

	"github.com/assay-por/assay/web/authn"
)

const ownGrants = "/v1/me/grants"

// Grants are what a customer has allowed apps.
type Grants struct {
	Grants []Grant `json:"grants" nullable:"false" maxItems:"500"`
}

// Grant is what a customer has allowed an app.
type Grant struct {
	ID      string   `json:"id" minLength:"16" maxLength:"16"`
	App     string   `json:"app" minLength:"16" maxLength:"16" doc:"Id of the app"`
	Name    string   `json:"name" maxLength:"64" doc:"What it is called"`
	Owner   string   `json:"owner" maxLength:"128" doc:"Who answers for it"`
	Scopes  []string `json:"scopes" nullable:"false" maxLength:"32" maxItems:"16" doc:"What it may"`
	Created string   `json:"created" format:"date-time" maxLength:"20"`
	Until   string   `json:"until" format:"date-time" maxLength:"20" doc:"When it is over in any case"`
}

// RevokedGrant is one that is over.
type RevokedGrant struct {
	ID string `json:"id" minLength:"16" maxLength:"16"`
}

// addGrants adds what customers see and take back of what they allowed.
func (a *api) addGrants() {
	s := a.config.OAuth
	if s == nil || a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{ownGrants, "own-grants", tagClients, "What you have allowed apps, oldest first. A customer whom the exchange's identity provider lets in sees all of it; an app, by a token, its own", schema[Grants](a)},
		func(ctx context.Context, who *authn.Principal, _ *struct{}) (Answer, error) {
			if err := isCustomer(who); err != nil {
				return Answer{}, err
			}
			all, err := s.GrantsOf(ctx, who)
			if err != nil {
				return Answer{}, unavailable(err)
			}
			out := Grants{Grants: []Grant{}}
			for _, g := range all {
				out.Grants = append(out.Grants, Grant{ID: g.ID, App: g.App, Name: g.Name, Owner: g.Owner, Scopes: g.Scopes, Created: stamp(g.Created), Until: stamp(g.Until)})
			}
			return jsonOf(out)
		})
	addAct(a, act{method: http.MethodPost, path: ownGrants + "/{id}:revoke", id: "grant-revoke", tag: tagClients, summary: "Take back what you allowed an app: its tokens are no good from then on", of: objectOf("id", isID, "Id of the grant")},
		func(ctx context.Context, c *call, _ *nothing) (RevokedGrant, error) {
			if err := isCustomer(c.who); err != nil {
				return RevokedGrant{}, err
			}
			return RevokedGrant{c.of}, refusalOf(s.Revoke(ctx, c.tx, c.who, c.of))
		})
}

// isCustomer refuses whoever is not there for a customer.
func isCustomer(who *authn.Principal) error {
	if who.Subject.Reveal() == "" {
		return refused(http.StatusForbidden, "customers-only", "this is for customers: show a token that is for one")
	}
	return nil
}
