package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// dialect is which database is spoken to. All SQL of this package is written once, as SQLite has it and PostgreSQL nearly does; what they
// say differently stands in this file.
type dialect int

const (
	ofSQLite dialect = iota
	ofPostgres
)

// spell numbers the places of arguments, which PostgreSQL wants and SQLite does not. No text of ours has a question mark in it otherwise.
func (d dialect) spell(query string) string {
	if d == ofSQLite {
		return query
	}
	parts := strings.Split(query, "?")
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// values are arguments as columns hold them: what is true or false is a number.
func (d dialect) values(args []any) []any {
	if d == ofSQLite {
		return args
	}
	for i, arg := range args {
		if yes, ok := arg.(bool); ok {
			args[i] = 0
			if yes {
				args[i] = 1
			}
		}
	}
	return args
}

// types are the words of the migrations that PostgreSQL has others for. Text is ordered by its bytes, as SQLite does, whatever the
// database's language; and rows may be put in before those that they refer to, where it is said (deferral).
var types = []struct {
	word *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\bTEXT\b`), `TEXT COLLATE "C"`},
	{regexp.MustCompile(`\bBLOB\b`), "BYTEA"},
	{regexp.MustCompile(`\bINTEGER\b`), "BIGINT"},
	{regexp.MustCompile(`\bREFERENCES \w+ \(\w+\)( ON DELETE CASCADE)?`), "$0 DEFERRABLE"},
}

// migrations are the files that make the tables, in this dialect.
func (d dialect) migrations() (fs.FS, error) {
	files, err := fs.Sub(migrations, "migrations")
	if d == ofSQLite || err != nil {
		return files, err
	}
	return translated{files}, nil
}

// translated are the migrations in the words of PostgreSQL.
type translated struct{ fs.FS }

// Open opens one of them, or their folder.
func (t translated) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	raw, err := io.ReadAll(f)
	text := string(raw)
	for _, t := range types {
		text = t.word.ReplaceAllString(text, t.with)
	}
	return translatedFile{f, strings.NewReader(text)}, err
}

type translatedFile struct {
	fs.File
	text *strings.Reader
}

// Read reads it.
func (t translatedFile) Read(p []byte) (int, error) { return t.text.Read(p) }

// tables lists the tables that there are.
func (d dialect) tables() string {
	if d == ofPostgres {
		return "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	return "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite|_%' ESCAPE '|'"
}

// among is where a column has one of several texts, which are one argument ([dialect.texts]): so many or few are asked for in the same words.
func (d dialect) among(column string) string {
	if d == ofPostgres {
		return column + " = ANY(?)"
	}
	return column + " IN (SELECT value FROM json_each(?))"
}

// texts are several as one argument.
func (d dialect) texts(all []string) (any, error) {
	if d == ofPostgres {
		return all, nil
	}
	list, err := json.Marshal(all)
	return string(list), err
}

// isText reports whether a database can hold a text: PostgreSQL takes no other one, and fails at it.
func isText(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// deferral lets a change put in rows before those that they refer to.
func (d dialect) deferral() string {
	if d == ofPostgres {
		return "SET CONSTRAINTS ALL DEFERRED"
	}
	return "PRAGMA defer_foreign_keys = ON"
}

// moment is what reads see that belong together: the database as it is when they begin.
func (d dialect) moment() *sql.TxOptions {
	if d == ofPostgres {
		return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	}
	return &sql.TxOptions{ReadOnly: true}
}

// sender is what SQL is sent to: a database, or a transaction.
type sender interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// spoken is a sender that is spoken to in its dialect.
type spoken struct {
	to sender
	dialect
}

// ExecContext is that of package sql.
func (s spoken) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.to.ExecContext(ctx, s.spell(query), s.values(args)...)
}

// QueryContext is that of package sql.
func (s spoken) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.to.QueryContext(ctx, s.spell(query), s.values(args)...)
}

// QueryRowContext is that of package sql.
func (s spoken) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return s.to.QueryRowContext(ctx, s.spell(query), s.values(args)...)
}

// PrepareContext is that of package sql.
func (s spoken) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return s.to.PrepareContext(ctx, s.spell(query))
}

// pool is a database with its connections.
type pool struct {
	spoken
	db *sql.DB
}

func (d dialect) pool(db *sql.DB) pool { return pool{spoken{db, d}, db} }

// transaction is one that is open.
type transaction struct {
	spoken
	tx *sql.Tx
}

func (p pool) begin(ctx context.Context, options *sql.TxOptions) (transaction, error) {
	tx, err := p.db.BeginTx(ctx, options)
	return transaction{spoken{tx, p.dialect}, tx}, err
}

func (p pool) close() error {
	if p.db == nil {
		return nil
	}
	return p.db.Close()
}
