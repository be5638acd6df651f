package anomaly

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assay-por/assay/web/store"
)

// Config says what a watch works with.
type Config struct {
	Store  *store.Store
	Key    []byte    // customers are hashed under it: nobody else has it
	Random io.Reader // ids come from it
	Now    func() time.Time
	Tells  bool // and does nothing about what it finds

	Weigh func(map[string]int)      // is told which clients' requests count as how many; nil: nobody is
	Told  func(rule, action string) // is told of each finding; nil: nobody is
	Fault func(error)               // is told what goes wrong
}

// How much is held at once.
const (
	maxClients  = 4096
	maxSuspects = 4096 // credentials that were not good, each from one network
	maxOpen     = 8192 // findings
	maxOrigins  = 8    // of a client that each hold one network: the next holds all
	maxOf       = 32   // of a client, of each rule: what a stranger can bring about takes no place of another's
)

// Watch notices what stands out. It may be used by many at once.
type Watch struct {
	Config

	mu      sync.RWMutex
	clients map[string]*client

	suspecting sync.Mutex
	suspects   map[source]*suspect
	guessed    map[store.Tally]Refusal // failures that other servers do not know yet

	passed atomic.Int64 // requests of clients that are not followed, as there are too many

	finding  sync.Mutex // for what follows
	open     map[what]store.Anomaly
	undone   map[about]time.Time // until when nothing more is said
	waiting  []store.Anomaly     // not in the database yet
	measures atomic.Pointer[measures]

	kept     time.Time // when habits were last
	added    time.Time // when tallies were last
	tidied   time.Time
	seen     int64 // version of the findings
	looked   time.Time
	reviewed int64 // row of the audit log that was looked at last
}

// about is what a finding is about, and what also by what was done.
type about struct{ rule, client, credential, network string }

type what struct {
	about
	action string
}

func aboutOf(f store.Anomaly) about { return about{f.Rule, f.Client, f.Credential, f.Network} }

// Asker is somebody who was let in.
type Asker struct {
	Client     string
	Credential string    // id of the API key, of the session, or of another way in
	Kind       string    // store.Machine, whose credential is a key, store.Person, or another
	Network    string    // /24 or /48
	Proved     time.Time // when the person last showed who they are
}

// New returns a watch that knows what was found, and what of the audit log it need not look at any more.
func New(ctx context.Context, c Config) (*Watch, error) {
	if c.Store == nil || len(c.Key) == 0 || c.Random == nil || c.Now == nil || c.Fault == nil {
		return nil, errors.New("anomaly: a store, a key, randomness, a clock and somebody who is told of faults are needed")
	}
	w := &Watch{Config: c, clients: map[string]*client{}, suspects: map[source]*suspect{}, guessed: map[store.Tally]Refusal{}, open: map[what]store.Anomaly{}, undone: map[about]time.Time{}, seen: -1, kept: c.Now(), tidied: c.Now()}
	last, err := c.Store.NewestEvent(ctx)
	if err != nil {
		return nil, err
	}
	w.reviewed = last.Seq
	return w, w.Look(ctx)
}

// follow returns a client, locked; nil if it is not followed now.
func (w *Watch) follow(ctx context.Context, id string) *client {
	for {
		w.mu.RLock()
		c := w.clients[id]
		w.mu.RUnlock()
		if c == nil {
			if c = w.begin(id); c == nil {
				w.passed.Add(1)
				return nil
			}
		}
		c.mu.Lock()
		if c.gone {
			c.mu.Unlock()
			continue
		}
		if c.loaded {
			return c
		}
		record, err := w.Store.Habits(context.WithoutCancel(ctx), id)
		if err != nil { // what is in force stays so, and nothing else is noticed
			c.mu.Unlock()
			w.Fault(fmt.Errorf("what the client %s usually does cannot be read: %w", id, err))
			return nil
		}
		if err := c.open(record, w.Now()); err != nil {
			w.Fault(fmt.Errorf("what the client %s usually does begins anew: habits.record: %w", id, err))
		}
		return c
	}
}

// begin follows a client more, if there is room: nobody else is forgotten for it.
func (w *Watch) begin(id string) *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.clients[id]; c != nil || len(w.clients) >= maxClients {
		return c
	}
	c := &client{id: id}
	if w.Store.Shared() {
		c.unsent = map[store.Tally]int64{}
	}
	w.clients[id] = c
	return c
}

// Arrive counts a request of somebody who was let in, before it is answered, and says what is done about it: empty, [Hold] for what would change
// something, [Suspend] or [StepUp].
func (w *Watch) Arrive(ctx context.Context, a Asker, operation string, changes bool) string {
	w.notice(ctx, a, operation)
	return w.measures.Load().of(a, changes)
}

func (w *Watch) notice(ctx context.Context, a Asker, operation string) {
	c := w.follow(ctx, a.Client)
	if c == nil {
		return
	}
	defer c.mu.Unlock()
	now := w.Now()
	w.turn(c, now)
	before, full := saw(c.Networks, a.Network, maxNetworks, now)
	if before.IsZero() && !full && c.age(now) >= newOrigin && (a.Kind == store.Machine || a.Kind == store.Person) { // who acts for others comes from where they are
		w.found(c, a, Origin, Hold, a.Network, fmt.Sprintf("the first request from %s", cmp.Or(a.Network, "nowhere that is known")), fmt.Sprintf("%d networks, in %d days", len(c.Networks)-1, c.age(now)/day))
	}
	if a.Kind == store.Machine {
		if before, _ := saw(c.Keys, a.Credential, maxKeys, now); !before.IsZero() && now.Sub(before) >= idle {
			w.found(c, a, Dormant, Suspend, "", fmt.Sprintf("a request after %d days without one", now.Sub(before)/day), fmt.Sprintf("a key in use is used within %d days", idle/day))
		}
	}
	if n := c.asked(operation, a); n > parallelEach {
		w.parallel(c, a, c.sources)
	}
	w.burst(c, a, c.requests)
	w.mix(c, a)
}

// parallel looks for the credential elsewhere within the same minute. Two networks that the client has used for long are two sites of its.
func (w *Watch) parallel(c *client, a Asker, within map[source]uint32) {
	now, from := w.Now(), source{a.Credential, a.Network}
	for other, m := range within {
		if other.credential == from.credential && other.network != from.network && m > parallelEach && !(c.longUsed(from.network, now) && c.longUsed(other.network, now)) {
			w.found(c, a, Parallel, Suspend, min(from.network, other.network)+" "+max(from.network, other.network),
				fmt.Sprintf("%d requests within a minute from %s, and %d from %s", within[from], from.network, m, other.network), fmt.Sprintf("at most %d within a minute from each of two, one of them new within %d days", parallelEach, settled/day))
		}
	}
}

// burst holds the requests of a minute to those before.
func (w *Watch) burst(c *client, a Asker, requests uint32) {
	if most := max(burstLeast, burstTimes*c.usual.peak); c.age(w.Now()) >= known && requests > most {
		w.found(c, a, Burst, Halve, "", fmt.Sprintf("%d requests within a minute", requests), fmt.Sprintf("%d in the fullest minute of the week before", c.usual.peak))
	}
}

// mix holds what an hour's requests are for to what was asked for before.
func (w *Watch) mix(c *client, a Asker) {
	if c.age(w.Now()) >= known && c.Now.Requests >= mixLeast && c.Now.Fresh*2 > c.Now.Requests {
		w.found(c, a, Mix, Alert, "", fmt.Sprintf("%d of %d requests within an hour for what was not asked for in the week before", c.Now.Fresh, c.Now.Requests), "at most half of them")
	}
}

// Looked counts a look-up of a customer, and whether there is one.
func (w *Watch) Looked(ctx context.Context, a Asker, customer string, there bool) {
	hash := mac(w.Key, customer)
	c := w.follow(ctx, a.Client)
	if c == nil {
		return
	}
	defer c.mu.Unlock()
	now := w.Now()
	w.turn(c, now)
	c.customers.add(hash)
	c.Now.Lookups, c.Now.Customers, c.dirty = c.Now.Lookups+1, max(c.Now.Customers, c.customers.count()), true
	c.count(lookedUp, 1)
	if n := c.customers.count(); n > c.here {
		c.count(ofCustomers, int64(n-c.here))
		c.here = n
	}
	if !there {
		c.Now.Missed++
		c.count(missed, 1)
	}
	w.enumeration(c, a)
}

// enumeration holds whom an hour's look-ups are of to those before.
func (w *Watch) enumeration(c *client, a Asker) {
	now := w.Now()
	if most := max(manyLeast, manyTimes*c.usual.customers); c.age(now) >= known && c.Now.Customers > most {
		w.found(c, a, Enumeration, Throttle, "", fmt.Sprintf("about %d customers within an hour", c.Now.Customers), fmt.Sprintf("%d in the fullest hour of the week before", c.usual.customers))
	}
	if c.Now.Lookups >= missedLeast && c.Now.Missed*missedShare > c.Now.Lookups {
		w.found(c, a, Enumeration, Throttle, "", fmt.Sprintf("%d of %d look-ups within an hour found nobody", c.Now.Missed, c.Now.Lookups), "at most a fifth of them")
	}
}

// found is what a rule found about a client that is locked: at most once a minute.
func (w *Watch) found(c *client, a Asker, rule, action, network, saw, usual string) {
	now := w.Now()
	if rule != Origin && rule != Parallel { // those are told apart by networks
		if c.told[rule] == now.Unix()/60 {
			return
		}
		c.told[rule] = now.Unix() / 60
	}
	f := store.Anomaly{Rule: rule, Client: a.Client, Network: network, Saw: saw, Usual: usual, Action: action, At: now}
	if rule == Dormant || rule == Parallel {
		f.Credential = a.Credential
	}
	switch {
	case w.Tells, c.age(now) < settled:
		f.Action = Alert
	case a.Kind == store.Person && action == Suspend:
		f.Action = StepUp
	case a.Kind == store.Person && action == Hold: // who must show a passkey for what changes much
		f.Action = Alert
	}
	w.raise(f)
}
