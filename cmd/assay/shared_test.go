package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/assay-por/assay/web/store/pgtest"
)

// TestServerOnPostgres runs the tests of a server that keeps its records in PostgreSQL.
func TestServerOnPostgres(t *testing.T) {
	pgtest.Again(t, "TestKeysAtTheDoor", "TestSignedAtTheDoor", "TestAuditAtTheDoor", "TestClientsOverTheAPI", "TestRunOverTheAPI", "TestKilledServer")
}

// pool are servers that share a database of PostgreSQL, beside each other.
type pool struct {
	*proofServer
	postgres   *pgtest.Server
	urls, said []string
}

func newPool(t *testing.T, servers int) *pool {
	t.Helper()
	p := &pool{proofServer: newProofServer(t), postgres: pgtest.Start(t)}
	audited(t, p.proofServer)
	keptAt(t, p.dir, p.postgres.URL)
	for range servers {
		url, said, _ := servingProcess(t, p.dir, p.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
		p.urls, p.said = append(p.urls, url), append(p.said, said)
	}
	return p
}

// ask returns what each server answers to whoever has a key; to the public without one.
func (p *pool) ask(t *testing.T, path, key string) (statuses []int, content string) {
	t.Helper()
	for _, url := range p.urls {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			r.Header.Set("Assay-Key", key)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(response.Body)
		if err != nil || response.Body.Close() != nil {
			t.Fatal(err)
		}
		statuses, content = append(statuses, response.StatusCode), string(raw)
	}
	return statuses, content
}

// limits are the policies by which a server says that it counts.
func (p *pool) limits(t *testing.T, url, key string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Assay-Key", key)
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.Body.Close() != nil {
		t.Fatal(err)
	}
	return response.Header.Get("RateLimit-Policy")
}

// is refuses answers that are others.
func (p *pool) is(t *testing.T, when, path, key string, status int, words string) {
	t.Helper()
	got, content := p.ask(t, path, key)
	if !slices.Equal(got, slices.Repeat([]int{status}, len(p.urls))) || !strings.Contains(content, words) {
		t.Errorf("%s: %v %s, want %d %s", when, got, content, status, words)
	}
}

// TestServersShare: two servers beside each other know of what is revoked at once, whoever revoked it, and the log of both is one chain. While the database
// is away nobody is let in, and what is public is answered; then they go on by themselves.
func TestServersShare(t *testing.T) {
	p := newPool(t, 2)
	k := p.create(t)
	p.is(t, "a key", "/v1/me", k.Key, http.StatusOK, k.Client)
	p.admin(t, "revoke", k.ID)
	p.is(t, "one that is revoked", "/v1/me", k.Key, http.StatusUnauthorized, "credential-invalid")
	leaked := p.create(t)
	if got, content := p.ask(t, "/v1/reports?key="+leaked.Key, ""); !slices.Equal(got, []int{400, 400}) {
		t.Errorf("a key in a URL: %v %s", got, content)
	}
	p.is(t, "one that the first of them revoked", "/v1/me", leaked.Key, http.StatusUnauthorized, "credential-invalid")

	k = p.create(t)
	p.is(t, "a key", "/v1/me", k.Key, http.StatusOK, k.Client)
	mustCall(t, p.dir, p.exchange.assay, "admin", "limit", "set", "standard", "77777/s")
	waitFor(t, "a changed limit at both", func() bool {
		for _, url := range p.urls {
			if got := p.limits(t, url, k.Key); !strings.Contains(got, `"standard";q=77777;`) {
				return false
			}
		}
		return true
	})
	p.postgres.Kill(t)
	p.is(t, "while the database is away", "/v1/me", k.Key, http.StatusServiceUnavailable, "/problems/policy-stale")
	p.is(t, "what is public, meanwhile", "/v1/reports", "", http.StatusOK, "2026-10")
	if code, _, stderr := call(t, p.dir, p.exchange.assay, "admin", "key", "list"); code != exitNetwork || strings.Contains(stderr, "assay-pg") {
		t.Errorf("a command, meanwhile: %d %s", code, stderr)
	}
	p.postgres.Begin(t)
	waitFor(t, "let in again", func() bool {
		got, _ := p.ask(t, "/v1/me", k.Key)
		return slices.Equal(got, []int{200, 200})
	})
	p.turned(t, k.Key)
	stdout, _ := mustCall(t, p.dir, p.exchange.assay, "audit", "verify")
	has(t, stdout, "each chained to the one before")
	for _, said := range p.said {
		if text := read(t, said); strings.Contains(text, "assay-pg") || strings.Contains(text, "panic") {
			t.Errorf("a server says %s", text)
		}
	}
}

// turned has many denied at both servers at once, each of whom is in the log.
func (p *pool) turned(t *testing.T, key string) {
	t.Helper()
	before, _ := strconv.Atoi(p.postgres.Do(t, "SELECT count(*) FROM assay_server.audit"))
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.urls[i%2]+"/v1/runs/"+strings.Repeat("abcdefghijklmnopqrst"[i:i+1], 16), nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Assay-Key", key)
			response, err := http.DefaultClient.Do(r)
			if err != nil || response.Body.Close() != nil || response.StatusCode != http.StatusForbidden {
				t.Error(err, response)
			}
		})
	}
	wait.Wait()
	waitFor(t, "on record", func() bool {
		after, _ := strconv.Atoi(p.postgres.Do(t, "SELECT sum((event::json ->> 'count')::int) FROM assay_server.audit WHERE event LIKE '%\"authorize\"%'"))
		rows, _ := strconv.Atoi(p.postgres.Do(t, "SELECT count(*) FROM assay_server.audit"))
		return after == 20 && rows > before
	})
}

// TestBackedUpFromPostgres: a backup of a server that has PostgreSQL is good, and gets back there.
func TestBackedUpFromPostgres(t *testing.T) {
	p := newPool(t, 1)
	k := p.create(t)
	p.is(t, "a key", "/v1/me", k.Key, http.StatusOK, k.Client)
	assay, back := p.exchange.assay, filepath.Join(t.TempDir(), "back")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"keys", "list"}, "keyset credentials"}, {[]string{"keys", "rotate", "--purpose", "credentials"}, "a new key seals for credentials"}, {[]string{"keys", "reencrypt"}, "sealed anew"},
		{[]string{"admin", "client", "list"}, k.Client}, {[]string{"audit", "head"}, "rows, the last has the hash"},
	} {
		_, stdout, _ := call(t, p.dir, assay, opened(tt.args...)...) // of the statement's key nothing is known here, which the list says too
		has(t, stdout, tt.want)
	}
	p.is(t, "a key whose record was sealed anew", "/v1/me", k.Key, http.StatusOK, k.Client)
	stdout, _ := mustCall(t, p.dir, assay, opened("backup", "--drill")...)
	has(t, stdout, "the drill has passed")
	mustCall(t, p.dir, assay, "backup", "--out", "server.backup", "--to", p.recipient(t))
	_, stderr := mustCall(t, p.dir, assay, opened("restore", "server.backup", "--out", back)...)
	has(t, stderr, "assay admin move sqlite:assay.db")
	if err := os.WriteFile(filepath.Join(back, "db.url"), []byte(p.postgres.URL+" search_path=again"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _ = mustCall(t, back, assay, "admin", "move", "sqlite:assay.db")
	has(t, stdout, "rows are in postgres:file:db.url now")
	if code, _, stderr := call(t, back, assay, "admin", "move", "sqlite:assay.db"); code != exitRefused {
		t.Errorf("into one that is not empty: %d %s", code, stderr)
	}
	keys := p.postgres.Do(t, "SELECT count(*) FROM again.keys k JOIN assay_server.keys USING (id, record)")
	stdout, _ = mustCall(t, back, assay, "audit", "verify")
	if has(t, stdout, "each chained to the one before"); keys != "1" {
		t.Errorf("%s of the one key are there", keys)
	}
	for name, tt := range map[string]struct {
		url  string
		mode os.FileMode
		want string
	}{
		"others can read it": {p.postgres.URL, 0o644, "others can read "},
		"others can listen":  {"postgres://canary:canary@db.example/x", 0o600, "lets others listen"},
		"no URL":             {"canary", 0o600, "does not hold the URL"},
	} {
		path := filepath.Join(back, "db.url")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(tt.url), tt.mode); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := call(t, back, assay, "audit", "verify"); code == exitDone || !strings.Contains(stderr, "server.database: ") || !strings.Contains(stderr, tt.want) || strings.Contains(stderr, "canary") {
			t.Errorf("%s: %d %s", name, code, stderr)
		}
	}
}
