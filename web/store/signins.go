package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// AddInvitation keeps that whoever has a token, by its MAC, may enrol as a person, until a time. A person has one at once.
func (t *Tx) AddInvitation(ctx context.Context, token, client string, until time.Time) error {
	if err := t.EndInvitations(ctx, client); err != nil {
		return err
	}
	_, err := t.tx.ExecContext(ctx, "INSERT INTO invitations (token, client, until) VALUES (?, ?, ?)", token, client, until.Unix())
	return err
}

// EndInvitations ends those of a person.
func (t *Tx) EndInvitations(ctx context.Context, client string) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM invitations WHERE client = ?", client)
	return err
}

// Invitation is who is invited by a token, by its MAC, and until when, or [ErrUnknown].
func (s *Store) Invitation(ctx context.Context, token string) (client string, until time.Time, err error) {
	return invitation(s.read.QueryRowContext(ctx, "SELECT client, until FROM invitations WHERE token = ?", token))
}

// TakeInvitation is [Store.Invitation], once: it is no more afterwards.
func (t *Tx) TakeInvitation(ctx context.Context, token string) (client string, until time.Time, err error) {
	return invitation(t.tx.QueryRowContext(ctx, "DELETE FROM invitations WHERE token = ? RETURNING client, until", token))
}

func invitation(row *sql.Row) (client string, until time.Time, err error) {
	var at int64
	err = row.Scan(&client, &at)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: no such invitation", ErrUnknown)
	}
	return client, second(at), err
}

// Answer reports whether a challenge is answered for the first time; it is remembered until a time.
func (t *Tx) Answer(ctx context.Context, challenge string, until time.Time) (first bool, err error) {
	res, err := t.tx.ExecContext(ctx, "INSERT INTO answered (challenge, until) VALUES (?, ?) ON CONFLICT (challenge) DO NOTHING", challenge, until.Unix())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Failures is how often whoever uses an account, by its name's MAC, failed from a network, until when nothing is looked at, and when the last was.
type Failures struct {
	Account, Network string
	Count            int
	Until, At        time.Time
}

// Failures are those of an account and network; zero if there are none.
func (s *Store) Failures(ctx context.Context, account, network string) (Failures, error) {
	return failures(s.read.QueryRowContext(ctx, selectFailures, account, network), account, network)
}

// Failures is [Store.Failures] as the change has it.
func (t *Tx) Failures(ctx context.Context, account, network string) (Failures, error) {
	return failures(t.tx.QueryRowContext(ctx, selectFailures, account, network), account, network)
}

const selectFailures = "SELECT count, until, at FROM failures WHERE account = ? AND network = ?"

func failures(row *sql.Row, account, network string) (Failures, error) {
	f := Failures{Account: account, Network: network}
	var until, at int64
	err := row.Scan(&f.Count, &until, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return f, nil
	}
	f.Until, f.At = second(until), second(at)
	return f, err
}

// SetFailures writes them.
func (t *Tx) SetFailures(ctx context.Context, f Failures) error {
	_, err := t.tx.ExecContext(ctx, `INSERT INTO failures (account, network, count, until, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, network) DO UPDATE SET count = excluded.count, until = excluded.until, at = excluded.at`, f.Account, f.Network, f.Count, f.Until.Unix(), f.At.Unix())
	return err
}

// ForgetFailures deletes those of an account and network.
func (t *Tx) ForgetFailures(ctx context.Context, account, network string) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM failures WHERE account = ? AND network = ?", account, network)
	return err
}

// TidySignIns deletes what is of no use any more: invitations and answers that are over, and failures of before a time.
func (t *Tx) TidySignIns(ctx context.Context, now, failed time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM invitations WHERE until <= ?", now.Unix())
	_, more := t.tx.ExecContext(ctx, "DELETE FROM answered WHERE until <= ?", now.Unix())
	_, still := t.tx.ExecContext(ctx, "DELETE FROM failures WHERE at <= ? AND until <= ?", failed.Unix(), now.Unix())
	return errors.Join(err, more, still)
}
