package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/store/pgtest"
)

// clients runs assay admin client beside the server.
func (s *proofServer) client(t *testing.T, args ...string) clientRecord {
	t.Helper()
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, append([]string{"admin", "client"}, append(args, "--json")...)...)
	var c clientRecord
	if err := json.Unmarshal([]byte(stdout), &c); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return c
}

// showing is the client of a door with a credential.
func (d *door) showing(t *testing.T, change func(*client.Config)) *client.Client {
	t.Helper()
	config := client.Config{URL: d.url, Keys: []string{strings.TrimSpace(read(t, d.server.dir, "keys", "statement.pub"))}, HTTP: d.http}
	change(&config)
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problemOf is the status and kind of a refusal; zero for none.
func problemOf(err error) (status int, kind string) {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.Status, strings.TrimPrefix(p.Type, "/problems/")
	}
	return 0, ""
}

// TestClientsOverTheAPI: an administrator, made at the command line, lets others in over the API of a served exchange; what the one
// way changes the other one shows, and the server obeys at once.
func TestClientsOverTheAPI(t *testing.T) {
	d := newDoor(t)
	s := d.server
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	boss := s.client(t, "create", "--name", "Head of operations", "--role", "admin", "--role", "service")
	grant := []string{"create", "--client", boss.ID, "--name", "laptop", "--public-key", "ed25519:" + hex.EncodeToString(public), "--cidr", "127.0.0.1"}
	for _, p := range []string{"client:read", "client:write", "key:write", "proof:read:any"} {
		grant = append(grant, "--permission", p)
	}
	key := s.admin(t, grant...)
	admin := d.showing(t, func(c *client.Config) { c.Signer = &client.Signer{ID: key.ID, Key: private, Random: rand.Reader} })
	waitFor(t, "taken", func() bool { // nothing that was signed in the first seconds is
		me, err := admin.Me(t.Context())
		return err == nil && me.Client.ID == boss.ID && me.Key.ID == key.ID && len(me.Permissions) == 4
	})
	made, err := admin.CreateClient(t.Context(), "wish-of-a-client-1", client.Registration{Name: "Backend", Roles: []string{"service"}, Scope: client.Scope{Reports: []string{s.exchange.digest(t, "second")}}})
	if err != nil {
		t.Fatal(err)
	}
	again, err := admin.CreateClient(t.Context(), "wish-of-a-client-1", client.Registration{Name: "Backend", Roles: []string{"service"}, Scope: made.Scope})
	if diff := cmp.Diff(made, again); err != nil || diff != "" {
		t.Errorf("the same wish again: %v %s", err, diff)
	}
	issued, err := admin.CreateAPIKey(t.Context(), "wish-of-a-key-012", client.APIKeyWish{Client: made.ID, Name: "host 1", Permissions: []string{"proof:read:any"}, Networks: []string{"127.0.0.1"}})
	if err != nil || issued.Secret == "" {
		t.Fatalf("%v %v", issued, err)
	}
	backend := d.showing(t, func(c *client.Config) { c.APIKey = issued.Secret })
	proof := func(c *client.Client) int {
		t.Helper()
		_, _, err := c.Proof(t.Context(), s.exchange.digest(t, "first"), s.customers[0])
		status, _ := problemOf(err)
		if err != nil && status == 0 {
			t.Fatal(err)
		}
		return status
	}
	if status := proof(backend); status != 404 {
		t.Errorf("by its scope: %d", status)
	}
	if status := proof(admin); status != 0 {
		t.Errorf("a proof by a request that is signed: %d", status)
	}
	changed, err := admin.ChangeClient(t.Context(), made.ID, made.Version, client.Registration{Name: "Backend", Roles: []string{"service"}, Tier: "partner"})
	if err != nil || proof(backend) != 0 || changed.Tier != "partner" {
		t.Errorf("%+v %v", changed, err)
	}
	if _, err := admin.ChangeClient(t.Context(), made.ID, made.Version, client.Registration{Name: "x", Roles: []string{"viewer"}}); err == nil || !strings.Contains(err.Error(), "precondition-failed") {
		t.Errorf("an old version: %v", err)
	}
	next, err := backend.RotateAPIKey(t.Context(), "wish-to-rotate-01", issued.ID, client.Rotation{Overlap: new(int)})
	if err != nil || proof(backend) != 401 {
		t.Errorf("%v %v", next, err)
	}
	backend = d.showing(t, func(c *client.Config) { c.APIKey = next.Secret })
	if got := s.client(t, "disable", made.ID); got.State != "disabled" || proof(backend) != 401 {
		t.Errorf("disabled at the command line: %+v", got)
	}
	if got, err := admin.EnableClient(t.Context(), made.ID); err != nil || got.State != "good" || proof(backend) != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := backend.RevokeAPIKey(t.Context(), issued.ID); err != nil || proof(backend) != 401 {
		t.Errorf("revoked by itself: %v", err)
	}
	var states []string
	for k, err := range admin.APIKeys(t.Context(), made.ID) {
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, k.State)
	}
	count := 0
	for _, err := range admin.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if !cmp.Equal(states, []string{"revoked"}) || count != 2 {
		t.Errorf("keys %v, %d clients", states, count)
	}
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, "admin", "client", "list")
	if !strings.Contains(stdout, made.ID) || !strings.Contains(stdout, "partner") || strings.Count(stdout, "\n") != 3 {
		t.Errorf("the list is %s", stdout)
	}
	files := []string{d.said}
	if pgtest.URL(s.dir) == "" {
		files = append(files, s.dir+"/assay.db", s.dir+"/assay.db-wal")
	}
	for _, file := range files {
		if text := read(t, file); strings.Contains(text, issued.Secret[22:74]) || strings.Contains(text, next.Secret[22:74]) {
			t.Errorf("a secret lies in %s", file)
		}
	}
}

// TestClientsWithoutProofs: a server that names a database lets clients in though it makes no proofs, and one that names none has no
// such routes, and makes no database.
func TestClientsWithoutProofs(t *testing.T) {
	s := newProofServer(t)
	lines := strings.Split(read(t, s.dir, "assay.toml"), "\n")
	var kept []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "proofs") && !strings.HasPrefix(line, "database") {
			kept = append(kept, line)
		}
	}
	without := strings.Join(kept, "\n")
	for name, config := range map[string]string{"plain.toml": without, "named.toml": strings.Replace(without, "[server]\n", "[server]\ndatabase = \"sqlite:clients.db\"\n", 1)} {
		s.write(t, name, config)
		url, _, _ := servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0", "--config", name)...)
		resp, err := http.Get(url + "/v1/me")
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]int{"plain.toml": 404, "named.toml": 401}[name]; resp.StatusCode != want || resp.Body.Close() != nil {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, want)
		}
	}
}

func TestClientCommandRefuses(t *testing.T) {
	s := &proofServer{exchange: newExchange(t, serverLines), dir: t.TempDir()}
	s.write(t, "assay.toml", "[exchange]\nname = \"Demo Exchange\"\n")
	writeKEK(t, s.dir)
	late := time.Now().AddDate(1, 0, 0).Format(time.DateOnly)
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"admin client needs a verb", nil},
		{"is no role, which are admin, auditor", []string{"create", "--name", "x", "--role", "root"}},
		{"a client without a role may nothing", []string{"create", "--name", "x"}},
		{"the name of a client has 1 to 64 bytes", []string{"create", "--role", "viewer"}},
		{"180 days at most", []string{"create", "--name", "x", "--role", "auditor"}},
		{"180 days at most", []string{"create", "--name", "x", "--role", "auditor", "--expires", late}},
		{"is no day such as", []string{"create", "--name", "x", "--role", "viewer", "--expires", "soon"}},
		{"is no tier", []string{"create", "--name", "x", "--role", "viewer", "--tier", "gold"}},
		{"there is nothing of that id", []string{"disable", "aaaaaaaaaaaaaaaa"}},
		{"takes the id of one client", []string{"enable"}},
	} {
		code, _, stderr := call(t, s.dir, s.exchange.assay, append([]string{"admin", "client"}, tt.args...)...)
		if code == exitDone || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: exit %d: %s, want %q", tt.args, code, stderr, tt.want)
		}
	}
}
