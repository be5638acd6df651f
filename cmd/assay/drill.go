package main

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/spf13/cobra"
)

// drill restores a backup into a temporary folder beside the database, opens all of it, and compares.
func (a *app) drill(cmd *cobra.Command, c *Config, args []string) (err error) {
	temp, err := os.MkdirTemp(filepath.Dir(c.path), ".drill-*")
	if err != nil {
		return unreadable("%v", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	var path string
	var identities []age.Identity
	if len(args) == 1 {
		if a.identityFile == "" {
			return usage("--identity-file is missing: a backup is sealed to an age recipient")
		}
		unlock, err := a.unlock()
		if err != nil {
			return err
		}
		path, identities = args[0], unlock.Identities
	} else {
		throwaway, err := age.GenerateX25519Identity()
		if err != nil {
			return refused("%v", err)
		}
		path, identities = filepath.Join(temp, "backup.age"), []age.Identity{throwaway}
		if _, err := a.backUp(cmd, c, path, []age.Recipient{throwaway.Recipient()}, "a drill"); err != nil {
			return err
		}
	}
	dir := filepath.Join(temp, "restored")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return unreadable("%v", err)
	}
	list, err := unpackBackup(cmd.Context(), path, dir, identities...)
	if err != nil {
		return err
	}
	found, err := a.tryBackup(cmd.Context(), dir, list, c)
	if err != nil {
		return err
	}
	if err := a.sameLog(cmd.Context(), c, found); err != nil {
		return err
	}
	what := "a backup that was made for it"
	if len(args) == 1 {
		what = args[0]
	}
	return a.say(cmd, found, "the drill has passed, with %s: %s; it is a part of this server's", what, found)
}

// sameLog compares the audit log of a backup with the server's, of which it must be a part.
func (a *app) sameLog(ctx context.Context, c *Config, found tried) error {
	log, err := a.auditLog(ctx, c)
	if err != nil {
		return err
	}
	if found.Audit == 0 {
		return nil
	}
	events, err := log.Events(ctx, found.Audit-1, 1)
	if err != nil {
		return unreadable("server.database: %v", err)
	}
	if len(events) == 0 || hex.EncodeToString(events[0].Hash) != found.Last {
		return refused("the backup's audit log is no part of this server's: row %d is another one here, or is not there", found.Audit)
	}
	return nil
}
