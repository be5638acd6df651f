package store

import (
	"context"
	"strings"
	"time"
)

// UsageKey is what reads have in common that are one row.
type UsageKey struct {
	At                          int64 // seconds since 1970
	Client, Credential, Network string
	Operation                   string
	Status                      int
}

// Usage is reads that are alike.
type Usage struct {
	UsageKey
	Count         int64
	Took, Longest time.Duration // all of them together, and the longest; kept in microseconds
}

// AddUsage adds reads to those of the same second. No two rows have the same key.
func (t *Tx) AddUsage(ctx context.Context, rows []Usage) error {
	return inParts(rows, func(part []Usage) error {
		var args []any
		for _, r := range part {
			args = append(args, r.At, r.Client, r.Credential, r.Network, r.Operation, r.Status, r.Count, r.Took.Microseconds(), r.Longest.Microseconds())
		}
		_, err := t.tx.ExecContext(ctx, addUsage(len(part)), args...)
		return err
	})
}

func addUsage(rows int) string {
	return `INSERT INTO usage (at, client, credential, network, operation, status, count, took, longest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)` +
		strings.Repeat(", (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows-1) + `
		ON CONFLICT (at, client, credential, network, operation, status) DO UPDATE SET count = usage.count + excluded.count, took = usage.took + excluded.took,
		longest = CASE WHEN usage.longest > excluded.longest THEN usage.longest ELSE excluded.longest END`
}

// ForgetUsage deletes the reads of before.
func (t *Tx) ForgetUsage(ctx context.Context, before time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM usage WHERE at < ?", before.Unix())
	return err
}

// Usage are the reads since, of one client or, without a name, of all: those that differ in their second and credential alone are one, whose
// At is the last. Most first, and no more than most.
func (s *Store) Usage(ctx context.Context, client string, since time.Time, most int) ([]Usage, error) {
	query, args := "SELECT MAX(at), client, network, operation, status, SUM(count), SUM(took), MAX(longest) FROM usage WHERE at >= ?", []any{since.Unix()}
	if client != "" {
		query, args = query+" AND client = ?", append(args, client)
	}
	rows, err := s.read.QueryContext(ctx, query+" GROUP BY client, network, operation, status ORDER BY SUM(count) DESC, client, operation, status, network LIMIT ?", append(args, most)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Usage
	for rows.Next() {
		var u Usage
		var took, longest int64
		if err := rows.Scan(&u.At, &u.Client, &u.Network, &u.Operation, &u.Status, &u.Count, &took, &longest); err != nil {
			return nil, err
		}
		u.Took, u.Longest = time.Duration(took)*time.Microsecond, time.Duration(longest)*time.Microsecond
		all = append(all, u)
	}
	return all, rows.Err()
}
