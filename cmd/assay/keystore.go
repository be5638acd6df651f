package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/seal"
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

// database opens the server's database as it lies there, sealed; one that is not there is made.
func (a *app) database(ctx context.Context, c *Config) (*store.Store, error) {
	path, err := c.Server.databasePath()
	if err != nil {
		return nil, unreadable("%v", err)
	}
	records, err := store.Open(ctx, c.resolve(path))
	if err != nil {
		return nil, unreadable("server.database: %v", err)
	}
	a.opened = append(a.opened, records)
	return records, nil
}

// unsealed opens the database, and its keysets with the KEK.
func (a *app) unsealed(ctx context.Context, c *Config) (*store.Store, *seal.Keys, error) {
	records, err := a.database(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	kek, err := a.kek(ctx, "server.kek", c.keyRef(c.Server.KEK))
	if err != nil {
		return nil, nil, err
	}
	opened, err := seal.Open(ctx, records, kek, c.Server.KEK, time.Now())
	return records, opened, sealError(err)
}

// sealError says what to do where keysets do not open.
func sealError(err error) error {
	var wrapped *seal.WrappedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrapped) && errors.Is(err, keys.ErrNotWrapped):
		return hinted(refused("server.kek: %v", err), "set server.kek to the KEK that wraps the keysets now: assay keys list names it")
	case errors.As(err, &wrapped):
		return fmt.Errorf("server.kek: %w", err)
	}
	return unreadable("server.database: %w", err)
}

// keyStore opens the database of API keys, and the pepper that their secrets are kept under, which is drawn if there is none.
func (a *app) keyStore(ctx context.Context, c *Config) (records *store.Store, pepper [authn.PepperSize]byte, err error) {
	if records, _, err = a.unsealed(ctx, c); err != nil {
		return nil, pepper, err
	}
	former, taken := c.resolve(c.Server.Pepper), false
	err = records.Write(ctx, func(tx *store.Tx) error {
		raw, err := tx.Secret(ctx, secretPepper)
		if err == nil {
			copy(pepper[:], raw)
			return nil
		}
		if !errors.Is(err, store.ErrNoSecret) {
			return err
		}
		pepper, err = keys.ReadPepper(former)
		taken = err == nil
		if errors.Is(err, fs.ErrNotExist) {
			pepper, err = newPepper(ctx, records)
		}
		if err != nil {
			return err
		}
		return tx.AddSecret(ctx, secretPepper, pepper[:])
	})
	if err != nil {
		return nil, pepper, unreadable("server.database: %w", err)
	}
	if taken {
		if err := os.Remove(former); err != nil {
			return nil, pepper, refused("the pepper was taken into server.database, and its file is of no use any more: %v", err)
		}
	}
	return records, pepper, nil
}

// secretPepper is the name that the pepper has in the database.
const secretPepper = "pepper"

// newPepper draws a pepper, but not where there are secrets that only a lost one fits.
func newPepper(ctx context.Context, records *store.Store) (pepper [authn.PepperSize]byte, err error) {
	all, err := records.Keys(ctx)
	if err != nil {
		return pepper, err
	}
	for _, k := range all {
		for _, c := range k.Credentials {
			if c.MAC != nil {
				return pepper, errors.New("the pepper is not there, and there are API keys that only it fits: put its file back (server.pepper), or restore the database; if it is lost, so are they, and the database must begin anew")
			}
		}
	}
	_, err = rand.Read(pepper[:])
	return pepper, err
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
	if err := warnDue(ctx, records, config.Logger); err != nil {
		return err
	}
	config.Acts = &api.Acts{Store: records, Pepper: pepper, Random: rand.Reader, Now: time.Now}
	if config.Audit, err = a.keepAudit(ctx, c, records, config.Logger); err != nil {
		return err
	}
	var ways []authn.Way
	if config.People, err = c.people(records, pepper, config.Audit.Denials); err != nil {
		return refused("%v", err)
	}
	if config.People != nil {
		ways = append(ways, config.People)
	}
	if config.OAuth, err = c.oauth(records, pepper, config.Audit.Denials, config.Logger); err != nil {
		return refused("%v", err)
	}
	if config.OAuth != nil {
		ways = append(ways, config.OAuth)
	}
	config.Gate = authn.NewGate(records, pepper, time.Now, ways...)
	return c.limits(ctx, config, records)
}

// warnDue tells of keysets whose newest key has sealed for long.
func warnDue(ctx context.Context, records *store.Store, logger *slog.Logger) error {
	rows, err := records.Keysets(ctx)
	if err != nil {
		return unreadable("server.database: %v", err)
	}
	for _, row := range rows {
		if time.Since(row.Rotated) > seal.Life {
			logger.Warn("a keyset should have a new key by now", "purpose", row.Purpose, "rotated", row.Rotated, "hint", "assay keys rotate --purpose "+row.Purpose)
		}
	}
	return nil
}
