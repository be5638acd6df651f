package web_test

import (
	"crypto/rand"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/anomaly"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// suspicious is an office that notices what stands out. Its findings are in force once it has looked.
func suspicious(t *testing.T) (*office, *anomaly.Watch) {
	t.Helper()
	var w *anomaly.Watch
	o := newOffice(t, func(c *web.Config) {
		var err error
		w, err = anomaly.New(t.Context(), anomaly.Config{Store: c.Acts.Store, Key: []byte("a test's"), Random: rand.Reader, Now: c.Acts.Now, Weigh: c.Limits.Weigh, Fault: func(err error) { t.Error(err) }})
		if err != nil {
			t.Fatal(err)
		}
		c.Anomalies = w
	})
	return o, w
}

// TestAnomaliesAtTheDoor: what is held, suspended or locked is refused, signed, with a problem of its own or the one of any bad credential, and on record; what is
// at hand for whoever is stopped is not. A person undoes it.
func TestAnomaliesAtTheDoor(t *testing.T) {
	o, w := suspicious(t)
	admin := o.person(t, authz.Admin)
	operator := o.asker(t, authz.Operator)
	own := func(a *asker) string { return "/v1/keys/" + a.key + ":revoke" }
	for name, tt := range map[string]struct {
		about       func(a *asker) store.Anomaly
		write, read int
		problem     string
		revoke      int
	}{
		"hold": {func(a *asker) store.Anomaly {
			return store.Anomaly{Rule: "origin", Client: a.client, Network: "192.0.2.0/24", Action: "hold"}
		}, 403, 200, "held", 200},
		"hold, elsewhere": {func(a *asker) store.Anomaly {
			return store.Anomaly{Rule: "origin", Client: a.client, Network: "198.51.100.0/24", Action: "hold"}
		}, 201, 200, "", 200},
		"hold, everywhere": {func(a *asker) store.Anomaly { return store.Anomaly{Rule: "origin", Client: a.client, Action: "hold"} }, 403, 200, "held", 200},
		"suspend": {func(a *asker) store.Anomaly {
			return store.Anomaly{Rule: "dormant", Client: a.client, Credential: a.key, Action: "suspend"}
		}, 403, 403, "suspended", 200},
		"lock": {func(a *asker) store.Anomaly {
			return store.Anomaly{Rule: "failures", Client: a.client, Credential: a.key, Network: "192.0.2.0/24", Action: "lock", Until: o.clock.Add(time.Hour)}
		}, 401, 401, "credential-invalid", 401},
		"alert": {func(a *asker) store.Anomaly { return store.Anomaly{Rule: "mix", Client: a.client, Action: "alert"} }, 201, 200, "", 200},
		"halve": {func(a *asker) store.Anomaly { return store.Anomaly{Rule: "burst", Client: a.client, Action: "halve"} }, 201, 200, "", 200},
	} {
		a := o.asker(t, authz.Operator)
		id := o.finding(t, tt.about(a))
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		write := a.ask(t, "POST", "/v1/runs", `{"period":"2026-12"}`)
		if write.Code != tt.write {
			t.Errorf("%s: a write: %d %s", name, write.Code, write.Body)
		}
		if tt.problem != "" {
			if kind, _ := problem(t, write); kind != "/problems/"+tt.problem {
				t.Errorf("%s: %s", name, kind)
			}
		}
		if got := a.ask(t, "GET", "/v1/me", ""); got.Code != tt.read {
			t.Errorf("%s: a read: %d %s", name, got.Code, got.Body)
		}
		if got := admin.ask(t, "POST", "/v1/anomalies/"+id+":undo", ""); got.Code != 200 || !strings.Contains(got.Body.String(), `"state":"undone"`) {
			t.Errorf("%s: undone: %d %s", name, got.Code, got.Body)
		}
		if got := admin.ask(t, "POST", "/v1/anomalies/"+id+":undo", ""); got.Code != 409 {
			t.Errorf("%s: undone twice: %d", name, got.Code)
		}
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := a.ask(t, "GET", "/v1/me", ""); got.Code != 200 {
			t.Errorf("%s: once it is undone: %d", name, got.Code)
		}
		o.finding(t, tt.about(a))
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := a.ask(t, "POST", own(a), ""); got.Code != tt.revoke {
			t.Errorf("%s: a key that ends itself: %d %s", name, got.Code, got.Body)
		}
	}
	if got := operator.ask(t, "GET", "/v1/me", ""); got.Code != 200 {
		t.Errorf("somebody else: %d", got.Code)
	}
	seen := map[string]int{}
	rows, err := o.maker.Keys.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		e, err := audit.Read(row)
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Action+" "+e.Outcome]++
	}
	if seen["hold denied"] < 2 || seen["suspend denied"] < 2 || seen["anomaly.undo done"] != 7 {
		t.Errorf("on record: %v", seen)
	}
}

// TestSuspendedEndsNoOthers: a key that is suspended, or held, ends itself and not the keys of others, whatever it may else.
func TestSuspendedEndsNoOthers(t *testing.T) {
	o, w := suspicious(t)
	thief, other, held := o.asker(t, authz.Admin), o.asker(t, authz.Operator), o.asker(t, authz.Admin)
	o.finding(t, store.Anomaly{Rule: "dormant", Client: thief.client, Credential: thief.key, Action: "suspend"})
	o.finding(t, store.Anomaly{Rule: "origin", Client: held.client, Action: "hold"})
	if err := w.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*asker{thief, held} {
		if got := a.ask(t, "POST", "/v1/keys/"+other.key+":revoke", ""); got.Code != 403 {
			t.Errorf("another's: %d %s", got.Code, got.Body)
		}
		if got := a.ask(t, "POST", "/v1/keys/"+a.key+":revoke", ""); got.Code != 200 {
			t.Errorf("its own: %d %s", got.Code, got.Body)
		}
	}
}

// TestAnomaliesOfPeople: a person of whose session something stands out shows a passkey, and can.
func TestAnomaliesOfPeople(t *testing.T) {
	o, w := suspicious(t)
	ada := o.person(t, authz.Viewer)
	o.finding(t, store.Anomaly{Rule: "parallel", Client: ada.id, Credential: ada.session, Action: "step-up"})
	if err := w.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := ada.ask(t, "GET", "/v1/runs", "")
	if kind, _ := problem(t, got); got.Code != 401 || kind != "/problems/insufficient-user-authentication" || !strings.Contains(got.Header().Get("WWW-Authenticate"), "insufficient_user_authentication") {
		t.Errorf("%d %s", got.Code, kind)
	}
	if got := ada.ask(t, "POST", "/v1/auth/step-up:begin", ""); got.Code != 200 {
		t.Errorf("to show a passkey: %d %s", got.Code, got.Body)
	}
	if got := ada.ask(t, "POST", "/v1/auth/sign-out", ""); got.Code != 200 {
		t.Errorf("to leave: %d %s", got.Code, got.Body)
	}
}

// TestConsoleAfterAnomaly: whoever is asked for a passkey before anything else shows it at the console, and goes on; or leaves.
func TestConsoleAfterAnomaly(t *testing.T) {
	o, w := suspicious(t)
	ada, bob := o.person(t, authz.Viewer), o.person(t, authz.Viewer)
	o.clock = o.clock.Add(time.Second)
	for _, p := range []*person{ada, bob} {
		o.finding(t, store.Anomaly{Rule: "parallel", Client: p.id, Credential: p.session, Action: "step-up"})
	}
	if err := w.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.clock = o.clock.Add(time.Second)
	ada.opens(t, "/console/runs").is(t, 401, "Show your passkey")
	begun := answered[api.PasskeyAsked](t, ada.ask(t, "POST", "/v1/auth/step-up:begin", ""), 200)
	ada.sends(t, "/console/step-up", "next", "/console/runs", "credential", shownBy(t, ada.key.Get, begun.Options.RawMessage)).leads(t, "/console/runs")
	ada.opens(t, "/console/runs").is(t, 200)
	bob.sends(t, "/console/sign-out").leads(t, "/console/sign-in")
}

// TestNoticed: what is asked at the door is counted, what is for everybody too, and what is guessed there.
func TestNoticed(t *testing.T) {
	o, w := suspicious(t)
	a := o.asker(t, authz.Operator)
	o.clock = o.clock.Add(time.Second)
	a.ask(t, "GET", "/v1/me", "")
	a.ask(t, "GET", "/v1/health", "")
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	record, err := o.maker.Keys.Habits(t.Context(), a.client)
	if err != nil || !strings.Contains(string(record), `"GET /v1/me"`) || !strings.Contains(string(record), `"GET /v1/health"`) || !strings.Contains(string(record), `"192.0.2.0/24"`) {
		t.Errorf("%v %s", err, record)
	}
	_, good := o.issue(t, authn.Wish{})
	wrong := good[:30] + map[bool]string{true: "b", false: "a"}[good[30] == 'a'] + good[31:]
	for range 21 {
		o.h.ServeHTTP(httptest.NewRecorder(), request("GET", "/v1/me", "", "Assay-Key", wrong))
	}
	for range 2 { // the same signed request
		a.o.asked = 7_000_000
		a.ask(t, "GET", "/v1/me", "")
	}
	if err := w.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := o.maker.Keys.Anomalies(t.Context(), "", "", 10)
	found := ""
	for _, f := range all {
		found += f.Rule + " " + f.Client + " " + f.Action + "; "
	}
	if err != nil || found != "reuse "+a.client+" alert; failures  alert; " {
		t.Errorf("%v %q", err, found)
	}
}

// TestCustomersAreNotFollowed: those of the identity provider take no place that a client needs, and what they do is not written down. Its other people are followed.
func TestCustomersAreNotFollowed(t *testing.T) {
	o, w := suspicious(t)
	ids := map[string]string{}
	for name, claims := range map[string]map[string]any{"customer": {"sub": "customer-1", "scope": "proofs"}, "clerk": {"sub": "clerk", "groups": []string{"finance"}}} {
		ids[name] = answered[api.Me](t, o.bears(t, o.idp.token(t, claims), "GET", "/v1/me", ""), 200).Client.ID
	}
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"customer": false, "clerk": true} {
		if record, err := o.maker.Keys.Habits(t.Context(), ids[name]); err != nil || (record != nil) != want {
			t.Errorf("%s: %v %s", name, err, record)
		}
	}
}

// TestAnomalyRules: the document names the rules that there are.
func TestAnomalyRules(t *testing.T) {
	o := newOffice(t)
	if want, text := `"enum":["`+strings.Join(anomaly.Rules, `","`)+`"]`, ask(o.h, "GET", "/openapi.json").Body.String(); !strings.Contains(text, want) {
		t.Errorf("%s is not in the document", want)
	}
}
