package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Keyset is the row of what seals the columns of one purpose: it is itself wrapped by a key that lies elsewhere.
type Keyset struct {
	Purpose          string
	Wrapped          []byte
	KEK              string // reference of the key that wraps it
	Canary           []byte // what the newest of its keys sealed
	Created, Rotated time.Time
}

const selectKeysets = "SELECT purpose, wrapped, kek, canary, created, rotated FROM keysets"

// Keysets are all rows, by purpose.
func (s *Store) Keysets(ctx context.Context) ([]Keyset, error) { return keysets(ctx, s.read) }

// Keysets are all rows, by purpose, which nobody changes meanwhile.
func (t *Tx) Keysets(ctx context.Context) ([]Keyset, error) { return keysets(ctx, t.tx) }

func keysets(ctx context.Context, from queryer) ([]Keyset, error) {
	rows, err := from.QueryContext(ctx, selectKeysets+" ORDER BY purpose")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Keyset
	for rows.Next() {
		var k Keyset
		var created, rotated int64
		if err := rows.Scan(&k.Purpose, &k.Wrapped, &k.KEK, &k.Canary, &created, &rotated); err != nil {
			return nil, err
		}
		k.Created, k.Rotated = second(created), second(rotated)
		all = append(all, k)
	}
	return all, rows.Err()
}

// PutKeyset writes a keyset's row, over the one that is there.
func (t *Tx) PutKeyset(ctx context.Context, k Keyset) error {
	_, err := t.tx.ExecContext(ctx, `INSERT INTO keysets (purpose, wrapped, kek, canary, created, rotated) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (purpose) DO UPDATE SET wrapped = excluded.wrapped, kek = excluded.kek, canary = excluded.canary, rotated = excluded.rotated`,
		k.Purpose, k.Wrapped, k.KEK, k.Canary, k.Created.Unix(), k.Rotated.Unix())
	return err
}

// ErrNoSecret says that there is no secret of that name.
var ErrNoSecret = errors.New("there is no secret of that name")

// Secret opens a secret, or returns [ErrNoSecret].
func (t *Tx) Secret(ctx context.Context, name string) ([]byte, error) {
	var sealed []byte
	err := t.tx.QueryRowContext(ctx, "SELECT value FROM secrets WHERE name = ?", name).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoSecret
	}
	if err != nil {
		return nil, err
	}
	return t.seals.open(secretValue, name, sealed)
}

// AddSecret seals a secret that is not there yet.
func (t *Tx) AddSecret(ctx context.Context, name string, value []byte) error {
	sealed, err := t.seals.seal(secretValue, name, value)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO secrets (name, value) VALUES (?, ?)", name, sealed)
	return err
}
