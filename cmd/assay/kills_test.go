package main

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// kills is how often a server is killed: so often, or as ASSAY_KILLS says.
func kills(t *testing.T, often int) int {
	t.Helper()
	text := os.Getenv("ASSAY_KILLS")
	if text == "" {
		return often
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("ASSAY_KILLS: %v", err)
	}
	return n
}

// doomed is a server that is killed while it writes: keys are revoked by showing them in a URL, which is told once it is done.
type doomed struct {
	*proofServer
	records *store.Store
	maker   authn.Maker

	mu           sync.Mutex
	acknowledged []string // ids of keys whose revocation was told
	sent         int
}

func newDoomed(t *testing.T) *doomed {
	t.Helper()
	d := &doomed{proofServer: newProofServer(t)}
	audited(t, d.proofServer)
	records, pepper := unsealedIn(t, d.dir)
	d.records, d.maker = records, authn.Maker{Pepper: pepper, Random: rand.Reader, Now: time.Now()}
	return d
}

// many makes keys, all in one change.
func (d *doomed) many(t *testing.T, n int) (all []authn.Secret) {
	t.Helper()
	ctx := audit.With(t.Context(), audit.Local())
	err := d.records.Write(ctx, func(tx *store.Tx) error {
		for range n {
			_, s, err := d.maker.Issue(ctx, tx, authn.Wish{Name: "doomed", Permissions: []authz.Permission{authz.ProofReadAny}, Life: authn.Life})
			if err != nil {
				return err
			}
			all = append(all, s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// revokes shows keys in URLs until the server is gone, and remembers which of them it said that it has revoked; each is told.
func (d *doomed) revokes(ctx context.Context, t *testing.T, url string, all <-chan authn.Secret, told chan<- struct{}) {
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for s := range all {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/reports?key="+s.Show(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		d.mu.Lock()
		d.sent++
		d.mu.Unlock()
		response, err := c.Do(r)
		if err != nil {
			return // it was killed
		}
		content, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return
		}
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(string(content), "credential-in-url") {
			t.Errorf("%d %s", response.StatusCode, content)
			return
		}
		d.mu.Lock()
		d.acknowledged = append(d.acknowledged, s.ID)
		d.mu.Unlock()
		told <- struct{}{}
	}
}

// killed serves, writes, and is killed when a wait ends that begins with the first thing that it says to have done.
func (d *doomed) killed(t *testing.T, wait func()) {
	t.Helper()
	secrets := make(chan authn.Secret, 200)
	for _, s := range d.many(t, cap(secrets)) {
		secrets <- s
	}
	close(secrets)
	url, _, process := servingProcess(t, d.dir, d.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	told, done := make(chan struct{}, cap(secrets)), make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() { d.revokes(t.Context(), t, url, secrets, told) })
	}
	go func() { writers.Wait(); close(done) }()
	select {
	case <-told:
		wait()
	case <-done: // with an error
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-done
}

// TestKilledServer: a server is killed while it writes, again and again; whatever it said that it has done is done and on record, what is
// on record is done, and the chain is whole and of the heads that were signed.
func TestKilledServer(t *testing.T) {
	d := newDoomed(t)
	times := kills(t, 10)
	d.killed(t, func() { // a head is signed
		waitFor(t, "a head", func() bool {
			found, err := filepath.Glob(filepath.Join(d.dir, "audit", "*", "*.json"))
			return err == nil && len(found) > 0
		})
	})
	for i := range times - 1 {
		d.killed(t, func() { time.Sleep(time.Duration(37*i%200) * time.Millisecond) })
	}
	if len(d.acknowledged) < times {
		t.Fatalf("%d acts were told of %d killed servers: that tests nothing", len(d.acknowledged), times)
	}
	if err := d.records.Write(t.Context(), func(*store.Tx) error { return nil }); err != nil { // what the last one had sent is done by now
		t.Fatal(err)
	}
	revoked := map[string]bool{}
	all, err := d.records.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if !k.Revoked.IsZero() {
			revoked[k.ID] = true
		}
	}
	recorded := map[string]int{}
	for after := int64(0); ; {
		rows, err := d.records.Events(t.Context(), after, 500)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			e, err := audit.Read(row)
			if err != nil {
				t.Fatal(err)
			}
			if after = row.Seq; e.Action == "key.revoke" {
				recorded[e.Object]++
			}
		}
	}
	for _, id := range d.acknowledged {
		if !revoked[id] || recorded[id] != 1 {
			t.Errorf("%s was told to be revoked: %v, %d rows", id, revoked[id], recorded[id])
		}
	}
	if len(recorded) != len(revoked) {
		t.Errorf("%d keys are revoked, and %d on record", len(revoked), len(recorded))
	}
	stdout, _ := mustCall(t, d.dir, d.exchange.assay, "audit", "verify")
	t.Logf("%d servers killed, %d acts sent, %d acknowledged, %d done: %s", times, d.sent, len(d.acknowledged), len(revoked), stdout)
	if !strings.Contains(stdout, "signed heads of") {
		t.Error("no head was compared")
	}
}
