package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/ory/fosite"
	"golang.org/x/oauth2"

	"github.com/assay-por/assay/web/hidden"
)

// Login is where the exchange's customers sign in (OpenID Connect), as this server is known there.
type Login struct {
	Issuer *Issuer
	Client string
	Secret hidden.Secret
	Claim  string // of the ID token, that has the customer's id as the ledger has it; empty: sub
}

// signIn is the way there.
type signIn struct{ oauth2.Config }

func (l *Login) provider(ctx context.Context, now time.Time) (signIn, error) {
	p, _, err := l.Issuer.provider(ctx, now)
	if err != nil {
		return signIn{}, err
	}
	return signIn{oauth2.Config{ClientID: l.Client, ClientSecret: l.Secret.Reveal(), Endpoint: p.Endpoint(), Scopes: []string{oidc.ScopeOpenID}}}, nil
}

// ask is where the browser is sent to.
func (p signIn) ask(state, nonce, verifier, back string) string {
	p.RedirectURL = back
	return p.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
}

// customer changes a code of the identity provider for who has signed in.
func (l *Login) customer(ctx context.Context, code, nonce, verifier, back string, now func() time.Time) (string, error) {
	p, err := l.provider(ctx, now())
	if err != nil {
		return "", err
	}
	p.RedirectURL = back
	got, err := p.Exchange(oidc.ClientContext(ctx, l.Issuer.HTTP), code, oauth2.VerifierOption(verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) { // what it says may quote the code
		return "", fosite.ErrAccessDenied.WithHint("You were not signed in.").WithDebug("the identity provider refused the code: " + refused.ErrorCode)
	}
	if err != nil {
		return "", fmt.Errorf("the identity provider %s did not change the code", l.Issuer.URL)
	}
	raw, _ := got.Extra("id_token").(string)
	id, err := oidc.NewVerifier(l.Issuer.URL, keysAt{l.Issuer, now}, &oidc.Config{ClientID: l.Client, SupportedSigningAlgs: l.Issuer.Algorithms, Now: now}).Verify(ctx, raw)
	if err == nil && len(id.Audience) != 1 {
		err = errors.New("it is for others too")
	}
	if err == nil && id.Nonce != nonce {
		err = errors.New("it is of another sign-in")
	}
	if err != nil {
		return "", fosite.ErrAccessDenied.WithHint("You were not signed in.").WithDebug("the ID token: " + err.Error())
	}
	var all claims
	if err := id.Claims(&all); err != nil {
		return "", err
	}
	name := l.Claim
	if name == "" {
		name = "sub"
	}
	customer := all.text(name)
	if customer == "" || len(customer) > maxCustomer {
		return "", fosite.ErrAccessDenied.WithHint("You were signed in, and are no customer of this exchange.").WithDebug("the ID token has no claim " + name)
	}
	return customer, nil
}

// maxCustomer is how long a customer's id may be, in bytes (SPEC part 5).
const maxCustomer = 256
