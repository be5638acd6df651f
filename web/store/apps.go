package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// App is what is kept of a client of kind app beside its client's record.
type App struct {
	Client      string   `json:"client"`
	Owner       string   `json:"owner"`                 // who answers for it, as customers are told
	Redirects   []string `json:"redirects,omitempty"`   // where a customer's browser is sent back to
	Native      bool     `json:"native,omitempty"`      // it runs on the customer's device
	Auth        string   `json:"auth"`                  // how it shows who it is
	Keys        string   `json:"keys,omitempty"`        // its public keys, a JWK set
	Certificate string   `json:"certificate,omitempty"` // the DNS name in its certificate
	Scopes      []string `json:"scopes"`                // that it may ask for
	Bearer      bool     `json:"bearer,omitempty"`      // its tokens need not be bound to a key
}

// PutApp writes what is kept of an app, over what was.
func (t *Tx) PutApp(ctx context.Context, a App) error {
	plain, err := json.Marshal(a)
	if err != nil {
		return err
	}
	record, err := t.seals.seal(appRecord, a.Client, plain)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO apps (client, record) VALUES (?, ?) ON CONFLICT (client) DO UPDATE SET record = excluded.record", a.Client, record)
	return err
}

const selectApps = "SELECT client, record FROM apps"

// App is the one of a client, or [ErrUnknown].
func (s *Store) App(ctx context.Context, client string) (App, error) {
	return s.seals.app(s.read.QueryRowContext(ctx, selectApps+" WHERE client = ?", client))
}

// App is [Store.App] as the change has it.
func (t *Tx) App(ctx context.Context, client string) (App, error) {
	return t.seals.app(t.tx.QueryRowContext(ctx, selectApps+" WHERE client = ?", client))
}

// Apps are all of them, by their ids.
func (s *Store) Apps(ctx context.Context) ([]App, error) {
	rows, err := s.read.QueryContext(ctx, selectApps+" ORDER BY client")
	return collect(rows, err, s.seals.app)
}

func (s seals) app(row interface{ Scan(...any) error }) (a App, err error) {
	var id string
	var record []byte
	if err := row.Scan(&id, &record); errors.Is(err, sql.ErrNoRows) {
		return a, fmt.Errorf("%w: no such app", ErrUnknown)
	} else if err != nil {
		return a, err
	}
	plain, err := s.open(appRecord, id, record)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(plain, &a)
}
