package evm

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
)

const stakedCoin = chains.Token(devnet.EthereumChain + "/staked:60")

// The balances of validators stand in the evidence beside those that the state trie proves, and are those of the beacon block that
// the pinned block's header names.
func TestStaked(t *testing.T) {
	beacon := common.HexToHash("0xbeac")
	node, instant := startNodeWith(t, devnet.EthereumOptions{BeaconRoot: beacon})
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	if got, err := open(t, Options{}, "http://127.0.0.1:1", node.URL()).ParentBeaconRoot(t.Context(), block); err != nil || got != beacon {
		t.Fatalf("beacon root %x, %v", got, err)
	}
	if _, err := open(t, Options{}, "http://127.0.0.1:1").ParentBeaconRoot(t.Context(), block); err == nil {
		t.Error("no node answers, and yet there is a root")
	}
	alone := accountOf(devnet.EthereumChain, common.HexToAddress("0xa1"))
	shown := &Staked{Parent: beacon, File: map[string]string{"shown": "elsewhere"}, Balances: map[chains.Account]*uint256.Int{
		stranger1: uint256.NewInt(7_000_000_000), alone: uint256.NewInt(0)}}
	plain := demoHoldings(t, node)
	holdings := append(plain, chains.Holding{Account: stranger1, Token: stakedCoin}, chains.Holding{Account: alone, Token: stakedCoin})
	evidence, err := open(t, Options{Staked: shown}, node.URL()).Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	got := map[chains.Account]string{}
	for _, b := range evidence.Balances {
		if b.Token == stakedCoin {
			got[b.Account] = b.Amount.Dec() + " " + string(b.Grade)
		}
	}
	if d := cmp.Diff(map[chains.Account]string{stranger1: "7000000000 state-proved", alone: "0 state-proved"}, got); d != "" {
		t.Errorf("staked (-want +got):\n%s", d)
	}
	raw, err := json.Marshal(evidence.File)
	if err != nil || !strings.Contains(string(raw), `"validators":{"shown":"elsewhere"}`) {
		t.Errorf("%v: the file lacks what shows the validators", err)
	}

	// All else is as it is without them.
	without, err := open(t, Options{}, node.URL()).Gather(t.Context(), testSnapshot, block, plain)
	if err != nil {
		t.Fatal(err)
	}
	file, bare := evidence.File.(Evidence), without.File.(Evidence)
	if d := cmp.Diff(bare.Nodes, file.Nodes); d != "" {
		t.Errorf("nodes (-without +with):\n%s", d)
	}
	if len(evidence.Balances) != len(without.Balances)+2 || bare.Validators != nil {
		t.Errorf("%d balances, %d without; validators %v", len(evidence.Balances), len(without.Balances), bare.Validators)
	}
	if raw, _ := json.Marshal(bare); strings.Contains(string(raw), "validators") {
		t.Error("the file names validators where there are none")
	}
}

// TestB10_Staked: staked coins are those that are shown, each account once and under one name, and of this very block.
func TestB10_Staked(t *testing.T) {
	beacon := common.HexToHash("0xbeac")
	node, instant := startNodeWith(t, devnet.EthereumOptions{BeaconRoot: beacon})
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	one, two := chains.Holding{Account: stranger1, Token: stakedCoin}, chains.Holding{Account: accountOf(devnet.EthereumChain, common.HexToAddress("0xa1")), Token: stakedCoin}
	again := chains.Holding{Account: two.Account, Token: stakedCoin[:len(stakedCoin)-1] + "1"}
	both := map[chains.Account]*uint256.Int{one.Account: uint256.NewInt(1), two.Account: uint256.NewInt(2)}
	only := maps.Clone(both)
	delete(only, two.Account)
	for name, c := range map[string]struct {
		staked   *Staked
		holdings []chains.Holding
		words    string
	}{
		"nothing is shown":     {nil, []chains.Holding{one}, "no validator is shown whose withdrawals go to it"},
		"one is not shown":     {&Staked{Parent: beacon, Balances: only}, []chains.Holding{one, two}, "no validator is shown"},
		"one is not asked for": {&Staked{Parent: beacon, Balances: both}, []chains.Holding{one}, "for 2 accounts, and 1 are asked for"},
		"none is asked for":    {&Staked{Parent: beacon, Balances: both}, demoHoldings(t, node), "for 2 accounts, and 0 are asked for"},
		"asked for twice":      {&Staked{Parent: beacon, Balances: only}, []chains.Holding{one, one}, "listed twice"},
		"under another name":   {&Staked{Parent: beacon, Balances: both}, []chains.Holding{one, two, again}, "under another name"},
		"of another block":     {&Staked{Parent: common.HexToHash("0xbeac1"), Balances: both}, []chains.Holding{one, two}, "shown for beacon block 0x" + strings.Repeat("0", 59) + "beac1, but block 64"},
		"it is as it should":   {&Staked{Parent: beacon, Balances: both}, []chains.Holding{one, two}, ""},
	} {
		_, err := open(t, Options{Staked: c.staked}, node.URL()).Gather(t.Context(), testSnapshot, block, c.holdings)
		if (err == nil) != (c.words == "") || err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: got %v, want %q", name, err, c.words)
		}
		var holding *chains.HoldingError
		if strings.Contains(c.words, "validator") && !errors.As(err, &holding) {
			t.Errorf("%s: %v names no holding", name, err)
		}
	}
	// A header from before EIP-4788.
	old := &gathering{block: block, staked: &Staked{Parent: beacon}}
	if err := old.sameBeacon(); err == nil || !strings.Contains(err.Error(), "names no beacon block (EIP-4788)") {
		t.Errorf("a header without a beacon block: %v", err)
	}
}

// A Safe that validators pay out to is shown to be its owners', though it holds nothing else.
func TestB11_StakedForASafe(t *testing.T) {
	w, safes, _ := safeTown(t, devnet.Deployer(testSeed))
	beacon := common.HexToHash("0xbeac")
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs, BeaconRoot: beacon})
	safe := accountOf(devnet.EthereumChain, safes[1])
	s := open(t, Options{Staked: &Staked{Parent: beacon, Balances: map[chains.Account]*uint256.Int{safe: uint256.NewInt(5)}}}, node.URL())
	evidence, err := s.Gather(t.Context(), testSnapshot, mustPin(t, s, instant), []chains.Holding{{Account: safe, Token: stakedCoin}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[chains.Account]chains.Owners{safe: wantOwners(t)}, evidence.Owners); d != "" {
		t.Errorf("owners (-want +got):\n%s", d)
	}
}
