package respsig

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What a program of others signed in our form, by RFC 9421 alone, is taken (testdata/outside.py made the file).
func TestOutside_Signed(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "made.json"))
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Keys, Receipt string }
	if err := json.Unmarshal(raw, &made); err != nil {
		t.Fatal(err)
	}
	if err := verified([]byte(made.Receipt), []byte(made.Keys)); err != nil {
		t.Error(err)
	}
	other := strings.Replace(made.Receipt, "a%2Fb", "a/b", 1)
	if err := verified([]byte(other), []byte(made.Keys)); err == nil {
		t.Error("a path that was decoded was taken")
	}
}

// That program takes every happy vector. ASSAY_PYTHON is a Python that has it (pip install http-message-signatures).
func TestOutside_Vectors(t *testing.T) {
	python := os.Getenv("ASSAY_PYTHON")
	if python == "" {
		t.Skip("make test-security names a Python with http-message-signatures, and runs this")
	}
	out, err := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "outside.py"), "verify", filepath.Join("..", "vectors", "response")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	happy, err := filepath.Glob(filepath.Join("..", "vectors", "response", "happy-*.json"))
	if got := strings.TrimSpace(string(out)); err != nil || len(happy) == 0 || got != strconv.Itoa(len(happy)) {
		t.Errorf("it took %s of %d vectors, %v", got, len(happy), err)
	}
}
