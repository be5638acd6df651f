package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
)

// findBtcd returns the path of btcd, or skips the test.
func findBtcd(t *testing.T) string {
	t.Helper()
	if path, err := filepath.Abs("../../build/bin/btcd"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("btcd")
	if err != nil {
		t.Skip("skipped: there is no btcd; type: make build/bin/btcd")
	}
	return path
}

// run runs a command line to its end.
func run(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(io.Discard)
	err = root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestUp(t *testing.T) {
	dir := t.TempDir()
	stdin, hold := io.Pipe()
	root := newRoot()
	root.SetArgs([]string{"up", "--dir", dir, "--btcd", findBtcd(t), "--until-eof"})
	root.SetIn(stdin)
	root.SetErr(io.Discard)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(t.Context()) }()
	for {
		if _, err := os.Stat(filepath.Join(dir, descriptionFile)); err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("devchain up ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	accounts := checkLists(t, dir)
	checkPrinted(t, dir)
	checkSigned(t, dir, accounts)
	if err := hold.Close(); err != nil { // standard input ends
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("devchain up: %v", err)
		}
	case <-time.After(5 * time.Minute):
		t.Fatal("devchain up did not end when its standard input did")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "wallets" {
		t.Errorf("left behind: %v, %v, want the lists of wallets only", left, err)
	}
	if _, err := run(t, "instant", "--dir", dir); err == nil || !strings.Contains(err.Error(), "devchain up") {
		t.Errorf("instant without chains: got %v, want a hint", err)
	}
}

// checkLists reads the lists of wallets, one account a line.
func checkLists(t *testing.T, dir string) []chains.Account {
	t.Helper()
	var accounts []chains.Account
	for name, want := range map[string]int{"evm-hot": 1, "evm-cold": 3, "btc-hot": 1, "btc-cold": 2} {
		list, err := os.ReadFile(filepath.Join(dir, "wallets", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(list), "\n"), "\n")
		if len(lines) != want {
			t.Errorf("%s: %d accounts, want %d", name, len(lines), want)
		}
		for _, line := range lines {
			account, err := chains.ParseAccount(line)
			if err != nil {
				t.Error(err)
			}
			accounts = append(accounts, account)
		}
	}
	return accounts
}

func checkPrinted(t *testing.T, dir string) {
	t.Helper()
	d, err := readDescription(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range d.Assets {
		if len(a.Total) < 8 {
			t.Errorf("total of %s is %q", a.ID, a.Total)
		}
	}
	instant, err := run(t, "instant", "--dir", dir)
	if at, parsed := time.Parse(time.RFC3339, strings.TrimSpace(instant)); err != nil || parsed != nil || at.After(time.Now()) {
		t.Errorf("instant %q, %v, %v", instant, err, parsed)
	}
	config, err := run(t, "config", "--dir", dir)
	if err != nil || strings.Count(config, "[[asset]]") != 3 || strings.Count(config, "[[wallet]]") != 4 || !strings.Contains(config, dir+"/wallets/evm-cold.txt") {
		t.Errorf("config: %v:\n%s", err, config)
	}
	anchors, err := run(t, "anchors", "--dir", dir)
	if err != nil || strings.Count(anchors, "[[anchor]]") != 2 || !strings.Contains(anchors, d.Chains[1].Block.Hash) {
		t.Errorf("anchors: %v:\n%s", err, anchors)
	}
}

func checkSigned(t *testing.T, dir string, accounts []chains.Account) {
	t.Helper()
	texts, out := t.TempDir(), filepath.Join(t.TempDir(), "signed")
	challenges := map[string]control.Challenge{}
	for i, a := range accounts {
		name := string(rune('a' + i))
		c := control.Challenge{Exchange: "Demo Exchange", Snapshot: "s", Accounts: []control.Pinned{{Account: a, Block: "b"}}, Root: "r"}
		challenges[name] = c
		if err := os.WriteFile(filepath.Join(texts, name+".txt"), []byte(c.Text()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run(t, "sign", "--dir", dir, "--challenges", texts, "--out", out); err != nil {
		t.Fatal(err)
	}
	for name, c := range challenges {
		signature, err := os.ReadFile(filepath.Join(out, name+".sig"))
		if err != nil || bytes.Count(signature, []byte("\n")) != 1 {
			t.Fatalf("signature %q, %v, want one line", signature, err)
		}
		if _, err := control.Verify(c.Names(), c.Text(), string(signature), control.Facts{}); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(filepath.Join(texts, "z.txt"), []byte("I am the owner"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "sign", "--dir", dir, "--challenges", texts, "--out", out); err == nil || !strings.Contains(err.Error(), "z.txt") {
		t.Errorf("a text that is no challenge: got %v, want an error that names the file", err)
	}
	if _, err := run(t, "sign", "--dir", dir, "--challenges", t.TempDir(), "--out", out); err == nil {
		t.Error("a folder without challenges: no error")
	}
}

func TestUpIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	root := newRoot()
	root.SetArgs([]string{"up", "--dir", dir, "--btcd", findBtcd(t)})
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*c*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFetch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("hello"))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "page")
	if _, err := run(t, "fetch", server.URL+"/page", file); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	none := file + ".none"
	if _, err := run(t, "fetch", server.URL+"/other", none); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a page that is not there: %v", err)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("a file was made of a page that is not there")
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"up"}, {"up", "--dir", "x", "more"}, {"up", "--what"}, {"sign", "--dir", "x"}, {"fetch", "http://127.0.0.1"}, {"config"}} {
		_, err := run(t, args...)
		var usage usageError
		if !errors.As(err, &usage) {
			t.Errorf("%v: got %v, want an error of usage", args, err)
		}
	}
}
