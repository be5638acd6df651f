package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrAltered says that a sealed column does not open: it was altered or moved, or its keyset is another one.
var ErrAltered = errors.New("what is sealed there does not open")

var errClosed = errors.New("the database is sealed, and its keysets are not open")

// Sealer seals what lies in a column. It opens with the keys of the same purpose, at the same place, and nowhere else.
type Sealer interface {
	Seal(purpose, place string, plain []byte) ([]byte, error)
	Open(purpose, place string, sealed []byte) ([]byte, error)
	// Newest reports whether it was the newest key of that purpose that sealed.
	Newest(purpose string, sealed []byte) bool
}

// Credentials is the purpose of what lets somebody in, and Audit of where acts came from.
const (
	Credentials = "credentials"
	Audit       = "audit"
)

// column is one whose content is sealed, in rows that id tells apart.
type column struct{ table, name, id, purpose string }

// The sealed columns.
var (
	keyRecord    = column{"keys", "record", "id", Credentials}
	clientRecord = column{"clients", "record", "id", Credentials}
	secretValue  = column{"secrets", "value", "name", Credentials}
	auditFrom    = column{"audit_addresses", "address", "seq", Audit}

	accountRecord  = column{"people", "record", "client", Credentials}
	sessionRecord  = column{"sessions", "record", "id", Credentials}
	proposalRecord = column{"proposals", "record", "id", Credentials}

	appRecord    = column{"apps", "record", "client", Credentials}
	pushedRecord = column{"pushed", "record", "id", Credentials}
	grantRecord  = column{"grants", "record", "id", Credentials}
	tokenRecord  = column{"tokens", "record", "id", Credentials}

	sealedColumns = []column{keyRecord, clientRecord, secretValue, auditFrom, accountRecord, sessionRecord, proposalRecord,
		appRecord, pushedRecord, grantRecord, tokenRecord}
)

// Purposes are those that something is sealed for.
func Purposes() []string {
	var all []string
	for _, c := range sealedColumns {
		all = append(all, c.purpose)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// place is the associated data of what is sealed in a row.
func (c column) place(id any) string {
	return fmt.Sprintf("%s|%s|%v|%s", c.table, c.name, id, c.purpose)
}

// seals are what columns are sealed with.
type seals struct{ sealer Sealer }

func (s seals) seal(c column, id any, plain []byte) ([]byte, error) {
	if s.sealer == nil {
		return nil, errClosed
	}
	return s.sealer.Seal(c.purpose, c.place(id), plain)
}

func (s seals) open(c column, id any, sealed []byte) ([]byte, error) {
	if s.sealer == nil {
		return nil, errClosed
	}
	plain, err := s.sealer.Open(c.purpose, c.place(id), sealed)
	if err != nil {
		return nil, fmt.Errorf("%s.%s of %v: %w", c.table, c.name, id, errors.Join(ErrAltered, err))
	}
	return plain, nil
}

// Unseal gives the store what its columns are sealed with, before it is used.
func (s *Store) Unseal(ctx context.Context, sealer Sealer) (err error) {
	s.seals = seals{sealer}
	if s.decoy, err = s.seals.sealRecord(Key{}); err != nil {
		return err
	}
	var waits int
	if err := s.read.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM unsealed_keys) + (SELECT COUNT(*) FROM unsealed_clients)").Scan(&waits); err != nil || waits == 0 {
		return err
	}
	return fmt.Errorf("unsealed_keys, unsealed_clients: %w: nothing waits to be sealed in a database that has its keysets", ErrAltered)
}

// SealOlder seals what an earlier version kept in clear. It belongs into the change that makes the keysets: afterwards nothing that lies in
// clear is believed, or whoever can write to the database would have it sealed.
func (t *Tx) SealOlder(ctx context.Context, sealer Sealer) error {
	t.seals = seals{sealer}
	return errors.Join(t.sealKeys(ctx), t.sealClients(ctx))
}

// Checkpoint brings all that was written into the database's file, so that nothing of before stays beside it. PostgreSQL sees to that by itself.
func (s *Store) Checkpoint(ctx context.Context) error {
	if s.Shared() {
		return nil
	}
	_, err := s.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// openDecoy opens a record of nobody, so that it takes as long to find none as to find one.
func (s *Store) openDecoy() error { return s.seals.openRecord(new(Key), s.decoy) }
