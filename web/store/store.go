// Package store keeps what a server must not forget: the records of its clients, their API
// keys and sessions, and the audit log. All SQL is here, a file a table: what changes something is a method of [Tx], what
// reads one of [Store].
//
// It is a database of SQLite ([Open]), one file that nobody else can read (mode 0600), beside which
// two more lie while it is open (-wal, -shm), and one by which opening waits (-lock). Several processes may have it open,
// so that keys are made and revoked while a server runs. Or it is a schema of PostgreSQL ([OpenPostgres]), which several servers
// may have open. In both a change is one transaction, there for good once it is told, and whoever looks afterwards sees it.
// Writers wait for each other: so numbers have no gaps, the audit log is one chain, and what is looked up in a change stays so.
// Nothing of it is kept in memory, so that what one server revokes is revoked at the others.
//
// No secret is kept here in clear: of an API key there is its MAC alone, or a public key; what the key is for, and other secrets,
// are sealed in their columns ([Sealer]), with keys that lie here wrapped by one that lies elsewhere.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. It may be used by many at once.
type Store struct {
	read, write pool
	key, client *sql.Stmt // look one up
	both        *sql.Stmt // the two together, which each request does
	several     *sql.Stmt // both, of several
	session     *sql.Stmt // of people
	looks       together[keyAndClient]
	turn        int64 // of PostgreSQL: the lock that whoever writes takes

	seals seals  // what columns are sealed with
	decoy []byte // a record of no key, which is opened where there is none
}

// readers is how many look at once.
const readers = 8

// prepare prepares what each request looks up.
func (s *Store) prepare(ctx context.Context) (err error) {
	for query, into := range map[string]**sql.Stmt{selectKeys + ofOne + order: &s.key, selectBoth + ofOne + order: &s.both, selectBoth + " WHERE " + s.read.among("k.id") + order: &s.several, selectClients + " WHERE id = ?": &s.client, selectSessions + " WHERE token = ?": &s.session} {
		if *into, err = s.read.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	s.looks.put = s.keysAndClients
	return nil
}

// migrate brings the tables up to date. Nobody else does so meanwhile.
func migrate(ctx context.Context, db pool) error {
	files, err := db.migrations()
	if err != nil {
		return err
	}
	all, err := goose.NewProvider(map[dialect]goose.Dialect{ofSQLite: goose.DialectSQLite3, ofPostgres: goose.DialectPostgres}[db.dialect], db.db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	at, newest, err := all.GetVersions(ctx)
	if err != nil {
		return err
	}
	if at > newest {
		return fmt.Errorf("a newer version of this program made it (tables of version %d, this one knows %d)", at, newest)
	}
	_, err = all.Up(ctx)
	return err
}

// Tx is a change that is being made.
type Tx struct {
	tx    transaction
	seals seals
}

// queryer is what rows are read from: the database as it is, or a change that is being made.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Write makes a change: all that change does, for good once Write returns, or nothing. Nobody else writes meanwhile.
func (s *Store) Write(ctx context.Context, change func(*Tx) error) error {
	tx, err := s.begin(ctx)
	if err != nil {
		return err
	}
	if err := change(&Tx{tx, s.seals}); err != nil {
		return errors.Join(err, tx.tx.Rollback())
	}
	return tx.tx.Commit()
}

// begin waits until nobody else writes.
func (s *Store) begin(ctx context.Context) (transaction, error) {
	if s.Shared() {
		return s.beginShared(ctx)
	}
	return s.write.begin(ctx, nil)
}

// Shared reports whether servers on several machines may have the database open: it is one of PostgreSQL.
func (s *Store) Shared() bool { return s.write.dialect == ofPostgres }

// Nested makes a change within a change: all that it does or, where it returns an error, nothing, and the change around it goes on.
func (t *Tx) Nested(ctx context.Context, change func() error) error {
	if _, err := t.tx.ExecContext(ctx, "SAVEPOINT nested"); err != nil {
		return err
	}
	err := change()
	if err != nil {
		if _, back := t.tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT nested"); back != nil {
			return errors.Join(err, back)
		}
	}
	_, done := t.tx.ExecContext(ctx, "RELEASE SAVEPOINT nested")
	return errors.Join(err, done)
}

// collect reads rows, each by scan.
func collect[T any](rows *sql.Rows, err error, scan func(interface{ Scan(...any) error }) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// inParts has rows be written by statements of many at once, which have few lengths, so that the database knows them.
func inParts[T any](rows []T, write func([]T) error) error {
	for len(rows) > 0 {
		n := 1
		for _, many := range []int{100, 10} {
			if len(rows) >= many {
				n = many
				break
			}
		}
		if err := write(rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// Close closes the database.
func (s *Store) Close() error {
	var errs []error
	for _, looks := range []*sql.Stmt{s.key, s.client, s.both, s.several, s.session} {
		if looks != nil {
			errs = append(errs, looks.Close())
		}
	}
	return errors.Join(append(errs, s.read.close(), s.write.close())...)
}
