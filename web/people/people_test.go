package people

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/people/peopletest"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

const origin = "https://assay.example"

// TestOnPostgres runs all tests of this room on PostgreSQL too.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }

// A house is where people are let in, and a clock that a test turns.
type house struct {
	*People
	gate *authn.Gate
	t    *testing.T
	path string
	now  time.Time
	from string // the address
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "assay.db"), now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), from: "192.0.2.7"}
	db := storetest.Open(t, h.path)
	clock := func() time.Time { return h.now }
	var err error
	h.People, err = New(Config{Store: db, Pepper: [authn.PepperSize]byte{1}, Random: rand.Reader, Now: clock, Denials: audit.NewDenials(db, clock), Name: "Demo Exchange", Origins: []string{origin, "https://console.assay.example"}})
	if err != nil {
		t.Fatal(err)
	}
	h.gate = authn.NewGate(db, h.Pepper, clock, h.People)
	return h
}

// ctx is of somebody who asks from the address.
func (h *house) ctx() context.Context {
	return audit.With(h.t.Context(), audit.Origin{Address: netip.MustParseAddr(h.from)})
}

func (h *house) write(change func(ctx context.Context, tx *store.Tx) error) error {
	ctx := audit.With(h.t.Context(), audit.Local())
	return h.Store.Write(ctx, func(tx *store.Tx) error { return change(ctx, tx) })
}

// A person is one whom a test knows.
type person struct {
	id, login  string
	key        *peopletest.Authenticator
	invitation string
	in         SignedIn
}

// invite makes a person.
func (h *house) invite(login string, roles ...authz.Role) *person {
	h.t.Helper()
	p := &person{login: login, key: &peopletest.Authenticator{Origin: origin, Random: rand.Reader}}
	e := authn.Enrolment{Name: "Ada " + login, Roles: roles, Tier: authn.Standard}
	if roles[0] == authz.Auditor {
		e.Expires = h.now.Add(authn.AuditorLife)
	}
	err := h.write(func(ctx context.Context, tx *store.Tx) error {
		c, invitation, err := h.Create(ctx, tx, Wish{Login: login, Enrolment: e})
		p.id, p.invitation = c.ID, invitation.Reveal()
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// asJSON is what a browser is told, or what it answers.
func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// shows is what an authenticator answers with.
func (h *house) shows(o Options, err error, by func([]byte) (map[string]any, error)) []byte {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	answer, err := by(asJSON(h.t, o))
	if err != nil {
		h.t.Fatal(err)
	}
	return asJSON(h.t, answer)
}

func (h *house) enrols(p *person) *person {
	h.t.Helper()
	o, err := h.BeginEnrol(h.ctx(), p.invitation)
	if p.in, err = h.Enrol(h.ctx(), p.invitation, "Laptop", h.shows(o.Options, err, p.key.Create)); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// signs is an answer to sign in with.
func (h *house) signs(by *peopletest.Authenticator) []byte {
	h.t.Helper()
	o, err := h.BeginSignIn()
	return h.shows(o, err, by.Get)
}

// asks is a request with a session's token.
func (h *house) asks(in SignedIn, method string, header ...string) (*authn.Principal, error) {
	r := httptest.NewRequest(method, origin+"/v1/me", nil)
	r.AddCookie(&http.Cookie{Name: authn.SessionCookie, Value: in.Token.Reveal()})
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	who, _, err := h.gate.Who(r)
	return who, err
}

// logged are the acts of the audit log after a row.
func (h *house) logged(after int64) (all []audit.Event) {
	h.t.Helper()
	rows, err := h.Store.Events(h.t.Context(), after, 500)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, row := range rows {
		e, err := audit.Read(row)
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// refused holds an error to be ErrSignIn, recorded with that reason.
func (h *house) refused(name string, err error, reason string) {
	h.t.Helper()
	if !errors.Is(err, ErrSignIn) || !strings.Contains(err.Error(), reason) {
		h.t.Errorf("%s: %v, want %q", name, err, reason)
		return
	}
	if err := h.Denials.Close(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	all := h.logged(0)
	if last := all[len(all)-1]; last.Outcome != audit.Denied || !strings.Contains(last.Reason, reason) {
		h.t.Errorf("%s: %+v stands in the log", name, last)
	}
}

// TestWholeWay: somebody is invited, registers a passkey, has a session, signs in anew, and shows the passkey again.
func TestWholeWay(t *testing.T) {
	h := newHouse(t)
	ada := h.enrols(h.invite("ada@assay.example", authz.Admin))
	who, err := h.asks(ada.in, "GET")
	if err != nil || who.Client != ada.id || who.Kind != store.Person || who.Class != authn.PHR || who.StepUp(h.now) || !authz.Allows(who.Permissions, authz.ClientWrite) {
		t.Fatalf("%+v %v", who, err)
	}
	if len(ada.in.Recovery) != 10 {
		t.Errorf("%d codes", len(ada.in.Recovery))
	}
	h.now = h.now.Add(10 * time.Minute)
	if who, err = h.asks(ada.in, "GET"); err != nil || !who.StepUp(h.now) {
		t.Fatalf("after ten minutes: %v", err)
	}
	o, err := h.BeginStepUp(t.Context(), who)
	again, err := h.StepUp(h.ctx(), who, h.shows(o, err, ada.key.Get))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.asks(ada.in, "GET"); !errors.Is(err, authn.ErrOver) {
		t.Errorf("the token of before: %v", err)
	}
	if who, err = h.asks(again, "GET"); err != nil || who.StepUp(h.now) || who.Session != ada.in.Session.ID || !again.Session.Until.Equal(ada.in.Session.Until) {
		t.Errorf("%+v %v", who, err)
	}
	second, err := h.SignIn(h.ctx(), h.signs(ada.key))
	if err != nil || second.Session.ID == again.Session.ID {
		t.Fatal(err)
	}
	var acts []string
	for _, e := range h.logged(0) {
		acts = append(acts, e.Action+" "+e.Client[:min(5, len(e.Client))])
	}
	id := ada.id[:5]
	if got, want := strings.Join(acts, ", "), "client.create local, person.invite local, person.enrol "+id+", person.step-up , person.sign-in "+id; got != want {
		t.Errorf("the log has %s, want %s", got, want)
	}
}

// TestPasskeyRefused: each thing that is wrong with an answer keeps its sender out, and is in the log.
func TestPasskeyRefused(t *testing.T) {
	h := newHouse(t)
	ada, eve := h.enrols(h.invite("ada", authz.Admin)), h.enrols(h.invite("eve", authz.Viewer))
	wrong := func(change func(*peopletest.Authenticator)) *peopletest.Authenticator {
		a := ada.key.Copy()
		a.Silent = false
		change(a)
		return a
	}
	old := h.signs(ada.key)
	h.now = h.now.Add(challenged)
	used := h.signs(ada.key)
	if _, err := h.SignIn(h.ctx(), used); err != nil {
		t.Fatal(err)
	}
	who, err := h.asks(ada.in, "GET")
	o, err2 := h.BeginStepUp(t.Context(), who)
	forAnother := h.shows(o, errors.Join(err, err2), ada.key.Get)
	var forged map[string]any
	if err := json.Unmarshal(h.signs(ada.key), &forged); err != nil {
		t.Fatal(err)
	}
	forged["response"].(map[string]any)["userHandle"] = text(eve.id)
	var made struct{ Challenge string }
	if err := json.Unmarshal(asJSON(t, must(h.BeginSignIn())), &made); err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(made.Challenge, made.Challenge[:4], "AAAA", 1)
	guess := h.shows(map[string]any{"challenge": own, "rpId": "assay.example"}, nil, ada.key.Get)
	for _, tt := range []struct {
		name   string
		answer []byte
		reason string
	}{
		{"replayed", used, "answered before"},
		{"too old", old, "too old"},
		{"of another ceremony", forAnother, "none of this server's for that"},
		{"of a challenge of one's own", guess, "none of this server's for that"},
		{"wrong origin", h.signs(wrong(func(a *peopletest.Authenticator) { a.Origin = "https://assay.example.evil.example" })), "origin"},
		{"plain HTTP", h.signs(wrong(func(a *peopletest.Authenticator) { a.Origin = "http://assay.example" })), "origin"},
		{"not verified", h.signs(wrong(func(a *peopletest.Authenticator) { a.Unverified = true })), "verif"},
		{"nobody there", h.signs(wrong(func(a *peopletest.Authenticator) { a.Absent = true })), "presence"},
		{"as somebody else", asJSON(t, forged), "credential"},
		{"no JSON", []byte("{"), "Parse error"},
	} {
		_, err := h.SignIn(h.ctx(), tt.answer)
		h.refused(tt.name, err, tt.reason)
	}
	if _, err := h.SignIn(h.ctx(), h.signs(ada.key)); err != nil {
		t.Errorf("and then: %v", err)
	}
	h.refused("registered without verification", func() error {
		bob := h.invite("bob", authz.Viewer)
		bob.key.Unverified = true
		o, err := h.BeginEnrol(h.ctx(), bob.invitation)
		_, err = h.Enrol(h.ctx(), bob.invitation, "x", h.shows(o.Options, err, bob.key.Create))
		return err
	}(), "verif")
}

func text(s string) string { return strings.TrimRight(base64URL(s), "=") }

// TestCloned: a count that goes back suspends the passkey, and another factor lets the person in.
func TestCloned(t *testing.T) {
	h := newHouse(t)
	ada := h.enrols(h.invite("ada", authz.Admin))
	copied := ada.key.Copy()
	if _, err := h.SignIn(h.ctx(), h.signs(ada.key)); err != nil {
		t.Fatal(err)
	}
	_, err := h.SignIn(h.ctx(), h.signs(copied))
	h.refused("the copy", err, "there may be a copy")
	_, err = h.SignIn(h.ctx(), h.signs(ada.key))
	h.refused("the passkey from then on", err, "Unable to find the credential")
	if a, err := h.Store.Account(t.Context(), ada.id); err != nil || !a.Passkeys[0].Cloned.Equal(h.now) {
		t.Errorf("%+v %v", a, err)
	}
	invitation, err := h.Recover(h.ctx(), "ada", ada.in.Recovery[3].Reveal())
	if err != nil {
		t.Fatal(err)
	}
	ada.invitation = invitation.Reveal()
	if h.enrols(ada); len(ada.in.Recovery) != 10 {
		t.Errorf("%d codes", len(ada.in.Recovery))
	}
	eve := h.invite("eve", authz.Viewer)
	eve.key.Silent = true // those that synchronise passkeys do not count
	h.enrols(eve)
	for _, one := range []*peopletest.Authenticator{eve.key, eve.key.Copy()} {
		if _, err := h.SignIn(h.ctx(), h.signs(one)); err != nil {
			t.Errorf("one that does not count: %v", err)
		}
	}
}

// TestInvitation: it is good once, for a quarter of an hour, for whom it is of, and until another one is made.
func TestInvitation(t *testing.T) {
	h := newHouse(t)
	ada, eve := h.invite("ada", authz.Admin), h.invite("eve", authz.Viewer)
	begin := func(invitation string) error { _, err := h.BeginEnrol(h.ctx(), invitation); return err }
	if err := begin(ada.invitation); err != nil {
		t.Fatal(err)
	}
	first := ada.invitation
	if err := h.write(func(ctx context.Context, tx *store.Tx) error {
		another, err := h.Invite(ctx, tx, ada.id)
		ada.invitation = another.Reveal()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	h.refused("another was made", begin(first), "was used")
	h.refused("of nobody", begin("x"), "was used")
	h.refused("for another", begin(eve.id+"."+strings.Split(ada.invitation, ".")[1]), "was used")
	o, err := h.BeginEnrol(h.ctx(), ada.invitation)
	answer := h.shows(o.Options, err, ada.key.Create)
	if _, err := h.Enrol(h.ctx(), eve.invitation, "x", answer); !errors.Is(err, ErrSignIn) {
		t.Errorf("an answer of another's: %v", err)
	}
	if _, err := h.Enrol(h.ctx(), ada.invitation, "x", answer); err != nil {
		t.Fatal(err)
	}
	h.refused("used", begin(ada.invitation), "was used")
	_, err = h.Enrol(h.ctx(), ada.invitation, "x", answer)
	h.refused("answered again", err, "was used")
	h.now = h.now.Add(Invited)
	h.refused("too late", begin(eve.invitation), "was used")
	if err := h.write(func(ctx context.Context, tx *store.Tx) error { _, _, err := h.Reset(ctx, tx, ada.id); return err }); err != nil {
		t.Fatal(err)
	}
	_, err = h.SignIn(h.ctx(), h.signs(ada.key))
	h.refused("a passkey after the reset", err, "Unable to find the credential")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func base64URL(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }
