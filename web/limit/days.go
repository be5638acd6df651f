package limit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/assay-por/assay/web/store"
)

// days count what clients ask in a day of UTC: here, and in the database as of a second ago, where other servers count too.
type days struct {
	db *store.Store

	mu      sync.Mutex
	day     int64 // since 1970
	clients map[string]int64
	pending map[store.Quota]int64 // not in the database yet
}

const oneDay = 24 * 60 * 60 // seconds

func newDays(db *store.Store) *days {
	return &days{db: db, clients: map[string]int64{}, pending: map[store.Quota]int64{}}
}

// take counts one more, unless that would be more than there is. It returns what is left, -1 if nothing was, and how far the next day is.
func (d *days) take(ctx context.Context, client string, most int64, now time.Time) (left int64, next time.Duration, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	used, err := d.look(ctx, client, now)
	if err != nil {
		return 0, 0, err
	}
	next = time.Unix((d.day+1)*oneDay, 0).Sub(now)
	if used >= most {
		return -1, next, nil
	}
	d.clients[client] = used + 1
	d.pending[store.Quota{Day: d.day, Client: client}]++
	return most - used - 1, next, nil
}

// used is what a client has asked on this day.
func (d *days) used(ctx context.Context, client string, now time.Time) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.look(ctx, client, now)
}

// look asks the database once a day for each client: of what a server before this one counted. What others count meanwhile is known
// whenever this one has something to write.
func (d *days) look(ctx context.Context, client string, now time.Time) (int64, error) {
	if day := now.Unix() / oneDay; day != d.day {
		d.day, d.clients = day, map[string]int64{}
	}
	used, ok := d.clients[client]
	if ok {
		return used, nil
	}
	used, err := d.db.QuotaUsed(ctx, store.Quota{Day: d.day, Client: client})
	if err == nil {
		d.clients[client] = used
	}
	return used, err
}

// Flush writes what was counted since the last time. What cannot be written stays for the next.
func (l *Limiter) Flush(ctx context.Context) error {
	d := l.days
	d.mu.Lock()
	pending := d.pending
	d.pending = map[store.Quota]int64{}
	d.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	written := map[store.Quota]int64{}
	err := d.db.Write(ctx, func(tx *store.Tx) (err error) {
		for which, n := range pending {
			if written[which], err = tx.AddQuota(ctx, which, n); err != nil {
				return err
			}
		}
		return tx.ForgetQuotas(ctx, l.now().Unix()/oneDay-kept)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	for which, n := range pending {
		if err != nil {
			d.pending[which] += n
		} else if which.Day == d.day {
			d.clients[which.Client] = written[which] + d.pending[which]
		}
	}
	return err
}

// kept is for how many days it is known what a client asked.
const kept = 31

// Keep flushes, and looks whether policies were changed, once a second until ctx ends. Told is what fails.
func (l *Limiter) Keep(ctx context.Context, told func(error)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := errors.Join(l.Flush(ctx), l.Look(ctx)); err != nil && ctx.Err() == nil {
			told(err)
		}
	}
}
