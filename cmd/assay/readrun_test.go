package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/assay-por/assay/report"
)

// proveReading makes a proof and archives of a run that nobody can write to, by a command that may run as somebody else.
func proveReading(t *testing.T, dir, verify, customer string, command func(args ...string) *exec.Cmd) {
	t.Helper()
	for _, args := range [][]string{
		{"prove", "--customer", customer, "--out", "out/p.json"}, {"prove", "--all", "--out", "out/proofs"}, {"prove", "--handles", "customers.txt"}, {"status"},
	} {
		cmd := command(opened(args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("assay %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "out", "policy.toml"), []byte(read(t, dir, "policy.toml")), 0o600); err != nil {
		t.Fatal(err)
	}
	mustCall(t, filepath.Join(dir, "out"), verify, "proof", "p.json", "--customer", customer, "--policy", "policy.toml", "--shard", "../bundle/liabilities")
}

// readable is a signed run in a folder that has room for what is made of it, in out.
func readable(t *testing.T, assay string) (dir string, customers []string) {
	t.Helper()
	dir, customers = signedRun(t, assay)
	if err := os.Remove(filepath.Join(dir, "run", ".lock")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "customers.txt"), []byte(customers[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, customers
}

// TestReadOnlyCopy: whoever serves proofs has a copy of the run that is theirs to read, and nothing more.
func TestReadOnlyCopy(t *testing.T) {
	assay, verify := programs(t)
	dir, customers := readable(t, assay)
	own := filepath.Join(dir, "assay") // where an ordinary user finds it
	if err := os.WriteFile(own, []byte(read(t, assay)), 0o700); err != nil {
		t.Fatal(err)
	}
	as := new(syscall.SysProcAttr)
	const nobody = 65534
	if os.Getuid() == 0 { // who may write whatever the mode
		as.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		for above := filepath.Dir(dir); above != "/" && above != os.TempDir(); above = filepath.Dir(above) {
			if err := os.Chmod(above, 0o711); err != nil {
				t.Fatal(err)
			}
		}
	}
	var folders []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && as.Credential != nil {
			err = os.Lchown(path, nobody, nobody)
		}
		if rel, _ := filepath.Rel(dir, path); err != nil || rel != "run" && !strings.HasPrefix(rel, "run/") {
			return err
		}
		if entry.IsDir() {
			folders = append(folders, path)
			return os.Chmod(path, 0o500)
		}
		return os.Chmod(path, 0o400)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, folder := range folders {
			if err := os.Chmod(folder, 0o700); err != nil { // so that it can be removed
				t.Error(err)
			}
		}
	})
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(own, args...)
		cmd.SysProcAttr = as
		return cmd
	}
	proveReading(t, dir, verify, customers[0], command)
	cmd := command(opened("build", "--again")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "permission denied") {
		t.Errorf("who builds needs to write: %v: %s", err, out)
	}
}

// TestReadOnlyMount: nor does the superuser need to write.
func TestReadOnlyMount(t *testing.T) {
	assay, verify := programs(t)
	dir, customers := readable(t, assay)
	run := filepath.Join(dir, "run")
	mount := exec.Command("mount", "--bind", run, run)
	if out, err := mount.CombinedOutput(); err != nil {
		t.Skipf("skipped: a folder cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", run).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	if out, err := exec.Command("mount", "-o", "remount,bind,ro", run).CombinedOutput(); err != nil {
		t.Skipf("skipped: a folder cannot be mounted read-only here: %v: %s", err, out)
	}
	proveReading(t, dir, verify, customers[0], func(args ...string) *exec.Cmd { return exec.Command(assay, args...) })
	expect(t, dir, assay, exitUnreadable, "read-only file system", opened("build", "--again")...)
}

// TestX11_ProveWhileBuilding: a proof that is made while another assay builds in the same directory is right, or refused.
func TestX11_ProveWhileBuilding(t *testing.T) {
	for name, run := range map[string]string{"plain": inFourShards, "confidential": inFourHidden} {
		t.Run(name, func(t *testing.T) { proveWhileBuilding(t, run) })
	}
}

func proveWhileBuilding(t *testing.T, run string) {
	assay, verify := programs(t)
	dir, customers := signedRunOf(t, assay, 3000, run)
	one := opened("prove", "--customer", customers[7], "--out", "p.json")
	held, err := openRun(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, assay, one...)
	must(t, dir, assay, opened("prove", "--all", "--out", "proofs")...)
	must(t, dir, assay, "status")
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}

	// The ledger has grown, and its tree is built.
	before, list := read(t, dir, "run", fileBuild), read(t, dir, "run", published(report.PathShards))
	f, err := os.OpenFile(filepath.Join(dir, "ledger.csv"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("somebody new,BTC,1\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	kept := t.TempDir()
	if err := os.CopyFS(kept, os.DirFS(filepath.Join(dir, "run", "tree"))); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if code, _, stderr := call(t, dir, assay, opened("build", "--again")...); code != exitDone {
			t.Errorf("build: exit %d: %s", code, stderr)
		}
	}()
	for building := true; building; {
		select {
		case <-done:
			building = false
		default:
		}
		rightOrRefused(t, dir, assay, verify, customers[7])
	}
	expect(t, dir, assay, exitRefused, "the tree was built anew since the statement was signed", one...)

	// Every moment that a build can be killed at: the new tree's files stand beside the old one's, then the list is the new one's, then the
	// record is.
	if err := os.CopyFS(filepath.Join(dir, "run", "tree"), os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		list string
		code int
		says string
	}{
		{list, exitDone, ""},
		{read(t, dir, "run", published(report.PathShards)), exitRefused, "the tree was built anew since the statement was signed, or is being built"},
	} {
		for path, content := range map[string]string{fileBuild: before, published(report.PathShards): c.list} {
			if err := os.WriteFile(filepath.Join(dir, "run", path), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		rightOrRefused(t, dir, assay, verify, customers[7])
		code, _, stderr := call(t, dir, assay, opened("prove", "--all", "--out", "proofs", "--quiet", "--to", newAgeIdentity(t).Recipient().String())...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("exit %d, want %d and %q: %s", code, c.code, c.says, stderr)
		}
	}
}

// rightOrRefused makes a proof, and lets the customer's verifier judge it.
func rightOrRefused(t *testing.T, dir, assay, verify, customer string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "p.json")); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, dir, assay, opened("prove", "--customer", customer, "--out", "p.json")...)
	_, err := os.Stat(filepath.Join(dir, "p.json"))
	switch {
	case code == exitDone:
		mustCall(t, dir, verify, "proof", "p.json", "--customer", customer, "--policy", "policy.toml", "--shard", "bundle/liabilities")
	case !slices.Contains([]int{exitRefused, exitUnreadable}, code) || err == nil || strings.Count(strings.TrimSpace(stderr), "\n") > 1:
		t.Errorf("exit %d, not one clear sentence, or a proof all the same (%v): %s", code, err, stderr)
	}
}
