package authn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// Principal is who asks, as far as it was shown. Nil is anybody.
type Principal struct {
	ID          string // of the API key
	Client      string // whose key it is
	Tier        string // of its limits
	Roles       []authz.Role
	Permissions []authz.Permission
	Scope       authz.Scopes // the client's, and the key's
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

// Owns reports whether what a key of a client asked for is somebody's own: their key's, or their client's, unless their key is for some
// reports of those alone.
func (p *Principal) Owns(client, key string) bool {
	return key == p.ID || client == p.Client && !p.Scope[min(1, len(p.Scope)):].Bounded()
}

// Records are where a key's and a client's are looked up: a [store.Store], or a [store.Tx].
type Records interface {
	Key(ctx context.Context, id string) (store.Key, error)
	Client(ctx context.Context, id string) (store.Client, error)
}

// Still is nil if somebody would be let in now as they were before. Else it is [ErrInvalid], or the database's: what takes time, or
// waits for others, asks again before it tells or does anything.
func (p *Principal) Still(ctx context.Context, in Records, now time.Time) error {
	k, err := in.Key(ctx, p.ID)
	if err != nil {
		return err
	}
	c, err := in.Client(ctx, k.Client)
	if err != nil {
		return err
	}
	reason := unusable(k, c, now)
	if reason == "" && !reflect.DeepEqual(p, principal(k, c)) {
		reason = "it, or its client, was changed meanwhile"
	}
	if reason != "" {
		return fmt.Errorf("%w: API key %s: %s", ErrInvalid, p.ID, reason)
	}
	return nil
}

// IsOver reports whether an error of [Principal.Still] says that somebody is let in no more.
func IsOver(err error) bool { return errors.Is(err, ErrInvalid) || errors.Is(err, store.ErrUnknown) }
