package app

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpinion_Runtime: what the module in WebAssembly needs around it is that of the Go which builds it.
func TestOpinion_Runtime(t *testing.T) {
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("no go: %v", err)
	}
	want, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		t.Skip(err) // some distributions leave it out
	}
	got, err := os.ReadFile(filepath.Join("src", "wasm_exec.js"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("src/wasm_exec.js is not that of this Go: copy it from $(go env GOROOT)/lib/wasm")
	}
}

// TestOpinion_Base85: bytes are packed into text that HTML takes as it is.
func TestOpinion_Base85(t *testing.T) {
	node, root := toolsOf(t)
	test := filepath.Join(t.TempDir(), "base85.test.mjs")
	run(t, root, nil, filepath.Join(root, "node_modules", ".bin", "esbuild"), "src/base85.test.ts", "--bundle", "--platform=node", "--format=esm", "--log-level=warning", "--outfile="+test)
	run(t, root, nil, node, "--test", test)
}
