package limit

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/throttled/throttled/v2"

	"github.com/assay-por/assay/web/redis"
)

// Share has a server that is one of so many count with the others, in one Redis. While that is away, and where it is nil, this server
// lets through its share: of each rate and burst one part in so many, and of what is less than so many one. It is called before
// anything is counted.
func (l *Limiter) Share(servers int, in *redis.Server) error {
	if servers < 1 {
		return fmt.Errorf("limit: %d servers, want 1 or more", servers)
	}
	l.beside, l.together = servers, nil
	if in != nil {
		var err error
		if l.together, err = in.Counts(); err != nil {
			return err
		}
	}
	l.current.Store(nil)
	return l.Look(context.Background())
}

// of is a server's share of a policy, of which there are so many. A day's quota is counted by all.
func (p Policy) of(servers int) Policy {
	p.Per *= time.Duration(servers)
	p.Burst = max(1, p.Burst/servers)
	return p
}

// bucket counts by a policy of some name.
func (l *Limiter) bucket(name string, p Policy) (bucket, error) {
	memory := l.clients
	if name == Anonymous || name == Failures || name == SignIns {
		memory = l.addresses
	}
	b := bucket{Policy: p, counted: name + " " + p.String() + " ", share: p.of(l.beside), turns: l.turns}
	var err error
	if b.alone, err = counter(memory, b.share); err == nil && l.together != nil {
		b.together, err = counter(l.together, p)
	}
	return b, err
}

// maxAttempts is how often one that counts is overtaken by others before it is refused.
const maxAttempts = 1000

func counter(in throttled.GCRAStoreCtx, p Policy) (*throttled.GCRARateLimiterCtx, error) {
	gcra, err := throttled.NewGCRARateLimiterCtx(in, throttled.RateQuota{MaxRate: throttled.PerDuration(p.Rate, p.Per), MaxBurst: p.Burst - 1})
	if err == nil {
		gcra.SetMaxCASAttemptsLimit(maxAttempts)
	}
	return gcra, err
}

// take counts, and returns by what: the policy, or this server's share of it.
func (b bucket) take(ctx context.Context, key string, quantity int) (Policy, bool, throttled.RateLimitResult, error) {
	if b.together != nil {
		limited, result, err := b.inTurn(ctx, b.counted+key, min(quantity, b.Burst))
		if !errors.Is(err, redis.ErrAway) {
			return b.Policy, limited, result, err
		}
	}
	limited, result, err := b.alone.RateLimitCtx(ctx, b.counted+key, min(quantity, b.share.Burst))
	return b.share, limited, result, err
}

// turns are what requests wait for that may be of one key: whoever counts together is overtaken by other servers alone, and need seldom
// count again.
type turns struct {
	seed maphash.Seed
	all  [256]sync.Mutex
}

// inTurn counts together, one after the other for each key.
func (b bucket) inTurn(ctx context.Context, key string, quantity int) (bool, throttled.RateLimitResult, error) {
	turn := &b.turns.all[maphash.String(b.turns.seed, key)%uint64(len(b.turns.all))]
	turn.Lock()
	defer turn.Unlock()
	return b.together.RateLimitCtx(ctx, key, quantity)
}
