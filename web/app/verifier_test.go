package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	run(root, filepath.Join(bin, "tsc"), "-p", ".")
	sources, err := filepath.Glob(filepath.Join(root, "src", "verifier", "*.test.ts"))
	if err != nil || len(sources) == 0 {
		t.Fatal("no tests in src/verifier")
	}
	dir := t.TempDir()
	run(root, filepath.Join(bin, "esbuild"), append(sources, "--bundle", "--platform=node", "--format=esm", "--out-extension:.js=.mjs", "--log-level=warning", "--outdir="+dir)...)
	out := run(dir, node, "--test", "--test-reporter=tap")
	for _, said := range regexp.MustCompile(`(?m)^\s*# (?:judged|not judged|tests|pass) .*`).FindAll(out, -1) {
		t.Logf("%s", said)
	}
}
