package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/watch"
)

// What is denied, as the audit log calls it.
const (
	actAuthenticate = "authenticate"
	actAuthorize    = "authorize"
	actLimit        = "limit"
	actStepUp       = "step-up"
)

// denied puts on record that a request is refused, and why. If it cannot be put there it has been answered: what leaves no trace is not even refused.
func (c Config) denied(w http.ResponseWriter, r *http.Request, who *authn.Principal, action, why string) bool {
	err := c.Audit.Denials.Record(audit.With(r.Context(), origin(r, who)), action, route(r), why)
	if err != nil {
		c.Logger.ErrorContext(r.Context(), "what was denied cannot be put on record", "error", err)
		unrecorded(w)
	}
	return err == nil
}

// refusedFor puts on record that nobody is let in, where that is not this server's own fault, or a record was altered.
func (c Config) refusedFor(w http.ResponseWriter, r *http.Request, why error) bool {
	for _, bad := range []error{authn.ErrMissing, authn.ErrInvalid, authn.ErrSignature, authn.ErrMultiple, authn.ErrInURL, authn.ErrAltered, authn.ErrOver, authn.ErrForeign} {
		if errors.Is(why, bad) {
			c.noticedRefusal(r, why)
			return c.denied(w, r, nil, actAuthenticate, why.Error())
		}
	}
	var token *authn.TokenError
	if errors.As(why, &token) {
		return c.denied(w, r, nil, actAuthenticate, why.Error())
	}
	c.Logger.ErrorContext(r.Context(), "who asks cannot be found out", "error", why)
	return true
}

// unrecorded answers where nothing is done, as it could not be put on record.
func unrecorded(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	api.RefuseAs(w, http.StatusServiceUnavailable, "audit-unavailable", "it cannot be put on record at the moment, and without that it is not done")
}

// origin is who asks, and from where.
func origin(r *http.Request, who *authn.Principal) audit.Origin {
	o := audit.Origin{Address: from(r), Request: watch.Of(r.Context()).ID()}
	if who != nil {
		o.Client, o.Credential = who.Client, who.ID
	}
	return o
}

// route is what is asked for, as the table of permissions calls it.
func route(r *http.Request) string {
	pattern := chi.RouteContext(r.Context()).RoutePattern()
	if pattern == "" { // it was refused before the router saw it
		return "no route"
	}
	return methodOf(r) + " " + pattern
}

// recorded answers somebody who is known, and keeps what came of it. What is a customer's is not answered where that cannot be kept.
func (c Config) recorded(w http.ResponseWriter, r *http.Request, who *authn.Principal, answer func(http.ResponseWriter)) {
	keep := c.Audit.Reads.Keep
	if needs(r) == authz.ProofReadAny {
		var err error
		if keep, err = c.Audit.Reads.Reserve(); err != nil {
			unrecorded(w)
			return
		}
	}
	began, finished := time.Now(), false
	seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
	defer func() {
		status := seen.Status()
		switch {
		case !finished:
			status = http.StatusInternalServerError // it panics, and is answered further out
		case status == 0:
			status = http.StatusOK
		}
		keep(audit.Access{At: began, Client: who.Client, Credential: who.ID, Network: audit.Network(from(r)), Operation: route(r), Status: status, Took: time.Since(began)})
	}()
	answer(seen)
	finished = true
}
