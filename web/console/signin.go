package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/assay-por/assay/web/api"
)

func (c *Console) signRoutes() {
	c.open("GET "+Path+"sign-in", (*visit).signInPage)
	c.open("POST "+Path+"sign-in", (*visit).signIn)
	c.open("POST "+Path+"sign-in/password", (*visit).signInByPassword)
	c.open("GET "+Path+"recovery", func(v *visit) error { return v.show("form-open", page{Title: recoveryTitle, Data: recoveryForm()}) })
	c.open("POST "+Path+"recovery", (*visit).recover)
	c.open("GET "+Path+"invitation", func(v *visit) error {
		return v.show("invitation", page{Title: invitationTitle, Script: true, Data: invitationForm()})
	})
	c.open("POST "+Path+"invitation", (*visit).invited)
	c.open("POST "+Path+"invitation/passkey", (*visit).enrol)
	c.open("POST "+Path+"invitation/password", (*visit).enrolByPassword)
	c.page("GET "+Path+"step-up", (*visit).stepUpPage)
	c.atHand("POST "+Path+"step-up", (*visit).stepUp)
	c.atHand("POST "+Path+"sign-out", (*visit).signOut)
}

const (
	signInTitle     = "Sign in"
	recoveryTitle   = "Use a recovery code"
	invitationTitle = "Take an invitation"
)

// ways are what somebody may sign in by.
type ways struct {
	Next     string
	Password *form
	Problem  *problem // of the passkey
}

func passwordForm(next string) *form {
	f := &form{Action: Path + "sign-in/password", Submit: "Sign in by password", Fields: []field{
		{Name: "login", Label: "Name", Kind: "text", Required: true, Most: 64, Auto: "username"},
		{Name: "password", Label: "Password", Kind: "password", Required: true, Most: 512, Auto: "current-password"},
		{Name: "code", Label: "Code", Hint: "The six digits that your authenticator app shows now.", Kind: "code", Required: true, Most: 6, Auto: "one-time-code"},
	}}
	f.hide("next", next)
	return f
}

func (v *visit) signInPage() error {
	return v.show("sign-in", page{Title: signInTitle, Script: true, Data: ways{Next: v.next(), Password: passwordForm(v.next())}})
}

// credential is what the browser showed, as it is.
func (v *visit) credential() (json.RawMessage, error) {
	raw := v.value("credential")
	if raw == "" || !json.Valid([]byte(raw)) {
		return nil, &problem{Status: http.StatusUnprocessableEntity, Detail: "No passkey was shown. Passkeys need a browser that has them, and script."}
	}
	return json.RawMessage(raw), nil
}

func (v *visit) signIn() error {
	shown, err := v.credential()
	if err == nil {
		_, err = v.ask(http.MethodPost, "/v1/auth/passkey", map[string]any{"credential": shown}, nil)
	}
	if p := signProblem(err); p != nil {
		return v.showAs(p.Status, "sign-in", page{Title: signInTitle, Script: true, Problem: p, Data: ways{Next: v.next(), Password: passwordForm(v.next()), Problem: p}})
	}
	if err != nil {
		return err
	}
	return v.to(v.next())
}

func (v *visit) signInByPassword() error {
	_, err := v.ask(http.MethodPost, "/v1/auth/password", api.PasswordSignIn{Login: strings.ToLower(v.value("login")), Password: v.form.Get("password"), Code: digits(v.value("code"))}, nil)
	if p := signProblem(err); p != nil {
		f := passwordForm(v.next())
		f.fill(v.form)
		f.Problem = p
		return v.showAs(p.Status, "sign-in", page{Title: signInTitle, Script: true, Problem: p, Data: ways{Next: v.next(), Password: f}})
	}
	if err != nil {
		return err
	}
	return v.to(v.next())
}

func digits(text string) string { return strings.ReplaceAll(text, " ", "") }

// signProblem is why nobody was signed in, in words that tell no more than the API does; nil if that is no matter of what was shown.
func signProblem(err error) *problem {
	var p *problem
	if !errors.As(err, &p) {
		return nil
	}
	switch {
	case p.is("sign-in-failed"), p.Status == http.StatusUnprocessableEntity && len(p.Errors) > 0, p.Status == http.StatusBadRequest:
		return &problem{Type: p.Type, Status: http.StatusUnauthorized, Detail: "Nobody is signed in by that. Look at it once more, or use another way."}
	case p.is("locked"):
		return &problem{Type: p.Type, Status: p.Status, again: p.again, Detail: "There were too many failures with that name from your network. Wait " + p.again + " seconds, or use a passkey."}
	case p.Status == http.StatusUnprocessableEntity, p.Status == http.StatusTooManyRequests, p.Status == http.StatusServiceUnavailable:
		return p
	}
	return nil
}

func recoveryForm() *form {
	return &form{Action: Path + "recovery", Submit: "Use the code", Fields: []field{
		{Name: "login", Label: "Name", Kind: "text", Required: true, Most: 64, Auto: "username"},
		{Name: "code", Label: "Recovery code", Hint: "One of the ten that you were shown when you enrolled. It is used up, and all your sessions end.", Kind: "text", Required: true, Most: 64, Auto: "off"},
	}}
}

// recover takes a recovery code, for an invitation.
func (v *visit) recover() error {
	var made api.Invited
	_, err := v.ask(http.MethodPost, "/v1/auth/recovery", api.Recovery{Login: strings.ToLower(v.value("login")), Code: v.value("code")}, &made)
	if p := signProblem(err); p != nil {
		f := recoveryForm()
		f.Fields[0].Value, f.Problem = v.value("login"), p
		return v.showAs(p.Status, "form-open", page{Title: recoveryTitle, Problem: p, Data: f})
	}
	if err != nil {
		return err
	}
	return v.showInvitation(made.Invitation, nil, nil)
}

func invitationForm() *form {
	return &form{Action: Path + "invitation", Submit: "Continue", Fields: []field{
		{Name: "invitation", Label: "Invitation", Hint: "It stands in the link behind the #. If you came by the link it is filled in already.", Kind: "text", Required: true, Most: 128, Auto: "off"},
	}}
}

// enrolment is what somebody who is invited may choose.
type enrolment struct {
	Invitation, Name, Login string
	Secret                  string // of the second factor, as people type it
	Code                    *square
	Passkey, Password       *form
}

func (v *visit) invited() error { return v.showInvitation(v.value("invitation"), nil, nil) }

// showInvitation shows what whoever is invited may enrol by, and why they did not, by one way or the other.
func (v *visit) showInvitation(token string, byPasskey, byPassword *problem) error {
	var asked api.InvitationAsked
	_, err := v.ask(http.MethodPost, "/v1/auth/invitation:begin", api.Invited{Invitation: token}, &asked)
	if p := signProblem(err); p != nil {
		f := invitationForm()
		f.Problem = &problem{Status: p.Status, Detail: "The invitation is not good: it may be used, replaced or older than a quarter of an hour. Ask for another one."}
		return v.showAs(p.Status, "invitation", page{Title: invitationTitle, Script: true, Problem: f.Problem, Data: f})
	}
	if err != nil {
		return err
	}
	e := enrolment{Invitation: token, Name: asked.Name, Login: asked.Login}
	if e.Secret, e.Code, err = secondFactor(asked.TOTP); err != nil {
		return err
	}
	e.Passkey = &form{Action: Path + "invitation/passkey", Submit: "Make a passkey", Fields: []field{passkeyName()}}
	e.Password = &form{Action: Path + "invitation/password", Submit: "Enrol by password", Fields: newPassword("")}
	for _, f := range []*form{e.Passkey, e.Password} {
		f.hide("invitation", token)
	}
	status, problem := http.StatusOK, byPasskey
	if byPasskey != nil {
		e.Passkey.fill(v.form)
		e.Passkey.blame(byPasskey)
	}
	if byPassword != nil {
		e.Password.blame(byPassword)
		problem = byPassword
	}
	if problem != nil {
		status = problem.Status
	}
	return v.showAs(status, "enrol", page{Title: "Welcome, " + asked.Name, Script: true, Problem: problem, Data: e})
}

func passkeyName() field {
	return field{Name: "name", Label: "What to call this passkey", Hint: "Such as the device that it is on.", Kind: "text", Value: "This device", Required: true, Most: 64, Auto: "off", Rule: "Give it a name of 1 to 64 characters."}
}

func newPassword(prefix string) []field {
	return []field{
		{Name: prefix + "password", Label: "New password", Hint: "15 to 128 characters; a few words that belong together for you alone are good.", Kind: "password", Required: true, Most: 512, Auto: "new-password"},
		{Name: prefix + "code", Label: "Code", Hint: "The six digits that your authenticator app shows now.", Kind: "code", Required: true, Most: 6, Auto: "one-time-code", Rule: "Six digits."},
	}
}

func (v *visit) enrol() error {
	shown, err := v.credential()
	if err == nil {
		err = v.enrolBy("/v1/auth/invitation", map[string]any{"invitation": v.value("invitation"), "name": v.value("name"), "credential": shown})
	}
	if p := enrolProblem(err); p != nil {
		return v.showInvitation(v.value("invitation"), p, nil)
	}
	return err
}

func (v *visit) enrolByPassword() error {
	err := v.enrolBy("/v1/auth/invitation:password", api.EnrolPassword{Invited: api.Invited{Invitation: v.value("invitation")}, PasswordWish: api.PasswordWish{Password: v.form.Get("password"), Code: digits(v.value("code"))}})
	if p := enrolProblem(err); p != nil {
		return v.showInvitation(v.value("invitation"), nil, p)
	}
	return err
}

// enrolProblem is why somebody could not enrol, if that is a matter of what they entered or showed.
func enrolProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) && (p.Status == http.StatusUnprocessableEntity || p.is("sign-in-failed") || p.Status == http.StatusConflict || p.Status == http.StatusServiceUnavailable) {
		return p
	}
	return nil
}

// enrolBy takes an invitation, and shows the recovery codes this once.
func (v *visit) enrolBy(path string, wish any) error {
	var in api.SignedIn
	if _, err := v.ask(http.MethodPost, path, wish, &in); err != nil {
		return err
	}
	v.me = new(api.Me)
	if _, err := v.get("/v1/me", v.me); err != nil {
		return err
	}
	return v.show("codes", page{Title: "Keep these codes", Data: in.Recovery})
}

func (v *visit) signOut() error {
	if _, err := v.ask(http.MethodPost, "/v1/auth/sign-out", nil, nil); err != nil {
		return err
	}
	return v.to(Path + "sign-in?done=signed-out")
}

// step is what goes on once a passkey was shown.
type step struct {
	To, Form, Next string
	Problem        *problem
}

func (v *visit) stepUpPage() error {
	return v.show("step-up", page{Title: "Show your passkey", Script: true, Data: step{Next: v.next()}})
}

// asksForPasskey asks for a passkey, and keeps the form that asked for it in the page meanwhile: no secret is in one, as those are asked for afterwards.
func (v *visit) asksForPasskey(to string, sent url.Values) error {
	s := step{Next: v.from()}
	if v.r.Method == http.MethodPost && !sent.Has("password") {
		s.To, s.Form = to, sent.Encode()
	}
	return v.showAs(http.StatusUnauthorized, "step-up", page{Title: "Show your passkey", Script: true, Data: s})
}

func (v *visit) stepUp() error {
	to, sent := v.value("to"), v.form.Get("form")
	shown, err := v.credential()
	if err == nil {
		_, err = v.ask(http.MethodPost, "/v1/auth/step-up", map[string]any{"credential": shown}, nil)
	}
	if p := signProblem(err); p != nil {
		if p.Status == http.StatusUnauthorized {
			p.Detail = "That passkey was not taken. Show one that you sign in by, once more."
		}
		return v.showAs(p.Status, "step-up", page{Title: "Show your passkey", Script: true, Problem: p, Data: step{To: to, Form: sent, Next: v.next(), Problem: p}})
	}
	if err != nil {
		return err
	}
	if sent == "" || !strings.HasPrefix(to, Path) || strings.HasPrefix(to, Path+"step-up") {
		return v.to(v.next())
	}
	form, err := url.ParseQuery(sent)
	if err != nil {
		return &problem{Status: http.StatusBadRequest, Detail: "The form could not be read again: nothing was done."}
	}
	v.again(to, form)
	return nil
}
