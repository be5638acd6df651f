package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/report"
)

// witnessOf runs a witness of a log, as a process in a folder of its own, and returns that, the lines for the exchange's assay.toml, and the
// file that its stderr goes to.
func witnessOf(t *testing.T, assay, log string) (home, lines, stderr string) {
	t.Helper()
	home = t.TempDir()
	recipient, err := identityFile(home)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "assay.toml"), []byte("[witness]\nname = \"witness.example\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := after(t, must(t, home, assay, "witness", "init", "--recipient", recipient), "verifier key: ")
	url, stderr := serving(t, home, assay, opened("witness", "run", "--listen", "127.0.0.1:0", "--log", log)...)
	return home, fmt.Sprintf("witnesses = [{ key = %q, url = %q }]\nquorum = 1\n", key, url), stderr
}

// after is the rest of the line that has such a beginning.
func after(t *testing.T, text, start string) string {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(line, start); ok {
			return rest
		}
	}
	t.Fatalf("no line begins with %q:\n%s", start, text)
	return ""
}

// signedPlace is a workplace with a log and a witness, and a statement that is signed and not published.
func signedPlace(t *testing.T, assay string, customers int) string {
	t.Helper()
	dir := workplace(t, assay, customers)
	appendTo(t, filepath.Join(dir, "assay.toml"), "[log]\norigin = \"exchange.example/log\"\n")
	_, lines, _ := witnessOf(t, assay, after(t, must(t, dir, assay, "log", "init"), "verifier key: "))
	appendTo(t, filepath.Join(dir, "assay.toml"), lines)
	for _, stage := range []string{"build", "reserves", "sign"} {
		if code, _, stderr := call(t, dir, assay, stage); code != exitDone {
			t.Fatalf("assay %s: exit %d: %s", stage, code, stderr)
		}
	}
	return dir
}

func isThere(elem ...string) bool {
	_, err := os.Stat(filepath.Join(elem...))
	return err == nil
}

func entriesOf(t *testing.T, assay, dir string) int {
	t.Helper()
	code, stdout, stderr := call(t, dir, assay, "log", "show")
	if code != exitDone {
		t.Fatalf("log show: exit %d: %s", code, stderr)
	}
	return strings.Count(stdout, "\n#")
}

// TestX11_PublishKilled: a stage that is killed at any moment leaves a bundle with both of its attachments or with neither, and the
// log holds the entry once.
func TestX11_PublishKilled(t *testing.T) {
	assay, _ := programs(t)
	dir := signedPlace(t, assay, 20)
	moments := rand.New(rand.NewPCG(3, 4))
	for round := range 12 {
		for _, gone := range []string{"run/attachments", "bundle/attachments"} { // as before it was published; the log keeps what it has
			if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(moments.IntN(1200))*time.Millisecond)
		cmd := exec.CommandContext(ctx, assay, "publish", "--quiet")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
		_ = cmd.Run() // killed, or done
		cancel()
		if e, p := isThere(dir, "bundle", report.PathEntry), isThere(dir, "bundle", report.PathLogProof); e != p {
			t.Fatalf("round %d: entry %v, proof %v", round, e, p)
		}
		if n := entriesOf(t, assay, dir); n > 1 {
			t.Fatalf("round %d: the log holds %d entries", round, n)
		}
	}
	if code, _, stderr := call(t, dir, assay, "publish"); code != exitDone {
		t.Fatalf("after the kills: exit %d: %s", code, stderr)
	}
	if n := entriesOf(t, assay, dir); n != 1 {
		t.Errorf("the log holds %d entries", n)
	}
	for _, path := range []string{report.PathEntry, report.PathLogProof} {
		if read(t, dir, "bundle", path) != read(t, dir, "run", path) {
			t.Errorf("%s of the bundle is not the run's", path)
		}
	}
	zip := read(t, dir, "bundle.zip")
	if code, _, stderr := call(t, dir, assay, "sign"); code != exitDone || read(t, dir, "bundle.zip") != zip {
		t.Errorf("the zip was not that of the folder, or exit %d: %s", code, stderr)
	}
	for _, left := range leftovers(t, filepath.Join(dir, "bundle")) {
		t.Errorf("left over: %s", left)
	}
}

// TestX12_HalfPublished: an entry without its proof, or a proof without its entry, is published by no stage; the next one makes it whole.
func TestX12_HalfPublished(t *testing.T) {
	assay, _ := programs(t)
	dir := signedPlace(t, assay, 20)
	for _, half := range []string{report.PathEntry, report.PathLogProof} {
		if code, _, stderr := call(t, dir, assay, "publish"); code != exitDone {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		if err := os.Remove(filepath.Join(dir, "run", half)); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := call(t, dir, assay, "sign"); code != exitDone {
			t.Fatalf("without %s: exit %d: %s", half, code, stderr)
		}
		if isThere(dir, "bundle", report.PathEntry) || isThere(dir, "bundle", report.PathLogProof) || strings.Contains(read(t, dir, "report", "index.html"), "Published in the log") {
			t.Errorf("half of it was published without %s", half)
		}
	}
	if code, _, stderr := call(t, dir, assay, "run"); code != exitDone || !isThere(dir, "bundle", report.PathLogProof) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	// A proof of something else is not shown to anybody; publish makes the right one anew.
	proof := filepath.Join(dir, "run", report.PathLogProof)
	good := read(t, proof)
	if err := os.WriteFile(proof, []byte(strings.Replace(good, "\nindex 0\n", "\nindex 1\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "sign"); code != exitUnreadable || !strings.Contains(stderr, "assay publish makes it anew") {
		t.Errorf("a spoilt proof: exit %d: %s", code, stderr)
	}
	if code, _, stderr := call(t, dir, assay, "publish"); code != exitDone || !strings.Contains(read(t, proof), "\nindex 0\n") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestC01_PublishedAtOnce: of two statements for one place, published at the same moment, the log takes one.
func TestC01_PublishedAtOnce(t *testing.T) {
	assay, _ := programs(t)
	dir := signedPlace(t, assay, 20)
	config := strings.Replace(read(t, dir, "assay.toml"), `"spot"`, `"spot", "earn"`, 1)
	if err := os.WriteFile(filepath.Join(dir, "second.toml"), []byte(config+"[run]\ndir = \"run2\"\n[bundle]\ndir = \"bundle2\"\nzip = \"bundle2.zip\"\nreport = \"report2\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"snapshot", "build", "reserves", "sign"} {
		if code, _, stderr := call(t, dir, assay, stage, "--config", "second.toml"); code != exitDone {
			t.Fatalf("assay %s: exit %d: %s", stage, code, stderr)
		}
	}
	var both sync.WaitGroup
	codes, said := [2]int{}, [2]string{}
	for i, config := range []string{"assay.toml", "second.toml"} {
		both.Go(func() { codes[i], _, said[i] = call(t, dir, assay, "publish", "--config", config) })
	}
	both.Wait()
	refusedOne := codes[0]
	if codes[0] == exitDone {
		refusedOne = codes[1]
	}
	if codes[0] == codes[1] || refusedOne != exitRefused || !strings.Contains(said[0]+said[1], "number 0 does not follow it") {
		t.Errorf("exits %v: %q", codes, said)
	}
	if n := entriesOf(t, assay, dir); n != 1 {
		t.Errorf("the log holds %d entries", n)
	}
}
