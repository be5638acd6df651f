package authn

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/assay-por/assay/web/store"
)

// byCookie lets in whoever has a cookie of this value.
type byCookie struct{ value string }

func (b byCookie) Shows(r *http.Request) bool {
	_, err := r.Cookie(SessionCookie)
	return err == nil
}

func (b byCookie) Who(r *http.Request) (*Principal, error) {
	if c, err := r.Cookie(SessionCookie); err != nil || c.Value != b.value {
		return nil, ErrOver
	}
	return &Principal{ID: b.value, Kind: store.Person}, nil
}

func (b byCookie) Still(_ context.Context, _ Records, who *Principal, now time.Time) error {
	if who.ID != b.value || now.After(start) {
		return ErrOver
	}
	return nil
}

// TestWays: a further way lets somebody in, asks again for them, and is one of the credentials of which there is one.
func TestWays(t *testing.T) {
	h := newHouse(t)
	_, s := h.issue(t, Wish{})
	plain, cookie := h.gate, []string{"Cookie", SessionCookie + "=s1"}
	h.gate = NewGate(h.maker.Keys, h.maker.Pepper, func() time.Time { return h.now }, byCookie{"s1"})
	who, _, err := h.gate.Who(asking(cookie...))
	if err != nil || who.ID != "s1" {
		t.Fatalf("%v %v", who, err)
	}
	if err := who.Still(t.Context(), h.maker.Keys, h.now); err != nil {
		t.Error(err)
	}
	if err := who.Still(t.Context(), h.maker.Keys, h.now.Add(1)); !IsOver(err) {
		t.Errorf("later: %v", err)
	}
	if err := h.secret(s); err != nil {
		t.Errorf("a key beside the way: %v", err)
	}
	for name, tt := range map[string]struct {
		want   error
		gate   *Gate
		fields []string
	}{
		"another cookie":     {ErrOver, h.gate, []string{"Cookie", SessionCookie + "=s2"}},
		"two of them":        {ErrMultiple, h.gate, append(cookie, "Cookie", SessionCookie+"=s1")},
		"and a key":          {ErrMultiple, h.gate, append(cookie, "Assay-Key", s.Show())},
		"and a token":        {ErrMultiple, h.gate, append(cookie, "Authorization", "Bearer x")},
		"and a signature":    {ErrMultiple, h.gate, append(cookie, "Signature-Input", "assay=()")},
		"a cookie of others": {ErrMissing, h.gate, []string{"Cookie", "assay=s1"}},
		"no such way":        {ErrInvalid, plain, cookie},
	} {
		if _, _, err := tt.gate.Who(asking(tt.fields...)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// TestStepUp: of a person a passkey is asked within five minutes, and of a machine nothing.
func TestStepUp(t *testing.T) {
	for name, tt := range map[string]struct {
		who  Principal
		want bool
	}{
		"machine":           {Principal{Kind: store.Machine}, false},
		"now":               {Principal{Kind: store.Person, Class: PHR, Proved: start}, false},
		"five minutes ago":  {Principal{Kind: store.Person, Class: PHR, Proved: start.Add(-Fresh)}, false},
		"longer ago":        {Principal{Kind: store.Person, Class: PHR, Proved: start.Add(-Fresh - time.Second)}, true},
		"another clock":     {Principal{Kind: store.Person, Class: PHR, Proved: start.Add(ahead)}, false},
		"later than now":    {Principal{Kind: store.Person, Class: PHR, Proved: start.Add(ahead + time.Second)}, true},
		"another class":     {Principal{Kind: store.Person, Class: MFA, Proved: start}, true},
		"nothing was shown": {Principal{Kind: store.Person}, true},
	} {
		if got := tt.who.StepUp(start); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
