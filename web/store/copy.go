package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// Contents tells what is in a database, by table: databases of the same contents have the same rows, byte for byte.
type Contents map[string]Table

// Table is how many rows there are, and a digest of all of them (SHA-256, 64 hex digits).
type Table struct {
	Rows   int    `json:"rows"`
	Digest string `json:"digest"`
}

// Copy writes a copy of the database into a new file that nobody else can read, as the database is at one moment, whoever writes
// meanwhile, and tells what is in it. It is a database of SQLite, whatever the copied one is. What is sealed stays sealed.
func (s *Store) Copy(ctx context.Context, path string) (Contents, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	if s.Shared() {
		return s.copyRows(ctx, path)
	}
	conn, err := s.read.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, s.read.moment())
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	all, err := contents(ctx, spoken{tx, s.read.dialect})
	if err != nil {
		return nil, err
	}
	return all, conn.Raw(func(driver any) error { return copyTo(driver, path) })
}

// copyTo copies what a connection sees: within a transaction, the moment of that.
func copyTo(driver any, path string) error {
	from, ok := driver.(interface {
		NewBackup(to string) (*sqlite.Backup, error)
	})
	if !ok {
		return errors.New("the driver of the database makes no copies")
	}
	to := url.URL{Scheme: "file", Path: path}
	backup, err := from.NewBackup(to.String())
	if err != nil {
		return err
	}
	_, err = backup.Step(-1)
	return errors.Join(err, backup.Finish())
}

// Contents tells what is in the database now. Of one of SQLite it looks whether its pages and indexes are whole, which PostgreSQL sees to.
func (s *Store) Contents(ctx context.Context) (Contents, error) {
	if !s.Shared() {
		var word string
		if err := s.read.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&word); err != nil {
			return nil, err
		}
		if word != "ok" {
			return nil, fmt.Errorf("the database is damaged: %s", word)
		}
	}
	tx, err := s.read.begin(ctx, s.read.moment())
	if err != nil {
		return nil, err
	}
	defer tx.tx.Rollback() //nolint:errcheck // it has only read
	return contents(ctx, tx.spoken)
}

func contents(ctx context.Context, from spoken) (Contents, error) {
	names, err := tables(ctx, from)
	if err != nil {
		return nil, err
	}
	all := Contents{}
	for _, name := range names {
		if all[name], err = table(ctx, from, name, func([]any) error { return nil }); err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
	}
	return all, nil
}

// tables are the names of all.
func tables(ctx context.Context, from spoken) ([]string, error) {
	rows, err := from.QueryContext(ctx, from.tables())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// quoted is a name as SQL has it, whoever made the table.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// table counts and digests the rows of a table, in the order of their columns, and shows each.
func table(ctx context.Context, of spoken, name string, each func([]any) error) (t Table, err error) {
	from := "SELECT * FROM " + quoted(name)
	empty, err := of.QueryContext(ctx, from+" LIMIT 0")
	if err != nil {
		return t, err
	}
	columns, err := empty.Columns()
	if err = errors.Join(err, empty.Close()); err != nil {
		return t, err
	}
	order := make([]string, len(columns))
	for i := range order {
		order[i] = fmt.Sprint(i+1, " NULLS FIRST")
	}
	rows, err := of.QueryContext(ctx, from+" ORDER BY "+strings.Join(order, ", "))
	if err != nil {
		return t, err
	}
	defer rows.Close()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	h := sha256.New()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return t, err
		}
		t.Rows++
		for _, v := range values {
			add(h, v)
		}
		if err := each(values); err != nil {
			return t, err
		}
	}
	t.Digest = hex.EncodeToString(h.Sum(nil))
	return t, rows.Err()
}

// add hashes a value with its type and length before it, so that no two rows look alike.
func add(h hash.Hash, value any) {
	text, ok := value.([]byte)
	if !ok {
		text = fmt.Append(nil, value)
	}
	kind := fmt.Sprintf("%T", value)
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(kind)))) //nolint:gosec // a type's name
	h.Write([]byte(kind))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	h.Write(text)
}
