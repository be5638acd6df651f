package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTypeScript: the client of ts/ compiles, and judges the verifier's vectors as the verifier does. cmd/assay has it ask a server.
func TestTypeScript(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tsc := filepath.Join(root, "build", "npm", "node_modules", ".bin", "tsc")
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(tsc); missing != nil || err != nil {
		t.Skip("no TypeScript compiler, or no node to run what it makes: install npm and type: make judges")
	}
	dir := t.TempDir()
	compile := exec.CommandContext(t.Context(), tsc, "--strict", "--noUnusedLocals", "--noImplicitReturns", "--target", "es2022", "--module", "es2022",
		"--lib", "es2023,dom,dom.iterable", "--outDir", dir, filepath.Join(root, "web", "client", "ts", "assay-client.ts"))
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, from := range map[string]string{"package.json": "", "client.test.mjs": filepath.Join("ts", "client.test.mjs")} {
		text := []byte(`{"type":"module"}`)
		if from != "" {
			if text, err = os.ReadFile(from); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.CommandContext(t.Context(), node, "--test")
	run.Dir, run.Env = dir, append(os.Environ(), "VECTORS="+filepath.Join(root, "verifier", "vectors", "response"))
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
