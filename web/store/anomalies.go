package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Anomaly is something that stood out of what a client does (package web/anomaly says what the words in it mean). Times are of whole seconds, in UTC.
type Anomaly struct {
	ID         string
	Rule       string
	Client     string // empty: nobody's that is known
	Credential string // empty: all of the client's
	Network    string // empty: all
	Saw        string // the figures
	Usual      string // and what they were held to
	Action     string // what was done about it
	Undo       string // and what somebody does who undoes it
	At         time.Time
	Until      time.Time // when the action ends by itself; zero: it does not
	Undone     time.Time // zero: it is not
	By         string    // who undid it
}

// AddAnomaly adds one.
func (t *Tx) AddAnomaly(ctx context.Context, a Anomaly) error {
	_, err := t.tx.ExecContext(ctx, `INSERT INTO anomalies (id, number, version, rule, client, credential, network, saw, usual, action, undo, at, until, undone, person)
		VALUES (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM anomalies), (SELECT COALESCE(MAX(version), 0) + 1 FROM anomalies), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')`,
		a.ID, a.Rule, a.Client, a.Credential, a.Network, a.Saw, a.Usual, a.Action, a.Undo, a.At.Unix(), unix(a.Until))
	return err
}

// OpenAnomaly reports whether there is one of the same rule and action about the same, that nobody undid and whose action has not ended.
func (t *Tx) OpenAnomaly(ctx context.Context, a Anomaly) (open bool, err error) {
	err = t.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM anomalies WHERE rule = ? AND client = ? AND credential = ? AND network = ? AND action = ? AND undone = 0 AND (until = 0 OR until > ?))",
		a.Rule, a.Client, a.Credential, a.Network, a.Action, a.At.Unix()).Scan(&open)
	return open, err
}

// UndoAnomaly notes that somebody undid one, or returns [ErrChanged] if that was done already.
func (t *Tx) UndoAnomaly(ctx context.Context, id, by string, at time.Time) error {
	res, err := t.tx.ExecContext(ctx, "UPDATE anomalies SET undone = ?, person = ?, version = (SELECT MAX(version) + 1 FROM anomalies) WHERE id = ? AND undone = 0", at.Unix(), by, id)
	return affected(res, err, ErrChanged)
}

// ForgetAnomalies deletes those of before, but not those that hold.
func (t *Tx) ForgetAnomalies(ctx context.Context, before time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM anomalies WHERE at < ? AND (undone > 0 OR until > 0) AND undone < ? AND until < ?", before.Unix(), before.Unix(), before.Unix())
	return err
}

const selectAnomalies = "SELECT id, rule, client, credential, network, saw, usual, action, undo, at, until, undone, person FROM anomalies"

// Anomaly is the one of an id, or [ErrUnknown].
func (s *Store) Anomaly(ctx context.Context, id string) (Anomaly, error) {
	return oneAnomaly(s.read.QueryRowContext(ctx, selectAnomalies+" WHERE id = ?", id))
}

// Anomaly is [Store.Anomaly] as the change has it.
func (t *Tx) Anomaly(ctx context.Context, id string) (Anomaly, error) {
	return oneAnomaly(t.tx.QueryRowContext(ctx, selectAnomalies+" WHERE id = ?", id))
}

// Anomalies are those before one of that id, or from the newest where it is empty, newest first, no more than most: all, or those of a client.
func (s *Store) Anomalies(ctx context.Context, client, before string, most int) ([]Anomaly, error) {
	return anomalies(s.read.QueryContext(ctx, selectAnomalies+" WHERE (? = '' OR client = ?) AND (? = '' OR number < (SELECT number FROM anomalies WHERE id = ?)) ORDER BY number DESC LIMIT ?",
		client, client, before, before, most))
}

// CurrentAnomalies are those whose action holds at a time, and those that were undone since another, newest first.
func (s *Store) CurrentAnomalies(ctx context.Context, at, since time.Time, most int) ([]Anomaly, error) {
	return anomalies(s.read.QueryContext(ctx, selectAnomalies+" WHERE undone >= ? OR (undone = 0 AND (until = 0 OR until > ?)) ORDER BY number DESC LIMIT ?", since.Unix(), at.Unix(), most))
}

// AnomaliesVersion is another number after each change of an anomaly.
func (s *Store) AnomaliesVersion(ctx context.Context) (version int64, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM anomalies").Scan(&version)
	return version, err
}

func oneAnomaly(row *sql.Row) (Anomaly, error) {
	a, err := scanAnomaly(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: no such anomaly", ErrUnknown)
	}
	return a, err
}

func anomalies(rows *sql.Rows, err error) ([]Anomaly, error) {
	return collect(rows, err, scanAnomaly)
}

func scanAnomaly(row interface{ Scan(...any) error }) (a Anomaly, err error) {
	var at, until, undone int64
	err = row.Scan(&a.ID, &a.Rule, &a.Client, &a.Credential, &a.Network, &a.Saw, &a.Usual, &a.Action, &a.Undo, &at, &until, &undone, &a.By)
	a.At = second(at)
	if until != 0 {
		a.Until = second(until)
	}
	if undone != 0 {
		a.Undone = second(undone)
	}
	return a, err
}

// Habits are what a client usually does, as it was kept; nil if nothing was.
func (s *Store) Habits(ctx context.Context, client string) (record []byte, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT record FROM habits WHERE client = ?", client).Scan(&record)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return record, err
}

// Habits are what some clients usually do, as it was kept.
func (t *Tx) Habits(ctx context.Context, clients []string) (map[string][]byte, error) {
	list, err := t.tx.texts(clients)
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	rows, err := t.tx.QueryContext(ctx, "SELECT client, record FROM habits WHERE "+t.tx.among("client"), list)
	_, err = collect(rows, err, func(row interface{ Scan(...any) error }) (client string, err error) {
		var record []byte
		err = row.Scan(&client, &record)
		all[client] = record
		return client, err
	})
	return all, err
}

// KeepHabits keeps what a client usually does.
func (t *Tx) KeepHabits(ctx context.Context, client string, record []byte, at time.Time) error {
	_, err := t.tx.ExecContext(ctx, "INSERT INTO habits (client, record, at) VALUES (?, ?, ?) ON CONFLICT (client) DO UPDATE SET record = excluded.record, at = excluded.at", client, record, at.Unix())
	return err
}

// ForgetHabits deletes those of clients that were not seen since a time.
func (t *Tx) ForgetHabits(ctx context.Context, before time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM habits WHERE at < ?", before.Unix())
	return err
}
