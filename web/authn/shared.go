package authn

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/assay-por/assay/web/store"
)

// requests are the signed ones that were taken.
type requests interface {
	// fresh reports whether a request of that time can be taken.
	fresh(created, now time.Time) bool
	// take remembers one that is; again says that it was taken before, full that there is no room to remember it. The error is of where they are remembered.
	take(ctx context.Context, key, nonce string, created, now time.Time) (again, full bool, err error)
}

// Once remembers what may be taken once, by whichever of the servers that share it.
type Once interface {
	// First takes a name, and reports whether it is the first of that name within keep. What was taken before since, if that is not
	// zero, may be forgotten.
	First(ctx context.Context, name []byte, keep time.Duration) (first bool, since time.Time, err error)
}

// Kept is for how long names are to be remembered: longer than a request, or a proof that goes with one, is good, as clocks differ.
const Kept = 3 * time.Minute

// errForgotten is of requests that were made before those that are remembered: whoever sends one anew makes another.
var errForgotten = errors.New("which signed requests were taken at the time of this one is forgotten")

// shared are those of all servers that remember them together: what one has taken no other takes, and none is forgotten when a server starts.
type shared struct{ Once }

func (s shared) fresh(created, now time.Time) bool { return timely(created, now) }

func (s shared) take(ctx context.Context, key, nonce string, created, _ time.Time) (again, full bool, err error) {
	this := nameOf(key, nonce)
	first, since, err := s.First(ctx, this[:], Kept)
	if err == nil && !since.IsZero() && !created.After(since.Add(ahead)) {
		err = errForgotten
	}
	return !first, false, err
}

// Share has a gate remember the signed requests that were taken elsewhere, with others.
func (g *Gate) Share(in Once) { g.nonces = shared{in} }

// InDatabase remembers in a database that servers share ([store.Store.Shared]), for [Kept].
func InDatabase(db *store.Store, now func() time.Time) Once { return &inDatabase{db: db, now: now} }

type inDatabase struct {
	db    *store.Store
	now   func() time.Time
	swept atomic.Int64
}

// First implements [Once].
func (d *inDatabase) First(ctx context.Context, name []byte, _ time.Duration) (first bool, since time.Time, err error) {
	now := d.now()
	first, err = d.db.TakeNonce(ctx, name, now)
	if before := d.swept.Load(); err == nil && now.Unix()-before >= int64(Kept/time.Second) && d.swept.CompareAndSwap(before, now.Unix()) {
		err = d.db.Write(ctx, func(tx *store.Tx) error { return tx.ForgetNonces(ctx, now.Add(-Kept)) })
	}
	return first, time.Time{}, err
}
