package limit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-por/assay/web/redis"
	"github.com/assay-por/assay/web/redis/redistest"
)

// together are two limiters as two servers have them, beside each other.
func together(t *testing.T, c *clock, given Policies, in *redistest.Server) (both [2]*Limiter) {
	t.Helper()
	for i := range both {
		both[i] = limiter(t, c, given)
		var shared *redis.Server
		if in != nil {
			o, _, _, err := redis.Options(in.URL)
			if err != nil {
				t.Fatal(err)
			}
			shared = redis.Open(o, c.now, func(error) {})
			t.Cleanup(func() { shared.Close() })
		}
		if err := both[i].Share(2, shared); err != nil {
			t.Fatal(err)
		}
	}
	return both
}

// accepted is how many of so many requests at once each of the two lets through.
func accepted(t *testing.T, both [2]*Limiter, asked int) (one, other int64) {
	t.Helper()
	var through [2]atomic.Int64
	var all sync.WaitGroup
	for i := range asked {
		all.Go(func() {
			v, err := both[i%2].Client(t.Context(), "one", Standard, "")
			if err != nil {
				t.Error(err)
			}
			if v.Refused == "" {
				through[i%2].Add(1)
			}
		})
	}
	all.Wait()
	return through[0].Load(), through[1].Load()
}

// TestShares: servers that cannot count together let through what one would; what cannot be shared out each lets through once.
func TestShares(t *testing.T) {
	c := noon()
	both := together(t, c, Policies{Standard: {60, time.Minute, 40, 0}, Runs: {6, time.Hour, 1, 0}}, nil)
	if one, other := accepted(t, both, 200); one != 20 || other != 20 {
		t.Errorf("%d and %d of 200, want 20 each", one, other)
	}
	c.at = c.at.Add(10 * time.Second)
	if one, other := accepted(t, both, 200); one != 5 || other != 5 {
		t.Errorf("ten seconds later %d and %d, want 5 each", one, other)
	}
	for _, want := range []string{"", Runs} {
		if v, err := both[0].Client(t.Context(), "one", Partner, Runs); err != nil || v.Refused != want {
			t.Errorf("%+v %v, want %q", v, err, want)
		}
	}
	if err := both[0].Share(0, nil); err == nil {
		t.Error("of no servers")
	}
}

// TestTogether: two servers let through what the policy says, whoever is asked; while Redis is away each lets through its share, and never
// more; once it is back they count together again.
func TestTogether(t *testing.T) {
	c, in := noon(), redistest.Start(t)
	both := together(t, c, Policies{Standard: {60, time.Hour, 40, 0}}, in)
	if one, other := accepted(t, both, 200); one+other != 40 {
		t.Errorf("%d and %d of 200, want 40 in all", one, other)
	}
	in.Kill(t)
	if one, other := accepted(t, both, 200); one != 20 || other != 20 {
		t.Errorf("while Redis is away %d and %d, want 20 each", one, other)
	}
	if v, err := both[0].Client(t.Context(), "one", Standard, ""); err != nil || v.Refused != Standard || string(v.policies) != `"standard";q=20;w=2400` {
		t.Errorf("%+v %v", v, err)
	}
	in.Begin(t)
	if one, other := accepted(t, both, 200); one+other != 0 {
		t.Errorf("at once after that %d and %d: nobody is asked again within a second", one, other)
	}
	c.at = c.at.Add(2 * time.Second)
	if _, err := both[1].Client(t.Context(), "another", Standard, ""); err != nil { // finds it
		t.Fatal(err)
	}
	if _, err := both[0].Client(t.Context(), "another", Standard, ""); err != nil {
		t.Fatal(err)
	}
	if one, other := accepted(t, both, 200); one+other != 40 {
		t.Errorf("after that %d and %d, want 40 in all", one, other)
	}
}

// BenchmarkTogether: two hundred requests of one client at a time, at two servers that count in one Redis.
func BenchmarkTogether(b *testing.B) {
	c, in := noon(), redistest.Start(b)
	var both [2]*Limiter
	for i := range both {
		o, _, _, err := redis.Options(in.URL)
		if err != nil {
			b.Fatal(err)
		}
		shared := redis.Open(o, time.Now, func(err error) { b.Error(err) })
		defer shared.Close()
		if both[i], err = New(Policies{Partner: {5_000_000, time.Second, 5_000_000, 0}}, nil, c.now); err == nil {
			err = both[i].Share(2, shared)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	var n atomic.Int64
	b.SetParallelism(100)
	b.RunParallel(func(pb *testing.PB) {
		l := both[n.Add(1)%2]
		for pb.Next() {
			if v, err := l.Client(b.Context(), "one", Partner, ""); err != nil || v.Refused != "" {
				b.Errorf("%+v %v", v, err)
			}
		}
	})
}
