package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle/store/storetest"
	shelves "github.com/assay-por/assay/web/published"
)

// TestSetOf: files go before the index that names them, nothing is sent twice, and what the index before named stays until the next.
func TestSetOf(t *testing.T) {
	server, dir := storetest.Start(t), t.TempDir()
	c := inBucket(t, dir, server.Address, "s3://assay-test/shown", "ledger.csv")
	b, err := c.storeBucket()
	if err != nil {
		t.Fatal(err)
	}
	object := func(content string) string {
		return filepath.Join(server.Folder, "shown", "name", fmt.Sprintf("%x", sha256.Sum256([]byte(content))))
	}
	set := setOf{bucket: b, name: "name", files: map[string]string{}, progress: newProgress(os.Stderr, true)}
	put := func(files map[string]string) error {
		t.Helper()
		set.files = map[string]string{}
		for path, content := range files {
			full := filepath.Join(dir, filepath.Base(path))
			if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			set.files[path] = full
		}
		return set.put(t.Context())
	}
	named := func(files map[string]string) {
		t.Helper()
		index, err := shelves.ParseIndex([]byte(read(t, server.Folder, "shown", "name.json")))
		if err != nil || len(index.Files) != len(files) {
			t.Fatalf("%v: %v, want %v", err, index.Files, files)
		}
		for _, f := range index.Files {
			if content := files[f.Path]; f.SHA256 != sha256.Sum256([]byte(content)) || f.Size != uint64(len(content)) || read(t, object(content)) != content {
				t.Errorf("%s is another file", f.Path)
			}
		}
	}
	first := map[string]string{"bundle/a": "one", "bundle/b": "", "report/c": "three"}
	if err := put(first); err != nil {
		t.Fatal(err)
	}
	named(first)

	// What is there already, as after an interrupt before the index, is left as it is: a long time ago stays the time that it was written.
	ago := time.Unix(1_700_000_000, 0)
	if err := errors.Join(os.Chtimes(object("three"), ago, ago), b.Remove(t.Context(), "name.json"), b.Remove(t.Context(), "name/"+filepath.Base(object("one")))); err != nil {
		t.Fatal(err)
	}
	if err := put(first); err != nil {
		t.Fatal(err)
	}
	named(first)
	if info, err := os.Stat(object("three")); err != nil || !info.ModTime().Equal(ago) {
		t.Errorf("what was there was sent again: %v", err)
	}

	second, third := map[string]string{"bundle/a": "two"}, map[string]string{"bundle/a": "four"}
	if err := put(second); err != nil {
		t.Fatal(err)
	}
	named(second)
	if !isThere(object("three")) {
		t.Error("what the index before named is gone")
	}
	if err := put(third); err != nil {
		t.Fatal(err)
	}
	named(third)
	if isThere(object("three")) || !isThere(object("two")) {
		t.Error("what no index of late named stays, or what the one before named does not")
	}

	server.Kill()
	if err := put(first); exitCode(err) != exitNetwork {
		t.Errorf("while the bucket is away: %v", err)
	}
	server.Begin(t)
	named(third)
}

// TestShowLog: the log's copy in a bucket is refused to another log, and to an old copy of its folder.
func TestShowLog(t *testing.T) {
	bucket := storetest.Start(t)
	e := newExchange(t, fmt.Sprintf("[s3]\nendpoint = \"http://%s\"\nregion = %q\ncredentials = \"file:s3.env\"\n", bucket.Address, storetest.Region))
	e.write(t, "s3.env", s3Keys)
	e.write(t, "assay.toml", strings.Replace(read(t, e.dir, "assay.toml"), "[log]\n", "[log]\nbucket = \"s3://assay-test/log\"\n", 1))
	e.must(t, "log", "cosign")
	old := e.copied(t)
	if err := os.Chmod(filepath.Join(old.dir, "s3.env"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.published(t, "first", "2026-10", "2026-10-31T23:59:59Z")
	for _, file := range []string{"checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"} {
		if read(t, bucket.Folder, "log", file) != read(t, e.dir, "log", file) {
			t.Errorf("%s is another one in the bucket", file)
		}
	}
	show := func(e *exchange) error {
		t.Helper()
		c, err := loadConfig(filepath.Join(e.dir, "assay.toml"))
		if err != nil {
			t.Fatal(err)
		}
		key, err := keys.ReadPublicKey(filepath.Join(e.dir, "keys", "log.pub"))
		if err != nil {
			t.Fatal(err)
		}
		return c.showLog(t.Context(), key)
	}
	if err := show(e); err != nil {
		t.Errorf("what is there already: %v", err)
	}
	if err := show(old); err == nil || !strings.Contains(err.Error(), "is that an old copy?") || exitCode(err) != exitRefused {
		t.Errorf("an old copy: %v", err)
	}
	if err := os.WriteFile(filepath.Join(bucket.Folder, "log", "checkpoint"), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := show(e); err == nil || !strings.Contains(err.Error(), "log.bucket: it holds something else") {
		t.Errorf("something else: %v", err)
	}
}
