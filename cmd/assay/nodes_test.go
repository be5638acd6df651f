package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
)

// ethereum starts a real node, and returns a folder whose configuration reads it.
func ethereum(t *testing.T, assay string) (node *devnet.Ethereum, at string, dir string) {
	t.Helper()
	moment := devnet.Instant(time.Now())
	node, err := devnet.StartEthereum(devnet.EthereumOptions{Seed: "test", Instant: moment})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	wallets, err := devnet.Wallets("test")
	if err != nil {
		t.Fatal(err)
	}
	var accounts []string
	for _, w := range wallets {
		if w.Account.Chain() == devnet.EthereumChain {
			accounts = append(accounts, w.Account.Address())
		}
	}
	dir = t.TempDir()
	configure(t, dir, string(devnet.EthereumChain), node.URL(), accounts)
	for _, args := range [][]string{{"init"}, {"ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv"}} {
		if code, _, stderr := call(t, dir, assay, args...); code != exitDone {
			t.Fatal(stderr)
		}
	}
	return node, moment.Format(time.RFC3339), dir
}

// configure writes assay.toml for one chain with its coin.
func configure(t *testing.T, dir, chain, url string, accounts []string) {
	t.Helper()
	text := fmt.Sprintf(`[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot"]
[ledger]
files = ["ledger.csv"]
[[asset]]
id = "ETH"
decimals = 18
tokens = [{ id = "%[1]s/slip44:60", decimals = 18, class = "native" }]
[[chain]]
id = "%[1]s"
nodes = [%[2]q]
[[wallet]]
chain = "%[1]s"
custody = "own-cold"
accounts = ["%[3]s"]
`, chain, url, strings.Join(accounts, `", "`))
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// expect runs assay and wants a refusal of one sentence and a hint at most, with this exit code.
func expect(t *testing.T, dir, assay string, code int, sentence string, args ...string) {
	t.Helper()
	got, stdout, stderr := call(t, dir, assay, args...)
	if got != code || !strings.Contains(stderr, sentence) {
		t.Errorf("assay %s: exit %d, want %d; stderr %q, want %q in it", strings.Join(args, " "), got, code, stderr, sentence)
	}
	if lines := strings.Count(strings.TrimSpace(stderr), "\n") + 1; lines > 2 || !strings.HasPrefix(stderr, "assay: error: ") {
		t.Errorf("assay %s: not one clear sentence: %s%s", strings.Join(args, " "), stdout, stderr)
	}
}

func TestB02_BlockReorganisedAway(t *testing.T) {
	assay, _ := programs(t)
	node, at, dir := ethereum(t, assay)
	if code, _, stderr := call(t, dir, assay, "snapshot", "--at", at, "--quiet"); code != exitDone {
		t.Fatal(stderr)
	}
	before := read(t, dir, "run", "snapshot.json")
	if err := node.Reorg(1); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, assay, exitRefused, "no longer in", "reserves", "--quiet")
	if read(t, dir, "run", "snapshot.json") != before {
		t.Error("the snapshot was touched")
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "run", "gathered", "*")); len(found) > 0 {
		t.Errorf("half-gathered evidence was kept: %v", found)
	}
}

func TestB04_WrongOrDeadNode(t *testing.T) {
	assay, _ := programs(t)
	node, at, dir := ethereum(t, assay)
	config := read(t, dir, "assay.toml")
	swap := func(from, to string) {
		if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(strings.ReplaceAll(config, from, to)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	swap(string(devnet.EthereumChain), "eip155:1")
	expect(t, dir, assay, exitRefused, "eip155:1337", "snapshot", "--at", at, "--quiet")

	swap(node.URL(), "http://127.0.0.1:1")
	expect(t, dir, assay, exitNetwork, "127.0.0.1:1", "snapshot", "--at", at, "--quiet")

	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>not a node</html>") }))
	defer liar.Close()
	swap(node.URL(), liar.URL)
	expect(t, dir, assay, exitNetwork, strings.TrimPrefix(liar.URL, "http://"), "snapshot", "--at", at, "--quiet")
	if _, err := os.Stat(filepath.Join(dir, "run", "snapshot.json")); err == nil {
		t.Error("a snapshot was written all the same")
	}
}

func TestB21_WalletLists(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "assay.toml")
	for name, c := range map[string]struct{ list, want string }{
		"good":          {"# cold\n0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n\n0x0000000000000000000000000000000000000001\n", ""},
		"checksum":      {"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed\n", "eth.txt:1: the checksum of address"},
		"two in a row":  {"\n0x0000000000000000000000000000000000000001 0x0000000000000000000000000000000000000002\n", "eth.txt:2: "},
		"twice":         {"0x0000000000000000000000000000000000000001\n0x0000000000000000000000000000000000000001\n", "eth.txt:2: account eip155:1:0x0000000000000000000000000000000000000001 is listed before, at "},
		"twice by case": {"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed\n", "is listed before"},
		"malformed":     {"0x12345\n", "eth.txt:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "eth.txt"), []byte(c.list), 0o600); err != nil {
				t.Fatal(err)
			}
			s := &stages{config: &Config{path: path, Wallets: []WalletConfig{{Chain: "eip155:1", File: "eth.txt", Custody: "own-cold"}}}}
			got, err := s.wallets()
			if c.want == "" {
				if err != nil || len(got) != 2 || got[0].account != chains.Account("eip155:1:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed") {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
