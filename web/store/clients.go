package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Client is the record of a client, which has API keys. Times are of whole seconds, in UTC.
type Client struct {
	ID, Name string
	Roles    []string
	Tier     string // of its limits
	Scope    Scope
	Created  time.Time
	Expires  time.Time // zero: it does not
	Disabled time.Time // zero: it is not
}

// Scope is which reports a client is for; of each filter that is empty, all.
type Scope struct {
	Entities []string `json:"entities,omitempty"` // that the statement is of
	Reports  []string `json:"reports,omitempty"`  // digests of statements
	From     string   `json:"from,omitempty"`     // day of the first instant, 2026-11-30
	Until    string   `json:"until,omitempty"`    // day of the last
}

// CreateClient adds a client.
func (t *Tx) CreateClient(ctx context.Context, c Client) error {
	scope, err := json.Marshal(c.Scope)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO clients (id, name, roles, tier, scope, created, expires, disabled) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		c.ID, c.Name, strings.Join(c.Roles, " "), c.Tier, string(scope), c.Created.Unix(), orNull(c.Expires), orNull(c.Disabled))
	return err
}

// ChangeClient lets change alter a client, but for its id.
func (t *Tx) ChangeClient(ctx context.Context, id string, change func(*Client) error) error {
	c, err := t.Client(ctx, id)
	if err != nil {
		return err
	}
	if err := change(&c); err != nil {
		return err
	}
	scope, err := json.Marshal(c.Scope)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "UPDATE clients SET name = ?, roles = ?, tier = ?, scope = ?, expires = ?, disabled = ? WHERE id = ?",
		c.Name, strings.Join(c.Roles, " "), c.Tier, string(scope), orNull(c.Expires), orNull(c.Disabled), id)
	return err
}

// Client is [Store.Client] as the change has it.
func (t *Tx) Client(ctx context.Context, id string) (Client, error) {
	return oneClient(t.tx.QueryRowContext(ctx, selectClients+" WHERE id = ?", id), id)
}

// Client is the record of a client as it is now, or [ErrUnknown].
func (s *Store) Client(ctx context.Context, id string) (Client, error) {
	return oneClient(s.client.QueryRowContext(ctx, id), id)
}

// Clients are the records after a client of that id, or from the first where it is empty, oldest first, and no more than most.
func (s *Store) Clients(ctx context.Context, after string, most int) ([]Client, error) {
	rows, err := s.read.QueryContext(ctx, selectClients+" WHERE ? = '' OR (created, id) > (SELECT created, id FROM clients WHERE id = ?) ORDER BY created, id LIMIT ?", after, after, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Client
	for rows.Next() {
		c, err := scanClient(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

const selectClients = "SELECT id, name, roles, tier, scope, created, expires, disabled FROM clients"

func oneClient(row *sql.Row, id string) (Client, error) {
	c, err := scanClient(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: client %q", ErrUnknown, id)
	}
	return c, err
}

func scanClient(row interface{ Scan(...any) error }) (c Client, err error) {
	var roles, scope string
	var created int64
	var expires, disabled sql.NullInt64
	if err := row.Scan(&c.ID, &c.Name, &roles, &c.Tier, &scope, &created, &expires, &disabled); err != nil {
		return c, err
	}
	c.Roles, c.Created, c.Expires, c.Disabled = strings.Fields(roles), second(created), maybe(expires), maybe(disabled)
	return c, json.Unmarshal([]byte(scope), &c.Scope)
}

func orNull(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: t.Unix(), Valid: !t.IsZero()} }
