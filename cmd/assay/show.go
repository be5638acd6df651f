package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/report"
	shelves "github.com/assay-por/assay/web/published"
)

// show lets servers show the signed statement's report, where server.reports is a bucket; done again, it puts there what is not there yet.
func (s *stages) show(signed report.Signed) error {
	folder := inS3(s.config.Server.Reports)
	if folder == "" {
		return nil
	}
	b, err := s.config.bucket(folder, s3Patient)
	if err != nil {
		return err
	}
	files, err := s.reportFiles()
	if err != nil {
		return err
	}
	set := setOf{bucket: b, name: signed.Digest.String(), files: files, progress: s.progress}
	if err := set.put(s.ctx); err != nil {
		return notShown(err, "server.reports")
	}
	s.progress.say("publish: servers show it by %s/%s%s", strings.TrimSuffix(folder, "/"), set.name, shelves.IndexSuffix)
	return nil
}

// showAgain is show for what was attached since.
func (s *stages) showAgain(signed report.Signed) error {
	folder := inS3(s.config.Server.Reports)
	if folder == "" {
		return nil
	}
	b, err := s.config.bucket(folder, s3Patient)
	if err != nil {
		return err
	}
	before, err := readIndex(s.ctx, b, signed.Digest.String())
	if before == nil || err != nil {
		return notShown(err, "server.reports")
	}
	return s.show(signed)
}

// notShown is the error of what could not be put into a bucket.
func notShown(err error, key string) error {
	if err == nil {
		return nil
	}
	return hinted(fmt.Errorf("%s: %w", key, err), "all else is done; the same command again puts there what is missing")
}

// reportFiles are the files of the report on this machine, by their paths among those of a report.
func (s *stages) reportFiles() (map[string]string, error) {
	dir, zip, page := s.config.resolve(s.config.Bundle.Dir), s.config.resolve(s.config.Bundle.Zip), s.config.resolve(s.config.Bundle.Report)
	all := map[string]string{shelves.PathPage: filepath.Join(page, shelves.PageName)}
	if _, err := os.Stat(zip); err == nil {
		all[shelves.PathZip] = zip
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if _, ok := report.PartOf(path); err == nil && ok && d.Type().IsRegular() {
			all[shelves.FolderBundle+"/"+path] = filepath.Join(dir, filepath.FromSlash(path))
		}
		return err
	})
	if err != nil {
		return nil, unreadable("%v", err)
	}
	return all, nil
}

// setOf is a set of files that a folder of a bucket is to have under a name.
type setOf struct {
	bucket   *store.Bucket
	name     string
	files    map[string]string // where they are on this machine, by path
	progress *progress
}

// put puts what is not there yet, and the index that names it last: who reads sees all of the set before, or all of this one. What the
// index before this one named stays until the next, as somebody may still read it.
func (s setOf) put(ctx context.Context) error {
	before, err := readIndex(ctx, s.bucket, s.name)
	if err != nil {
		return err
	}
	have, err := s.there(ctx)
	if err != nil {
		return err
	}
	defer s.progress.finish()
	index, used := shelves.Index{Files: []shelves.IndexFile{}}, map[string]bool{}
	for i, path := range slices.Sorted(maps.Keys(s.files)) {
		file, err := indexed(s.files[path])
		if err != nil {
			return unreadable("%v", err)
		}
		file.Path = path
		if size, ok := have[file.Object()]; !ok || size != file.Size {
			if err := s.send(ctx, file); err != nil {
				return err
			}
			have[file.Object()] = file.Size
		}
		index.Files, used[file.Object()] = append(index.Files, file), true
		s.progress.step("files", int64(i+1), int64(len(s.files)))
	}
	raw, err := index.JSON()
	if err != nil {
		return err
	}
	if err := s.bucket.Replace(ctx, s.name+shelves.IndexSuffix, raw); err != nil {
		return err
	}
	for _, f := range before {
		used[f.Object()] = true
	}
	for object := range have {
		if !used[object] {
			if err := s.bucket.Remove(ctx, s.name+"/"+object); err != nil {
				return err
			}
		}
	}
	return nil
}

// there are the objects of the folder that an index may name, with their sizes; others are not this set's to touch.
func (s setOf) there(ctx context.Context) (map[string]uint64, error) {
	all, err := s.bucket.List(ctx, s.name+"/")
	have := map[string]uint64{}
	for _, f := range all {
		var digest report.Digest
		if object := strings.TrimPrefix(f.Name, s.name+"/"); digest.UnmarshalText([]byte(object)) == nil {
			have[object] = uint64(f.Size) //nolint:gosec // of an object
		}
	}
	return have, err
}

// send puts a file under its digest, if it has that still.
func (s setOf) send(ctx context.Context, file shelves.IndexFile) error {
	object := s.name + "/" + file.Object()
	if err := s.bucket.Remove(ctx, object); err != nil { // of another size
		return err
	}
	from, err := os.Open(s.files[file.Path])
	if err != nil {
		return unreadable("%v", err)
	}
	defer from.Close()
	to, err := s.bucket.Create(ctx, object)
	if err != nil {
		return err
	}
	defer to.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, sum), from); err != nil {
		return err
	}
	if report.Digest(sum.Sum(nil)) != file.SHA256 {
		return refused("%s changed while it was read", s.files[file.Path])
	}
	return to.Commit()
}

// indexed is a file as an index names it, but for its path.
func indexed(path string) (shelves.IndexFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return shelves.IndexFile{}, err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	return shelves.IndexFile{SHA256: report.Digest(sum.Sum(nil)), Size: uint64(size)}, err //nolint:gosec // of a file
}

// readIndex returns the files that a name's index names, or nothing if there is none.
func readIndex(ctx context.Context, b *store.Bucket, name string) ([]shelves.IndexFile, error) {
	raw, err := store.Read(ctx, b, name+shelves.IndexSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	index, err := shelves.ParseIndex(raw)
	if err != nil {
		return nil, refused("%s%s is no index: %v", name, shelves.IndexSuffix, err)
	}
	return index.Files, nil
}

// showLog puts into log.bucket what the log's checkpoint covers, and the checkpoint last. Requires that nobody else writes the log.
func (c *Config) showLog(ctx context.Context, key attest.PublicKey) error {
	if c.Log.Bucket == "" {
		return nil
	}
	vkey, err := tlog.VerifierKey(c.Log.Origin, key)
	if err != nil {
		return refused("%v", err)
	}
	dir := os.DirFS(c.resolve(c.Log.Dir))
	head, err := tlog.ReadCheckpoint(dir, vkey)
	if err != nil {
		return refused("%v", err)
	}
	b, err := c.bucket(c.Log.Bucket, s3Patient)
	if err != nil {
		return err
	}
	return notShown(sendLog(ctx, b, dir, head, vkey), "log.bucket")
}

func sendLog(ctx context.Context, b *store.Bucket, dir fs.FS, head tlog.Checkpoint, vkey string) error {
	var shown tlog.Checkpoint
	raw, err := store.Read(ctx, b, checkpointName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case bytes.Equal(raw, head.Note):
		return nil
	default:
		if shown, err = tlog.OpenCheckpoint(raw, vkey); err != nil {
			return refused("it holds something else: %v", err)
		}
		if shown.Size > head.Size || shown.Size == head.Size && shown.Root != head.Root {
			return refused("the log there has %d entries and is no former state of the one in log.dir, which has %d: is that an old copy?", shown.Size, head.Size)
		}
	}
	there := map[string]bool{} // tiles come before the checkpoint that covers them
	for name := range shelves.Tiles(shown.Size) {
		there[name] = true
	}
	for name := range shelves.Tiles(head.Size) {
		if there[name] {
			continue
		}
		tile, err := fs.ReadFile(dir, name)
		if err != nil {
			return unreadable("%v", err)
		}
		if err := store.Write(ctx, b, name, tile); err != nil {
			return err
		}
	}
	return b.Replace(ctx, checkpointName, head.Note)
}

// checkpointName is the file of a log's checkpoint.
const checkpointName = "checkpoint"
