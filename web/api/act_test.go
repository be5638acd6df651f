package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

// TestOnPostgres runs all tests of this room on PostgreSQL too.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }

// thing is what the acts of this test make and change.
type thing struct {
	Name   string   `json:"name" minLength:"1" maxLength:"8"`
	Weight int      `json:"weight,omitempty" minimum:"1" maximum:"9"`
	Parts  []string `json:"parts,omitempty" maxItems:"2" nullable:"false"`
}

// shop has acts that make and change things. It keeps them in memory, so that a test sees what was done though it was taken back.
type shop struct {
	t      *testing.T
	h      http.Handler
	path   string
	now    time.Time
	made   []thing
	fault  error         // of the next act
	silent bool          // it leaves nothing in the audit log
	wait   chan struct{} // it waits for this
	begun  chan struct{} // and says so
	faults []error       // that were told
	who    string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, path: filepath.Join(t.TempDir(), "assay.db"), now: time.Date(2026, 11, 30, 12, 0, 0, 500, time.UTC), who: "k1"}
	records := storetest.Open(t, s.path)
	client := store.Client{ID: "c1", Name: "shopper", Roles: []string{"service"}, Tier: "standard", Created: s.now}
	err := records.Write(t.Context(), func(tx *store.Tx) error {
		err := tx.CreateClient(t.Context(), client)
		for _, id := range []string{"k1", "k2"} {
			err = errors.Join(err, tx.CreateKey(t.Context(), store.Key{ID: id, Client: client.ID, Name: id, Created: s.now, Credentials: []store.Credential{{MAC: []byte(id), Created: s.now, Until: s.now.AddDate(1, 0, 0)}}}))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	a := begin(r, Config{Fault: func(err error) { s.faults = append(s.faults, err) },
		Acts: &Acts{Store: records, Pepper: [authn.PepperSize]byte{1}, Random: rand.Reader, Now: func() time.Time { return s.now }}})
	addAct(a, act{method: http.MethodPost, path: "/v1/things", id: "make", creates: true, same: true}, s.create)
	addAct(a, act{method: http.MethodPut, path: "/v1/things/{id}", id: "change", of: objectOf("id", "^[0-9]$", "Number"), same: true,
		shown: func(_ context.Context, c *call) (any, error) { return s.find(c.of) }}, s.change)
	addAct(a, act{method: http.MethodPost, path: "/v1/things/{id}:break", id: "break", of: objectOf("id", "^[0-9]$", "Number")}, func(ctx context.Context, c *call, _ *nothing) (thing, error) {
		return s.change(ctx, c, &thing{Name: "broken"})
	})
	s.h = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		ctx := audit.With(authn.With(q.Context(), &authn.Principal{ID: s.who, Client: client.ID, Kind: store.Machine, Tier: client.Tier, Roles: []authz.Role{authz.Service}, Scope: authz.Scopes{{}, {}}}), audit.Origin{Client: "c1", Credential: s.who})
		r.ServeHTTP(w, q.WithContext(ctx))
	})
	return s
}

func (s *shop) find(of string) (thing, error) {
	i := int(of[0] - '0')
	if i >= len(s.made) {
		return thing{}, refused(http.StatusNotFound, "", noObject)
	}
	return s.made[i], nil
}

func (s *shop) create(ctx context.Context, c *call, in *thing) (thing, error) {
	if s.wait != nil {
		close(s.begun)
		<-s.wait
	}
	s.made = append(s.made, *in)
	c.location = "/v1/things/" + in.Name
	return *in, s.recorded(ctx, c, "thing.create", in.Name)
}

func (s *shop) change(ctx context.Context, c *call, in *thing) (thing, error) {
	if _, err := s.find(c.of); err != nil {
		return thing{}, err
	}
	s.made[int(c.of[0]-'0')] = *in
	return *in, s.recorded(ctx, c, "thing.change", c.of)
}

func (s *shop) recorded(ctx context.Context, c *call, action, object string) error {
	if s.silent {
		return s.fault
	}
	return errors.Join(c.record(ctx, action, object, ""), s.fault)
}

func (s *shop) ask(method, path, content string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(content))
	if content != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w
}

// refuses holds an answer to be a problem of that status and kind, of which nothing was done.
func (s *shop) refuses(name string, w *httptest.ResponseRecorder, status int, slug string) {
	s.t.Helper()
	var p huma.ErrorModel
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Status != status || p.Type != "/problems/"+slug || w.Header().Get("Content-Type") != kindProblem {
		s.t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, status, slug)
	}
}

const wish = "0123456789-a-wish"

// TestStrict: what is sent is taken in one spelling, or refused without being quoted.
func TestStrict(t *testing.T) {
	s := newShop(t)
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for content, slug := range map[string]string{
		``: "malformed", `x`: "malformed", `{"name":"secret"`: "malformed", `{"name":"secret"}{}`: "malformed", `{"name":"secret"}]`: "malformed", "{\"name\":\"sec\xffret\"}": "malformed",
		`{"name":"secret","name":"b"}`: "malformed", `{"name":"secret","parts":null}`: "malformed", `null`: "malformed", `{"name":"secret","n\u0061me":"b"}`: "malformed",
		`{"name":"secret","parts":[{"x":1,"x":2}]}`: "malformed", "{\"name\":\"e\u0301\"}": "malformed", "{\"e\u0301\":\"secret\"}": "malformed", `{"name":"se\u0000cret"}`: "malformed", `{"name":"se\ud800cret"}`: "malformed",
		`{"name":"a","x":` + deep(16) + `}`: "malformed", `{"name":"a","x":` + deep(15) + `}`: "validation",
		`{}`: "validation", `[]`: "validation", `"secret"`: "validation", `{"Name":"secret"}`: "validation", `{"name":"secret","secretly":1}`: "validation", `{"name":""}`: "validation", `{"name":"secretsecret"}`: "validation",
		`{"name":1}`: "validation", `{"name":"a","weight":0}`: "validation", `{"name":"a","weight":1.5}`: "validation", `{"name":"a","weight":1e400}`: "malformed", `{"name":"a","weight":"1"}`: "validation", `{"name":"a","parts":["a","b","c"]}`: "validation",
	} {
		status := map[string]int{"malformed": 400, "validation": 422}[slug]
		got := s.ask("POST", "/v1/things", content, "Content-Type", "application/json", "Idempotency-Key", wish)
		s.refuses(content, got, status, slug)
		if strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%s is quoted: %s", content, got.Body)
		}
	}
	good := `{"name":"é"}`
	for kind, status := range map[string]int{"": 415, "text/plain": 415, "application/json; x=y": 415, "application/merge-patch+json": 415, "multipart/form-data": 415} {
		s.refuses(kind, s.ask("POST", "/v1/things", good, "Content-Type", kind, "Idempotency-Key", wish), status, "unsupported-media-type")
	}
	s.refuses("a coding", s.ask("POST", "/v1/things", good, "Content-Encoding", "gzip", "Idempotency-Key", wish), 415, "unsupported-media-type")
	s.refuses("too large", s.ask("POST", "/v1/things", good+strings.Repeat(" ", maxAct), "Idempotency-Key", wish), 413, "content-too-large")
	s.refuses("content of nothing", s.ask("POST", "/v1/things/0:break", good), 413, "content-too-large")
	s.refuses("a parameter", s.ask("POST", "/v1/things?x=y", good, "Idempotency-Key", wish), 422, "validation")
	s.refuses("no such name", s.ask("POST", "/v1/things/x:break", ""), 404, "not-found")
	if len(s.made) > 0 || len(s.faults) > 0 {
		t.Errorf("made %v, faults %v", s.made, s.faults)
	}
	if got := s.ask("POST", "/v1/things", good, "Content-Type", "application/json; charset=utf-8", "Idempotency-Key", wish); got.Code != 201 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// TestOnce: a wish is granted once, and whoever sends it again has the same answer for a day; nobody else has it.
func TestOnce(t *testing.T) {
	s := newShop(t)
	s.refuses("without a key", s.ask("POST", "/v1/things", `{"name":"a"}`), 400, "idempotency-key-missing")
	for _, key := range []string{"short", strings.Repeat("x", 65), `"` + wish, "0123456789 a wish", "0123456789-a-wish;x"} {
		s.refuses(key, s.ask("POST", "/v1/things", `{"name":"a"}`, "Idempotency-Key", key), 400, "malformed")
	}
	first := s.ask("POST", "/v1/things", `{"name":"canary"}`, "Idempotency-Key", wish)
	if first.Code != 201 || first.Body.String() != `{"name":"canary"}`+"\n" || first.Header().Get("Location") != "/v1/things/canary" || first.Header().Get("ETag") == "" || first.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", first.Code, first.Header(), first.Body)
	}
	s.now = s.now.Add(keptFor - time.Second)
	again := s.ask("POST", "/v1/things", `{"name":"canary"}`, "Idempotency-Key", `"`+wish+`"`)
	if diff := cmp.Diff(first.Result().Header, again.Result().Header); again.Code != 201 || !bytes.Equal(first.Body.Bytes(), again.Body.Bytes()) || diff != "" || len(s.made) != 1 {
		t.Errorf("%d %s %s, made %v", again.Code, again.Body, diff, s.made)
	}
	s.refuses("other content", s.ask("POST", "/v1/things", `{"name": "canary"}`, "Idempotency-Key", wish), 422, "idempotency-mismatch")
	s.who = "k2"
	if other := s.ask("POST", "/v1/things", `{"name":"b"}`, "Idempotency-Key", wish); other.Code != 201 || len(s.made) != 2 {
		t.Errorf("somebody else: %d %s", other.Code, other.Body)
	}
	s.who, s.now = "k1", s.now.Add(time.Second)
	if late := s.ask("POST", "/v1/things", `{"name":"c"}`, "Idempotency-Key", wish); late.Code != 201 || len(s.made) != 3 {
		t.Errorf("a day later: %d %s", late.Code, late.Body)
	}
	for _, ending := range []string{"", "-wal"} {
		if pgtest.URL(s.path) != "" {
			break
		}
		if raw, err := os.ReadFile(s.path + ending); err != nil || bytes.Contains(raw, []byte(`{"name":"canary"}`)) || bytes.Contains(raw, []byte(wish)) {
			t.Errorf("%s shows what was answered, or the key to it: %v", s.path+ending, err)
		}
	}
}

// TestInProgress: what is being done is not done a second time meanwhile.
func TestInProgress(t *testing.T) {
	s := newShop(t)
	s.wait, s.begun = make(chan struct{}), make(chan struct{})
	ended := make(chan *httptest.ResponseRecorder)
	go func() { ended <- s.ask("POST", "/v1/things", `{"name":"a"}`, "Idempotency-Key", wish) }()
	<-s.begun
	s.refuses("at the same time", s.ask("POST", "/v1/things", `{"name":"a"}`, "Idempotency-Key", wish), 409, "in-progress")
	close(s.wait)
	if got := <-ended; got.Code != 201 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	s.wait = nil
	if got := s.ask("POST", "/v1/things", `{"name":"a"}`, "Idempotency-Key", wish); got.Code != 201 || len(s.made) != 1 {
		t.Errorf("afterwards: %d %s, made %v", got.Code, got.Body, s.made)
	}
}

// TestAllOrNothing: an act that fails, or leaves nothing in the audit log, is not done, and can be asked for again.
func TestAllOrNothing(t *testing.T) {
	s := newShop(t)
	s.fault = errors.New("the disk is full")
	s.refuses("a fault", s.ask("POST", "/v1/things", `{"name":"a"}`, "Idempotency-Key", wish), 503, "audit-unavailable")
	s.fault = refused(http.StatusConflict, "", "not now")
	s.refuses("a refusal", s.ask("POST", "/v1/things", `{"name":"a"}`, "Idempotency-Key", wish), 409, "state-conflict")
	s.fault, s.silent = nil, true
	s.refuses("no record", s.ask("POST", "/v1/things", `{"name":"a"}`, "Idempotency-Key", wish), 503, "audit-unavailable")
	if len(s.faults) != 2 || !errors.Is(s.faults[1], errUnrecorded) {
		t.Errorf("the log has %v", s.faults)
	}
	s.silent = false
	if got := s.ask("POST", "/v1/things", `{"name":"b"}`, "Idempotency-Key", wish); got.Code != 201 || len(s.made) != 4 {
		t.Errorf("again: %d %s", got.Code, got.Body)
	}
	records := storetest.Sealed(t, s.path)
	if events, err := records.Events(t.Context(), 0, 10); err != nil || len(events) != 1 || !strings.Contains(string(events[0].Text), `"object":"b"`) {
		t.Errorf("%v %v", err, events)
	}
}

// TestIfMatch: nobody changes what they have not seen.
func TestIfMatch(t *testing.T) {
	s := newShop(t)
	made := s.ask("POST", "/v1/things", `{"name":"a"}`, "Idempotency-Key", wish).Header().Get("ETag")
	s.refuses("no version", s.ask("PUT", "/v1/things/0", `{"name":"b"}`), 428, "precondition-required")
	for _, tag := range []string{"*", "W/" + made, strings.Trim(made, `"`), made + ", " + made, `"0000"`} {
		s.refuses(tag, s.ask("PUT", "/v1/things/0", `{"name":"b"}`, "If-Match", tag), 412, "precondition-failed")
	}
	s.refuses("no such thing", s.ask("PUT", "/v1/things/7", `{"name":"b"}`, "If-Match", made), 404, "not-found")
	got := s.ask("PUT", "/v1/things/0", `{"name":"b"}`, "If-Match", made)
	if got.Code != 200 || got.Header().Get("ETag") == made || s.made[0].Name != "b" {
		t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
	}
	s.refuses("an old version", s.ask("PUT", "/v1/things/0", `{"name":"c"}`, "If-Match", made), 412, "precondition-failed")
	if got := s.ask("POST", "/v1/things/0:break", ""); got.Code != 200 || got.Header().Get("ETag") != "" || s.made[0].Name != "broken" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// TestCursor: a page is continued by whoever was given it, in the list that it is of.
func TestCursor(t *testing.T) {
	a := &api{config: Config{Acts: &Acts{Pepper: [authn.PepperSize]byte{1}}}}
	other := &api{config: Config{Acts: &Acts{Pepper: [authn.PepperSize]byte{2}}}}
	who, another := &authn.Principal{ID: "k1"}, &authn.Principal{ID: "k2"}
	cursor := a.next(who, "things", "42")
	if item, err := a.after(who, "things", cursor); err != nil || item != "42" {
		t.Errorf("%q %v", item, err)
	}
	if item, err := a.after(who, "things", ""); err != nil || item != "" {
		t.Errorf("%q %v", item, err)
	}
	bad := func(name string, item string, err error) {
		t.Helper()
		var no *refusal
		if !errors.As(err, &no) || no.status != 422 || item != "" {
			t.Errorf("%s: %q %v", name, item, err)
		}
	}
	for name, text := range map[string]string{"short": cursor[:20], "altered": cursor[:len(cursor)-2] + "Mw", "padded": cursor + "=", "no cursor": "42", "longer": cursor + "AA"} {
		item, err := a.after(who, "things", text)
		bad(name, item, err)
	}
	for name, f := range map[string]func() (string, error){
		"another": func() (string, error) { return a.after(another, "things", cursor) },
		"list":    func() (string, error) { return a.after(who, "others", cursor) },
		"server":  func() (string, error) { return other.after(who, "things", cursor) },
	} {
		item, err := f()
		bad(name, item, err)
	}
}

// FuzzStrict: whatever is taken is JSON in one spelling, and reads back as what it was.
func FuzzStrict(f *testing.F) {
	for _, seed := range []string{`{"name":"a","weight":3,"parts":["b"]}`, `{"name":"a","name":"b"}`, "{\"name\":\"\\ud83d\\ude00\"}", `{"a":[[[{}]]]}`, "\xef\xbb\xbf{}"} {
		f.Add([]byte(seed))
	}
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	schema := huma.SchemaFromType(registry, reflect.TypeFor[thing]())
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, again thing
		if decode(registry, schema, raw, &got) != nil {
			return
		}
		spelled, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := decode(registry, schema, spelled, &again); err != nil || !cmp.Equal(got, again) {
			t.Errorf("%s: %v, then %v: %v", raw, got, again, err)
		}
	})
}
