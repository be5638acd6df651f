package authn

import (
	"context"

	"github.com/assay-por/assay/web/authz"
)

// Principal is who asks, as far as it was shown. Nil is anybody.
type Principal struct {
	ID          string // of the API key
	Client      string // whose key it is
	Tier        string // of its limits
	Roles       []authz.Role
	Permissions []authz.Permission
	Scope       authz.Scopes
}

type contextKey struct{}

// With returns a context in which p asks.
func With(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns who asks.
func From(ctx context.Context) *Principal {
	p, _ := ctx.Value(contextKey{}).(*Principal)
	return p
}
