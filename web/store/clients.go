package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The kinds of clients: a machine has API keys; a person has passkeys, or a password and a second factor, and sessions; an app has tokens.
const (
	Machine = "machine"
	Person  = "person"
	OfApp   = "app"
)

// Client is the record of a client. Times are of whole seconds, in UTC.
type Client struct {
	ID, Name string
	Kind     string // empty is Machine where a client is made
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

// clientContent is who a client is, what it may and until when, as its column has it sealed. Its times lie beside that in clear too, where
// SQL sees them, in seconds since 1970, 0 for none.
type clientContent struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind,omitempty"` // missing: Machine
	Roles    []string `json:"roles"`
	Tier     string   `json:"tier"`
	Scope    Scope    `json:"scope"`
	Created  int64    `json:"created"`
	Expires  int64    `json:"expires"`
	Disabled int64    `json:"disabled"`
}

func (s seals) sealClient(c Client) ([]byte, error) {
	plain, err := json.Marshal(clientContent{c.Name, c.Kind, c.Roles, c.Tier, c.Scope, unix(c.Created), unix(c.Expires), unix(c.Disabled)})
	if err != nil {
		return nil, err
	}
	return s.seal(clientRecord, c.ID, plain)
}

// CreateClient adds a client.
func (t *Tx) CreateClient(ctx context.Context, c Client) error {
	record, err := t.seals.sealClient(c)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO clients (id, record, created, expires, disabled) VALUES (?, ?, ?, ?, ?)", c.ID, record, c.Created.Unix(), orNull(c.Expires), orNull(c.Disabled))
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
	c.ID = id
	record, err := t.seals.sealClient(c)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "UPDATE clients SET record = ?, expires = ?, disabled = ? WHERE id = ?", record, orNull(c.Expires), orNull(c.Disabled), id)
	return err
}

// sealClients seals the records of clients that keys of an earlier version were given: such keys are for proofs, and nothing else.
func (t *Tx) sealClients(ctx context.Context) error {
	rows, err := t.tx.QueryContext(ctx, "SELECT u.id, c.created, c.expires, c.disabled FROM unsealed_clients u JOIN clients c ON c.id = u.id")
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []Client
	for rows.Next() {
		c := Client{Roles: []string{"service"}, Tier: "standard"}
		var created int64
		var expires, disabled sql.NullInt64
		if err := rows.Scan(&c.ID, &created, &expires, &disabled); err != nil {
			return err
		}
		c.Name, c.Created, c.Expires, c.Disabled = "API key "+c.ID, second(created), maybe(expires), maybe(disabled)
		all = append(all, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, c := range all {
		record, err := t.seals.sealClient(c)
		if err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, "UPDATE clients SET record = ? WHERE id = ?", record, c.ID); err != nil {
			return err
		}
	}
	_, err = t.tx.ExecContext(ctx, "DELETE FROM unsealed_clients")
	return err
}

// Client is [Store.Client] as the change has it.
func (t *Tx) Client(ctx context.Context, id string) (Client, error) {
	return t.seals.oneClient(t.tx.QueryRowContext(ctx, selectClients+" WHERE id = ?", id), id)
}

// Client is the record of a client as it is now, or [ErrUnknown].
func (s *Store) Client(ctx context.Context, id string) (Client, error) {
	c, err := s.seals.oneClient(s.client.QueryRowContext(ctx, id), id)
	if errors.Is(err, ErrUnknown) {
		err = errors.Join(err, s.openDecoy())
	}
	return c, err
}

// Clients are the records after a client of that id, or from the first where it is empty, oldest first, and no more than most.
func (s *Store) Clients(ctx context.Context, after string, most int) ([]Client, error) {
	rows, err := s.read.QueryContext(ctx, selectClients+" WHERE ? = '' OR (created, id) > (SELECT created, id FROM clients WHERE id = ?) ORDER BY created, id LIMIT ?", after, after, most)
	return collect(rows, err, s.seals.scanClient)
}

const selectClients = "SELECT id, record, created, expires, disabled FROM clients"

func (s seals) oneClient(row *sql.Row, id string) (Client, error) {
	c, err := s.scanClient(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: client %q", ErrUnknown, id)
	}
	return c, err
}

func (s seals) scanClient(row interface{ Scan(...any) error }) (Client, error) {
	var r clientRow
	if err := row.Scan(r.into()...); err != nil {
		return Client{}, err
	}
	return s.openClient(r)
}

// clientRow is a row of selectClients.
type clientRow struct {
	id                string
	record            []byte
	created           int64
	expires, disabled sql.NullInt64
}

func (r *clientRow) into() []any {
	return []any{&r.id, &r.record, &r.created, &r.expires, &r.disabled}
}

func (s seals) openClient(r clientRow) (Client, error) {
	c := Client{ID: r.id, Created: second(r.created), Expires: maybe(r.expires), Disabled: maybe(r.disabled)}
	plain, err := s.open(clientRecord, c.ID, r.record)
	if err != nil {
		return c, err
	}
	var content clientContent
	if err := json.Unmarshal(plain, &content); err != nil {
		return c, err
	}
	if content.Created != unix(c.Created) || content.Expires != unix(c.Expires) || content.Disabled != unix(c.Disabled) {
		return c, fmt.Errorf("clients.record of %s: %w: its times are others than it says", c.ID, ErrAltered)
	}
	c.Name, c.Roles, c.Tier, c.Scope = content.Name, content.Roles, content.Tier, content.Scope
	c.Kind = cmp.Or(content.Kind, Machine)
	return c, nil
}

func orNull(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: t.Unix(), Valid: !t.IsZero()} }
