package utxo

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

func TestB05_SpentCoin(t *testing.T) {
	node, instant := startNode(t)
	s := open(t, Options{}, node.URL())
	holdings, _ := demoHoldings(t)
	block := mustPin(t, s, instant)
	_, file := mustGather(t, s, block, holdings...)
	for _, o := range file.Outputs {
		if o.Amount == "29900000000" {
			t.Errorf("the coin of 299 was spent before the pinned block, and is listed: %+v", o)
		}
	}
	// The hot wallet's coin of 420 is spent only after the pinned block.
	if !slices.ContainsFunc(file.Outputs, func(o Output) bool { return o.Amount == "42000000000" }) {
		t.Errorf("the coin of 420 was not spent yet, and is not listed: %+v", file.Outputs)
	}
	later := mustPin(t, open(t, Options{Confirmations: 1}, node.URL()), instant.Add(30*time.Second))
	_, file = mustGather(t, s, later, holdings...)
	if slices.ContainsFunc(file.Outputs, func(o Output) bool { return o.Amount == "42000000000" }) {
		t.Error("the coin of 420 is listed at a block after it was spent")
	}
	// Unspentness is the node's word, and the evidence says whose.
	if len(file.Attested) != 1 || file.Attested[0].Node != "node 1" {
		t.Errorf("attested by %+v", file.Attested)
	}
	if len(file.Attested[0].Answers) != len(holdings) {
		t.Errorf("%d answers to %d accounts", len(file.Attested[0].Answers), len(holdings))
	}
}

// TestManyCoins gathers an account of several pages of transactions, most of
// them coinbases.
func TestManyCoins(t *testing.T) {
	node, instant := startNode(t)
	miner, err := node.Miner()
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{}, node.URL())
	block := mustPin(t, s, instant)
	amounts, file := mustGather(t, s, block, chains.Holding{Account: miner, Token: devnet.BitcoinNative})
	// 330 blocks of 50, of which 80 + 50 + 12 + 6 were spent.
	if got := amounts[miner]; got != "910000000000" || len(file.Outputs) != 182 {
		t.Errorf("got %s in %d outputs, want 910000000000 in 182", got, len(file.Outputs))
	}
	if got, want := len(file.Headers), 2*80*int(block.Number-file.First+1); got != want {
		t.Errorf("headers of %d hex digits from block %d, want %d", got, file.First, want)
	}
	if !slices.IsSortedFunc(file.Blocks, func(a, b Block) int { return int(a.Height) - int(b.Height) }) {
		t.Error("blocks are not in order")
	}
}

func TestEmptyEvidence(t *testing.T) {
	node, instant := startNode(t)
	s := open(t, Options{}, node.URL())
	block := mustPin(t, s, instant)
	amounts, file := mustGather(t, s, block, chains.Holding{Account: unused(t), Token: devnet.BitcoinNative})
	if amounts[unused(t)] != "0" || len(file.Headers) != 160 || file.First != block.Number || len(file.Blocks) != 0 {
		t.Errorf("an account without coins: got %v, %+v, want the pinned header alone", amounts, file)
	}
	if d := cmp.Diff([]Answer{{Account: unused(t), Method: methodIndex, Outpoints: []string{}}}, file.Attested[0].Answers); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}
}

func TestB04_NodesDisagree(t *testing.T) {
	node, instant := startNode(t)
	holdings, _ := demoHoldings(t)
	proxy := chainstest.NewProxy(t, node.URL())
	block := mustPin(t, open(t, Options{}, node.URL(), proxy.URL), instant)
	// Two honest ones first: both are named, with the same answers.
	_, file := mustGather(t, open(t, Options{}, node.URL(), proxy.URL), block, holdings...)
	if len(file.Attested) != 2 || file.Attested[0].Node >= file.Attested[1].Node {
		t.Errorf("attested by %+v, want two nodes in order", file.Attested)
	}
	if d := cmp.Diff(file.Attested[0].Answers, file.Attested[1].Answers); d != "" {
		t.Errorf("answers of two honest nodes:\n%s", d)
	}
	// One that hides an account's last transaction.
	proxy.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		var list []json.RawMessage
		if c.Method != methodIndex || json.Unmarshal(result, &list) != nil {
			return nil
		}
		out, _ := json.Marshal(list[:len(list)-1])
		return out
	}
	var disagree *chains.DisagreementError
	if _, err := open(t, Options{}, node.URL(), proxy.URL).Gather(t.Context(), testSnapshot, block, holdings); !errors.As(err, &disagree) || len(disagree.Answers) != 2 {
		t.Errorf("coins: got %v, want a DisagreementError with both answers", err)
	}
	proxy.Alter = func(c chainstest.Call, _ json.RawMessage) json.RawMessage {
		if c.Method == "getblockhash" && string(c.Params[0]) == "330" {
			return json.RawMessage(`"` + strings.Repeat("0", 63) + `1"`)
		}
		return nil
	}
	if _, err := open(t, Options{}, node.URL(), proxy.URL).Pin(t.Context(), instant); !errors.As(err, &disagree) || !strings.Contains(err.Error(), block.Hash) {
		t.Errorf("pinned block: got %v, want a DisagreementError with both hashes", err)
	}
}

// altered is a proxy's change of the bytes that a method answers in hex.
func altered(method string, change func(raw []byte)) func(chainstest.Call, json.RawMessage) json.RawMessage {
	return func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		var text string
		if c.Method != method || json.Unmarshal(result, &text) != nil {
			return nil
		}
		raw, _ := hex.DecodeString(text)
		change(raw)
		out, _ := json.Marshal(hex.EncodeToString(raw))
		return out
	}
}

func TestB04_LyingNode(t *testing.T) {
	node, instant := startNode(t)
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	for name, alter := range map[string]func(chainstest.Call, json.RawMessage) json.RawMessage{
		"Merkle root of a block": altered("getblock", func(raw []byte) { raw[40] ^= 1 }),
		"a transaction's bytes":  altered("getblock", func(raw []byte) { raw[len(raw)-1] ^= 1 }),
		"a header":               altered("getblockheader", func(raw []byte) { raw[40] ^= 1 }),
		"a coin's height": func(c chainstest.Call, _ json.RawMessage) json.RawMessage {
			if c.Method == "getblockheader" && len(c.Params) == 2 && string(c.Params[1]) == "true" {
				return json.RawMessage(`{"height":17}`)
			}
			return nil
		},
	} {
		proxy := chainstest.NewProxy(t, node.URL())
		proxy.Alter = alter
		evidence, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
		var proof *chains.ProofError
		var reorged *chains.ReorgedError // a header that is not the pinned one
		var refused *chains.RefusedError // a block that is none
		if evidence.File != nil || !errors.As(err, &proof) && !errors.As(err, &reorged) && !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
}

func TestB03_SilentZero(t *testing.T) {
	node, instant := startNode(t)
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	for _, said := range []struct {
		code int
		text string
	}{
		{-5, "Invalid address or key"}, {-1, "Address index must be enabled (--addrindex)"}, {-32601, "Method not found"}, {-5, "no information"},
	} {
		proxy := chainstest.NewProxy(t, node.URL())
		proxy.Refuse = func(c chainstest.Call) (int, string) {
			if c.Method == methodIndex {
				return said.code, said.text
			}
			return 0, ""
		}
		var refused *chains.RefusedError
		if _, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings); !errors.As(err, &refused) || !strings.HasPrefix(refused.Reason, said.text) {
			t.Errorf("%q passed for no coins: %v", said.text, err)
		}
	}
	proxy := chainstest.NewProxy(t, node.URL())
	proxy.Alter = func(c chainstest.Call, _ json.RawMessage) json.RawMessage {
		if c.Method == methodIndex {
			return json.RawMessage("null")
		}
		return nil
	}
	if _, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings); err == nil {
		t.Error("null passed for no coins")
	}
}

func TestB18_HistoryLost(t *testing.T) {
	node, instant := startNode(t)
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	for _, said := range []string{"Block not available (pruned data)", "Block not found"} {
		proxy := chainstest.NewProxy(t, node.URL())
		proxy.Refuse = func(c chainstest.Call) (int, string) {
			if c.Method == "getblock" {
				return -1, said
			}
			return 0, ""
		}
		evidence, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
		var lost *chains.HistoryLostError
		if !errors.As(err, &lost) || evidence.File != nil {
			t.Errorf("%q: got %v, want a HistoryLostError", said, err)
		}
	}
}

func TestNotFinal(t *testing.T) {
	node, instant := startNode(t)
	// The pinned block has 13 confirmations: 12 blocks lie on it.
	for confirmations, blocks := range map[uint64]uint64{13: 0, 14: 1, 20: 7} {
		_, err := open(t, Options{Confirmations: confirmations}, node.URL()).Pin(t.Context(), instant)
		var notFinal *chains.NotFinalError
		if blocks == 0 && err != nil || blocks > 0 && (!errors.As(err, &notFinal) || notFinal.Blocks != blocks) {
			t.Errorf("%d confirmations: got %v, want %d more blocks", confirmations, err, blocks)
		}
	}
	// The median time of the last 11 blocks is that of block 337, 70 s after the
	// instant: up to then no block to come can bear an earlier time.
	s := open(t, Options{Confirmations: 1}, node.URL())
	if block, err := s.Pin(t.Context(), instant.Add(70*time.Second)); err != nil || block.Number != 337 {
		t.Errorf("at the median time: got block %d, %v, want 337", block.Number, err)
	}
	var notFinal *chains.NotFinalError
	if block, err := s.Pin(t.Context(), instant.Add(71*time.Second)); !errors.As(err, &notFinal) {
		t.Errorf("after the median time: got block %d, %v, want a NotFinalError", block.Number, err)
	}
}

func TestPinTimesThatFall(t *testing.T) {
	instant := devnet.Instant(time.Now())
	node, err := devnet.StartBitcoin(t.Context(), devnet.BitcoinOptions{Seed: testSeed, Btcd: findBtcd(t), Dir: t.TempDir(), Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	mine := func(at time.Time, more int) {
		t.Helper()
		if err := node.Mine(t.Context(), at, more); err != nil {
			t.Fatal(err)
		}
	}
	mine(instant.Add(-time.Hour), 19)     // 1 to 20, a second apart
	mine(instant.Add(10*time.Second), 0)  // 21 is after the instant
	mine(instant.Add(-10*time.Second), 0) // 22 is before it
	mine(instant.Add(time.Second), 20)    // 23 to 43 after it again
	if block := mustPin(t, open(t, Options{}, node.URL()), instant); block.Number != 22 {
		t.Errorf("got block %d, want 22, the last one not later than the instant", block.Number)
	}
}

func TestB21_DishonestList(t *testing.T) {
	for _, c := range []struct {
		address string
		params  *chaincfg.Params
		ok      bool
	}{
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", &chaincfg.MainNetParams, true},
		{"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", &chaincfg.MainNetParams, true},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", &chaincfg.MainNetParams, true},
		{"3P14159f73E4gFr7JterCCQh9QjiTjiZrG", &chaincfg.MainNetParams, true},
		{"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", &chaincfg.MainNetParams, false}, // another spelling
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", &chaincfg.MainNetParams, false}, // checksum
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", &chaincfg.TestNet3Params, false},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", &chaincfg.SimNetParams, false},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", &chaincfg.MainNetParams, false},
		{"04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f", &chaincfg.MainNetParams, false},
		{"bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", &chaincfg.MainNetParams, false}, // a version 1 program of 20 bytes
		{"", &chaincfg.MainNetParams, false},
	} {
		n := networkOf(chainOf(c.params.GenesisHash.String()))
		got, err := n.script(n.account(c.address))
		if (err == nil) != c.ok || c.ok && len(got) == 0 {
			t.Errorf("%s on %s: got %x, %v, want ok = %v", c.address, c.params.Name, got, err, c.ok)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		chain chains.Chain
		urls  []string
	}{
		{"eip155:1", []string{"http://127.0.0.1"}},
		{"bip122:1a91e3dace36e2be3bf030a65679fe82", []string{"http://127.0.0.1"}}, // Dogecoin: merged mining
		{mainnet, nil},
		{mainnet, []string{"127.0.0.1:8332"}},
		{mainnet, []string{"http://a:b@127.0.0.1:8332", "http://c:d@127.0.0.1:8332"}},
	} {
		if s, err := New(t.Context(), c.chain, c.urls, Options{}); err == nil {
			t.Errorf("New(%q, %q) gave %v", c.chain, c.urls, s)
		}
	}
}

func FuzzScript(f *testing.F) {
	f.Add("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
	f.Add("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
	f.Add("bc1")
	f.Fuzz(func(t *testing.T, address string) {
		n := networkOf(mainnet)
		got, err := n.script(n.account(address))
		if err == nil && (len(got) < 22 || len(got) > 34) {
			t.Errorf("%q: script %x", address, got)
		}
	})
}
