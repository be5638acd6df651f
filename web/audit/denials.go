package audit

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assay-por/assay/web/store"
)

// Denials keeps the record of what was refused, so that no flood of it chokes the chain: the first of many that are alike is a
// row at once, those of each second after it are one row with their count, until a second passes without. Of strangers, of whom
// there may be any number and for ever, it is a row a minute after some, and once many first ones were rows all others are counted as one kind.
type Denials struct {
	log *store.Store
	now func() time.Time

	mu       sync.Mutex
	open     map[alike]*repeated
	firsts   int       // of strangers that may be rows
	refilled time.Time // when there was one more
}

// How many rows are made of strangers: so many at once and one a second after that, and so many of those that are alike before it is one a minute.
const (
	manyFirsts = 300
	manyRows   = 10
)

// alike is what denials have in common that are counted together. Their reasons may differ: who shows one key after the other must
// not learn by the time that it takes which of them there is.
type alike struct {
	client, credential, network string
	action, object              string
}

// repeated is what came after the first of a kind.
type repeated struct {
	since   time.Time // the last row
	origin  Origin
	act     Act
	reasons []string // each once
	rows    int      // that there are
}

// due reports whether what was counted is to be a row.
func (r *repeated) due(now time.Time) bool {
	if stranger := r.origin.Client == "" || r.origin == (Origin{Client: Many}); stranger && r.rows > manyRows {
		return now.Sub(r.since) >= time.Minute
	}
	return now.Sub(r.since) >= time.Second
}

// manyReasons is how many of them are told apart.
const manyReasons = 8

func (r *repeated) add(at time.Time, reason string) {
	r.act.At, r.act.Count = at, r.act.Count+1
	if len(r.reasons) < manyReasons && !slices.Contains(r.reasons, reason) {
		r.reasons = append(r.reasons, reason)
	}
}

// manyKinds is how many kinds are told apart at once, of clients that are known and of strangers each: strangers make no client's be one of
// many. What comes beyond them is counted as one.
const manyKinds = 32

// NewDenials returns a record that is kept in a log.
func NewDenials(log *store.Store, now func() time.Time) *Denials {
	return &Denials{log: log, now: now, open: map[alike]*repeated{}, firsts: manyFirsts, refilled: now()}
}

// Record keeps that something was denied to whom the context names; without an error it is in the log, or counted for it.
func (d *Denials) Record(ctx context.Context, action, object, reason string) error {
	from, ok := From(ctx)
	if !ok {
		return ErrNobody
	}
	act := Act{At: d.now(), Action: action, Object: object, Outcome: Denied, Reason: reason}
	kind := alike{from.Client, from.Credential, Network(from.Address), action, object}
	d.mu.Lock()
	defer d.mu.Unlock() // while the row is written: those alike wait, and are counted only if it is there
	one := d.open[kind]
	if one == nil && (d.kinds(from.Client != "") >= manyKinds || from.Client == "" && !d.first(act.At)) {
		kind = alike{action: action}
		if from.Client != "" {
			kind.client = Many
		}
		from, act.Object = Origin{Client: Many}, ""
		one = d.open[kind]
	}
	if one != nil {
		one.add(act.At, reason)
		return nil
	}
	ctx = With(context.WithoutCancel(ctx), from)
	if err := d.log.Write(ctx, func(tx *store.Tx) error { return Record(ctx, tx, act) }); err != nil {
		return err
	}
	d.open[kind] = &repeated{since: act.At, origin: from, act: act, rows: 1}
	return nil
}

// first takes one of the rows that strangers may have, if there is one.
func (d *Denials) first(now time.Time) bool {
	if more := now.Sub(d.refilled) / time.Second; more > 0 {
		d.firsts, d.refilled = int(min(manyFirsts, time.Duration(d.firsts)+more)), now
	}
	if d.firsts == 0 {
		return false
	}
	d.firsts--
	return true
}

// kinds is how many are told apart now, of clients that are known or of strangers.
func (d *Denials) kinds(known bool) int {
	n := 0
	for kind := range d.open {
		if (kind.client != "") == known {
			n++
		}
	}
	return n
}

// Many stands in a row for clients of all kinds.
const Many = "many"

// Flush writes what was counted for long enough, and forgets the kinds of which there were no more.
func (d *Denials) Flush(ctx context.Context) error { return d.flush(ctx, false) }

// Close writes all that was counted.
func (d *Denials) Close(ctx context.Context) error { return d.flush(ctx, true) }

func (d *Denials) flush(ctx context.Context, all bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	due := map[alike]*repeated{}
	for kind, one := range d.open {
		if !all && !one.due(now) {
			continue
		}
		if one.act.Count == 0 {
			delete(d.open, kind)
			continue
		}
		due[kind] = one
	}
	if len(due) == 0 {
		return nil
	}
	err := d.log.Write(ctx, func(tx *store.Tx) error {
		for _, one := range due {
			one.act.Reason = strings.Join(one.reasons, "; ")
			if err := Record(With(ctx, one.origin), tx, one.act); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, one := range due {
		one.since, one.act.Count, one.reasons, one.rows = now, 0, nil, one.rows+1
	}
	return nil
}
