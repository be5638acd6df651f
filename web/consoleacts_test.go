package web_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authz"
)

// found is what a page says at a place that an expression names.
func (p page) found(t testing.TB, expression string) string {
	t.Helper()
	m := regexp.MustCompile(expression).FindStringSubmatch(p.Body.String())
	if m == nil {
		t.Fatalf("%s has nothing like %s:\n%s", p.path, expression, p.Body)
	}
	return m[1]
}

// TestConsoleOwnAccount: people add and remove passkeys, set a password and remove it, are given other codes, and end sessions elsewhere.
func TestConsoleOwnAccount(t *testing.T) {
	o := newOffice(t)
	ada := o.person(t, authz.Viewer)
	at := "/console/account"
	ada.sends(t, at+"/passkeys/"+ada.passkey+"/remove").is(t, 409)
	begun := answered[api.PasskeyAsked](t, ada.ask(t, "POST", "/v1/me/credentials:begin", ""), 200)
	other := ada.key.Copy()
	form := ada.opens(t, at).is(t, 200, "Your passkeys", "Laptop", "10 of 10 are left")
	ada.sends(t, at+"/passkeys", append(form.hidden("once"), "name", "", "credential", "")...).is(t, 422, "No passkey was shown")
	ada.sends(t, at+"/passkeys", append(form.hidden("once"), "name", "Spare", "credential", shownBy(t, other.Create, begun.Options.RawMessage))...).leads(t, at+"?done=added")
	ada.opens(t, at).is(t, 200, "Spare", "Laptop")
	ada.sends(t, at+"/passkeys/"+ada.passkey+"/remove").leads(t, at+"?done=removed")
	ada.opens(t, at).is(t, 200, "Spare").lacks(t, "Laptop")

	secret := strings.ReplaceAll(ada.opens(t, at+"/password").is(t, 200, "QR code").found(t, `type what it stands for: <code>([A-Z2-7 ]+)</code>`), " ", "")
	code, err := totp.GenerateCode(secret, o.clock)
	if err != nil {
		t.Fatal(err)
	}
	ada.sends(t, at+"/password", "password", "short", "code", code).is(t, 422, "Password and second factor").lacks(t, `value="short"`)
	ada.sends(t, at+"/password", "password", "several words of mine", "code", code).leads(t, at+"?done=changed")
	ada.opens(t, at).is(t, 200, "You have them, beside your passkeys.")
	second := &person{o: o}
	if code, err = totp.GenerateCode(secret, o.clock.Add(30*time.Second)); err != nil {
		t.Fatal(err)
	}
	second.sends(t, "/console/sign-in/password", "login", ada.login, "password", "several words of mine", "code", code[:3]+" "+code[3:], "next", at).leads(t, at)
	second.opens(t, at).is(t, 200, "password and code")
	second.opens(t, at+"/password").is(t, 403, "takes a passkey")
	ended := ada.opens(t, at).found(t, `action="/console/account/sessions/([a-z2-7]{16})/end"`)
	ada.sends(t, at+"/sessions/"+ended+"/end").leads(t, at+"?done=ended")
	second.opens(t, at).leads(t, "/console/sign-in")
	ada.sends(t, at+"/password/remove").leads(t, at+"?done=removed")
	ada.sends(t, at+"/recovery-codes").is(t, 200, "Keep these codes", "former ones are of no use")
}

// TestConsoleManages: where one person is enough, forms change people, clients, keys and limits at once; a form that is older than what it changes does not.
func TestConsoleManages(t *testing.T) {
	o := newOffice(t)
	off := false
	o.people.Second = &off
	ada := o.person(t, authz.Admin, authz.Viewer)
	carol := o.person(t, authz.Viewer)
	at := "/console/people/" + carol.id
	form := ada.opens(t, at+"/change").is(t, 200, carol.login).lacks(t, "Why it is needed")
	fields := append(form.hidden("version"), "name", "Carol", "login", "carol", "roles", "operator", "scope-entities", "Demo Exchange, Ltd.\nOther")
	ada.sends(t, at+"/change", fields...).leads(t, at+"?done=changed")
	ada.opens(t, at).is(t, 200, "operator", "Demo Exchange, Ltd.")
	ada.sends(t, at+"/change", fields...).is(t, 412, "changed meanwhile")
	ada.sends(t, at+"/disable").leads(t, at+"?done=disabled")
	carol.opens(t, "/console/").leads(t, "/console/sign-in")
	ada.sends(t, at+"/enable", ada.opens(t, at+"/enable").is(t, 200).hidden("once")...).leads(t, at+"?done=enabled")
	link := ada.sends(t, at+"/reset", ada.opens(t, at+"/reset").is(t, 200).hidden("once")...).is(t, 200, "An invitation for Carol").found(t, `console/invitation#([a-z2-7.]+)`)
	(&person{o: o}).sends(t, "/console/invitation", "invitation", link).is(t, 200, "Welcome, Carol")
	ada.sends(t, "/console/people/"+ada.id+"/disable").is(t, 403, "Not permitted")

	dave := o.person(t, authz.Viewer)
	of := "/console/people/" + dave.id
	session := ada.opens(t, of).found(t, `action="`+of+`/sessions/([a-z2-7]{16})/end"`)
	dave.sends(t, of+"/sessions/"+session+"/end").is(t, 403, "Not permitted")
	ada.sends(t, of+"/sessions/"+session+"/end").leads(t, of+"?done=ended")
	dave.opens(t, "/console/").leads(t, "/console/sign-in")
	ada.opens(t, of).is(t, 200, "Disable them").lacks(t, "/sessions/")

	client := ada.sends(t, "/console/clients/new", append(ada.opens(t, "/console/clients/new").hidden("once"), "name", "Mirror", "roles", "viewer", "tier", "standard")...).leads(t, "/console/clients/")
	at, _, _ = strings.Cut(client, "?")
	ada.sends(t, at+"/change", append(ada.opens(t, at+"/change").is(t, 200).hidden("version"), "name", "Mirrors", "roles", "viewer", "tier", "partner")...).leads(t, at+"?done=changed")
	key := ada.opens(t, at+"/key").is(t, 200, "run:read")
	ada.sends(t, at+"/key", append(key.hidden("once"), "name", "reads", "permissions", "run:read", "days", "many")...).is(t, 422, "1 to 365.")
	ada.sends(t, at+"/key", append(key.hidden("once"), "name", "reads", "permissions", "run:read", "days", "10")...).is(t, 200, "The key, this once")
	one := "/console/keys/" + ada.opens(t, at).is(t, 200, "Mirrors", "partner").found(t, `/console/keys/([a-z2-7]{16})`)
	ada.sends(t, one+"/rotate", append(ada.opens(t, one+"/rotate").is(t, 200).hidden("once"), "days", "10", "overlap", "2")...).is(t, 200, "The key, this once")
	ada.opens(t, one).is(t, 200, "The former one until", "Mirrors")
	ada.sends(t, at+"/disable").leads(t, at+"?done=disabled")

	at = "/console/limits/runs"
	form = ada.opens(t, at).is(t, 200)
	ada.sends(t, at, append(form.hidden("version"), "policy", "often")...).is(t, 422, `aria-invalid="true"`, `value="often"`)
	ada.sends(t, at, append(form.hidden("version"), "policy", "9/min")...).leads(t, "/console/limits?done=changed")
	ada.opens(t, "/console/limits").is(t, 200, "9/min")
}

// TestConsoleReports: a publisher asks for a withdrawal and says why; an operator asks for a report, and cancels it; an auditor hands in what they signed.
func TestConsoleReports(t *testing.T) {
	o := newOffice(t)
	publisher, operator, auditor := o.person(t, authz.Publisher), o.person(t, authz.Operator), o.person(t, authz.Auditor)
	at := "/console/reports/" + o.last.Digest.String()
	form := publisher.opens(t, at).is(t, 200, "Withdraw it", "What the log says")
	publisher.sends(t, at+"/withdraw", append(form.hidden("once")[:2], "reason", "")...).is(t, 422, `<a href="#reason">`, "Say why")
	publisher.sends(t, at+"/withdraw", append(form.hidden("once")[:2], "reason", "A wallet was counted twice.")...).leads(t, "/console/runs/")
	operator.opens(t, at).is(t, 200).lacks(t, "Withdraw it")
	operator.sends(t, at+"/withdraw", "once", strings.Repeat("a", 24), "reason", "x").is(t, 403, "needs report:withdraw")
	form = auditor.opens(t, at).is(t, 200, "Hand in a finding")
	auditor.sends(t, at+"/findings", append(form.hidden("once"), "envelope", strangerEnvelope)...).is(t, 422)
	run := operator.sends(t, "/console/runs/new", append(operator.opens(t, "/console/runs/new").hidden("once"), "period", "2026-12", "unsigned", "yes")...).leads(t, "/console/runs/")
	at, _, _ = strings.Cut(run, "?")
	operator.opens(t, run).is(t, 200, "The run was asked for.", "Cancel the run")
	operator.sends(t, at+"/cancel").leads(t, at+"?done=cancelled")
	operator.opens(t, at).is(t, 200, "cancelled").lacks(t, "Cancel the run", "Follow it live")
	operator.sends(t, at+"/resume").is(t, 409)
}
