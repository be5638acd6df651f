package web_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/runs"
	"github.com/assay-por/assay/web/store"
)

// drafted is a run of which a draft waits that one key has to sign: it follows the newest report, of which it says something else.
func (o *office) drafted(t testing.TB) (id, draft string, key *keys.Signer) {
	t.Helper()
	key, err := keys.GenerateSigner(rand.Reader, attest.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	s := o.last.Statement
	p := &s.Predicate
	if p.Approvals, err = report.NewApprovals(1, key.PublicKey()); err != nil {
		t.Fatal(err)
	}
	p.Series.Number, p.Series.Previous, p.Scope.Encumbrances = p.Series.Number+1, &o.last.Digest, "Nothing is pledged & all is here."
	raw, err := attest.Canonical(s)
	if err != nil {
		t.Fatal(err)
	}
	w := runs.Worker{Store: o.maker.Keys, Name: "worker", Now: func() time.Time { return o.clock }}
	who := o.asker(t, authz.Operator)
	run := o.change(t, func(ctx context.Context, tx *store.Tx) (store.Run, error) {
		return runs.Ask(ctx, tx, runs.Asker{Client: who.client, Credential: who.key, ID: strings.Repeat("d", 16), At: o.clock}, runs.Wish{Period: "2026-12"})
	})
	for _, do := range []func() error{
		func() error { _, err := w.Claim(t.Context()); return err },
		func() error { return w.Stage(t.Context(), run.ID, "snapshot: taken") },
		func() error { _, err := w.Drafted(t.Context(), run.ID, raw); return err },
		func() error {
			return w.Wait(t.Context(), run.ID, "waiting for approvals of the draft: 0 of 1 are there", time.Time{})
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	return run.ID, runs.Digest(raw), key
}

// TestConsolePages: everybody sees every page that the API lets them see, and of every other one a plain page that says so.
func TestConsolePages(t *testing.T) {
	o := newOffice(t)
	ada, bob := o.person(t, authz.Admin), o.person(t, authz.Admin)
	id, _, _ := o.drafted(t)
	machine := o.client(t, authz.Scope{Entities: []string{"Demo Exchange Ltd"}}, authz.Service)
	key := o.keyOf(t, o.client(t, authz.Scope{}, authz.Viewer)).key
	proposal := ada.proposes(t, "person-reset", o.person(t, authz.Viewer).id, "", "").ID
	statement := o.first.Digest.String()
	all := map[string]string{ // to what it takes
		"/console/": "", "/console/account": "", "/console/account/password": "", "/console/reports": "", "/console/reports/" + statement: "", "/console/usage": "", "/console/step-up": "",
		"/console/runs": "run:read", "/console/runs?state=waiting": "run:read", "/console/runs/" + id: "run:read", "/console/runs/" + id + "?follow": "run:read", "/console/runs/" + id + "/draft": "run:read",
		"/console/proposals": "client:read", "/console/proposals/" + proposal: "client:read", "/console/clients": "client:read", "/console/clients/" + machine.ID: "client:read", "/console/keys/" + key: "client:read",
		"/console/clients/" + machine.ID + "/change": "client:write", "/console/clients/" + machine.ID + "/key": "key:write", "/console/clients/" + machine.ID + "/enable": "client:write", "/console/keys/" + key + "/rotate": "key:write",
		"/console/runs/new": "run:start", "/console/clients/new": "client:write", "/console/people/new": "client:write",
		"/console/people": "client:read", "/console/people/" + bob.id: "client:read", "/console/people/" + bob.id + "/change": "client:write", "/console/people/" + bob.id + "/reset": "client:write", "/console/people/" + bob.id + "/enable": "client:write",
		"/console/limits": "limit:read", "/console/limits/runs": "limit:write", "/console/audit": "audit:read",
	}
	for _, role := range authz.Roles() {
		if role == authz.Service || role == authz.Delegate { // no person has them
			continue
		}
		p := o.person(t, role)
		for path, needed := range all {
			got := p.opens(t, path)
			switch may := needed == "" || slices.Contains(authz.Of(role), authz.Permission(needed)); {
			case may:
				got.is(t, 200)
			case needed == "client:read" && (strings.HasPrefix(path, "/console/keys/") || strings.HasPrefix(path, "/console/clients/")):
				got.is(t, 404, "Not found") // who may not see it is not told that it is there
			default:
				got.is(t, 403, "Not permitted", "needs "+needed)
			}
			for path, needed := range map[string]string{"/console/runs": "run:read", "/console/people": "client:read", "/console/audit": "audit:read", "/console/limits": "limit:read"} {
				if shown := strings.Contains(got.Body.String(), `href="`+path+`"`); shown && !slices.Contains(authz.Of(role), authz.Permission(needed)) {
					t.Errorf("%s is shown the way to %s", role, path)
				}
			}
		}
		p.opens(t, "/console/no/such/page").is(t, 404, "There is no such page.")
	}
	stranger := &person{o: o}
	for path := range all {
		stranger.opens(t, path).leads(t, "/console/sign-in")
	}
	for _, path := range []string{"/console/sign-in", "/console/recovery", "/console/invitation"} {
		stranger.opens(t, path).is(t, 200).lacks(t, "<nav")
	}
}

// TestConsoleForms: a form that no page of this very server sent does nothing, whoever's session it comes with.
func TestConsoleForms(t *testing.T) {
	o := newOffice(t)
	off := false
	o.people.Second = &off
	ada := o.person(t, authz.Admin)
	send := func(change func(*http.Request)) page {
		r := httptest.NewRequest(http.MethodPost, "https://x.example/console/clients/new", strings.NewReader("name=Backend&roles=service&tier=standard&once=aaaaaaaaaaaaaaaaaaaaaaaa"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r)
		return ada.goes(t, r, "/console/clients/new")
	}
	for name, headers := range map[string][]string{
		"without Origin":       {},
		"without Origin, same": {"Sec-Fetch-Site", "same-origin"},
		"of nobody":            {"Origin", "null", "Sec-Fetch-Site", "same-origin"},
		"of elsewhere":         {"Origin", "https://evil.example"},
		"of a neighbour":       {"Origin", "https://y.x.example", "Sec-Fetch-Site", "same-site"},
		"without TLS":          {"Origin", "http://x.example"},
		"that says so itself":  {"Origin", "https://x.example", "Sec-Fetch-Site", "cross-site"},
	} {
		t.Run(name, func(t *testing.T) {
			send(func(r *http.Request) {
				for i := 0; i < len(headers); i += 2 {
					r.Header.Set(headers[i], headers[i+1])
				}
			}).is(t, 403, "not sent by a page of this console: nothing was done")
		})
	}
	ada.opens(t, "/console/clients").lacks(t, "Backend")
	send(func(r *http.Request) { r.Header.Set("Origin", "https://x.example") }).leads(t, "/console/clients/")
	ada.opens(t, "/console/clients").is(t, 200, "Backend")
	large := strings.Repeat("x", 70<<10)
	ada.sends(t, "/console/clients/new", "name", large).is(t, 400, "too large")
}

// TestConsoleSignsIn: by password and code, by passkey, by a recovery code; what is wrong is told in one sentence that does not say what.
func TestConsoleSignsIn(t *testing.T) {
	o := newOffice(t)
	ada, invitation := o.invite(t, authz.Admin)
	ada.sends(t, "/console/invitation", "invitation", "none").is(t, 401, "The invitation is not good")
	welcome := ada.sends(t, "/console/invitation", "invitation", invitation).is(t, 200, "Welcome, [admin]", "QR code of the second factor", ada.login)
	asked := answered[api.InvitationAsked](t, ada.ask(t, "POST", "/v1/auth/invitation:begin", `{"invitation":"`+invitation+`"}`), 200)
	ada.sends(t, "/console/invitation/passkey", append(welcome.hidden("invitation")[:2], "name", "Laptop", "credential", "")...).is(t, 422, "No passkey was shown")
	ada.sends(t, "/console/invitation/password", "invitation", invitation, "password", "short", "code", "000000").is(t, 422, "Welcome")
	codes := ada.sends(t, "/console/invitation/passkey", "invitation", invitation, "name", "Laptop", "credential", shownBy(t, ada.key.Create, asked.Options.RawMessage)).is(t, 200, "Keep these codes", "not shown again")
	all := regexp.MustCompile(`<li><code>([a-z2-7-]+)</code>`).FindAllStringSubmatch(codes.Body.String(), -1)
	if len(all) != 10 || ada.cookie == "" {
		t.Fatalf("%d codes, cookie %q", len(all), ada.cookie)
	}
	out := ada.sends(t, "/console/sign-out")
	out.leads(t, "/console/sign-in")
	if ada.cookie != "" {
		t.Error("the cookie is there still")
	}
	ada.opens(t, "/console/people").leads(t, "/console/sign-in?next=%2Fconsole%2Fpeople")
	begun := answered[api.PasskeyAsked](t, ada.ask(t, "POST", "/v1/auth/passkey:begin", ""), 200)
	for next, want := range map[string]string{"/console/people": "/console/people", "https://evil.example/console/": "/console/", "//evil.example/console/": "/console/", "/v1/me": "/console/", "/console/../v1/me": "/console/"} {
		page := ada.opens(t, "/console/sign-in?next="+url.QueryEscape(next)).is(t, 200)
		if got := page.hidden("next"); len(got) < 2 || got[1] != want {
			t.Errorf("after %s to %v, want %s", next, got, want)
		}
	}
	ada.sends(t, "/console/sign-in", "credential", someAnswer).is(t, 401, "Nobody is signed in by that")
	ada.sends(t, "/console/sign-in", "credential", "no json").is(t, 422, "No passkey was shown")
	ada.sends(t, "/console/sign-in", "next", "/console/people", "credential", shownBy(t, ada.key.Get, begun.Options.RawMessage)).leads(t, "/console/people")
	ada.opens(t, "/console/people").is(t, 200)
	ada.sends(t, "/console/sign-out")
	for range 5 {
		ada.sends(t, "/console/sign-in/password", "login", ada.login, "password", "wrong horse battery", "code", "000 000").is(t, 401, "Nobody is signed in by that", ada.login).lacks(t, "wrong horse")
	}
	ada.sends(t, "/console/sign-in/password", "login", ada.login, "password", "wrong horse battery", "code", "000000").is(t, 429, "too many failures")
	o.clock = o.clock.Add(10 * time.Minute)
	ada.sends(t, "/console/recovery", "login", ada.login, "code", all[0][1]).is(t, 200, "Welcome, [admin]")
}

// TestConsoleStepsUp: what takes a fresh passkey asks for it, and goes on with the form that was sent, once.
func TestConsoleStepsUp(t *testing.T) {
	o := newOffice(t)
	off := false
	o.people.Second = &off
	ada := o.person(t, authz.Admin)
	o.clock = o.clock.Add(authn.Fresh + time.Second)
	form := ada.opens(t, "/console/clients/new").is(t, 200)
	asked := ada.sends(t, "/console/clients/new", append(form.hidden("once"), "name", "Backend & sons", "roles", "viewer", "roles", "auditor", "tier", "basic", "expires", "2027-01-01T00:00:00Z")...).is(t, 401, "Show your passkey", "Your form is kept", `<a href="/console/">Rather not`)
	ada.opens(t, "/console/clients").is(t, 200).lacks(t, "Backend")
	ada.sends(t, "/console/step-up", append(asked.hidden("to", "form"), "credential", someAnswer)...).is(t, 401, "Show your passkey", "That passkey was not taken")
	begun := answered[api.PasskeyAsked](t, ada.ask(t, "POST", "/v1/auth/step-up:begin", ""), 200)
	before := ada.cookie
	made := ada.sends(t, "/console/step-up", append(asked.hidden("to", "form"), "credential", shownBy(t, ada.key.Get, begun.Options.RawMessage))...).leads(t, "/console/clients/")
	if ada.cookie == before {
		t.Error("the session has the cookie of before")
	}
	ada.opens(t, made).is(t, 200, "Backend & sons", "viewer, auditor", "basic", "It was made.")
	for to, want := range map[string]string{"https://evil.example/": "/console/", "/console/step-up": "/console/", "/v1/clients": "/console/"} {
		begun = answered[api.PasskeyAsked](t, ada.ask(t, "POST", "/v1/auth/step-up:begin", ""), 200)
		ada.sends(t, "/console/step-up", "to", to, "form", "name=x", "credential", shownBy(t, ada.key.Get, begun.Options.RawMessage)).leads(t, want)
	}
	o.clock = o.clock.Add(authn.Fresh + time.Second)
	ada.sends(t, "/console/account/password", "password", "a password of many words", "code", "123456").is(t, 401, "Show your passkey").lacks(t, "a password of many words")
}

// TestConsoleTwoPeople: one proposes in a form, another confirms on its page, who is shown this once what is shown once.
func TestConsoleTwoPeople(t *testing.T) {
	o := newOffice(t)
	ada, bob := o.person(t, authz.Admin), o.person(t, authz.Admin)
	form := ada.opens(t, "/console/people/new").is(t, 200, "This takes two people", "Why it is needed").lacks(t, "service")
	wrong := ada.sends(t, "/console/people/new", append(form.hidden("once"), "name", "Carol <b>", "login", "x y", "roles", "viewer", "reason", "She begins.")...)
	wrong.is(t, 422, `value="Carol <b>"`, `aria-invalid="true"`, `aria-describedby="login-hint login-error"`, `<a href="#login">`, "2 to 64 letters").lacks(t, "<b>, ")
	at := ada.sends(t, "/console/people/new", append(wrong.hidden("once"), "name", "Carol", "login", "carol", "roles", "viewer", "reason", "She begins.")...).leads(t, "/console/proposals/")
	ada.opens(t, at).is(t, 200, "It was proposed", "Take it back", "She begins.", "carol").lacks(t, ">Confirm<")
	proposal := bob.opens(t, at).is(t, 200, ">Confirm<", "The change, exactly as it will be done")
	path, _, _ := strings.Cut(at, "?")
	bob.sends(t, path+"/confirm", "digest", strings.Repeat("0", 64)).is(t, 409, "another change")
	shown := bob.sends(t, path+"/confirm", proposal.hidden("digest")...).is(t, 200, "An invitation for Carol", "https://x.example/console/invitation#", "not shown again")
	token := regexp.MustCompile(`invitation#([a-z2-7.]+)`).FindStringSubmatch(shown.Body.String())[1]
	bob.opens(t, at).is(t, 200, "Confirmed", "by you").lacks(t, token)
	(&person{o: o}).sends(t, "/console/invitation", "invitation", token).is(t, 200, "Welcome, Carol")
	ada.opens(t, "/console/").is(t, 200, "None waits.")

	client := o.client(t, authz.Scope{}, authz.Admin)
	form = ada.opens(t, "/console/clients/"+client.ID+"/key").is(t, 200, "client:read")
	at = ada.sends(t, "/console/clients/"+client.ID+"/key", append(form.hidden("once"), "name", "backup", "permissions", "client:read", "days", "30", "networks", "192.0.2.0/24", "reason", "It reads.")...).leads(t, "/console/proposals/")
	path, _, _ = strings.Cut(at, "?")
	shown = bob.sends(t, path+"/confirm", bob.opens(t, at).is(t, 200, "192.0.2.0/24", "Waits for another person"[6:]).hidden("digest")...).is(t, 200, "The key, this once", "Assay-Key")
	secret := regexp.MustCompile(`<p class="secret"><code>([^<]+)</code>`).FindStringSubmatch(shown.Body.String())[1]
	if strings.Contains(o.log.String(), secret) || strings.Contains(o.recorded(t), secret) {
		t.Error("the secret stands in a log")
	}
	kept := ada.opens(t, "/console/clients/"+client.ID).is(t, 200, "backup", "secret").lacks(t, secret)
	key := regexp.MustCompile(`/console/keys/([a-z2-7]{16})`).FindStringSubmatch(kept.Body.String())[1]
	ada.sends(t, "/console/keys/"+key+"/revoke").leads(t, "/console/keys/"+key)
	ada.opens(t, "/console/keys/"+key+"?done=revoked").is(t, 200, "revoked", "The key was revoked.")

	form = ada.opens(t, "/console/limits/runs").is(t, 200, "Policy")
	at = ada.sends(t, "/console/limits/runs", append(form.hidden("once", "version"), "policy", "9/min", "reason", "Too few.")...).leads(t, "/console/proposals/")
	path, _, _ = strings.Cut(at, "?")
	bob.sends(t, path+"/reject").leads(t, path+"?done=rejected")
	ada.opens(t, "/console/people/"+bob.id).is(t, 200, "Disable them")
	ada.sends(t, "/console/people/"+bob.id+"/disable").leads(t, "/console/people/"+bob.id)
	bob.opens(t, "/console/").leads(t, "/console/sign-in")
}

// TestConsoleDraft: who reads a draft sees who is missing, hands in what an approver signed, and publishes this very draft.
func TestConsoleDraft(t *testing.T) {
	o := newOffice(t)
	p := o.person(t, authz.Publisher)
	id, draft, key := o.drafted(t)
	base := "/console/runs/" + id
	p.opens(t, "/console/").is(t, 200, base)
	p.opens(t, base+"/draft").is(t, 200, "1 more approval is needed", "missing", key.PublicKey().KeyID(), "It can be published once enough people approved it", "It is a statement as the specification has it", "Coverage",
		"Differences to the statement of "+o.last.Statement.Predicate.Snapshot.Period, "encumbrances", "Nothing is pledged & all is here.", "approver", "was not there").lacks(t, "Publish it")
	file := p.opens(t, base+"/draft.json")
	if file.Code != 200 || file.Header().Get("Content-Disposition") == "" {
		t.Fatalf("%d %v", file.Code, file.Header())
	}
	e, err := attest.Sign(attest.PayloadType, file.Body.Bytes(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	p.sends(t, base+"/approvals", "envelope", "no file").is(t, 422, "Choose the file that was signed")
	p.sends(t, base+"/approvals", "envelope", strangerEnvelope).is(t, 409)
	p.sends(t, base+"/publish", "draft", draft).is(t, 409)
	p.sends(t, base+"/approvals", "envelope", string(raw)).leads(t, base+"/draft?done=approved")
	form := p.opens(t, base+"/draft?done=approved").is(t, 200, "Enough people approved it", "Publish it", "The approval was taken.")
	p.sends(t, base+"/publish", "draft", strings.Repeat("0", 64)).is(t, 409)
	p.sends(t, base+"/publish", form.hidden("draft")...).leads(t, base+"?done=published")
	p.opens(t, base+"?done=published").is(t, 200, "to be published", "Follow it live").lacks(t, "Cancel the run")
	live := p.opens(t, base+"?follow").is(t, 200, "Stop following")
	if want := "1; url=" + base + "?follow="; !strings.HasPrefix(live.Header().Get("Refresh"), want) {
		t.Errorf("Refresh: %q", live.Header().Get("Refresh"))
	}
	after := strings.TrimPrefix(live.Header().Get("Refresh"), "1; url="+base+"?follow=")
	p.opens(t, fmt.Sprintf("%s?follow=%d", base, 0)).is(t, 200, "Stop following")
	if after == "" || after == "0" {
		t.Errorf("after %q", after)
	}
}

// TestConsoleAuditLog: the newest rows come first, and the pages lead to the oldest one, each row once.
func TestConsoleAuditLog(t *testing.T) {
	o := newOffice(t)
	ada := o.person(t, authz.Admin)
	for range 120 {
		o.client(t, authz.Scope{}, authz.Viewer)
	}
	newest, err := o.maker.Keys.NewestEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row, want := regexp.MustCompile(`<th scope="row" class="num">([0-9]+)</th>`), newest.Seq
	pages := 0
	for path := "/console/audit"; path != ""; pages++ {
		got := ada.opens(t, path).is(t, 200, "Rows of the audit log, newest first")
		for _, m := range row.FindAllStringSubmatch(got.Body.String(), -1) {
			if m[1] != fmt.Sprint(want) {
				t.Fatalf("row %s, want %d", m[1], want)
			}
			want--
		}
		path = ""
		if m := regexp.MustCompile(`<a href="([^"]+)" rel="next">`).FindStringSubmatch(got.Body.String()); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if want != 0 || pages < 3 {
		t.Errorf("%d rows were not shown, on %d pages", want, pages)
	}
	ada.opens(t, "/console/audit?cursor=forged").is(t, 422)
}

// TestAuditNewestFirst: in whichever order they are asked for, who sees some reports alone is shown the rows about these, each once.
func TestAuditNewestFirst(t *testing.T) {
	o := newOffice(t)
	narrow := o.keyOf(t, o.client(t, authz.Scope{Reports: []string{o.first.Digest.String()}}, authz.Auditor))
	for i := range 12 {
		object := []report.Digest{o.first.Digest, o.last.Digest}[i%2].String()
		err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return audit.Record(ctx, tx, audit.Act{At: o.clock, Action: "report.publish", Object: object, Outcome: audit.Done})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rows := func(order string) (all []int64) {
		for path := "/v1/audit?limit=4&order=" + order; path != ""; {
			page := answered[api.Events](t, narrow.ask(t, "GET", path, ""), 200)
			for _, e := range page.Events {
				if all = append(all, e.Seq); e.Object != o.first.Digest.String() {
					t.Errorf("%s: a row about %s", order, e.Object)
				}
			}
			if path = ""; page.Next != "" {
				path = "/v1/audit?limit=4&order=" + order + "&cursor=" + page.Next
			}
		}
		return all
	}
	oldest, newest := rows("oldest"), rows("newest")
	slices.Reverse(newest)
	if len(oldest) != 6 || !slices.Equal(oldest, newest) {
		t.Errorf("oldest first %v, newest first %v from behind", oldest, newest)
	}
	if got := narrow.ask(t, "GET", "/v1/audit?order=none", ""); got.Code != 422 {
		t.Errorf("another order: %d", got.Code)
	}
}
