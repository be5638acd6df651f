package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// answered reads an answer that must have this status and strictly be of that type.
func answered[T any](t testing.TB, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(w.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); w.Code != status || err != nil || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Fatalf("%d, want %d: %v %v %s", w.Code, status, err, w.Header(), w.Body)
	}
	return v
}

// secret asks with an API key that has one.
func (o *office) secret(t testing.TB, secret, method, path, content string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	o.h.ServeHTTP(w, request(method, path, content, append([]string{"Assay-Key", secret}, header...)...))
	verified(t, method, path, w)
	return w
}

// TestClientLife: a client is made, gets a key, is changed, disabled and enabled; each holds from the next request on.
func TestClientLife(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin, authz.Service)
	expires := o.clock.Add(authn.AuditorLife).Truncate(time.Second).Format(time.RFC3339)
	w := boss.ask(t, "POST", "/v1/clients", `{"name":"Backend","roles":["service"],"scope":{"reports":["`+o.first.Digest.String()+`"]},"expires":"`+expires+`"}`)
	location, tag := w.Header().Get("Location"), w.Header().Get("ETag")
	made := answered[api.Client](t, w, 201)
	want := api.Client{ID: made.ID, Name: "Backend", Kind: "machine", State: "good", Roles: []string{"service"}, Tier: "standard", Scope: api.Scope{Reports: []string{o.first.Digest.String()}}, Created: made.Created, Expires: expires}
	if diff := cmp.Diff(want, made); diff != "" || location != "/v1/clients/"+made.ID {
		t.Errorf("%s %s", location, diff)
	}
	w = boss.ask(t, "GET", location, "")
	if got := w.Header().Get("ETag"); got != tag || !cmp.Equal(made, answered[api.Client](t, w, 200)) {
		t.Errorf("GET has %s, POST had %s", got, tag)
	}
	w = boss.ask(t, "POST", "/v1/keys", `{"client":"`+made.ID+`","name":"first","permissions":["proof:read:any"],"networks":["192.0.2.0/24"],"days":30}`)
	key := answered[api.MadeKey](t, w, 201)
	if key.State != "good" || key.By != "secret" || key.Client != made.ID || key.Expires != o.clock.AddDate(0, 0, 30).Format(time.RFC3339) || w.Header().Get("Location") != "/v1/keys/"+key.ID {
		t.Errorf("%+v", key)
	}
	proof := func(statement string) int {
		return o.secret(t, key.Secret, "POST", "/v1/proofs", asking(statement, canary)).Code
	}
	if got := []int{proof(o.first.Digest.String()), proof(o.last.Digest.String())}; got[0] != 200 || got[1] != 404 {
		t.Errorf("by its scope: %v", got)
	}
	me := answered[api.Me](t, o.secret(t, key.Secret, "GET", "/v1/me", ""), 200)
	if diff := cmp.Diff([]string{"proof:read:any"}, me.Permissions); diff != "" || me.Client.ID != made.ID || me.Key.ID != key.ID {
		t.Errorf("%+v", me)
	}
	change := `{"name":"Backend","roles":["service"],"tier":"partner","scope":{"from":"2026-11-02"}}`
	w = boss.ask(t, "PUT", location, change, "If-Match", tag)
	tag = w.Header().Get("ETag")
	if changed := answered[api.Client](t, w, 200); changed.Tier != "partner" || changed.Expires != "" || changed.Scope.From != "2026-11-02" {
		t.Errorf("%+v", changed)
	}
	if got := []int{proof(o.first.Digest.String()), proof(o.last.Digest.String())}; got[0] != 404 || got[1] != 200 {
		t.Errorf("by its scope as it was changed: %v", got)
	}
	for _, turn := range []struct {
		verb   string
		state  string
		status int
	}{{"disable", "disabled", 401}, {"disable", "disabled", 401}, {"enable", "good", 200}} {
		if got := answered[api.Client](t, boss.ask(t, "POST", location+":"+turn.verb, ""), 200); got.State != turn.state || proof(o.last.Digest.String()) != turn.status {
			t.Errorf("%s: %+v, %d", turn.verb, got, proof(o.last.Digest.String()))
		}
	}
	if got := boss.ask(t, "PUT", location, `{"name":"Backend","roles":["viewer"]}`, "If-Match", tag); got.Code != 200 || proof(o.last.Digest.String()) != 403 {
		t.Errorf("without the role: %d, %d", got.Code, proof(o.last.Digest.String()))
	}
}

// TestKeyLife: a key is made, gives itself another secret while the old one is good still, and ends itself.
func TestKeyLife(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin, authz.Service)
	client := o.client(t, authz.Scope{}, authz.Service)
	wish := `{"client":"` + client.ID + `","name":"first","permissions":["proof:read:any"]}`
	same := []string{"Idempotency-Key", "the-same-wish-again"}
	first := answered[api.MadeKey](t, boss.ask(t, "POST", "/v1/keys", wish, same...), 201)
	again := answered[api.MadeKey](t, boss.ask(t, "POST", "/v1/keys", wish, same...), 201)
	if !cmp.Equal(first, again) || len(answered[api.Keys](t, boss.ask(t, "GET", "/v1/keys?client="+client.ID, ""), 200).Keys) != 1 {
		t.Errorf("asked twice it was made twice: %+v %+v", first, again)
	}
	itself := "/v1/keys/" + first.ID
	w := o.secret(t, first.Secret, "POST", itself+":rotate", `{"days":10,"overlap":1}`, "Idempotency-Key", "0123456789-rotated")
	second := answered[api.MadeKey](t, w, 201)
	if second.ID != first.ID || second.Secret == first.Secret || second.Former != o.clock.Add(time.Hour).Format(time.RFC3339) {
		t.Errorf("%+v", second)
	}
	if got := o.secret(t, first.Secret, "POST", itself+":rotate", `{"overlap":1}`, "Idempotency-Key", "0123456789-thirdly"); got.Code != 409 {
		t.Errorf("a third that is good at once: %d %s", got.Code, got.Body)
	}
	o.clock = o.clock.Add(time.Hour)
	if old, young := o.secret(t, first.Secret, "GET", itself, ""), o.secret(t, second.Secret, "GET", itself, ""); old.Code != 401 || young.Code != 200 {
		t.Errorf("after the overlap: %d, %d", old.Code, young.Code)
	}
	shown := answered[api.Key](t, o.secret(t, second.Secret, "GET", itself, ""), 200)
	if diff := cmp.Diff(api.Key{ID: first.ID, Client: client.ID, Name: "first", State: "good", By: "secret", Permissions: []string{"proof:read:any"}, Created: first.Created, Expires: second.Expires, Used: shown.Used}, shown); diff != "" {
		t.Error(diff)
	}
	if got := answered[api.Key](t, o.secret(t, second.Secret, "POST", itself+":revoke", ""), 200); got.State != "revoked" {
		t.Errorf("%+v", got)
	}
	if got := o.secret(t, second.Secret, "GET", itself, ""); got.Code != 401 {
		t.Errorf("revoked by itself: %d", got.Code)
	}
	if got := boss.ask(t, "POST", itself+":rotate", `{}`); got.Code != 409 {
		t.Errorf("what is revoked, rotated: %d %s", got.Code, got.Body)
	}
	if got := boss.ask(t, "POST", itself+":revoke", ""); got.Code != 200 {
		t.Errorf("what is revoked, revoked: %d %s", got.Code, got.Body)
	}
	events, err := o.maker.Keys.Events(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, e := range events {
		if strings.Contains(string(e.Text), `"object":"`+first.ID+`"`) {
			var of struct{ Action, Client, Credential, From string }
			if err := json.Unmarshal(e.Text, &of); err != nil {
				t.Fatal(err)
			}
			acts = append(acts, fmt.Sprint(of.Action, " ", of.Client == boss.client, " ", of.Client == client.ID, " ", of.From))
		}
	}
	want := []string{"key.create true false 192.0.2.0/24", "key.rotate false true 192.0.2.0/24", "key.revoke false true 192.0.2.0/24", "key.revoke true false 192.0.2.0/24"}
	if diff := cmp.Diff(want, acts); diff != "" {
		t.Error(diff)
	}
}

// TestNoLongerLife: whoever may make no keys makes their own good again for as long as it was given, and no longer.
func TestNoLongerLife(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin, authz.Service)
	client := o.client(t, authz.Scope{}, authz.Service)
	made := answered[api.MadeKey](t, boss.ask(t, "POST", "/v1/keys", `{"client":"`+client.ID+`","name":"for a day","permissions":["proof:read:any"],"days":1}`), 201)
	rotate := "/v1/keys/" + made.ID + ":rotate"
	if got := o.secret(t, made.Secret, "POST", rotate, `{"days":365}`, "Idempotency-Key", "0123456789-for-a-year"); got.Code != 403 {
		t.Errorf("it gave itself a year: %d %s", got.Code, got.Body)
	}
	o.clock = o.clock.Add(time.Hour)
	tomorrow := o.clock.AddDate(0, 0, 1).Format(time.RFC3339)
	if got := answered[api.MadeKey](t, o.secret(t, made.Secret, "POST", rotate, `{}`, "Idempotency-Key", "0123456789-for-a-day"), 201); got.Expires != tomorrow {
		t.Errorf("it is good until %s, want %s", got.Expires, tomorrow)
	}
	if got := answered[api.MadeKey](t, boss.ask(t, "POST", rotate, `{"days":30,"overlap":0}`), 201); got.Expires != o.clock.AddDate(0, 0, 30).Format(time.RFC3339) {
		t.Errorf("by whoever makes keys: %s", got.Expires)
	}
}

// TestNobodyLetsInForLonger: whoever is let in until a day lets nobody in beyond it.
func TestNobodyLetsInForLonger(t *testing.T) {
	o := newOffice(t)
	until := o.clock.AddDate(0, 0, 30).Truncate(time.Second)
	boss := o.asker(t, authz.Admin)
	err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := o.maker.ChangeClient(ctx, tx, boss.client, authn.Enrolment{Name: "for a month", Roles: []authz.Role{authz.Admin}, Tier: authn.Standard, Expires: until})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	made := boss.ask(t, "POST", "/v1/clients", fmt.Sprintf(`{"name":"x","roles":["admin"],"expires":%q}`, until.Format(time.RFC3339)))
	place, tag := made.Header().Get("Location"), made.Header().Get("ETag")
	if made.Code != 201 {
		t.Fatalf("for as long: %d %s", made.Code, made.Body)
	}
	for name, got := range map[string]*httptest.ResponseRecorder{
		"a second longer":     boss.ask(t, "POST", "/v1/clients", fmt.Sprintf(`{"name":"x","roles":["admin"],"expires":%q}`, until.Add(time.Second).Format(time.RFC3339))),
		"for ever":            boss.ask(t, "POST", "/v1/clients", `{"name":"x","roles":["admin"]}`),
		"one that was let in": boss.ask(t, "PUT", place, `{"name":"x","roles":["admin"]}`, "If-Match", tag),
	} {
		if got.Code != 403 || !strings.Contains(got.Body.String(), "for longer") {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

// TestNarrowKeepsNobodyOut: whoever is for some reports alone ends no key of another client.
func TestNarrowKeepsNobodyOut(t *testing.T) {
	o := newOffice(t)
	narrow := o.keyOf(t, o.client(t, authz.Scope{Reports: []string{o.first.Digest.String()}}, authz.Admin))
	other := o.asker(t, authz.Publisher)
	if got := narrow.ask(t, "POST", "/v1/keys/"+other.key+":revoke", ""); got.Code != 403 {
		t.Errorf("another's: %d %s", got.Code, got.Body)
	}
	if got := narrow.ask(t, "POST", "/v1/keys/"+narrow.key+":revoke", ""); got.Code != 200 {
		t.Errorf("their own: %d %s", got.Code, got.Body)
	}
}

// TestKeysOfCertificates: over the API too a key is bound to a certificate, instead of a secret.
func TestKeysOfCertificates(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin, authz.Service)
	client := o.client(t, authz.Scope{}, authz.Service)
	digest := strings.Repeat("0a", 32)
	wish := func(more string) string {
		return `{"client":"` + client.ID + `","name":"first","permissions":["proof:read:any"]` + more + `}`
	}
	made := answered[api.MadeKey](t, boss.ask(t, "POST", "/v1/keys", wish(`,"certificate":"`+digest+`"`)), 201)
	if made.By != "certificate" || made.Secret != "" {
		t.Errorf("%+v", made)
	}
	both := `,"certificate":"` + digest + `","publicKey":"ed25519:` + strings.Repeat("0a", 32) + `"`
	if got := boss.ask(t, "POST", "/v1/keys", wish(both)); got.Code != 422 {
		t.Errorf("by both: %d %s", got.Code, got.Body)
	}
	second := answered[api.MadeKey](t, boss.ask(t, "POST", "/v1/keys", wish("")), 201)
	rotated := answered[api.MadeKey](t, boss.ask(t, "POST", "/v1/keys/"+second.ID+":rotate", `{"certificate":"`+strings.Repeat("0b", 32)+`"}`), 201)
	if rotated.By != "certificate" || rotated.Secret != "" {
		t.Errorf("%+v", rotated)
	}
	if got := boss.ask(t, "POST", "/v1/keys/"+second.ID+":rotate", "{"+both[1:]+"}"); got.Code != 422 {
		t.Errorf("rotated to both: %d %s", got.Code, got.Body)
	}
}

// TestPages: a list is read to its end by its cursors, each item once, whatever is added meanwhile.
func TestPages(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin)
	viewer := o.client(t, authz.Scope{}, authz.Viewer)
	for range 6 {
		o.keyOf(t, viewer)
	}
	for path, ids := range map[string]func(*httptest.ResponseRecorder) ([]string, string){
		"/v1/clients": func(w *httptest.ResponseRecorder) (all []string, next string) {
			page := answered[api.Clients](t, w, 200)
			for _, c := range page.Clients {
				all = append(all, c.ID)
			}
			return all, page.Next
		},
		"/v1/keys": func(w *httptest.ResponseRecorder) (all []string, next string) {
			page := answered[api.Keys](t, w, 200)
			for _, k := range page.Keys {
				all = append(all, k.ID)
			}
			return all, page.Next
		},
	} {
		whole, next := ids(boss.ask(t, "GET", path, ""))
		if next != "" || len(whole) < 2 {
			t.Errorf("%s: %v %s", path, whole, next)
		}
		var got []string
		for query := "?limit=2"; ; {
			page, next := ids(boss.ask(t, "GET", path+query, ""))
			got = append(got, page...)
			if next == "" {
				break
			}
			query = "?limit=2&cursor=" + next
			o.clock = o.clock.Add(time.Second)
			o.maker.Now = o.clock
		}
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	first := answered[api.Keys](t, boss.ask(t, "GET", "/v1/keys?limit=1", ""), 200)
	other := o.asker(t, authz.Admin)
	for name, got := range map[string]*httptest.ResponseRecorder{
		"of somebody else": other.ask(t, "GET", "/v1/keys?cursor="+first.Next, ""),
		"of another list":  boss.ask(t, "GET", "/v1/clients?cursor="+first.Next, ""),
		"made up":          boss.ask(t, "GET", "/v1/keys?cursor=AAAA", ""),
		"too many":         boss.ask(t, "GET", "/v1/keys?limit=501", ""),
		"none":             boss.ask(t, "GET", "/v1/keys?limit=0", ""),
	} {
		if kind, _ := problem(t, got); got.Code != 422 || kind != "/problems/validation" {
			t.Errorf("%s: %d %s", name, got.Code, kind)
		}
	}
	if got := answered[api.Keys](t, o.keyOf(t, viewer).ask(t, "GET", "/v1/keys", ""), 200); len(got.Keys) != 7 || slices.ContainsFunc(got.Keys, func(k api.Key) bool { return k.Client != viewer.ID }) {
		t.Errorf("a viewer sees %+v", got)
	}
}

// TestWishes: what cannot be made is told in a sentence, and nothing was made.
func TestWishes(t *testing.T) {
	o := newOffice(t)
	boss := o.asker(t, authz.Admin, authz.Service)
	client := o.client(t, authz.Scope{}, authz.Service, authz.Admin)
	key := func(more string) string {
		return `{"client":"` + client.ID + `","name":"x",` + more + `}`
	}
	for content, status := range map[string]int{
		`{"name":"x","roles":["auditor"]}`:                                                            422,
		`{"name":"x","roles":["auditor"],"expires":"2036-01-01T00:00:00Z"}`:                           422,
		`{"name":"x","roles":["root"]}`:                                                               422,
		`{"name":"x","roles":[]}`:                                                                     422,
		`{"name":"x","roles":["viewer"],"tier":"gold"}`:                                               422,
		`{"name":"x","roles":["viewer"],"expires":"2026-13-01T00:00:00Z"}`:                            422,
		`{"name":"x","roles":["viewer"],"expires":"2020-01-01T00:00:00Z"}`:                            422,
		`{"name":"x","roles":["viewer"],"scope":{"reports":["latest"]}}`:                              422,
		`{"name":"x","roles":["viewer"],"scope":{"from":"2026-02-30"}}`:                               422,
		key(`"permissions":["proof:read:any"]`) + " ":                                                 201,
		key(`"permissions":["proof:read:any"],"networks":["0.0.0.0/0"]`):                              422,
		key(`"permissions":["proof:read:any"],"networks":["x"]`):                                      422,
		key(`"permissions":["proof:read:*"]`):                                                         422,
		key(`"permissions":["proof:read:any"],"reports":["x"]`):                                       422,
		key(`"permissions":["proof:read:any"],"days":366`):                                            422,
		key(`"permissions":["client:write"]`):                                                         422, // it needs a public key, and networks
		key(`"permissions":["proof:read:any"],"publicKey":"ed25519:` + strings.Repeat("0", 64) + `"`): 422, // everybody signs for it
		key(`"permissions":["run:start"]`):                                                            403,
	} {
		path := "/v1/keys"
		if strings.HasPrefix(content, `{"name"`) {
			path = "/v1/clients"
		}
		got := boss.ask(t, "POST", path, content)
		if got.Code != status {
			t.Errorf("%s: %d %s, want %d", content, got.Code, got.Body, status)
		}
	}
	unknown := boss.ask(t, "POST", "/v1/keys", `{"client":"aaaaaaaaaaaaaaaa","name":"x","permissions":["proof:read:any"]}`)
	if unknown.Code != http.StatusNotFound {
		t.Errorf("of no client: %d %s", unknown.Code, unknown.Body)
	}
}
