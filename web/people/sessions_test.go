package people

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
)

// TestSessionEnds: by half an hour without use, after half a day however much it is used, with the person, and by their own hand.
func TestSessionEnds(t *testing.T) {
	h := newHouse(t)
	ada := h.enrols(h.invite("ada", authz.Admin))
	over := func(name string, in SignedIn, want bool) {
		t.Helper()
		if _, err := h.asks(in, "GET"); errors.Is(err, authn.ErrOver) != want || !want && err != nil {
			t.Errorf("%s: %v, want over %t", name, err, want)
		}
	}
	h.now = h.now.Add(Idle - time.Second)
	over("used in time", ada.in, false)
	h.now = h.now.Add(Idle - time.Second)
	over("and again", ada.in, false)
	idle, err := h.SignIn(h.ctx(), h.signs(ada.key))
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(Idle)
	over("not used", idle, true)
	used, err := h.SignIn(h.ctx(), h.signs(ada.key))
	if err != nil {
		t.Fatal(err)
	}
	began := h.now
	for ; h.now.Sub(began) < Absolute-time.Minute; h.now = h.now.Add(Idle - time.Minute) {
		over("used all the time", used, false)
	}
	h.now = began.Add(Absolute - time.Minute)
	who, err := h.asks(used, "GET")
	if err != nil {
		t.Fatal(err)
	}
	o, err := h.BeginStepUp(t.Context(), who)
	if used, err = h.StepUp(h.ctx(), who, h.shows(o, err, ada.key.Get)); err != nil {
		t.Fatal(err)
	}
	h.now = began.Add(Absolute)
	over("for half a day, though the passkey was shown again", used, true)
	fresh, err := h.SignIn(h.ctx(), h.signs(ada.key))
	if err != nil {
		t.Fatal(err)
	}
	who, err = h.asks(fresh, "GET")
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(ctx context.Context, tx *store.Tx) error{
		func(ctx context.Context, tx *store.Tx) error {
			return tx.ChangeClient(ctx, ada.id, func(c *store.Client) error { c.Roles = []string{"viewer"}; return nil })
		},
		func(ctx context.Context, tx *store.Tx) error {
			_, err := h.EndSession(ctx, tx, who, who.Session)
			return err
		},
	} {
		if err := who.Still(t.Context(), h.Store, h.now); err != nil {
			t.Errorf("before: %v", err)
		}
		if err := h.write(change); err != nil {
			t.Fatal(err)
		}
		if err := who.Still(t.Context(), h.Store, h.now); !authn.IsOver(err) {
			t.Errorf("after: %v", err)
		}
		if fresh, err = h.SignIn(h.ctx(), h.signs(ada.key)); err != nil {
			t.Fatal(err)
		}
		if who, err = h.asks(fresh, "GET"); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.write(func(ctx context.Context, tx *store.Tx) error { _, err := h.Disable(ctx, tx, ada.id); return err }); err != nil {
		t.Fatal(err)
	}
	over("who is disabled", fresh, true)
	_, err = h.SignIn(h.ctx(), h.signs(ada.key))
	h.refused("and signs in", err, "disabled")
	if err := h.write(func(ctx context.Context, tx *store.Tx) error { _, err := h.Enable(ctx, tx, ada.id); return err }); err != nil {
		t.Fatal(err)
	}
	over("who was disabled once", fresh, true)
}

// TestSessionCookie: it is the one that this server gave, of whoever it was given; nobody begins a session with one of their own.
func TestSessionCookie(t *testing.T) {
	h := newHouse(t)
	ada := h.enrols(h.invite("ada", authz.Admin))
	for _, value := range []string{"", "x", ada.in.Session.ID, ada.in.Session.Token, ada.in.Token.Reveal() + "x"} {
		r := httptest.NewRequest("GET", origin+"/v1/me", nil)
		r.AddCookie(&http.Cookie{Name: authn.SessionCookie, Value: value})
		if _, _, err := h.gate.Who(r); !errors.Is(err, authn.ErrOver) {
			t.Errorf("%q: %v", value, err)
		}
	}
	second, err := h.SignIn(h.ctx(), h.signs(ada.key))
	if err != nil || second.Token.Reveal() == ada.in.Token.Reveal() || len(second.Token.Reveal()) != 52 {
		t.Errorf("a second session has the token of the first: %v", err)
	}
}

// TestCrossOrigin: what another site's page asks for is not changed, and what one's own asks for is.
func TestCrossOrigin(t *testing.T) {
	h := newHouse(t)
	ada := h.enrols(h.invite("ada", authz.Admin))
	for _, tt := range []struct {
		method string
		header []string
		want   error
	}{
		{"GET", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, nil},
		{"POST", []string{"Origin", origin}, nil},
		{"POST", []string{"Sec-Fetch-Site", "same-origin"}, nil},
		{"POST", []string{"Sec-Fetch-Site", "none"}, nil},
		{"POST", []string{"Origin", "https://evil.example"}, authn.ErrForeign},
		{"POST", []string{"Origin", "null"}, authn.ErrForeign},
		{"POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", origin}, authn.ErrForeign},
		{"POST", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://other.assay.example"}, authn.ErrForeign},
		{"PUT", []string{"Origin", "https://assay.example:8443"}, authn.ErrForeign},
	} {
		if _, err := h.asks(ada.in, tt.method, tt.header...); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s %v: %v, want %v", tt.method, tt.header, err, tt.want)
		}
	}
}

// TestWritten: whoever can write to the database alone lets nobody in: what was moved or altered there opens no more.
func TestWritten(t *testing.T) {
	for name, change := range map[string]string{
		"another's session":  "UPDATE sessions SET client = (SELECT MIN(client) FROM people)",
		"a longer one":       "UPDATE sessions SET until = until + 1",
		"another id":         "UPDATE sessions SET id = 'a' || id",
		"another's passkeys": "UPDATE people SET record = (SELECT record FROM people p WHERE p.client <> people.client)",
		"another's name":     "UPDATE people SET login = login || 'x'",
	} {
		h := newHouse(t)
		ada, eve := h.enrols(h.invite("ada", authz.Admin)), h.enrols(h.invite("eve", authz.Viewer))
		if _, there := pgtest.SQL(t, h.path, change); !there {
			db, err := sql.Open("sqlite", h.path)
			if err == nil {
				_, err = db.ExecContext(t.Context(), change)
			}
			if err = errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		}
		_, one := h.asks(ada.in, "GET")
		_, other := h.asks(eve.in, "GET")
		_, signed := h.SignIn(h.ctx(), h.signs(ada.key))
		if !errors.Is(errors.Join(one, other, signed), store.ErrAltered) {
			t.Errorf("%s: %v, %v, %v", name, one, other, signed)
		}
	}
}
