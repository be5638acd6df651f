package anomaly

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
)

// Refusal is a request of somebody who was not let in.
type Refusal struct {
	Client     string // whose the credential is; empty: nobody's
	Credential string // id of the key that was shown; empty: of none
	Network    string
	Again      bool // the credential is good, and the request is one that was made before
	Ended      bool // the credential was good, and is revoked
}

// suspect is what was shown from a network.
type suspect struct {
	minutes [failing]int64
	counts  [failing]int
	unsent  [failing]int // of those, what other servers do not know
}

// add counts failures, and returns how many there were within some minutes.
func (s *suspect) add(minute int64, n int) (all int) {
	at := minute % failing
	if s.minutes[at] != minute {
		s.minutes[at], s.counts[at], s.unsent[at] = minute, 0, 0
	}
	s.counts[at] += n
	return s.within(minute)
}

// within is how many failures there were within some minutes.
func (s *suspect) within(minute int64) (all int) {
	for i, m := range s.minutes {
		if m > minute-failing {
			all += s.counts[i]
		}
	}
	return all
}

func (s *suspect) over(minute int64) bool {
	for _, m := range s.minutes {
		if m > minute-failing {
			return false
		}
	}
	return true
}

// Refused counts a credential that was guessed, or tells of one that came again.
func (w *Watch) Refused(ctx context.Context, r Refusal) {
	many := 0
	if !r.Again && !r.Ended {
		if many = w.guess(r, w.Now().Unix()/60); many <= manyFailures {
			return
		}
	}
	w.tell(ctx, r, many)
}

// tell tells of somebody who was not let in; of one who guesses, how often.
func (w *Watch) tell(ctx context.Context, r Refusal, many int) {
	now := w.Now()
	f := store.Anomaly{Client: r.Client, Credential: r.Credential, Network: r.Network, At: now}
	settledDown, there := w.history(ctx, r)
	switch {
	case r.Again:
		f.Rule, f.Action, f.Saw, f.Usual = Reuse, Suspend, "a signed request that was made before", "each is good once"
		if there { // a program that sends again what was not answered
			f.Action = Alert
		}
	case r.Ended:
		f.Rule, f.Action, f.Saw, f.Usual = Reuse, Alert, "a key that is revoked", "nobody uses it"
	default:
		f.Rule, f.Action, f.Until = Failures, Lock, now.Add(locked).UTC().Truncate(time.Second)
		f.Saw, f.Usual = fmt.Sprintf("%d credentials within %d minutes that are not good, from %s", many, failing, cmp.Or(r.Network, "nowhere that is known")), fmt.Sprintf("at most %d", manyFailures)
		if r.Credential == "" { // there is nothing to lock that somebody else could not need
			f.Action = Alert
		}
	}
	if w.Tells || !settledDown {
		f.Action = Alert
	}
	w.raise(f)
}

// history says of whom a credential is whether they have been followed for long enough, and whether they are known in the network that it comes from.
func (w *Watch) history(ctx context.Context, r Refusal) (settledDown, there bool) {
	if r.Client == "" {
		return false, false
	}
	c := w.follow(ctx, r.Client)
	if c == nil {
		return false, false
	}
	defer c.mu.Unlock()
	_, there = c.Networks[r.Network]
	return c.age(w.Now()) >= settled, there
}

// guess counts a credential that is not good, for other servers too.
func (w *Watch) guess(r Refusal, minute int64) int {
	from := source{r.Credential, r.Network}
	w.suspecting.Lock()
	defer w.suspecting.Unlock()
	one := w.suspected(from, minute)
	if one == nil {
		return 0
	}
	all := one.add(minute, 1)
	if w.Store.Shared() {
		one.unsent[minute%failing]++
		w.guessed[guessAt(from, minute)] = r
	}
	return all
}

// suspected is what was shown from somewhere. If there are too many suspects those of before are forgotten; if there are too many still, there is none.
func (w *Watch) suspected(from source, minute int64) *suspect {
	one := w.suspects[from]
	if one == nil && len(w.suspects) >= maxSuspects {
		for other, s := range w.suspects {
			if s.over(minute) {
				delete(w.suspects, other)
			}
		}
		if len(w.suspects) >= maxSuspects {
			return nil
		}
	}
	if one == nil {
		one = new(suspect)
		w.suspects[from] = one
	}
	return one
}

// triedToSignIn tells of somebody who tries how people sign in, from one network: as one person, or by names that nobody has. That locks by itself.
func (w *Watch) triedToSignIn(e audit.Event) {
	if e.Action != "sign-in" || e.Outcome != audit.Denied {
		return
	}
	now := w.Now()
	minute, many := now.Unix()/60, 0
	w.suspecting.Lock()
	if one := w.suspected(source{"sign-in " + e.Object, e.From}, minute); one != nil { // every server reads the same rows
		many = one.add(minute, int(min(e.Count, manyFailures+1)))
	}
	w.suspecting.Unlock()
	if many <= manyFailures {
		return
	}
	w.raise(store.Anomaly{Client: e.Object, Network: e.From, At: now, Rule: Failures, Action: Alert,
		Saw: fmt.Sprintf("more than %d attempts to sign in within %d minutes that failed, from %s", manyFailures, failing, cmp.Or(e.From, "nowhere that is known")), Usual: fmt.Sprintf("at most %d", manyFailures)})
}

// reused is the finding that an act of another room amounts to: something was used there that is good once, or by one alone, and is ended for it.
func reused(e audit.Event) (f store.Anomaly, is bool) {
	f = store.Anomaly{Rule: Reuse, Network: e.From, Action: Alert}
	switch {
	case e.Action == "passkey.suspend":
		f.Client, f.Saw, f.Usual = e.Object, "a passkey whose count went back: there may be a copy of it; it is suspended", "it counts up"
	case e.Action == "grant.revoke" && e.Reason == "an old token of it turned up":
		f.Client, f.Credential, f.Saw, f.Usual = e.Client, e.Object, "a token of before: somebody else may have it; all of its family are ended", "each is good once"
	default:
		return f, false
	}
	return f, true
}
