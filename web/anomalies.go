package web

import (
	"errors"
	"net/http"

	"github.com/assay-por/assay/web/anomaly"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
)

// What is denied because of what stood out, as the audit log calls it.
const (
	actHold    = "hold"
	actSuspend = "suspend"
)

// errLocked is of a credential that is good, and lets nobody in from where too many were tried.
var errLocked = errors.Join(authn.ErrInvalid, errors.New("it is locked for that network, after many that were not good"))

// asker is who asks, as package anomaly knows them.
func asker(r *http.Request, who *authn.Principal) anomaly.Asker {
	return anomaly.Asker{Client: who.Client, Credential: who.ID, Network: audit.Network(from(r)), Kind: who.Kind, Proved: who.Proved}
}

// locked reports whether somebody who has a good credential is let in with it from elsewhere alone.
func (c Config) locked(r *http.Request, who *authn.Principal) bool {
	return c.Anomalies != nil && c.Anomalies.Locked(asker(r, who))
}

// noticed counts a request of somebody who was let in, and says what is done about it. Customers who ask for themselves are not followed: there may be more of
// them than of all clients, and each gets at their own alone.
func (c Config) noticed(r *http.Request, who *authn.Principal) string {
	if c.Anomalies == nil || who.Client == "" || who.Kind == authn.External && who.Subject.Reveal() != "" {
		return ""
	}
	return c.Anomalies.Arrive(r.Context(), asker(r, who), route(r), changes(r))
}

// reading are the routes that change nothing, whatever their method.
var reading = map[string]bool{"POST " + api.ProofsPath: true}

// changes reports whether a request is to change something.
func changes(r *http.Request) bool { return methodOf(r) != http.MethodGet && !reading[route(r)] }

// atHand are the routes by which people show who they are, or leave: they are never kept from that.
var atHand = map[string]bool{"POST /v1/auth/step-up:begin": true, "POST /v1/auth/step-up": true, "POST /v1/auth/sign-out": true}

// endsOwn reports whether somebody ends a key that is theirs: that one, or one of their client's where they may end no others.
func endsOwn(r *http.Request, who *authn.Principal) bool {
	key := revocation.FindStringSubmatch(r.URL.Path)
	return key != nil && (key[1] == who.ID || !authz.Allows(who.Permissions, authz.KeyWrite))
}

// unhindered answers whoever something was done about, and may not go on. It is told to them, as their credential is good; by which rule is for the exchange's people.
func (c Config) unhindered(w http.ResponseWriter, r *http.Request, who *authn.Principal, measure string) bool {
	if measure == "" || endsOwn(r, who) || atHand[route(r)] {
		return true
	}
	switch measure {
	case anomaly.StepUp:
		if c.denied(w, r, who, actStepUp, "something stood out of what the session did") {
			stepUp(w)
		}
	case anomaly.Hold:
		if c.denied(w, r, who, actHold, "what it changes from that network is held") {
			api.RefuseAs(w, http.StatusForbidden, "held", "from this network nothing is changed until a person of the exchange has confirmed that it is you: ask them")
		}
	default:
		if c.denied(w, r, who, actSuspend, "the credential is suspended") {
			api.RefuseAs(w, http.StatusForbidden, "suspended", "something stood out of what was done with this credential: it is of no use until a person of the exchange has looked at that")
		}
	}
	return false
}

// noticedRefusal counts a credential that was not good.
func (c Config) noticedRefusal(r *http.Request, why error) {
	if c.Anomalies == nil || !errors.Is(why, authn.ErrInvalid) && !errors.Is(why, authn.ErrSignature) || errors.Is(why, errLocked) {
		return
	}
	refusal := anomaly.Refusal{Network: audit.Network(from(r))}
	var of *authn.NotGoodError
	if errors.As(why, &of) {
		refusal.Client, refusal.Credential, refusal.Again, refusal.Ended = of.Client, of.Key, of.Shown == authn.Again, of.Shown == authn.Ended
		if of.Shown == authn.Late { // whoever has it is behind, and guesses nothing
			return
		}
	}
	c.Anomalies.Refused(r.Context(), refusal)
}
