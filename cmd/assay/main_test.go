package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"assay": main})
}

// verifier builds assay-verify for the scripts that hand it what assay made: the two meet here and nowhere else.
func verifier(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "assay-verify"), "github.com/assay-por/assay/cmd/assay-verify").CombinedOutput()
	if err != nil {
		t.Fatalf("building assay-verify: %v\n%s", err, out)
	}
	return dir
}

// TestScripts runs every verb as a user would, without a chain: registries without tokens need none.
func TestScripts(t *testing.T) {
	bin := verifier(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ASSAY_PASSPHRASE", "correct horse")
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
		RequireExplicitExec: true,
	})
}
