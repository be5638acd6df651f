package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/people/peopletest"
)

// person runs assay admin person beside the server.
func (s *proofServer) person(t *testing.T, args ...string) personRecord {
	t.Helper()
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, append([]string{"admin", "person"}, append(args, "--json")...)...)
	var p personRecord
	if err := json.Unmarshal([]byte(stdout), &p); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return p
}

// A browser asks a door as a person.
type browser struct {
	door   *door
	key    *peopletest.Authenticator
	cookie string
}

func (b *browser) ask(t *testing.T, method, path string, content, answer any) (status int) {
	t.Helper()
	raw, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, b.door.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Idempotency-Key", rand.Text())
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: authn.SessionCookie, Value: b.cookie})
	}
	w, err := b.door.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	for _, c := range w.Cookies() {
		if c.Name == authn.SessionCookie && c.Secure && c.HttpOnly && c.SameSite == http.SameSiteStrictMode && c.Path == "/" && c.Domain == "" {
			b.cookie = c.Value
		}
	}
	said, err := io.ReadAll(w.Body)
	if err == nil && answer != nil && w.StatusCode < 300 {
		err = json.Unmarshal(said, answer)
	}
	if err != nil {
		t.Fatalf("%s %s: %d %s: %v", method, path, w.StatusCode, said, err)
	}
	return w.StatusCode
}

// enrols takes an invitation by a passkey.
func (b *browser) enrols(t *testing.T, link string) {
	t.Helper()
	invitation, ok := strings.CutPrefix(link, "https://assay.example/console/invitation#")
	if !ok {
		t.Fatalf("the link is %s", link)
	}
	var asked struct{ Options json.RawMessage }
	if status := b.ask(t, "POST", "/v1/auth/invitation:begin", map[string]any{"invitation": invitation}, &asked); status != 200 {
		t.Fatal(status)
	}
	shown, err := b.key.Create(asked.Options)
	if err != nil {
		t.Fatal(err)
	}
	if status := b.ask(t, "POST", "/v1/auth/invitation", map[string]any{"invitation": invitation, "name": "Laptop", "credential": shown}, nil); status != 200 || b.cookie == "" {
		t.Fatalf("%d, cookie %q", status, b.cookie)
	}
}

// TestPeopleAtAServer: two administrators are invited at the command line, register passkeys, and one confirms what the other proposes. What the
// command line changes the server obeys at once, and no log tells a token.
func TestPeopleAtAServer(t *testing.T) {
	d := newDoorWith(t, nil, "people = { origins = [\"https://assay.example\"] }\n")
	s := d.server
	browsers := [2]*browser{}
	records := [2]personRecord{}
	var links []string
	for i, login := range []string{"ada", "bob"} {
		records[i] = s.person(t, "invite", "--login", login, "--name", strings.ToUpper(login), "--role", "admin")
		browsers[i] = &browser{door: d, key: &peopletest.Authenticator{Origin: "https://assay.example", Random: rand.Reader}}
		links = append(links, records[i].Link)
		browsers[i].enrols(t, records[i].Link)
	}
	ada, bob := browsers[0], browsers[1]
	var me struct {
		Client struct{ ID, Kind string }
		Second bool
	}
	if status := ada.ask(t, "GET", "/v1/me", nil, &me); status != 200 || me.Client.ID != records[0].ID || me.Client.Kind != "person" || !me.Second {
		t.Errorf("%d %+v", status, me)
	}
	var proposal struct{ ID, Digest string }
	change := map[string]any{"login": "carol", "name": "Carol", "roles": []string{"viewer"}}
	if status := ada.ask(t, "POST", "/v1/people", change, nil); status != 403 {
		t.Errorf("alone: %d", status)
	}
	if status := ada.ask(t, "POST", "/v1/proposals", map[string]any{"kind": "person-create", "change": change, "reason": "She begins today."}, &proposal); status != 201 {
		t.Fatal(status)
	}
	var done struct {
		Result struct{ Link string }
	}
	if status := bob.ask(t, "POST", "/v1/proposals/"+proposal.ID+":confirm", map[string]any{"digest": proposal.Digest}, &done); status != 200 {
		t.Fatal(status)
	}
	(&browser{door: d, key: ada.key.Copy()}).enrols(t, done.Result.Link)
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, "admin", "person", "list")
	if strings.Count(stdout, "passkey") != 3 || !strings.Contains(stdout, "carol") {
		t.Errorf("the list is\n%s", stdout)
	}
	s.person(t, "disable", records[1].ID)
	if status := bob.ask(t, "GET", "/v1/me", nil, nil); status != 401 {
		t.Errorf("who was disabled: %d", status)
	}
	reset := s.person(t, "reset", records[0].ID)
	if status := ada.ask(t, "GET", "/v1/me", nil, nil); status != 401 || reset.Passkeys != 0 {
		t.Errorf("who was reset: %d, %+v", status, reset)
	}
	ada.cookie = ""
	ada.enrols(t, reset.Link)
	said, err := os.ReadFile(d.said)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range append(links, reset.Link, done.Result.Link, ada.cookie, "Carol") {
		if _, token, found := strings.Cut(secret, "#"); found {
			secret = token
		}
		if bytes.Contains(said, []byte(secret)) {
			t.Errorf("the server's log tells %q", secret)
		}
	}
}

// TestPeopleConfigured: what would let nobody in, or in at a wrong place, is refused when the configuration is read.
func TestPeopleConfigured(t *testing.T) {
	for lines, want := range map[string]string{
		`origins = ["http://assay.example"]`:                                  "no origin such as https",
		`origins = ["https://assay.example/"]`:                                "no origin such as https",
		`origins = ["https://assay.example", "https://other.example"]`:        "are for no page at https://other.example",
		`origins = ["https://assay.example"]` + "\n" + `id = "other.example"`: "are for no page at https://assay.example",
		`origins = ["https://assay.example"]` + "\n" + `id = "ssay.example"`:  "are for no page at https://assay.example",
		`second = false`: "origins are missing",
	} {
		_, err := parseConfig([]byte(strings.Replace(configTemplate, "[server]\n", "[server]\nkey = \"file:keys/response.age\"\ndatabase = \"sqlite:assay.db\"\nkek = \"file:keys/kek.age\"\n", 1) + "\n[server.people]\n" + lines + "\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", lines, err, want)
		}
	}
	good := strings.Replace(configTemplate, "[server]\n", "[server]\nkey = \"file:keys/response.age\"\ndatabase = \"sqlite:assay.db\"\nkek = \"file:keys/kek.age\"\n", 1) + "\n[server.people]\norigins = [\"https://assay.example\", \"https://console.assay.example\"]\nsecond = false\n"
	if c, err := parseConfig([]byte(good)); err != nil || c.Server.People.Second == nil || *c.Server.People.Second {
		t.Errorf("%v", err)
	}
}
