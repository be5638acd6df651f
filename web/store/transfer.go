package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// versions is the table of the migrations that were made, which each database has its own of.
const versions = "goose_db_version"

// ErrNotEmpty says that there is something in a database already.
var ErrNotEmpty = errors.New("there is something in it already")

// Transfer puts all rows of a database, as they are at one moment, into another one in which there is nothing yet ([ErrNotEmpty]): all or
// none of them. What is sealed stays sealed. It looks whether the rows there are those that were read, and tells what they are.
func Transfer(ctx context.Context, from, to *Store) (Contents, error) {
	moment, err := from.read.begin(ctx, from.read.moment())
	if err != nil {
		return nil, err
	}
	defer moment.tx.Rollback() //nolint:errcheck // it has only read
	names, err := tables(ctx, moment.spoken)
	if err != nil {
		return nil, err
	}
	var all Contents
	err = to.Write(ctx, func(tx *Tx) error {
		if _, err := tx.tx.ExecContext(ctx, to.write.deferral()); err != nil {
			return err
		}
		read := Contents{}
		for _, name := range names {
			if name == versions {
				continue
			}
			if read[name], err = transfer(ctx, name, moment.spoken, tx.tx.spoken); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
		}
		if all, err = contents(ctx, tx.tx.spoken); err != nil {
			return err
		}
		for name, want := range read {
			if all[name] != want {
				return fmt.Errorf("table %s: its %d rows are other ones than the %d that were read", name, all[name].Rows, want.Rows)
			}
		}
		return nil
	})
	return all, err
}

// transfer puts the rows of a table into one of the same name and columns.
func transfer(ctx context.Context, name string, from, to spoken) (Table, error) {
	var there bool
	if err := to.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+quoted(name)+")").Scan(&there); err != nil || there {
		return Table{}, errors.Join(err, ErrNotEmpty)
	}
	var put func([]any) error
	t, err := table(ctx, from, name, func(values []any) error {
		if put == nil {
			add, err := to.PrepareContext(ctx, "INSERT INTO "+quoted(name)+" VALUES (?"+strings.Repeat(", ?", len(values)-1)+")")
			if err != nil {
				return err
			}
			put = func(values []any) error { _, err := add.ExecContext(ctx, values...); return err }
		}
		return put(values)
	})
	return t, err
}
