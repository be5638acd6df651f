package people

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/store"
)

// SignedIn is a person who has shown who they are.
type SignedIn struct {
	Session  store.Session
	Token    hidden.Secret   // what the browser keeps
	Recovery []hidden.Secret // codes that are shown this once; nil: the former are good still
}

const (
	tokenSize = 32 // bytes
	idSize    = 10
)

// Shows implements [authn.Way].
func (p *People) Shows(r *http.Request) bool {
	_, err := r.Cookie(authn.SessionCookie)
	return err == nil
}

// Who implements [authn.Way]: it is whoever has the cookie of a session. What would change something is not changed for another site's page.
func (p *People) Who(r *http.Request) (*authn.Principal, error) {
	cookie, err := r.Cookie(authn.SessionCookie)
	if err != nil {
		return nil, fmt.Errorf("%w: there is no cookie", authn.ErrOver)
	}
	ctx, now := r.Context(), p.now()
	s, err := p.Store.SessionOf(ctx, p.mac("session", cookie.Value))
	if errors.Is(err, store.ErrUnknown) {
		return nil, fmt.Errorf("%w: no session has that cookie", authn.ErrOver)
	}
	if err != nil {
		return nil, err
	}
	c, err := p.Store.Client(ctx, s.Client)
	if err != nil {
		return nil, err
	}
	if reason := over(s, c, now); reason != "" {
		return nil, fmt.Errorf("%w: session %s of %s: %s", authn.ErrOver, s.ID, s.Client, reason)
	}
	if http.NewCrossOriginProtection().Check(r) != nil {
		return nil, fmt.Errorf("%w: session %s of %s", authn.ErrForeign, s.ID, s.Client)
	}
	if now.Sub(s.Seen) >= noted {
		if err := p.Store.Write(ctx, func(tx *store.Tx) error { return tx.SessionSeen(ctx, s.ID, now) }); err != nil {
			return nil, err
		}
	}
	return principal(s, c), nil
}

// over says why a session lets nobody in; empty if it does.
func over(s store.Session, c store.Client, now time.Time) string {
	switch state := authn.ClientState(c, now); {
	case !now.Before(s.Until):
		return "it has lasted its time"
	case now.Sub(s.Seen) >= Idle:
		return "it was not used for half an hour"
	case state != authn.Good:
		return "the person is " + state
	case c.Kind != store.Person:
		return "its client is no person"
	}
	return ""
}

// principal is who has a session.
func principal(s store.Session, c store.Client) *authn.Principal {
	roles := authn.RolesOf(c)
	return &authn.Principal{ID: s.ID, Client: c.ID, Kind: c.Kind, Tier: c.Tier, Roles: roles, Permissions: authz.Of(roles...), Scope: authz.Scopes{authz.Scope(c.Scope)},
		Session: s.ID, Class: s.Class, Proved: s.Proved}
}

// Still implements [authn.Way].
func (p *People) Still(ctx context.Context, in authn.Records, who *authn.Principal, now time.Time) error {
	s, err := in.Session(ctx, who.ID)
	if err != nil {
		return err
	}
	c, err := in.Client(ctx, s.Client)
	if err != nil {
		return err
	}
	reason := over(s, c, now)
	if reason == "" && !who.Same(principal(s, c)) {
		reason = "it, or the person, was changed meanwhile"
	}
	if reason != "" {
		return fmt.Errorf("%w: session %s: %s", authn.ErrOver, who.ID, reason)
	}
	return nil
}

// open begins a session of a person who is let in now.
func (p *People) open(ctx context.Context, tx *store.Tx, client, class string) (SignedIn, error) {
	c, err := tx.Client(ctx, client)
	if err != nil {
		return SignedIn{}, err
	}
	now := p.now()
	if state := authn.ClientState(c, now); state != authn.Good {
		return SignedIn{}, fmt.Errorf("%w: the person %s is %s", ErrSignIn, client, state)
	}
	id, err := p.draw(idSize)
	if err != nil {
		return SignedIn{}, err
	}
	token, err := p.draw(tokenSize)
	if err != nil {
		return SignedIn{}, err
	}
	s := store.Session{ID: id, Token: p.mac("session", token), Client: client, Class: class, Proved: now, Network: network(ctx), Created: now, Until: now.Add(Absolute), Seen: now}
	err = errors.Join(tx.ForgetSessions(ctx, now, now.Add(-Idle)), tx.TidySignIns(ctx, now, now.Add(-remembered)), tx.CreateSession(ctx, s))
	return SignedIn{Session: s, Token: hidden.NewSecret(token)}, err
}

// prove notes in a session that the person showed a passkey now. Its token is another one from then on: what was seen of it before is of no use.
func (p *People) prove(ctx context.Context, tx *store.Tx, id string) (SignedIn, error) {
	s, err := tx.Session(ctx, id)
	if err != nil {
		return SignedIn{}, err
	}
	token, err := p.draw(tokenSize)
	if err != nil {
		return SignedIn{}, err
	}
	before := s.Token
	s.Token, s.Class, s.Proved, s.Seen = p.mac("session", token), authn.PHR, p.now(), p.now()
	return SignedIn{Session: s, Token: hidden.NewSecret(token)}, tx.ChangeSession(ctx, s, before)
}
