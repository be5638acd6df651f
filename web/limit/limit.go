// Package limit says how often whoever asks a server may ask: by GCRA, in memory, and by the day, in the server's database. Servers
// beside each other count together where they are given a place to ([Limiter.Share]), and else each its share.
//
// Before it is known who asks, an address counts (of IPv6 its /64): how often it asks without a credential, and how often it
// showed one that is not good. Afterwards the client counts, by its tier, and for what is dear there is a policy more. Addresses
// and clients are remembered apart, so that a flood of addresses makes no client's forgotten.
//
// What is left is told in the fields RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11), which no signature
// covers: an answer that is kept stays as it is.
package limit

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/memstore"

	"github.com/assay-por/assay/web/store"
)

// How many addresses and clients are remembered; beyond that the one that asked least recently starts anew.
const (
	maxAddresses = 1 << 16
	maxClients   = 1 << 16
)

// Limiter counts. It may be used by many at once.
type Limiter struct {
	configured Policies
	addresses  throttled.GCRAStoreCtx
	clients    throttled.GCRAStoreCtx
	current    atomic.Pointer[rules]
	weights    atomic.Pointer[map[string]int]
	beside     int                    // servers, this one too
	together   throttled.GCRAStoreCtx // nil: each counts for itself
	turns      *turns                 // of those who count together
	db         *store.Store
	days       *days
	now        func() time.Time
}

// rules are the policies that hold.
type rules struct {
	changed map[string]string // as the database has them
	buckets map[string]bucket
}

// bucket counts by one policy: with the other servers or, where that cannot be, this server's share of it.
type bucket struct {
	Policy
	counted  string // as what: another policy of that name counts anew
	together *throttled.GCRARateLimiterCtx
	turns    *turns
	share    Policy
	alone    *throttled.GCRARateLimiterCtx
}

// New returns a limiter that has counted nothing but what the database has of this day. A policy that is not among those given is
// that of [Defaults]; one that was changed in the database is as it is there. Without a database there are no clients.
func New(given Policies, db *store.Store, now func() time.Time) (*Limiter, error) {
	l := &Limiter{configured: Defaults(), beside: 1, turns: &turns{seed: maphash.MakeSeed()}, db: db, days: newDays(db), now: now}
	for name, p := range given {
		if _, ok := l.configured[name]; !ok {
			return nil, fmt.Errorf("limit: there is no policy %q", name)
		}
		l.configured[name] = p
	}
	var err error
	if l.addresses, err = memory(maxAddresses, now); err != nil {
		return nil, err
	}
	if l.clients, err = memory(maxClients, now); err != nil {
		return nil, err
	}
	return l, l.Look(context.Background())
}

// Look takes the policies that the database has by now instead of those configured. One that is another by now counts anew.
func (l *Limiter) Look(ctx context.Context) error {
	changed := map[string]string{}
	if l.db != nil {
		var err error
		if changed, err = l.db.Limits(ctx); err != nil {
			return err
		}
	}
	if before := l.current.Load(); before != nil && maps.Equal(before.changed, changed) {
		return nil
	}
	policies := maps.Clone(l.configured)
	for name, text := range changed {
		p, err := Parse(name, text)
		if err != nil {
			return fmt.Errorf("limit: server.database: %s: %w", name, err)
		}
		policies[name] = p
	}
	next := &rules{changed: changed, buckets: map[string]bucket{}}
	for name, p := range policies {
		var err error
		if next.buckets[name], err = l.bucket(name, p); err != nil {
			return fmt.Errorf("limit: %s: %w", name, err)
		}
	}
	l.current.Store(next)
	return nil
}

// Configured are the policies that hold where nothing was changed, as [Policy.String] spells them.
func (l *Limiter) Configured() map[string]string {
	all := map[string]string{}
	for name, p := range l.configured {
		all[name] = p.String()
	}
	return all
}

// Check returns the one spelling of a policy, or says why it cannot be that of such a name.
func (l *Limiter) Check(name, text string) (string, error) {
	p, err := Parse(name, text)
	return p.String(), err
}

func memory(most int, now func() time.Time) (throttled.GCRAStoreCtx, error) {
	m, err := memstore.New(most)
	if err != nil {
		return nil, err
	}
	m.SetTimeNow(now)
	return throttled.WrapStoreWithContext(m), nil
}

// Verdict is what came of counting.
type Verdict struct {
	Refused string        // by the policy of that name; empty: it may go on
	Day     bool          // by that policy's quota of a day
	Retry   time.Duration // after which it is not refused, if it is

	policies, states []byte // the values of the two fields
}

// Tell sets the fields of an answer; Retry-After if it is one that refuses.
func (v Verdict) Tell(h http.Header) {
	if len(v.policies) > 0 {
		h.Set("RateLimit-Policy", string(v.policies))
		h.Set("RateLimit", string(v.states))
	}
	if v.Refused != "" {
		h.Set("Retry-After", strconv.FormatInt(seconds(v.Retry), 10))
	}
}

// Stranger counts a request that shows no good credential.
func (l *Limiter) Stranger(ctx context.Context, from netip.Addr) Verdict {
	return l.current.Load().count(ctx, Verdict{}, Anonymous, place(from), 1)
}

// Suspect says whether an address has shown so many bad credentials that no more of its are looked at. It counts nothing.
func (l *Limiter) Suspect(ctx context.Context, from netip.Addr) Verdict {
	return l.current.Load().count(ctx, Verdict{}, Failures, place(from), 0)
}

// Failed counts a credential that was not good. It has been refused already.
func (l *Limiter) Failed(ctx context.Context, from netip.Addr) Verdict {
	v := l.current.Load().count(ctx, Verdict{}, Failures, place(from), 1)
	v.Refused = ""
	return v
}

// SignIn counts an attempt of somebody to sign in, beside the requests of their address.
func (l *Limiter) SignIn(ctx context.Context, from netip.Addr) Verdict {
	return l.current.Load().count(ctx, Verdict{}, SignIns, place(from), 1)
}

// Weigh has a request of some clients count as so many from now on, and of all others as one.
func (l *Limiter) Weigh(clients map[string]int) {
	own := maps.Clone(clients)
	l.weights.Store(&own)
}

// weight is as how many a client's requests count.
func (l *Limiter) weight(client string) int {
	all := l.weights.Load()
	if all == nil {
		return 1
	}
	return max(1, (*all)[client])
}

// Client counts a request of a client of some tier; a tier that is not known is [Basic]. With dear, [Lookups] or [Runs], it is held
// to that policy too. The error is the database's.
func (l *Limiter) Client(ctx context.Context, client, tier, dear string) (Verdict, error) {
	now := l.current.Load()
	tier = tierOf(tier)
	var v Verdict
	if dear != "" {
		if v = now.count(ctx, v, dear, client, l.weight(client)); v.Refused != "" {
			return v, nil
		}
	}
	if v = now.count(ctx, v, tier, client, l.weight(client)); v.Refused != "" || now.buckets[tier].Day == 0 {
		return v, nil
	}
	left, next, err := l.days.take(ctx, client, now.buckets[tier].Day, l.now())
	if err != nil {
		return v, err
	}
	if left < 0 {
		v.Refused, v.Day, v.Retry, left = tier, true, next, 0
	}
	v.add(tier+"-day", now.buckets[tier].Day, 24*60*60, left, seconds(next))
	return v, nil
}

// Left is what a client may ask still on this day, of how much; both are 0 where that is not limited. The error is the database's.
func (l *Limiter) Left(ctx context.Context, client, tier string) (left, day int64, err error) {
	if day = l.current.Load().buckets[tierOf(tier)].Day; day == 0 {
		return 0, 0, nil
	}
	used, err := l.days.used(ctx, client, l.now())
	return max(0, day-used), day, err
}

func tierOf(name string) string {
	switch name {
	case Standard, Partner, Auditor, Person:
		return name
	}
	return Basic
}

// count takes so many out of a bucket, but no more than it holds; 0 looks whether one could be taken. What cannot be counted is refused.
func (r *rules) count(ctx context.Context, v Verdict, name, key string, quantity int) Verdict {
	p, limited, result, err := r.buckets[name].take(ctx, key, quantity)
	switch {
	case err != nil: // overtaken too often: it is asked far too often
		v.Refused, v.Retry = name, time.Second
	case limited, quantity == 0 && result.RetryAfter > 0:
		v.Refused, v.Retry = name, result.RetryAfter
	}
	v.add(name, int64(p.Burst), p.window(), int64(result.Remaining), seconds(result.ResetAfter))
	return v
}

// add tells of one policy more.
func (v *Verdict) add(name string, quota, window, left, reset int64) {
	item := func(to []byte, a string, x int64, b string, y int64) []byte {
		if len(to) > 0 {
			to = append(to, ", "...)
		}
		to = append(strconv.AppendQuote(to, name), a...)
		to = append(strconv.AppendInt(to, x, 10), b...)
		return strconv.AppendInt(to, y, 10)
	}
	v.policies = item(v.policies, ";q=", quota, ";w=", window)
	v.states = item(v.states, ";r=", left, ";t=", reset)
}

// place is what addresses are told apart by: all of IPv4's, and the half of IPv6's that is one network.
func place(a netip.Addr) string { return Network(a).String() }

// Network is the network whose addresses count as one: the address itself of IPv4, a /64 of IPv6.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil { // no address
		return netip.Prefix{}
	}
	return p
}
