package main

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web/store"
)

// backupList is backup.json, the last file of a backup: what is in it.
type backupList struct {
	Type     string         `json:"type"`
	Made     string         `json:"made"`
	Config   string         `json:"config"`   // name of assay.toml in it
	Database string         `json:"database"` // name of the database in it
	Contents store.Contents `json:"contents"` // of the database
	Files    []backupFile   `json:"files"`
}

// backupFile is a file of a backup.
type backupFile struct {
	Name   string `json:"name"`           // in the backup, below the folder of assay.toml
	From   string `json:"from,omitempty"` // what assay.toml calls it, if it lies elsewhere
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	typeBackup   = "assay/v1/backup"
	fileBackup   = "backup.json"
	fileDatabase = "assay.db"  // the copy of a database of PostgreSQL
	elsewhereD   = "elsewhere" // the folder of what does not lie below that of assay.toml
)

func newBackup(a *app) *cobra.Command {
	var out string
	var to []string
	var drill bool
	cmd := &cobra.Command{
		Use:   "backup --out FILE --to RECIPIENT… | --drill [FILE]",
		Short: "Write what a server cannot get back elsewhere into one sealed file, or try whether such a file is good",
		Long: `Write into one file, sealed to age recipients: a copy of server.database as it is at one moment (of one of PostgreSQL all its rows, as the file assay.db of SQLite), the heads of its audit log, assay.toml, policy.toml, the list of response keys,
public keys, and the server's own keys where they lie in sealed files, the KEK's too: they stay sealed in it. The server need not be stopped, and no passphrase is needed.

Not in it is what can be had elsewhere: reports, log and handovers, the certificate and its key, PINs and tokens, keys that stay in a token or in a Transit server. Keep the
identity that opens the file, and what opens the KEK, apart from it. assay restore unpacks it.

With --drill a backup is restored into a temporary folder: that FILE with --identity-file, or one that is made for it. All of it is opened: every sealed row, the canaries of its
keysets, the chain of the audit log and its heads; its rows are compared with those that were copied, and its audit log with this server's. Then the folder is removed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.load()
			switch {
			case err != nil:
				return err
			case drill && (out != "" || len(to) > 0):
				return usage("--drill makes no backup to keep: leave out --out and --to")
			case drill:
				return a.drill(cmd, c, args)
			case len(args) > 0:
				return usage("%s takes no file but that of --out, got %q", cmd.CommandPath(), args[0])
			case out == "" || len(to) == 0:
				return usage("--out and --to are needed: where the backup goes, and to whom it is sealed (age1…, or a file of them)")
			}
			recipients, names, err := (&stages{config: c}).recipients(to)
			if err != nil {
				return err
			}
			list, err := a.backUp(cmd, c, out, recipients, strings.Join(names, " "))
			if err != nil {
				return err
			}
			return a.say(cmd, list, "%s: %d files, the database as it was at %s\ntry it: assay backup --drill %s --identity-file FILE", out, len(list.Files), list.Made, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write")
	cmd.Flags().StringArrayVar(&to, "to", nil, "age recipient (age1…) that opens it, or a file of them; again for each")
	cmd.Flags().BoolVar(&drill, "drill", false, "restore a backup into a temporary folder, open all of it, compare, and say so")
	return cmd
}

// backUp writes a backup, and records that it was made and for whom.
func (a *app) backUp(cmd *cobra.Command, c *Config, out string, to []age.Recipient, names string) (list backupList, err error) {
	ctx := cmd.Context()
	records, err := a.auditLog(ctx, c)
	if err != nil {
		return list, err
	}
	if err := a.keyAct(ctx, records, "backup", names, func(*store.Tx) error { return nil }); err != nil {
		return list, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(out), ".backup-*") // which nobody else reads
	if err != nil {
		return list, unreadable("--out: %v", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	path, _, _ := c.Server.databaseAt() // it is open
	path = cmp.Or(path, fileDatabase)
	list = backupList{Type: typeBackup, Made: time.Now().UTC().Format(time.RFC3339), Config: filepath.Base(c.path), Database: archived(path)}
	w, err := newBackupWriter(ctx, out, to, &list, newProgress(cmd.ErrOrStderr(), a.quiet))
	if err != nil {
		return list, err
	}
	defer w.abandon()
	for _, path := range c.backedUp() { // before the database: heads of the audit log must be of rows that are there
		if err := w.addAll(c.resolve(path), path); err != nil {
			return list, err
		}
	}
	copied := filepath.Join(temp, "database")
	if list.Contents, err = records.Copy(ctx, copied); err != nil {
		return list, refused("server.database: %w", err)
	}
	if err := w.add(copied, list.Database, path); err != nil {
		return list, err
	}
	return list, w.close()
}

// archived is the name that a path of assay.toml has in a backup.
func archived(path string) string {
	if filepath.IsLocal(path) {
		return filepath.ToSlash(filepath.Clean(path))
	}
	return elsewhereD + "/" + filepath.Base(path)
}

// backedUp are the paths of what a server needs beside its database, as assay.toml has them; not all of them need be there.
func (c *Config) backedUp() []string {
	all := []string{filepath.Base(c.path), "policy.toml", c.Server.Keys, c.Server.Audit}
	for _, ref := range []string{c.Server.KEK, c.Server.Key, c.Server.AuditKey, c.Server.ProofsKey} {
		if path, err := keys.FilePath(ref); err == nil {
			all = append(all, path)
			if public := keys.PublicPath(path); public != path {
				all = append(all, public)
			}
		}
	}
	for _, ref := range []string{c.Keys.Statement, c.Log.Key} { // their public halves alone: the server has no other
		if path, err := keys.FilePath(ref); err == nil {
			all = append(all, keys.PublicPath(path))
		}
	}
	return append(append(all, c.Keys.Former...), c.Server.AuditFormer...)
}

// backupWriter writes a backup: files in a tar, in age. It is there once close has returned.
type backupWriter struct {
	ctx      context.Context
	list     *backupList
	file     *renameio.PendingFile
	sealed   io.WriteCloser
	tar      *tar.Writer
	progress *progress
	done     int64
}

func newBackupWriter(ctx context.Context, out string, to []age.Recipient, list *backupList, p *progress) (*backupWriter, error) {
	file, err := renameio.NewPendingFile(out, renameio.WithTempDir(filepath.Dir(out)), renameio.WithPermissions(0o600))
	if err != nil {
		return nil, unreadable("--out: %v", err)
	}
	sealed, err := age.Encrypt(file, to...)
	if err != nil {
		return nil, errors.Join(usage("--to: %v", err), file.Cleanup())
	}
	return &backupWriter{ctx, list, file, sealed, tar.NewWriter(sealed), p, 0}, nil
}

// addAll adds a file, or all of a folder, or nothing if there is none.
func (w *backupWriter) addAll(at, path string) error {
	err := filepath.WalkDir(at, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		below, err := filepath.Rel(at, file)
		if err != nil {
			return err
		}
		return w.add(file, filepath.ToSlash(filepath.Join(archived(path), below)), filepath.Join(path, below))
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// add adds a file under a name; assay.toml calls it path. One that is there is not added again.
func (w *backupWriter) add(at, name, path string) error {
	entry := backupFile{Name: name}
	if !filepath.IsLocal(path) {
		entry.From = path
	}
	for _, there := range w.list.Files {
		if there.Name == entry.Name && there.From == entry.From {
			return nil
		}
		if there.Name == entry.Name {
			return refused("%s and %s would have one name in the backup: give one of the files another name", there.From, path)
		}
	}
	f, err := os.Open(at)
	if err != nil {
		return unreadable("%w", err)
	}
	defer f.Close()
	about, err := f.Stat()
	if err != nil {
		return unreadable("%v", err)
	}
	entry.Bytes = about.Size()
	sum := sha256.New()
	if err := w.write(entry.Name, io.TeeReader(f, sum), entry.Bytes); err != nil {
		return err
	}
	entry.SHA256 = hex.EncodeToString(sum.Sum(nil))
	w.list.Files = append(w.list.Files, entry)
	return nil
}

func (w *backupWriter) write(name string, content io.Reader, size int64) error {
	if err := w.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, Format: tar.FormatPAX}); err != nil {
		return unreadable("writing the backup: %v", err)
	}
	moved := &moving{w.ctx, content, func(n int) { w.done += int64(n); w.progress.step("backup", w.done, 0) }}
	if _, err := io.CopyN(w.tar, moved, size); err != nil {
		return unreadable("writing the backup: %s: %w", name, err)
	}
	return nil
}

// moving is a reader that can be interrupted, and tells how far it is.
type moving struct {
	ctx  context.Context
	from io.Reader
	step func(n int)
}

// Read reads.
func (m *moving) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.from.Read(p)
	m.step(n)
	return n, err
}

// close adds the list, brings the file to the disk and puts it in its place.
func (w *backupWriter) close() error {
	w.progress.finish()
	raw, err := json.MarshalIndent(w.list, "", "  ")
	if err != nil {
		return err
	}
	if err := w.write(fileBackup, strings.NewReader(string(raw)), int64(len(raw))); err != nil {
		return err
	}
	if err := errors.Join(w.tar.Close(), w.sealed.Close()); err != nil {
		return unreadable("writing the backup: %v", err)
	}
	if err := w.file.CloseAtomicallyReplace(); err != nil {
		return unreadable("writing the backup: %v", err)
	}
	return nil
}

// abandon removes what close did not put in place.
func (w *backupWriter) abandon() { _ = w.file.Cleanup() }

// is reports whether a file was read as it is listed.
func (f backupFile) is(bytes int64, sum hash.Hash) error {
	if got := hex.EncodeToString(sum.Sum(nil)); bytes != f.Bytes || got != f.SHA256 {
		return fmt.Errorf("%s has %d bytes with the digest %s, and is listed with %d and %s", f.Name, bytes, got, f.Bytes, f.SHA256)
	}
	return nil
}
