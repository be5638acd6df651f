package main

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSite: what assay site writes is what assay serve shows, byte for byte; it says what became of each report, and holds all that takes
// to verify them. It replaces a site, and nothing else.
func TestSite(t *testing.T) {
	e := newExchange(t, "")
	e.published(t, "a", "2026-09", "2026-09-30T00:00:00Z")
	e.published(t, "b", "2026-10", "2026-10-31T00:00:00Z")
	e.must(t, "withdraw", "--statement", "a/statement.dsse.json", "--reason", "A wallet was missing.")
	e.shelved(t, "a")
	e.shelved(t, "b")
	e.write(t, "shelf.toml", read(t, e.dir, "assay.toml")+"[server]\nreports = \"reports\"\n"+unhurried)
	if said := e.must(t, "site", "--config", "shelf.toml", "--out", filepath.Join(e.dir, "public")); !strings.Contains(said, "wrote the site of 2 reports to ") {
		t.Errorf("it says %q", said)
	}
	var list struct {
		Reports []struct{ Name, Statement, State, Reason string }
	}
	unmarshal(t, read(t, e.dir, "public", "index.json"), &list)
	if len(list.Reports) != 2 || list.Reports[0].State != "published" || list.Reports[1].State != "withdrawn" || list.Reports[1].Reason != "A wallet was missing." || list.Reports[1].Statement != e.digest(t, "a") {
		t.Errorf("index.json lists %+v", list.Reports)
	}
	if page := read(t, e.dir, "public", "reports", "main-0", "index.html"); !strings.Contains(page, "<title>Withdrawn: ") || strings.Index(page, "A wallet was missing.") > strings.Index(page, "<h1") {
		t.Error("a report that was withdrawn does not say so before all else")
	}
	e.judges(t, 0, "bundle", filepath.Join("public", "reports", "main-1", "bundle.zip"))
	e.judges(t, 0, "bundle", filepath.Join("public", "reports", "main-1", "bundle"))

	url, _ := serving(t, e.dir, e.assay, "serve", "--config", "shelf.toml", "--listen", "127.0.0.1:0")
	exported := map[string]string{}
	err := fs.WalkDir(os.DirFS(filepath.Join(e.dir, "public")), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		exported[path] = read(t, e.dir, "public", path)
		answer, err := http.Get(url + "/" + path) //nolint:noctx // a test's own server
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		served, err := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusOK || string(served) != exported[path] {
			t.Errorf("%s: %d, and %d bytes are served, want the %d that were written", path, answer.StatusCode, len(served), len(exported[path]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"index.html", "feed.xml", "reports/main-0/bundle/manifest.json", "log/checkpoint", "log/tile/entries/000.p/3"} {
		if exported[path] == "" {
			t.Errorf("%s is not there", path)
		}
	}

	e.must(t, "site", "--config", "shelf.toml", "--out", filepath.Join(e.dir, "public"))
	for path, before := range exported {
		if read(t, e.dir, "public", path) != before {
			t.Errorf("%s is another one when it is written again", path)
		}
	}
	if code, _, stderr := call(t, e.dir, e.assay, "site", "--config", "shelf.toml", "--out", filepath.Join(e.dir, "keys")); code != exitUnreadable || !strings.Contains(stderr, "is not empty and holds no site") {
		t.Errorf("into a folder of something else: exit %d: %s", code, stderr)
	}
	for _, within := range []string{"reports", "reports/public", "reports/a/bundle/site", "log/site"} {
		if code, _, stderr := call(t, e.dir, e.assay, "site", "--config", "shelf.toml", "--out", filepath.Join(e.dir, within)); code != exitUsage || !strings.Contains(stderr, "name a folder outside of it") {
			t.Errorf("into %s: exit %d: %s", within, code, stderr)
		}
		if _, err := os.Stat(filepath.Join(e.dir, within, "index.html")); err == nil {
			t.Errorf("%s holds a site", within)
		}
	}
	if code, _, stderr := call(t, e.dir, e.assay, "site", "--config", "shelf.toml"); code != exitUsage || !strings.Contains(stderr, "--out is missing") {
		t.Errorf("without a folder: exit %d: %s", code, stderr)
	}
}
