package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Tally is what is counted of something, by all servers that share the database.
type Tally struct {
	At                                int64 // when that minute or hour began, in seconds since 1970
	Kind, Client, Credential, Network string
}

// AddTallies counts so much more, and returns what there is of the same then.
func (t *Tx) AddTallies(ctx context.Context, more map[Tally]int64) (map[Tally]int64, error) {
	all := make(map[Tally]int64, len(more))
	var rows []tallied
	for which, n := range more {
		rows = append(rows, tallied{which, n})
	}
	err := inParts(rows, func(part []tallied) error {
		var args []any
		for _, r := range part {
			args = append(args, r.At, r.Kind, r.Client, r.Credential, r.Network, r.n)
		}
		found, err := t.tx.QueryContext(ctx, `INSERT INTO tallies (at, kind, client, credential, network, n) VALUES (?, ?, ?, ?, ?, ?)`+strings.Repeat(", (?, ?, ?, ?, ?, ?)", len(part)-1)+`
			ON CONFLICT (client, at, kind, credential, network) DO UPDATE SET n = tallies.n + excluded.n RETURNING at, kind, client, credential, network, n`, args...)
		return into(all, found, err)
	})
	return all, err
}

// Tallies are those of a kind of some clients since a time.
func (t *Tx) Tallies(ctx context.Context, clients []string, kind string, since int64) (map[Tally]int64, error) {
	list, err := t.tx.texts(clients)
	if err != nil {
		return nil, err
	}
	all := map[Tally]int64{}
	found, err := t.tx.QueryContext(ctx, "SELECT at, kind, client, credential, network, n FROM tallies WHERE "+t.tx.among("client")+" AND kind = ? AND at >= ?", list, kind, since)
	return all, into(all, found, err)
}

// ForgetTallies deletes those of before.
func (t *Tx) ForgetTallies(ctx context.Context, before time.Time) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM tallies WHERE at < ?", before.Unix())
	return err
}

// tallied is a row.
type tallied struct {
	Tally
	n int64
}

// into reads rows into what is known.
func into(all map[Tally]int64, rows *sql.Rows, err error) error {
	found, err := collect(rows, err, func(row interface{ Scan(...any) error }) (r tallied, err error) {
		err = row.Scan(&r.At, &r.Kind, &r.Client, &r.Credential, &r.Network, &r.n)
		return r, err
	})
	for _, r := range found {
		all[r.Tally] = r.n
	}
	return err
}
