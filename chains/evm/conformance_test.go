package evm

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/egress"
)

const (
	testSeed     = "evm tests"
	testSnapshot = "00000000000000000000000000000000000000000000000000000000000000bb"
	stranger1    = chains.Account("eip155:1337:0x00000000000000000000000000000000000000aa")
)

// startNode starts a real go-ethereum with the demo's chain.
func startNode(t *testing.T, alloc types.GenesisAlloc) (*devnet.Ethereum, time.Time) {
	t.Helper()
	return startNodeWith(t, devnet.EthereumOptions{Alloc: alloc})
}

func startNodeWith(t testing.TB, opts devnet.EthereumOptions) (*devnet.Ethereum, time.Time) {
	t.Helper()
	opts.Seed, opts.Instant = testSeed, devnet.Instant(time.Now())
	node, err := devnet.StartEthereum(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	return node, opts.Instant
}

func open(t *testing.T, opts Options, urls ...string) *Source {
	t.Helper()
	s, err := New(t.Context(), devnet.EthereumChain, urls, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
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

// demoHoldings are the demo's wallets and a stranger, each with coin and token,
// in order.
func demoHoldings(t *testing.T, node *devnet.Ethereum) []chains.Holding {
	t.Helper()
	wallets, err := devnet.Wallets(testSeed)
	if err != nil {
		t.Fatal(err)
	}
	accounts := []chains.Account{stranger1}
	for _, w := range wallets {
		if w.Account.Chain() == devnet.EthereumChain {
			accounts = append(accounts, w.Account)
		}
	}
	var holdings []chains.Holding
	for _, a := range accounts {
		holdings = append(holdings, chains.Holding{Account: a, Token: node.Token()}, chains.Holding{Account: a, Token: devnet.EthereumNative})
	}
	slices.SortFunc(holdings, func(a, b chains.Holding) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Token, b.Token))
	})
	return holdings
}

// askBalances asks the honest node for the holdings, as any wallet would.
func askBalances(t *testing.T, url string, holdings []chains.Holding, number uint64) []string {
	t.Helper()
	client, err := rpc.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var amounts []string
	for _, h := range holdings {
		var answer hexutil.Bytes
		var balance hexutil.Big
		at := hexutil.EncodeUint64(number)
		if contract, ok := h.Token.Contract(); ok {
			data := "0x70a08231000000000000000000000000" + h.Account.Address()[2:]
			err = client.Call(&answer, "eth_call", map[string]string{"to": contract, "data": data}, at)
			balance.ToInt().SetBytes(answer)
		} else {
			err = client.Call(&balance, "eth_getBalance", h.Account.Address(), at)
		}
		if err != nil {
			t.Fatal(err)
		}
		amounts = append(amounts, balance.ToInt().String())
	}
	return amounts
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
	node, instant := startNode(t, nil)
	holdings := demoHoldings(t, node)
	const pinned = 64
	amounts := askBalances(t, node.URL(), holdings, pinned)
	if !slices.Contains(amounts, "250000000000") || !slices.Contains(amounts, "0") {
		t.Fatalf("the demo's chain is not what it was: %v", amounts)
	}
	other := chains.Chain("eip155:1")
	return chainstest.Subject{
		Chain: devnet.EthereumChain, Instant: instant, Pinned: pinned, URL: node.URL(), Other: other,
		Open: func(t *testing.T, chain chains.Chain, limit int64, urls ...string) chains.Source {
			s, err := New(t.Context(), chain, urls, Options{Limits: egress.Limits{Bytes: limit}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			return s
		},
		Holdings: holdings, Amounts: amounts, Grade: chains.StateProved,
		Foreign:  chains.Holding{Account: "eip155:1:0x00000000000000000000000000000000000000aa", Token: "eip155:1/slip44:60"},
		Alias:    chains.Holding{Account: holdings[0].Account, Token: "eip155:1337/slip44:61"},
		Evidence: "eth_getProof",
		Reorg: func(t *testing.T) {
			if err := node.Reorg(pinned - 3); err != nil {
				t.Error(err)
			}
		},
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		chain chains.Chain
		urls  []string
	}{
		{"eip155:01", []string{"http://127.0.0.1"}},
		{devnet.BitcoinChain, []string{"http://127.0.0.1"}},
		{"eip155:1", nil},
		{"eip155:1", []string{"ws://127.0.0.1"}},
		{"eip155:1", []string{"/tmp/geth.ipc"}},
	} {
		if s, err := New(t.Context(), c.chain, c.urls, Options{}); err == nil {
			t.Errorf("New(%q, %q) gave %v", c.chain, c.urls, s)
		}
	}
}
