package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/watch"
)

// door stands before every handler, and lets through to it whoever has the permission that its route needs. What is public
// asks for no credential; one that is good counts for its client, how often it asks.
func (c Config) door(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		needed := needs(r)
		if needed == public {
			who, ok := c.visitor(w, r)
			if ok && !forAll(r) {
				ok = c.signsIn(w, r)
				r = r.WithContext(audit.With(r.Context(), origin(r, nil)))
			}
			switch {
			case ok && who != nil:
				c.recorded(w, r, who, func(w http.ResponseWriter) { next.ServeHTTP(w, r) })
			case ok:
				next.ServeHTTP(w, r)
			}
			return
		}
		ctx, end := watch.Part(r.Context(), "authenticate")
		who, check, err := c.who(r.WithContext(ctx))
		end()
		if err != nil {
			watch.Of(ctx).TurnedAway()
			c.turnAway(w, r, err)
			return
		}
		if c.locked(r, who) {
			watch.Of(ctx).TurnedAway()
			c.turnAway(w, r, errLocked)
			return
		}
		watch.Of(ctx).Known(tierOf(who))
		c.recorded(w, r, who, func(w http.ResponseWriter) {
			measure := c.noticed(r, who)
			if !c.client(w, r, who) || !c.unhindered(w, r, who, measure) {
				return
			}
			if !authz.Allows(who.Permissions, needed) && !ofTheirOwn(r, who) {
				if c.denied(w, r, who, actAuthorize, "it needs "+string(needed)) {
					api.RefuseAs(w, http.StatusForbidden, "permission-denied", "the credential is good, and not for this: it needs "+string(needed))
				}
				return
			}
			if proved[route(r)] && c.Gate.StepUp(who) {
				if c.denied(w, r, who, actStepUp, "the person's proof is too old, or was of another class") {
					stepUp(w)
				}
				return
			}
			if c.checked(w, r, check) {
				next.ServeHTTP(w, r.WithContext(authn.With(audit.With(r.Context(), origin(r, who)), who)))
			}
		})
	})
}

// looked is how long it may take to find out who asks: nothing of that is remembered, so that nobody is let in by what was so before.
const looked = 5 * time.Second

// who finds out who asks (see [authn.Gate.Who]).
func (c Config) who(r *http.Request) (*authn.Principal, func([]byte) error, error) {
	ctx, end := context.WithTimeout(r.Context(), looked)
	defer end()
	return c.Gate.Who(r.WithContext(ctx))
}

// ofTheirOwn reports whether it is a customer's token that asks, for what a customer may have of their own.
func ofTheirOwn(r *http.Request, who *authn.Principal) bool {
	instead := own[route(r)]
	return instead != "" && who.Subject.Reveal() != "" && authz.Allows(who.Permissions, instead)
}

// stepUp asks a person to prove who they are anew (RFC 9470).
func stepUp(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Session error="insufficient_user_authentication", acr_values="urn:assay:acr:phr", max_age="300"`)
	api.RefuseAs(w, http.StatusUnauthorized, "insufficient-user-authentication", "this takes a passkey, shown within the last five minutes: show yours again, and ask again")
}

// forAll reports whether a request is answered to everybody alike: it is for everybody, and is no attempt to sign in.
func forAll(r *http.Request) bool { return needs(r) == public && r.Method != http.MethodPost }

// signsIn counts who tries to sign in for the address, and refuses them if another site's page has them try. If it fails it has answered.
func (c Config) signsIn(w http.ResponseWriter, r *http.Request) bool {
	if http.NewCrossOriginProtection().Check(r) != nil {
		c.turnAway(w, r, authn.ErrForeign)
		return false
	}
	return c.Limits == nil || within(w, c.Limits.SignIn(r.Context(), from(r)))
}

// needs is the permission that the request's route needs; of a route that is not in the table it is one that nobody has.
func needs(r *http.Request) authz.Permission {
	return permissions[methodOf(r)+" "+chi.RouteContext(r.Context()).RoutePattern()]
}

// maxContent is how much whoever was let in may send, in bytes, as it is held until it is whole; most handlers take less. An envelope of a draft
// may be longer.
const (
	maxContent  = 64 << 10
	maxEnvelope = 2 << 20
)

// envelopes are the routes that are sent one.
var envelopes = map[string]bool{"POST /v1/runs/{id}/approvals": true, "POST /v1/reports/{statement}/findings": true}

// checked reads the content, for the handler to read again, and holds it to what was signed. If that fails it has answered.
func (c Config) checked(w http.ResponseWriter, r *http.Request, check func([]byte) error) bool {
	most := int64(maxContent)
	if envelopes[route(r)] {
		most = maxEnvelope
	}
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		api.Refuse(w, http.StatusRequestEntityTooLarge, "the content has too many bytes")
		return false
	case err != nil:
		api.Refuse(w, http.StatusBadRequest, "the content broke off")
		return false
	}
	if err := check(content); err != nil {
		c.turnAway(w, r, err)
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(content))
	return true
}

// noKeyInURL refuses what carries an API key where everybody on the way may have seen it.
func (c Config) noKeyInURL(next http.Handler) http.Handler {
	if c.Gate == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch err := c.Gate.InURL(r); {
		case errors.Is(err, authn.ErrInURL):
			if c.Limits == nil || within(w, c.Limits.Suspect(r.Context(), from(r))) {
				c.turnAway(w, r, err)
			}
		case err != nil:
			c.Logger.Error("a key in a URL cannot be revoked", "error", err)
			unrecorded(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// turnAway answers whoever is not let in. Why is for the log alone: of a credential that is not good all is answered alike.
func (c Config) turnAway(w http.ResponseWriter, r *http.Request, why error) {
	if !c.suspect(w, r, why) && !c.stranger(w, r) || !c.refusedFor(w, r, why) {
		return
	}
	h := w.Header()
	challenge := "Assay-Key"
	var token *authn.TokenError
	unauthorized := func(slug, sentence string) {
		h.Set("WWW-Authenticate", challenge)
		h.Set("Accept-Signature", httpsig.AcceptRequest(r.ContentLength != 0))
		api.RefuseAs(w, http.StatusUnauthorized, slug, sentence)
	}
	switch {
	case errors.Is(why, authn.ErrMissing):
		unauthorized("credential-missing", "this is not for everybody: send an API key in the field Assay-Key, or sign the request")
	case errors.Is(why, authn.ErrInvalid):
		unauthorized("credential-invalid", "the credential is not good")
	case errors.Is(why, authn.ErrSignature):
		unauthorized("signature-invalid", "the request's signature is not good: it may be of no known key, of another request, or of another time")
	case errors.Is(why, authn.ErrMultiple):
		api.RefuseAs(w, http.StatusBadRequest, "multiple-credentials", "send one credential, not several")
	case errors.Is(why, authn.ErrInURL):
		api.RefuseAs(w, http.StatusBadRequest, "credential-in-url", "an API key in a URL is seen by everybody on the way: if it was good it is revoked now")
	case errors.As(why, &token):
		challenge = token.Challenge
		unauthorized("credential-invalid", "the credential is not good")
	case errors.Is(why, authn.ErrOver):
		unauthorized("session-over", "the session is over: sign in again")
	case errors.Is(why, authn.ErrForeign):
		api.RefuseAs(w, http.StatusForbidden, "cross-origin", "another site's page may change nothing here")
	case errors.Is(why, authn.ErrFull):
		h.Set("Retry-After", "30")
		api.Refuse(w, http.StatusServiceUnavailable, "too many signed requests within half a minute")
	default:
		h.Set("Retry-After", "5")
		api.RefuseAs(w, http.StatusServiceUnavailable, "policy-stale", "who asks, and what they may by now, cannot be found out at the moment")
	}
}
