package store

import (
	"context"
	"time"
)

// TakeNonce remembers a signed request by a name, and reports whether it is the first of that name at any of the servers that share the
// database. It is a change by itself, for which nobody else who writes need wait.
func (s *Store) TakeNonce(ctx context.Context, name []byte, made time.Time) (first bool, err error) {
	res, err := s.write.ExecContext(ctx, "INSERT INTO nonces (name, made) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, made.Unix())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// ForgetNonces forgets those of requests that were made before a time.
func (t *Tx) ForgetNonces(ctx context.Context, before time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM nonces WHERE made < ?", before.Unix())
	return err
}
