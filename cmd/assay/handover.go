package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/report"
	shelves "github.com/assay-por/assay/web/published"
)

// Files of a handover, beside the statement's envelope, the log's attachments and the shard files, which keep their names.
const (
	fileHandover       = "handover.json" // where the shard files lie
	fileHandoverSealed = "handover.age"  // what finds and opens rows, sealed to the server's key; it is there last
	fileHandoverShards = "shards.json"   // the shard list
)

// handoverPlace is handover.json.
type handoverPlace struct {
	Bucket string `json:"bucket,omitempty"` // s3://bucket/folder of the shard files; else they lie in the folder itself
	Type   string `json:"type"`
}

const typeHandover = "assay/v1/handover"

func newHandover(a *app) *cobra.Command {
	var out string
	var to []string
	cmd := &cobra.Command{
		Use:   "handover --out DIR|s3://BUCKET/FOLDER [--to RECIPIENT…]",
		Short: "Hand a server what it takes to answer for customers' proofs, and nothing more",
		Long: `Write a folder with which assay serve makes the customers' proofs of the run's signed statement: envelope, place in the log, shard list, the shard files,
which are sealed, and handover.age: the identity that opens those and the keys that find a customer's row, sealed to the server's key (server.proofs_key, or --to: age1… or a
file of them). The snapshot's secret and the snapshot key stay here, and no customer's name is in it.

Where run.store is a bucket, the shard files stay there, and the folder says where; else they are copied. Put the folder into the server's server.proofs. After assay publish or
assay log cosign, hand over again into the same folder: proofs then show the statement's place in the log as it is now, and nothing is copied twice.

Or hand over into a bucket that server.proofs names: --out s3://bucket/handovers/2026-10. Files go there first and 2026-10.json, which names them, last; after an interrupt the
same command goes on.

Who has the folder and the server's key can read every balance, and whose it is of customers whose ids they know. Remove the folder, in a bucket the .json beside it first, and the
servers are done with that statement.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usage("--out is missing: say which folder the handover goes to")
			}
			return a.readRun(cmd, func(s *stages) error { return s.handOver(cmd, out, to) })
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder of this statement's handover, on this machine or in a bucket")
	cmd.Flags().StringArrayVar(&to, "to", nil, "age recipient (age1…) of the server, or a file of them (default: server.proofs_key)")
	return cmd
}

func (s *stages) handOver(cmd *cobra.Command, out string, to []string) error {
	recipients, err := s.serverRecipients(to)
	if err != nil {
		return err
	}
	p, err := s.openProver()
	if err != nil {
		return err
	}
	if err := s.handTo(p, out, keys.Lock{Recipients: recipients}); err != nil {
		return err
	}
	return s.app.say(cmd, map[string]any{"dir": out, "statement": report.Digest(p.statement).String(), "customers": p.customers, "shards": len(p.tree.Shards)},
		"the proofs of %d customers are handed over in %s: %s", p.customers, out, s.afterHandover(out))
}

// afterHandover says what is left to be done.
func (s *stages) afterHandover(out string) string {
	if inS3(out) == "" {
		return "put it into the server's server.proofs"
	}
	return "servers whose server.proofs is the folder above serve them"
}

// handTo writes the handover to a folder, or to one of a bucket.
func (s *stages) handTo(p *prover, out string, lock keys.Lock) error {
	if inS3(out) != "" {
		return s.handToBucket(p, strings.TrimSuffix(out, "/"), lock)
	}
	if err := sameHandover(out, report.Digest(p.statement)); err != nil {
		return err
	}
	place, err := s.shardsPlace()
	if err != nil {
		return err
	}
	if place.Bucket == "" {
		if err := s.copyShards(p, store.Dir(out)); err != nil {
			return err
		}
	}
	return s.writeHandover(p, out, place, lock)
}

// handToBucket writes all but the shard files on this machine first, sealed or public, as a set of files goes there whole.
func (s *stages) handToBucket(p *prover, out string, lock keys.Lock) (err error) {
	at := strings.LastIndexByte(out, '/')
	above, name := out[:at], out[at+1:]
	if _, key, err := s3Name(out); err != nil || key == "" || strings.HasPrefix(name, ".") {
		return usage("--out: got %q, want a folder of this statement's own: s3://bucket/folder, and no name that begins with a dot", out)
	}
	if s.config.S3.Endpoint == "" {
		return usage("--out begins with s3://: say under [s3] which server that is")
	}
	set, err := s.config.bucket(above, s3Patient)
	if err != nil {
		return err
	}
	if err := sameHandoverSet(s.ctx, set, name, report.Digest(p.statement)); err != nil {
		return err
	}
	place, err := s.shardsPlace()
	if err != nil {
		return err
	}
	if place.Bucket == "" {
		place.Bucket = out
		if err := s.copyShards(p, store.Within(set, name)); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "assay-handover-") // mode 0700
	if err != nil {
		return unreadable("%v", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := s.writeHandover(p, dir, place, lock); err != nil {
		return err
	}
	files := map[string]string{}
	for _, path := range []string{fileHandover, fileHandoverSealed, fileHandoverShards, fileEnvelope, report.PathEntry, report.PathLogProof} {
		if full := filepath.Join(dir, filepath.FromSlash(path)); isFile(full) {
			files[path] = full
		}
	}
	return setOf{bucket: set, name: name, files: files, progress: s.progress}.put(s.ctx)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// shardsPlace is where the shard files stay; nowhere if they are to be copied.
func (s *stages) shardsPlace() (handoverPlace, error) {
	place := handoverPlace{Type: typeHandover}
	if s.config.Run.Store == "" {
		return place, nil
	}
	plan, err := s.builtPlan()
	place.Bucket = strings.TrimSuffix(s.config.Run.Store, "/") + "/" + build.Folder(plan)
	return place, err
}

// serverRecipients are those that a handover is sealed to.
func (s *stages) serverRecipients(to []string) ([]age.Recipient, error) {
	if len(to) > 0 {
		all, _, err := s.recipients(to)
		return all, err
	}
	if s.config.Server.ProofsKey == "" {
		return nil, hinted(usage("there is nobody to hand over to: server.proofs_key is missing"), "assay keys new --algorithm x25519 keys/server.age makes the server's key; or give its recipient with --to")
	}
	r, err := keys.Recipient(s.config.keyRef(s.config.Server.ProofsKey))
	if err != nil {
		return nil, keyError("server.proofs_key", err)
	}
	return []age.Recipient{r}, nil
}

// sameHandover refuses a folder that has another statement's.
func sameHandover(dir string, statement report.Digest) error {
	raw, err := os.ReadFile(filepath.Join(dir, fileEnvelope))
	if errors.Is(err, fs.ErrNotExist) {
		there, err := os.ReadDir(dir)
		if err == nil && len(there) > 0 && !mayBeHandover(there) {
			return refused("%s: the folder holds something else: a handover has one of its own", dir)
		}
		return nil
	}
	if err != nil {
		return unreadable("%v", err)
	}
	signed, err := report.Read(raw)
	if err != nil {
		return unreadable("%s: %v", filepath.Join(dir, fileEnvelope), err)
	}
	if signed.Digest != statement {
		return hinted(refused("%s holds the handover of another statement", dir), "each statement has a folder of its own")
	}
	return nil
}

// sameHandoverSet refuses a name of a bucket that has another statement's.
func sameHandoverSet(ctx context.Context, b *store.Bucket, name string, statement report.Digest) error {
	files, err := readIndex(ctx, b, name)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Path != fileEnvelope {
			continue
		}
		raw, err := store.Read(ctx, b, name+"/"+f.Object())
		if errors.Is(err, fs.ErrNotExist) { // somebody has removed it, and is not done
			return nil
		}
		if err != nil {
			return err
		}
		if signed, err := report.Read(raw); err == nil && signed.Digest == statement {
			return nil
		}
		return hinted(refused("%s holds the handover of another statement", name), "each statement has a folder of its own")
	}
	if len(files) > 0 {
		return refused("%s%s names something else: a handover has a folder of its own", name, shelves.IndexSuffix)
	}
	return nil
}

// mayBeHandover reports whether a folder without an envelope is an interrupted handover: its shard files come first.
func mayBeHandover(there []os.DirEntry) bool {
	return len(there) == 1 && there[0].Name() == filepath.Dir(build.ShardFile(0))
}

// copyShards copies the shard files that are not there yet.
func (s *stages) copyShards(p *prover, to store.Store) error {
	have, err := to.List(s.ctx, filepath.Dir(build.ShardFile(0))+"/")
	if err != nil {
		return unreadable("%v", err)
	}
	size := map[string]int64{}
	for _, f := range have {
		size[f.Name] = f.Size
	}
	defer s.progress.finish()
	for i := range p.tree.Shards {
		if err := copyFile(s.ctx, p.files, to, build.ShardFile(i), size); err != nil {
			return unreadable("handing over: %w", err)
		}
		s.progress.step("shards", int64(i+1), int64(len(p.tree.Shards)))
	}
	return nil
}

func copyFile(ctx context.Context, from, to store.Store, name string, size map[string]int64) error {
	f, err := from.Open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if at, ok := size[name]; ok && at == f.Size() {
		return nil // the server holds each to the shard list
	}
	if err := to.Remove(ctx, name); err != nil {
		return err
	}
	w, err := to.Create(ctx, name)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := io.Copy(w, f); err != nil {
		return err
	}
	return errors.Join(ctx.Err(), w.Commit())
}

// writeHandover writes all but the shard files; the sealed one comes last, as without it there is no handover.
func (s *stages) writeHandover(p *prover, out string, place handoverPlace, lock keys.Lock) error {
	files := map[string][]byte{fileEnvelope: p.envelope}
	var err error
	if files[fileHandover], err = attest.Canonical(place); err != nil {
		return err
	}
	if files[fileHandoverShards], err = build.ShardsJSON(p.tree, p.snap.Columns()); err != nil {
		return err
	}
	if p.log != nil {
		files[report.PathEntry], files[report.PathLogProof] = p.log.Entry, p.log.Proof
	}
	for name, raw := range files {
		path := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return unreadable("%v", err)
		}
		if err := renameio.WriteFile(path, raw, 0o600); err != nil {
			return unreadable("%v", err)
		}
	}
	identity, ok := p.identity.(*keys.Identity)
	if !ok {
		return fmt.Errorf("the shard files' identity is a %T", p.identity) // shardIdentity returns no other
	}
	path := filepath.Join(out, fileHandoverSealed)
	fresh := filepath.Join(out, ".fresh.age")
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unreadable("%v", err)
	}
	if err := keys.SaveHandover(fresh, keys.Handover{Statement: p.statement, Lookup: p.keys.Lookup().Bytes(), Files: identity}, lock); err != nil {
		return unreadable("%v", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return unreadable("%v", err)
	}
	return nil
}
