package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// small puts the server's database on a disk of a few megabytes.
func small(t *testing.T, s *proofServer) {
	t.Helper()
	dir := filepath.Join(s.dir, "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a disk of its own cannot be had here: mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s.write(t, "assay.toml", strings.Replace(read(t, s.dir, "assay.toml"), "[server]\n", "[server]\ndatabase = \"sqlite:small/assay.db\"\n", 1))
}

// filled fills the disk of a folder, and returns what frees it again.
func filled(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "others")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk: on a full disk nothing is done and nobody turned away, as it could not be put on record; what is public is answered, and
// once there is room all is as before, with nothing on record that was not done.
func TestFullDisk(t *testing.T) {
	d := newDoor(t, small)
	s := d.server
	doomed, service := s.create(t), s.create(t)
	ask := func(path, key string) (int, string) {
		t.Helper()
		got, problem, _ := doorSays(t, d.here, d.request(t, path, "Assay-Key", key))
		return got, problem
	}
	if got, problem := ask("/v1/proofs", service.Key); got != 200 {
		t.Fatalf("%d %s", got, problem)
	}
	free := filled(t, filepath.Join(s.dir, "small"))
	until(t, "the disk is full", func() bool {
		got, problem := ask("/v1/proofs?x="+doomed.Key, service.Key)
		return got == 503 && problem == "audit-unavailable"
	})
	if got, problem := ask("/v1/proofs", "x"); got != 503 || problem != "audit-unavailable" {
		t.Errorf("a denial without a record: %d %s", got, problem)
	}
	get(t, d.here, "/v1/reports")
	if code, _, stderr := call(t, s.dir, s.exchange.assay, "admin", "key", "revoke", service.ID); code == exitDone {
		t.Errorf("a key is revoked without a record: %s", stderr)
	}
	free()
	if got, problem := ask("/v1/proofs", "x"); got != 401 {
		t.Errorf("once there is room: %d %s", got, problem)
	}
	if got, problem := ask("/v1/proofs", service.Key); got != 200 {
		t.Errorf("a key that was not revoked: %d %s", got, problem)
	}
	if got, problem := ask("/v1/proofs", doomed.Key); got != 200 && got != 401 {
		t.Errorf("%d %s", got, problem)
	}
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, "audit", "verify")
	if !strings.Contains(stdout, "each chained to the one before") {
		t.Error(stdout)
	}
}
