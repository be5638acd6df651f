package utxo

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/egress"
)

const (
	testSeed     = "utxo tests"
	testSnapshot = "00000000000000000000000000000000000000000000000000000000000000bb"
	mainnet      = chains.Chain("bip122:000000000019d6689c085ae165831e93")
	regtest      = chains.Chain("bip122:0f9188f13cb7b2c71f2a335e3a4fc328")

	litecoinMainnet = chains.Chain("bip122:12a765e31ffd4059bada1e25190f6e98")
	litecoinRegtest = chains.Chain("bip122:530827f38f93b43ed12af0b3ad25a288")
)

func (n *network) account(address string) chains.Account {
	return chains.Account(string(n.chain) + ":" + address)
}

// unused is a simnet account that nobody paid.
func unused(t *testing.T) chains.Account {
	t.Helper()
	a, err := address.NewAddressPubKeyHash(make([]byte, 20), &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return chains.Account(string(devnet.BitcoinChain) + ":" + a.EncodeAddress())
}

// findBtcd returns the path of btcd, or skips the test.
func findBtcd(t testing.TB) string {
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

// startNode starts a real btcd with the demo's chain.
func startNode(t *testing.T) (*devnet.Bitcoin, time.Time) {
	t.Helper()
	instant := devnet.Instant(time.Now())
	return startNodeAt(t, instant), instant
}

// startNodeAt starts a node whose chain is for an instant: another one with the
// same chain, if there is one already.
func startNodeAt(t testing.TB, instant time.Time) *devnet.Bitcoin {
	t.Helper()
	node, err := devnet.StartBitcoin(t.Context(), devnet.BitcoinOptions{Seed: testSeed, Btcd: findBtcd(t), Dir: t.TempDir(), Instant: instant})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	return node
}

func open(t *testing.T, opts Options, urls ...string) *Source {
	t.Helper()
	s, err := New(t.Context(), devnet.BitcoinChain, urls, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustPin(t *testing.T, s *Source, instant time.Time) chains.BlockRef {
	t.Helper()
	block, err := s.Pin(t.Context(), instant)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

func mustGather(t *testing.T, s *Source, block chains.BlockRef, holdings ...chains.Holding) (map[chains.Account]string, Evidence) {
	t.Helper()
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	amounts := map[chains.Account]string{}
	for _, b := range evidence.Balances {
		amounts[b.Account] = b.Amount.Dec()
	}
	return amounts, evidence.File.(Evidence)
}

// demoAmounts are what the demo's wallets hold at the pinned block, by name.
var demoAmounts = map[string]string{
	"btc-hot-1":        "69000000001",  // 420 + 150.00000001 + 120
	"btc-cold-1":       "377712345678", // 2,200 + 800.12345678 + 599 + 178; 299 were spent
	"btc-cold-taproot": "289900000000", // 999 + 1,900
}

func demoHoldings(t *testing.T) (holdings []chains.Holding, amounts []string) {
	t.Helper()
	wallets, err := devnet.Wallets(testSeed)
	if err != nil {
		t.Fatal(err)
	}
	byAccount := map[chains.Account]string{unused(t): "0"}
	for _, w := range wallets {
		if amount, ok := demoAmounts[w.Name]; ok {
			byAccount[w.Account] = amount
		}
	}
	for a := range byAccount {
		holdings = append(holdings, chains.Holding{Account: a, Token: devnet.BitcoinNative})
	}
	slices.SortFunc(holdings, func(a, b chains.Holding) int { return cmp.Compare(a.Account, b.Account) })
	for _, h := range holdings {
		amounts = append(amounts, byAccount[h.Account])
	}
	return holdings, amounts
}

func TestConformance(t *testing.T) {
	chainstest.Run(t, subject(t))
}

func TestB02_Reorg(t *testing.T) {
	chainstest.Reorg(t, subject(t))
}

func TestB20_NeverHeaderTrusted(t *testing.T) {
	chainstest.NeverHeaderTrusted(t, subject(t))
}

// subject is a node with the demo's chain, and this adapter for it.
func subject(t *testing.T) chainstest.Subject {
	t.Helper()
	node, instant := startNode(t)
	holdings, amounts := demoHoldings(t)
	const pinned = 330
	return chainstest.Subject{
		Chain: devnet.BitcoinChain, Instant: instant, Pinned: pinned, URL: node.URL(), Other: regtest,
		Open: func(t *testing.T, chain chains.Chain, limit int64, urls ...string) chains.Source {
			s, err := New(t.Context(), chain, urls, Options{Limits: egress.Limits{Bytes: limit}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Holdings: holdings, Amounts: amounts, Grade: chains.InclusionProved,
		Foreign:  chains.Holding{Account: chains.Account(mainnet) + ":bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Token: chains.Token(mainnet) + "/slip44:0"},
		Alias:    chains.Holding{Account: holdings[0].Account, Token: chains.Token(devnet.BitcoinChain) + "/slip44:1"},
		Bad:      chains.Holding{Account: chains.Account(devnet.BitcoinChain + ":bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), Token: devnet.BitcoinNative},
		Evidence: methodIndex,
		Reorg: func(t *testing.T) {
			if err := node.Reorg(t.Context(), pinned-3, instant.Add(-time.Minute)); err != nil {
				t.Error(err)
			}
		},
	}
}
