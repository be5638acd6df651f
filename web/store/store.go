// Package store keeps what a server must not forget: the records of its clients, their API
// keys and sessions, and the audit log. All SQL is here, a file a table: what changes something is a method of [Tx], what
// reads one of [Store].
//
// It is a database of SQLite, one file that nobody else can read (mode 0600), beside which
// two more lie while it is open (-wal, -shm), and one by which opening waits (-lock). Several processes may have it open,
// so that keys are made and revoked while a server runs: a change is one transaction, there
// for good once it is told (WAL, synchronous=FULL), and whoever looks afterwards sees it.
// Writers wait for each other.
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
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. It may be used by many at once.
type Store struct {
	read, write *sql.DB
	key, client *sql.Stmt // look one up, which each request does
	session     *sql.Stmt // of people

	seals seals  // what columns are sealed with
	decoy []byte // a record of no key, which is opened where there is none
}

// Open opens the database at a path, makes it if there is none, and brings an older one up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	s := new(Store)
	if s.write, err = connect(path, 1, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=foreign_keys(ON)", "_pragma=secure_delete(ON)"); err == nil {
		err = s.migrate(ctx, path)
	}
	if err == nil {
		s.read, err = connect(path, readers, "_pragma=query_only(ON)")
	}
	if err == nil {
		s.key, err = s.read.PrepareContext(ctx, selectKeys+ofOne+order)
	}
	if err == nil {
		s.client, err = s.read.PrepareContext(ctx, selectClients+" WHERE id = ?")
	}
	if err == nil {
		s.session, err = s.read.PrepareContext(ctx, selectSessions+" WHERE token = ?")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), s.Close())
	}
	return s, nil
}

// readers is how many look at once.
const readers = 8

// private makes the file, so that it is nobody else's from the first byte on; the two beside it get its mode from SQLite. One that
// is there is not opened: closing it would take from SQLite the locks that this process has on it.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s: mode %v, want a file that nobody else can read: chmod 600", path, info.Mode())
	}
	return nil
}

// connect opens the file for as many at once, with what SQLite is to keep to. Writers wait ten seconds for each other.
func connect(path string, most int, settings ...string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(10000)"}
	for _, s := range settings {
		u.RawQuery += "&" + s
	}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// migrate brings the tables up to date; others who open the database wait for it.
func (s *Store) migrate(ctx context.Context, path string) (err error) {
	lock := flock.New(path+"-lock", flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	all, err := goose.NewProvider(goose.DialectSQLite3, s.write, files, goose.WithDisableGlobalRegistry(true))
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
	tx    *sql.Tx
	seals seals
}

// queryer is what rows are read from: the database as it is, or a change that is being made.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Write makes a change: all that change does, for good once Write returns, or nothing. Nobody else writes meanwhile.
func (s *Store) Write(ctx context.Context, change func(*Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := change(&Tx{tx, s.seals}); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

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

// Close closes the database.
func (s *Store) Close() error {
	var errs []error
	for _, looks := range []*sql.Stmt{s.key, s.client, s.session} {
		if looks != nil {
			errs = append(errs, looks.Close())
		}
	}
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
