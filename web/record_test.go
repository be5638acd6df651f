package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
)

// TestDenied: what is refused is on record with its true reason, from the network that it came from, and without what was asked.
func TestDenied(t *testing.T) {
	p := newPlace(t)
	h, keys := p.proving(t)
	id, revoked := keys.issue(t, authn.Wish{})
	if err := keys.maker.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	content := asking(p.first.Digest.String(), canary)
	post(h, "/v1/proofs", content, "Assay-Key", revoked)
	post(h, "/v1/proofs", content)
	post(keys.without(t, h), "/v1/proofs", content)
	said := keys.recorded(t)
	for _, want := range []string{
		`"action":"authenticate"`, `"action":"authorize"`, `"from":"192.0.2.0/24","object":"POST /v1/proofs","outcome":"denied"`, `API key ` + id + `: it is revoked`, `it needs proof:read:any`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the audit log does not say %s: %s", want, said)
		}
	}
	if strings.Contains(said, canary) || strings.Contains(said, "192.0.2.1\"") {
		t.Errorf("the audit log says %s", said)
	}
}

// TestTriedWhereNobodyIsAsked: a credential that is not good leaves a trace where none is needed, too.
func TestTriedWhereNobodyIsAsked(t *testing.T) {
	o := newOffice(t)
	id, revoked := o.issue(t, authn.Wish{})
	if err := o.maker.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := ask(o.h, "GET", "/v1/reports", "Assay-Key", revoked); got.Code != 200 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if said := o.recorded(t); !strings.Contains(said, `"object":"GET /v1/reports","outcome":"denied","reason":"the credential is not good: API key `+id+`: it is revoked"`) {
		t.Errorf("the audit log says %s", said)
	}
}

// TestUnrecorded: what cannot be put on record is not done, and not refused either; what is public is answered as ever.
func TestUnrecorded(t *testing.T) {
	p := newPlace(t)
	h, keys := p.proving(t)
	content := asking(p.first.Digest.String(), canary)
	service := keys.service(t, h)
	without := keys.without(t, h)
	if got := post(service, "/v1/proofs", content); got.Code != 200 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	for range 20_000 { // nobody writes them: the ring is full
		keys.audit.Reads.Keep(audit.Access{})
	}
	got := post(service, "/v1/proofs", content)
	if kind, _ := problem(t, got); got.Code != 503 || kind != "/problems/audit-unavailable" || got.Header().Get("Retry-After") == "" {
		t.Errorf("a read without a place on record: %d %s", got.Code, got.Body)
	}
	verified(t, "POST", "/v1/proofs", got)
	if err := keys.maker.Keys.Close(); err != nil {
		t.Fatal(err)
	}
	for name, asker := range map[string]http.Handler{"nobody": h, "known": without} {
		got := post(asker, "/v1/proofs", content)
		if got.Code != 503 {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
		verified(t, "POST", "/v1/proofs", got)
	}
	if public := ask(h, "GET", "/v1/reports"); public.Code != 200 {
		t.Errorf("what is public: %d", public.Code)
	}
}

// TestKept: whatever came of a request of somebody who is known is kept: whose it was, what was asked for, how it ended.
func TestKept(t *testing.T) {
	p := newPlace(t)
	h, keys := p.proving(t)
	_, secret := keys.issue(t, authn.Wish{})
	service := as(h, secret)
	for _, customer := range []string{canary, canary, "stranger@customers.example"} {
		post(service, "/v1/proofs", asking(p.first.Digest.String(), customer))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	keys.audit.Run(ended) // writes what is left
	rows, err := keys.maker.Keys.Usage(t.Context(), "", time.Now().Add(-time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].Client == "" || rows[0].Count != 2 || rows[0].Status != 200 || rows[1].Count != 1 || rows[1].Status != 404 || rows[0].Operation != "POST /v1/proofs" || rows[0].Network != "192.0.2.0/24" || rows[0].Longest <= 0 {
		t.Errorf("%+v", rows)
	}
}
