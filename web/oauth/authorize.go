package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
)

// loginCookie is what a customer's browser has from the moment at which it brought a request until that is decided. Lax: it comes back from the identity provider.
const loginCookie = "__Host-assay-consent"

func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(life.Seconds())}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// cookie is what the browser has of a name; empty: nothing, or several.
func cookie(r *http.Request, name string) string {
	if all := r.CookiesNamed(name); len(all) == 1 {
		return all[0].Value
	}
	return ""
}

var isID = regexp.MustCompile(`^[a-z2-7]{16}$`)

// authorize takes a request that was pushed, and sends the customer's browser to where they sign in.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	q, err := queryOf(r)
	if err != nil || q.Get("client_id") == "" || q.Get("request_uri") == "" {
		s.sorry(w, r, "", fosite.ErrInvalidRequest.WithHint("An app sends you here with client_id and request_uri, and this one did not."))
		return
	}
	if !isID.MatchString(q.Get("client_id")) { // it is not put on record: it may be anything
		s.sorry(w, r, "", fosite.ErrInvalidClient.WithHint("That app is not let in here."))
		return
	}
	if _, err := s.wantedOf(s.Store.Pushed(ctx, s.mac("pushed", q.Get("request_uri")))); err != nil { // nobody is asked for a stranger's sake
		s.sorry(w, r, q.Get("client_id"), err)
		return
	}
	provider, err := s.Login.provider(ctx, s.Now())
	if err != nil {
		s.sorry(w, r, q.Get("client_id"), err)
		return
	}
	var name string
	var begun wanted
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		d := &doing{tx: tx}
		if _, err := s.core.NewAuthorizeRequest(with(ctx, d), r); err != nil {
			return err
		}
		begun = d.wanted
		name, begun.Nonce, begun.Verifier, err = s.draws()
		return errors.Join(err, s.keep(ctx, tx, name, s.now().Add(loginLife), begun))
	})
	if err != nil {
		s.sorry(w, r, q.Get("client_id"), err)
		return
	}
	setCookie(w, loginCookie, name, loginLife)
	goTo(w, provider.ask(s.mac("state", name), begun.Nonce, begun.Verifier, s.Origin+PathCallback))
}

// queryOf are the parameters of a URL, each of which stands once.
func queryOf(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	for name, values := range q {
		if len(values) != 1 {
			return nil, fmt.Errorf("%q stands twice", name)
		}
	}
	return q, nil
}

func (s *Server) draws() (one, two, three string, err error) {
	if one, err = s.draw(tokenSize); err != nil {
		return
	}
	if two, err = s.draw(tokenSize); err != nil {
		return
	}
	three, err = s.draw(tokenSize)
	return
}

func goTo(w http.ResponseWriter, address string) {
	h := w.Header()
	h.Set("Location", address)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// callback is where the identity provider sends the browser back to.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) {
	ctx, name := r.Context(), cookie(r, loginCookie)
	q, err := queryOf(r)
	elsewhere := q.Has("iss") && q.Get("iss") != s.Login.Issuer.URL
	if visit := cookie(r, visitCookie); err == nil && !elsewhere && visit != "" && q.Get("state") == s.mac("visit state", visit) {
		s.visited(w, r, q, visit)
		return
	}
	if err != nil || elsewhere || name == "" || q.Get("state") != s.mac("state", name) {
		s.sorry(w, r, "", fosite.ErrInvalidRequest.WithHint("This browser did not begin to sign in, or did so long ago."))
		return
	}
	begun, err := s.wantedOf(s.Store.Pushed(ctx, s.mac("pushed", name)))
	if err == nil && begun.Customer != "" {
		err = errGone
	}
	if err != nil {
		s.sorry(w, r, "", err)
		return
	}
	if q.Has("error") {
		s.finish(w, r, name, false)
		return
	}
	customer, err := s.Login.customer(ctx, q.Get("code"), begun.Nonce, begun.Verifier, s.Origin+PathCallback, s.Now)
	if err != nil {
		s.sorry(w, r, begun.App, err)
		return
	}
	next, err := s.draw(tokenSize)
	if err == nil {
		err = s.Store.Write(ctx, func(tx *store.Tx) error {
			w, err := s.taken(ctx, tx, name)
			if err != nil {
				return err
			}
			w.Customer = customer
			return s.keep(ctx, tx, next, s.now().Add(loginLife), w)
		})
	}
	if err != nil {
		s.sorry(w, r, begun.App, err)
		return
	}
	setCookie(w, loginCookie, next, loginLife)
	goTo(w, PathConsent)
}

// decide takes the customer's answer.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	name := cookie(r, loginCookie)
	sent, err := form(w, r)
	if err == nil && (http.NewCrossOriginProtection().Check(r) != nil || name == "" || sent.Get("for") != s.mac("consent", name)) {
		err = fosite.ErrInvalidRequest.WithHint("The answer is to no question that was asked here.")
	}
	allows := sent.Get("answer") == "allow"
	if err == nil && !allows && sent.Get("answer") != "refuse" {
		err = fosite.ErrInvalidRequest.WithHint("The answer is to allow, or to refuse.")
	}
	if err != nil {
		s.sorry(w, r, "", err)
		return
	}
	s.finish(w, r, name, allows)
}

// finish sends the browser back to the app, with a code if the customer allows it.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, name string, allows bool) {
	ctx := r.Context()
	var back *url.URL
	var app string
	params := url.Values{}
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		wanted, err := s.taken(ctx, tx, name)
		if err != nil {
			return err
		}
		asked, err := s.asked(ctx, tx, wanted)
		if err != nil {
			return err
		}
		back, app = asked.RedirectURI, wanted.App
		params.Set("state", wanted.State)
		if !allows {
			params.Set("error", fosite.ErrAccessDenied.ErrorField)
			params.Set("error_description", "The customer did not allow it.")
			return audit.Record(acting(ctx, app, ""), tx, audit.Act{At: s.now(), Action: "grant.create", Object: app, Outcome: audit.Denied, Reason: "the customer did not allow it, or did not sign in"})
		}
		if wanted.Customer == "" {
			return errGone
		}
		code, err := s.grants(ctx, tx, asked, wanted)
		params.Set("code", code)
		return err
	})
	if err != nil {
		s.sorry(w, r, app, err)
		return
	}
	setCookie(w, loginCookie, "", 0)
	params.Set("iss", s.Origin) // RFC 9207
	q := back.Query()
	for key := range params {
		q.Set(key, params.Get(key))
	}
	back.RawQuery = q.Encode()
	goTo(w, back.String())
}

// grants makes the grant, and its code.
func (s *Server) grants(ctx context.Context, tx *store.Tx, asked *fosite.AuthorizeRequest, w wanted) (string, error) {
	id, err := s.draw(idSize)
	if err != nil {
		return "", err
	}
	asked.SetID(id)
	for _, scope := range w.Scopes {
		asked.GrantScope(scope)
	}
	of := &session{Customer: w.Customer, Cnf: cnf{Key: w.Key}}
	asked.SetSession(of)
	raw, err := encode(asked)
	if err != nil {
		return "", err
	}
	g := store.Grant{ID: id, App: w.App, Subject: s.subject(w.Customer), Content: raw, Created: s.now(), Until: s.now().Add(codeLife)}
	if err := errors.Join(tx.TidyGrants(ctx, s.now()), tx.AddGrant(ctx, g)); err != nil {
		return "", err
	}
	response, err := s.core.NewAuthorizeResponse(with(ctx, &doing{tx: tx, grant: id}), asked, of)
	if err != nil {
		return "", err
	}
	return response.GetCode(), s.record(acting(ctx, w.App, id), tx, "grant.create", id, "the customer allowed it")
}
