package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/store"
)

// doing is a request that is being answered, in one change of the database.
type doing struct {
	tx     *store.Tx
	app    app
	cnf    cnf       // that the request shows
	came   time.Time // when it came, before it waited for others
	wanted wanted    // that was pushed
	grant  string    // id of the grant whose family it is of
	again  store.Token
	reused bool // an old token turned up: its family is ended
}

type doingKey struct{}

func with(ctx context.Context, d *doing) context.Context {
	return context.WithValue(ctx, doingKey{}, d)
}

func doingOf(ctx context.Context) *doing {
	d, _ := ctx.Value(doingKey{}).(*doing)
	return d
}

// shown is who was found to be asking before fosite was asked anything: it knows neither Ed25519 nor certificates, and takes an assertion for used
// before it has looked whom that is for.
func shown(ctx context.Context, _ *http.Request, _ url.Values) (fosite.Client, error) {
	if d := doingOf(ctx); d != nil && d.app.ID != "" {
		return d.app, nil
	}
	return nil, fosite.ErrInvalidClient
}

// storage keeps what fosite's handlers ask to be kept.
type storage struct{ s *Server }

// GetClient implements [fosite.ClientManager].
func (st storage) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	a, err := st.s.app(ctx, doingOf(ctx).tx, id)
	if errors.Is(err, store.ErrUnknown) {
		return nil, fosite.ErrNotFound
	}
	return a, err
}

// ClientAssertionJWTValid implements [fosite.ClientManager]: assertions are not fosite's to look at.
func (storage) ClientAssertionJWTValid(context.Context, string) error { return fosite.ErrJTIKnown }

// SetClientAssertionJWT implements [fosite.ClientManager].
func (storage) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrJTIKnown
}

// CreatePARSession implements [fosite.PARStorage].
func (st storage) CreatePARSession(ctx context.Context, uri string, r fosite.AuthorizeRequester) error {
	d := doingOf(ctx)
	return st.s.keep(ctx, d.tx, uri, st.s.now().Add(pushedLife), wanted{
		App: r.GetClient().GetID(), Redirect: r.GetRedirectURI().String(), State: r.GetState(), Scopes: r.GetRequestedScopes(), Key: d.cnf.Key,
		Form: r.Sanitize([]string{"redirect_uri", "code_challenge", "code_challenge_method"}).GetRequestForm(),
	})
}

// GetPARSession implements [fosite.PARStorage]: a request is taken, and is no more.
func (st storage) GetPARSession(ctx context.Context, uri string) (fosite.AuthorizeRequester, error) {
	d := doingOf(ctx)
	w, err := st.s.taken(ctx, d.tx, uri)
	if err != nil {
		return nil, err
	}
	d.wanted = w
	return st.s.asked(ctx, d.tx, w)
}

// DeletePARSession implements [fosite.PARStorage]: it was deleted as it was read, so that nobody else reads it meanwhile.
func (storage) DeletePARSession(context.Context, string) error { return nil }

// add keeps a token of a request.
func (st storage) add(ctx context.Context, id, issued string, r fosite.Requester, until time.Time) error {
	raw, err := encode(r)
	if err != nil {
		return err
	}
	return doingOf(ctx).tx.AddToken(ctx, store.Token{ID: id, Grant: doingOf(ctx).grant, Content: raw, Until: until, Issued: issued})
}

// get is the row of a token that is good still, and its request.
func (st storage) get(ctx context.Context, id string) (store.Token, *fosite.Request, error) {
	d := doingOf(ctx)
	row, err := d.tx.Token(ctx, id)
	if errors.Is(err, store.ErrUnknown) || err == nil && !st.s.now().Before(row.Until) {
		return row, nil, fosite.ErrNotFound
	}
	if err != nil {
		return row, nil, err
	}
	r, err := decode(row.Content, row.Grant)
	if err == nil && r.Client.GetID() == d.app.ID {
		r.Client = d.app
	}
	return row, r, err
}

// until is how long something of the grant is good at most.
func (st storage) until(ctx context.Context, life time.Duration) (time.Time, error) {
	g, err := doingOf(ctx).tx.Grant(ctx, doingOf(ctx).grant)
	if err != nil {
		return time.Time{}, err
	}
	until := st.s.now().Add(life)
	if g.Until.Before(until) {
		until = g.Until
	}
	return until, nil
}

// CreateAuthorizeCodeSession implements oauth2.AuthorizeCodeStorage.
func (st storage) CreateAuthorizeCodeSession(ctx context.Context, id string, r fosite.Requester) error {
	return st.add(ctx, id, "", r, st.s.now().Add(codeLife))
}

// GetAuthorizeCodeSession implements oauth2.AuthorizeCodeStorage. Of a code that was used it returns the request too, so that all that came of it is ended.
func (st storage) GetAuthorizeCodeSession(ctx context.Context, id string, _ fosite.Session) (fosite.Requester, error) {
	row, r, err := st.get(ctx, id)
	if err != nil {
		return nil, err
	}
	doingOf(ctx).grant = row.Grant
	if !row.Used.IsZero() {
		doingOf(ctx).reused = true
		return r, fosite.ErrInvalidatedAuthorizeCode
	}
	return r, nil
}

// InvalidateAuthorizeCodeSession implements oauth2.AuthorizeCodeStorage.
func (st storage) InvalidateAuthorizeCodeSession(ctx context.Context, id string) error {
	return doingOf(ctx).tx.UseToken(ctx, id, st.s.now())
}

// pkceOf is where the challenge of a code is kept.
func (st storage) pkceOf(code string) string { return st.s.mac("challenge", code) }

// CreatePKCERequestSession implements pkce.PKCERequestStorage.
func (st storage) CreatePKCERequestSession(ctx context.Context, code string, r fosite.Requester) error {
	return st.add(ctx, st.pkceOf(code), "", r, st.s.now().Add(codeLife))
}

// GetPKCERequestSession implements pkce.PKCERequestStorage.
func (st storage) GetPKCERequestSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	_, r, err := st.get(ctx, st.pkceOf(code))
	if err != nil {
		return nil, err
	}
	return r, nil
}

// DeletePKCERequestSession implements pkce.PKCERequestStorage. One who guesses has one guess.
func (st storage) DeletePKCERequestSession(ctx context.Context, code string) error {
	return doingOf(ctx).tx.DropToken(ctx, st.pkceOf(code))
}

// CreateAccessTokenSession implements oauth2.AccessTokenStorage.
func (st storage) CreateAccessTokenSession(ctx context.Context, id string, r fosite.Requester) error {
	until, err := st.until(ctx, accessLife)
	if err != nil {
		return err
	}
	return st.add(ctx, id, "", r, until)
}

// GetAccessTokenSession implements oauth2.AccessTokenStorage.
func (st storage) GetAccessTokenSession(ctx context.Context, id string, _ fosite.Session) (fosite.Requester, error) {
	row, r, err := st.get(ctx, id)
	if err != nil {
		return nil, err
	}
	doingOf(ctx).grant = row.Grant
	return r, nil
}

// DeleteAccessTokenSession implements oauth2.AccessTokenStorage.
func (st storage) DeleteAccessTokenSession(ctx context.Context, id string) error {
	return doingOf(ctx).tx.DropToken(ctx, id)
}

// CreateRefreshTokenSession implements oauth2.RefreshTokenStorage: it is good for a while from now on, and never longer than its grant.
func (st storage) CreateRefreshTokenSession(ctx context.Context, id, access string, r fosite.Requester) error {
	until, err := st.until(ctx, refreshIdle)
	if err != nil {
		return err
	}
	if err := st.add(ctx, id, access, r, until); err != nil {
		return err
	}
	if before := doingOf(ctx).again; before.ID != "" {
		return doingOf(ctx).tx.SucceedToken(ctx, before.ID, before.Successor, id)
	}
	return nil
}

// GetRefreshTokenSession implements oauth2.RefreshTokenStorage. One that was used is taken again from whoever did not get the answer: they have the
// same key, they come soon and not at once, and nobody has used what took its place. Of any other it returns the request too, so that its family is ended.
func (st storage) GetRefreshTokenSession(ctx context.Context, id string, _ fosite.Session) (fosite.Requester, error) {
	row, r, err := st.get(ctx, id)
	if err != nil {
		return nil, err
	}
	d := doingOf(ctx)
	d.grant = row.Grant
	if row.Used.IsZero() {
		return r, nil
	}
	bound := r.Session.(*session).Cnf
	theirs := bound != cnf{} && bound == d.cnf && r.Client.GetID() == d.app.ID
	switch after := d.came.Sub(row.Used); {
	case theirs && after < together:
		return nil, fmt.Errorf("%w: another request was there before", fosite.ErrNotFound)
	case theirs && after <= grace:
		next, err := d.tx.Token(ctx, row.Successor)
		if err == nil && next.Used.IsZero() {
			return r, nil
		}
		if err != nil && !errors.Is(err, store.ErrUnknown) {
			return nil, err
		}
	}
	d.reused = true
	return r, fosite.ErrInactiveToken
}

// RotateRefreshToken implements oauth2.RefreshTokenStorage: the token is used from now on, or, if it was, what took its place is dropped.
func (st storage) RotateRefreshToken(ctx context.Context, _, id string) error {
	d := doingOf(ctx)
	row, err := d.tx.Token(ctx, id)
	if err != nil {
		return err
	}
	d.again = row
	if row.Used.IsZero() {
		return d.tx.UseToken(ctx, id, st.s.now())
	}
	next, err := d.tx.Token(ctx, row.Successor)
	if err != nil {
		return err
	}
	return errors.Join(d.tx.DropToken(ctx, next.Issued), d.tx.DropToken(ctx, next.ID))
}

// DeleteRefreshTokenSession implements oauth2.RefreshTokenStorage: with its family it goes.
func (storage) DeleteRefreshTokenSession(context.Context, string) error { return nil }

// RevokeRefreshToken implements oauth2.TokenRevocationStorage: nothing is left of a grant.
func (st storage) RevokeRefreshToken(ctx context.Context, grant string) error {
	err := doingOf(ctx).tx.EndGrant(ctx, grant)
	if errors.Is(err, store.ErrUnknown) {
		return nil
	}
	return err
}

// RevokeAccessToken implements oauth2.TokenRevocationStorage.
func (st storage) RevokeAccessToken(ctx context.Context, grant string) error {
	return st.RevokeRefreshToken(ctx, grant)
}
