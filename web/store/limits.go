package store

import (
	"context"
	"database/sql"
)

// Limits are the policies that were changed, by name (package web/limit): they hold instead of what is configured.
func (s *Store) Limits(ctx context.Context) (map[string]string, error) {
	return limits(s.read.QueryContext(ctx, selectLimits))
}

// Limits are those of the store.
func (t *Tx) Limits(ctx context.Context) (map[string]string, error) {
	return limits(t.tx.QueryContext(ctx, selectLimits))
}

const selectLimits = "SELECT name, policy FROM limits"

func limits(rows *sql.Rows, err error) (map[string]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, policy string
		if err := rows.Scan(&name, &policy); err != nil {
			return nil, err
		}
		all[name] = policy
	}
	return all, rows.Err()
}

// SetLimit changes a policy.
func (t *Tx) SetLimit(ctx context.Context, name, policy string) error {
	_, err := t.tx.ExecContext(ctx, "INSERT INTO limits (name, policy) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET policy = excluded.policy", name, policy)
	return err
}

// ResetLimit gives a policy back to the configuration.
func (t *Tx) ResetLimit(ctx context.Context, name string) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM limits WHERE name = ?", name)
	return err
}
