package store

import (
	"context"
	"database/sql"
	"errors"
)

// Quota is a client's of a day.
type Quota struct {
	Day    int64 // of UTC, since 1970
	Client string
}

// QuotaUsed is how many requests were counted so far.
func (s *Store) QuotaUsed(ctx context.Context, q Quota) (used int64, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT used FROM quotas WHERE day = ? AND client = ?", q.Day, q.Client).Scan(&used)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return used, err
}

// AddQuota counts so many requests more, and returns how many there are then.
func (t *Tx) AddQuota(ctx context.Context, q Quota, requests int64) (used int64, err error) {
	err = t.tx.QueryRowContext(ctx, `INSERT INTO quotas (day, client, used) VALUES (?, ?, ?)
		ON CONFLICT (day, client) DO UPDATE SET used = quotas.used + excluded.used RETURNING used`, q.Day, q.Client, requests).Scan(&used)
	return used, err
}

// ForgetQuotas forgets what was counted on days before one.
func (t *Tx) ForgetQuotas(ctx context.Context, before int64) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM quotas WHERE day < ?", before)
	return err
}
