package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/httpsig"
)

// TestWebhook: what the exchange tells is taken, by a key of its list, as it was sent; and nothing else.
func TestWebhook(t *testing.T) {
	const at = "https://me.example/hook?x"
	e := newExchange(t)
	c := e.client(t)
	tell := func(to string, by byte, exchange string) *http.Request {
		t.Helper()
		content, err := attest.Webhook{At: day, Event: "key.revoked", Exchange: exchange, ID: "1-1", Object: "k", Type: attest.TypeWebhook}.JSON()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, to, strings.NewReader(string(content)))
		r.Header.Set("Content-Type", "application/json")
		s, err := httpsig.NewSigner(key(by), e.clock)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SignWebhook(r, content, "0123456789abcdef"); err != nil {
			t.Fatal(err)
		}
		return r
	}
	got, err := c.Webhook(tell(at, 2, "Demo Exchange"), at)
	if err != nil || got.Event != "key.revoked" || got.Object != "k" || got.ID != "1-1" || !got.At.Equal(day) {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := c.Webhook(tell("https://other.example/hook?x", 2, "Demo Exchange"), at); !errors.Is(err, httpsig.ErrSignature) {
		t.Errorf("what another was told: %v", err)
	}
	if _, err := c.Webhook(tell(at, 2, "Other Exchange"), at); err == nil || !strings.Contains(err.Error(), "Other Exchange") {
		t.Errorf("another exchange's: %v", err)
	}
	asked := tell(at, 2, "Demo Exchange")
	asked.Method = http.MethodGet
	if _, err := c.Webhook(asked, at); err == nil {
		t.Error("a GET is taken")
	}
	if _, err := c.Webhook(tell(at, 2, "Demo Exchange"), "/hook"); err == nil {
		t.Error("without a host")
	}
	// A successor of the key is looked for in the list, and found once it stands there.
	e.ago.Store(11)
	if _, err := c.Webhook(tell(at, 3, "Demo Exchange"), at); !errors.Is(err, httpsig.ErrKey) {
		t.Errorf("by a key that is not listed: %v", err)
	}
	e.set(func() { e.list = keyList(t, key(1), day, key(2), key(3)) })
	e.ago.Store(22)
	if _, err := c.Webhook(tell(at, 3, "Demo Exchange"), at); err != nil {
		t.Errorf("by a successor: %v", err)
	}
}
