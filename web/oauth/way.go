package oauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/store"
)

// Shows implements [authn.Way].
func (s *Server) Shows(r *http.Request) bool { return len(r.Header.Values("Authorization")) > 0 }

// Who implements [authn.Way]: it is whoever shows a token of this server, or of an issuer that it knows, and what that is bound to.
func (s *Server) Who(r *http.Request) (*authn.Principal, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	dpop := strings.EqualFold(scheme, "DPoP")
	if !dpop && !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t") {
		return nil, turned(true, errors.New("neither DPoP nor Bearer, and a token"))
	}
	if !strings.HasPrefix(token, beginsAccess) {
		return s.external(r, token, dpop)
	}
	ctx, now := r.Context(), s.now()
	row, err := s.Store.Token(ctx, s.tokenMAC(token))
	if errors.Is(err, store.ErrUnknown) {
		return nil, turned(dpop, errors.New("no such token, or its grant was revoked"))
	}
	if err != nil {
		return nil, err
	}
	if !now.Before(row.Until) {
		return nil, turned(dpop, fmt.Errorf("the token of grant %s is over", row.Grant))
	}
	of, err := decode(row.Content, row.Grant)
	if err != nil {
		return nil, err
	}
	a, err := s.app(ctx, s.Store, of.GetClient().GetID())
	if errors.Is(err, store.ErrUnknown) {
		return nil, turned(dpop, err)
	}
	if err != nil {
		return nil, err
	}
	bound := of.Session.(*session)
	if bound.Cnf == (cnf{}) && !a.kept.Bearer {
		return nil, turned(dpop, fmt.Errorf("the token of grant %s is bound to nothing, which its app may not have any more", row.Grant))
	}
	if err := s.holds(r, bound.Cnf, token, dpop); err != nil {
		return nil, turned(dpop || bound.Cnf.Key != "", fmt.Errorf("grant %s of app %s: %w", row.Grant, a.ID, err))
	}
	who := &authn.Principal{ID: row.Grant, Client: a.ID, Kind: store.OfApp, Tier: a.Tier, Roles: authn.RolesOf(a.Client), Scope: authz.Scopes{authz.Scope(a.Scope)}, Until: row.Until}
	for _, scope := range a.GetScopes() {
		if of.GetGrantedScopes().Has(scope) {
			who.Permissions = append(who.Permissions, authz.Permission(scope))
		}
	}
	if bound.Customer != "" {
		who.Subject = hidden.NewCustomer(bound.Customer)
	}
	return who, nil
}

// Still implements [authn.Way].
func (s *Server) Still(ctx context.Context, in authn.Records, who *authn.Principal, now time.Time) error {
	over := func(why string) error {
		return fmt.Errorf("%w: the token of %s: %s", authn.ErrOver, who.ID, why)
	}
	if !now.Before(who.Until) {
		return over("it is over")
	}
	if who.Kind == authn.External {
		return nil
	}
	if _, err := in.Grant(ctx, who.ID); errors.Is(err, store.ErrUnknown) {
		return over("its grant was revoked")
	} else if err != nil {
		return err
	}
	c, err := in.Client(ctx, who.Client)
	if err != nil {
		return err
	}
	if authn.ClientState(c, now) != authn.Good || !slices.Equal(authn.RolesOf(c), who.Roles) || !reflect.DeepEqual(authz.Scopes{authz.Scope(c.Scope)}, who.Scope) {
		return over("its app was changed meanwhile")
	}
	return nil
}

// turned says that a token lets nobody in: by which scheme, and of the proof whether that was it. What is the server's own fault stays that.
func turned(dpop bool, why error) error {
	if errors.Is(why, errUnsure) {
		return why
	}
	name := "invalid_token"
	if errors.Is(why, errBadProof) {
		name = "invalid_dpop_proof"
	}
	if dpop {
		return &authn.TokenError{Challenge: `DPoP error="` + name + `", algs="ES256 EdDSA"`, Reason: why.Error()}
	}
	return &authn.TokenError{Challenge: `Bearer error="` + name + `"`, Reason: why.Error()}
}

// skew is how far the clock of an issuer may be from ours, and longest how long its tokens may be good.
const (
	skew    = 60 * time.Second
	longest = time.Hour
)

// external is whoever shows a token of an issuer that is known (RFC 9068).
func (s *Server) external(r *http.Request, token string, dpop bool) (*authn.Principal, error) {
	no := func(format string, args ...any) (*authn.Principal, error) {
		return nil, turned(dpop, fmt.Errorf(format, args...))
	}
	var of *Issuer
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if body, err := objectOf(parts[1]); err == nil {
			at := slices.IndexFunc(s.Issuers, func(i *Issuer) bool { return i.URL == body.text("iss") })
			if at >= 0 {
				of = s.Issuers[at]
			}
		}
	}
	if of == nil {
		return no("a token of nobody who is known")
	}
	signed, header, body, err := readJWT(token, of.algorithms())
	if err != nil {
		return no("a token of %s: %w", of.URL, err)
	}
	now := s.Now()
	if typ := strings.ToLower(header.text("typ")); typ != "at+jwt" && typ != "application/at+jwt" {
		return no("a JWT of %s that is no access token", of.URL)
	}
	if _, there := header["jwk"]; there || signed.Signatures[0].Protected.KeyID == "" {
		return no("a token of %s with a key of its own, or none that it names", of.URL)
	}
	if err := of.verify(r.Context(), signed, now); err != nil {
		return no("a token of %s: %w", of.URL, err)
	}
	until, ends := body.at("exp")
	from, begins := body.at("iat")
	switch {
	case !slices.Contains(body.texts("aud"), of.Audience):
		return no("a token of %s for another server", of.URL)
	case !ends || !begins || !now.Before(until.Add(skew)) || from.After(now.Add(skew)) || until.Sub(from) > longest:
		return no("a token of %s for another time, or for more than an hour", of.URL)
	case body["nbf"] != nil && later(body, "nbf", now.Add(skew-slack)):
		return no("a token of %s that is not good yet", of.URL)
	case body.text("sub") == "":
		return no("a token of %s for nobody", of.URL)
	}
	bound := cnf{}
	if c, ok := body["cnf"].(map[string]any); ok {
		bound = cnf{claims(c).text("jkt"), claims(c).text("x5t#S256")}
	}
	if body["cnf"] != nil && bound == (cnf{}) || of.Bound && bound == (cnf{}) {
		return no("a token of %s that is bound to nothing that is known here", of.URL)
	}
	if bound == (cnf{}) && len(body.texts("aud")) > 1 {
		return no("a token of %s that is bound to nothing, and that another server could show here", of.URL)
	}
	if err := s.holds(r, bound, token, dpop); err != nil {
		return nil, turned(dpop || bound.Key != "", err)
	}
	who := of.principal(body)
	if len(who.Roles) == 0 {
		return no("a token of %s that no rule gives a role", of.URL)
	}
	who.Until = until.Add(skew)
	return who, nil
}

// principal is who the claims are of. They are one and the same by issuer and sub alone.
func (i *Issuer) principal(body claims) *authn.Principal {
	sum := sha256.Sum256([]byte(i.URL + "\n" + body.text("sub")))
	id := spelling.EncodeToString(sum[:idSize])
	who := &authn.Principal{ID: id, Client: id, Kind: authn.External, Tier: authn.Standard}
	for _, rule := range i.Rules {
		words := body.texts(rule.Claim)
		if rule.Claim == "scope" {
			words = strings.Fields(body.text("scope"))
		}
		if slices.Contains(words, rule.Value) && !slices.Contains(who.Roles, rule.Role) {
			who.Roles = append(who.Roles, rule.Role)
		}
	}
	who.Permissions = authz.Of(who.Roles...)
	claim := i.Customer
	if claim == "" {
		claim = "sub"
	}
	if customer := body.text(claim); slices.Contains(who.Roles, authz.Delegate) && customer != "" && len(customer) <= maxCustomer {
		who.Subject = hidden.NewCustomer(customer)
	}
	return who
}
