package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/web/client"
)

// A toxiproxy stands before others and spoils what goes through it.
type toxiproxy struct{ api string }

func newToxiproxy(t *testing.T) *toxiproxy {
	t.Helper()
	program, err := filepath.Abs("../../build/bin/toxiproxy")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("skipped: there is no toxiproxy; type: make toxiproxy")
	}
	port := freePort(t)
	c := exec.Command(program, "-host", "127.0.0.1", "-port", fmt.Sprint(port))
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	p := &toxiproxy{fmt.Sprintf("http://127.0.0.1:%d", port)}
	waitFor(t, "toxiproxy answers", func() bool {
		got, err := http.Get(p.api + "/version")
		return err == nil && got.Body.Close() == nil
	})
	return p
}

// says tells it something, and returns what it answers.
func (p *toxiproxy) says(t *testing.T, method, path string, content any) (answer struct{ Listen string }) {
	t.Helper()
	raw, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, p.api+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	said, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, got.StatusCode, said, err)
	}
	if len(said) > 0 {
		if err := json.Unmarshal(said, &answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

// before stands before a socket, and returns where that is.
func (p *toxiproxy) before(t *testing.T, name, socket string) (host, port string) {
	t.Helper()
	made := p.says(t, "POST", "/proxies", map[string]any{"name": name, "listen": "127.0.0.1:0", "upstream": relay(t, socket), "enabled": true})
	host, port, err := net.SplitHostPort(made.Listen)
	if err != nil || port == "0" {
		t.Fatalf("it listens at %q", made.Listen)
	}
	return host, port
}

// A fault of the way to somebody.
type fault struct {
	name  string
	toxic map[string]any // nil: nobody listens, and connections end
}

// spoils begins a fault, which the function that is returned ends.
func (p *toxiproxy) spoils(t *testing.T, proxy string, f fault) (heal func()) {
	t.Helper()
	if f.toxic == nil {
		p.says(t, "POST", "/proxies/"+proxy, map[string]any{"enabled": false})
		return func() { t.Helper(); p.says(t, "POST", "/proxies/"+proxy, map[string]any{"enabled": true}) }
	}
	for _, stream := range []string{"upstream", "downstream"} {
		p.says(t, "POST", "/proxies/"+proxy+"/toxics", map[string]any{"name": stream, "type": f.name, "stream": stream, "toxicity": 1, "attributes": f.toxic})
	}
	return func() {
		t.Helper()
		for _, stream := range []string{"upstream", "downstream"} {
			p.says(t, "DELETE", "/proxies/"+proxy+"/toxics/"+stream, nil)
		}
	}
}

// The ways in which a network fails: what is on its way is late, arrives never while nobody hangs up, is torn off, or is refused.
var (
	late     = fault{"latency", map[string]any{"latency": 40, "jitter": 20}}
	halfOpen = fault{"timeout", map[string]any{"timeout": 0}}
	torn     = fault{"reset_peer", map[string]any{"timeout": 0}}
	gone     = fault{"gone", nil}
)

// relay leads from a port to a socket, until the test ends.
func relay(t *testing.T, socket string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			go func() {
				defer from.Close()
				to, err := net.Dial("unix", socket)
				if err != nil {
					return
				}
				go func() {
					_, _ = io.Copy(to, from)
					_ = to.Close()
				}()
				_, _ = io.Copy(from, to)
			}()
		}
	}()
	return l.Addr().String()
}

// toxic has the second of two servers reach the database and Redis through toxiproxy from now on.
func (r *replicas) toxic(t *testing.T) *toxiproxy {
	t.Helper()
	p := newToxiproxy(t)
	_, after, _ := strings.Cut(r.postgres.URL, "host=")
	dir, rest, _ := strings.Cut(after, " ")
	port, more, _ := strings.Cut(strings.TrimPrefix(rest, "port="), " ")
	host, at := p.before(t, "postgres", filepath.Join(dir, ".s.PGSQL."+port))
	write := func(name, text string) {
		r.write(t, name, text)
		if err := os.Chmod(filepath.Join(r.dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("toxic-db.url", "host="+host+" port="+at+" "+more+" sslmode=disable\n")
	host, at = p.before(t, "redis", strings.TrimPrefix(r.redis.URL, "unix://"))
	write("toxic-redis.url", "redis://"+net.JoinHostPort(host, at))
	write("toxic.toml", strings.NewReplacer("postgres:file:db.url", "postgres:file:toxic-db.url", "file:redis.url", "file:toxic-redis.url").Replace(read(t, r.dir, "assay.toml")))
	if err := r.process[1].Kill(); err != nil {
		t.Fatal(err)
	}
	_, r.said[1], r.process[1] = servingProcess(t, r.dir, r.exchange.assay, opened("serve", "--config", "toxic.toml", "--listen", r.at[1])...)
	r.both(t)
	return p
}

// asks is how the second server answers whoever has a key. It answers, whatever the network does.
func (r *replicas) asks(t *testing.T, key string) int {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	c := r.asker(t, r.at[1], func(c *client.Config) { c.APIKey = key })
	_, err := c.Me(ctx)
	status, _ := problemOf(err)
	if err == nil {
		status = http.StatusOK
	}
	if status == 0 {
		t.Errorf("no answer: %v", err)
	}
	return status
}

// TestToxicNetwork: toxiproxy stands between one of two servers and what they share. However the network fails, that server lets in nobody whom the other has revoked: it refuses them, or says that it cannot
// find out; limits hold on; and it comes back by itself. What is only late is late.
func TestToxicNetwork(t *testing.T) {
	r := newReplicas(t)
	p := r.toxic(t)
	good := r.create(t)
	admin := r.asker(t, r.at[0], func(c *client.Config) { c.Signer = &r.key })

	heal, healToo := p.spoils(t, "postgres", late), p.spoils(t, "redis", late)
	waitFor(t, "answered over a slow network", func() bool { return r.asks(t, good.Key) == http.StatusOK })
	heal()
	healToo()

	for _, f := range []fault{halfOpen, torn, gone} {
		t.Run("database "+f.name, func(t *testing.T) {
			stolen := r.create(t)
			waitFor(t, "a good key is let in", func() bool { return r.asks(t, stolen.Key) == http.StatusOK })
			heal := p.spoils(t, "postgres", f)
			if _, err := admin.RevokeAPIKey(t.Context(), stolen.ID); err != nil {
				t.Error(err)
			}
			var all sync.WaitGroup // each waits for the database, together
			for range 8 {
				all.Go(func() {
					if status := r.asks(t, stolen.Key); status != http.StatusUnauthorized && status != http.StatusServiceUnavailable {
						t.Errorf("a key that was revoked: %d", status)
					}
				})
			}
			all.Go(func() {
				if status := r.asks(t, good.Key); status != http.StatusServiceUnavailable {
					t.Errorf("a good key, while nobody can find that out: %d", status)
				}
			})
			all.Wait()
			heal()
			waitFor(t, "it comes back", func() bool { return r.asks(t, good.Key) == http.StatusOK })
			waitFor(t, "a key that was revoked is refused", func() bool { // another connection may be found broken yet
				status := r.asks(t, stolen.Key)
				if status == http.StatusOK {
					t.Error("a key that was revoked, afterwards, lets somebody in")
				}
				return status == http.StatusUnauthorized
			})
		})
	}

	probe := r.create(t)
	mustCall(t, r.dir, r.exchange.assay, "admin", "limit", "set", "standard", "1/h burst 40")
	counts := func(as string) {
		t.Helper()
		waitFor(t, "it counts by "+as, func() bool { return strings.Contains(r.policy(t, 1, probe.Key), as) })
	}
	signed := r.asker(t, r.at[1], func(c *client.Config) { c.Signer = &r.key })
	known := func() int {
		_, err := signed.Me(t.Context())
		status, _ := problemOf(err)
		if err == nil {
			status = http.StatusOK
		}
		return status
	}
	for _, f := range []fault{halfOpen, gone} {
		t.Run("Redis "+f.name, func(t *testing.T) {
			counts(`"standard";q=40;`)
			flooder := r.create(t)
			heal := p.spoils(t, "redis", f)
			answered := 0
			for range 60 {
				switch status := r.asks(t, flooder.Key); status {
				case http.StatusOK:
					answered++
				case http.StatusTooManyRequests:
				default:
					t.Errorf("%d", status)
				}
			}
			if answered != 20 {
				t.Errorf("%d of 60 were answered, want the server's share, 20", answered)
			}
			counts(`"standard";q=20;`)
			if status := known(); status != http.StatusServiceUnavailable {
				t.Errorf("a signed request, which may have been taken before: %d", status)
			}
			heal()
			counts(`"standard";q=40;`)
			waitFor(t, "signed requests are taken", func() bool { status := known(); return status == http.StatusOK || status == http.StatusTooManyRequests })
		})
	}
}
