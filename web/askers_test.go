package web_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/limit"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/store"
)

// An office is a server that clients ask, whom a test knows.
type office struct {
	place
	*keeper
	h      http.Handler
	clock  time.Time
	asked  int
	people *people.People
	idp    *provider
}

// newOffice has a server with all that it can be handed, and a proof of one customer in each statement.
func newOffice(t testing.TB, changes ...func(*web.Config)) *office {
	t.Helper()
	o := &office{place: newPlace(t), keeper: newKeeper(t), clock: now()}
	c := o.withRegister(t, o.config())
	o.guards(&c)
	clock := func() time.Time { return o.clock }
	var err error
	o.people, err = people.New(people.Config{Store: o.maker.Keys, Pepper: o.maker.Pepper, Random: rand.Reader, Now: clock, Denials: o.audit.Denials, Name: "Demo Exchange", Origins: []string{"https://x.example"}})
	if err != nil {
		t.Fatal(err)
	}
	c.People = o.people
	o.idp = newProvider(t, clock)
	c.OAuth, err = oauth.New(oauth.Config{
		Store: o.maker.Keys, Pepper: o.maker.Pepper, Random: rand.Reader, Now: clock, Denials: o.audit.Denials, Fault: func(err error) { t.Error(err) },
		Exchange: "Demo Exchange", Origin: "https://x.example", Login: &oauth.Login{Issuer: o.idp.issuer(), Client: "assay"}, Issuers: []*oauth.Issuer{o.idp.issuer()},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Gate = authn.NewGate(o.maker.Keys, o.maker.Pepper, clock, o.people, c.OAuth)
	o.clock = o.clock.Add(time.Minute)
	o.maker.Now = o.clock
	c.Proofs = provers(func(report.Digest, string) ([]byte, error) { return []byte(`{"type":"assay/v1/proof"}`), nil })
	c.Acts = &api.Acts{Store: o.maker.Keys, Pepper: o.maker.Pepper, Random: rand.Reader, Now: clock}
	if c.Limits, err = limit.New(plenty(), o.maker.Keys, clock); err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(&c)
	}
	o.h = handler(t, c)
	return o
}

// plenty lets everybody ask as often as they like.
func plenty() limit.Policies {
	all := limit.Policies{}
	for name := range limit.Defaults() {
		all[name] = limit.Policy{Rate: 1_000_000, Per: time.Second, Burst: 1_000_000}
	}
	return all
}

// An asker has a key of a client, and signs what it asks.
type asker struct {
	o       *office
	client  string
	key     string
	private ed25519.PrivateKey
}

// client lets in one of these roles.
func (o *office) client(t testing.TB, scope authz.Scope, roles ...authz.Role) store.Client {
	t.Helper()
	var c store.Client
	e := authn.Enrolment{Name: fmt.Sprint(roles), Roles: roles, Tier: authn.Standard, Scope: scope}
	if slices.Contains(roles, authz.Auditor) {
		e.Expires = o.clock.Add(authn.AuditorLife)
	}
	err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		c, err = o.maker.Enrol(ctx, tx, e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// asker is a new client of these roles with a key that may all of it.
func (o *office) asker(t testing.TB, roles ...authz.Role) *asker {
	t.Helper()
	return o.keyOf(t, o.client(t, authz.Scope{}, roles...))
}

// keyOf is another key of a client, which may these permissions, or all that the client may.
func (o *office) keyOf(t testing.TB, c store.Client, permissions ...authz.Permission) *asker {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if permissions == nil {
		permissions = authz.Of(authn.RolesOf(c)...)
	}
	id, _ := o.issue(t, authn.Wish{Client: c.ID, Permissions: permissions, Public: public, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	return &asker{o, c.ID, id, private}
}

// ask asks, signed, and holds the answer to the server's signature and to the document.
func (a *asker) ask(t testing.TB, method, path, content string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	a.o.asked++
	if method == http.MethodPost {
		header = append([]string{"Idempotency-Key", fmt.Sprintf("wish-of-a-test-%06d", a.o.asked)}, header...)
	}
	r := request(method, path, content, header...)
	var raw []byte
	if content != "" {
		raw = []byte(content)
	}
	if err := httpsig.SignRequest(r, raw, a.private, a.key, fmt.Sprintf("nonce-of-a-test-%06d", a.o.asked), a.o.clock); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	a.o.h.ServeHTTP(w, r)
	verifiedTo(t, method, path, httpsig.Asked(r), w)
	return w
}

func request(method, path, content string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "http://x.example"+path, strings.NewReader(content))
	if content == "" {
		r = httptest.NewRequest(method, "http://x.example"+path, nil)
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.RequestURI = path
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// publicText is a public key as clients say it.
func publicText(t testing.TB) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return "ed25519:" + hex.EncodeToString(public)
}
