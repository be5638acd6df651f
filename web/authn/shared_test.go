package authn

import (
	"errors"
	"testing"
	"time"

	"github.com/assay-por/assay/web/redis"
	"github.com/assay-por/assay/web/redis/redistest"
	"github.com/assay-por/assay/web/store/storetest"
)

// TestOnceInRedis: what one gate has taken no other takes that shares its Redis; and where that has forgotten what was taken, since it
// was started anew or is away, nothing is taken that may have been.
func TestOnceInRedis(t *testing.T) {
	h, server := newHouse(t), redistest.Start(t)
	h.now = time.Now().Add(time.Minute) // Redis has a clock of its own, and has begun long ago by this one
	public, private := pair(t)
	k, _ := h.issue(t, Wish{Public: public})
	asks := time.Now()
	o, _, _, err := redis.Options(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	shared := redis.Open(o, func() time.Time { return asks }, func(error) {})
	defer shared.Close()
	other := NewGate(storetest.Open(t, h.path), h.maker.Pepper, func() time.Time { return h.now })
	h.gate.Share(shared)
	other.Share(shared)
	take := func(g *Gate, n int, at time.Time) error {
		_, _, err := g.Who(signed(t, private, k.ID, nonce(n), "x", at))
		return err
	}
	for i, tt := range []struct {
		gate *Gate
		n    int
		want error
	}{{h.gate, 1, nil}, {other, 1, ErrSignature}, {other, 2, nil}, {h.gate, 2, ErrSignature}} {
		if err := take(tt.gate, tt.n, h.now); !errors.Is(err, tt.want) {
			t.Errorf("%d: %v, want %v", i, err, tt.want)
		}
	}
	server.Kill(t)
	if err := take(other, 3, h.now); !errors.Is(err, redis.ErrAway) {
		t.Errorf("while it is away: %v", err)
	}
	server.Begin(t)
	asks, h.now = asks.Add(2*time.Second), time.Now() // the two were taken within a minute's error of the clock, and it has just begun
	if err := take(other, 4, h.now); !errors.Is(err, errForgotten) {
		t.Errorf("one that may have been taken before: %v", err)
	}
	h.now = time.Now().Add(ahead + 6*time.Second)
	if err := take(h.gate, 5, h.now); err != nil {
		t.Errorf("one that was made since: %v", err)
	}
}
