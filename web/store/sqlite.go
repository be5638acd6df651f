package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver
)

// Open opens the database of SQLite at a path, makes it if there is none, and brings an older one up to date.
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
		err = s.migrateAlone(ctx, path)
	}
	if err == nil {
		s.read, err = connect(path, readers, "_pragma=query_only(ON)")
	}
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), s.Close())
	}
	return s, nil
}

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
func connect(path string, most int, settings ...string) (pool, error) {
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(10000)"}
	for _, s := range settings {
		u.RawQuery += "&" + s
	}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return pool{}, err
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return ofSQLite.pool(db), nil
}

// lockEnding ends the name of the file by which opening waits.
const lockEnding = "-lock"

// migrateAlone brings the tables up to date; others who open the database wait for it.
func (s *Store) migrateAlone(ctx context.Context, path string) (err error) {
	lock := flock.New(path+lockEnding, flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return migrate(ctx, s.write)
}
