package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/store"
)

// visitCookie is what a customer's browser has from the moment at which it goes to sign in until the visit is over. Lax: it comes back from the
// identity provider. Before that nothing is kept here: state, nonce and verifier are MACs of it.
const visitCookie = "__Host-assay-grants"

// visitLife is how long somebody who signed in sees what they have allowed.
const visitLife = 10 * time.Minute

var errNoVisit = errors.New("nobody signed in, or they did so long ago")

// allowed is what a customer is shown.
type allowed struct {
	Exchange, For string
	Back          bool // something was taken back just now
	Grants        []allowedApp
}

type allowedApp struct {
	ID, App, Owner, Since, Until string
	Scopes                       []string
}

// visitor is who signed in, as the name of their visit says.
func (s *Server) visitor(p store.Pushed, err error) (*authn.Principal, error) {
	if errors.Is(err, store.ErrUnknown) || err == nil && !s.now().Before(p.Until) {
		return nil, errNoVisit
	}
	return &authn.Principal{Kind: authn.External, Subject: hidden.NewCustomer(string(p.Content))}, err
}

// allows shows a customer what they have allowed, and anybody else where they sign in.
func (s *Server) allows(w http.ResponseWriter, r *http.Request) {
	ctx, name := r.Context(), cookie(r, visitCookie)
	q, err := queryOf(r)
	if err != nil {
		s.sorry(w, r, "", fosite.ErrInvalidRequest.WithHint("That is no address of this page."))
		return
	}
	who, err := s.visitor(s.Store.Pushed(ctx, s.mac("visit", name)))
	if errors.Is(err, errNoVisit) {
		page(w, http.StatusOK, "visit.html", "", sentence{s.Exchange, ""})
		return
	}
	var all []Grant
	if err == nil {
		all, err = s.GrantsOf(ctx, who)
	}
	if err != nil {
		s.sorry(w, r, "", err)
		return
	}
	shown := allowed{Exchange: s.Exchange, For: s.mac("visit answer", name), Back: q.Has("back")}
	for _, g := range all {
		of := allowedApp{ID: g.ID, App: g.Name, Owner: g.Owner, Since: day(g.Created), Until: day(g.Until)}
		for _, scope := range g.Scopes {
			of.Scopes = append(of.Scopes, words[scope])
		}
		shown.Grants = append(shown.Grants, of)
	}
	page(w, http.StatusOK, "allowed.html", "", shown)
}

func day(at time.Time) string { return at.Format("2 January 2006") }

// visits sends a customer's browser to where they sign in.
func (s *Server) visits(w http.ResponseWriter, r *http.Request) {
	provider, err := s.Login.provider(r.Context(), s.Now())
	if err != nil {
		s.sorry(w, r, "", err)
		return
	}
	name, err := s.draw(tokenSize)
	if err != nil {
		s.sorry(w, r, "", err)
		return
	}
	setCookie(w, visitCookie, name, visitLife)
	goTo(w, provider.ask(s.mac("visit state", name), s.mac("visit nonce", name), s.mac("visit verifier", name), s.Origin+PathCallback))
}

// visited is who comes back from there to see what they have allowed.
func (s *Server) visited(w http.ResponseWriter, r *http.Request, q url.Values, name string) {
	if q.Has("error") {
		s.sorry(w, r, "", fosite.ErrAccessDenied.WithHint("You were not signed in."))
		return
	}
	ctx := r.Context()
	customer, err := s.Login.customer(ctx, q.Get("code"), s.mac("visit nonce", name), s.mac("visit verifier", name), s.Origin+PathCallback, s.Now)
	if err != nil {
		s.sorry(w, r, "", err)
		return
	}
	next, err := s.draw(tokenSize)
	if err == nil {
		err = s.Store.Write(ctx, func(tx *store.Tx) error {
			kept := store.Pushed{ID: s.mac("visit", next), Content: []byte(customer), Until: s.now().Add(visitLife)}
			return errors.Join(tx.TidyGrants(ctx, s.now()), tx.Push(ctx, kept), s.record(ctx, tx, "customer.sign-in", "", "to see what they have allowed"))
		})
	}
	if err != nil {
		s.sorry(w, r, "", err)
		return
	}
	setCookie(w, visitCookie, next, visitLife)
	goTo(w, PathGrants)
}

// takesBack ends what a customer allowed, or their visit.
func (s *Server) takesBack(w http.ResponseWriter, r *http.Request) {
	ctx, name := r.Context(), cookie(r, visitCookie)
	sent, err := form(w, r)
	leaves := sent.Get("leave") != ""
	if err == nil && (http.NewCrossOriginProtection().Check(r) != nil || name == "" || sent.Get("for") != s.mac("visit answer", name) || !leaves && !isID.MatchString(sent.Get("grant"))) {
		err = fosite.ErrInvalidRequest.WithHint("That is the answer to no page of here.")
	}
	if err == nil {
		err = s.Store.Write(ctx, func(tx *store.Tx) error { return s.left(ctx, tx, name, sent.Get("grant"), leaves) })
	}
	switch {
	case errors.Is(err, errNoVisit):
		goTo(w, PathGrants)
	case err != nil:
		s.sorry(w, r, "", err)
	case leaves:
		setCookie(w, visitCookie, "", 0)
		goTo(w, PathGrants)
	default:
		goTo(w, PathGrants+"?back")
	}
}

// left ends a visit, or a grant of who is there. One that is over already stays so.
func (s *Server) left(ctx context.Context, tx *store.Tx, name, grant string, leaves bool) error {
	of := s.mac("visit", name)
	if leaves {
		if _, err := tx.TakePushed(ctx, of); !errors.Is(err, store.ErrUnknown) {
			return err
		}
		return nil
	}
	who, err := s.visitor(s.Store.Pushed(ctx, of))
	if err != nil {
		return err
	}
	err = s.Revoke(ctx, tx, who, grant)
	if !errors.Is(err, store.ErrUnknown) {
		return err
	}
	return audit.Record(ctx, tx, audit.Act{At: s.now(), Action: "grant.revoke", Object: grant, Outcome: audit.Denied, Reason: "the customer has no such grant, or no more"})
}
