package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Token is a code, an access token or a refresh token. Times are of whole seconds, in UTC.
type Token struct {
	ID        string // MAC of it, in hex
	Grant     string
	Content   []byte
	Until     time.Time
	Used      time.Time // when what is good once was; zero: it was not
	Successor string    // id of the one that took its place
	Issued    string    // id of the access token that came with a refresh token
}

// AddToken adds one.
func (t *Tx) AddToken(ctx context.Context, c Token) error {
	record, err := t.seals.sealKept(tokenRecord, c.ID, kept{Whose: c.Grant, Until: c.Until.Unix(), Content: c.Content})
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO tokens (id, family, record, until, used, successor, issued) VALUES (?, ?, ?, ?, 0, '', ?)", c.ID, c.Grant, record, c.Until.Unix(), c.Issued)
	return err
}

// UseToken notes that one was used which was not before, or returns [ErrChanged].
func (t *Tx) UseToken(ctx context.Context, id string, at time.Time) error {
	res, err := t.tx.ExecContext(ctx, "UPDATE tokens SET used = ? WHERE id = ? AND used = 0", at.Unix(), id)
	return affected(res, err, ErrChanged)
}

// SucceedToken says which token took the place of one, in which stood another, or none where that is empty; else [ErrChanged].
func (t *Tx) SucceedToken(ctx context.Context, id, before, successor string) error {
	res, err := t.tx.ExecContext(ctx, "UPDATE tokens SET successor = ? WHERE id = ? AND successor = ?", successor, id, before)
	return affected(res, err, ErrChanged)
}

// DropToken deletes one.
func (t *Tx) DropToken(ctx context.Context, id string) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM tokens WHERE id = ?", id)
	return err
}

const selectTokens = "SELECT id, family, record, until, used, successor, issued FROM tokens WHERE id = ?" //nolint:gosec // what is asked of the database, and no token

// Token is the one of an id, or [ErrUnknown].
func (s *Store) Token(ctx context.Context, id string) (Token, error) {
	return s.seals.token(s.read.QueryRowContext(ctx, selectTokens, id))
}

// Token is [Store.Token] as the change has it.
func (t *Tx) Token(ctx context.Context, id string) (Token, error) {
	return t.seals.token(t.tx.QueryRowContext(ctx, selectTokens, id))
}

func (s seals) token(row *sql.Row) (c Token, err error) {
	var record []byte
	var until, used int64
	if err := row.Scan(&c.ID, &c.Grant, &record, &until, &used, &c.Successor, &c.Issued); err != nil {
		return c, unknownTo(err, "token")
	}
	k, err := s.openKept(tokenRecord, c.ID, record)
	if err == nil && !k.says(kept{Whose: c.Grant, Until: until}) {
		err = fmt.Errorf("tokens.record of %s: %w: whose it is, or its end, is another than it says", c.ID, ErrAltered)
	}
	c.Content, c.Until = k.Content, second(until)
	if used != 0 {
		c.Used = second(used)
	}
	return c, err
}
