package app

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// toolsOf is what builds the page, or a reason to skip.
func toolsOf(t *testing.T) (node, root string) {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	node, err = exec.LookPath("node")
	if _, missing := os.Stat(filepath.Join(root, "node_modules", ".bin", "esbuild")); missing != nil || err != nil {
		t.Skip("no node, or none of what the page is built with: install npm and type: make page")
	}
	return node, root
}

func run(t *testing.T, dir string, env []string, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
	}
	return out
}

// builtPage is a folder in which the page was built from its sources.
func builtPage(t *testing.T) (dir string) {
	t.Helper()
	node, root := toolsOf(t)
	dir = t.TempDir()
	t.Logf("%s", run(t, root, nil, node, "build.mjs", "--out", dir))
	return dir
}

// TestPageIsBuilt: what is embedded is what the sources give, byte for byte, and as small as it is to be.
func TestPageIsBuilt(t *testing.T) {
	dir := builtPage(t)
	for _, page := range []struct {
		name     string
		embedded []byte
		limit    int
	}{{"verify-small.html", Small(), 250_000}} {
		made, err := os.ReadFile(filepath.Join(dir, page.name))
		if err != nil {
			t.Fatal(err)
		}
		if len(made) > page.limit {
			t.Errorf("%s has %d bytes; at most %d are allowed", page.name, len(made), page.limit)
		}
		if page.embedded != nil && !bytes.Equal(made, page.embedded) {
			t.Errorf("dist/%s is not what its sources give: type make page, and commit it", page.name)
		}
	}
}

// TestPageParts: amounts, files, links and results, without a browser.
func TestPageParts(t *testing.T) {
	node, root := toolsOf(t)
	dir := t.TempDir()
	run(t, root, nil, filepath.Join(root, "node_modules", ".bin", "esbuild"), "src/page/page.test.ts", "--bundle", "--platform=node", "--format=esm", "--log-level=warning", "--outfile="+filepath.Join(dir, "page.test.mjs"))
	run(t, dir, []string{"VECTORS=" + filepath.Join(root, "..", "..", "verifier", "vectors")}, node, "--test")
}

// TestPageInABrowser: in a real Chromium, from a file and without a network, a customer checks proofs of every kind of fault and gets the right one of four
// results; by the keyboard alone, light and dark, on a narrow screen. Nothing is ever asked of anybody. testdata/page.mjs is what is done.
func TestPageInABrowser(t *testing.T) {
	node, root := toolsOf(t)
	modules := filepath.Join(root, "..", "..", "build", "npm", "node_modules")
	for _, name := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skipf("no %s: install npm and type: make judges", name)
		}
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium: on Debian type: sudo apt-get install -y --no-install-recommends chromium")
	}
	dir := builtPage(t)
	t.Logf("%s", run(t, dir, []string{"CHROMIUM=" + chromium, "MODULES=" + modules, "PAGES=" + dir, "VECTORS=" + filepath.Join(root, "..", "..", "verifier", "vectors"),
		"SHOTS=" + filepath.Join(root, "..", "..", "build", "screenshots")}, node, filepath.Join(root, "testdata", "page.mjs")))
}
