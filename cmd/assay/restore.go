package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/seal"
	"github.com/assay-por/assay/web/store"
)

func newRestore(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "restore FILE --out DIR --identity-file FILE",
		Short: "Unpack a backup of a server into a new folder, and open all that is sealed in it",
		Long: `Unpack what assay backup wrote, into a folder that is not there yet or is empty: all of it or nothing. Then open everything in it, as assay backup --drill does; if that fails
the folder stays, and the error says what does not open. Keys that lie in a token or a Transit server are not asked: a backup could name any. Put reports, log, handovers and certificate beside it, and start assay serve there.

API keys that were revoked after the backup was made are good again: revoke them. The heads of the audit log that were signed since then are of rows that are gone: keep them, and
name another folder under server.audit.`,
		Args: oneArg("restore takes one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage("--out is missing: say which folder the backup is unpacked into")
			}
			list, err := a.restore(cmd.Context(), args[0], out)
			if err != nil {
				return err
			}
			for _, f := range list.Files {
				if f.From != "" {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s was %s: put it back there, or change %s\n", filepath.Join(out, f.Name), f.From, list.Config)
				}
			}
			if c, err := loadConfig(filepath.Join(out, list.Config)); err == nil && strings.HasPrefix(c.Server.Database, "postgres:") {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s holds what was in PostgreSQL: set database = %q, or put it into an empty one: assay admin move %[2]s\n", filepath.Join(out, list.Database), "sqlite:"+list.Database)
			}
			found, err := a.tryBackup(cmd.Context(), out, list, nil)
			if err != nil {
				return hinted(err, "what was in the backup lies in %s", out)
			}
			return a.say(cmd, found, "%s: %s", out, found)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the folder to unpack into")
	return cmd
}

// restore unpacks a backup into a folder, which is there whole or not at all.
func (a *app) restore(ctx context.Context, path, dir string) (list backupList, err error) {
	if a.identityFile == "" {
		return list, usage("--identity-file is missing: a backup is sealed to an age recipient")
	}
	unlock, err := a.unlock()
	if err != nil {
		return list, err
	}
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return list, refused("%s is not empty, and nothing is written over: name another folder", dir)
	}
	dir = filepath.Clean(dir)
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-*")
	if err != nil {
		return list, unreadable("--out: %v", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if list, err = unpackBackup(ctx, path, temp, unlock.Identities...); err != nil {
		return list, err
	}
	if err := os.Rename(temp, dir); err != nil {
		return list, unreadable("--out: %v", err)
	}
	return list, nil
}

// unpackBackup writes the files of a backup into a folder, and holds them to its list.
func unpackBackup(ctx context.Context, path, dir string, identities ...age.Identity) (list backupList, err error) {
	f, err := os.Open(path)
	if err != nil {
		return list, unreadable("%v", err)
	}
	defer f.Close()
	var none *age.NoIdentityMatchError
	opened, err := age.Decrypt(f, identities...)
	switch {
	case errors.As(err, &none):
		return list, hinted(refused("%s: %w", path, keys.ErrNoIdentity), "give the identity of a recipient that it was sealed to with --identity-file")
	case err != nil:
		return list, unreadable("%s: it is no backup: %v", path, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return list, unreadable("%v", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	u := unpacking{root: root, read: map[string]readFile{}}
	if err := u.files(tar.NewReader(&moving{ctx, opened, func(int) {}})); err != nil {
		return list, unreadable("%s: %w", path, err)
	}
	if err := u.check(); err != nil {
		return list, unreadable("%s: %w", path, err)
	}
	return u.list, nil
}

// unpacking is a backup being unpacked.
type unpacking struct {
	root *os.Root
	list backupList
	read map[string]readFile // by name
}

type readFile struct {
	bytes int64
	sum   hash.Hash
}

const maxBackupList = 64 << 20

func (u *unpacking) files(from *tar.Reader) error {
	for {
		head, err := from.Next()
		switch {
		case err == io.EOF:
			return errors.New("it has no list: it was cut off")
		case err != nil:
			return err
		case head.Name == fileBackup:
			raw, err := io.ReadAll(io.LimitReader(from, maxBackupList))
			if err != nil {
				return err
			}
			if err := json.Unmarshal(raw, &u.list); err != nil {
				return fmt.Errorf("its list: %w", err)
			}
			if u.list.Type != typeBackup {
				return fmt.Errorf("it is of type %q, want %q", u.list.Type, typeBackup)
			}
			if _, err = from.Next(); !errors.Is(err, io.EOF) {
				return errors.Join(errors.New("there is more behind its list"), err)
			}
			return nil
		}
		if err := u.file(head, from); err != nil {
			return err
		}
	}
}

func (u *unpacking) file(head *tar.Header, from io.Reader) (err error) {
	name := filepath.FromSlash(head.Name)
	if _, twice := u.read[head.Name]; twice || !filepath.IsLocal(name) || head.Typeflag != tar.TypeReg {
		return fmt.Errorf("it has a file %q, which no backup has", head.Name)
	}
	if err := u.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), from)
	u.read[head.Name] = readFile{n, sum}
	return err
}

// check holds what was read to the list.
func (u *unpacking) check() error {
	for _, f := range u.list.Files {
		got, ok := u.read[f.Name]
		if !ok {
			return fmt.Errorf("%s is listed and not in it", f.Name)
		}
		if err := f.is(got.bytes, got.sum); err != nil {
			return err
		}
	}
	for _, name := range []string{u.list.Config, u.list.Database} {
		if _, ok := u.read[name]; !ok || !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("%q, which a server needs, is not in it", name)
		}
	}
	if len(u.read) != len(u.list.Files) {
		return fmt.Errorf("it has %d files and lists %d", len(u.read), len(u.list.Files))
	}
	return nil
}

// tried is what opened of a backup.
type tried struct {
	Made   string `json:"made"`
	Files  int    `json:"files"`
	Tables int    `json:"tables"`
	Rows   int    `json:"rows"`
	Sealed int    `json:"sealed"` // rows that were opened
	Audit  int64  `json:"audit"`  // rows of the audit log
	Heads  int    `json:"heads"`  // of it that were compared
	Last   string `json:"last"`   // hash of its newest row
}

func (t tried) String() string {
	return fmt.Sprintf("%d files, %d rows of %d tables as they were at %s; %d sealed rows open; the audit log is whole: %d rows, %d signed heads compared",
		t.Files, t.Rows, t.Tables, t.Made, t.Sealed, t.Audit, t.Heads)
}

// tryBackup opens all of a backup that was unpacked into a folder. live is the configuration of the server that it is of, where that is
// at hand: it says how to reach keys that lie in no file.
func (a *app) tryBackup(ctx context.Context, dir string, list backupList, live *Config) (found tried, err error) {
	c, err := restoredConfig(dir, list, live)
	if err != nil {
		return found, err
	}
	records, err := store.Open(ctx, filepath.Join(dir, filepath.FromSlash(list.Database)))
	if err != nil {
		return found, unreadable("%v", err)
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	found = tried{Made: list.Made, Files: len(list.Files), Tables: len(list.Contents)}
	for _, t := range list.Contents {
		found.Rows += t.Rows
	}
	contents, err := records.Contents(ctx)
	if err != nil {
		return found, unreadable("%s: %v", list.Database, err)
	}
	// A newer version of this program has brought the tables up to date, and they are others now.
	if contents[tableVersion] == list.Contents[tableVersion] && !reflect.DeepEqual(contents, list.Contents) {
		return found, refused("%s: its rows are not those that were copied", list.Database)
	}
	if err := a.tryAudit(ctx, c, records, &found); err != nil {
		return found, err
	}
	kek, err := a.kek(ctx, "server.kek", c.keyRef(c.Server.KEK))
	if err != nil {
		return found, err
	}
	if _, err := seal.Open(ctx, records, kek, c.Server.KEK, time.Now()); err != nil {
		return found, sealError(err)
	}
	if found.Sealed, err = records.OpenAll(ctx); err != nil {
		return found, resealError(err)
	}
	return found, nil
}

// tableVersion is the table that tells which version the others are of.
const tableVersion = "goose_db_version"

func (a *app) tryAudit(ctx context.Context, c *Config, records *store.Store, found *tried) error {
	known, err := a.auditKeys(ctx, c)
	if err != nil {
		return err
	}
	heads := audit.Heads{Dir: c.resolve(c.Server.Audit)}.All(known...)
	if len(known) == 0 {
		heads = func(func(audit.Head, error) bool) {}
	}
	v, err := audit.Verify(ctx, records, heads)
	if err != nil {
		return unreadable("the audit log: %v", err)
	}
	if len(v.Faults) > 0 {
		return refused("the audit log was changed: %s", strings.Join(v.Faults, "; "))
	}
	found.Audit, found.Heads, found.Last = v.Rows, v.Heads, v.Last
	return nil
}

// restoredConfig is the configuration of a backup, with the paths that its files have there. Anybody can seal a file to a recipient: which module is
// loaded, or which server is sent a token, for a key that lies in no file, live says and the backup does not.
func restoredConfig(dir string, list backupList, live *Config) (*Config, error) {
	c, err := loadConfig(filepath.Join(dir, list.Config))
	if err != nil {
		return nil, err
	}
	place := func(path string) string {
		if i := slices.IndexFunc(list.Files, func(f backupFile) bool { return f.From == path }); path != "" && i >= 0 {
			return list.Files[i].Name
		}
		if !filepath.IsLocal(path) && path != "" { // a folder
			return archived(path)
		}
		return path
	}
	for name, ref := range map[string]*string{"kek": &c.Server.KEK, "audit_key": &c.Server.AuditKey} {
		path, err := keys.FilePath(*ref)
		switch {
		case *ref == "":
		case err == nil:
			*ref = "file:" + place(path)
		case live == nil:
			return nil, refused("server.%s of the backup lies in no file, and a backup is not believed which module or server that is: %s; if that is right, assay keys list and assay audit verify open it, with --config %s",
				name, *ref, filepath.Join(dir, list.Config))
		case name == "kek":
			*ref = live.keyRef(live.Server.KEK)
		default:
			*ref = live.keyRef(live.Server.AuditKey)
		}
	}
	c.Server.Audit = place(c.Server.Audit)
	for i := range c.Server.AuditFormer {
		c.Server.AuditFormer[i] = place(c.Server.AuditFormer[i])
	}
	return c, nil
}
