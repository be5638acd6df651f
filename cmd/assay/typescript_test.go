package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTypeScript: the client in web/client/ts compiles, judges the verifier's vectors as the verifier does, and asks a served exchange.
func TestTypeScript(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tsc, sources := filepath.Join(root, "build", "npm", "node_modules", ".bin", "tsc"), filepath.Join(root, "web", "client", "ts")
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(tsc); missing != nil || err != nil {
		t.Skip("no TypeScript compiler, or no node to run what it makes: install npm and type: make judges")
	}
	dir := t.TempDir()
	compile := exec.CommandContext(t.Context(), tsc, "--strict", "--noUnusedLocals", "--noImplicitReturns", "--target", "es2022", "--module", "es2022",
		"--lib", "es2023,dom,dom.iterable", "--outDir", dir, filepath.Join(sources, "assay-client.ts"))
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, text := range map[string]string{"package.json": `{"type":"module"}`, "client.test.mjs": read(t, sources, "client.test.mjs")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := overTLS(t)
	run := exec.CommandContext(t.Context(), node, "--test")
	run.Dir, run.Env = dir, append(os.Environ(), "VECTORS="+filepath.Join(root, "verifier", "vectors", "response"),
		"SERVER="+s.url, "KEY="+strings.TrimSpace(read(t, s.dir, "keys", "statement.pub")), "NODE_EXTRA_CA_CERTS="+filepath.Join(s.dir, "cert.pem"), "WEBHOOK="+s.webhook(t))
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
