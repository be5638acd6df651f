package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// database is a PostgreSQL server whose answer to one query is the ledger. Where it is and who asks stands in no error: the URL
// is a secret.
type database struct {
	server *pgconn.Config
	query  string
}

// openDatabase reads the URL; nobody is asked yet.
func openDatabase(c *Config) (*database, error) {
	_, server, err := databaseURL(c, c.Ledger.Database, "ledger.database")
	if err != nil {
		return nil, err
	}
	server.RuntimeParams["application_name"], server.RuntimeParams["client_encoding"] = "assay", "UTF8"
	return &database{server: server, query: strings.TrimRight(c.Ledger.Query, "; \t\r\n")}, nil
}

// databaseURL reads the URL in the file that a setting names, and refuses one with which others could listen.
func databaseURL(c *Config, reference, setting string) (string, *pgconn.Config, error) {
	path := c.resolve(strings.TrimPrefix(reference, "file:"))
	url, err := secretFile(path, setting)
	if err != nil {
		return "", nil, err
	}
	server, err := pgconn.ParseConfig(string(url))
	var missing *fs.PathError
	switch {
	case errors.As(err, &missing):
		return "", nil, unreadable("%s: the URL in %s names a file: %v", setting, path, missing)
	case err != nil:
		return "", nil, hinted(unreadable("%s: %s does not hold the URL of a PostgreSQL database", setting, path), "write postgres://USER:PASSWORD@HOST/NAME?sslmode=verify-full")
	}
	private := isPrivate(server.Host, server.TLSConfig)
	for _, other := range server.Fallbacks {
		private = private && isPrivate(other.Host, other.TLSConfig)
	}
	if !private {
		return "", nil, hinted(refused("%s: the URL in %s lets others listen, or pose as the server", setting, path),
			"add sslmode=verify-full, or use a Unix socket or the loopback address")
	}
	return string(url), server, nil
}

// isPrivate reports whether nobody between here and the server reads along, and the server is the one that was named.
func isPrivate(host string, verified *tls.Config) bool {
	if filepath.IsAbs(host) || host == "localhost" || verified != nil && !verified.InsecureSkipVerify {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// ask opens a transaction that writes nothing and sees the data of one moment, and has the query described. It returns the names
// of the query's columns.
func (d *database) ask(ctx context.Context) (*pgconn.PgConn, []string, error) {
	conn, err := pgconn.ConnectConfig(ctx, d.server)
	if err != nil {
		return nil, nil, databaseError(ctx, err)
	}
	_, err = conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").ReadAll()
	var described *pgconn.StatementDescription
	if err == nil {
		described, err = conn.Prepare(ctx, "", d.query, nil) // it takes one statement, never several
	}
	if err != nil {
		err = databaseError(ctx, err)
	} else {
		err = checkColumns(described)
	}
	if err != nil {
		_ = conn.Close(ctx) // nothing was written
		return nil, nil, err
	}
	var names []string
	for _, f := range described.Fields {
		names = append(names, f.Name)
	}
	return conn, names, nil
}

// check asks whether the query can be answered, without its rows.
func (d *database) check(ctx context.Context) ([]string, error) {
	conn, names, err := d.ask(ctx)
	if err != nil {
		return nil, err
	}
	return names, conn.Close(ctx)
}

// planned asks the server's planner how many rows the query will give, which it guesses from statistics.
func (d *database) planned(ctx context.Context) (rows int64, columns []string, err error) {
	conn, names, err := d.ask(ctx)
	if err != nil {
		return 0, nil, err
	}
	result := conn.ExecParams(ctx, "EXPLAIN (FORMAT JSON) "+d.query, nil, nil, nil, nil).Read()
	if err = result.Err; err != nil {
		err = databaseError(ctx, err)
	}
	if closed := conn.Close(ctx); err == nil {
		err = closed
	}
	if err != nil {
		return 0, nil, err
	}
	var plans []struct {
		Plan struct {
			Rows int64 `json:"Plan Rows"`
		}
	}
	if len(result.Rows) != 1 || json.Unmarshal(result.Rows[0][0], &plans) != nil || len(plans) != 1 {
		return 0, nil, refused("ledger.query: the server's plan is not understood")
	}
	return plans[0].Plan.Rows, names, nil
}

// checkColumns refuses types whose text is not exactly what the ledger means.
func checkColumns(described *pgconn.StatementDescription) error {
	if len(described.ParamOIDs) > 0 {
		return refused("ledger.query: has parameters such as $1, which nobody fills in: write the values")
	}
	for _, f := range described.Fields {
		switch f.DataTypeOID {
		case pgtype.TextOID, pgtype.VarcharOID, pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		case pgtype.NumericOID:
			if f.Name == "customer" || f.Name == "class" || f.Name == "asset" {
				return refused("ledger.query: column %q is numeric: cast it to text", f.Name)
			}
		case pgtype.Float4OID, pgtype.Float8OID:
			return refused("ledger.query: column %q holds floating-point numbers, which do not hold money: keep them as numeric", f.Name)
		default:
			return refused("ledger.query: column %q is none of text, varchar, numeric and integers: cast it to one of them", f.Name)
		}
	}
	return nil
}

// copyTo writes the query's result as CSV with a header, one line at a time.
func (d *database) copyTo(ctx context.Context, conn *pgconn.PgConn, w io.Writer) error {
	// The line break ends a comment that the query may end with.
	if _, err := conn.CopyTo(ctx, w, "COPY ("+d.query+"\n) TO STDOUT (FORMAT csv, HEADER)"); err != nil {
		return databaseError(ctx, err)
	}
	return nil
}

// rows opens the query's result, and adds up its rows in sum as they are read.
func (d *database) rows(ctx context.Context, sum *rowSum) (io.ReadCloser, error) {
	conn, _, err := d.ask(ctx)
	if err != nil {
		return nil, err
	}
	inner, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	result := &queryRows{PipeReader: r, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(result.ended)
		buf := bufio.NewWriterSize(w, 1<<17)
		err := d.copyTo(inner, conn, io.MultiWriter(sum, buf))
		if err == nil {
			err = buf.Flush()
		}
		if closed := conn.Close(inner); err == nil {
			err = closed
		}
		w.CloseWithError(err) // nil is the end, which only a whole result reaches
	}()
	return result, nil
}

// queryRows is a result that is being read; closing it ends the query.
type queryRows struct {
	*io.PipeReader
	cancel context.CancelFunc
	ended  chan struct{}
}

func (r *queryRows) Close() error {
	r.cancel()
	err := r.PipeReader.Close()
	<-r.ended
	return err
}

// sum asks the query and adds up its rows, which are not kept.
func (d *database) sum(ctx context.Context) (*rowSum, error) {
	conn, _, err := d.ask(ctx)
	if err != nil {
		return nil, err
	}
	sum := new(rowSum)
	err = d.copyTo(ctx, conn, sum)
	if closed := conn.Close(ctx); err == nil {
		err = closed
	}
	return sum, err
}
