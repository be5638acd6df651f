package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/people"
)

const (
	ownSessions = "/v1/me/sessions"
	ownFactors  = "/v1/me/credentials"
)

// addFactors adds what people see and change of their own sessions, and of what they sign in by.
func (a *api) addFactors() {
	p := a.config.People
	if p == nil || a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{ownSessions, "own-sessions", tagPeople, "Your sessions, oldest first", schema[Sessions](a)}, a.ownSessions)
	addPrivate(a, operation{ownFactors, "own-credentials", tagPeople, "What you sign in by", schema[Factors](a)}, func(ctx context.Context, who *authn.Principal, _ *struct{}) (Answer, error) {
		if err := isPerson(who); err != nil {
			return Answer{}, err
		}
		account, err := a.config.Acts.Store.Account(ctx, who.Client)
		if err != nil {
			return Answer{}, unavailable(err)
		}
		return jsonOf(factorsOf(account))
	})
	end := own(ownSessions+"/{id}:end", "session-end", "End a session of yours")
	end.of = objectOf("id", isID, "Id of the session")
	addAct(a, end, func(ctx context.Context, c *call, _ *nothing) (Session, error) {
		s, err := p.EndSession(ctx, c.tx, c.who, c.of)
		return sessionOf(s, c.who.Session), refusalOf(err)
	})
	addSign(a, sign{ownFactors + ":begin", "passkey-begin", "Be asked for another passkey", false}, func(ctx context.Context, who *authn.Principal, _ *nothing) (signed[PasskeyAsked], error) {
		return passkeyAsked(p.BeginPasskey(ctx, who))
	})
	add := own(ownFactors, "passkey-add", "Add a passkey that you sign in by from then on")
	add.creates, add.most = true, maxSign
	addAct(a, add, func(ctx context.Context, c *call, in *PasskeyWish) (Passkey, error) {
		answer, err := json.Marshal(in.Credential)
		if err != nil {
			return Passkey{}, err
		}
		k, err := p.AddPasskey(ctx, c.tx, c.who, in.Name, answer)
		c.location = ownFactors + "/" + people.PasskeyID(k)
		return passkeyOf(k), refusalOf(err)
	})
	remove := own(ownFactors+"/{id}:remove", "passkey-remove", "Remove a passkey, unless it is the last that lets you in")
	remove.of = objectOf("id", isID, "Id of the passkey")
	addAct(a, remove, func(ctx context.Context, c *call, _ *nothing) (Passkey, error) {
		k, err := p.RemovePasskey(ctx, c.tx, c.who, c.of)
		return passkeyOf(k), refusalOf(err)
	})
	addAct(a, own("/v1/me/recovery-codes", "recovery-codes", "Be given other codes for the day on which all else is lost; the former are of no use from then on"), func(ctx context.Context, c *call, _ *nothing) (RecoveryCodes, error) {
		all, err := p.RenewRecovery(ctx, c.tx, c.who)
		return RecoveryCodes{reveal(all)}, refusalOf(err)
	})
	a.addPasswords(p)
}

// own is an act of a person about themselves.
func own(path, id, summary string) act {
	return act{method: http.MethodPost, path: path, id: id, tag: tagPeople, summary: summary, people: true}
}

// addPasswords adds what people may sign in by beside a passkey.
func (a *api) addPasswords(p *people.People) {
	addSign(a, sign{"/v1/me/password:begin", "password-begin", "Be given a second factor that may go with a password", false}, func(ctx context.Context, who *authn.Principal, _ *nothing) (signed[TOTPAsked], error) {
		uri, err := p.BeginTOTP(ctx, who)
		return signed[TOTPAsked]{content: TOTPAsked{uri}}, err
	})
	addAct(a, own("/v1/me/password", "password-set", "Set a password, and the second factor that you were given for it"), func(ctx context.Context, c *call, in *PasswordWish) (Factors, error) {
		if err := p.SetPassword(ctx, c.tx, c.who, in.Password, in.Code); err != nil {
			return Factors{}, refusalOf(err)
		}
		return a.factors(ctx, c)
	})
	addAct(a, own("/v1/me/password:remove", "password-remove", "Remove password and second factor"), func(ctx context.Context, c *call, _ *nothing) (Factors, error) {
		if err := p.RemovePassword(ctx, c.tx, c.who); err != nil {
			return Factors{}, refusalOf(err)
		}
		return a.factors(ctx, c)
	})
}

func (a *api) factors(ctx context.Context, c *call) (Factors, error) {
	account, err := c.tx.Account(ctx, c.who.Client)
	return factorsOf(account), refusalOf(err)
}

func (a *api) ownSessions(ctx context.Context, who *authn.Principal, _ *struct{}) (Answer, error) {
	if err := isPerson(who); err != nil {
		return Answer{}, err
	}
	return a.sessions(ctx, who.Client, who)
}

// sessions are those of a person, as somebody sees them.
func (a *api) sessions(ctx context.Context, of string, who *authn.Principal) (Answer, error) {
	all, err := a.config.Acts.Store.SessionsOf(ctx, of)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	out := Sessions{Sessions: []Session{}}
	for _, s := range a.config.People.Living(all) {
		out.Sessions = append(out.Sessions, sessionOf(s, who.Session))
	}
	return jsonOf(out)
}
