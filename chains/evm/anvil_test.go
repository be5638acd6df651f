package evm

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/egress"
)

const (
	anvilChain  chains.Chain = "eip155:31337"
	anvilNative              = chains.Token(anvilChain + "/slip44:60")
)

// anvilSender is anvil's first account, whose transactions it signs itself.
var anvilSender = common.HexToAddress("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")

// An anvil is a real anvil, a node of another make than go-ethereum, with a
// chain that leads up to an instant and beyond.
type anvil struct {
	t       *testing.T
	url     string
	instant time.Time
	rpc     *rpc.Client
}

// pinnedAnvil is the block of the instant, and tipAnvil the last one.
const (
	pinnedAnvil = 64
	tipAnvil    = 74
)

func startAnvil(t *testing.T, txs []devnet.Transaction, args ...string) *anvil {
	t.Helper()
	root, err := filepath.Abs("../..") // anvil has a folder of its own
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(root + "/build/npm/node_modules/@foundry-rs/anvil-*/bin/anvil")
	if err != nil || len(found) != 1 {
		t.Skip("skipped: there is no anvil; type: make anvil")
	}
	const tries = 3 // another process may take the free port first
	for try := 1; ; try++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		a := &anvil{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port), instant: time.Now().UTC().Truncate(time.Second).Add(-time.Hour)}
		if err := a.run(found[0], port, args); err == nil {
			a.build(txs)
			return a
		} else if try == tries {
			t.Fatal(err)
		}
	}
}

func (a *anvil) run(path string, port int, args []string) error {
	genesis := a.instant.Unix() - pinnedAnvil*12 - 5
	cmd := exec.Command(path, append([]string{"--silent", "--no-mining", "--order", "fifo", "--accounts", "1", "--slots-in-an-epoch", "1",
		"--port", fmt.Sprint(port), "--timestamp", fmt.Sprint(genesis)}, args...)...)
	cmd.Dir = a.t.TempDir()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is told by its output
		close(ended)
	}()
	a.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	var err error
	if a.rpc, err = rpc.Dial(a.url); err != nil {
		return err
	}
	a.t.Cleanup(a.rpc.Close)
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var version string
		if a.rpc.Call(&version, "web3_clientVersion") == nil {
			a.t.Log(version)
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("anvil ended: %s", said.String())
		default:
		}
		if time.Now().After(deadline) {
			return errors.New("anvil is not ready after five minutes")
		}
	}
}

func (a *anvil) call(answer any, method string, args ...any) {
	a.t.Helper()
	if err := a.rpc.Call(answer, method, args...); err != nil {
		a.t.Fatalf("%s: %v", method, err)
	}
}

// build mines the chain, and checks that every transaction did what it should.
func (a *anvil) build(txs []devnet.Transaction) {
	a.t.Helper()
	var ids []common.Hash
	for n := uint64(1); n <= tipAnvil; n++ {
		for _, tx := range txs {
			if tx.Block == n {
				var id common.Hash
				a.call(&id, "eth_sendTransaction", map[string]any{"from": anvilSender, "to": tx.To, "data": hexutil.Bytes(tx.Data), "gas": hexutil.Uint64(7_000_000)})
				ids = append(ids, id)
			}
		}
		a.call(nil, "evm_setNextBlockTimestamp", a.instant.Unix()-5+12*(int64(n)-pinnedAnvil))
		a.call(nil, "evm_mine")
	}
	for i, id := range ids {
		var receipt struct {
			Status hexutil.Uint64 `json:"status"`
		}
		if a.call(&receipt, "eth_getTransactionReceipt", id); receipt.Status != 1 {
			a.t.Fatalf("transaction %d failed", i)
		}
	}
}

func (a *anvil) open(urls ...string) *Source {
	a.t.Helper()
	s, err := New(a.t.Context(), anvilChain, urls, Options{})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(s.Close)
	return s
}

// reorg throws the instant's block out of the chain.
func (a *anvil) reorg() { a.call(nil, "anvil_reorg", tipAnvil-pinnedAnvil+4, []any{}) }

func (a *anvil) subject() chainstest.Subject {
	tokens := []chains.Token{anvilNative}
	_, cases := tokenTown(a.t, anvilSender)
	for _, c := range cases {
		if c.wish == nil && c.want != nil {
			tokens = append(tokens, c.id(anvilChain))
		}
	}
	var holdings []chains.Holding
	for _, h := range append(slices.Clone(holders), anvilSender) {
		for _, token := range tokens {
			holdings = append(holdings, chains.Holding{Account: accountOf(anvilChain, h), Token: token})
		}
	}
	holdings, err := chains.SortHoldings(anvilChain, holdings)
	if err != nil {
		a.t.Fatal(err)
	}
	return chainstest.Subject{
		Chain: anvilChain, Instant: a.instant, Pinned: pinnedAnvil, URL: a.url, Other: "eip155:1",
		Open: func(t *testing.T, chain chains.Chain, limit int64, urls ...string) chains.Source {
			s, err := New(t.Context(), chain, urls, Options{Limits: egress.Limits{Bytes: limit}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			return s
		},
		Holdings: holdings, Amounts: askBalances(a.t, a.url, holdings, pinnedAnvil), Grade: chains.StateProved,
		Foreign:  chains.Holding{Account: stranger1, Token: devnet.EthereumNative},
		Alias:    chains.Holding{Account: holdings[0].Account, Token: chains.Token(anvilChain + "/slip44:61")},
		Evidence: "eth_getProof",
		Reorg:    func(*testing.T) { a.reorg() },
	}
}

func TestConformanceAnvil(t *testing.T) {
	w, _ := tokenTown(t, anvilSender)
	s := startAnvil(t, w.txs).subject()
	chainstest.Run(t, s)
	chainstest.NeverHeaderTrusted(t, s)
	chainstest.Reorg(t, s)
}

func TestTokensAnvil(t *testing.T) {
	w, cases := tokenTown(t, anvilSender)
	a := startAnvil(t, w.txs)
	block := mustPin(t, a.open(a.url), a.instant)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkToken(t, anvilChain, a.url, block, c) })
	}
}

func TestB02_ReorgAnvil(t *testing.T) {
	a := startAnvil(t, nil)
	s := a.open(a.url)
	block := mustPin(t, s, a.instant)
	a.reorg()
	var said rpc.Error
	err := a.rpc.Call(nil, "eth_getProof", anvilSender, []string{}, map[string]any{"blockHash": block.Hash, "requireCanonical": true})
	if !errors.As(err, &said) || said.ErrorCode() != -32001 || said.Error() != "Resource not found" {
		t.Errorf("anvil answers %v, want Resource not found (-32001)", err)
	}
	holdings := []chains.Holding{{Account: accountOf(anvilChain, anvilSender), Token: anvilNative}}
	_, err = s.Gather(t.Context(), testSnapshot, block, holdings)
	var reorged *chains.ReorgedError
	if !errors.As(err, &reorged) || reorged.Block != block || reorged.Got == "" || reorged.Got == block.Hash {
		t.Errorf("got %v, want a ReorgedError of block %d", err, block.Number)
	}
	if _, err := s.Accepts(t.Context(), block, holdings[0].Account, [32]byte{}, nil); !errors.As(err, &reorged) {
		t.Errorf("a signature: got %v, want a ReorgedError", err)
	}
}

// TestB18_HistoryLostAnvil asks a node that keeps the last few states only.
func TestB18_HistoryLostAnvil(t *testing.T) {
	a := startAnvil(t, nil, "--prune-history", "3")
	s := a.open(a.url)
	block := mustPin(t, s, a.instant)
	holdings := []chains.Holding{{Account: accountOf(anvilChain, anvilSender), Token: anvilNative}}
	_, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	var lost *chains.HistoryLostError
	if !errors.As(err, &lost) || lost.Block != block {
		t.Errorf("got %v, want a HistoryLostError of block %d", err, block.Number)
	}
	if _, err := s.Accepts(t.Context(), block, holdings[0].Account, [32]byte{}, nil); !errors.As(err, &lost) {
		t.Errorf("a signature: got %v, want a HistoryLostError", err)
	}
}
