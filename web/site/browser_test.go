package site_test

import (
	"io/fs"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/words"
)

// browserOf is a browser and what drives it, or a reason to skip.
func browserOf(t *testing.T) (chromium, node, modules string) {
	t.Helper()
	modules, err := filepath.Abs("../../build/npm/node_modules")
	must(t, err)
	for _, name := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skipf("no %s: install npm and type: make judges", name)
		}
	}
	if chromium, err = exec.LookPath("chromium"); err != nil {
		t.Skip("no chromium: on Debian type: sudo apt-get install -y --no-install-recommends chromium")
	}
	if node, err = exec.LookPath("node"); err != nil {
		t.Skip("no node, which drives the browser")
	}
	return chromium, node, modules
}

// TestSiteInABrowser: in a real Chromium, from a disk and from below a path of a server, every kind of page in every language passes axe, light and dark, is as narrow as a telephone,
// breaks no policy and asks nothing of anybody else; links lead on, the search finds by the keyboard alone, and without scripts nothing is missing.
// What the pages look like make screenshots keeps. testdata/site.mjs is what is done.
func TestSiteInABrowser(t *testing.T) {
	chromium, node, modules := browserOf(t)
	dir := exported(t, newPlace(t))
	server := httptest.NewServer(http.StripPrefix("/mirror/of/demo/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path
		if name == "" {
			name = "index.html"
		}
		content, err := fs.ReadFile(os.DirFS(dir), name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", mime.TypeByExtension(filepath.Ext(name)))
		_, _ = w.Write(content)
	})))
	defer server.Close()
	shots, err := filepath.Abs("../../build/screenshots")
	must(t, err)
	var tags []string
	for _, l := range words.Languages("site")[1:] {
		tags = append(tags, l.Tag)
	}
	drive := exec.CommandContext(t.Context(), node, "testdata/site.mjs")
	drive.Env = append(os.Environ(), "CHROMIUM="+chromium, "MODULES="+modules, "DISK=file://"+dir, "SERVER="+server.URL+"/mirror/of/demo", "SHOTS="+shots, "LANGUAGES="+strings.Join(tags, " "))
	out, err := drive.CombinedOutput()
	t.Logf("%s", out)
	must(t, err)
}
