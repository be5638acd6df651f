package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// How an app shows who it is.
const (
	ByKey         = "private_key_jwt"
	ByCertificate = "tls_client_auth"
	ByNothing     = "none"
)

// app is a client as fosite knows it.
type app struct {
	store.Client
	kept store.App
}

// The methods of [fosite.Client], and that of [fosite.ResponseModeClient].

func (a app) GetID() string             { return a.ID }
func (a app) GetHashedSecret() []byte   { return nil } // nobody has one
func (a app) GetRedirectURIs() []string { return a.kept.Redirects }
func (a app) GetResponseTypes() fosite.Arguments {
	return fosite.Arguments{"code"}
}

// GetScopes are those that it may ask for still.
func (a app) GetScopes() (all fosite.Arguments) {
	may := authz.Of(authn.RolesOf(a.Client)...)
	for _, scope := range a.kept.Scopes {
		if slices.Contains(may, authz.Permission(scope)) {
			all = append(all, scope)
		}
	}
	return all
}
func (a app) GetAudience() fosite.Arguments { return nil }
func (a app) IsPublic() bool                { return a.kept.Auth == ByNothing }
func (a app) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{fosite.ResponseModeQuery}
}

// GetGrantTypes are the ways to a token that it has: customers are asked where it can be answered, and for itself it asks if it shows who it is.
func (a app) GetGrantTypes() (all fosite.Arguments) {
	if len(a.kept.Redirects) > 0 {
		all = append(all, "authorization_code", "refresh_token")
	}
	if !a.IsPublic() {
		all = append(all, "client_credentials")
	}
	return all
}

// Wish says what an app is to be.
type Wish struct {
	authn.Enrolment
	Owner       string
	Redirects   []string
	Native      bool
	Auth        string
	Keys        []byte // JWK set of public keys
	Certificate string // DNS name
	Bearer      bool
}

// Register makes an app. The error is [authn.ErrWish].
func Register(ctx context.Context, tx *store.Tx, m authn.Maker, w Wish) (store.Client, store.App, error) {
	w.Kind = store.OfApp
	kept, err := w.kept()
	if err != nil {
		return store.Client{}, kept, fmt.Errorf("%w: %w", authn.ErrWish, err)
	}
	c, err := m.Enrol(ctx, tx, w.Enrolment)
	if err != nil {
		return c, kept, err
	}
	kept.Client = c.ID
	return c, kept, tx.PutApp(ctx, kept)
}

// Change makes an app another one: its grants go on, as far as it may what they are for still. The error is [authn.ErrWish] or [store.ErrUnknown].
func Change(ctx context.Context, tx *store.Tx, m authn.Maker, id string, w Wish) (store.Client, store.App, error) {
	w.Kind = store.OfApp
	kept, err := w.kept()
	if err != nil {
		return store.Client{}, kept, fmt.Errorf("%w: %w", authn.ErrWish, err)
	}
	if _, err := tx.App(ctx, id); err != nil {
		return store.Client{}, kept, err
	}
	c, err := m.ChangeClient(ctx, tx, id, w.Enrolment)
	if err != nil {
		return c, kept, err
	}
	kept.Client = id
	return c, kept, tx.PutApp(ctx, kept)
}

var isDNS = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// kept is a wish as it is kept, if it can be.
func (w Wish) kept() (store.App, error) {
	a := store.App{Owner: w.Owner, Redirects: w.Redirects, Native: w.Native, Auth: w.Auth, Certificate: w.Certificate, Bearer: w.Bearer, Scopes: scopesOf(w.Roles)}
	if err := authn.CheckName("owner", w.Owner, 128); err != nil {
		return a, err
	}
	switch {
	case slices.ContainsFunc(w.Roles, func(r authz.Role) bool { return authz.Writes(authz.Of(r)...) }):
		return a, errors.New("an app reads: its roles may change nothing")
	case w.Auth == ByNothing && (w.Bearer || !slices.Equal(w.Roles, []authz.Role{authz.Delegate}) || len(w.Redirects) == 0):
		return a, fmt.Errorf("an app that shows nothing has the role %s alone, somewhere to be answered, and tokens that are bound to a key", authz.Delegate)
	case w.Auth != ByNothing && w.Auth != ByKey && w.Auth != ByCertificate:
		return a, fmt.Errorf("%q is no way for an app to show who it is, which are %s, %s and %s", w.Auth, ByKey, ByCertificate, ByNothing)
	case (w.Auth == ByCertificate) != (w.Certificate != "") || w.Certificate != "" && !isDNS.MatchString(w.Certificate):
		return a, errors.New("an app that shows a certificate, and no other, has a DNS name in it, in lower case")
	case (w.Auth == ByKey) != (w.Keys != nil):
		return a, errors.New("an app that signs assertions, and no other, has public keys")
	}
	for _, uri := range w.Redirects {
		if err := checkRedirect(uri, w.Native); err != nil {
			return a, err
		}
	}
	if w.Keys == nil {
		return a, nil
	}
	keys, err := readKeys(w.Keys)
	if err != nil {
		return a, err
	}
	raw, err := json.Marshal(keys)
	a.Keys = string(raw)
	return a, err
}

func scopesOf(roles []authz.Role) (all []string) {
	for _, p := range authz.Of(roles...) {
		all = append(all, string(p))
	}
	return all
}

// checkRedirect takes what comes over TLS, and of an app on the customer's own device what stays on that.
func checkRedirect(uri string, native bool) error {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(uri, "#") || u.String() != uri || len(uri) > 512 {
		return fmt.Errorf("%q is no address to be answered at, such as https://app.example/back", uri)
	}
	loopback := u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback()
	if u.Scheme != "https" && !(native && loopback) {
		return fmt.Errorf("%s: an app is answered over TLS; one on the customer's own device (native) may be at http://127.0.0.1 or http://[::1]", uri)
	}
	return nil
}

// maxKeySet is how large a set of keys may be, in bytes.
const maxKeySet = 64 << 10

// readKeys reads a JWK set of public keys that assertions can be signed with.
func readKeys(raw []byte) (set jose.JSONWebKeySet, err error) {
	if len(raw) > maxKeySet {
		return set, fmt.Errorf("a set of keys of %d bytes, want no more than %d", len(raw), maxKeySet)
	}
	if err := json.Unmarshal(raw, &set); err != nil || len(set.Keys) == 0 {
		return set, errors.New("the keys are no JWK set")
	}
	for _, k := range set.Keys {
		if !k.Valid() || !k.IsPublic() {
			return set, errors.New("a key of the set is none that is public: a secret key stays where it was made")
		}
	}
	return set, nil
}

// app is the one of an id, if it is let in.
func (s *Server) app(ctx context.Context, in apps, id string) (app, error) {
	kept, err := in.App(ctx, id)
	if err != nil {
		return app{}, err
	}
	c, err := in.Client(ctx, id)
	if err != nil {
		return app{}, err
	}
	if state := authn.ClientState(c, s.now()); state != authn.Good {
		return app{}, fmt.Errorf("%w: the app %s is %s", store.ErrUnknown, id, state)
	}
	return app{c, kept}, nil
}

// apps are where apps are looked up: a [store.Store], or a [store.Tx].
type apps interface {
	App(ctx context.Context, client string) (store.App, error)
	Client(ctx context.Context, id string) (store.Client, error)
}
