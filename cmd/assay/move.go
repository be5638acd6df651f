package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/web/store"
)

func newMove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "move FROM",
		Short: "Put all that is in another database into the server's, such as from SQLite into PostgreSQL",
		Long: `Put all rows of a database into server.database, in which there is nothing yet: all or none of them. FROM is written like that setting, sqlite:PATH or postgres:file:PATH. What is
sealed stays sealed, by the same server.kek. Stop the server first, and name the new database in assay.toml; the former one stays as it is. So a backup of a server that has
PostgreSQL gets there again: assay restore leaves a file of SQLite.`,
		Args: oneArg("admin move takes the database to move from"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			former := *c
			former.Server.Database = args[0]
			return a.move(cmd, &former, c)
		},
	}
}

func (a *app) move(cmd *cobra.Command, former, c *Config) error {
	ctx := cmd.Context()
	from, err := a.databaseThere(ctx, former)
	if err != nil {
		return err
	}
	if from == nil {
		return unreadable("%s: there is no database", former.Server.Database)
	}
	to, err := a.database(ctx, c)
	if err != nil {
		return err
	}
	contents, err := store.Transfer(ctx, from, to)
	if errors.Is(err, store.ErrNotEmpty) {
		return refused("server.database: %w", err)
	}
	if err != nil {
		return unreadable("%s: %w", former.Server.Database, err)
	}
	if err := a.keyAct(ctx, to, "database.move", former.Server.Database, func(*store.Tx) error { return nil }); err != nil {
		return err
	}
	rows := 0
	for _, t := range contents {
		rows += t.Rows
	}
	return a.say(cmd, contents, "%d rows are in %s now, and were looked at there", rows, c.Server.Database)
}
