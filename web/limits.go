package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/limit"
	"github.com/assay-por/assay/web/store"
)

// dear are the routes that have a policy of their own beside the client's.
var dear = map[string]string{
	"POST " + api.ProofsPath: limit.Lookups,
	"POST /v1/runs":          limit.Runs,
}

// guard stands before the router, and counts for the address who shows no credential. Who shows one is counted where it is known
// whether it is good; here it is seen only that the address has not shown too many that were not.
func (c Config) guard(next http.Handler) http.Handler {
	if c.Limits == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var v limit.Verdict
		if !c.shows(r) {
			v = c.Limits.Stranger(r.Context(), from(r))
		} else if v = c.Limits.Suspect(r.Context(), from(r)); revocation.MatchString(r.URL.Path) {
			v.Refused = "" // whoever shares an address with a thief can end a stolen key
		}
		if within(w, v) {
			next.ServeHTTP(w, r)
		}
	})
}

// revocation is where a client ends a credential of its own.
var revocation = regexp.MustCompile(`^/v1/keys/([a-z2-7]{16}):revoke$`)

// shows reports whether a request shows a credential to a server that looks at any.
func (c Config) shows(r *http.Request) bool { return c.Gate != nil && authn.Shows(r) }

// stranger counts for the address a request that showed a credential, and is nobody's that is known. If it is refused it has been answered.
func (c Config) stranger(w http.ResponseWriter, r *http.Request) bool {
	if c.Limits == nil || !c.shows(r) { // the guard has counted it
		return true
	}
	return within(w, c.Limits.Stranger(r.Context(), from(r)))
}

// visitor counts a request for what is public: for the client, which is returned, if it shows a good credential, which it need not, else for the address.
// One that is not good is put on record.
func (c Config) visitor(w http.ResponseWriter, r *http.Request) (who *authn.Principal, ok bool) {
	if c.Limits == nil || !c.shows(r) {
		return nil, true
	}
	who, _, err := c.who(r)
	if err == nil && c.locked(r, who) {
		err = errLocked
	}
	switch {
	case err == nil:
		c.noticed(r, who)
		return who, c.client(w, r, who)
	case errors.Is(err, authn.ErrMissing), errors.Is(err, authn.ErrOver): // a certificate that is no credential, or a browser's cookie of yesterday
		return nil, c.stranger(w, r)
	}
	c.suspect(w, r, err)
	return nil, c.stranger(w, r) && c.refusedFor(w, r, err) // nobody tries a credential here that leaves no trace elsewhere
}

// client counts a request of somebody who is known. If it is refused it has been answered.
func (c Config) client(w http.ResponseWriter, r *http.Request, who *authn.Principal) bool {
	if own := revocation.FindStringSubmatch(r.URL.Path); c.Limits == nil || own != nil && own[1] == who.ID {
		return true
	}
	v, err := c.Limits.Client(r.Context(), who.Client, tierOf(who), dear[r.Method+" "+chi.RouteContext(r.Context()).RoutePattern()])
	if err != nil {
		c.Logger.Error("what a client has asked today cannot be read", "error", err)
		api.Refuse(w, http.StatusServiceUnavailable, "how much was asked today cannot be found out at the moment")
		return false
	}
	if v.Refused != "" && !c.denied(w, r, who, actLimit, "by the policy "+v.Refused) {
		return false
	}
	return within(w, v)
}

// tierOf is by which policy somebody is counted.
func tierOf(who *authn.Principal) string {
	if who.Kind == store.Person {
		return limit.Person
	}
	if slices.Contains(who.Roles, authz.Auditor) {
		return limit.Auditor
	}
	return who.Tier
}

// left is what somebody may ask on this day still (see [api.Quota]).
func (c Config) left(ctx context.Context, who *authn.Principal) (left, day int64, err error) {
	return c.Limits.Left(ctx, who.Client, tierOf(who))
}

// suspect counts for the address a credential that is not good.
func (c Config) suspect(w http.ResponseWriter, r *http.Request, why error) bool {
	var token *authn.TokenError
	for _, bad := range []error{authn.ErrInvalid, authn.ErrSignature, authn.ErrMultiple, authn.ErrInURL} {
		if errors.Is(why, bad) || errors.As(why, &token) {
			if c.Limits != nil {
				c.Limits.Failed(r.Context(), from(r)).Tell(w.Header())
			}
			return true
		}
	}
	return false
}

// within tells what is left, and answers whoever has nothing left.
func within(w http.ResponseWriter, v limit.Verdict) bool {
	v.Tell(w.Header())
	switch {
	case v.Refused == "":
		return true
	case v.Day:
		api.RefuseAs(w, http.StatusTooManyRequests, "quota-exhausted", "all that this client may ask in a day has been asked: the next one begins at midnight, UTC")
	default:
		api.Refuse(w, http.StatusTooManyRequests, "too many requests within a short time: wait as long as Retry-After says")
	}
	return false
}

// from is where a request comes from; zero if that cannot be told.
func from(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr()
}
