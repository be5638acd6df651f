package authn

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/assay-por/assay/web/store"
)

// requests are the signed ones that were taken.
type requests interface {
	// fresh reports whether a request of that time can be taken.
	fresh(created, now time.Time) bool
	// take remembers one that is; again says that it was taken before, full that there is no room to remember it. The error is the database's.
	take(ctx context.Context, key, nonce string, created, now time.Time) (again, full bool, err error)
}

// shared are those of all servers that have one database, in which they lie: what one has taken no other takes, and none is forgotten
// when a server starts.
type shared struct {
	db    *store.Store
	swept atomic.Int64
}

// remembered is for how long: longer than a request is good, as clocks differ.
const remembered = 2 * time.Minute

func (s *shared) fresh(created, now time.Time) bool { return timely(created, now) }

func (s *shared) take(ctx context.Context, key, nonce string, created, now time.Time) (again, full bool, err error) {
	this := nameOf(key, nonce)
	first, err := s.db.TakeNonce(ctx, this[:], created)
	if before := s.swept.Load(); err == nil && now.Unix()-before >= int64(remembered/time.Second) && s.swept.CompareAndSwap(before, now.Unix()) {
		err = s.db.Write(ctx, func(tx *store.Tx) error { return tx.ForgetNonces(ctx, now.Add(-remembered)) })
	}
	return !first, false, err
}
