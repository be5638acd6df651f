package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Event is a row of the audit log, whose hash chains it to the one before (package web/audit). Rows are numbered from 1 without a gap.
type Event struct {
	Seq  int64
	Text []byte // what happened, canonical JSON
	Hash []byte
}

// LastEvent is the newest row; before the first it is zero.
func (t *Tx) LastEvent(ctx context.Context) (Event, error) {
	return event(t.tx.QueryRowContext(ctx, newestEvent))
}

// NewestEvent is the same, as it is by now.
func (s *Store) NewestEvent(ctx context.Context) (Event, error) {
	return event(s.read.QueryRowContext(ctx, newestEvent))
}

const newestEvent = "SELECT seq, event, hash FROM audit ORDER BY seq DESC LIMIT 1"

func event(row *sql.Row) (e Event, err error) {
	err = row.Scan(&e.Seq, &e.Text, &e.Hash)
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

// ErrNoAddress says that it is not known, or not any more, from which address an act came.
var ErrNoAddress = errors.New("there is no address of that row")

// AddAddress keeps from which address the act of a row came, sealed beside the log.
func (t *Tx) AddAddress(ctx context.Context, seq int64, at time.Time, address string) error {
	sealed, err := t.seals.seal(auditFrom, seq, []byte(address))
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO audit_addresses (seq, at, address) VALUES (?, ?, ?)", seq, at.Unix(), sealed)
	return err
}

// Address is from which address the act of a row came, or [ErrNoAddress].
func (t *Tx) Address(ctx context.Context, seq int64) (string, error) {
	var sealed []byte
	err := t.tx.QueryRowContext(ctx, "SELECT address FROM audit_addresses WHERE seq = ?", seq).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNoAddress
	}
	if err != nil {
		return "", err
	}
	plain, err := t.seals.open(auditFrom, seq, sealed)
	return string(plain), err
}

// ForgetAddresses deletes the addresses of acts before.
func (t *Tx) ForgetAddresses(ctx context.Context, before time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM audit_addresses WHERE at < ?", before.Unix())
	return err
}
