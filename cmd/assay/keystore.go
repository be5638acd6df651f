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

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/seal"
	"github.com/assay-por/assay/web/store"
)

// defaultDatabase is where the server keeps what it must not forget, if server.database is left out.
const defaultDatabase = "sqlite:assay.db"

// databaseAt is where server.database lies: the path of a file of SQLite, or else what names the file with the URL of one of PostgreSQL.
func (s ServerConfig) databaseAt() (path, url string, err error) {
	kind, rest, _ := strings.Cut(cmp.Or(s.Database, defaultDatabase), ":")
	switch {
	case kind == "sqlite" && rest != "":
		return rest, "", nil
	case kind == "postgres" && namesFile(rest):
		return "", rest, nil
	}
	return "", "", fmt.Errorf("server.database: %q, want sqlite:PATH, or postgres:file:PATH, a file with the database's URL", s.Database)
}

// database opens the server's database as it lies there, sealed; one that is not there is made.
func (a *app) database(ctx context.Context, c *Config) (*store.Store, error) {
	path, url, err := c.Server.databaseAt()
	if err != nil {
		return nil, unreadable("%v", err)
	}
	var records *store.Store
	if url == "" {
		if records, err = store.Open(ctx, c.resolve(path)); err != nil {
			return nil, unreadable("server.database: %v", err)
		}
	} else if records, err = openShared(ctx, c, url, "server.database"); err != nil {
		return nil, err
	}
	a.opened = append(a.opened, records)
	return records, nil
}

// databaseThere opens the server's database, which must be there already; it is nil, without an error, if it is not.
func (a *app) databaseThere(ctx context.Context, c *Config) (*store.Store, error) {
	path, url, err := c.Server.databaseAt()
	if err != nil {
		return nil, unreadable("%v", err)
	}
	if _, err := os.Stat(c.resolve(path)); url == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	records, err := a.database(ctx, c)
	if err != nil {
		return nil, err
	}
	if rows, err := records.Keysets(ctx); err != nil || url != "" && len(rows) == 0 {
		return nil, err
	}
	return records, nil
}

// openShared opens a database of PostgreSQL, whose URL stands in a file that nobody else can read.
func openShared(ctx context.Context, c *Config, reference, setting string) (*store.Store, error) {
	url, _, err := databaseURL(c, reference, setting)
	if err != nil {
		return nil, err
	}
	path := c.resolve(strings.TrimPrefix(reference, "file:"))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, hinted(refused("%s: others can read %s, which is a secret", setting, path), "chmod 600 %s", path)
	}
	records, err := store.OpenPostgres(ctx, url)
	return records, sharedError(ctx, setting, err)
}

// sharedError says why a database of PostgreSQL does not open, and does not repeat its URL.
func sharedError(ctx context.Context, setting string, err error) error {
	var none *store.ConnectError
	var said *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &said) && said.Code == "42501":
		return hinted(refused("%s: its user may not make the schema, or tables in it", setting), "have it made: CREATE SCHEMA %s AUTHORIZATION user", store.Schema)
	case errors.As(err, &said):
		if err := sessionError(setting, said); err != nil {
			return err
		}
		return hinted(refused("%s: the server gave it up with SQLSTATE %s", setting, said.Code), "the server's log says more")
	case errors.As(err, &none):
		return connectionError(setting, err)
	}
	return unreadable("%s: %v", setting, err)
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
	return c.limits(config, records)
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
