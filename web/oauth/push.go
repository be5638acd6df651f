package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// wanted is what an app asks a customer to allow, from the moment at which it is pushed until it is decided.
type wanted struct {
	App      string     `json:"app"`
	Redirect string     `json:"redirect"`
	State    string     `json:"state"`
	Scopes   []string   `json:"scopes"`
	Form     url.Values `json:"form"`
	Key      string     `json:"key,omitempty"` // that the code will be bound to

	// From the moment at which the customer's browser has brought it:
	Nonce    string `json:"nonce,omitempty"`    // of the sign-in at the identity provider
	Verifier string `json:"verifier,omitempty"` // and its PKCE
	Customer string `json:"customer,omitempty"` // who signed in
}

var errGone = fosite.ErrInvalidRequestURI.WithHint("There is no such request, or it was taken before, or is too old.")

// keep keeps what is wanted under a name, of which the database has the MAC.
func (s *Server) keep(ctx context.Context, tx *store.Tx, name string, until time.Time, w wanted) error {
	raw, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return tx.Push(ctx, store.Pushed{ID: s.mac("pushed", name), Content: raw, Until: until})
}

// taken is what was kept under a name, and is no more.
func (s *Server) taken(ctx context.Context, tx *store.Tx, name string) (w wanted, err error) {
	return s.wantedOf(tx.TakePushed(ctx, s.mac("pushed", name)))
}

func (s *Server) wantedOf(p store.Pushed, err error) (w wanted, _ error) {
	if errors.Is(err, store.ErrUnknown) || err == nil && !s.now().Before(p.Until) {
		return w, errGone
	}
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal(p.Content, &w)
}

// asked is what is wanted as fosite has it.
func (s *Server) asked(ctx context.Context, in apps, w wanted) (*fosite.AuthorizeRequest, error) {
	a, err := s.app(ctx, in, w.App)
	if err != nil {
		return nil, err
	}
	r := fosite.NewAuthorizeRequest()
	if r.RedirectURI, err = url.Parse(w.Redirect); err != nil {
		return nil, err
	}
	r.Client, r.RequestedScope, r.Form, r.State, r.RequestedAt = a, w.Scopes, w.Form, w.State, s.now()
	r.ResponseTypes, r.ResponseMode, r.DefaultResponseMode = fosite.Arguments{"code"}, fosite.ResponseModeQuery, fosite.ResponseModeQuery
	return r, nil
}

var isChallenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// ofPush are the parameters that a request may have beside those by which the app shows who it is.
var ofPush = []string{"response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "response_mode", "resource", "dpop_jkt", "client_id", "client_assertion", "client_assertion_type", "prompt", "nonce"}

// push takes what an app will ask a customer (RFC 9126).
func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	a, err := s.who(w, r)
	if err == nil {
		err = s.checkPush(&a)
	}
	if err != nil {
		s.refuse(w, r, "authorize.push", a.app.ID, err)
		return
	}
	var uri string
	err = s.change(r.Context(), a, func(ctx context.Context, _ *doing) error {
		asked, err := s.core.NewPushedAuthorizeRequest(ctx, r)
		if err != nil {
			return err
		}
		pushed, err := s.core.NewPushedAuthorizeResponse(ctx, asked, &session{})
		if err == nil {
			uri = pushed.GetRequestURI()
		}
		return err
	})
	if err != nil {
		s.refuse(w, r, "authorize.push", a.app.ID, err)
		return
	}
	answer(w, http.StatusCreated, map[string]any{"request_uri": uri, "expires_in": int(pushedLife / time.Second)})
}

// checkPush refuses what fosite would find out later, or would not mind.
func (s *Server) checkPush(a *asking) error {
	for name := range a.form {
		if !slices.Contains(ofPush, name) {
			return fosite.ErrInvalidRequest.WithHint("A parameter that is not known here.")
		}
	}
	redirect := a.form.Get("redirect_uri")
	exact := slices.Contains(a.app.kept.Redirects, redirect)
	switch {
	case a.form.Get("response_type") == "":
		return fosite.ErrInvalidRequest.WithHint("response_type is missing.")
	case a.form.Has("request_uri"):
		return fosite.ErrInvalidRequest.WithHint("A request that is pushed is no name of one.")
	case !exact && !a.app.kept.Native: // fosite lets anybody have any port of a loopback address
		return fosite.ErrInvalidRequest.WithHint("redirect_uri is none of the app's.")
	case !isChallenge.MatchString(a.form.Get("code_challenge")) || a.form.Get("code_challenge_method") != "S256":
		return fosite.ErrInvalidRequest.WithHint("code_challenge is the SHA-256 of a verifier in base64url, and code_challenge_method is S256.")
	case a.form.Has("response_mode") && a.form.Get("response_mode") != "query":
		return fosite.ErrUnsupportedResponseMode.WithHint("response_mode is query.")
	case a.form.Get("prompt") == "none":
		return fosite.ErrConsentRequired.WithHint("The customer is always asked.")
	case a.form.Get("scope") == "":
		return fosite.ErrInvalidScope.WithHint("Say in scope what for.")
	}
	for scope := range strings.FieldsSeq(a.form.Get("scope")) {
		if scope != string(authz.ProofReadSelf) {
			return fosite.ErrInvalidScope.WithHint("A customer can allow proof:read:self, and nothing else.")
		}
	}
	if key := a.form.Get("dpop_jkt"); key != "" {
		if a.cnf.Key != "" && a.cnf.Key != key {
			return fosite.ErrInvalidRequest.WithHint("dpop_jkt is of another key than the proof.")
		}
		a.cnf.Key = key
	}
	return s.target(a.form)
}

// target refuses tokens for another server (RFC 8707).
func (s *Server) target(form url.Values) error {
	if form.Has("resource") && strings.TrimSuffix(form.Get("resource"), "/") != s.Origin || form.Has("audience") {
		return errTarget
	}
	return nil
}

// change does what an app asks for in one change of the database: what it has shown is taken for used, and do has the rest. What
// it is refused stands too: an old token that turned up has ended its family. Where the server is at fault, nothing stands.
func (s *Server) change(ctx context.Context, a asking, do func(context.Context, *doing) error) error {
	var outcome error
	err := s.Store.Write(ctx, func(tx *store.Tx) (err error) {
		d := &doing{tx: tx, cnf: a.cnf, came: a.came}
		ctx := with(acting(ctx, a.app.ID, ""), d)
		if d.app, err = s.app(ctx, tx, a.app.ID); err != nil {
			return err
		}
		if outcome = s.takes(ctx, tx, a); outcome == nil {
			outcome = do(ctx, d)
		}
		if d.reused {
			outcome = errors.Join(outcome, s.record(acting(ctx, a.app.ID, d.grant), tx, "grant.revoke", d.grant, "an old token of it turned up"))
		}
		if _, _, _, ours := amounts(outcome); outcome != nil && (ours || errors.Is(outcome, store.ErrChanged)) {
			return outcome
		}
		return nil
	})
	if errors.Is(err, store.ErrChanged) {
		return fosite.ErrInvalidGrant.WithHint("Another request was there before.")
	}
	if err != nil {
		return err
	}
	return outcome
}
