package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/chains/utxo"
)

// localNodes are real nodes that all tests share: go-ethereum in this process, and btcd if it is built.
type localNodes struct {
	ethereum *devnet.Ethereum
	bitcoin  *devnet.Bitcoin // nil without btcd
	instant  time.Time
	wallets  []devnet.Wallet
}

// started are the nodes, once a test asked for them.
var started *localNodes

var startNodes = sync.OnceValues(func() (*localNodes, error) {
	const seed = "recheck"
	n := &localNodes{instant: devnet.Instant(time.Now())}
	var err error
	if n.wallets, err = devnet.Wallets(seed); err != nil {
		return nil, err
	}
	if n.ethereum, err = devnet.StartEthereum(devnet.EthereumOptions{Seed: seed, Instant: n.instant}); err != nil {
		return nil, err
	}
	started = n
	btcd, err := filepath.Abs("../../build/bin/btcd")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(btcd); err == nil {
		n.bitcoin, err = devnet.StartBitcoin(context.Background(), devnet.BitcoinOptions{Seed: seed, Btcd: btcd, Instant: n.instant})
		if err != nil {
			return nil, err
		}
	}
	return n, nil
})

// tidy runs the tests and stops the nodes that they started.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	if started != nil {
		err := started.ethereum.Close()
		if started.bitcoin != nil {
			err = errors.Join(err, started.bitcoin.Close())
		}
		if err != nil && code == 0 {
			code = 1
		}
	}
	return code
}

func nodes(t *testing.T) *localNodes {
	t.Helper()
	n, err := startNodes()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// needBitcoin skips a test that has no btcd.
func (n *localNodes) needBitcoin(t *testing.T) {
	t.Helper()
	if n.bitcoin == nil {
		t.Skip("btcd is not built; type: make build/bin/btcd")
	}
}

// A chainReport is a report on the nodes' chains, in a folder with its policy.
type chainReport struct {
	bundle, policy string
	ethereum       chains.BlockRef
	bitcoin        chains.BlockRef
	first          string // the first EVM account
}

// alter changes what is about to be signed: blocks, lines, evidence.
type alter func(held *holdings)

// write makes a report of what the wallets hold, as signed as the real thing, and writes it into dir: bundle/ and policy.toml.
func (n *localNodes) write(ctx context.Context, dir string, change alter) (chainReport, error) {
	r := chainReport{bundle: filepath.Join(dir, "bundle"), policy: filepath.Join(dir, "policy.toml")}
	usdt := string(n.ethereum.Token())
	held := holdings{
		tokens: []obj{}, evidence: map[string][]byte{}, groups: map[string][]obj{},
		assets: []obj{
			{"decimals": 18, "id": "ETH", "tokens": []obj{{"class": "native", "decimals": 18, "id": devnet.EthereumNative}}},
			{"decimals": 6, "id": "USDT", "tokens": []obj{{"class": "issued", "decimals": 6, "id": usdt}}},
		},
	}
	sources := []struct {
		chain  chains.Chain
		tokens map[chains.Token]string // their assets
		open   func() (chains.Source, error)
	}{{devnet.EthereumChain, map[chains.Token]string{devnet.EthereumNative: "ETH", n.ethereum.Token(): "USDT"}, func() (chains.Source, error) {
		return evm.New(ctx, devnet.EthereumChain, []string{n.ethereum.URL()}, evm.Options{})
	}}}
	if n.bitcoin != nil {
		held.tokens = []obj{{"class": "native", "decimals": 8, "id": devnet.BitcoinNative}}
		sources = append(sources, sources[0])
		sources[0].chain, sources[0].tokens = devnet.BitcoinChain, map[chains.Token]string{devnet.BitcoinNative: "BTC"}
		sources[0].open = func() (chains.Source, error) {
			return utxo.New(ctx, devnet.BitcoinChain, []string{n.bitcoin.URL()}, utxo.Options{})
		}
	}
	var fault error
	files, _, policy := reportOf(held, n.instant.UTC().Format(time.RFC3339), func(snapshot string, held *holdings) {
		for _, s := range sources {
			source, err := s.open()
			if err != nil {
				fault = err
				return
			}
			block, err := n.gather(ctx, source, snapshot, s.tokens, held)
			if err != nil {
				fault = err
				return
			}
			if s.chain == devnet.EthereumChain {
				r.ethereum = block
			} else {
				r.bitcoin = block
			}
		}
		slices.SortFunc(held.lines, func(a, b obj) int {
			return strings.Compare(a["account"].(string)+"\x00"+a["token"].(string), b["account"].(string)+"\x00"+b["token"].(string))
		})
		for _, l := range held.lines {
			if account := l["account"].(string); r.first == "" && strings.HasPrefix(account, "eip155:") {
				r.first = account
			}
		}
		if change != nil {
			change(held)
		}
	})
	if fault != nil {
		return r, fault
	}
	files["../policy.toml"] = policy
	for path, data := range files {
		path = filepath.Join(r.bundle, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return r, err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return r, err
		}
	}
	return r, nil
}

// gather pins the instant's block and adds what the wallets hold at it.
func (n *localNodes) gather(ctx context.Context, source chains.Source, snapshot string, tokens map[chains.Token]string, held *holdings) (chains.BlockRef, error) {
	block, err := source.Pin(ctx, n.instant)
	if err != nil {
		return block, err
	}
	held.blocks = append(held.blocks, obj{"chain": block.Chain, "hash": block.Hash, "number": block.Number, "time": block.Time.UTC().Format(time.RFC3339)})
	var wanted []chains.Holding
	for token := range tokens {
		for _, w := range n.wallets {
			if w.Account.Chain() == block.Chain {
				wanted = append(wanted, chains.Holding{Account: w.Account, Token: token})
			}
		}
	}
	evidence, err := source.Gather(ctx, snapshot, block, wanted)
	if err != nil {
		return block, err
	}
	file, err := attest.Canonical(evidence.File)
	if err != nil {
		return block, err
	}
	held.evidence["reserves/evidence/"+strings.ReplaceAll(string(block.Chain), ":", "-")+".json"] = file
	for _, b := range evidence.Balances {
		held.lines = append(held.lines, obj{
			"account": string(b.Account), "amount": b.Amount.Dec(), "control": "none", "custody": "own-cold", "evidence": string(b.Grade), "token": string(b.Token),
		})
		asset := tokens[b.Token]
		if held.groups[asset] == nil {
			class := "native"
			if asset == "USDT" {
				class = "issued"
			}
			held.groups[asset] = []obj{{"accounts": 0, "amount": "0", "class": class, "control": "none", "custody": "own-cold", "evidence": string(b.Grade), "token": string(b.Token)}}
		}
		g := held.groups[asset][0]
		sum, _ := new(big.Int).SetString(g["amount"].(string), 10)
		g["accounts"], g["amount"] = g["accounts"].(int)+1, sum.Add(sum, b.Amount.ToBig()).String()
	}
	return block, nil
}

// report writes a report for a test.
func (n *localNodes) report(t *testing.T, change alter) chainReport {
	t.Helper()
	r, err := n.write(t.Context(), t.TempDir(), change)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// command runs assay-verify in this process.
func command(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// recheck rechecks the report with nodes and reads the verdict.
func (r chainReport) recheck(t *testing.T, wantExit int, args ...string) rechecked {
	t.Helper()
	code, stdout, stderr := command(append([]string{"recheck", r.bundle, "--policy", r.policy, "--json"}, args...)...)
	if code != wantExit {
		t.Fatalf("exit %d, want %d\n%s\n%s", code, wantExit, stdout, stderr)
	}
	var v rechecked
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	if v.Exit != code || v.Agreed != (code == 0) {
		t.Errorf("the verdict says exit %d, agreed %v; the command ended with %d", v.Exit, v.Agreed, code)
	}
	return v
}

// want fails unless a check has the result, and its detail the text.
func (v rechecked) want(t *testing.T, name, result, text string) {
	t.Helper()
	for _, c := range v.Checks {
		if c.Name == name {
			if string(c.Result) != result || !strings.Contains(c.Detail, text) {
				t.Errorf("%s: %s: %s\nwant %s: %s", name, c.Result, c.Detail, result, text)
			}
			return
		}
	}
	t.Errorf("no check %s", name)
}
