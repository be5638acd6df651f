package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// builtIn is the folder of what built made, if it was asked to.
var builtIn string

// built are the commands that the demo runs, built once, with btcd beside them.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "assay-demo-*")
	if err != nil {
		return "", err
	}
	builtIn = dir
	if out, err := exec.Command("go", "build", "-o", dir, "../assay", "../assay-verify", ".").CombinedOutput(); err != nil {
		return "", &exec.Error{Name: "go build: " + string(out), Err: err}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" && os.RemoveAll(builtIn) != nil && code == 0 {
		code = 1
	}
	os.Exit(code)
}

func demoBinaries(t *testing.T) string {
	t.Helper()
	btcd, err := filepath.Abs("../../build/bin/btcd")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(btcd); err != nil {
		t.Skip("btcd is not built; type: make build/bin/btcd")
	}
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "btcd")
	if _, err := os.Lstat(link); err != nil {
		if err := os.Symlink(btcd, link); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The README's own run, twice at once: ports are free ones, nothing is left behind, and each claim of its last lines holds.
func TestX04_DemoRunsBesideItself(t *testing.T) {
	bin := demoBinaries(t)
	var copies sync.WaitGroup
	for range 2 {
		copies.Add(1)
		go func() {
			defer copies.Done()
			demo := filepath.Join(t.TempDir(), "demo")
			cmd := exec.Command("sh", "demo.sh")
			cmd.Env = append(os.Environ(), "ASSAY_BIN="+bin, "ASSAY_DEMO="+demo)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil {
				t.Errorf("%v\n%s", err, out.String())
				return
			}
			_, end, ok := strings.Cut(out.String(), "== done")
			if !ok {
				t.Errorf("the demo does not end with its results:\n%s", out.String())
			}
			for _, want := range []string{
				`BTC: owed [0-9.]+, counted [0-9.]+, coverage 1[0-9]{2}\.[0-9]{2} %`,
				`ETH: owed [0-9.]+, counted [0-9.]+, coverage 1[0-9]{2}\.[0-9]{2} %`,
				`USDT: owed [0-9.]+, counted [0-9.]+, coverage 9[0-9]\.[0-9]{2} %, SHORTFALL [0-9.]+ USDT`,
				`customer: +PROVEN: these balances are inside the totals that Demo Exchange signed\n`,
				`counted: +this program checked the proof of shard #0, `,
				`verified: +PROVEN: `,
				`tampered: +NOT PROVEN: .*\(exit 1\)`,
				`site: .*site/index\.html`, `try it: .*proofs/first\.json`,
			} {
				if !regexp.MustCompile(want).MatchString(end) {
					t.Errorf("%s is not among the last lines:\n%s", want, end)
				}
			}
			for _, made := range []string{"assay.toml", "policy.toml", "run/build.json", "bundle/manifest.json", "bundle/liabilities/top.proof", "bundle.zip", "report/index.html", "proofs/first.json", "run/entry.dsse.json", "log/checkpoint", "bundle/attachments/entry.dsse.json", "bundle/attachments/log.tlog-proof", "bundle/attachments/findings/0.dsse.json"} {
				if _, err := os.Stat(filepath.Join(demo, made)); err != nil {
					t.Error(err)
				}
			}
			leftBehind(t, demo)
		}()
	}
	copies.Wait()
}

// leftBehind fails for every process that still works in the folder.
func leftBehind(t *testing.T, dir string) {
	if runtime.GOOS != "linux" {
		return
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Error(err)
	}
	for _, p := range processes {
		if at, err := os.Readlink(p); err == nil && strings.HasPrefix(at, dir) {
			t.Errorf("%s still works in %s", p, at)
		}
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	for _, p := range lines {
		if raw, err := os.ReadFile(p); err == nil && bytes.Contains(raw, []byte(dir)) {
			t.Errorf("%s still runs: %s", p, bytes.ReplaceAll(raw, []byte{0}, []byte{' '}))
		}
	}
}
