package main

import (
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/assay-por/assay/chains/egress"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/store"
)

// OAuthConfig says how apps are let in by tokens. Without an origin none are.
type OAuthConfig struct {
	Origin  string         `toml:"origin"`
	Login   LoginConfig    `toml:"login"`
	Issuers []IssuerConfig `toml:"issuers"`
}

// LoginConfig says where customers sign in.
type LoginConfig struct {
	Issuer string `toml:"issuer"`
	Client string `toml:"client"`
	Secret string `toml:"secret"`
	Claim  string `toml:"claim"`
}

// IssuerConfig is an identity provider of the exchange.
type IssuerConfig struct {
	URL        string       `toml:"url"`
	Audience   string       `toml:"audience"`
	Algorithms []string     `toml:"algorithms"`
	Customer   string       `toml:"customer"`
	RequireCnf bool         `toml:"require_cnf"`
	Hosts      []string     `toml:"hosts"`
	Addresses  []string     `toml:"addresses"`
	CA         string       `toml:"ca"`
	Rules      []RuleConfig `toml:"rules"`
}

// RuleConfig gives a role to whoever's token has a value in a claim.
type RuleConfig struct {
	Claim string `toml:"claim"`
	Value string `toml:"value"`
	Role  string `toml:"role"`
}

// checkOAuth refuses apps where there is nothing that they could be let in with.
func (s ServerConfig) checkOAuth() error {
	o := s.OAuth
	if o.Origin == "" {
		if len(o.Issuers) > 0 || o.Login != (LoginConfig{}) {
			return errors.New("server.oauth: origin is missing: without it no app is let in")
		}
		return nil
	}
	if s.Key == "" || s.Database == "" && s.Proofs == "" {
		return errors.New("server.oauth: it goes with server.database or proofs, whose database keeps apps, and server.key, which signs what they are answered")
	}
	if err := oauth.CheckOrigin(o.Origin); err != nil {
		return fmt.Errorf("server.oauth.origin: %w", err)
	}
	found := o.Login == LoginConfig{}
	for i, one := range o.Issuers {
		if err := one.issuer(o.Origin, nil).Check(); err != nil {
			return fmt.Errorf("server.oauth.issuers #%d: %w", i+1, err)
		}
		if _, err := authn.ParseNetworks(one.Addresses); err != nil {
			return fmt.Errorf("server.oauth.issuers #%d: addresses: %w", i+1, err)
		}
		found = found || one.URL == o.Login.Issuer
	}
	if !found || o.Login != (LoginConfig{}) && o.Login.Client == "" {
		return errors.New("server.oauth.login: it has the url of one of the issuers, and what this server is called there (client)")
	}
	return nil
}

func (c IssuerConfig) issuer(origin string, way *http.Client) *oauth.Issuer {
	i := &oauth.Issuer{URL: c.URL, Audience: cmp.Or(c.Audience, origin), Algorithms: c.Algorithms, Customer: c.Customer, Bound: c.RequireCnf, HTTP: way}
	for _, r := range c.Rules {
		i.Rules = append(i.Rules, oauth.Rule{Claim: r.Claim, Value: r.Value, Role: authz.Role(r.Role)})
	}
	return i
}

// issuerLimits are of what an identity provider answers.
var issuerLimits = egress.Limits{Bytes: 1 << 20, Timeout: 10 * time.Second, Public: true}

// way is the way to an identity provider, and to nobody else.
func (c *Config) way(i IssuerConfig) (*http.Client, error) {
	limits := issuerLimits
	var err error
	if limits.Private, err = authn.ParseNetworks(i.Addresses); err != nil {
		return nil, err
	}
	if i.CA != "" {
		raw, err := os.ReadFile(c.resolve(i.CA))
		if err != nil {
			return nil, err
		}
		if limits.Roots = x509.NewCertPool(); !limits.Roots.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("%s: there is no certificate in it", i.CA)
		}
	}
	places := hosts{}
	for _, at := range append([]string{i.URL}, i.Hosts...) {
		place, err := egress.New(at, limits)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(place.URL)
		if err != nil {
			return nil, err
		}
		places[u.Host] = place.HTTP.Transport
	}
	return &http.Client{Transport: places, Timeout: issuerLimits.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return egress.ErrRedirect }}, nil
}

// hosts are the ways to some hosts, by their names.
type hosts map[string]http.RoundTripper

// RoundTrip implements [http.RoundTripper].
func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	if way := h[r.URL.Host]; way != nil {
		return way.RoundTrip(r)
	}
	return nil, egress.ErrPlace
}

// oauth lets in apps, of which the records are; nil if none are.
func (c *Config) oauth(records *store.Store, pepper [authn.PepperSize]byte, denials *audit.Denials, logger *slog.Logger) (*oauth.Server, error) {
	own := c.Server.OAuth
	if own.Origin == "" {
		return nil, nil
	}
	config := oauth.Config{
		Store: records, Pepper: pepper, Random: rand.Reader, Now: time.Now, Denials: denials, Exchange: c.Exchange.Name, Origin: own.Origin,
		Fault: func(err error) { logger.Error("an app, or a customer of one, could not be answered", "error", err) },
	}
	for i, one := range own.Issuers {
		way, err := c.way(one)
		if err != nil {
			return nil, fmt.Errorf("server.oauth.issuers #%d: %w", i+1, err)
		}
		issuer := one.issuer(own.Origin, way)
		if len(issuer.Rules) > 0 {
			config.Issuers = append(config.Issuers, issuer)
		}
		if one.URL != own.Login.Issuer {
			continue
		}
		config.Login = &oauth.Login{Issuer: issuer, Client: own.Login.Client, Claim: own.Login.Claim}
		if config.Login.Secret, err = c.loginSecret(); err != nil {
			return nil, fmt.Errorf("server.oauth.login.secret: %w", err)
		}
	}
	return oauth.New(config)
}

// loginSecret is what this server shows at the identity provider; empty if that asks for none.
func (c *Config) loginSecret() (hidden.Secret, error) {
	if c.Server.OAuth.Login.Secret == "" {
		return hidden.Secret{}, nil
	}
	path := c.resolve(c.Server.OAuth.Login.Secret)
	info, err := os.Stat(path)
	if err != nil {
		return hidden.Secret{}, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return hidden.Secret{}, fmt.Errorf("%s: mode %v, want a file that nobody else can read: chmod 600", path, info.Mode())
	}
	raw, err := os.ReadFile(path)
	return hidden.NewSecret(strings.TrimSpace(string(raw))), err
}
