package anomaly

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/assay-por/assay/web/store"
)

// What servers that share a database count together: each adds what it has seen to a row there, and reads what all of them have. Requests by
// source, and failures, are of a minute, the others of an hour.
const (
	bySource    = "source"
	failures    = "failures"
	requests    = "requests"
	fresh       = "fresh"
	lookedUp    = "look-ups"
	missed      = "missed"
	ofCustomers = "customers" // each server's own: whom two are asked for counts twice, as in the weeks before
)

// count counts something of the hour for other servers too.
func (c *client) count(kind string, n int64) {
	if c.unsent != nil {
		c.unsent[store.Tally{At: c.Now.At * 3600, Kind: kind, Client: c.id}] += n
	}
}

// countFrom counts a request of the minute.
func (c *client) countFrom(from source) {
	if c.unsent != nil {
		c.unsent[c.minuteOf(from)]++
	}
}

func (c *client) minuteOf(from source) store.Tally {
	return store.Tally{At: c.minute * 60, Kind: bySource, Client: c.id, Credential: from.credential, Network: from.network}
}

// guessAt is what is counted of credentials from somewhere that are not good.
func guessAt(from source, minute int64) store.Tally {
	return store.Tally{At: minute * 60, Kind: failures, Credential: from.credential, Network: from.network}
}

// Add adds what was counted here to what all servers that share the database have counted, takes up what that is, and holds it to what is usual.
func (w *Watch) Add(ctx context.Context) error {
	if !w.Store.Shared() {
		return nil
	}
	errs := []error{w.addFailures(ctx)}
	w.mu.RLock()
	all := slices.Collect(maps.Values(w.clients))
	w.mu.RUnlock()
	these := map[string]*client{}
	more := map[store.Tally]int64{}
	for _, c := range all {
		if c.take(more) {
			these[c.id] = c
		}
		if len(these) == batch {
			errs = append(errs, w.add(ctx, these, more))
			clear(these)
			clear(more)
		}
	}
	return errors.Join(append(errs, w.add(ctx, these, more))...)
}

// take takes what is to be sent, and reports whether there is something.
func (c *client) take(into map[store.Tally]int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	some := len(c.unsent) > 0
	maps.Copy(into, c.unsent)
	clear(c.unsent)
	return some
}

func (w *Watch) add(ctx context.Context, these map[string]*client, more map[store.Tally]int64) error {
	if len(these) == 0 {
		return nil
	}
	lately := w.Now().Add(-time.Minute).Unix() / 60 * 60
	var hours, minutes map[store.Tally]int64
	err := w.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if hours, err = tx.AddTallies(ctx, more); err != nil {
			return err
		}
		minutes, err = tx.Tallies(ctx, slices.Collect(maps.Keys(these)), bySource, lately)
		return err
	})
	if err != nil {
		for which, n := range more {
			c := these[which.Client]
			c.mu.Lock()
			c.unsent[which] += n
			c.mu.Unlock()
		}
		return fmt.Errorf("what %d clients ask for is not known to other servers yet: %w", len(these), err)
	}
	at := map[string]map[int64]map[source]int64{} // by client and minute
	for which, n := range minutes {
		if at[which.Client] == nil {
			at[which.Client] = map[int64]map[source]int64{}
		}
		if at[which.Client][which.At] == nil {
			at[which.Client][which.At] = map[source]int64{}
		}
		at[which.Client][which.At][source{which.Credential, which.Network}] = n
	}
	for id, c := range these {
		w.takeUp(c, hours, at[id])
	}
	return nil
}

// takeUp holds what all servers have counted of a client to what is usual.
func (w *Watch) takeUp(c *client, hours map[store.Tally]int64, minutes map[int64]map[source]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.turn(c, w.Now())
	who := c.last
	who.Client = c.id
	for kind, here := range map[string]*uint32{requests: &c.Now.Requests, fresh: &c.Now.Fresh, lookedUp: &c.Now.Lookups, missed: &c.Now.Missed, ofCustomers: &c.Now.Customers} {
		which := store.Tally{At: c.Now.At * 3600, Kind: kind, Client: c.id}
		*here = max(*here, uint32(hours[which]+c.unsent[which])) //nolint:gosec // of an hour
	}
	for at, from := range minutes {
		all, within := uint32(0), map[source]uint32{}
		for one, n := range from {
			if at == c.minute*60 {
				n += c.unsent[c.minuteOf(one)]
			}
			within[one] = uint32(n) //nolint:gosec // of a minute
			all += within[one]
		}
		if at == c.minute*60 {
			c.requests = max(c.requests, all)
			for one, n := range within {
				if _, there := c.sources[one]; there || len(c.sources) < maxSources && one != (source{}) {
					c.sources[one] = max(c.sources[one], n)
				}
			}
		}
		if at/3600 == c.Now.At {
			c.Now.Peak = max(c.Now.Peak, all)
		}
		w.burst(c, who, all)
		for one, n := range within {
			if n > parallelEach && one != (source{}) {
				a := who
				a.Credential, a.Network = one.credential, one.network
				w.parallel(c, a, within)
			}
		}
	}
	w.mix(c, who)
	w.enumeration(c, who)
	c.dirty = true
}

// addFailures does so with credentials that are not good.
func (w *Watch) addFailures(ctx context.Context) error {
	more, of := map[store.Tally]int64{}, map[store.Tally]Refusal{}
	w.suspecting.Lock()
	for which, r := range w.guessed {
		if one, at := w.suspects[source{r.Credential, r.Network}], which.At/60; one != nil && one.minutes[at%failing] == at {
			more[which], of[which] = int64(one.unsent[at%failing]), r
			one.unsent[at%failing] = 0
		}
	}
	clear(w.guessed)
	w.suspecting.Unlock()
	if len(more) == 0 {
		return nil
	}
	var all map[store.Tally]int64
	err := w.Store.Write(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.AddTallies(ctx, more)
		return err
	})
	minute := w.Now().Unix() / 60
	for which, r := range of {
		w.suspecting.Lock()
		one, at, many := w.suspects[source{r.Credential, r.Network}], which.At/60, 0
		if one != nil && one.minutes[at%failing] == at {
			if slot := at % failing; err != nil {
				one.unsent[slot] += int(more[which])
				w.guessed[which] = r
			} else {
				one.counts[slot] = max(one.counts[slot], int(all[which])+one.unsent[slot])
				many = one.within(minute)
			}
		}
		w.suspecting.Unlock()
		if many > manyFailures {
			w.tell(ctx, r, many)
		}
	}
	if err != nil {
		return fmt.Errorf("which credentials are not good is not known to other servers yet: %w", err)
	}
	return nil
}

// join takes up what another server has kept of a client. Of an hour both have what all servers counted, each as of when it looked last.
func (w *Watch) join(c *client, other habits) {
	c.Since = min(c.Since, other.Since)
	spans(c.Networks, other.Networks, maxNetworks)
	spans(c.Keys, other.Keys, maxKeys)
	for name, theirs := range other.Operations {
		ours := c.Operations[name]
		if ours == nil {
			if len(c.Operations) < maxOperations {
				c.Operations[name] = theirs
			}
			continue
		}
		hours := []int64{ours.Now, ours.Before, theirs.Now, theirs.Before}
		slices.Sort(hours)
		hours = slices.Compact(hours)
		ours.Now = hours[len(hours)-1]
		ours.Before = hours[max(0, len(hours)-2)]
	}
	hours := other.Hours
	switch {
	case other.Now.At == c.Now.At:
		c.Now = fuller(c.Now, other.Now)
	case other.Now.Requests > 0 && !slices.ContainsFunc(c.Hours, func(h hour) bool { return h.At == other.Now.At }):
		hours = append(hours, w.over(c, other.Now))
	}
	for _, theirs := range hours {
		at, there := slices.BinarySearchFunc(c.Hours, theirs, func(a, b hour) int { return cmp.Compare(a.At, b.At) })
		switch {
		case there:
			c.Hours[at] = fuller(c.Hours[at], theirs)
		case theirs.At >= c.Now.At-week && theirs.At < c.Now.At:
			c.Hours = slices.Insert(c.Hours, at, theirs)
		}
	}
	c.compare()
}

// fuller is an hour of which two servers know.
func fuller(a, b hour) hour {
	return hour{a.At, max(a.Requests, b.Requests), max(a.Fresh, b.Fresh), max(a.Peak, b.Peak), max(a.Customers, b.Customers), max(a.Lookups, b.Lookups), max(a.Missed, b.Missed)}
}

// spans takes up when another server saw something used.
func spans(ours, theirs map[string]*span, most int) {
	for name, other := range theirs {
		switch one := ours[name]; {
		case one != nil:
			one.First, one.Last = min(one.First, other.First), max(one.Last, other.Last)
		case len(ours) < most:
			ours[name] = other
		}
	}
}
