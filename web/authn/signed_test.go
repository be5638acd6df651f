package authn

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

// pair is a client's key.
func pair(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

// signed is a request with content that was signed at a time.
func signed(t testing.TB, private ed25519.PrivateKey, id, nonce, content string, at time.Time) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://x.example/v1/proofs", strings.NewReader(content))
	r.Header.Set("Content-Type", "application/json")
	if err := httpsig.SignRequest(r, []byte(content), private, id, nonce, at); err != nil {
		t.Fatal(err)
	}
	return r
}

func nonce(n int) string { return fmt.Sprintf("nonce-%016d", n) }

// TestSigned: a signed request is taken once, by the key that signed it, and its content is looked at.
func TestSigned(t *testing.T) {
	h := newHouse(t)
	public, private := pair(t)
	k, s := h.issue(t, Wish{Public: public})
	if s.Show() != "" {
		t.Error("there is a secret beside the public key")
	}
	h.now = h.now.Add(time.Minute)
	ask := func(r *http.Request) error { _, _, err := h.gate.Who(r); return err }
	first := signed(t, private, k.ID, nonce(1), "x", h.now)
	who, check, err := h.gate.Who(first)
	if err != nil || who.ID != k.ID {
		t.Fatalf("%v %v", who, err)
	}
	if err := check([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := check([]byte("y")); !errors.Is(err, ErrSignature) {
		t.Errorf("other content: %v", err)
	}
	_, stranger := pair(t)
	revokedPublic, revokedPrivate := pair(t)
	revoked, _ := h.issue(t, Wish{Public: revokedPublic})
	if err := h.maker.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	foreign, _ := h.issue(t, Wish{Public: public, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	bearer, _ := h.issue(t, Wish{})
	decoy := ed25519.NewKeyFromSeed(h.gate.decoy.MAC)
	altered := signed(t, private, k.ID, nonce(8), "x", h.now)
	altered.Method = http.MethodPut
	for name, r := range map[string]*http.Request{
		"again":                  first,
		"again, signed anew":     signed(t, private, k.ID, nonce(1), "x", h.now.Add(time.Second)),
		"stranger":               signed(t, stranger, k.ID, nonce(2), "x", h.now),
		"unknown key":            signed(t, private, "abcdefghijklmnop", nonce(3), "x", h.now),
		"revoked":                signed(t, revokedPrivate, revoked.ID, nonce(4), "x", h.now),
		"foreign address":        signed(t, private, foreign.ID, nonce(5), "x", h.now),
		"key with a secret":      signed(t, private, bearer.ID, nonce(6), "x", h.now),
		"by whoever has pepper":  signed(t, decoy, bearer.ID, nonce(7), "x", h.now),
		"altered":                altered,
		"stale":                  signed(t, private, k.ID, nonce(9), "x", h.now.Add(-oldest-time.Second)),
		"ahead":                  signed(t, private, k.ID, nonce(10), "x", h.now.Add(ahead+time.Second)),
		"from before the start":  signed(t, private, k.ID, nonce(11), "x", start),
		"another's nonce, early": signed(t, private, k.ID, nonce(12), "x", start.Add(ahead)),
	} {
		if err := ask(r); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, at := range map[string]time.Time{"oldest": h.now.Add(-oldest), "ahead": h.now.Add(ahead)} {
		if err := ask(signed(t, private, k.ID, "0123456789-"+name, "x", at)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, _ := h.issue(t, Wish{Public: public})
	if err := ask(signed(t, private, other.ID, nonce(1), "x", h.now)); err != nil {
		t.Errorf("the same nonce of another key: %v", err)
	}
}

// TestAfterTheStart: what may have been taken before it is refused, even if it was dated ahead.
func TestAfterTheStart(t *testing.T) {
	pgtest.OfFiles(t) // else it is known what was taken before
	h := newHouse(t)
	public, private := pair(t)
	k, _ := h.issue(t, Wish{Public: public})
	before := signed(t, private, k.ID, nonce(1), "x", start.Add(ahead))
	if _, _, err := h.gate.Who(before); !errors.Is(err, ErrSignature) {
		t.Errorf("in the first seconds: %v", err)
	}
	h.now = start.Add(time.Second)
	if _, _, err := h.gate.Who(before); !errors.Is(err, ErrSignature) {
		t.Errorf("one that was ahead: %v", err)
	}
	if _, _, err := h.gate.Who(signed(t, private, k.ID, nonce(2), "x", h.now.Add(ahead))); err != nil {
		t.Error(err)
	}
}

// TestRotateToSignature: a key may get from a secret to signatures and back, each good for its time.
func TestRotateToSignature(t *testing.T) {
	h := newHouse(t)
	k, first := h.issue(t, Wish{})
	public, private := pair(t)
	h.rotate(t, k.ID, public, Overlap)
	h.now = h.now.Add(time.Minute)
	if _, _, err := h.gate.Who(signed(t, private, k.ID, nonce(1), "x", h.now)); err != nil || h.secret(first) != nil {
		t.Errorf("%v %v", err, h.secret(first))
	}
	second := h.rotate(t, k.ID, nil, 0)
	if _, _, err := h.gate.Who(signed(t, private, k.ID, nonce(2), "x", h.now)); !errors.Is(err, ErrSignature) || h.secret(second) != nil {
		t.Errorf("%v %v", err, h.secret(second))
	}
}

// TestOnce: of many at once one is taken.
func TestOnce(t *testing.T) {
	h := newHouse(t)
	public, private := pair(t)
	k, _ := h.issue(t, Wish{Public: public})
	h.now = h.now.Add(time.Minute)
	var taken atomic.Int32
	var wait sync.WaitGroup
	for range 50 {
		r := signed(t, private, k.ID, nonce(1), "x", h.now)
		wait.Go(func() {
			if _, _, err := h.gate.Who(r); err == nil {
				taken.Add(1)
			}
		})
	}
	wait.Wait()
	if taken.Load() != 1 {
		t.Errorf("taken %d times", taken.Load())
	}
}

// TestOnceAtAll: of many at once, at servers that share a database, one is taken, and none again by a server that starts later; what is
// too old to be taken is forgotten.
func TestOnceAtAll(t *testing.T) {
	h := newHouse(t)
	if !h.maker.Keys.Shared() {
		t.Skip("one server alone has a file")
	}
	public, private := pair(t)
	k, _ := h.issue(t, Wish{Public: public})
	now := func() time.Time { return h.now }
	gates := []*Gate{h.gate, NewGate(storetest.Open(t, h.path), h.maker.Pepper, now)}
	var taken atomic.Int32
	var wait sync.WaitGroup
	for i := range 50 {
		r := signed(t, private, k.ID, nonce(1), "x", h.now)
		wait.Go(func() {
			if _, _, err := gates[i%2].Who(r); err == nil {
				taken.Add(1)
			} else if !errors.Is(err, ErrSignature) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if taken.Load() != 1 {
		t.Errorf("taken %d times", taken.Load())
	}
	late := NewGate(storetest.Open(t, h.path), h.maker.Pepper, now)
	if _, _, err := late.Who(signed(t, private, k.ID, nonce(1), "x", h.now)); !errors.Is(err, ErrSignature) {
		t.Errorf("by a server that starts later: %v", err)
	}
	kept := func() string {
		n, _ := pgtest.SQL(t, h.path, "SELECT count(*) FROM nonces")
		return strings.TrimSpace(n)
	}
	h.now = h.now.Add(Kept + time.Second)
	if _, _, err := late.Who(signed(t, private, k.ID, nonce(2), "x", h.now)); err != nil || kept() != "1" {
		t.Errorf("%v, and %s are kept, want 1", err, kept())
	}
}

// TestNonces: none is forgotten while it could be taken again, and where there is no room nothing is taken.
func TestNonces(t *testing.T) {
	n := newNonces(start.Add(-time.Hour))
	n.most = 3
	take := func(nonce string, created, now time.Duration) string {
		again, full, _ := n.take(t.Context(), "key", nonce, start.Add(created), start.Add(now))
		switch {
		case again:
			return "again"
		case full:
			return "full"
		}
		return "taken"
	}
	for i, tt := range []struct {
		nonce        string
		created, now time.Duration
		want         string
	}{
		{"a", 0, 0, "taken"},
		{"b", ahead, 0, "taken"},
		{"a", 0, oldest, "again"},
		{"c", oldest, oldest, "taken"},
		{"d", oldest, oldest, "full"},
		{"a", oldest, oldest, "again"},
		{"d", oldest + time.Second, oldest + time.Second, "taken"}, // in place of a
		{"b", ahead, oldest + ahead, "again"},
		{"a", 0, oldest + time.Second, "again"}, // by whoever looked at the clock earlier
		{"b", oldest + ahead + time.Second, oldest + ahead + time.Second, "taken"},
	} {
		if got := take(tt.nonce, tt.created, tt.now); got != tt.want {
			t.Errorf("%d: %s of %s at %s: %s, want %s", i, tt.nonce, tt.created, tt.now, got, tt.want)
		}
	}
	h := newHouse(t)
	public, private := pair(t)
	k, _ := h.issue(t, Wish{Public: public})
	memory, ok := h.gate.nonces.(*nonces)
	if !ok { // the database has room
		return
	}
	memory.most = 1
	h.now = h.now.Add(time.Minute)
	for i, want := range []error{nil, ErrFull} {
		if _, _, err := h.gate.Who(signed(t, private, k.ID, nonce(i), "x", h.now)); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", i, err, want)
		}
	}
}
