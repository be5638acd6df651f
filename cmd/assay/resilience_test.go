package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
)

const offlineConfig = `[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot"]
[ledger]
files = ["ledger.csv"]
[[asset]]
id = "BTC"
decimals = 8
[[asset]]
id = "ETH"
decimals = 18
`

// workplace is a folder with keys, a ledger, and a snapshot that was taken.
func workplace(t *testing.T, assay string, customers int) string {
	t.Helper()
	return workplaceOf(t, assay, customers, "")
}

// workplaceOf is a workplace with more in its configuration.
func workplaceOf(t *testing.T, assay string, customers int, more string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(offlineConfig+more), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init"},
		{"ledger", "synth", "--customers", fmt.Sprint(customers), "--held", "2", "--out", "ledger.csv"},
		{"snapshot"},
	} {
		if code, _, stderr := call(t, dir, assay, args...); code != exitDone {
			t.Fatalf("assay %s: exit %d: %s", strings.Join(args, " "), code, stderr)
		}
	}
	return dir
}

// call runs a program in dir and returns its exit code and what it printed.
func call(t *testing.T, dir, program string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A run that is killed at any moment goes on where it was, and ends with the statement that an undisturbed one gives. Proofs of a confidential tree are made with
// fresh randomness: the statement then says the same of another manifest.
func TestX11_KilledAtAnyMoment(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		calm, dir := killedAtAnyMoment(t, "[run]\nkind = \"plain\"\n")
		for _, file := range []string{"run/draft.json", "bundle/statement.dsse.json", "bundle/manifest.json", "bundle.zip"} {
			if read(t, dir, file) != read(t, calm, file) {
				t.Errorf("%s differs from that of the undisturbed run", file)
			}
		}
	})
	t.Run("confidential", func(t *testing.T) {
		calm, dir := killedAtAnyMoment(t, "")
		if diff := cmp.Diff(statedBy(t, calm), statedBy(t, dir)); diff != "" {
			t.Errorf("the statement says something else than that of the undisturbed run: %s", diff)
		}
	})
}

// statedBy is what the signed statement of a folder says, but which manifest it is about.
func statedBy(t *testing.T, dir string) string {
	t.Helper()
	signed, err := report.Read([]byte(read(t, dir, "bundle", report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(signed.Statement.Predicate)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// killedAtAnyMoment is a run that was not disturbed, and one that was, under such lines of [run].
func killedAtAnyMoment(t *testing.T, lines string) (calm, dir string) {
	t.Helper()
	assay, verify := programs(t)
	dir = workplaceOf(t, assay, 20_000, lines)
	calm = t.TempDir()
	if err := os.CopyFS(calm, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, calm, assay, "run"); code != exitDone {
		t.Fatalf("the undisturbed run: exit %d: %s", code, stderr)
	}
	// Both are drawn up at one moment; all else of the statement is made anew.
	if err := os.WriteFile(filepath.Join(dir, "run", "moment.json"), []byte(read(t, calm, "run", "moment.json")), 0o600); err != nil {
		t.Fatal(err)
	}
	moments := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(moments.IntN(1500))*time.Millisecond)
		cmd := exec.CommandContext(ctx, assay, "run", "--quiet")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
		_ = cmd.Run() // killed, or done
		cancel()
		if _, err := os.Stat(filepath.Join(dir, "bundle", "manifest.json")); err == nil {
			if code, stdout, _ := call(t, dir, verify, "bundle", "bundle", "--policy", "policy.toml"); code != 0 {
				t.Fatalf("a killed run left a bundle that does not verify:\n%s", stdout)
			}
		}
	}
	if code, _, stderr := call(t, dir, assay, "run"); code != exitDone {
		t.Fatalf("the run after the kills: exit %d: %s", code, stderr)
	}
	for _, left := range leftovers(t, dir) {
		t.Errorf("left over: %s", left)
	}
	return calm, dir
}

// TestX11_LeftHalfWritten: what a kill left beside a file goes when the file is written; what lies there of others stays.
func TestX11_LeftHalfWritten(t *testing.T) {
	run, err := openRun(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	for _, name := range []string{".a.json123", ".b.json45"} {
		if err := os.WriteFile(run.join(name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.write("a.json", []byte("whole")); err != nil || read(t, run.join("a.json")) != "whole" {
		t.Error(err)
	}
	if run.has(".a.json123") || !run.has(".b.json45") || !run.has(".lock") {
		t.Errorf("left over: %v", leftovers(t, run.path))
	}
}

// leftovers are files that a reader of the folder would wonder about.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if name := d.Name(); err == nil && strings.HasPrefix(name, ".") && name != ".lock" {
			found = append(found, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A full disk ends the run in one sentence; what was there stays, and with room again the run goes on.
func TestX11_FullDisk(t *testing.T) {
	assay, verify := programs(t)
	dir := workplace(t, assay, 20_000)
	// The shell's limit on a file's size stands in for the disk's: both fail a write half-way.
	code, _, stderr := call(t, dir, "sh", "-c", "ulimit -f 64; exec "+assay+" run --quiet")
	if code != exitRefused && code != exitUnreadable {
		t.Errorf("exit %d, want %d or %d; stderr: %s", code, exitRefused, exitUnreadable, stderr)
	}
	if !strings.Contains(stderr, "file too large") || strings.Count(strings.TrimSpace(stderr), "\n") > 1 {
		t.Errorf("stderr is not one clear sentence: %s", stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "bundle")); err == nil {
		t.Error("half a bundle is there")
	}
	if code, _, stderr := call(t, dir, assay, "run"); code != exitDone {
		t.Fatalf("with room again: exit %d: %s", code, stderr)
	}
	before := read(t, dir, "bundle", "statement.dsse.json")
	if code, _, _ := call(t, dir, "sh", "-c", "rm -rf report; ulimit -f 8; exec "+assay+" run --quiet"); code == exitDone {
		t.Error("a second run with a full disk did not notice")
	}
	if read(t, dir, "bundle", "statement.dsse.json") != before {
		t.Error("the former bundle was touched")
	}
	if code, stdout, _ := call(t, dir, verify, "bundle", "bundle", "--policy", "policy.toml"); code != 0 {
		t.Errorf("the former bundle does not verify any more:\n%s", stdout)
	}
}

// Two runs in one directory: the second is refused at once.
func TestX11_SecondRunBesideTheFirst(t *testing.T) {
	assay, _ := programs(t)
	dir := workplace(t, assay, 10)
	first, err := openRun(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, dir, assay, "run")
	if code != exitRefused || !strings.Contains(stderr, "another assay is at work in") {
		t.Errorf("exit %d, stderr %q; want %d and a refusal", code, stderr, exitRefused)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "run"); code != exitDone {
		t.Errorf("after the first ended: exit %d: %s", code, stderr)
	}
}

// Nothing that a run prints or publishes holds a customer's id, and no log holds a balance.
func TestI11_NoCustomerInPublicFiles(t *testing.T) {
	assay, _ := programs(t)
	dir := workplace(t, assay, 200)
	code, stdout, stderr := call(t, dir, assay, "run")
	if code != exitDone {
		t.Fatal(stderr)
	}
	ids := map[string]bool{}
	for _, line := range strings.Split(read(t, dir, "ledger.csv"), "\n")[1:] {
		if id, _, ok := strings.Cut(line, ","); ok {
			ids[id] = true
		}
	}
	if len(ids) != 200 {
		t.Fatalf("read %d customers of the ledger", len(ids))
	}
	public := stdout + stderr + read(t, dir, "bundle.zip") + read(t, dir, "report", "index.html") + read(t, dir, "policy.toml")
	sealed := read(t, dir, "run", "build.json")
	for _, path := range tree(t, filepath.Join(dir, "run", "tree")) {
		sealed += path
		if content, err := os.ReadFile(path); err == nil { // folders are none
			sealed += string(content)
		}
	}
	for id := range ids {
		if strings.Contains(public, id) || strings.Contains(sealed, id) {
			t.Fatal("a customer's id stands in a file that others see")
		}
	}
	code, stdout, stderr = call(t, dir, "sh", "-c", "sed -n 2p ledger.csv | cut -d, -f1 | exec "+assay+" prove --customer - --out proof.json")
	if code != exitDone {
		t.Fatal(stderr)
	}
	for id := range ids {
		if strings.Contains(stdout+stderr+read(t, dir, "proof.json"), id) {
			t.Fatal("a proof or what prove prints holds a customer's id")
		}
	}
}
