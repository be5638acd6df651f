// Package hooks tells others what happened at a server, by signed webhooks (SPEC part 28).
//
// What is to be told is a row that the transaction writes in which it happens
// ([store.Tx.AddHookEvent]): nothing is told that did not happen, and nothing that did is
// forgotten when a process is killed. A [Sender] takes the rows from there. It sends each
// to every hook that wants it until that has answered 2xx, later and later, for three days;
// so a hook may be told twice, and knows it by the event's id.
//
// No customer, no figure and no reason is told: who is told asks the API. What hooks answer
// is not looked at.
package hooks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/store"
)

// Events are all that a hook may be told of.
var Events = []string{store.AnomalyFound, store.KeyExpiring, store.KeyRevoked, store.ReportWithdrawn, store.RunPublished, store.RunWaiting}

// Hook is somebody who is told.
type Hook struct {
	URL    string       // may hold a secret: it is in no log and no database
	Label  string       // by which logs name it
	Events []string     // of which it is told, of [Events]
	HTTP   *http.Client // goes nowhere else; it follows no redirect, and has a time limit
}

// id names a hook in the database, where its URL does not stand.
func (h Hook) id() string {
	sum := sha256.Sum256([]byte(h.URL))
	return hex.EncodeToString(sum[:16])
}

// How a hook is told.
const (
	first   = 10 * time.Second // after the first try that fails; each later one waits three times as long
	longest = time.Hour
	giveUp  = 72 * time.Hour   // after the event
	lease   = time.Minute      // of what a process tells: if it is killed, it is told again after that
	enough  = 20 * time.Second // of it that must be left to tell something more: longer than a hook may take, so that nobody tells it meanwhile
	most    = 16               // events that are taken at once
	kept    = 30 * 24 * time.Hour
	ahead   = 7 * 24 * time.Hour // before a key expires this is told
)

// Sender tells hooks. Its fields are set before Run, and all are needed but Hooks, without which nobody is told.
type Sender struct {
	Store    *store.Store
	Hooks    []Hook
	Exchange string          // its name
	Signer   *httpsig.Signer // of the response key
	Random   io.Reader       // nonces come from it
	Now      func() time.Time
	Logger   *slog.Logger
}

// Run tells hooks what there is to tell, until ctx ends. Several may run on one database.
func (s *Sender) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { s.every(ctx, time.Second, s.spread) })
	all.Go(func() { s.every(ctx, time.Hour, s.tidy) })
	for _, h := range s.Hooks {
		all.Go(func() { s.every(ctx, time.Second, func(ctx context.Context) error { return s.turn(ctx, h) }) })
	}
	all.Wait()
}

// every does something now and then, and says what went wrong when that changes: a database that is away is told once.
func (s *Sender) every(ctx context.Context, wait time.Duration, do func(context.Context) error) {
	tick := time.NewTicker(wait)
	defer tick.Stop()
	told := ""
	for {
		fault := ""
		if err := do(ctx); err != nil && ctx.Err() == nil {
			fault = err.Error()
		}
		if fault != "" && fault != told {
			s.Logger.Error("webhooks: the database does not do what is asked of it", "error", fault)
		}
		told = fault
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// spread notes who is to be told of what is new.
func (s *Sender) spread(ctx context.Context) error {
	if wait, err := s.Store.HookEventsWait(ctx); err != nil || !wait {
		return err
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.SpreadHookEvents(ctx, func(event string) []string {
			var ids []string
			for _, h := range s.Hooks {
				if slices.Contains(h.Events, event) {
					ids = append(ids, h.id())
				}
			}
			return ids
		})
	})
}

// tidy forgets what is over, and tells of keys that expire soon.
func (s *Sender) tidy(ctx context.Context) error {
	keys, err := s.Store.Keys(ctx)
	if err != nil {
		return err
	}
	now := s.Now()
	ids := make([]string, len(s.Hooks))
	for i, h := range s.Hooks {
		ids[i] = h.id()
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		for _, k := range keys {
			until := k.Credentials[len(k.Credentials)-1].Until
			if !k.Revoked.IsZero() || !now.Before(until) || now.Before(until.Add(-ahead)) {
				continue
			}
			name := fmt.Sprintf("%s %s %d", store.KeyExpiring, k.ID, until.Unix())
			if _, err := tx.HookEventOnce(ctx, name, now, store.KeyExpiring, k.ID); err != nil {
				return err
			}
		}
		return tx.TidyWebhooks(ctx, ids, now.Add(-kept))
	})
}

// turn tells a hook what it is to be told by now.
func (s *Sender) turn(ctx context.Context, h Hook) error {
	if due, err := s.Store.HookIsDue(ctx, h.id(), s.Now()); err != nil || !due {
		return err
	}
	var all []store.Delivery
	var until time.Time
	err := s.Store.Write(ctx, func(tx *store.Tx) (err error) {
		now := s.Now()
		until = now.Add(lease)
		all, err = tx.ClaimDeliveries(ctx, h.id(), now, until, most)
		return err
	})
	if err != nil {
		return err
	}
	for i, d := range all {
		if s.Now().Add(enough).After(until) {
			return s.putOff(ctx, all[i:], s.Now())
		}
		told := s.tell(ctx, h, d)
		if ctx.Err() != nil {
			return nil // it is due again when the lease is over
		}
		if err := s.settle(ctx, h, d, told); err != nil {
			return err
		}
		if told != nil { // whoever does not answer now is asked later, and not at once for all else
			return s.putOff(ctx, all[i+1:], s.Now().Add(first))
		}
	}
	return nil
}

// settle notes what came of a delivery.
func (s *Sender) settle(ctx context.Context, h Hook, d store.Delivery, told error) error {
	now := s.Now()
	if told == nil {
		return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.DeliveryDone(ctx, d) })
	}
	next := now.Add(wait(d.Attempts))
	if next.After(d.At.Add(giveUp)) {
		s.Logger.Error("a webhook was not delivered, and is given up", "hook", h.Label, "event", d.Event, "id", eventID(d.HookEvent), "attempts", d.Attempts, "error", told.Error())
		return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.DeliveryDone(ctx, d) })
	}
	s.Logger.Warn("a webhook was not delivered", "hook", h.Label, "event", d.Event, "id", eventID(d.HookEvent), "attempts", d.Attempts, "next", next.UTC().Format(time.RFC3339), "error", told.Error())
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.PutOff(ctx, d, next) })
}

// putOff makes deliveries due again, at a time, that were claimed and not tried.
func (s *Sender) putOff(ctx context.Context, rest []store.Delivery, due time.Time) error {
	if len(rest) == 0 {
		return nil
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		for _, d := range rest {
			d.Attempts--
			if err := tx.PutOff(ctx, d, due); err != nil {
				return err
			}
		}
		return nil
	})
}

// wait is how long after so many tries the next one is made.
func wait(attempts int) time.Duration {
	d := first
	for range attempts - 1 {
		if d *= 3; d >= longest {
			return longest
		}
	}
	return d
}

// eventID names an event for good: rows are numbered anew once the last is forgotten, and times then are others.
func eventID(e store.HookEvent) string { return fmt.Sprintf("%d-%d", e.At.UnixMilli(), e.Seq) }

// tell sends an event once. An error says why it is not told, without the URL.
func (s *Sender) tell(ctx context.Context, h Hook, d store.Delivery) error {
	content, err := attest.Webhook{
		At: d.At.UTC().Truncate(time.Second), Event: d.Event, Exchange: s.Exchange, ID: eventID(d.HookEvent), Object: d.Object, Type: attest.TypeWebhook,
	}.JSON()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(content))
	if err != nil {
		return errors.New("its URL is none")
	}
	var nonce [24]byte
	if _, err := io.ReadFull(s.Random, nonce[:]); err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "assay")
	if err := s.Signer.SignWebhook(r, content, base64.RawURLEncoding.EncodeToString(nonce[:])); err != nil {
		return err
	}
	resp, err := h.HTTP.Do(r)
	if err != nil {
		return cause(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection serves again; what it says is nothing to us
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("it answers %d", resp.StatusCode)
	}
	return nil
}

// cause is what went wrong without the URL, which net/http puts before it.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
