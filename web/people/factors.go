package people

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// BeginPasskey asks a person who is signed in for another passkey.
func (p *People) BeginPasskey(ctx context.Context, who *authn.Principal) (Options, error) {
	a, err := p.Store.Account(ctx, who.Client)
	if err != nil {
		return nil, err
	}
	c, err := p.Store.Client(ctx, who.Client)
	if err != nil {
		return nil, err
	}
	return p.create(a, c.Name, forPasskey, who.Session)
}

// AddPasskey gives a person who is signed in the passkey that they answer with.
func (p *People) AddPasskey(ctx context.Context, tx *store.Tx, who *authn.Principal, name string, answer []byte) (store.Passkey, error) {
	if err := authn.CheckName("passkey", name, 64); err != nil {
		return store.Passkey{}, fmt.Errorf("%w: %w", authn.ErrWish, err)
	}
	if err := p.register(ctx, tx, who.Client, forPasskey, who.Session, name, answer); err != nil {
		return store.Passkey{}, err
	}
	a, err := tx.Account(ctx, who.Client)
	if err != nil {
		return store.Passkey{}, err
	}
	added := a.Passkeys[len(a.Passkeys)-1]
	return added, p.record(ctx, tx, "passkey.add", who.Client, PasskeyID(added))
}

// RemovePasskey takes one from a person who is signed in, unless they have no other that lets them in. The error is [store.ErrUnknown], or
// [authn.ErrState].
func (p *People) RemovePasskey(ctx context.Context, tx *store.Tx, who *authn.Principal, id string) (store.Passkey, error) {
	var removed store.Passkey
	err := tx.ChangeAccount(ctx, who.Client, func(a *store.Account) error {
		i := slices.IndexFunc(a.Passkeys, func(k store.Passkey) bool { return PasskeyID(k) == id })
		if i < 0 {
			return fmt.Errorf("%w: no such passkey", store.ErrUnknown)
		}
		removed = a.Passkeys[i]
		a.Passkeys = slices.Delete(a.Passkeys, i, i+1)
		if len((user{Account: *a}).WebAuthnCredentials()) == 0 {
			return fmt.Errorf("%w: it is the only passkey that lets you in: add another one first", authn.ErrState)
		}
		return nil
	})
	if err != nil {
		return removed, err
	}
	return removed, p.record(ctx, tx, "passkey.remove", who.Client, id)
}

// RemovePassword takes from a person who is signed in their password and second factor.
func (p *People) RemovePassword(ctx context.Context, tx *store.Tx, who *authn.Principal) error {
	err := tx.ChangeAccount(ctx, who.Client, func(a *store.Account) error {
		if a.Password == "" {
			return fmt.Errorf("%w: you have no password", authn.ErrState)
		}
		a.Password, a.TOTP = "", nil
		return nil
	})
	if err != nil {
		return err
	}
	return p.record(ctx, tx, "person.password-remove", who.Client, "")
}

// PasskeyID is how a passkey is named: what authenticators call it may have a thousand bytes.
func PasskeyID(k store.Passkey) string {
	sum := sha256.Sum256(k.ID)
	return spelling.EncodeToString(sum[:idSize])
}

// Living are those sessions that are not over.
func (p *People) Living(all []store.Session) []store.Session {
	now := p.now()
	return slices.DeleteFunc(all, func(s store.Session) bool { return !now.Before(s.Until) || now.Sub(s.Seen) >= Idle })
}

// EndSession ends a session of a person who is signed in: that one, or another. The error is [store.ErrUnknown] for one of somebody else.
func (p *People) EndSession(ctx context.Context, tx *store.Tx, who *authn.Principal, id string) (store.Session, error) {
	s, err := tx.Session(ctx, id)
	if err == nil && s.Client != who.Client {
		err = fmt.Errorf("%w: no such session", store.ErrUnknown)
	}
	if err != nil {
		return s, err
	}
	return s, p.endSession(ctx, tx, s)
}

// EndSessionOf ends a session of whomever it is. The error is [store.ErrUnknown] for one that is not there.
func (p *People) EndSessionOf(ctx context.Context, tx *store.Tx, id string) (store.Session, error) {
	s, err := tx.Session(ctx, id)
	if err != nil {
		return s, err
	}
	return s, p.endSession(ctx, tx, s)
}

func (p *People) endSession(ctx context.Context, tx *store.Tx, s store.Session) error {
	return errors.Join(tx.EndSession(ctx, s.ID), p.record(ctx, tx, "session.end", s.Client, s.ID))
}
