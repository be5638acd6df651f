package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/redis/redistest"
	"github.com/assay-por/assay/web/store/pgtest"
)

// replicas are two servers that share a database and a Redis, behind haproxy as deploy/haproxy.cfg has it.
type replicas struct {
	*proofServer
	postgres *pgtest.Server
	redis    *redistest.Server
	at       [2]string
	said     [2]string
	process  [2]*os.Process
	front    string
	stats    string // socket of haproxy
	roots    *x509.CertPool
	boss     string // id of a client who may make others
	key      client.Signer
}

func newReplicas(t *testing.T) *replicas {
	t.Helper()
	r := &replicas{proofServer: newProofServer(t), postgres: pgtest.Start(t), redis: redistest.Start(t), roots: x509.NewCertPool()}
	audited(t, r.proofServer)
	keptAt(t, r.dir, r.postgres.URL)
	r.write(t, "redis.url", r.redis.URL)
	if err := os.Chmod(filepath.Join(r.dir, "redis.url"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.write(t, "assay.toml", strings.Replace(read(t, r.dir, "assay.toml"), "[server]\n", `[server]
redis = "file:redis.url"
replicas = 2
certificate = "cert.pem"
certificate_key = "key.pem"
trusted_proxies = ["127.0.0.1"]
client_address = "proxy-v2"
`, 1))
	r.roots.AddCert(pair(t, r.dir, 1, time.Now().AddDate(0, 0, 90)))
	for i := range r.at {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r.at[i] = free.Addr().String()
		free.Close()
		r.begin(t, i)
	}
	r.balance(t)
	r.grant(t)
	return r
}

// begin starts a server.
func (r *replicas) begin(t *testing.T, i int) {
	t.Helper()
	_, r.said[i], r.process[i] = servingProcess(t, r.dir, r.exchange.assay, opened("serve", "--listen", r.at[i])...)
}

// balance puts haproxy before them.
func (r *replicas) balance(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "assay-front-") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r.stats = filepath.Join(dir, "s")
	text := read(t, "../../deploy/haproxy.cfg")
	r.front = balanced(t, func(address string) string {
		return strings.NewReplacer("bind :443", "bind "+address, "10.0.0.11:8443", r.at[0], "10.0.0.12:8443", r.at[1], " check-sni por.exchange.example", "",
			"/etc/ssl/certs/ca-certificates.crt", filepath.Join(r.dir, "cert.pem"), "global\n", "global\n    stats socket "+r.stats+"\n").Replace(text)
	})
}

// both waits until haproxy knows that both are there.
func (r *replicas) both(t *testing.T) {
	t.Helper()
	waitFor(t, "both servers are there", func() bool {
		conn, err := net.Dial("unix", r.stats)
		if err != nil {
			return false
		}
		defer conn.Close()
		_, asked := io.WriteString(conn, "show stat\n")
		text, err := io.ReadAll(conn)
		up := 0
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "servers,one,") || strings.HasPrefix(line, "servers,two,") {
				if strings.Contains(line, ",UP,") {
					up++
				}
			}
		}
		return err == nil && asked == nil && up == 2
	})
}

// grant makes a client who may make others, and signs.
func (r *replicas) grant(t *testing.T) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r.boss = r.client(t, "create", "--name", "Head of operations", "--role", "admin").ID
	key := r.admin(t, "create", "--client", r.boss, "--name", "laptop", "--public-key", "ed25519:"+hex.EncodeToString(public), "--cidr", "127.0.0.1",
		"--permission", "client:read", "--permission", "client:write", "--permission", "key:write")
	r.key = client.Signer{ID: key.ID, Key: private, Random: rand.Reader}
	r.both(t)
	admin := r.asker(t, r.front, func(c *client.Config) { c.Signer = &r.key })
	waitFor(t, "signed requests are taken", func() bool { _, err := admin.Me(t.Context()); return err == nil })
}

// asker asks at an address, over connections of its own. Its PROXY line says that it comes from where it does.
func (r *replicas) asker(t *testing.T, at string, change func(*client.Config)) *client.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.roots}}
	if at != r.front {
		transport.DialContext = proxyLine
	}
	t.Cleanup(transport.CloseIdleConnections)
	config := client.Config{URL: "https://" + at, Keys: []string{strings.TrimSpace(read(t, r.dir, "keys", "statement.pub"))}, HTTP: &http.Client{Transport: transport}}
	change(&config)
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// proxyLine connects as haproxy does: with what PROXY v2 says first, here of the connection itself (LOCAL).
func proxyLine(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		_, err = conn.Write([]byte("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"))
	}
	return conn, err
}

// flood asks 200 times who asks, at both servers at once, and returns how often that was answered.
func (r *replicas) flood(t *testing.T, key string) int {
	t.Helper()
	var answered [2]int
	var all sync.WaitGroup
	for i := range r.at {
		c := r.asker(t, r.at[i], func(c *client.Config) { c.APIKey = key })
		all.Go(func() {
			for range 100 {
				_, err := c.Me(t.Context())
				switch status, kind := problemOf(err); {
				case err == nil:
					answered[i]++
				case status != http.StatusTooManyRequests:
					t.Errorf("%d %s: %v", status, kind, err)
				}
			}
		})
	}
	all.Wait()
	return answered[0] + answered[1]
}

// policy is by what a server says that it counts who has a key.
func (r *replicas) policy(t *testing.T, i int, key string) string {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.roots}, DialContext: proxyLine, DisableKeepAlives: true}}
	asks, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.at[i]+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	asks.Header.Set("Assay-Key", key)
	response, err := c.Do(asks)
	if err != nil || response.Body.Close() != nil {
		t.Fatal(err)
	}
	return response.Header.Get("RateLimit-Policy")
}

// TestReplicas: what one server is told to refuse the other refuses at the next request; both count limits together, and while Redis is
// away each lets through its share, and never more.
func TestReplicas(t *testing.T) {
	r := newReplicas(t)
	admin := r.asker(t, r.at[0], func(c *client.Config) { c.Signer = &r.key })
	status := func(key string) int {
		t.Helper()
		c := r.asker(t, r.at[1], func(c *client.Config) { c.APIKey = key })
		_, err := c.Me(t.Context())
		got, _ := problemOf(err)
		if err != nil && got == 0 {
			t.Fatal(err)
		}
		return got
	}
	revoked, disabled := r.create(t), r.create(t)
	if a, b := status(revoked.Key), status(disabled.Key); a+b != 0 {
		t.Fatalf("good keys: %d %d", a, b)
	}
	if _, err := admin.RevokeAPIKey(t.Context(), revoked.ID); err != nil || status(revoked.Key) != http.StatusUnauthorized {
		t.Errorf("a key that the other server has revoked is taken: %v", err)
	}
	if _, err := admin.DisableClient(t.Context(), disabled.Client); err != nil || status(disabled.Key) != http.StatusUnauthorized {
		t.Errorf("a key of a client that the other server has disabled is taken: %v", err)
	}

	probe, first, second, third := r.create(t), r.create(t), r.create(t), r.create(t)
	mustCall(t, r.dir, r.exchange.assay, "admin", "limit", "set", "standard", "1/h burst 40")
	counted := func(when, as string) {
		t.Helper()
		waitFor(t, when, func() bool {
			return strings.Contains(r.policy(t, 0, probe.Key), as) && strings.Contains(r.policy(t, 1, probe.Key), as)
		})
	}
	counted("the limit holds at both", `"standard";q=40;`)
	if n := r.flood(t, first.Key); n != 40 {
		t.Errorf("%d of 200 were answered, want 40", n)
	}
	r.redis.Kill(t)
	if n := r.flood(t, second.Key); n != 40 {
		t.Errorf("while Redis is away %d of 200 were answered, want 20 by each", n)
	}
	counted("each counts its share", `"standard";q=20;`)
	if _, err := admin.Me(t.Context()); err == nil {
		t.Error("while Redis is away a signed request was taken, which may have been taken before")
	}
	r.redis.Begin(t)
	counted("both count together again", `"standard";q=40;`)
	if n := r.flood(t, third.Key); n != 40 {
		t.Errorf("after that %d of 200 were answered, want 40", n)
	}
	for _, said := range r.said {
		text := read(t, said)
		has(t, text, "Redis is away")
		if has(t, text, "Redis is back"); strings.Contains(text, "assay-redis") {
			t.Errorf("a server says where Redis is: %s", text)
		}
	}
}

// TestShareConfigured: a Redis with which others could listen is refused, and so are servers that could not know of each other; no error tells
// what is secret.
func TestShareConfigured(t *testing.T) {
	s := newProofServer(t)
	config := read(t, s.dir, "assay.toml")
	for name, tt := range map[string]struct {
		lines, url, want string
		mode             os.FileMode
	}{
		"a URL in its place":          {"redis = \"redis://canary@127.0.0.1\"\n", "", "server.redis: want ", 0o600},
		"others can read it":          {"redis = \"file:redis.url\"\n", "redis://:canary@127.0.0.1:1", "server.redis: others can read ", 0o644},
		"others can listen":           {"redis = \"file:redis.url\"\n", "redis://:canary@redis.example:6379", "lets others listen", 0o600},
		"no certificate is looked at": {"redis = \"file:redis.url\"\n", "rediss://:canary@redis.example:6379?skip_verify=true", "lets others listen", 0o600},
		"no URL":                      {"redis = \"file:redis.url\"\n", "canary", "does not hold the URL", 0o600},
		"a file of SQLite":            {"replicas = 2\n", "", "server.replicas: ", 0o600},
		"too many":                    {"replicas = 65\n", "", "server.replicas: got 65", 0o600},
	} {
		s.write(t, "assay.toml", strings.Replace(config, "[server]\n", "[server]\n"+tt.lines, 1))
		if tt.url != "" {
			_ = os.Remove(filepath.Join(s.dir, "redis.url"))
			if err := os.WriteFile(filepath.Join(s.dir, "redis.url"), []byte(tt.url), tt.mode); err != nil {
				t.Fatal(err)
			}
		}
		code, _, stderr := call(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
		if code == exitDone || !strings.Contains(stderr, tt.want) || strings.Contains(stderr, "canary") {
			t.Errorf("%s: %d %s", name, code, stderr)
		}
	}
}
