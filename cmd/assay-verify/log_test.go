package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Ten thousand hourly statements, over HTTP, then one more: the second look starts from what the first one kept.
func TestLog_TenThousandEntriesOverHTTP(t *testing.T) {
	var entries [][]byte
	previous := ""
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	add := func() {
		n := len(entries)
		instant, digest := begin.Add(time.Duration(n)*time.Hour), hex.EncodeToString(h(fmt.Append(nil, n)))
		series := obj{"name": "hourly", "number": n}
		if n > 0 {
			series["previous"] = previous
		}
		entries = append(entries, entry(obj{
			"envelope": digest, "instant": instant.Format(time.RFC3339), "issued": instant.Format(time.RFC3339), "kind": "statement",
			"period": instant.Format("2006-01-02T15"), "series": series, "snapshot": digest, "statement": digest,
		}))
		previous = digest
	}
	for range 10_000 {
		add()
	}
	files, requests := logFiles(entries, time.Minute), 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		raw, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(raw)
	}))
	defer server.Close()
	dir := t.TempDir()
	policy, state := filepath.Join(dir, "policy.toml"), filepath.Join(dir, "state.json")
	if err := os.WriteFile(policy, logs()["log.toml"], 0o600); err != nil {
		t.Fatal(err)
	}
	look := func() string {
		var out, errs bytes.Buffer
		start := time.Now()
		if code := run([]string{"log", server.URL, "--policy", policy, "--state", state}, strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("exit %d: %s%s", code, out.String(), errs.String())
		}
		t.Logf("%d entries, %d requests in all: %v", len(entries), requests, time.Since(start))
		return out.String()
	}
	if text := look(); !strings.Contains(text, "  - 9900 entries before these, which --json lists\n") || requests != 41 {
		t.Errorf("%d requests, want a checkpoint and 40 bundles:\n%s", requests, text)
	}
	add()
	files = logFiles(entries, time.Minute)
	text := look()
	_, news, _ := strings.Cut(text, "New in the log\n")
	if news, _, _ = strings.Cut(news, "\n\n"); !strings.HasPrefix(news, "  - 10000: statement ") || strings.Contains(news, "\n") {
		t.Errorf("what is new is %q", news)
	}
	if !strings.Contains(text, "from 10000 to 10001 entries since this source was last seen") {
		t.Errorf("got %s", text)
	}
}

// A folder with a log may come from a stranger: a pipe in it would keep the reader waiting for good.
func TestE09_PipeInAFolderWithALog(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "checkpoint")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() { // waits for a reader
		file, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err == nil {
			err = file.Close()
		}
		written <- err
	}()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if raw, err := folderSource(root)("checkpoint"); err == nil || err.Error() != "not a regular file" {
		t.Errorf("read %d bytes: %v", len(raw), err)
		return
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := <-written; err != nil {
		t.Error(err)
	}
}
