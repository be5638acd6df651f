package devnet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/chains/utxo"
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

// TestSideBySide starts two copies at once, as two demos would, and pins both
// chains of each: nothing has to be waited for, and nothing is in the future.
func TestSideBySide(t *testing.T) {
	btcd := findBtcd(t)
	dir := t.TempDir()
	hashes := map[string]bool{}
	for _, seed := range []string{"one", "two"} {
		began := time.Now()
		n, err := Start(t.Context(), Options{Seed: seed, Btcd: btcd, Dir: dir, Now: began})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		})
		if took := time.Since(began); took >= lead {
			t.Errorf("start took %s, in which all its blocks could have been waited for", took)
		}
		ethereum, err := evm.New(t.Context(), EthereumChain, []string{n.Ethereum.URL()}, evm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer ethereum.Close()
		bitcoin, err := utxo.New(t.Context(), BitcoinChain, []string{n.Bitcoin.URL()}, utxo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range []chains.Source{ethereum, bitcoin} {
			block, err := source.Pin(t.Context(), n.Instant)
			if err != nil {
				t.Fatal(err)
			}
			if n.Instant.After(began) || n.Instant.Sub(block.Time) > 10*time.Minute {
				t.Errorf("started at %s: instant %s, block %d at %s", began, n.Instant, block.Number, block.Time)
			}
			hashes[block.Hash] = true
		}
	}
	if len(hashes) != 4 {
		t.Errorf("two seeds and two chains gave %d pinned blocks, want 4", len(hashes))
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	b, err := StartBitcoin(t.Context(), BitcoinOptions{Seed: "x", Btcd: findBtcd(t), Dir: dir, Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBtcdThatFails(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "btcd")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho no room left\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{script: "no room left", filepath.Join(dir, "none"): "no such file"} {
		if _, err := StartBitcoin(t.Context(), BitcoinOptions{Seed: "x", Btcd: path, Dir: dir}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", path, err, says)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "btcd-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestSign has every wallet sign, and the room that checks signatures check
// them.
func TestSign(t *testing.T) {
	wallets, err := Wallets("x")
	if err != nil {
		t.Fatal(err)
	}
	grades := map[chains.ControlGrade]int{}
	for _, w := range wallets {
		if _, err := chains.ParseAccount(string(w.Account)); err != nil {
			t.Error(err)
		}
		text := control.Challenge{Exchange: "Demo Exchange", Snapshot: strings.Repeat("0", 64), Accounts: []control.Pinned{{Account: w.Account, Block: strings.Repeat("1", 64)}},
			Root: strings.Repeat("2", 64)}.Text()
		signature, err := Sign("x", text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := control.Verify([]chains.Account{w.Account}, text, signature, control.Facts{})
		if err != nil || s.Signature != signature {
			t.Errorf("%s: %q became %q, %v", w.Name, signature, s.Signature, err)
		}
		grades[s.Grade]++
		if _, err := Sign("another seed", text); err == nil {
			t.Errorf("%s: another seed has this wallet", w.Name)
		}
	}
	if grades[chains.Bound] != 4 || grades[chains.Script] != 3 {
		t.Errorf("grades %v, want 4 bound and 3 script", grades)
	}
	if _, err := Sign("x", "I am the owner"); err == nil {
		t.Error("a text that is no challenge was signed")
	}
}

func TestWalletsFollowFromSeed(t *testing.T) {
	a, err := Wallets("a")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Wallets("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Wallets("b")
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if a[i].Account != again[i].Account || a[i].Account == b[i].Account {
			t.Errorf("wallet %s: %s, again %s, of another seed %s", a[i].Name, a[i].Account, again[i].Account, b[i].Account)
		}
	}
}
