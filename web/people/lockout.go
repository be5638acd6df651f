package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/web/store"
)

// How failures add up.
const (
	free       = 5              // so many have no consequence
	firstLock  = time.Minute    // after that, doubling
	longLock   = time.Hour      // and no longer than this
	remembered = 24 * time.Hour // they are, after the last
)

// attempt does what follows if somebody has shown what an account asks for, which why says if they have not. What fails counts, for that
// account from that network; once there were too many nothing counts that is shown, right or wrong, until a while is over.
func (p *People) attempt(ctx context.Context, account, why string, then func(*store.Tx) error) error {
	var failed error
	err := p.Store.Write(ctx, func(tx *store.Tx) error {
		f, err := tx.Failures(ctx, account, network(ctx))
		if err != nil {
			return err
		}
		now := p.now()
		if now.Before(f.Until) {
			failed = LockedError{f.Until}
			return nil
		}
		if now.Sub(f.At) >= remembered {
			f.Count = 0
		}
		if why == "" {
			err := tx.Nested(ctx, func() error { return then(tx) })
			if !errors.Is(err, ErrSignIn) {
				return errors.Join(err, tx.ForgetFailures(ctx, account, f.Network))
			}
			failed = err
		} else {
			failed = fmt.Errorf("%w: %s", ErrSignIn, why)
		}
		f.Count, f.At, f.Until = f.Count+1, now, now
		if f.Count >= free {
			f.Until = now.Add(min(longLock, firstLock<<min(f.Count-free, 10)))
		}
		return tx.SetFailures(ctx, f)
	})
	return errors.Join(err, failed)
}
