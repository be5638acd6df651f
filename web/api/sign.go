package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/store"
)

const (
	tagPeople = "people"

	// SignPath is where people sign in: paths below it are for everybody, or for who is signed in.
	SignPath = "/v1/auth/"

	maxSign = 32 << 10 // bytes of content
)

// sign is an operation by which people show who they are. What it changes it does not do as an act: whoever fails is counted.
type sign struct {
	path, id, summary string
	open              bool // it is for everybody
}

// signed is what it is answered with.
type signed[O any] struct {
	content O
	cookie  *http.Cookie // nil: the browser's stays as it is
}

// cookie is a session's, as browsers keep it: for this host alone, over TLS alone, out of reach of scripts and of other sites' pages.
func cookie(in people.SignedIn) *http.Cookie {
	return &http.Cookie{Name: authn.SessionCookie, Value: in.Token.Reveal(), Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// noCookie takes it away.
func noCookie() *http.Cookie {
	gone := cookie(people.SignedIn{})
	gone.MaxAge = -1
	return gone
}

// addSign adds such an operation.
func addSign[B, O any](a *api, o sign, do func(ctx context.Context, who *authn.Principal, in *B) (signed[O], error)) {
	d := act{method: http.MethodPost, path: o.path, id: o.id, tag: tagPeople, summary: o.summary, most: maxSign}
	in, registry := contentOf[B](a, &d), a.OpenAPI().Components.Schemas
	op := a.describeAct(d, in, schema[O](a))
	op.Responses["200"].Headers["Set-Cookie"] = &huma.Param{Description: "The session, where it begins, changes or ends", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: limit(maxField)}}
	a.mayRefuse(op, http.StatusTooManyRequests)
	if o.open {
		op.Security = nil
	}
	a.OpenAPI().AddOperation(op)
	a.Adapter().Handle(op, func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		out, err := func() (out signed[O], err error) {
			who := authn.From(r.Context())
			if !o.open {
				if err := isPerson(who); err != nil {
					return out, err
				}
			}
			if r.URL.RawQuery != "" || r.URL.ForceQuery {
				return out, refused(http.StatusUnprocessableEntity, "", noParameters)
			}
			var b B
			raw, err := content(w, r, d.most)
			if err == nil && in != nil {
				err = decode(registry, in, raw, &b)
			}
			if err != nil {
				return out, err
			}
			return do(r.Context(), who, &b)
		}()
		if err != nil {
			a.refuseSign(w, err)
			return
		}
		a.answerSign(w, out.content, out.cookie)
	})
}

func (a *api) answerSign(w http.ResponseWriter, content any, cookie *http.Cookie) {
	if cookie != nil {
		http.SetCookie(w, cookie)
	}
	h := w.Header()
	h.Set("Content-Type", kindJSON)
	h.Set("Cache-Control", never)
	if err := json.NewEncoder(w).Encode(content); err != nil {
		a.config.Fault(err) // who asked is gone
	}
}

// isPerson refuses machines what people alone have.
func isPerson(who *authn.Principal) error {
	if who.Kind != store.Person {
		return refused(http.StatusForbidden, "people-only", "this is for people, who sign in: machines have keys")
	}
	return nil
}

// refuseSign says why nobody is let in: of what was shown no more than that it is not good.
func (a *api) refuseSign(w http.ResponseWriter, err error) {
	var no *refusal
	var locked people.LockedError
	switch {
	case errors.As(refusalOf(err), &no) && !errors.Is(err, people.ErrSignIn):
		no.send(w)
	case errors.As(err, &locked):
		left := locked.Until.Sub(a.config.Acts.Now())
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(left.Seconds()))))
		RefuseAs(w, http.StatusTooManyRequests, "locked", "too many failures, with that name and from this network: wait as long as Retry-After says, or use a passkey")
	case errors.Is(err, people.ErrSignIn):
		w.Header().Set("WWW-Authenticate", "Session")
		RefuseAs(w, http.StatusUnauthorized, "sign-in-failed", "nobody is signed in by that")
	case authn.IsOver(err):
		w.Header().Set("WWW-Authenticate", "Session")
		RefuseAs(w, http.StatusUnauthorized, "session-over", "the session is over: sign in again")
	case errors.Is(err, people.ErrBusy):
		w.Header().Set("Retry-After", "1")
		Refuse(w, http.StatusServiceUnavailable, "too many sign in at once: try again in a moment")
	default:
		a.config.Fault(err)
		Refuse(w, http.StatusServiceUnavailable, "nobody can be signed in at the moment")
	}
}

// addSigns adds how people sign in, where there are any.
func (a *api) addSigns() {
	p := a.config.People
	if p == nil || a.config.Acts == nil {
		return
	}
	addSign(a, sign{SignPath + "passkey:begin", "sign-in-begin", "Be asked for a passkey, to sign in", true}, func(context.Context, *authn.Principal, *nothing) (signed[PasskeyAsked], error) {
		return passkeyAsked(p.BeginSignIn())
	})
	addSign(a, sign{SignPath + "passkey", "sign-in", "Sign in by a passkey", true}, func(ctx context.Context, _ *authn.Principal, in *SignIn) (signed[SignedIn], error) {
		return shownAs(in.Credential, func(answer []byte) (people.SignedIn, error) { return p.SignIn(ctx, answer) })
	})
	addSign(a, sign{SignPath + "password", "sign-in-password", "Sign in by a password and a code of the second factor, which is less than a passkey", true}, func(ctx context.Context, _ *authn.Principal, in *PasswordSignIn) (signed[SignedIn], error) {
		return begins(p.SignInByPassword(ctx, in.Login, in.Password, in.Code))
	})
	addSign(a, sign{SignPath + "recovery", "recover", "Be invited anew by a code of those that were given for the day on which all else is lost; it is used up", true}, func(ctx context.Context, _ *authn.Principal, in *Recovery) (signed[Invited], error) {
		invitation, err := p.Recover(ctx, in.Login, in.Code)
		return signed[Invited]{content: Invited{invitation.Reveal()}}, err
	})
	addSign(a, sign{SignPath + "invitation:begin", "enrol-begin", "Be asked, by an invitation, for what to sign in by from then on", true}, a.beginEnrol)
	addSign(a, sign{SignPath + "invitation", "enrol", "Take an invitation by a new passkey; other sessions of the person end", true}, func(ctx context.Context, _ *authn.Principal, in *EnrolWish) (signed[SignedIn], error) {
		return shownAs(in.Credential, func(answer []byte) (people.SignedIn, error) { return p.Enrol(ctx, in.Invitation, in.Name, answer) })
	})
	addSign(a, sign{SignPath + "invitation:password", "enrol-password", "Take an invitation by a new password and second factor, which is less than a passkey", true}, func(ctx context.Context, _ *authn.Principal, in *EnrolPassword) (signed[SignedIn], error) {
		return begins(p.EnrolByPassword(ctx, in.Invitation, in.Password, in.Code))
	})
	addSign(a, sign{SignPath + "step-up:begin", "step-up-begin", "Be asked for a passkey of yours again", false}, func(ctx context.Context, who *authn.Principal, _ *nothing) (signed[PasskeyAsked], error) {
		return passkeyAsked(p.BeginStepUp(ctx, who))
	})
	addSign(a, sign{SignPath + "step-up", "step-up", "Show a passkey of yours again; the session has another cookie from then on", false}, func(ctx context.Context, who *authn.Principal, in *SignIn) (signed[SignedIn], error) {
		return shownAs(in.Credential, func(answer []byte) (people.SignedIn, error) { return p.StepUp(ctx, who, answer) })
	})
	addSign(a, sign{SignPath + "sign-out", "sign-out", "End this session", false}, func(ctx context.Context, who *authn.Principal, _ *nothing) (signed[Session], error) {
		var s store.Session
		err := p.Store.Write(ctx, func(tx *store.Tx) (err error) { s, err = p.EndSession(ctx, tx, who, who.Session); return err })
		return signed[Session]{sessionOf(s, ""), noCookie()}, err
	})
}

func passkeyAsked(o people.Options, err error) (signed[PasskeyAsked], error) {
	if err != nil {
		return signed[PasskeyAsked]{}, err
	}
	options, err := objectOfJSON(o)
	return signed[PasskeyAsked]{content: PasskeyAsked{options}}, err
}

// begins is a session that begins, or goes on by another cookie.
func begins(in people.SignedIn, err error) (signed[SignedIn], error) {
	return signed[SignedIn]{signedIn(in), cookie(in)}, err
}

// shownAs hands on what a browser shows as it has it.
func shownAs(credential any, to func(answer []byte) (people.SignedIn, error)) (signed[SignedIn], error) {
	answer, err := json.Marshal(credential)
	if err != nil {
		return signed[SignedIn]{}, err
	}
	return begins(to(answer))
}

func (a *api) beginEnrol(ctx context.Context, _ *authn.Principal, in *Invited) (out signed[InvitationAsked], err error) {
	o, err := a.config.People.BeginEnrol(ctx, in.Invitation)
	if err != nil {
		return out, err
	}
	if out.content.Options, err = objectOfJSON(o.Options); err != nil {
		return out, err
	}
	out.content.Name, out.content.Login, out.content.TOTP = o.Name, o.Login, o.TOTP
	return out, nil
}
