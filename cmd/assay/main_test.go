package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"
)

// builtIn is the folder of what built made, if it was asked to.
var builtIn string

// built are both commands, built once for all tests; assay-verify meets what assay made here and nowhere else.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "assay-test-*")
	if err != nil {
		return "", err
	}
	builtIn = dir
	if out, err := exec.Command("go", "build", "-o", dir, ".", "../assay-verify").CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// tidy runs the tests and removes what built made.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	if builtIn != "" && os.RemoveAll(builtIn) != nil && code == 0 {
		code = 1
	}
	return code
}

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"assay": main})
}

// programs are the paths of both commands.
func programs(t *testing.T) (assay, verify string) {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "assay"), filepath.Join(dir, "assay-verify")
}

// identityFile writes a new age identity into a folder and returns its recipient.
func identityFile(dir string) (recipient string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	return id.Recipient().String(), os.WriteFile(filepath.Join(dir, "id.txt"), []byte(id.String()+"\n"), 0o600)
}

// TestScripts runs every verb as a user would, without a chain: registries without tokens need none.
func TestScripts(t *testing.T) {
	_, verify := programs(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ASSAY_PASSPHRASE", "correct horse")
			id, err := identityFile(env.WorkDir)
			if err != nil {
				return err
			}
			env.Setenv("RECIPIENT", id) // keys sealed to it open with --identity-file id.txt, and faster than with a passphrase
			env.Setenv("PATH", env.Getenv("PATH")+string(os.PathListSeparator)+filepath.Dir(verify))
			return nil
		},
		RequireExplicitExec: true,
	})
}
