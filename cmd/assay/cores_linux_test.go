package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
)

// aborted starts a command where cores may be as large as they like, calls with its process, and aborts it.
func aborted(t *testing.T, dir string, started func(pid int), args ...string) syscall.WaitStatus {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", `ulimit -c unlimited; exec "$@"`, "sh"}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOTRACEBACK=crash") // without it Go ends in a core for nobody
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started(cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Fatalf("it ended with %v", err)
	}
	status := exit.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGABRT {
		t.Fatalf("it ended with %v, not by SIGABRT", status)
	}
	return status
}

// fifo is a pipe by name in dir: who opens it to write knows that somebody reads.
func fifo(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestI10_NoCores: a command that holds keys leaves nothing of them behind when it is killed.
func TestI10_NoCores(t *testing.T) {
	assay, _ := programs(t)
	dir := t.TempDir()
	pipe := fifo(t, dir)
	var writer *os.File
	reached := func(int) {
		var err error
		if writer, err = os.OpenFile(pipe, os.O_WRONLY, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = writer.Close() })
	}
	limits := regexp.MustCompile(`(?m)^Max core file size +0 +0 +bytes`)
	status := aborted(t, dir, func(pid int) {
		reached(pid) // it waits for its passphrase now
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "limits"))
		if err != nil || !limits.Match(raw) {
			t.Errorf("its limits are %s, %v, want no cores", raw, err)
		}
	}, assay, "keys", "new", "k.age", "--passphrase-file", pipe)
	if status.CoreDump() {
		t.Error("it left a core")
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left are %v, %v, want the pipe alone", files, err)
	}
	// The same, of a program that does not mind.
	other := t.TempDir()
	pipe = fifo(t, other)
	if status := aborted(t, other, reached, "cat", pipe); !status.CoreDump() {
		t.Log("this system makes no cores at all: that none was made shows nothing here, the limits do")
	}
}
