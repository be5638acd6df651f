package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Pushed is what an app asks a customer to allow, until that is decided.
type Pushed struct {
	ID      string // MAC, in hex
	Content []byte
	Until   time.Time
}

// Push keeps one.
func (t *Tx) Push(ctx context.Context, p Pushed) error {
	record, err := t.seals.sealKept(pushedRecord, p.ID, kept{Until: p.Until.Unix(), Content: p.Content})
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO pushed (id, record, until) VALUES (?, ?, ?)", p.ID, record, p.Until.Unix())
	return err
}

// TakePushed is the one of an id, once: it is no more afterwards. [ErrUnknown] if there is none.
func (t *Tx) TakePushed(ctx context.Context, id string) (Pushed, error) {
	return t.seals.pushed(t.tx.QueryRowContext(ctx, "DELETE FROM pushed WHERE id = ? RETURNING id, record, until", id))
}

// Pushed is the one of an id, or [ErrUnknown].
func (s *Store) Pushed(ctx context.Context, id string) (Pushed, error) {
	return s.seals.pushed(s.read.QueryRowContext(ctx, "SELECT id, record, until FROM pushed WHERE id = ?", id))
}

func (s seals) pushed(row *sql.Row) (p Pushed, err error) {
	var record []byte
	var until int64
	if err := row.Scan(&p.ID, &record, &until); err != nil {
		return p, unknownTo(err, "request")
	}
	k, err := s.openKept(pushedRecord, p.ID, record)
	if err == nil && k.Until != until {
		err = fmt.Errorf("pushed.record of %s: %w: its end is another than it says", p.ID, ErrAltered)
	}
	p.Content, p.Until = k.Content, second(until)
	return p, err
}

// Grant is what a customer allowed an app, or what an app is let in for by itself. Times are of whole seconds, in UTC.
type Grant struct {
	ID      string
	App     string // id of the client
	Subject string // MAC of the customer, in hex; empty: the app itself
	Content []byte
	Created time.Time
	Until   time.Time // when it is over, however much it is used
}

func (g Grant) kept() kept {
	return kept{Whose: g.App, Subject: g.Subject, Created: g.Created.Unix(), Until: g.Until.Unix(), Content: g.Content}
}

// AddGrant adds a grant.
func (t *Tx) AddGrant(ctx context.Context, g Grant) error {
	record, err := t.seals.sealKept(grantRecord, g.ID, g.kept())
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO grants (id, app, subject, record, created, until) VALUES (?, ?, ?, ?, ?, ?)", g.ID, g.App, g.Subject, record, g.Created.Unix(), g.Until.Unix())
	return err
}

// ChangeGrant writes content and end of one that is there, or returns [ErrUnknown].
func (t *Tx) ChangeGrant(ctx context.Context, g Grant) error {
	record, err := t.seals.sealKept(grantRecord, g.ID, g.kept())
	if err != nil {
		return err
	}
	res, err := t.tx.ExecContext(ctx, "UPDATE grants SET record = ?, until = ? WHERE id = ?", record, g.Until.Unix(), g.ID)
	return affected(res, err, ErrUnknown)
}

// EndGrant ends one, and all its tokens with it; [ErrUnknown] if there is none.
func (t *Tx) EndGrant(ctx context.Context, id string) error {
	res, err := t.tx.ExecContext(ctx, "DELETE FROM grants WHERE id = ?", id)
	return affected(res, err, ErrUnknown)
}

const selectGrants = "SELECT id, app, subject, record, created, until FROM grants"

// Grant is the one of an id, or [ErrUnknown].
func (s *Store) Grant(ctx context.Context, id string) (Grant, error) {
	return s.seals.grant(s.read.QueryRowContext(ctx, selectGrants+" WHERE id = ?", id))
}

// Grant is [Store.Grant] as the change has it.
func (t *Tx) Grant(ctx context.Context, id string) (Grant, error) {
	return t.seals.grant(t.tx.QueryRowContext(ctx, selectGrants+" WHERE id = ?", id))
}

// GrantsOf are those of a customer that are not over, oldest first, and no more than most.
func (s *Store) GrantsOf(ctx context.Context, subject string, now time.Time, most int) ([]Grant, error) {
	rows, err := s.read.QueryContext(ctx, selectGrants+" WHERE subject = ? AND until > ? ORDER BY created, id LIMIT ?", subject, now.Unix(), most)
	return collect(rows, err, s.seals.grant)
}

func (s seals) grant(row interface{ Scan(...any) error }) (g Grant, err error) {
	var record []byte
	var created, until int64
	if err := row.Scan(&g.ID, &g.App, &g.Subject, &record, &created, &until); err != nil {
		return g, unknownTo(err, "grant")
	}
	g.Created, g.Until = second(created), second(until)
	k, err := s.openKept(grantRecord, g.ID, record)
	if g.Content = k.Content; err == nil && !k.says(g.kept()) {
		err = fmt.Errorf("grants.record of %s: %w: whose it is, or its times, are others than it says", g.ID, ErrAltered)
	}
	return g, err
}

// TidyGrants deletes what is over.
func (t *Tx) TidyGrants(ctx context.Context, now time.Time) error {
	var errs []error
	for _, table := range []string{"pushed", "tokens", "grants", "answered"} {
		_, err := t.tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE until <= ?", now.Unix())
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// kept is what a column of these tables has sealed: what lies beside it in clear too, and its content.
type kept struct {
	Whose   string `json:"whose,omitempty"`
	Subject string `json:"subject,omitempty"`
	Created int64  `json:"created,omitempty"`
	Until   int64  `json:"until"`
	Content []byte `json:"content"`
}

func (k kept) says(row kept) bool {
	return k.Whose == row.Whose && k.Subject == row.Subject && k.Created == row.Created && k.Until == row.Until
}

func (s seals) sealKept(c column, id string, k kept) ([]byte, error) {
	plain, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	return s.seal(c, id, plain)
}

func (s seals) openKept(c column, id string, sealed []byte) (k kept, err error) {
	plain, err := s.open(c, id, sealed)
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(plain, &k)
}

func unknownTo(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: no such %s", ErrUnknown, what)
	}
	return err
}
