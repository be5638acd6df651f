package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Session is a person who has signed in. Times are of whole seconds, in UTC.
type Session struct {
	ID      string
	Token   string // MAC of what the browser has, in hex
	Client  string
	Class   string    // how the person showed who they are
	Proved  time.Time // and when they did last
	Network string    // where it began
	Created time.Time
	Until   time.Time // when it is over, however much it is used
	Seen    time.Time // about when it was last used
}

// sessionContent is a session as its column has it sealed: whoever can write to the database alone signs nobody in.
type sessionContent struct {
	Token   string `json:"token"`
	Client  string `json:"client"`
	Class   string `json:"class"`
	Proved  int64  `json:"proved"`
	Network string `json:"network"`
	Created int64  `json:"created"`
	Until   int64  `json:"until"`
}

func (s seals) sealSession(c Session) ([]byte, error) {
	plain, err := json.Marshal(sessionContent{c.Token, c.Client, c.Class, c.Proved.Unix(), c.Network, c.Created.Unix(), c.Until.Unix()})
	if err != nil {
		return nil, err
	}
	return s.seal(sessionRecord, c.ID, plain)
}

// CreateSession adds a session.
func (t *Tx) CreateSession(ctx context.Context, c Session) error {
	record, err := t.seals.sealSession(c)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO sessions (id, token, client, record, seen, until) VALUES (?, ?, ?, ?, ?, ?)", c.ID, c.Token, c.Client, record, c.Seen.Unix(), c.Until.Unix())
	return err
}

// ChangeSession writes what was shown in a session that has still the token it had before, or returns [ErrChanged].
func (t *Tx) ChangeSession(ctx context.Context, c Session, before string) error {
	record, err := t.seals.sealSession(c)
	if err != nil {
		return err
	}
	res, err := t.tx.ExecContext(ctx, "UPDATE sessions SET token = ?, record = ?, seen = ? WHERE id = ? AND token = ?", c.Token, record, c.Seen.Unix(), c.ID, before)
	return affected(res, err, ErrChanged)
}

// SessionSeen notes when a session was used.
func (t *Tx) SessionSeen(ctx context.Context, id string, at time.Time) error {
	_, err := t.tx.ExecContext(ctx, "UPDATE sessions SET seen = ? WHERE id = ? AND seen < ?", at.Unix(), id, at.Unix())
	return err
}

// EndSession ends one. One that is over already stays so.
func (t *Tx) EndSession(ctx context.Context, id string) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM sessions WHERE id = ?", id)
	return err
}

// EndSessionsOf ends all of a person, but for the one of that id.
func (t *Tx) EndSessionsOf(ctx context.Context, client, but string) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM sessions WHERE client = ? AND id <> ?", client, but)
	return err
}

// ForgetSessions deletes those that are over, or were not used since.
func (t *Tx) ForgetSessions(ctx context.Context, now, since time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM sessions WHERE until <= ? OR seen <= ?", now.Unix(), since.Unix())
	return err
}

const selectSessions = "SELECT id, token, client, record, seen, until FROM sessions"

// Session is the one of an id, or [ErrUnknown].
func (s *Store) Session(ctx context.Context, id string) (Session, error) {
	return s.seals.oneSession(s.read.QueryRowContext(ctx, selectSessions+" WHERE id = ?", id))
}

// Session is [Store.Session] as the change has it.
func (t *Tx) Session(ctx context.Context, id string) (Session, error) {
	return t.seals.oneSession(t.tx.QueryRowContext(ctx, selectSessions+" WHERE id = ?", id))
}

// SessionOf is the one that a browser has, by the MAC of its token, or [ErrUnknown].
func (s *Store) SessionOf(ctx context.Context, token string) (Session, error) {
	return s.seals.oneSession(s.session.QueryRowContext(ctx, token))
}

// SessionsOf are all of a person, oldest first.
func (s *Store) SessionsOf(ctx context.Context, client string) ([]Session, error) {
	return s.seals.sessions(s.read.QueryContext(ctx, sessionsOf, client))
}

// SessionsOf is [Store.SessionsOf] as the change has it.
func (t *Tx) SessionsOf(ctx context.Context, client string) ([]Session, error) {
	return t.seals.sessions(t.tx.QueryContext(ctx, sessionsOf, client))
}

const sessionsOf = selectSessions + " WHERE client = ? ORDER BY until, id"

func (s seals) sessions(rows *sql.Rows, err error) ([]Session, error) {
	return collect(rows, err, s.scanSession)
}

func (s seals) oneSession(row *sql.Row) (Session, error) {
	c, err := s.scanSession(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: no such session", ErrUnknown)
	}
	return c, err
}

func (s seals) scanSession(row interface{ Scan(...any) error }) (c Session, err error) {
	var record []byte
	var seen, until int64
	if err := row.Scan(&c.ID, &c.Token, &c.Client, &record, &seen, &until); err != nil {
		return c, err
	}
	plain, err := s.open(sessionRecord, c.ID, record)
	if err != nil {
		return c, err
	}
	var content sessionContent
	if err := json.Unmarshal(plain, &content); err != nil {
		return c, err
	}
	if content.Token != c.Token || content.Client != c.Client || content.Until != until {
		return c, fmt.Errorf("sessions.record of %s: %w: its token, person or end is another than it says", c.ID, ErrAltered)
	}
	c.Class, c.Network = content.Class, content.Network
	c.Proved, c.Created, c.Until, c.Seen = second(content.Proved), second(content.Created), second(until), second(seen)
	return c, nil
}
