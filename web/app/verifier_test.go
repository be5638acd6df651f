package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTypeScriptVerifier: the verifier in src/verifier is well typed, and judges the vectors of verifier/vectors as they say. Its tests are the files *.test.ts beside it.
func TestTypeScriptVerifier(t *testing.T) {
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(root, "node_modules", ".bin")
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(filepath.Join(bin, "esbuild")); missing != nil || err != nil {
		t.Skip("no node, or none of what the page is built with: install npm and type: make page")
	}
	run := func(dir, name string, args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "VECTORS="+filepath.Join(root, "..", "..", "verifier", "vectors"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
		}
		return out
	}
	// What the programs read is looked at here too, so that a cached result never hides a change.
	for _, folder := range []string{".", "src", "src/verifier", "../../verifier/vectors/*"} {
		found, err := filepath.Glob(folder)
		for _, each := range found {
			if _, err := os.ReadDir(each); err != nil && filepath.Ext(each) == "" {
				t.Fatal(err)
			}
		}
		if err != nil || len(found) == 0 {
			t.Fatalf("nothing in %s", folder)
		}
	}
	run(root, filepath.Join(bin, "tsc"), "-p", ".")
	sources, err := filepath.Glob(filepath.Join(root, "src", "verifier", "*.test.ts"))
	if err != nil || len(sources) == 0 {
		t.Fatal("no tests in src/verifier")
	}
	dir := t.TempDir()
	run(root, filepath.Join(bin, "esbuild"), append(sources, "--bundle", "--platform=node", "--format=esm", "--out-extension:.js=.mjs", "--log-level=warning", "--outdir="+dir)...)
	out := run(dir, node, "--test", "--test-reporter=tap")
	for _, said := range regexp.MustCompile(`(?m)^\s*# (?:judged|not judged|tests|pass)\b.*`).FindAll(out, -1) {
		t.Logf("%s", said)
	}
}

// TestVerifierIsPure: what judges a proof reads no clock, network, storage or page, draws nothing at random, and imports its neighbours and the libraries that hash, sign and read TOML.
func TestVerifierIsPure(t *testing.T) {
	forTests := []string{"made.ts", "vectors.ts"}
	outside := regexp.MustCompile(`(?:^|[^.\w])(?:(?:window|document|navigator|globalThis|self|performance|crypto|process|caches)\.|(?:fetch|XMLHttpRequest|WebSocket|EventSource|Worker|setTimeout|setInterval|localStorage|sessionStorage|indexedDB)\b)|Date\.now|new Date\(\)|Math\.random|\bimport\(|\beval\b|new Function`)
	imports := regexp.MustCompile(`(?s)\b(?:import|export)\s[^;"]*?from\s+"([^"]+)"`)
	allowed := regexp.MustCompile(`^(?:\./[a-z]+\.ts|\.\./verdict\.ts|@noble/(?:curves|hashes)/[a-z0-9/-]+\.js|smol-toml)$`)
	sources, err := filepath.Glob(filepath.Join("src", "verifier", "*.ts"))
	if err != nil || len(sources) < 20 {
		t.Fatalf("%d sources of the verifier: %v", len(sources), err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, ".test.ts") || slices.Contains(forTests, filepath.Base(name)) {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := outside.Find(source); found != nil {
			t.Errorf("%s: %q reaches outside of what it was given", name, found)
		}
		for _, found := range imports.FindAllSubmatch(source, -1) {
			if path := string(found[1]); !allowed.MatchString(path) || slices.Contains(forTests, strings.TrimPrefix(path, "./")) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
