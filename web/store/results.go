package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Result is what an act was answered with, for whoever asks for it again.
type Result struct {
	Name    []byte // of the wish
	Request []byte // digest of what was asked
	Sealed  []byte
	Until   time.Time // whole seconds
}

// Result is the one of a name; nil if there is none.
func (t *Tx) Result(ctx context.Context, name []byte) (*Result, error) {
	r, until := Result{Name: name}, int64(0)
	err := t.tx.QueryRowContext(ctx, "SELECT request, sealed, until FROM results WHERE name = ?", name).Scan(&r.Request, &r.Sealed, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	r.Until = second(until)
	return &r, err
}

// KeepResult adds one.
func (t *Tx) KeepResult(ctx context.Context, r Result) error {
	_, err := t.tx.ExecContext(ctx, "INSERT INTO results (name, request, sealed, until) VALUES (?, ?, ?, ?)", r.Name, r.Request, r.Sealed, r.Until.Unix())
	return err
}

// ForgetResults deletes those whose time is over.
func (t *Tx) ForgetResults(ctx context.Context, now time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM results WHERE until <= ?", now.Unix())
	return err
}
