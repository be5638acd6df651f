package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/assay-por/assay/web/authz"
)

// How long an identity provider's keys are good without being asked for again, if it answers and if it does not; and how often it is asked
// for the sake of a key that is not known.
const (
	keysGood  = 10 * time.Minute
	keysStale = time.Hour
	keysAgain = 30 * time.Second
	awayAgain = 10 * time.Second // and, where it did not say what it is, before it is asked for that again
)

// Issuer is the exchange's identity provider. Its fields are not changed once it is in use.
type Issuer struct {
	URL        string   // exactly as its tokens have it
	Audience   string   // that its tokens for this server have
	Algorithms []string // ES256, PS256, EdDSA, RS256
	Rules      []Rule   // who has which role
	Customer   string   // the claim that has a customer's id, of whoever has the role delegate; empty: sub
	Bound      bool     // tokens must be bound to a key or a certificate
	HTTP       *http.Client

	mu       sync.Mutex
	known    *oidc.Provider
	away     time.Time // when it did not say what it is
	whyAway  error
	keysURL  string
	keys     []jose.JSONWebKey
	read     time.Time // when they were
	tried    time.Time // when they were asked for last
	fault    error     // of that
	fetching chan struct{}
}

// Rule gives a role to whoever's token has a value in a claim: the claim is that text, or has it among its words or members.
type Rule struct {
	Claim, Value string
	Role         authz.Role
}

// Check says what is wrong with an issuer.
func (i *Issuer) Check() error {
	u, err := url.Parse(i.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%q is no issuer such as https://id.example", i.URL)
	}
	if len(i.Algorithms) == 0 {
		return errors.New("an issuer's tokens are signed by some algorithm: ES256, PS256, EdDSA, or RS256 if it must be")
	}
	for _, name := range i.Algorithms {
		if !slices.Contains([]string{"ES256", "PS256", "EdDSA", "RS256"}, name) {
			return fmt.Errorf("%q is no algorithm that tokens are taken with, which are ES256, PS256, EdDSA and RS256", name)
		}
	}
	for _, r := range i.Rules {
		if r.Claim == "" || r.Value == "" {
			return errors.New("a rule says which claim, with which value, gives which role")
		}
		if _, err := authz.ParseRoles([]string{string(r.Role)}); err != nil {
			return err
		}
		if authz.Writes(authz.Of(r.Role)...) || slices.Contains(authz.Of(r.Role), authz.ProofReadAny) {
			return fmt.Errorf("the role %s is given by no token of an identity provider: who changes something signs in here", r.Role)
		}
	}
	return nil
}

func (i *Issuer) algorithms() (all []jose.SignatureAlgorithm) {
	for _, name := range i.Algorithms {
		all = append(all, jose.SignatureAlgorithm(name))
	}
	return all
}

// provider is what the issuer says of itself, which must be itself. While it is away it is asked seldom, however many strangers come.
func (i *Issuer) provider(ctx context.Context, now time.Time) (*oidc.Provider, string, error) {
	i.mu.Lock()
	known, keys, away, why := i.known, i.keysURL, i.away, i.whyAway
	i.mu.Unlock()
	if known != nil {
		return known, keys, nil
	}
	if why != nil && now.Sub(away) < awayAgain {
		return nil, "", why
	}
	known, err := oidc.NewProvider(oidc.ClientContext(ctx, i.HTTP), i.URL)
	if err != nil {
		err = fmt.Errorf("the identity provider %s: %w", i.URL, err)
		if ctx.Err() == nil { // it was not who asks that gave up
			i.mu.Lock()
			defer i.mu.Unlock()
			i.away, i.whyAway = now, err
		}
		return nil, "", err
	}
	var more struct {
		Keys string `json:"jwks_uri"`
	}
	if err := known.Claims(&more); err != nil {
		return nil, "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known, i.keysURL, i.whyAway = known, more.Keys, nil
	return known, more.Keys, nil
}

// keysFor are the issuer's keys, asked for again where they are old, or where none is of that id. While it is away the former ones are good for a while.
func (i *Issuer) keysFor(ctx context.Context, id string, now time.Time) ([]jose.JSONWebKey, error) {
	i.mu.Lock()
	has := slices.ContainsFunc(i.keys, func(k jose.JSONWebKey) bool { return k.KeyID == id })
	old := now.Sub(i.read) >= keysGood
	if (has && !old || now.Sub(i.tried) < keysAgain) && !i.tried.IsZero() {
		defer i.mu.Unlock()
		return i.usable(now)
	}
	if wait := i.fetching; wait != nil {
		i.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.usable(now)
	}
	i.tried, i.fetching = now, make(chan struct{})
	i.mu.Unlock()
	keys, err := i.fetch(ctx, now)
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.fetching)
	i.fetching, i.fault = nil, err
	if err == nil {
		i.keys, i.read = keys, now
	}
	return i.usable(now)
}

// usable are the keys, if they are not too old.
func (i *Issuer) usable(now time.Time) ([]jose.JSONWebKey, error) {
	if i.read.IsZero() || now.Sub(i.read) > keysStale {
		return nil, fmt.Errorf("the keys of the identity provider %s: %w", i.URL, errors.Join(errors.New("there are none, or they are older than an hour"), i.fault))
	}
	return i.keys, nil
}

func (i *Issuer) fetch(ctx context.Context, now time.Time) ([]jose.JSONWebKey, error) {
	_, at, err := i.provider(ctx, now)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	got, err := i.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(got.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	if got.StatusCode != http.StatusOK || len(raw) > maxKeySet {
		return nil, fmt.Errorf("its keys: status %d, %d bytes, want 200 and no more than %d", got.StatusCode, len(raw), maxKeySet)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(raw, &k) == nil && k.Valid() && k.IsPublic() && k.Use != "enc" { // it may have keys for what is not known here
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// VerifySignature implements [oidc.KeySet].
func (k keysAt) VerifySignature(ctx context.Context, text string) ([]byte, error) {
	signed, _, _, err := readJWT(text, k.algorithms())
	if err != nil {
		return nil, err
	}
	if err := k.verify(ctx, signed, k.now()); err != nil {
		return nil, err
	}
	return signed.UnsafePayloadWithoutVerification(), nil
}

// keysAt are the issuer's keys by a clock.
type keysAt struct {
	*Issuer
	now func() time.Time
}

func (i *Issuer) verify(ctx context.Context, signed *jose.JSONWebSignature, now time.Time) error {
	keys, err := i.keysFor(ctx, signed.Signatures[0].Protected.KeyID, now)
	if err != nil {
		return err
	}
	return verify(signed, keys)
}
