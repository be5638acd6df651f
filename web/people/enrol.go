package people

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/store"
)

// Wish says who a person is to be.
type Wish struct {
	Login string // the name that they sign in by, which may be an address of mail
	authn.Enrolment
}

var isLogin = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{1,63}$`)

func (w *Wish) check() error {
	w.Login = strings.ToLower(w.Login)
	if !isLogin.MatchString(w.Login) {
		return fmt.Errorf("%w: people sign in by a name of 2 to 64 letters, digits and . _ @ + -", authn.ErrWish)
	}
	if slices.Contains(w.Roles, authz.Service) {
		return fmt.Errorf("%w: the role %s is for machines", authn.ErrWish, authz.Service)
	}
	w.Kind = store.Person
	return nil
}

// Create makes a person, and invites them. The error is [authn.ErrWish] or [authn.ErrState].
func (p *People) Create(ctx context.Context, tx *store.Tx, w Wish) (c store.Client, invitation hidden.Secret, err error) {
	if err := w.check(); err != nil {
		return c, invitation, err
	}
	if c, err = p.maker().Enrol(ctx, tx, w.Enrolment); err != nil {
		return c, invitation, err
	}
	err = tx.CreateAccount(ctx, store.Account{Client: c.ID, Login: w.Login, LoginMAC: p.loginMAC(w.Login)})
	if errors.Is(err, store.ErrTaken) {
		err = fmt.Errorf("%w: %w", authn.ErrState, err)
	}
	if err != nil {
		return c, invitation, err
	}
	invitation, err = p.Invite(ctx, tx, c.ID)
	return c, invitation, err
}

func (p *People) maker() authn.Maker {
	return authn.Maker{Pepper: p.Pepper, Random: p.Random, Now: p.now()}
}

// Change makes a person another one, who may from then on what they may.
func (p *People) Change(ctx context.Context, tx *store.Tx, id string, w Wish) (c store.Client, err error) {
	if err := w.check(); err != nil {
		return c, err
	}
	err = tx.ChangeAccount(ctx, id, func(a *store.Account) error {
		a.Login, a.LoginMAC = w.Login, p.loginMAC(w.Login)
		return nil
	})
	if errors.Is(err, store.ErrTaken) {
		err = fmt.Errorf("%w: %w", authn.ErrState, err)
	}
	if err != nil {
		return c, err
	}
	return p.maker().ChangeClient(ctx, tx, id, w.Enrolment)
}

// Disable lets a person in no more, from the next request on; Enable does again, though they sign in anew.
func (p *People) Disable(ctx context.Context, tx *store.Tx, id string) (store.Client, error) {
	if _, err := tx.Account(ctx, id); err != nil {
		return store.Client{}, err
	}
	if err := errors.Join(tx.EndSessionsOf(ctx, id, ""), tx.EndInvitations(ctx, id)); err != nil {
		return store.Client{}, err
	}
	return p.maker().Disable(ctx, tx, id)
}

// Enable ends what Disable began.
func (p *People) Enable(ctx context.Context, tx *store.Tx, id string) (store.Client, error) {
	if _, err := tx.Account(ctx, id); err != nil {
		return store.Client{}, err
	}
	return p.maker().Enable(ctx, tx, id)
}

// Reset takes from a person all that they sign in by, and invites them anew.
func (p *People) Reset(ctx context.Context, tx *store.Tx, id string) (store.Client, hidden.Secret, error) {
	err := tx.ChangeAccount(ctx, id, func(a *store.Account) error {
		a.Passkeys, a.Password, a.TOTP, a.Recovery = nil, "", nil, nil
		return nil
	})
	if err == nil {
		err = errors.Join(tx.EndSessionsOf(ctx, id, ""), p.record(ctx, tx, "person.reset", id, ""))
	}
	if err != nil {
		return store.Client{}, hidden.Secret{}, err
	}
	invitation, err := p.Invite(ctx, tx, id)
	if err != nil {
		return store.Client{}, hidden.Secret{}, err
	}
	c, err := tx.Client(ctx, id)
	return c, invitation, err
}

// Invite gives a person an invitation, which takes the place of any former one.
func (p *People) Invite(ctx context.Context, tx *store.Tx, id string) (hidden.Secret, error) {
	token, err := p.draw(tokenSize)
	if err != nil {
		return hidden.Secret{}, err
	}
	err = errors.Join(tx.AddInvitation(ctx, p.invitationMAC(id+"."+token), id, p.now().Add(Invited)), p.record(ctx, tx, "person.invite", id, ""))
	return hidden.NewSecret(id + "." + token), err
}

// invitationMAC stands for an invitation: whose it is stands in it, so that whoever can write to the database gives it to nobody else.
func (p *People) invitationMAC(invitation string) string { return p.mac("invitation", invitation) }

// invited is who has an invitation that is good now, or [ErrSignIn].
func (p *People) invited(invitation, client string, until time.Time, err error) error {
	of, _, _ := strings.Cut(invitation, ".")
	switch {
	case errors.Is(err, store.ErrUnknown), err == nil && (of != client || !p.now().Before(until)):
		return fmt.Errorf("%w: the invitation is none, was used, or is over", ErrSignIn)
	}
	return err
}

// invitee is the account of whoever has an invitation, and their name.
func (p *People) invitee(ctx context.Context, invitation string) (a store.Account, name string, err error) {
	client, until, err := p.Store.Invitation(ctx, p.invitationMAC(invitation))
	if err := p.invited(invitation, client, until, err); err != nil {
		return a, "", p.refuse(ctx, "enrol", "", err)
	}
	if a, err = p.Store.Account(ctx, client); err != nil {
		return a, "", err
	}
	c, err := p.Store.Client(ctx, client)
	return a, c.Name, err
}

// Enrolment is what whoever has an invitation may sign in by from then on.
type Enrolment struct {
	Name, Login string
	Options     Options // for a passkey
	TOTP        string  // or for a password, the second factor that goes with it; the same for the same invitation
}

// BeginEnrol asks whoever has an invitation for a new passkey, and draws a second factor.
func (p *People) BeginEnrol(ctx context.Context, invitation string) (Enrolment, error) {
	a, name, err := p.invitee(ctx, invitation)
	if err != nil {
		return Enrolment{}, err
	}
	o, err := p.create(a, name, forEnrol, p.invitationMAC(invitation))
	return Enrolment{Name: name, Login: a.Login, Options: o, TOTP: p.seedURI(p.invitedSeed(invitation), a.Login)}, err
}

// Enrol gives a person the passkey with which whoever has the invitation answers, and lets them in. Their other sessions end.
func (p *People) Enrol(ctx context.Context, invitation, name string, answer []byte) (SignedIn, error) {
	return p.enrol(ctx, invitation, authn.PHR, "by a passkey", func(tx *store.Tx, client string) error {
		if err := authn.CheckName("passkey", name, 64); err != nil {
			return fmt.Errorf("%w: %w", authn.ErrWish, err)
		}
		return p.register(ctx, tx, client, forEnrol, p.invitationMAC(invitation), name, answer)
	})
}

func (p *People) invitedSeed(invitation string) []byte {
	return p.tag("seed of an invitation", invitation)[:seedSize]
}

// EnrolByPassword gives a person a password, and the second factor that was drawn for the invitation, of which they show a code.
func (p *People) EnrolByPassword(ctx context.Context, invitation, password, code string) (SignedIn, error) {
	return p.enrol(ctx, invitation, authn.MFA, "by password and code", func(tx *store.Tx, client string) error {
		c, err := tx.Client(ctx, client)
		if err != nil {
			return err
		}
		return tx.ChangeAccount(ctx, client, func(a *store.Account) error {
			return p.setPassword(a, c.Name, p.invitedSeed(invitation), password, code)
		})
	})
}

// enrol takes an invitation, once something was shown to sign in by from then on.
func (p *People) enrol(ctx context.Context, invitation, class, how string, show func(tx *store.Tx, client string) error) (in SignedIn, err error) {
	client := ""
	err = p.Store.Write(ctx, func(tx *store.Tx) (err error) {
		var until time.Time
		client, until, err = tx.TakeInvitation(ctx, p.invitationMAC(invitation))
		if err := p.invited(invitation, client, until, err); err != nil {
			return err
		}
		if err := show(tx, client); err != nil {
			return err
		}
		recovery, err := p.renew(ctx, tx, client)
		if err != nil {
			return err
		}
		if err := tx.EndSessionsOf(ctx, client, ""); err != nil {
			return err
		}
		if in, err = p.open(ctx, tx, client, class); err != nil {
			return err
		}
		in.Recovery = recovery
		return p.record(as(ctx, in.Session), tx, "person.enrol", client, how)
	})
	return in, p.refuse(ctx, "enrol", client, err)
}

// Codes for the day on which all else is lost.
const (
	manyCodes = 10
	codeSize  = 16 // bytes
)

// renew gives a person other codes in place of those that they had.
func (p *People) renew(ctx context.Context, tx *store.Tx, client string) ([]hidden.Secret, error) {
	var shown []hidden.Secret
	var kept []string
	for range manyCodes {
		code, err := p.draw(codeSize)
		if err != nil {
			return nil, err
		}
		shown, kept = append(shown, hidden.NewSecret(spaced(code))), append(kept, p.codeMAC(client, code))
	}
	return shown, tx.ChangeAccount(ctx, client, func(a *store.Account) error { a.Recovery = kept; return nil })
}

// spaced is a code as people read it.
func spaced(code string) string {
	var parts []string
	for part := range slices.Chunk([]byte(code), 5) {
		parts = append(parts, string(part))
	}
	return strings.Join(parts, "-")
}

// codeMAC stands for a code, however it is spaced.
func (p *People) codeMAC(client, code string) string {
	return p.mac("recovery", client, strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code)))
}

// RenewRecovery gives a person who is signed in other codes in place of those that they had.
func (p *People) RenewRecovery(ctx context.Context, tx *store.Tx, who *authn.Principal) ([]hidden.Secret, error) {
	all, err := p.renew(ctx, tx, who.Client)
	return all, errors.Join(err, p.record(ctx, tx, "person.recovery-codes", who.Client, ""))
}

// Recover takes a code of whoever lost all else, and invites them. Their sessions end: who has the code may not be the one who had those. The
// error is that of [People.SignInByPassword], and so is the work.
func (p *People) Recover(ctx context.Context, login, code string) (invitation hidden.Secret, err error) {
	a, known, err := p.account(ctx, login)
	if err != nil {
		return invitation, err
	}
	mac, found := p.codeMAC(a.Client, code), false
	for _, one := range a.Recovery {
		found = hmac.Equal([]byte(one), []byte(mac)) || found
	}
	why := ""
	switch {
	case !known:
		why = "nobody signs in by that name"
	case !found:
		why = "the code is none that is left"
	}
	err = p.attempt(ctx, a.LoginMAC, why, func(tx *store.Tx) error {
		err := tx.ChangeAccount(ctx, a.Client, func(now *store.Account) error {
			left := slices.DeleteFunc(slices.Clone(now.Recovery), func(one string) bool { return one == mac })
			if len(left) == len(now.Recovery) {
				return fmt.Errorf("%w: the code was used meanwhile", ErrSignIn)
			}
			now.Recovery = left
			return nil
		})
		if err != nil {
			return err
		}
		c, err := tx.Client(ctx, a.Client)
		if err != nil {
			return err
		}
		if state := authn.ClientState(c, p.now()); state != authn.Good {
			return fmt.Errorf("%w: the person %s is %s", ErrSignIn, a.Client, state)
		}
		ctx := as(ctx, store.Session{Client: a.Client})
		if err := errors.Join(tx.EndSessionsOf(ctx, a.Client, ""), p.record(ctx, tx, "person.recover", a.Client, "by a code")); err != nil {
			return err
		}
		invitation, err = p.Invite(ctx, tx, a.Client)
		return err
	})
	return invitation, p.refuse(ctx, "recover", a.Client, err)
}
