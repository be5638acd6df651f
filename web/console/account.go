package console

import (
	"encoding/json"
	"net/http"

	"github.com/assay-por/assay/web/api"
)

// accountRoutes add what people see and change of themselves.
func (c *Console) accountRoutes() {
	c.page("GET "+Path+"account", func(v *visit) error { return v.account(nil) })
	c.page("POST "+Path+"account/passkeys", (*visit).addPasskey)
	c.page("POST "+Path+"account/passkeys/{id}/remove", func(v *visit) error {
		return v.acts("/v1/me/credentials/"+v.part("id")+":remove", nil, Path+"account", "removed")
	})
	c.page("POST "+Path+"account/sessions/{id}/end", func(v *visit) error {
		return v.acts("/v1/me/sessions/"+v.part("id")+":end", nil, Path+"account", "ended")
	})
	c.page("GET "+Path+"account/password", func(v *visit) error { return v.password(nil) })
	c.page("POST "+Path+"account/password", (*visit).setPassword)
	c.page("POST "+Path+"account/password/remove", func(v *visit) error {
		return v.acts("/v1/me/password:remove", nil, Path+"account", "removed")
	})
	c.page("POST "+Path+"account/recovery-codes", (*visit).renewCodes)
}

// accountPage is what people have of their own.
type accountPage struct {
	api.Factors
	Sessions []api.Session
	Passkey  *form
}

// account shows it, with why a passkey was not added, if so.
func (v *visit) account(p *problem) error {
	var out accountPage
	if _, err := v.get("/v1/me/credentials", &out.Factors); err != nil {
		return err
	}
	var all api.Sessions
	if _, err := v.get("/v1/me/sessions", &all); err != nil {
		return err
	}
	out.Sessions = all.Sessions
	out.Passkey = &form{Action: Path + "account/passkeys", Submit: "Add a passkey", Fields: []field{passkeyName()}}
	if err := v.named(out.Passkey); err != nil {
		return err
	}
	status := http.StatusOK
	if p != nil {
		status = p.Status
		out.Passkey.fill(v.form)
		out.Passkey.blame(p)
	}
	return v.showAs(status, "account", page{Title: "Account", Script: true, Data: out, Problem: p})
}

func (v *visit) addPasskey() error {
	shown, err := v.credential()
	if err == nil {
		_, err = v.ask(http.MethodPost, "/v1/me/credentials", map[string]any{"name": v.value("name"), "credential": shown}, nil, "Idempotency-Key", v.value("once"))
	}
	if p := enrolProblem(err); p != nil {
		return v.account(p)
	}
	if err != nil {
		return err
	}
	return v.to(Path + "account?done=added")
}

// passwordPage asks for a new password, and shows the second factor that goes with it.
type passwordPage struct {
	Secret string
	Code   *square
	Form   *form
}

func (v *visit) password(p *problem) error {
	if v.me.Session == nil || v.me.Session.Class != "phr" {
		return &problem{Status: http.StatusForbidden, Detail: "To set a password takes a passkey: sign in by one. If you have none, another administrator resets what you sign in by, or use a recovery code."}
	}
	var asked api.TOTPAsked
	if _, err := v.ask(http.MethodPost, "/v1/me/password:begin", nil, &asked); err != nil {
		return err
	}
	out := passwordPage{Form: &form{Action: Path + "account/password", Submit: "Set it", Fields: newPassword("")}}
	var err error
	if out.Secret, out.Code, err = secondFactor(asked.TOTP); err != nil {
		return err
	}
	status := http.StatusOK
	if p != nil {
		status = p.Status
		out.Form.blame(p)
	}
	return v.showAs(status, "password", page{Title: "Password and second factor", Data: out, Problem: p})
}

func (v *visit) setPassword() error {
	_, err := v.ask(http.MethodPost, "/v1/me/password", api.PasswordWish{Password: v.form.Get("password"), Code: digits(v.value("code"))}, nil)
	if p := enrolProblem(err); p != nil {
		return v.password(p)
	}
	if err != nil {
		return err
	}
	return v.to(Path + "account?done=changed")
}

func (v *visit) renewCodes() error {
	return v.does(deed{path: "/v1/me/recovery-codes", done: func(raw []byte) error {
		var all api.RecoveryCodes
		if err := json.Unmarshal(raw, &all); err != nil {
			return err
		}
		return v.show("codes", page{Title: "Keep these codes", Data: all.Recovery})
	}})
}

// overviewPage is what waits for whoever looks.
type overviewPage struct {
	Waiting   []api.Run
	Running   []api.Run
	Proposals []proposed
	Newest    *api.Summary
	MayRuns   bool
	MayPeople bool
}

func (v *visit) overview() error {
	out := overviewPage{MayRuns: v.may("run:read"), MayPeople: v.may("client:read")}
	if out.MayRuns {
		var waiting, running api.Runs
		if _, err := v.get("/v1/runs?state=waiting&limit=10", &waiting); err != nil {
			return err
		}
		if _, err := v.get("/v1/runs?state=running&limit=10", &running); err != nil {
			return err
		}
		out.Waiting, out.Running = waiting.Runs, running.Runs
	}
	if out.MayPeople {
		var all api.Proposals
		if _, err := v.get("/v1/proposals?limit=50", &all); err != nil {
			return err
		}
		for _, p := range v.proposedBy(all.Proposals) {
			if p.State == "open" {
				out.Proposals = append(out.Proposals, p)
			}
		}
	}
	var reports api.Reports
	if _, err := v.get("/v1/reports?limit=1", &reports); err == nil && len(reports.Reports) > 0 {
		out.Newest = &reports.Reports[0]
	}
	return v.show("overview", page{Title: "Overview", Data: out})
}
