package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/descriptor"
	"github.com/assay-por/assay/chains/devnet"
)

// Extended public keys of simnet, with the points of BIP-380's; the first of them on Bitcoin's main network; and a private one.
const (
	keyA    = "spub4cFrJLDMiy9J5indipMLaX9bDaskiuh8VVeuRmi3PNbt8pmZ6TssVT1uTPxvh2fTicNZKvbVDSmJjuDiSCn7HFKZsfWHR4asZhzgcjnVbv2"
	keyB    = "spub4WDFBzQimPFZBccz7yqzyASnncWDE14ZcrcmBK8UiaN16eFkjmfbjqvpaoomhv1aYc7MmgDw52tQFQ5XxK2jEPyNzhUKfZbW3jjVk9YjKbp"
	mainA   = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
	private = "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"
	seed    = "derived wallets"
)

func summed(t *testing.T, expression string) string {
	t.Helper()
	sum, err := descriptor.Checksum(expression)
	if err != nil {
		t.Fatal(err)
	}
	return expression + "#" + sum
}

func derivedAccount(t *testing.T, text string, branch int, index uint32) chains.Account {
	t.Helper()
	d, err := descriptor.Parse(devnet.BitcoinChain, text)
	if err != nil {
		t.Fatal(err)
	}
	account, err := d.Account(branch, index)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// bitcoins starts nodes of one chain, whose miner pays each account some bitcoins in its block 343. It returns an instant after that.
func bitcoins(t *testing.T, nodes int, pay map[chains.Account]int64) (urls []string, at string) {
	t.Helper()
	btcd, err := filepath.Abs("../../build/bin/btcd")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(btcd); err != nil {
		if btcd, err = exec.LookPath("btcd"); err != nil {
			t.Skip("skipped: there is no btcd; type: make build/bin/btcd")
		}
	}
	moment := devnet.Instant(time.Now())
	var payment *wire.MsgTx
	for range nodes {
		node, err := devnet.StartBitcoin(t.Context(), devnet.BitcoinOptions{Seed: seed, Btcd: btcd, Dir: t.TempDir(), Instant: moment})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := node.Close(); err != nil {
				t.Error(err)
			}
		})
		if payment == nil {
			payment = payFrom(t, node.URL(), 200, pay)
		}
		if err := node.Mine(t.Context(), moment.Add(121*time.Second), 20, payment); err != nil {
			t.Fatal(err)
		}
		urls = append(urls, node.URL())
	}
	return urls, moment.Add(125 * time.Second).Format(time.RFC3339)
}

// payFrom spends the coinbase of a block, which is the devnet miner's.
func payFrom(t *testing.T, url string, height int, pay map[chains.Account]int64) *wire.MsgTx {
	t.Helper()
	var hash, raw string
	ask(t, url, &hash, "getblockhash", height)
	ask(t, url, &raw, "getblock", hash, 0)
	b, err := hex.DecodeString(raw)
	if err != nil {
		t.Fatal(err)
	}
	var block wire.MsgBlock
	if err := block.Deserialize(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	coinbase := block.Transactions[0]
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: coinbase.TxHash()}, nil, nil))
	for account, amount := range pay {
		a, err := address.DecodeAddress(account.Address(), &chaincfg.SimNetParams)
		if err != nil {
			t.Fatal(err)
		}
		script, err := txscript.PayToAddrScript(a)
		if err != nil {
			t.Fatal(err)
		}
		tx.AddTxOut(wire.NewTxOut(amount, script))
	}
	secret := sha256.Sum256([]byte("assay devnet key\x00" + seed + "\x00miner"))
	key, _ := btcec.PrivKeyFromBytes(secret[:])
	spent := coinbase.TxOut[0]
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(spent.PkScript, spent.Value))
	if tx.TxIn[0].Witness, err = txscript.WitnessSignature(tx, hashes, 0, spent.Value, spent.PkScript, txscript.SigHashAll, key, true); err != nil {
		t.Fatal(err)
	}
	return tx
}

func ask(t *testing.T, url string, answer any, method string, params ...any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct {
		Result json.RawMessage `json:"result"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got.Result, answer); err != nil {
		t.Fatal(err)
	}
}

// bitcoinConfig writes assay.toml for simnet: the chain's own lines, and its wallets.
func bitcoinConfig(t *testing.T, dir, chain, wallets string) {
	t.Helper()
	text := fmt.Sprintf(`[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot"]
[ledger]
files = ["ledger.csv"]
[[asset]]
id = "BTC"
decimals = 8
tokens = [{ id = %q, decimals = 8, class = "native" }]
[[chain]]
id = %q
%s
%s`, devnet.BitcoinNative, devnet.BitcoinChain, chain, strings.ReplaceAll(wallets, "[[wallet]]", "[[wallet]]\nchain = \""+string(devnet.BitcoinChain)+"\"\ncustody = \"own-cold\""))
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func nodesLine(urls ...string) string { return `nodes = ["` + strings.Join(urls, `", "`) + `"]` }

func mustCall(t *testing.T, dir, program string, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := call(t, dir, program, args...)
	if code != exitDone {
		t.Fatalf("%s: exit %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout, stderr
}

// TestDerivedWallets goes the whole way with wallets that are descriptors: only addresses with coins become accounts.
func TestDerivedWallets(t *testing.T) {
	assay, verify := programs(t)
	single := summed(t, "wpkh("+keyA+"/<0;1>/*)")
	multi := summed(t, "wsh(sortedmulti(2,"+keyA+"/7/*,"+keyB+"/7/*))")
	empty := summed(t, "tr("+keyB+"/<0;1>/*)")
	pay := map[chains.Account]int64{
		derivedAccount(t, single, 0, 0): 5_00000000, derivedAccount(t, single, 0, 29): 1, derivedAccount(t, single, 1, 3): 7_00000000,
		derivedAccount(t, multi, 0, 11): 11_00000000, derivedAccount(t, single, 0, 37): 2_00000000,
	}
	urls, at := bitcoins(t, 1, pay)
	dir := t.TempDir()
	wallets := func(rng, gap int) string {
		return fmt.Sprintf("[[wallet]]\ndescriptors = [%q, %q]\nxpubs = [%q]\nscript = \"tr\"\nrange = %d\ngap = %d\n", single, multi, keyB, rng, gap)
	}
	bitcoinConfig(t, dir, nodesLine(urls...), wallets(40, 3))
	mustCall(t, dir, assay, "init")
	mustCall(t, dir, assay, "ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv")

	stdout, _ := mustCall(t, dir, assay, "doctor")
	if want := derivedAccount(t, single, 0, 0).Address(); !strings.Contains(stdout, "200 addresses of 3 descriptors") || !strings.Contains(stdout, want) || strings.Contains(stdout, keyA) {
		t.Errorf("doctor says\n%s\nwant the number of addresses, the first one %s, and no key", stdout, want)
	}
	mustCall(t, dir, assay, "snapshot", "--at", at, "--quiet")

	// Index 37 of 40 is one of the last three: there may be more.
	expect(t, dir, assay, exitRefused, "wallet #1, descriptor #1, branch 0, index 37 holds coins", "reserves", "--quiet")
	bitcoinConfig(t, dir, nodesLine(urls...), wallets(41, 3))
	_, stderr := mustCall(t, dir, assay, "reserves")
	for _, want := range []string{
		"which of 205 derived addresses", "wallet #1, descriptor #1: 82 addresses looked at, 4 hold coins", "wallet #1, descriptor #2: 41 addresses looked at, 1 hold coins",
		"wallet #1, xpub #1: 82 addresses looked at, 0 hold coins", "asking for 5 balances",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("reserves says\n%s\nwant %q", stderr, want)
		}
	}
	_, stderr = mustCall(t, dir, assay, "reserves")
	if stderr != "" {
		t.Errorf("a second time it says\n%s", stderr)
	}
	code, _, stderr := call(t, dir, assay, "run", "--quiet")
	if code != exitRefused || !strings.Contains(stderr, "waiting for the signatures of 5 of 5 wallets") {
		t.Errorf("run: exit %d, %s", code, stderr)
	}
	for account := range pay {
		if _, err := os.Stat(filepath.Join(dir, "run", "control", "challenges", strings.ReplaceAll(string(account), ":", "-")+".txt")); err != nil {
			t.Error(err)
		}
	}
	mustCall(t, dir, assay, "run", "--unsigned", "--quiet")
	lines := read(t, dir, "bundle", "reserves", "lines.json")
	for account, amount := range pay {
		if !strings.Contains(lines, fmt.Sprintf(`{"account":%q,"amount":"%d"`, account, amount)) {
			t.Errorf("no line of %d for %s in\n%s", amount, account, lines)
		}
	}
	if strings.Count(lines, `"account"`) != len(pay) || strings.Contains(lines, derivedAccount(t, empty, 0, 0).Address()) {
		t.Errorf("lines of more than the accounts with coins:\n%s", lines)
	}
	if code, stdout, _ := call(t, dir, verify, "bundle", "bundle", "--policy", "policy.toml"); code != exitDone {
		t.Errorf("the bundle does not verify:\n%s", stdout)
	}
	published := read(t, dir, "bundle.zip") + read(t, dir, "report", "index.html") + read(t, dir, "policy.toml")
	if strings.Contains(published, keyA[5:]) || strings.Contains(published, keyB[5:]) || strings.Contains(published, mainA) {
		t.Error("a key that tells every address of a wallet was published")
	}

	// Other descriptors than those that were looked up, or one of the found accounts under another name.
	bitcoinConfig(t, dir, nodesLine(urls...), wallets(42, 3))
	expect(t, dir, assay, exitRefused, "descriptors of bip122:683e86bd5c6d110d91b94b97137ba6bf changed", "run", "--quiet")
	again := derivedAccount(t, multi, 0, 11).Address()
	bitcoinConfig(t, dir, nodesLine(urls...), wallets(41, 3)+fmt.Sprintf("[[wallet]]\naccounts = [%q]\n", again))
	expect(t, dir, assay, exitUnreadable, again+" is of a descriptor of that chain and of ", "run", "--quiet")
}

// TestFiltersInTheEvidence has a run gather compact filters from two nodes, which a verifier reaches the grade of.
func TestFiltersInTheEvidence(t *testing.T) {
	assay, verify := programs(t)
	single := summed(t, "sh(wpkh("+keyA+"/*))")
	urls, at := bitcoins(t, 2, map[chains.Account]int64{derivedAccount(t, single, 0, 4): 30_00000000})
	dir := t.TempDir()
	wallets := fmt.Sprintf("[[wallet]]\ndescriptors = [%q]\nrange = 30\n", single)
	bitcoinConfig(t, dir, nodesLine(urls[0])+"\nfilters = true", wallets)
	expect(t, dir, assay, exitUnreadable, "filters need the word of two nodes", "doctor")
	bitcoinConfig(t, dir, nodesLine(urls...)+"\nfilters = true", wallets+"[bands]\nbefore = [\"20s\"]\n")
	mustCall(t, dir, assay, "init")
	mustCall(t, dir, assay, "snapshot", "--at", at, "--quiet")
	mustCall(t, dir, assay, "reserves", "--quiet")
	var file struct {
		First   uint64 `json:"first"`
		Filters struct {
			Attested, Blocks, Filters []any
		} `json:"filters"`
	}
	name := "bip122-683e86bd5c6d110d91b94b97137ba6bf.json"
	if err := json.Unmarshal([]byte(read(t, dir, "run", "published", "reserves", "evidence", name)), &file); err != nil {
		t.Fatal(err)
	}
	if file.First != 343 || len(file.Filters.Attested) != 2 || len(file.Filters.Filters) != 5 || len(file.Filters.Blocks) < 1 {
		t.Errorf("got %d filters from %d, %d whole blocks, %d nodes", len(file.Filters.Filters), file.First, len(file.Filters.Blocks), len(file.Filters.Attested))
	}
	if got := read(t, dir, "run", "gathered", name); !strings.Contains(got, `"grade":"filter-checked"`) {
		t.Errorf("gathered %s, want the grade filter-checked", got)
	}
	mustCall(t, dir, assay, "ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv")
	mustCall(t, dir, assay, "run", "--unsigned", "--quiet")
	v := judged(t, dir, verify, exitDone, `"inclusion-proved"`, `"filter-checked"`, "control = [", `control = ["none", `)
	if got := v.detail(t, "bands"); got != "1 other instants, 1 lines each" {
		t.Errorf("bands: %s", got)
	}
	if g := v.Reserves[0].Groups; len(g) != 1 || g[0].Evidence != "filter-checked" || !g[0].Counted || g[0].Amount != "30" {
		t.Errorf("the verifier reaches %+v", g)
	}
}

// TestB10_DerivedTwice: an address that two descriptors stand for, or a descriptor and a list, is named with both.
func TestB10_DerivedTwice(t *testing.T) {
	all := summed(t, "wpkh("+keyA+"/<0;1>/*)")
	change := summed(t, "wpkh("+keyA+"/1/*)")
	for name, c := range map[string]struct {
		wallets []WalletConfig
		want    []string
	}{
		"two descriptors":       {[]WalletConfig{{Descriptors: []string{all, change}}}, []string{"wallet #1, descriptor #2, branch 0, index 0", "wallet #1, descriptor #1, branch 1, index 0"}},
		"in two wallets":        {[]WalletConfig{{Descriptors: []string{change}}, {Descriptors: []string{all}}}, []string{"wallet #2, descriptor #1, branch 1, index 0", "wallet #1, descriptor #1, branch 0, index 0"}},
		"a descriptor twice":    {[]WalletConfig{{Descriptors: []string{all, all}}}, []string{"descriptor #2", "descriptor #1"}},
		"and an extended key":   {[]WalletConfig{{Descriptors: []string{change}, XPubs: []string{keyA}, Script: "wpkh"}}, []string{"xpub #1, branch 1, index 0", "descriptor #1, branch 0, index 0"}},
		"listed too":            {[]WalletConfig{{Accounts: []string{derivedAccount(t, all, 1, 7).Address()}}, {Descriptors: []string{all}}}, []string{"wallet #2, descriptor #1, branch 1, index 7", "wallet #1, account #1"}},
		"an address descriptor": {[]WalletConfig{{Descriptors: []string{change, summed(t, "addr("+derivedAccount(t, all, 1, 2).Address()+")")}}}, []string{"descriptor #2, branch 0", "descriptor #1, branch 0, index 2"}},
		"neither":               {[]WalletConfig{{Descriptors: []string{change}, XPubs: []string{keyA}, Script: "tr"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stages{ctx: t.Context(), config: &Config{path: "assay.toml", Wallets: c.wallets}}
			for i := range s.config.Wallets {
				s.config.Wallets[i].Chain = string(devnet.BitcoinChain)
				if err := s.config.Wallets[i].check(); err != nil {
					t.Fatal(err)
				}
			}
			descriptors, err := s.descriptors("")
			if err != nil {
				t.Fatal(err)
			}
			err = s.deriveAll(descriptors)
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q named", err, want)
				}
			}
		})
	}
}

// TestB21_DerivedWallets: a wrong descriptor is refused with its place, before anything is asked, and no private key is repeated.
func TestB21_DerivedWallets(t *testing.T) {
	assay, _ := programs(t)
	dir := t.TempDir()
	good := summed(t, "wpkh("+keyA+"/<0;1>/*)")
	for wallets, want := range map[string]string{
		"[[wallet]]\ndescriptors = [\"" + good + "\", \"wpkh(" + keyB + "/*)\"]":             "wallet #1, descriptor #2: it has no checksum: if it is right, put #",
		"[[wallet]]\ndescriptors = [\"" + strings.Replace(good, "<0;1>", "<0;2>", 1) + "\"]": "wallet #1, descriptor #1: its checksum",
		"[[wallet]]\ndescriptors = [\"" + summed(t, "wpkh("+private+"/*)") + "\"]":           "wallet #1, descriptor #1: it is a PRIVATE key",
		"[[wallet]]\nxpubs = [\"" + private + "\"]":                                          "wallet #1, xpub #1: it is a PRIVATE key",
		"[[wallet]]\nxpubs = [\"" + mainA + "\"]\nscript = \"wpkh\"":                         "of the kind xpub",
		"[[wallet]]\nxpubs = [\"" + keyA + "\"]":                                             "does not say for which script",
		"[[wallet]]\ndescriptors = [\"" + good + "\"]\naccounts = [\"x\"]":                   "wallet #1: give either",
		"[[wallet]]\ndescriptors = [\"" + good + "\"]\nfile = \"x\"":                         "wallet #1: give either",
		"[[wallet]]\ndescriptors = [\"" + good + "\"]\nscript = \"wpkh\"":                    "script is for xpubs",
		"[[wallet]]\ndescriptors = [\"" + good + "\"]\nrange = 20":                           "gap is 20, want less than range, 20",
		"[[wallet]]\ndescriptors = [\"" + good + "\"]\nrange = 1000001":                      "want at most 1000000",
		"[[wallet]]\ndescriptors = [\"" + good + "\"]\nrange = -1":                           "assay.toml:",
		"[[wallet]]\naccounts = [\"x\"]\nrange = 5":                                          "are for descriptors and xpubs",
		"[[wallet]]\naccounts = [\"x\"]\ngap = 5":                                            "are for descriptors and xpubs",
	} {
		bitcoinConfig(t, dir, nodesLine("http://127.0.0.1:1"), wallets)
		code, stdout, stderr := call(t, dir, assay, "doctor")
		if said := stdout + stderr; code == exitDone || !strings.Contains(said, want) || strings.Contains(said, private[4:30]) {
			t.Errorf("%s: exit %d, says\n%s\nwant %q", wallets, code, said, want)
		}
	}
	for chain, want := range map[string]string{"eip155:1": "descriptors and xpubs are for bip122 chains", "bip122:1a91e3dace36e2be3bf030a65679fe82": "has no descriptors here"} {
		c, err := parseConfig([]byte("[[wallet]]\nchain = \"" + chain + "\"\ndescriptors = [\"" + good + "\"]"))
		if err == nil {
			_, err = (&stages{config: c}).descriptors("")
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", chain, err, want)
		}
	}
	if _, err := parseConfig([]byte("[[chain]]\nid = \"eip155:1\"\nnodes = [\"http://a\", \"http://b\"]\nfilters = true")); err == nil || !strings.Contains(err.Error(), "filters are for bip122 chains") {
		t.Errorf("filters of an EVM chain: got %v", err)
	}
}
