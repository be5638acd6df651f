package authn

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// enrol makes a client.
func (h *house) enrol(t *testing.T, e Enrolment) store.Client {
	t.Helper()
	h.maker.Now = h.now
	var c store.Client
	err := h.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) { c, err = h.maker.Enrol(ctx, tx, e); return err })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *house) changed(t *testing.T, change func(context.Context, *store.Tx) (store.Client, error)) store.Client {
	t.Helper()
	h.maker.Now = h.now
	var c store.Client
	if err := h.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) { c, err = change(ctx, tx); return err }); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClient: a key may what its client may by now, and is let in while its client is.
func TestClient(t *testing.T) {
	h := newHouse(t)
	both := []authz.Permission{authz.ProofReadAny, authz.RunRead}
	scope := authz.Scope{Entities: []string{"Demo Exchange Ltd"}, From: "2026-11-01"}
	c := h.enrol(t, Enrolment{Name: "Treasury", Roles: []authz.Role{authz.Operator, authz.Service}, Tier: "partner", Scope: scope})
	k, s := h.issue(t, Wish{Client: c.ID, Permissions: both})
	who := func() *Principal {
		t.Helper()
		got, _, err := h.gate.Who(asking("Assay-Key", s.Show()))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := &Principal{ID: k.ID, Client: c.ID, Kind: store.Machine, Tier: "partner", Roles: []authz.Role{authz.Operator, authz.Service}, Permissions: both, Scope: authz.Scopes{scope, {}}}
	if diff := cmp.Diff(want, who(), cmpopts.EquateEmpty(), asPrincipals); diff != "" {
		t.Error(diff)
	}
	h.changed(t, func(ctx context.Context, tx *store.Tx) (store.Client, error) {
		return h.maker.ChangeClient(ctx, tx, c.ID, Enrolment{Name: "Treasury", Roles: []authz.Role{authz.Viewer, authz.Auditor}, Tier: "basic", Expires: h.now.Add(time.Hour)})
	})
	want.Tier, want.Roles, want.Permissions, want.Scope = "basic", []authz.Role{authz.Viewer, authz.Auditor}, []authz.Permission{authz.RunRead}, authz.Scopes{{}, {}}
	if diff := cmp.Diff(want, who(), cmpopts.EquateEmpty(), asPrincipals); diff != "" {
		t.Error(diff)
	}
	h.changed(t, func(ctx context.Context, tx *store.Tx) (store.Client, error) { return h.maker.Disable(ctx, tx, c.ID) })
	if err := h.secret(s); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "its client "+c.ID+" is disabled") {
		t.Error(err)
	}
	if _, _, err := h.maker.Issue(t.Context(), Wish{Client: c.ID, Name: "x", Permissions: []authz.Permission{authz.RunRead}, Life: Life}); !errors.Is(err, ErrState) {
		t.Errorf("a key of a client that is disabled: %v", err)
	}
	if got := h.changed(t, func(ctx context.Context, tx *store.Tx) (store.Client, error) { return h.maker.Enable(ctx, tx, c.ID) }); ClientState(got, h.now) != Good {
		t.Errorf("%+v", got)
	}
	who()
	h.now = h.now.Add(time.Hour)
	if err := h.secret(s); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "is expired") {
		t.Error(err)
	}
	events, err := h.maker.Keys.Events(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range events {
		actions = append(actions, strings.Split(string(e.Text), `"`)[3])
	}
	if diff := cmp.Diff([]string{"client.create", "key.create", "client.change", "client.disable", "client.enable"}, actions); diff != "" {
		t.Error(diff)
	}
}

// TestOwnClient: a key of which nobody says whose it is, is of a client that may no more than it takes.
func TestOwnClient(t *testing.T) {
	h := newHouse(t)
	for _, p := range authz.Of(authz.Roles()...) {
		w := Wish{Permissions: []authz.Permission{p}}
		if authz.Writes(p) {
			w.Public, w.Networks = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}
		k, _ := h.issue(t, w)
		c, err := h.maker.Keys.Client(t.Context(), k.Client)
		if err != nil || c.ID == k.ID || len(c.Roles) != 1 || !authz.Within(authz.Of(RolesOf(c)...), []authz.Permission{p}) || ClientState(c, h.now) != Good {
			t.Errorf("%s: %+v %v", p, c, err)
		}
	}
}

func TestEnrolRefuses(t *testing.T) {
	h := newHouse(t)
	good := Enrolment{Name: "x", Roles: []authz.Role{authz.Viewer}, Tier: Standard}
	h.enrol(t, good)
	for name, change := range map[string]func(*Enrolment){
		"no name":          func(e *Enrolment) { e.Name = "" },
		"a control":        func(e *Enrolment) { e.Name = "a\tb" },
		"a key as name":    func(e *Enrolment) { e.Name = newSecret("abcdefghijklmnop", [secretSize]byte{}).Show() },
		"no role":          func(e *Enrolment) { e.Roles = nil },
		"no tier":          func(e *Enrolment) { e.Tier = "" },
		"auditor for ever": func(e *Enrolment) { e.Roles = append(e.Roles, authz.Auditor) },
		"auditor too long": func(e *Enrolment) {
			e.Roles, e.Expires = []authz.Role{authz.Auditor}, h.now.Add(AuditorLife+time.Second)
		},
		"expired already":   func(e *Enrolment) { e.Expires = h.now },
		"no digest":         func(e *Enrolment) { e.Scope.Reports = []string{"latest"} },
		"entity of nothing": func(e *Enrolment) { e.Scope.Entities = []string{""} },
		"no day":            func(e *Enrolment) { e.Scope.From = "2026-13-01" },
		"a day of years":    func(e *Enrolment) { e.Scope.Until = "2026" },
		"until before from": func(e *Enrolment) { e.Scope.From, e.Scope.Until = "2026-02-01", "2026-01-31" },
	} {
		e := good
		change(&e)
		err := h.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := h.maker.Enrol(ctx, tx, e); return err })
		if !errors.Is(err, ErrWish) {
			t.Errorf("%s: %v", name, err)
		}
	}
	auditor := h.enrol(t, Enrolment{Name: "Auditor", Roles: []authz.Role{authz.Auditor}, Tier: Standard, Expires: h.now.Add(AuditorLife)})
	for name, w := range map[string]Wish{
		"more than its client": {Client: auditor.ID, Permissions: []authz.Permission{authz.AuditRead, authz.ReportPublish}},
		"no such client":       {Client: "abcdefghijklmnop", Permissions: []authz.Permission{authz.AuditRead}},
	} {
		w.Name, w.Life = "x", Life
		if _, _, err := h.maker.Issue(t.Context(), w); !errors.Is(err, ErrWish) && !errors.Is(err, store.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
