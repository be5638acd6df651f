package redis_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throttled/throttled/v2"

	"github.com/assay-por/assay/web/redis"
	"github.com/assay-por/assay/web/redis/redistest"
)

// clock is one that tests turn on, so that whoever is away is asked again.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time     { return time.Unix(0, c.at.Load()) }
func (c *clock) on(d time.Duration) { c.at.Add(int64(d)) }

// said is what was told of a Redis.
type said struct {
	mu  sync.Mutex
	all []string
}

func (s *said) tell(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.all = append(s.all, "back")
		return
	}
	s.all = append(s.all, err.Error())
}

func open(t *testing.T, at *redistest.Server, c *clock) (*redis.Server, *said) {
	t.Helper()
	o, _, _, err := redis.Options(at.URL)
	if err != nil {
		t.Fatal(err)
	}
	told := new(said)
	s := redis.Open(o, c.now, told.tell)
	t.Cleanup(func() { s.Close() })
	return s, told
}

// TestFirst: of many who take a name at two servers at once one has it, until its time is over.
func TestFirst(t *testing.T) {
	at, c := redistest.Start(t), new(clock)
	one, _ := open(t, at, c)
	other, _ := open(t, at, c)
	var firsts atomic.Int64
	var all sync.WaitGroup
	for i := range 100 {
		s := []*redis.Server{one, other}[i%2]
		all.Go(func() {
			first, _, err := s.First(t.Context(), []byte{1, 0, 255}, time.Minute)
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts.Add(1)
			}
		})
	}
	all.Wait()
	if n := firsts.Load(); n != 1 {
		t.Errorf("%d have it", n)
	}
	for range 2 {
		first, _, err := one.First(t.Context(), []byte("short"), time.Millisecond)
		if err != nil || !first {
			t.Errorf("one whose time is over: %t %v", first, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestForgets: a Redis that was started anew, or emptied, says that it knows nothing of before; while it is away that is said once, and it
// is found again.
func TestForgets(t *testing.T) {
	at, c := redistest.Start(t), new(clock)
	s, told := open(t, at, c)
	_, before, err := s.First(t.Context(), []byte("x"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, same, err := s.First(t.Context(), []byte("y"), time.Minute); err != nil || !same.Equal(before) {
		t.Errorf("since %v, then %v %v", before, same, err)
	}
	at.Kill(t)
	for range 3 {
		if _, _, err := s.First(t.Context(), []byte("x"), time.Minute); !errors.Is(err, redis.ErrAway) {
			t.Errorf("away: %v", err)
		}
	}
	if !s.Away() || len(told.all) != 1 || strings.Contains(told.all[0], "assay-redis") {
		t.Errorf("away %t, said %q", s.Away(), told.all)
	}
	time.Sleep(time.Until(before.Add(1100 * time.Millisecond))) // since is told in seconds
	at.Begin(t)
	if err := s.Look(t.Context()); !errors.Is(err, redis.ErrAway) {
		t.Errorf("asked again at once: %v", err)
	}
	c.on(2 * time.Second)
	first, since, err := s.First(t.Context(), []byte("x"), time.Minute)
	if err != nil || !first || !since.After(before) {
		t.Errorf("after a start: %t since %v (before: %v) %v", first, since, before, err)
	}
	if s.Away() || len(told.all) != 2 || told.all[1] != "back" {
		t.Errorf("away %t, said %q", s.Away(), told.all)
	}
}

// TestEvicts: a Redis that throws away what it was told to keep is none.
func TestEvicts(t *testing.T) {
	s, _ := open(t, redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"), new(clock))
	if err := s.Look(t.Context()); !errors.Is(err, redis.ErrAway) || !strings.Contains(err.Error(), "set noeviction") {
		t.Error(err)
	}
}

// TestCounts: two servers count together, and what was counted is not forgotten early, though the store rounds times down.
func TestCounts(t *testing.T) {
	at, c := redistest.Start(t), new(clock)
	var limiters []*throttled.GCRARateLimiterCtx
	for range 2 {
		s, _ := open(t, at, c)
		counts, err := s.Counts()
		if err != nil {
			t.Fatal(err)
		}
		l, err := throttled.NewGCRARateLimiterCtx(counts, throttled.RateQuota{MaxRate: throttled.PerHour(60), MaxBurst: 19})
		if err != nil {
			t.Fatal(err)
		}
		l.SetMaxCASAttemptsLimit(1000)
		limiters = append(limiters, l)
	}
	var accepted atomic.Int64
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			limited, _, err := limiters[i%2].RateLimitCtx(t.Context(), "one", 1)
			if err != nil {
				t.Error(err)
			}
			if !limited {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if n := accepted.Load(); n != 20 {
		t.Errorf("%d of 100 were accepted, want 20", n)
	}
}

// TestURLs: where a URL leads is seen; one that is none is not repeated.
func TestURLs(t *testing.T) {
	for url, want := range map[string]string{"redis://:canary@127.0.0.1:1/3": "127.0.0.1", "rediss://r.example": "r.example", "unix:///run/redis": "/run/redis", "redis://[::1]:6379": "::1"} {
		o, host, verified, err := redis.Options(url)
		if err != nil || host != want || (verified != nil) != strings.HasPrefix(url, "rediss") {
			t.Errorf("%s: %q %v %v %v", url, host, verified, o, err)
		}
	}
	for _, url := range []string{"canary", "redis://canary:x@h:port", "http://canary"} {
		if _, _, _, err := redis.Options(url); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestClocks: a Redis whose clock is behind, and that was emptied, knows nothing of what the server saw until then by its own.
func TestClocks(t *testing.T) {
	at, c := redistest.Start(t), new(clock)
	c.at.Store(time.Now().Add(time.Minute).UnixNano())
	s, _ := open(t, at, c)
	for range 2 {
		first, since, err := s.First(t.Context(), []byte("x"), time.Minute)
		if err != nil || !first || !since.After(c.now()) {
			t.Errorf("%t, since %v, want after %v: %v", first, since, c.now(), err)
		}
		at.Empty(t)
		c.on(2 * time.Second)
	}
}
