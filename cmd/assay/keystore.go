package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// databasePath is the file of server.database.
func (s ServerConfig) databasePath() (string, error) {
	path, ok := strings.CutPrefix(cmp.Or(s.Database, "sqlite:assay.db"), "sqlite:")
	if !ok || path == "" {
		return "", fmt.Errorf("server.database: %q, want sqlite:PATH", s.Database)
	}
	return path, nil
}

// keyStore opens the database of API keys, and the pepper that their secrets are kept under; what is not there is made.
func (a *app) keyStore(ctx context.Context, c *Config) (records *store.Store, pepper [authn.PepperSize]byte, err error) {
	path, err := c.Server.databasePath()
	if err != nil {
		return nil, pepper, unreadable("%v", err)
	}
	if records, err = store.Open(ctx, c.resolve(path)); err != nil {
		return nil, pepper, unreadable("server.database: %v", err)
	}
	a.opened = append(a.opened, records)
	path = c.resolve(c.Server.Pepper)
	if pepper, err = keys.ReadPepper(path); errors.Is(err, fs.ErrNotExist) {
		pepper, err = newPepper(ctx, records, path)
	}
	if err != nil {
		return nil, pepper, unreadable("server.pepper: %w", err)
	}
	return records, pepper, nil
}

// newPepper draws a pepper, but not where there are secrets that only a lost one fits; if somebody else was faster it is theirs.
func newPepper(ctx context.Context, records *store.Store, path string) (pepper [authn.PepperSize]byte, err error) {
	all, err := records.Keys(ctx)
	if err != nil {
		return pepper, err
	}
	for _, k := range all {
		for _, c := range k.Credentials {
			if c.MAC != nil {
				return pepper, fmt.Errorf("%s is not there, and there are API keys that only it fits: put it back; if it is lost, so are they, and server.database must begin anew", path)
			}
		}
	}
	if _, err := rand.Read(pepper[:]); err != nil {
		return pepper, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return pepper, err
	}
	if err := keys.CreatePepper(path, pepper); err != nil && !errors.Is(err, keys.ErrExists) {
		return pepper, err
	}
	return keys.ReadPepper(path)
}

// guardProofs gives a server the gate that proofs stand behind, and whoever comes through it the acts that change something: where
// there are proofs, or a database is named.
func (a *app) guardProofs(ctx context.Context, c *Config, config *web.Config) error {
	if config.Proofs == nil && (config.Key == nil || c.Server.Database == "") {
		return nil
	}
	records, pepper, err := a.keyStore(ctx, c)
	if err != nil {
		return err
	}
	config.Gate = authn.NewGate(records, pepper, time.Now)
	config.Acts = &api.Acts{Store: records, Pepper: pepper, Random: rand.Reader, Now: time.Now}
	return c.limits(ctx, config, records)
}
