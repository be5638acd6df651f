package app

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// builtPage is a folder in which both pages and the widget were built from their sources.
func builtPage(t *testing.T) (dir string) {
	t.Helper()
	node, root := toolsOf(t)
	dir = t.TempDir()
	opinion := filepath.Join(dir, "opinion.txt")
	run(t, root, nil, node, "pack.mjs", opinion)
	t.Logf("%s", run(t, root, nil, node, "build.mjs", "--out", dir, "--opinion", opinion))
	t.Logf("%s", run(t, root, nil, node, "widget/build.mjs", "--out", dir))
	return dir
}

// mirrored are texts of English in a language that is written from right to left, with plurals that English has not.
func mirrored(t *testing.T, dir string) {
	t.Helper()
	var english, arabic map[string]string
	raw, err := os.ReadFile("../words/en/page.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &english); err != nil {
		t.Fatal(err)
	}
	arabic = map[string]string{}
	for key, text := range english {
		arabic[key] = "ء " + text
		if name, found := strings.CutSuffix(key, "#other"); found {
			arabic[name+"#two"] = "ء two: " + text
		}
	}
	for language, texts := range map[string]map[string]string{"en": english, "ar": arabic} {
		raw, err := json.Marshal(texts)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, language), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, language, "page.json"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPage: the page is built from its sources, and then looked at.
func TestPage(t *testing.T) {
	dir := builtPage(t)
	t.Run("Kept", func(t *testing.T) { kept(t, dir) })
	t.Run("Browser", func(t *testing.T) { inBrowser(t, dir) })
}

// kept: what is embedded is what the sources give, byte for byte, and as small as it is to be.
func kept(t *testing.T, dir string) {
	for _, page := range []struct {
		name     string
		embedded []byte
		limit    int
	}{{"verify.html", Page(), 2_000_000}, {"verify-small.html", Small(), 250_000}, {"widget.js", Widget(), 100_000}} {
		made, err := os.ReadFile(filepath.Join(dir, page.name))
		if err != nil {
			t.Fatal(err)
		}
		if len(made) >= page.limit {
			t.Errorf("%s has %d bytes; fewer than %d are allowed", page.name, len(made), page.limit)
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

// TestPageTexts: every text that the page names is there in English, and every text that is there is named.
func TestPageTexts(t *testing.T) {
	var texts map[string]string
	raw, err := os.ReadFile("../words/en/page.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("src/page/*.ts")
	if err != nil {
		t.Fatal(err)
	}
	literal, begun, key := regexp.MustCompile(`(?:say|rich|count|NotTaken|refuse)\("([\w.-]+)"`), regexp.MustCompile("`([a-z]+\\.)(?:[\\w.]*)\\$\\{"), regexp.MustCompile(`"([a-z]+(?:\.[a-z]+)+)"`)
	named, prefixes := map[string]bool{}, map[string]bool{}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(source, ".test.ts") {
			continue
		}
		for _, m := range literal.FindAllSubmatch(text, -1) {
			named[string(m[1])] = true
			if texts[string(m[1])] == "" && texts[string(m[1])+"#other"] == "" {
				t.Errorf("%s names a text that is not there: %s", source, m[1])
			}
		}
		for _, m := range key.FindAllSubmatch(text, -1) {
			named[string(m[1])] = true
		}
		for _, m := range begun.FindAllSubmatch(text, -1) {
			prefixes[string(m[1])] = true
		}
	}
	for one := range texts {
		name, _, _ := strings.Cut(one, "#")
		prefix, _, _ := strings.Cut(name, ".")
		if !named[name] && !prefixes[prefix+"."] {
			t.Errorf("nothing names %s", one)
		}
	}
}

// TestPageLicences: whoever is given the page is told whose work is in it, and under which licence.
func TestPageLicences(t *testing.T) {
	told, err := os.ReadFile("src/page/licences.txt")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var of struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(raw, &of); err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "../../cmd/verify-wasm")
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	modules, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(of.Dependencies) == 0 || len(modules) == 0 {
		t.Fatal("no dependencies are known")
	}
	for _, name := range append(slices.Collect(maps.Keys(of.Dependencies)), strings.Fields(string(modules))...) {
		name = strings.TrimPrefix(strings.TrimSuffix(name, "/v2"), "golang.org/")
		if short := path.Base(name); !bytes.Contains(told, []byte(name)) && !bytes.Contains(told, []byte(short)) {
			t.Errorf("src/page/licences.txt does not name %s", name)
		}
	}
}

// inBrowser: in a real Chromium, from a file and without a network, a customer checks proofs of every kind of fault and gets the right one of four results; by
// the keyboard alone, light and dark, on a narrow screen. Nothing is ever asked of anybody. testdata/page.mjs is what is done.
func inBrowser(t *testing.T, dir string) {
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
	run(t, root, nil, filepath.Join(root, "node_modules", ".bin", "esbuild"), "src/verifier/made.ts", "--bundle", "--platform=node", "--format=esm", "--log-level=warning", "--outfile="+filepath.Join(dir, "made.mjs"))
	words := t.TempDir()
	mirrored(t, words)
	run(t, root, nil, node, "build.mjs", "--out", filepath.Join(dir, "mirrored"), "--words", words)
	t.Logf("%s", run(t, dir, []string{"CHROMIUM=" + chromium, "MODULES=" + modules, "PAGES=" + dir, "VECTORS=" + filepath.Join(root, "..", "..", "verifier", "vectors"),
		"SHOTS=" + filepath.Join(root, "..", "..", "build", "screenshots")}, node, filepath.Join(root, "testdata", "page.mjs")))
}
