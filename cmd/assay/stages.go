package main

import (
	"context"
	"errors"
	"path/filepath"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
)

// stages does the work of one run: its methods are the stages, in the order of the files that hold them.
type stages struct {
	ctx      context.Context
	app      *app
	config   *Config
	run      *runDir
	progress *progress

	snapshotKey *keys.Identity // once it was opened
	log         *seenLog       // once it was read
}

// inRun loads the configuration, takes the run's directory for this process alone, and calls do.
func (a *app) inRun(cmd *cobra.Command, do func(*stages) error) (err error) {
	c, err := a.load()
	if err != nil {
		return err
	}
	run, err := openRun(c.resolve(c.Run.Dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	return do(&stages{ctx: cmd.Context(), app: a, config: c, run: run, progress: newProgress(cmd.ErrOrStderr(), a.quiet)})
}

// readRun is inRun for what only reads. It takes no lock, so the directory may be a read-only copy, and others may be at work in it:
// every file of a run is whole, and whether two of them belong together is for do to see.
func (a *app) readRun(cmd *cobra.Command, do func(*stages) error) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	run := &runDir{path: c.resolve(c.Run.Dir)}
	return do(&stages{ctx: cmd.Context(), app: a, config: c, run: run, progress: newProgress(cmd.ErrOrStderr(), a.quiet)})
}

// openSnapshotKey opens the key that seals the snapshot's secrets.
func (s *stages) openSnapshotKey() (*keys.Identity, error) {
	if s.snapshotKey != nil {
		return s.snapshotKey, nil
	}
	unlock, err := s.app.unlock()
	if err != nil {
		return nil, err
	}
	key, err := keys.OpenIdentity(s.config.keyRef(s.config.Keys.Snapshot), unlock)
	if err != nil {
		return nil, keyError("keys.snapshot", err)
	}
	s.snapshotKey = key
	return key, nil
}

// keyError says which key of the configuration it was, and what to do.
func keyError(name string, err error) error {
	var f *failure
	switch {
	case errors.As(err, &f):
		return err
	case errors.Is(err, keys.ErrPassphrase):
		return hinted(refused("%s: %v", name, err), "the passphrase comes from --passphrase-file, ASSAY_PASSPHRASE, or the terminal")
	case errors.Is(err, keys.ErrNoIdentity):
		return hinted(refused("%s: %v", name, err), "give the age identity with --identity-file")
	}
	return hinted(unreadable("%s: %w", name, err), "assay init makes keys")
}

// openedBy lends the snapshot key to what is sealed to it.
func openedBy(key *keys.Identity) keys.Unlock {
	return keys.Unlock{Identities: []age.Identity{key}}
}

// rel shows a path as short as it can be.
func (s *stages) rel(path string) string {
	if short, err := filepath.Rel(filepath.Dir(s.config.path), path); err == nil {
		return short
	}
	return path
}
