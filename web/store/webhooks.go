package store

import (
	"context"
	"slices"
	"time"
)

// What others are told of (SPEC part 28), each of an object: a run's id, a statement's digest, an API key's id, a finding's id.
const (
	RunWaiting      = "run.waiting"
	RunPublished    = "run.published"
	ReportWithdrawn = "report.withdrawn"
	KeyExpiring     = "key.expiring"
	KeyRevoked      = "key.revoked"
	AnomalyFound    = "anomaly.found"
)

// HookEvent is something that happened and that others are told of (SPEC part 28).
type HookEvent struct {
	Seq    int64
	At     time.Time // in milliseconds
	Event  string
	Object string
}

// Delivery is an event that one hook is still to be told.
type Delivery struct {
	HookEvent
	Hook     string
	Attempts int // this one too
}

// AddHookEvent notes that something happened, so that it is told. It belongs into the transaction in which it happens.
func (t *Tx) AddHookEvent(ctx context.Context, at time.Time, event, object string) error {
	_, err := t.tx.ExecContext(ctx, "INSERT INTO webhook_events (seq, at, event, object) SELECT COALESCE(MAX(seq), 0) + 1, ?, ?, ? FROM webhook_events",
		at.UnixMilli(), event, object)
	return err
}

// HookEventOnce is AddHookEvent for what goes on being so: told is false if it was noted before, under the same name.
func (t *Tx) HookEventOnce(ctx context.Context, name string, at time.Time, event, object string) (told bool, err error) {
	res, err := t.tx.ExecContext(ctx, "INSERT INTO webhook_once (what, at) VALUES (?, ?) ON CONFLICT (what) DO NOTHING", name, at.UnixMilli())
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	return true, t.AddHookEvent(ctx, at, event, object)
}

// HookEventsWait reports whether there are events of which it is not yet noted who is to be told.
func (s *Store) HookEventsWait(ctx context.Context) (wait bool, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM webhook_events WHERE spread = 0)").Scan(&wait)
	return wait, err
}

// SpreadHookEvents notes who is to be told of the events that wait: wanted is given each, and says which hooks.
func (t *Tx) SpreadHookEvents(ctx context.Context, wanted func(event string) []string) error {
	rows, err := t.tx.QueryContext(ctx, "SELECT seq, at, event FROM webhook_events WHERE spread = 0 ORDER BY seq")
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []HookEvent
	var at int64
	for rows.Next() {
		var e HookEvent
		if err := rows.Scan(&e.Seq, &at, &e.Event); err != nil {
			return err
		}
		e.At = time.UnixMilli(at).UTC()
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, e := range all {
		for _, hook := range wanted(e.Event) {
			if _, err := t.tx.ExecContext(ctx, "INSERT INTO webhook_deliveries (seq, hook, attempts, due) VALUES (?, ?, 0, ?)", e.Seq, hook, e.At.UnixMilli()); err != nil {
				return err
			}
		}
		if _, err := t.tx.ExecContext(ctx, "UPDATE webhook_events SET spread = 1 WHERE seq = ?", e.Seq); err != nil {
			return err
		}
	}
	return nil
}

const (
	selectDeliveries = `SELECT e.seq, e.at, e.event, e.object, d.hook, d.attempts FROM webhook_deliveries d JOIN webhook_events e ON e.seq = d.seq
		WHERE d.hook = ? AND d.due <= ? ORDER BY d.due, d.seq LIMIT ?`
	changeDelivery = "UPDATE webhook_deliveries SET attempts = ?, due = ? WHERE seq = ? AND hook = ?"
)

// HookIsDue reports whether a hook is to be told something by now.
func (s *Store) HookIsDue(ctx context.Context, hook string, now time.Time) (due bool, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE hook = ? AND due <= ?)", hook, now.UnixMilli()).Scan(&due)
	return due, err
}

// ClaimDeliveries are what a hook is to be told by now, no more than most. Nobody else has them until lease; those that are neither
// done nor put off by then are due again.
func (t *Tx) ClaimDeliveries(ctx context.Context, hook string, now, lease time.Time, most int) ([]Delivery, error) {
	rows, err := t.tx.QueryContext(ctx, selectDeliveries, hook, now.UnixMilli(), most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Delivery
	for rows.Next() {
		var d Delivery
		var at int64
		if err := rows.Scan(&d.Seq, &at, &d.Event, &d.Object, &d.Hook, &d.Attempts); err != nil {
			return nil, err
		}
		d.At = time.UnixMilli(at).UTC()
		d.Attempts++
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, d := range all {
		if err := t.PutOff(ctx, d, lease); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// PutOff makes a delivery due again at a time.
func (t *Tx) PutOff(ctx context.Context, d Delivery, until time.Time) error {
	_, err := t.tx.ExecContext(ctx, changeDelivery, d.Attempts, until.UnixMilli(), d.Seq, d.Hook)
	return err
}

// DeliveryDone ends a delivery: it was told, or is given up.
func (t *Tx) DeliveryDone(ctx context.Context, d Delivery) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM webhook_deliveries WHERE seq = ? AND hook = ?", d.Seq, d.Hook)
	return err
}

// TidyWebhooks deletes what is told to hooks that are no more, and events from before a time that nobody waits for.
func (t *Tx) TidyWebhooks(ctx context.Context, hooks []string, before time.Time) error {
	rows, err := t.tx.QueryContext(ctx, "SELECT DISTINCT hook FROM webhook_deliveries")
	if err != nil {
		return err
	}
	defer rows.Close()
	var gone []string
	for rows.Next() {
		var hook string
		if err := rows.Scan(&hook); err != nil {
			return err
		}
		if !slices.Contains(hooks, hook) {
			gone = append(gone, hook)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, hook := range gone {
		if _, err := t.tx.ExecContext(ctx, "DELETE FROM webhook_deliveries WHERE hook = ?", hook); err != nil {
			return err
		}
	}
	if _, err := t.tx.ExecContext(ctx, "DELETE FROM webhook_events WHERE at < ? AND seq NOT IN (SELECT seq FROM webhook_deliveries)", before.UnixMilli()); err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "DELETE FROM webhook_once WHERE at < ?", before.AddDate(-2, 0, 0).UnixMilli()) // longer than any key is good
	return err
}
