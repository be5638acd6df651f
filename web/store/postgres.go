package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Schema is where the tables lie in a database of PostgreSQL, if its URL names no other by search_path.
const Schema = "assay_server"

// writers is how many connections changes have: of those that wait for each other, and of single rows that need not (nonces).
const writers = 4

// OpenPostgres opens the database of PostgreSQL at a URL, makes the schema if there is none, and brings older tables up to date. The
// error does not repeat the URL.
func OpenPostgres(ctx context.Context, url string) (*Store, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the URL of the database is not understood")
	}
	schema, err := schemaOf(config)
	if err != nil {
		return nil, err
	}
	s := &Store{turn: number("turn " + schema)}
	s.write, s.read = join(config, writers, writes...), join(config, readers, setting{"default_transaction_read_only", "on"})
	err = migrateShared(ctx, config, schema)
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// schemaOf is the schema that a configuration names, and from then on the only one that names are looked up in.
func schemaOf(config *pgx.ConnConfig) (string, error) {
	schema := config.RuntimeParams["search_path"]
	if schema == "" {
		schema = Schema
	}
	if !isSchema.MatchString(schema) {
		return "", fmt.Errorf("search_path: %q, want one name of a-z, 0-9 and _", schema)
	}
	config.RuntimeParams["search_path"] = schema
	return schema, nil
}

var isSchema = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// number stands for what is held by nobody but one at a time (advisory locks, whose numbers are of the whole database).
func number(what string) int64 {
	sum := sha256.Sum256([]byte("assay/v1/store/" + what))
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // any number will do
}

// setting is one of a session.
type setting struct{ name, value string }

// writes are the settings of sessions that write: they wait ten seconds for each other, as with SQLite, and who says nothing any more
// within a change is not waited for.
var writes = []setting{{"default_transaction_isolation", "read committed"}, {"lock_timeout", "10s"}, {"idle_in_transaction_session_timeout", "30s"}}

// join is a pool of connections to a server, which are made as they are needed.
func join(config *pgx.ConnConfig, most int, settings ...setting) pool {
	own := config.Copy()
	for _, s := range append(settings, setting{"application_name", "assay"}, setting{"tcp_keepalives_idle", "5"}, setting{"tcp_keepalives_interval", "2"}, setting{"tcp_keepalives_count", "3"}) {
		own.RuntimeParams[s.name] = s.value
	}
	own.ConnectTimeout = 5 * time.Second
	own.DialFunc = dial
	db := sql.OpenDB(connector{stdlib.GetConnector(*own, stdlib.OptionAfterConnect(durable))})
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return ofPostgres.pool(db)
}

// dial connects to a server; one that is gone without a word is noticed after some ten seconds.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}, Control: noSilence}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return discreet{conn}, nil
}

// discreet is a connection whose errors do not tell where it goes.
type discreet struct{ net.Conn }

// Read reads.
func (c discreet) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, without(err)
}

// Write writes.
func (c discreet) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, without(err)
}

// without is what went wrong, without the addresses.
func without(err error) error {
	var told *net.OpError
	if errors.As(err, &told) {
		return told.Err
	}
	return err
}

// durable has the server say that a change is made once it is on the disk, where a database or a user is set to say it before.
func durable(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
	return err
}

// connector makes connections, and does not repeat where to if it fails.
type connector struct{ driver.Connector }

// Connect makes one.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, &ConnectError{err}
	}
	return conn, nil
}

// ConnectError says that there is no connection to PostgreSQL. What it wraps may name the host and the user.
type ConnectError struct{ err error }

func (e *ConnectError) Error() string {
	var said *pgconn.PgError
	if errors.As(e.err, &said) {
		return "there is no connection to the database: it refuses one (SQLSTATE " + said.Code + ")"
	}
	return "there is no connection to the database"
}

func (e *ConnectError) Unwrap() error { return e.err }

// migrateShared makes the schema and brings its tables up to date; others who open the database wait for it.
func migrateShared(ctx context.Context, config *pgx.ConnConfig, schema string) (err error) {
	db := join(config, 2) // one holds the lock
	defer func() { err = errors.Join(err, db.close()) }()
	conn, err := db.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // and with it the lock
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", number("tables "+schema)); err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRowContext(ctx, "SELECT to_regnamespace($1) IS NOT NULL", schema).Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := conn.ExecContext(ctx, "CREATE SCHEMA "+pgx.Identifier{schema}.Sanitize()); err != nil {
			return err
		}
	}
	return migrate(ctx, db)
}

// beginShared begins a change when all others have ended, at whatever server. Each of its statements sees what is there by then
// (READ COMMITTED), which is nobody's to change but its own. A connection that was lost meanwhile is made anew.
func (s *Store) beginShared(ctx context.Context) (tx transaction, err error) {
	for range 1 + writers {
		tx, err = s.write.begin(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err == nil {
			if _, err = tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", s.turn); err == nil {
				return tx, nil
			}
			_ = tx.tx.Rollback() // it has changed nothing
		}
		if !isLost(err) || ctx.Err() != nil {
			break
		}
	}
	return tx, err
}

// isLost reports whether a connection was lost that was there: another may be had.
func isLost(err error) bool {
	var none *ConnectError
	var said *pgconn.PgError
	if errors.As(err, &none) {
		return false
	}
	return !errors.As(err, &said) || strings.HasPrefix(said.Code, "57P")
}

// copyRows copies all rows, as they are at one moment, into a database of SQLite that is an empty file yet.
func (s *Store) copyRows(ctx context.Context, path string) (all Contents, err error) {
	to, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.Close(), os.Remove(path+lockEnding)) }()
	return Transfer(ctx, s, to)
}
