package authn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/store"
)

// Principal is who asks, as far as it was shown. Nil is anybody.
type Principal struct {
	ID          string // of the API key, of the session, or of the grant that a token is of
	Client      string // whose that is
	Kind        string // of the client: store.Machine, store.Person, store.OfApp; or [External]
	Tier        string // of its limits
	Roles       []authz.Role
	Permissions []authz.Permission
	Scope       authz.Scopes // the client's, and the key's

	Session string    // of a person: the session's id, which is ID too
	Class   string    // how that person last proved who they are: PHR or MFA; empty where nobody is asked
	Proved  time.Time // and when

	Subject hidden.Customer // of a token: the customer that it is for, and no other; empty: none
	Until   time.Time       // of a token: when it is over

	way Way // that let them in; nil: an API key
}

// External is the kind of whoever has a token of the exchange's identity provider. There is no record of them.
const External = "external"

// The classes of proofs of a person (RFC 8176 has words for their parts).
const (
	PHR = "phr" // a passkey, whose authenticator verified the person
	MFA = "mfa" // a password, and a code of a second factor
)

// Fresh is how old a person's proof may be where a route asks for a new one.
const Fresh = 5 * time.Minute

// StepUp reports whether a person has to prove who they are anew before what asks for it: by a passkey, within the last five minutes.
// Machines are not asked: their keys sign each request. Another server that took the proof may be a little ahead.
func (p *Principal) StepUp(now time.Time) bool {
	return p.Kind == store.Person && (p.Class != PHR || now.Sub(p.Proved) > Fresh || p.Proved.After(now.Add(ahead)))
}

// Asker is whose wishes, and places in lists, are told apart from others': the key, or the person, whose sessions come and go.
func (p *Principal) Asker() string {
	if p.Kind == store.Person {
		return p.Client
	}
	return p.ID
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

// Same reports whether two are the same, by whichever way they were let in.
func (p *Principal) Same(as *Principal) bool {
	one, other := *p, *as
	one.way, other.way = nil, nil
	return reflect.DeepEqual(one, other)
}

// Records are where those of keys, clients, sessions and grants are looked up: a [store.Store], or a [store.Tx].
type Records interface {
	Key(ctx context.Context, id string) (store.Key, error)
	Client(ctx context.Context, id string) (store.Client, error)
	Session(ctx context.Context, id string) (store.Session, error)
	Grant(ctx context.Context, id string) (store.Grant, error)
}

// Still is nil if somebody would be let in now as they were before. Else it is [ErrInvalid], or the database's: what takes time, or
// waits for others, asks again before it tells or does anything.
func (p *Principal) Still(ctx context.Context, in Records, now time.Time) error {
	if p.way != nil {
		return p.way.Still(ctx, in, p, now)
	}
	k, err := in.Key(ctx, p.ID)
	if err != nil {
		return err
	}
	c, err := in.Client(ctx, k.Client)
	if err != nil {
		return err
	}
	reason := unusable(k, c, now)
	if reason == "" && !p.Same(principal(k, c)) {
		reason = "it, or its client, was changed meanwhile"
	}
	if reason != "" {
		return fmt.Errorf("%w: API key %s: %s", ErrInvalid, p.ID, reason)
	}
	return nil
}

// IsOver reports whether an error of [Principal.Still] says that somebody is let in no more.
func IsOver(err error) bool {
	return errors.Is(err, ErrInvalid) || errors.Is(err, ErrOver) || errors.Is(err, store.ErrUnknown)
}
