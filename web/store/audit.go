package store

import (
	"context"
	"database/sql"
	"errors"
)

// Event is a row of the audit log, whose hash chains it to the one before (package web/audit). Rows are numbered from 1 without a gap.
type Event struct {
	Seq  int64
	Text []byte // what happened, canonical JSON
	Hash []byte
}

// LastEvent is the newest row; before the first it is zero.
func (t *Tx) LastEvent(ctx context.Context) (e Event, err error) {
	err = t.tx.QueryRowContext(ctx, "SELECT seq, event, hash FROM audit ORDER BY seq DESC LIMIT 1").Scan(&e.Seq, &e.Text, &e.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		return Event{}, nil
	}
	return e, err
}

// AddEvent adds a row.
func (t *Tx) AddEvent(ctx context.Context, e Event) error {
	_, err := t.tx.ExecContext(ctx, "INSERT INTO audit (seq, event, hash) VALUES (?, ?, ?)", e.Seq, string(e.Text), e.Hash)
	return err
}

// Events are the rows after one of that number, oldest first, and no more than most.
func (s *Store) Events(ctx context.Context, after int64, most int) ([]Event, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT seq, event, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", after, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Event
	for rows.Next() {
		var e Event
		if err := rows.Scan(&e.Seq, &e.Text, &e.Hash); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, rows.Err()
}
