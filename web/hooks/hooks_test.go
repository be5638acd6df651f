package hooks

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

var start = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// TestOnPostgres runs all tests of this room on PostgreSQL too.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }

// receiver is somebody who is told, and checks it.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	answer int
	heard  func(attest.Webhook) // is called before it answers; nil: nobody
	told   []attest.Webhook
	nonces []string
}

func (r *receiver) set(answer int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// events are what it was told so far, in order.
func (r *receiver) events() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []string{}
	for _, w := range r.told {
		out = append(out, w.Event+" "+w.Object)
	}
	return out
}

// place is a sender with its database, clock and log.
type place struct {
	sender *Sender
	store  *store.Store
	path   string
	now    time.Time
	key    ed25519.PrivateKey
	log    bytes.Buffer
}

func newPlace(t *testing.T) *place {
	t.Helper()
	return placeAt(t, filepath.Join(t.TempDir(), "assay.db"))
}

// placeAt is one whose database may be another's too.
func placeAt(t *testing.T, path string) *place {
	t.Helper()
	p := &place{path: path, now: start, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))}
	p.store = storetest.Open(t, p.path)
	clock := func() time.Time { return p.now }
	signer, err := httpsig.NewSigner(p.key, clock)
	if err != nil {
		t.Fatal(err)
	}
	p.sender = &Sender{Store: p.store, Exchange: "Demo Exchange", Signer: signer, Random: rand.Reader, Now: clock, Logger: slog.New(slog.NewTextHandler(&p.log, nil))}
	return p
}

// hook adds somebody who wants those events.
func (p *place) hook(t *testing.T, events ...string) *receiver {
	t.Helper()
	r := &receiver{answer: 204}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		at, err := url.Parse(r.URL + asked.RequestURI)
		if err != nil {
			t.Error(err)
		}
		content, err := io.ReadAll(asked.Body)
		if err != nil {
			t.Error(err)
		}
		keys := []httpsig.Key{{Public: p.key.Public().(ed25519.PublicKey), From: p.now.AddDate(0, -1, 0), Until: p.now.AddDate(0, 1, 0)}}
		signed, err := httpsig.VerifyWebhook(at, asked.Header, content, keys, p.now)
		if err != nil || asked.Method != http.MethodPost {
			t.Errorf("%s: %v", asked.Method, err)
		}
		if r.nonces = append(r.nonces, signed.Nonce); r.answer == 204 {
			told, err := attest.ParseWebhook(content)
			if err != nil || told.Exchange != "Demo Exchange" {
				t.Errorf("%v: %s", err, content)
			}
			r.told = append(r.told, told)
			if r.heard != nil {
				r.heard(told)
			}
		}
		w.WriteHeader(r.answer)
	}))
	t.Cleanup(r.Close)
	client := r.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.sender.Hooks = append(p.sender.Hooks, Hook{URL: r.URL + "/s3cret?x=1", Label: "hook.example", Events: events, HTTP: client})
	return r
}

// happens notes events.
func (p *place) happens(t *testing.T, events ...string) {
	t.Helper()
	err := p.store.Write(t.Context(), func(tx *store.Tx) error {
		for _, e := range events {
			event, object, _ := strings.Cut(e, " ")
			if err := tx.AddHookEvent(t.Context(), p.now, event, object); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tell does what Run does in a second.
func (p *place) tell(t *testing.T) {
	t.Helper()
	if err := p.sender.spread(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, h := range p.sender.Hooks {
		if err := p.sender.turn(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTold: each is told of what it wants, once and in order, under ids of their own; and of what is undone nobody.
func TestTold(t *testing.T) {
	p := newPlace(t)
	all, runs := p.hook(t, Events...), p.hook(t, store.RunPublished)
	p.happens(t, "run.waiting r1", "run.published r1", "key.revoked k1")
	if err := p.store.Write(t.Context(), func(tx *store.Tx) error {
		return fmt.Errorf("undone: %w", tx.AddHookEvent(t.Context(), p.now, store.RunPublished, "undone"))
	}); err == nil {
		t.Fatal("not undone")
	}
	p.tell(t)
	p.tell(t)
	if d := cmp.Diff([]string{"run.waiting r1", "run.published r1", "key.revoked k1"}, all.events()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"run.published r1"}, runs.events()); d != "" {
		t.Error(d)
	}
	if ids := []string{all.told[0].ID, all.told[1].ID, all.told[2].ID}; len(slices.Compact(ids)) != 3 || all.told[1].ID != runs.told[0].ID {
		t.Errorf("ids %q, and %q", ids, runs.told[0].ID)
	}
	if p.log.Len() > 0 {
		t.Errorf("said: %s", p.log.String())
	}
}

// TestToldLater: who does not answer 2xx is told later and later, under the same id and another nonce, and not for ever.
func TestToldLater(t *testing.T) {
	p := newPlace(t)
	r, other := p.hook(t, Events...), p.hook(t, Events...)
	r.set(503)
	p.happens(t, "key.revoked k1")
	p.tell(t)
	if len(r.nonces) != 1 || len(other.events()) != 1 {
		t.Errorf("%d tries, want 1; another was told %q", len(r.nonces), other.events())
	}
	for _, next := range []time.Duration{10, 30, 90} {
		tries := len(r.nonces)
		p.now = p.now.Add(next*time.Second - time.Millisecond)
		p.tell(t)
		if len(r.nonces) != tries {
			t.Errorf("told again before %d seconds", next)
		}
		p.now = p.now.Add(time.Millisecond)
		r.set(301)
		p.tell(t)
		if len(r.nonces) != tries+1 {
			t.Errorf("not told again after %d seconds", next)
		}
	}
	tries := len(r.nonces)
	p.happens(t, "key.revoked k2", "key.revoked k3", "key.revoked k4")
	if p.tell(t); len(r.nonces) != tries+1 { // who does not answer is asked for one thing at a time
		t.Errorf("%d tries at once", len(r.nonces)-tries)
	}
	r.set(204)
	p.now = p.now.Add(longest)
	p.tell(t)
	got := r.events()
	slices.Sort(got)
	if d := cmp.Diff([]string{"key.revoked k1", "key.revoked k2", "key.revoked k3", "key.revoked k4"}, got); d != "" {
		t.Error(d)
	}
	if n := slices.Clone(r.nonces); len(n) != len(slices.Compact(slices.Sorted(slices.Values(n)))) {
		t.Errorf("a nonce is there twice: %q", n)
	}
	if said := p.log.String(); !strings.Contains(said, "it answers 503") || !strings.Contains(said, "hook=hook.example") || strings.Contains(said, "s3cret") {
		t.Errorf("said: %s", said)
	}
	// For three days, and then no more.
	r.set(500)
	p.happens(t, "run.waiting r")
	for range 200 {
		p.tell(t)
		p.now = p.now.Add(longest)
	}
	r.set(204)
	p.tell(t)
	if got := r.events(); len(got) != 4 || !strings.Contains(p.log.String(), "is given up") {
		t.Errorf("%q: %s", got, p.log.String())
	}
}

// TestKilled: what a process took and did not finish is told by another one, after a minute.
func TestKilled(t *testing.T) {
	p := newPlace(t)
	r := p.hook(t, Events...)
	p.happens(t, "run.waiting r1")
	if err := p.sender.spread(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone, kill := context.WithCancel(t.Context())
	h := p.sender.Hooks[0]
	h.HTTP = &http.Client{Transport: killing{kill}}
	if err := p.sender.turn(gone, h); err != nil {
		t.Fatal(err)
	}
	p.tell(t)
	if got := r.events(); len(got) != 0 {
		t.Errorf("told by two at once: %q", got)
	}
	p.now = p.now.Add(lease)
	p.tell(t)
	if d := cmp.Diff([]string{"run.waiting r1"}, r.events()); d != "" {
		t.Error(d)
	}
}

type killing struct{ kill func() }

func (k killing) RoundTrip(r *http.Request) (*http.Response, error) {
	k.kill()
	return nil, r.Context().Err()
}

// beside is what carries a sender's requests while others do something too.
type beside struct {
	http.RoundTripper
	meanwhile func()
}

func (b beside) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	b.meanwhile()
	return response, err
}

// TestToldByOne: servers that share a database tell each event once, whoever does, and however long the hook takes for its answers.
func TestToldByOne(t *testing.T) {
	p := newPlace(t)
	r := p.hook(t, Events...)
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprintf("run.published r%02d", i))
	}
	p.happens(t, want...)
	other := &Sender{Store: storetest.Open(t, p.path), Hooks: p.sender.Hooks, Exchange: p.sender.Exchange, Signer: p.sender.Signer, Random: rand.Reader, Now: p.sender.Now, Logger: p.sender.Logger}
	var all sync.WaitGroup
	for _, s := range []*Sender{p.sender, other} {
		all.Go(func() {
			for range 4 {
				if err := errors.Join(s.spread(t.Context()), s.turn(t.Context(), s.Hooks[0])); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	told := r.events()
	slices.Sort(told)
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	p.happens(t, want[:16]...)
	slow := p.sender.Hooks[0]
	slow.HTTP = &http.Client{Transport: beside{r.Client().Transport, func() {
		p.now = p.now.Add(9 * time.Second)
		if err := other.turn(t.Context(), other.Hooks[0]); err != nil {
			t.Error(err)
		}
	}}}
	if err := errors.Join(p.sender.spread(t.Context()), p.sender.turn(t.Context(), slow), p.sender.turn(t.Context(), p.sender.Hooks[0])); err != nil {
		t.Fatal(err)
	}
	again := r.events()[40:]
	slices.Sort(again)
	if diff := cmp.Diff(want[:16], again); diff != "" {
		t.Errorf("slowly: %s", diff)
	}
}

// TestTidy: a key that expires within a week is told of once; hooks that are no more, and what is long over, are forgotten.
func TestTidy(t *testing.T) {
	p := newPlace(t)
	r := p.hook(t, Events...)
	key := func(id string, days int) {
		t.Helper()
		err := p.store.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.CreateClient(t.Context(), store.Client{ID: id, Created: p.now}), tx.CreateKey(t.Context(), store.Key{ID: id, Client: id, Name: "n", Permissions: []string{"p"}, Created: p.now, Credentials: []store.Credential{{MAC: []byte{1}, Created: p.now, Until: p.now.AddDate(0, 0, days)}}}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	key("soon", 6)
	key("later", 8)
	key("over", -1)
	key("ended", 5)
	if err := p.store.Write(t.Context(), func(tx *store.Tx) error { return tx.RevokeKey(t.Context(), "ended", p.now) }); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := p.sender.tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.tell(t)
	if d := cmp.Diff([]string{"key.revoked ended", "key.expiring soon"}, r.events()); d != "" {
		t.Error(d)
	}
	r.set(500)
	p.happens(t, "run.waiting r1")
	p.tell(t)
	p.sender.Hooks = nil
	p.now = p.now.AddDate(0, 0, 31)
	if err := p.sender.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.sender.Hooks = []Hook{{URL: r.URL, Label: "other", Events: Events, HTTP: r.Client()}}
	r.set(204)
	p.tell(t)
	if got := r.events(); len(got) != 2 {
		t.Errorf("a hook that is new was told %q", got)
	}
}

// TestRun: what happens while it runs is told, and it ends when it is to.
func TestRun(t *testing.T) {
	p := newPlace(t)
	p.sender.Now = time.Now
	r := p.hook(t, Events...)
	p.now = time.Now()
	signer, err := httpsig.NewSigner(p.key, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p.sender.Signer = signer
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.sender.Run(ctx) }()
	p.happens(t, "run.published r1")
	for len(r.events()) == 0 && t.Context().Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	end()
	<-done
}
