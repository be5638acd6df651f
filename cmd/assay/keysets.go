package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/seal"
	"github.com/assay-por/assay/web/store"
)

// rotateKeyset gives a keyset of the server's database a new key.
func (a *app) rotateKeyset(cmd *cobra.Command, purpose string) error {
	if !slices.Contains(store.Purposes(), purpose) {
		return usage("--purpose: %q, want one of %s", purpose, strings.Join(store.Purposes(), ", "))
	}
	c, err := a.load()
	if err != nil {
		return err
	}
	records, opened, err := a.unsealed(cmd.Context(), c)
	if err != nil {
		return err
	}
	now := time.Now()
	err = a.keyAct(cmd.Context(), records, "keyset.rotate", purpose, func(tx *store.Tx) error { return opened.Rotate(cmd.Context(), tx, purpose, now) })
	if err != nil {
		return err
	}
	return a.say(cmd, map[string]string{"purpose": purpose, "rotated": now.UTC().Format(time.RFC3339)},
		"a new key seals for %s, at a running server too; the ones before it open what they sealed\nto have it seal that too: assay keys reencrypt", purpose)
}

// keyAct makes a change to the keysets, and records it.
func (a *app) keyAct(ctx context.Context, records *store.Store, action, object string, change func(*store.Tx) error) error {
	ctx = audit.With(ctx, audit.Local())
	err := records.Write(ctx, func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{At: time.Now(), Action: action, Object: object, Outcome: audit.Done})
	})
	var wrapped *seal.WrappedError
	switch {
	case errors.As(err, &wrapped):
		return sealError(err)
	case err != nil:
		return refused("server.database: %w", err)
	}
	return nil
}

func newKeysRewrap(a *app) *cobra.Command {
	var ref string
	cmd := &cobra.Command{
		Use:   "rewrap --kek REF",
		Short: "Have another KEK wrap the keysets of the server's database",
		Long: `Unwrap the keysets of server.database with server.kek and have the KEK of that reference wrap them: a sealed file (assay keys new --algorithm aes256), an AES key of 256 bits in a
token, or one of type aes256-gcm96 in a Transit server. Paths in it start at assay.toml. It is one change: if it is interrupted nothing has changed, and the same command begins
anew. Afterwards the former KEK opens no keyset any more: set server.kek as printed, and restart the server. Backups from before need the former one.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ref == "" {
				return usage("--kek is missing: name the KEK that is to wrap from now on")
			}
			return a.rewrap(cmd, ref)
		},
	}
	cmd.Flags().StringVar(&ref, "kek", "", "reference of the KEK that wraps from now on")
	return cmd
}

func (a *app) rewrap(cmd *cobra.Command, ref string) error {
	ctx := cmd.Context()
	c, err := a.load()
	if err != nil {
		return err
	}
	records, err := a.database(ctx, c)
	if err != nil {
		return err
	}
	rows, err := records.Keysets(ctx)
	if err != nil {
		return unreadable("server.database: %v", err)
	}
	if len(rows) == 0 {
		return hinted(refused("server.database has no keysets yet"), "set server.kek, and they are made")
	}
	next, err := a.kek(ctx, "--kek", c.keyRef(ref))
	if err != nil {
		return err
	}
	n := len(rows)
	if !seal.Wraps(next, rows) { // else an earlier call has done it
		former, err := a.kek(ctx, "server.kek", c.keyRef(c.Server.KEK))
		if err != nil {
			return err
		}
		err = a.keyAct(ctx, records, "keyset.rewrap", ref, func(tx *store.Tx) (err error) {
			n, err = seal.Rewrap(ctx, tx, former, next, ref)
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.say(cmd, map[string]any{"kek": ref, "keysets": n}, "keysets wrapped by it: %d; the former KEK opens none of them\nset in %s, and restart the server:\nkek = %q", n, a.configPath, ref)
}

// resealed is how many rows are sealed anew in one change.
const resealed = 500

func newKeysReencrypt(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reencrypt",
		Short: "Seal anew what older keys sealed in the server's database",
		Long: `Open every sealed row of server.database, and seal anew those that an older key sealed (assay keys rotate --purpose). The server need not be stopped. Interrupt it at any time:
what was sealed stays, and the same command goes on with the rest. One row that does not open ends it with an error that tells which.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := a.load()
			if err != nil {
				return err
			}
			records, _, err := a.unsealed(ctx, c)
			if err != nil {
				return err
			}
			p := newProgress(cmd.ErrOrStderr(), a.quiet)
			defer p.finish()
			var r store.Resealing
			for !r.Done() {
				if r, err = records.Reseal(ctx, r, resealed); err != nil {
					return resealError(err)
				}
				p.step("reencrypt", int64(r.Seen), 0)
			}
			p.finish()
			err = a.keyAct(ctx, records, "keyset.reencrypt", fmt.Sprintf("%d of %d rows", r.Sealed, r.Seen), func(*store.Tx) error { return nil })
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]int{"rows": r.Seen, "sealed": r.Sealed}, "%d sealed rows, %d of them sealed anew", r.Seen, r.Sealed)
		},
	}
}

func resealError(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, store.ErrAltered) {
		return hinted(refused("server.database: %v", err), "somebody altered that row: restore the database (assay restore), and look into the audit log")
	}
	return unreadable("server.database: %w", err)
}

// keysetShown is a keyset as the inventory has it.
type keysetShown struct {
	Use       string   `json:"use"`
	Reference string   `json:"reference"`
	Algorithm string   `json:"algorithm"`
	Keys      []string `json:"keys"` // their ids, the newest last
	Rotated   string   `json:"rotated"`
	Due       string   `json:"due"` // when it should be rotated
}

func (k keysetShown) String() string {
	return fmt.Sprintf("use:        %s\nwrapped by: %s\nalgorithm:  %s\nkey ids:    %s\nrotated:    %s, due %s", k.Use, k.Reference, k.Algorithm, strings.Join(k.Keys, " "), k.Rotated, k.Due)
}

// keysets lists the keysets of the server's database, where there is one. They stay wrapped.
func (a *app) keysets(ctx context.Context, c *Config) ([]keysetShown, error) {
	records, err := a.databaseThere(ctx, c)
	if records == nil || err != nil {
		return nil, err
	}
	rows, err := records.Keysets(ctx)
	if err != nil {
		return nil, unreadable("server.database: %v", err)
	}
	var all []keysetShown
	for _, row := range rows {
		inventory, err := seal.Inventory(row)
		if err != nil {
			return nil, unreadable("server.database: %v", err)
		}
		shown := keysetShown{Use: "keyset " + row.Purpose, Reference: row.KEK, Algorithm: "aes256-gcm", Rotated: row.Rotated.Format(time.RFC3339), Due: row.Rotated.Add(seal.Life).Format(time.RFC3339)}
		for _, k := range inventory {
			shown.Keys = append(shown.Keys, fmt.Sprintf("%08x", k.ID))
		}
		all = append(all, shown)
	}
	return all, nil
}

// checkKEK refuses a reference that nothing can be opened with.
func (s ServerConfig) checkKEK() error {
	if _, err := keys.ParseRef(s.KEK); err != nil {
		return fmt.Errorf("server.kek: %w", err)
	}
	return nil
}
