package store

import (
	"context"
	"fmt"
)

// Resealing is how far sealed rows were looked at; zero is at the first.
type Resealing struct {
	Seen, Sealed int // rows that were looked at, and those of them that were sealed anew

	column int // of sealedColumns
	after  any // the id of the last row
}

// Done reports whether no row is left.
func (r Resealing) Done() bool { return r.column == len(sealedColumns) }

// Reseal opens the next rows, no more than most of them, and seals anew those that older keys sealed, in one change. If it fails it has
// done nothing, and r is as it was.
func (s *Store) Reseal(ctx context.Context, r Resealing, most int) (Resealing, error) {
	c := sealedColumns[r.column]
	next := r
	err := s.Write(ctx, func(tx *Tx) error {
		rows, err := c.rows(ctx, tx.tx, r.after, most)
		if err != nil {
			return err
		}
		for _, row := range rows {
			again, err := tx.reseal(ctx, c, row)
			if err != nil {
				return err
			}
			if again {
				next.Sealed++
			}
		}
		next.passed(rows, most)
		return nil
	})
	if err != nil {
		return r, err
	}
	return next, nil
}

// reseal opens a row, and seals it anew if an older key sealed it.
func (t *Tx) reseal(ctx context.Context, c column, row sealedRow) (again bool, err error) {
	plain, err := t.seals.open(c, row.id, row.sealed)
	if err != nil || t.seals.sealer.Newest(c.purpose, row.sealed) {
		return false, err
	}
	sealed, err := t.seals.seal(c, row.id, plain)
	if err != nil {
		return false, err
	}
	_, err = t.tx.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?", c.table, c.name, c.id), sealed, row.id)
	return true, err
}

// OpenAll opens every sealed row, and returns how many there are. The error is [ErrAltered] of the first that does not open, or that says
// otherwise than what lies beside it.
func (s *Store) OpenAll(ctx context.Context) (int, error) {
	const most = 1000
	var r Resealing
	for !r.Done() {
		c := sealedColumns[r.column]
		rows, err := c.rows(ctx, s.read, r.after, most)
		if err != nil {
			return r.Seen, err
		}
		for _, row := range rows {
			if _, err := s.seals.open(c, row.id, row.sealed); err != nil {
				return r.Seen, err
			}
		}
		r.passed(rows, most)
	}
	if _, err := s.Keys(ctx); err != nil {
		return r.Seen, err
	}
	for after := ""; ; {
		page, err := s.Accounts(ctx, after, most)
		if err != nil {
			return r.Seen, err
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Client
	}
	for after := ""; ; {
		page, err := s.Clients(ctx, after, most)
		if err != nil || len(page) == 0 {
			return r.Seen, err
		}
		after = page[len(page)-1].ID
	}
}

// passed goes on behind rows, of which most were asked for.
func (r *Resealing) passed(rows []sealedRow, most int) {
	r.Seen += len(rows)
	if len(rows) < most {
		r.column, r.after = r.column+1, nil
		return
	}
	r.after = rows[len(rows)-1].id
}

// sealedRow is a row of a sealed column.
type sealedRow struct {
	id     any
	sealed []byte
}

// rows are those after an id, nil being before the first, and no more than most.
func (c column) rows(ctx context.Context, from queryer, after any, most int) ([]sealedRow, error) {
	query, args := fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s IS NOT NULL", c.id, c.name, c.table, c.name), []any{}
	if after != nil {
		query, args = query+fmt.Sprintf(" AND %s > ?", c.id), append(args, after)
	}
	rows, err := from.QueryContext(ctx, query+fmt.Sprintf(" ORDER BY %s LIMIT ?", c.id), append(args, most)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []sealedRow
	for rows.Next() {
		var r sealedRow
		if err := rows.Scan(&r.id, &r.sealed); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
