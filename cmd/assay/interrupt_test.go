package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// interrupted runs assay in dir, sends it the signal when standard error says the word, and returns how it ended.
func interrupted(t *testing.T, dir, assay, word string, signal os.Signal, args ...string) (code int, stderr string) {
	t.Helper()
	cmd := exec.Command(assay, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	lines := bufio.NewReader(io.TeeReader(pipe, &said))
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, word) {
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // its code says how it ended
	return cmd.ProcessState.ExitCode(), said.String()
}

// TestX11_Interrupted: who stops a build by Ctrl-C, or as a service manager does, is told that the same command goes on; it does, and
// gives the tree that an undisturbed build gives.
func TestX11_Interrupted(t *testing.T) {
	assay, _ := programs(t)
	dir := workplace(t, assay, 300_000)
	calm := t.TempDir()
	if err := os.CopyFS(calm, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		code, stderr := interrupted(t, dir, assay, "reserves: ", signal, "run") // then the build begins
		const want = "assay: interrupted; what was finished is kept\nassay: hint: run the same command again to go on where it stopped\n"
		if code != exitRefused || !strings.HasSuffix(stderr, want) {
			t.Errorf("%v: exit %d, want %d; stderr: %s", signal, code, exitRefused, stderr)
		}
		if _, err := os.Stat(dir + "/run/build.json"); err == nil {
			t.Fatalf("%v: the build ended before it was stopped", signal)
		}
	}
	again, _ := mustCall(t, dir, assay, "build")
	if want, _ := mustCall(t, calm, assay, "build"); again != want {
		t.Errorf("the build that went on: %s, want %s", again, want)
	}
	if left := leftovers(t, dir); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}
