package oauth

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/par"
	"github.com/ory/fosite/handler/pkce"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// How long things are good.
const (
	pushedLife  = 90 * time.Second // a request that was pushed
	loginLife   = 10 * time.Minute // from then on, until the customer has decided
	codeLife    = 60 * time.Second
	accessLife  = 300 * time.Second
	refreshIdle = 14 * 24 * time.Hour
	grantLife   = 90 * 24 * time.Hour // however much it is used
	grace       = 10 * time.Second    // after a rotation, for who did not get the answer
	together    = time.Second         // requests that come within it are at once: one of them gets the answer, and none is a thief's for that
)

// Paths of what is answered here.
const (
	PathPAR        = "/oauth/par"
	PathAuthorize  = "/oauth/authorize"
	PathCallback   = "/oauth/callback"
	PathConsent    = "/oauth/consent"
	PathGrants     = "/oauth/grants"
	PathVisit      = "/oauth/grants/sign-in"
	PathStyle      = "/oauth/style.css"
	PathToken      = "/oauth/token" //nolint:gosec // a path, and no token
	PathIntrospect = "/oauth/introspect"
	PathRevoke     = "/oauth/revoke"
	PathMetadata   = "/.well-known/oauth-authorization-server"
)

// Config says what apps are let in with.
type Config struct {
	Store   *store.Store
	Pepper  [authn.PepperSize]byte
	Random  io.Reader
	Now     func() time.Time
	Denials *audit.Denials // where those are kept who were not let in
	Fault   func(error)    // is told what is wrong with the server, or its way to an identity provider

	Exchange string    // what customers are told whose server it is
	Origin   string    // under which apps know this server, such as https://assay.example: its issuer, and where requests' proofs are for
	Login    *Login    // where customers sign in; nil: they do not, and apps ask for themselves alone
	Issuers  []*Issuer // whose tokens are taken besides
}

// Server is the authorization server. It is a way of an [authn.Gate].
type Server struct {
	Config
	core   *fosite.Fosite
	once   *once
	shared authn.Once // in place of that, where servers share what they remember
}

// New returns one that goes by the configuration.
func New(c Config) (*Server, error) {
	if c.Store == nil || c.Random == nil || c.Now == nil || c.Denials == nil || c.Fault == nil {
		return nil, errors.New("oauth: a store, randomness, a clock, the record of denials and who is told of faults are needed")
	}
	if err := CheckOrigin(c.Origin); err != nil {
		return nil, err
	}
	s := &Server{Config: c, once: newOnce(c.Now())}
	if c.Store.Shared() {
		s.Share(authn.InDatabase(c.Store, c.Now))
	}
	settings := &fosite.Config{
		AccessTokenLifespan: accessLife, RefreshTokenLifespan: refreshIdle, AuthorizeCodeLifespan: codeLife, PushedAuthorizeContextLifespan: pushedLife,
		EnforcePKCE: true, IsPushedAuthorizeEnforced: true, OmitRedirectScopeParam: true,
		RefreshTokenScopes: []string{}, ScopeStrategy: fosite.ExactScopeStrategy, RedirectSecureChecker: fosite.IsRedirectURISecureStrict,
		TokenURL: c.Origin + PathToken, ClientAuthenticationStrategy: shown, SanitationWhiteList: []string{"redirect_uri"},
	}
	rows, own := storage{s}, tokens{s}
	code := &oauth2.AuthorizeExplicitGrantHandler{AccessTokenStrategy: own, RefreshTokenStrategy: own, AuthorizeCodeStrategy: own, CoreStorage: rows, TokenRevocationStorage: rows, Config: settings}
	verifier := &pkce.Handler{AuthorizeCodeStrategy: own, Storage: rows, Config: settings}
	settings.PushedAuthorizeEndpointHandlers = fosite.PushedAuthorizeEndpointHandlers{&par.PushedAuthorizeHandler{Storage: rows, Config: settings}}
	settings.AuthorizeEndpointHandlers = fosite.AuthorizeEndpointHandlers{code, verifier}
	settings.TokenEndpointHandlers = fosite.TokenEndpointHandlers{
		code, verifier,
		&oauth2.RefreshTokenGrantHandler{AccessTokenStrategy: own, RefreshTokenStrategy: own, TokenRevocationStorage: rows, Config: settings},
		&oauth2.ClientCredentialsGrantHandler{HandleHelper: &oauth2.HandleHelper{AccessTokenStrategy: own, AccessTokenStorage: rows, Config: settings}, Config: settings},
	}
	s.core = fosite.NewOAuth2Provider(rows, settings)
	return s, nil
}

// CheckOrigin says what is wrong with an origin.
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host || u.Scheme != "https" {
		return fmt.Errorf("%q is no origin such as https://assay.example: tokens go over TLS alone", origin)
	}
	return nil
}

// Handlers are what answers, by method and path.
func (s *Server) Handlers() map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{
		"POST " + PathToken: s.token, "POST " + PathIntrospect: s.introspect, "POST " + PathRevoke: s.revoke, "GET " + PathMetadata: s.metadata,
	}
	if s.Login != nil {
		all["POST "+PathPAR], all["GET "+PathAuthorize], all["GET "+PathCallback] = s.push, s.authorize, s.callback
		all["GET "+PathConsent], all["POST "+PathConsent], all["GET "+PathStyle] = s.ask, s.decide, style
		all["GET "+PathGrants], all["POST "+PathGrants], all["GET "+PathVisit] = s.allows, s.takesBack, s.visits
	}
	return all
}

// mac stands for a text, for one purpose, in the database.
func (s *Server) mac(purpose string, texts ...string) string {
	key, err := hkdf.Key(sha256.New, s.Pepper[:], nil, "assay/v1/oauth/"+purpose, sha256.Size)
	if err != nil { // it is neither too long nor too short
		panic(err)
	}
	h := hmac.New(sha256.New, key)
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text)) // so that none runs into the next
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// subject stands for a customer in the database.
func (s *Server) subject(customer string) string {
	if customer == "" {
		return ""
	}
	return s.mac("subject", customer)
}

var spelling = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const (
	idSize    = 10 // bytes
	tokenSize = 32
)

// draw is a text of so many random bytes.
func (s *Server) draw(bytes int) (string, error) {
	raw := make([]byte, bytes)
	_, err := io.ReadFull(s.Random, raw)
	return spelling.EncodeToString(raw), err
}

// now is of whole seconds.
func (s *Server) now() time.Time { return s.Now().UTC().Truncate(time.Second) }

// acting is a context in which an app acts, for a grant or before there is one.
func acting(ctx context.Context, app, grant string) context.Context {
	from, _ := audit.From(ctx)
	from.Client, from.Credential = app, grant
	return audit.With(ctx, from)
}

func (s *Server) record(ctx context.Context, tx *store.Tx, action, object, reason string) error {
	return audit.Record(ctx, tx, audit.Act{At: s.now(), Action: action, Object: object, Outcome: audit.Done, Reason: reason})
}
