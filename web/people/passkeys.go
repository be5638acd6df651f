package people

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// maxPasskeys is how many a person may have.
const maxPasskeys = 10

// user is a person as package webauthn sees them.
type user struct {
	store.Account
	name string
}

func (u user) WebAuthnID() []byte          { return []byte(u.Client) }
func (u user) WebAuthnName() string        { return u.Login }
func (u user) WebAuthnDisplayName() string { return u.name }

// WebAuthnCredentials are the passkeys that let the person in.
func (u user) WebAuthnCredentials() []webauthn.Credential {
	var all []webauthn.Credential
	for _, k := range u.Passkeys {
		if !k.Cloned.IsZero() {
			continue
		}
		c := webauthn.Credential{ID: k.ID, PublicKey: k.PublicKey, Flags: webauthn.CredentialFlags{BackupEligible: k.Synced}, Authenticator: webauthn.Authenticator{AAGUID: k.Model, SignCount: k.Count}}
		for _, t := range k.Transports {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
		}
		all = append(all, c)
	}
	return all
}

// Options are what a browser is told to ask an authenticator for: PublicKeyCredentialCreationOptions or
// PublicKeyCredentialRequestOptions of WebAuthn as JSON.
type Options any

// BeginSignIn asks whoever has a passkey for it.
func (p *People) BeginSignIn() (Options, error) {
	challenge, err := p.challenge(forSignIn, "")
	if err != nil {
		return nil, err
	}
	o, _, err := p.rp.BeginDiscoverableLogin(webauthn.WithChallenge(challenge))
	if err != nil {
		return nil, err
	}
	return o.Response, nil
}

// asked is what a browser was asked for, which package webauthn has kept for it elsewhere.
func asked(challenge string, of []byte) webauthn.SessionData {
	return webauthn.SessionData{Challenge: challenge, UserID: of, UserVerification: protocol.VerificationRequired, CredParams: webauthn.CredentialParametersDefault()}
}

// SignIn lets in whoever answers with a passkey, as the browser has it (AuthenticationResponseJSON). The error is [ErrSignIn], or the database's.
func (p *People) SignIn(ctx context.Context, answer []byte) (in SignedIn, err error) {
	client := ""
	err = p.shown(ctx, answer, forSignIn, "", "", func(a store.Account, tx *store.Tx) (err error) {
		client = a.Client
		if in, err = p.open(ctx, tx, a.Client, authn.PHR); err != nil {
			return err
		}
		return p.record(as(ctx, in.Session), tx, "person.sign-in", a.Client, "by a passkey")
	})
	return in, p.refuse(ctx, "sign-in", client, err)
}

// BeginStepUp asks a person who is signed in for a passkey of theirs.
func (p *People) BeginStepUp(ctx context.Context, who *authn.Principal) (Options, error) {
	a, err := p.Store.Account(ctx, who.Client)
	if err != nil {
		return nil, err
	}
	challenge, err := p.challenge(forStepUp, who.Session)
	if err != nil {
		return nil, err
	}
	if len((user{Account: a}).WebAuthnCredentials()) == 0 {
		return nil, fmt.Errorf("%w: you have no passkey", authn.ErrState)
	}
	o, _, err := p.rp.BeginLogin(user{Account: a}, webauthn.WithChallenge(challenge))
	if err != nil {
		return nil, err
	}
	return o.Response, nil
}

// StepUp notes that a person who is signed in showed a passkey of theirs again, as [People.SignIn] has it. Their session has another token afterwards.
func (p *People) StepUp(ctx context.Context, who *authn.Principal, answer []byte) (in SignedIn, err error) {
	err = p.shown(ctx, answer, forStepUp, who.Session, who.Client, func(_ store.Account, tx *store.Tx) (err error) {
		if err := who.Still(ctx, tx, p.now()); err != nil {
			return err
		}
		if in, err = p.prove(ctx, tx, who.Session); err != nil {
			return err
		}
		return p.record(ctx, tx, "person.step-up", who.Client, "by a passkey")
	})
	return in, p.refuse(ctx, "step-up", who.Client, err)
}

// shown does what follows if a passkey is shown, of the client's account or of anybody's: with the account, in the change in which the
// challenge is taken. Of a passkey whose count goes back another one may exist. From then on it lets nobody in, which stays so.
func (p *People) shown(ctx context.Context, answer []byte, purpose, subject, client string, then func(store.Account, *store.Tx) error) error {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignIn, told(err))
	}
	var cloned error
	err = p.Store.Write(ctx, func(tx *store.Tx) error {
		challenge := parsed.Response.CollectedClientData.Challenge
		if err := p.answered(ctx, tx, purpose, subject, challenge); err != nil {
			return err
		}
		if client == "" {
			client = string(parsed.Response.UserHandle)
		}
		a, err := tx.Account(ctx, client)
		if errors.Is(err, store.ErrUnknown) {
			return fmt.Errorf("%w: the passkey is of no person", ErrSignIn)
		}
		if err != nil {
			return err
		}
		key, err := p.rp.ValidateLogin(user{Account: a}, asked(challenge, []byte(a.Client)), parsed)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSignIn, told(err))
		}
		if err := tx.ChangeAccount(ctx, a.Client, func(a *store.Account) error { p.used(a, key); return nil }); err != nil {
			return err
		}
		if key.Authenticator.CloneWarning {
			cloned = fmt.Errorf("%w: the passkey %s has signed before: there may be a copy of it", ErrSignIn, base64.RawURLEncoding.EncodeToString(key.ID))
			return p.record(ctx, tx, "passkey.suspend", a.Client, "its count went back: there may be a copy of it")
		}
		return then(a, tx)
	})
	return errors.Join(err, cloned)
}

// used notes that a passkey was shown.
func (p *People) used(a *store.Account, key *webauthn.Credential) {
	i := slices.IndexFunc(a.Passkeys, func(k store.Passkey) bool { return bytes.Equal(k.ID, key.ID) })
	if i < 0 {
		return
	}
	k := &a.Passkeys[i]
	if key.Authenticator.CloneWarning {
		k.Cloned = p.now()
		return
	}
	k.Count, k.Used = key.Authenticator.SignCount, p.now()
}

// told is an error of package webauthn with what it says for developers, which holds no secret.
func told(err error) error {
	var e *protocol.Error
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %s", e.Details, e.DevInfo)
	}
	return err
}

// create asks a person's authenticator for a new passkey.
func (p *People) create(a store.Account, name, purpose, subject string) (Options, error) {
	challenge, err := p.challenge(purpose, subject)
	if err != nil {
		return nil, err
	}
	u := user{a, name}
	var have []protocol.CredentialDescriptor
	for _, k := range a.Passkeys {
		have = append(have, protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: k.ID})
	}
	o, _, err := p.rp.BeginRegistration(u, webauthn.WithExclusions(have), func(o *protocol.PublicKeyCredentialCreationOptions) error {
		o.Challenge = challenge
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o.Response, nil
}

// register adds a passkey to an account, as the browser has it (RegistrationResponseJSON), for a challenge of that purpose.
func (p *People) register(ctx context.Context, tx *store.Tx, client, purpose, subject, name string, answer []byte) error {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignIn, told(err))
	}
	challenge := parsed.Response.CollectedClientData.Challenge
	if err := p.answered(ctx, tx, purpose, subject, challenge); err != nil {
		return err
	}
	return tx.ChangeAccount(ctx, client, func(a *store.Account) error {
		if len(a.Passkeys) >= maxPasskeys {
			return fmt.Errorf("%w: a person has %d passkeys at most: remove one first", authn.ErrState, maxPasskeys)
		}
		u := user{Account: *a}
		key, err := p.rp.CreateCredential(u, asked(challenge, u.WebAuthnID()), parsed)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSignIn, told(err))
		}
		if slices.ContainsFunc(a.Passkeys, func(k store.Passkey) bool { return bytes.Equal(k.ID, key.ID) }) {
			return fmt.Errorf("%w: you have that passkey already", authn.ErrState)
		}
		k := store.Passkey{ID: key.ID, Name: name, PublicKey: key.PublicKey, Model: key.Authenticator.AAGUID, Count: key.Authenticator.SignCount, Synced: key.Flags.BackupEligible, Created: p.now()}
		for _, t := range key.Transport {
			k.Transports = append(k.Transports, string(t))
		}
		a.Passkeys = append(a.Passkeys, k)
		return nil
	})
}
