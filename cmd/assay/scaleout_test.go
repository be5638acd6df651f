package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/store/storetest"
	"github.com/assay-por/assay/report"
)

// scaled is a workplace whose tree has eight shards, and the tree that this process alone builds.
func scaled(t *testing.T, assay string, customers int) (dir, want string) {
	t.Helper()
	return scaledOf(t, assay, customers, eightShards)
}

const (
	eightShards = "[run]\nkind = \"plain\"\nshards = 8\n"
	eightHidden = "[run]\nkind = \"confidential\"\nshards = 8\n"
)

// scaledOf is scaled under other lines of [run].
func scaledOf(t *testing.T, assay string, customers int, run string) (dir, want string) {
	t.Helper()
	dir = workplaceOf(t, assay, customers, run)
	want, _ = mustCall(t, dir, assay, "build")
	return dir, want
}

// setConfig writes offlineConfig with more to it.
func setConfig(t *testing.T, dir, more string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(offlineConfig+more), 0o600); err != nil {
		t.Fatal(err)
	}
}

const queued = "[worker]\ndatabase = \"file:queue.url\"\n"

// A hand is a process of assay worker.
type hand struct {
	*exec.Cmd
	said *said
}

// startWorker starts assay worker in a folder. It is stopped at the end, unless it was killed.
func startWorker(t *testing.T, dir, assay string) hand {
	t.Helper()
	h := hand{exec.Command(assay, "worker"), new(said)}
	h.Dir, h.Stderr = dir, h.said
	h.Env = append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if h.ProcessState == nil {
			stopWorker(t, h)
		}
		if t.Failed() {
			t.Logf("a worker said:\n%s", h.said)
		}
	})
	return h
}

// stopWorker interrupts one that works, or waits for work: others may have done all before it could begin.
func stopWorker(t *testing.T, h hand) {
	t.Helper()
	waitFor(t, "at work", func() bool { return strings.Contains(h.said.String(), "waiting for tasks") })
	if err := errors.Join(h.Process.Signal(syscall.SIGINT), h.Wait()); err != nil {
		t.Errorf("a worker that was interrupted: %v", err)
	}
}

func killWorker(t *testing.T, h hand) {
	t.Helper()
	if err := h.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.Wait() // it was killed
}

// The same ledger gives the same root: on one core and on all, in rows of another order, out of Parquet, and by one, two or three
// workers.
func TestSameRootWhoeverBuilds(t *testing.T) {
	for name, run := range map[string]string{"plain": eightShards, "confidential": eightHidden} {
		t.Run(name, func(t *testing.T) { sameRoot(t, run) })
	}
}

func sameRoot(t *testing.T, run string) {
	p := startPostgres(t)
	assay, _ := programs(t)
	dir, want := scaledOf(t, assay, 20_000, run)
	if err := os.WriteFile(filepath.Join(dir, "queue.url"), []byte(p.url("", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(how string) {
		t.Helper()
		if got, _ := mustCall(t, dir, assay, "build", "--again"); got != want {
			t.Errorf("%s: %s, want %s", how, got, want)
		}
	}
	check("again")
	one := exec.Command(assay, "build", "--again")
	one.Dir, one.Env = dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse", "GOMAXPROCS=1")
	if got, err := one.Output(); err != nil || string(got) != want {
		t.Errorf("on one core: %s (%v), want %s", got, err, want)
	}
	for workers := 1; workers <= 3; workers++ {
		setConfig(t, dir, run+queued)
		var all []hand
		for range workers {
			all = append(all, startWorker(t, dir, assay))
		}
		check(fmt.Sprintf("%d workers", workers))
		for _, w := range all {
			stopWorker(t, w)
		}
	}
	setConfig(t, dir, run)
	rows := strings.SplitAfter(read(t, dir, "ledger.csv"), "\n")
	slices.Reverse(rows[1:])
	if err := os.WriteFile(filepath.Join(dir, "ledger.csv"), []byte(strings.Join(rows, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	check("rows reversed")
	mustCall(t, dir, assay, "ledger", "synth", "--customers", "20000", "--held", "2", "--out", "ledger.parquet")
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(strings.Replace(offlineConfig, "ledger.csv", "ledger.parquet", 1)+run), 0o600); err != nil {
		t.Fatal(err)
	}
	check("Parquet")
}

// TestX11_WorkersKilled: workers that are killed in the middle of each stage lose nothing, and what is done is not done again.
func TestX11_WorkersKilled(t *testing.T) {
	t.Run("plain", func(t *testing.T) { killWorkers(t, eightShards, 400_000) })
	t.Run("confidential", func(t *testing.T) { killWorkers(t, eightHidden, 100_000) })
}

func killWorkers(t *testing.T, run string, customers int) {
	p := startPostgres(t)
	assay, _ := programs(t)
	dir, want := scaledOf(t, assay, customers, run)
	if err := os.WriteFile(filepath.Join(dir, "queue.url"), []byte(p.url("", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	setConfig(t, dir, run+queued)
	first := startWorker(t, dir, assay)
	got := make(chan string, 1)
	go func() {
		code, stdout, stderr := call(t, dir, assay, "build", "--again")
		if code != exitDone {
			stdout += stderr
		}
		got <- stdout
	}()
	unfinished := func(pattern string) func() bool {
		return func() bool {
			found, err := filepath.Glob(filepath.Join(dir, "run", "tree", "*", pattern+"*.part"))
			return err == nil && len(found) > 0
		}
	}
	eagerly(t, unfinished("spools/*/"))
	killWorker(t, first)
	second := startWorker(t, dir, assay)
	eagerly(t, func() bool { return len(results(t, dir)) >= 2 && unfinished("shards/")() })
	killWorker(t, second)
	before := results(t, dir)
	startWorker(t, dir, assay)
	if stdout := <-got; stdout != want {
		t.Errorf("got %s, want %s", stdout, want)
	}
	after := results(t, dir)
	if len(after) != 8 || len(before) == 8 {
		t.Fatalf("%d shards were done when the worker was killed, %d at the end, want less than 8 and 8", len(before), len(after))
	}
	for name, when := range before {
		if after[name] != when {
			t.Errorf("%s was done again", name)
		}
	}
	var odd []string
	for _, path := range tree(t, filepath.Join(dir, "run")) {
		if strings.Contains(path, "spools") || strings.HasSuffix(path, ".part") || strings.Contains(path, "/order") || strings.Contains(path, "/tried") {
			odd = append(odd, path)
		}
	}
	if len(odd) > 0 {
		t.Errorf("it leaves %v", odd)
	}
}

// eagerly waits as waitFor does, but looks all the time.
func eagerly(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for five minutes")
		}
	}
}

// results are the shards that are done, and when each was.
func results(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "run", "tree", "*", "shard-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]time.Time{}
	for _, path := range found {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		done[filepath.Base(path)] = info.ModTime()
	}
	return done
}

// TestWorkersElsewhere: machines that share nothing but a bucket, a queue, the snapshot key and the ledger build one tree; and what is
// wrong with a ledger or a configuration comes back to who ordered it.
func TestWorkersElsewhere(t *testing.T) {
	for name, run := range map[string]string{"plain": eightShards, "confidential": eightHidden, "hidden totals": eightHidden + "totals = \"hidden\"\n"} {
		t.Run(name, func(t *testing.T) { workElsewhere(t, run) })
	}
}

func workElsewhere(t *testing.T, run string) {
	p, server := startPostgres(t), storetest.Start(t)
	assay, _ := programs(t)
	dir, want := scaledOf(t, assay, 5000, run)
	header, rows, _ := strings.Cut(read(t, dir, "ledger.csv"), "\n")
	middle := strings.Index(rows[len(rows)/2:], "\n") + len(rows)/2 + 1
	put(t, server, "ledger/1.csv", []byte(header+"\n"+rows[:middle]))
	put(t, server, "ledger/2.csv", []byte(header+"\n"+rows[middle:]))
	homes := []string{dir, t.TempDir(), t.TempDir()}
	for _, home := range homes {
		inBucket(t, home, server.Address, "s3://assay-test/of", "s3://assay-test/ledger/")
		config, err := os.OpenFile(filepath.Join(home, "assay.toml"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(read(t, home, "assay.toml"), "[run]\n", run, 1) + queued
		err = errors.Join(config.Truncate(0), func() error { _, err := config.WriteString(text); return err }(), config.Close(),
			os.WriteFile(filepath.Join(home, "queue.url"), []byte(p.url("", "")), 0o600))
		if home != dir {
			err = errors.Join(err, os.CopyFS(filepath.Join(home, "keys"), os.DirFS(filepath.Join(dir, "keys"))))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b := startWorker(t, homes[1], assay), startWorker(t, homes[2], assay)
	if got, _ := mustCall(t, dir, assay, "build", "--again"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if left, _ := filepath.Glob(filepath.Join(server.Folder, "of", "order", "*")); len(left) > 0 {
		t.Errorf("the order is left: %v", left)
	}
	put(t, server, "ledger/3.csv", []byte("customer,asset,balance\nSECRET,BTC,1\nSECRET,BTC,-7777\n"))
	code, _, stderr := call(t, dir, assay, "build", "--again")
	if diff := cmp.Diff("assay: error: scan #0: s3://assay-test/ledger/3.csv:3: column balance: is below zero: correct the ledger, or set negatives = \"exclude\"\n", stderr); code == exitDone || diff != "" {
		t.Errorf("exit %d: %s", code, diff)
	}
	stopWorker(t, a)
	stopWorker(t, b)
}

// A build that ended early leaves no order, and none of its files once another plan was built.
func TestBuild_LeavesNothingBehind(t *testing.T) {
	const plain = "[run]\nkind = \"plain\"\n" // whose shards cannot be empty
	assay, _ := programs(t)
	dir := workplaceOf(t, assay, 50, plain)
	setConfig(t, dir, plain+queued)
	if err := os.WriteFile(filepath.Join(dir, "queue.url"), []byte("postgres://u:p@127.0.0.1:1/x?sslmode=disable"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "build"); code != exitNetwork {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "run", "order")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the order is left: %v", err)
	}
	setConfig(t, dir, plain+"shards = 500\n")
	if code, _, stderr := call(t, dir, assay, "build"); code != exitRefused || !strings.Contains(stderr, "set run.shards to fewer") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	setConfig(t, dir, plain)
	mustCall(t, dir, assay, "build")
	if trees, err := filepath.Glob(filepath.Join(dir, "run", "tree", "*")); err != nil || len(trees) != 1 {
		t.Errorf("there are the trees %v, %v", trees, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "run", fileBegun)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", fileBegun, err)
	}
}

// A worker whose ledger was written anew, with the same rows, between two builds, fails the task that notices, and looks at it afresh.
func TestOrders_LedgerWrittenAnew(t *testing.T) {
	assay, _ := programs(t)
	dir := workplace(t, assay, 50)
	t.Setenv("ASSAY_PASSPHRASE", "correct horse")
	c, err := loadConfig(filepath.Join(dir, "assay.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s := &stages{ctx: t.Context(), app: new(app), config: c, run: &runDir{path: filepath.Join(dir, "run")}}
	var snap report.Snapshot
	in, err := openLedger(s.ctx, c)
	err = errors.Join(err, s.run.readJSON(fileSnapshot, "snapshot", &snap))
	if err != nil {
		t.Fatal(err)
	}
	derived, err := s.derivedKeys(snap)
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := keys.Recipient("file:" + s.run.join(fileShardKey))
	if err != nil {
		t.Fatal(err)
	}
	plan := in.worker(snap, derived, recipient, nil).Plan
	if err := s.placeOrder(s.ctx, plan); err != nil {
		t.Fatal(err)
	}
	key, err := s.openSnapshotKey()
	if err != nil {
		t.Fatal(err)
	}
	o := &orders{config: c, key: key}
	if _, err := o.workerOf(s.ctx, plan.ID()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "ledger.csv"), time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	task := build.Task{Plan: plan.ID(), Stage: "scan"}
	if err := o.do(s.ctx, task); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("got %v", err)
	}
	if err := o.do(s.ctx, task); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestX11_DiskFilledMeanwhile: others fill the disk while a tree is built. The build says so, and goes on once there is room again.
func TestX11_DiskFilledMeanwhile(t *testing.T) {
	assay, _ := programs(t)
	dir, want := scaled(t, assay, 400_000)
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=300m,mode=700", "tmpfs", small).CombinedOutput(); err != nil {
		t.Skipf("skipped: a small disk cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", small).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	if err := os.RemoveAll(filepath.Join(dir, "run", "tree")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "run", fileBuild)), os.CopyFS(filepath.Join(small, "run"), os.DirFS(filepath.Join(dir, "run")))); err != nil {
		t.Fatal(err)
	}
	setConfig(t, dir, eightShards+"dir = \"small/run\"\n")
	type ended struct {
		code   int
		stderr string
	}
	first := make(chan ended, 1)
	go func() {
		code, _, stderr := call(t, dir, assay, "build")
		first <- ended{code, stderr}
	}()
	eagerly(t, func() bool {
		found, err := filepath.Glob(filepath.Join(small, "run", "tree", "*", "*", "*.part"))
		return err == nil && len(found) > 0
	})
	fill(t, filepath.Join(small, "filler"))
	if e := <-first; e.code == exitDone || !strings.Contains(e.stderr, "no space left on device") {
		t.Fatalf("exit %d: %s", e.code, e.stderr)
	}
	for _, path := range tree(t, filepath.Join(small, "run")) {
		if strings.HasSuffix(path, ".part") || filepath.Base(path) == fileBuild {
			t.Errorf("%s is there", path)
		}
	}
	if err := os.Remove(filepath.Join(small, "filler")); err != nil {
		t.Fatal(err)
	}
	if got, _ := mustCall(t, dir, assay, "build"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 1<<20))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
