package evm

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

// attestedTown is a chain with a token that no recipe proves and one that has one.
func attestedTown(t *testing.T) (node *devnet.Ethereum, block chains.BlockRef, split, plain chains.Token) {
	t.Helper()
	w := newTown(t, devnet.Deployer(testSeed))
	a, b := tokenCase{token: w.mint(w.deploy("Split"))}, tokenCase{token: w.mint(w.deploy("Plain"))}
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	return node, mustPin(t, open(t, Options{}, node.URL()), instant), a.id(devnet.EthereumChain), b.id(devnet.EthereumChain)
}

// calling alters the answers to eth_call of one contract.
func calling(t *testing.T, url string, contract string, answer func(said hexutil.Bytes) any) *chainstest.Proxy {
	t.Helper()
	proxy := chainstest.NewProxy(t, url)
	proxy.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		if c.Method != "eth_call" || !strings.Contains(string(c.Params[0]), contract) {
			return nil
		}
		var said hexutil.Bytes
		unmarshal(t, result, &said)
		return marshal(t, answer(said))
	}
	return proxy
}

// TestConformanceAttested runs the suite over a token that nodes only attest.
func TestConformanceAttested(t *testing.T) {
	s := subject(t)
	w := newTown(t, devnet.Deployer(testSeed))
	split := tokenCase{token: w.mint(w.deploy("Split"))}
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	s.Instant, s.URL, s.Grade, s.Evidence = instant, node.URL(), chains.NodeAttested, "eth_call"
	s.Holdings = holdingsOf(devnet.EthereumChain, split.id(devnet.EthereumChain))
	s.Amounts = askBalances(t, node.URL(), s.Holdings, s.Pinned)
	s.Reorg = func(t *testing.T) {
		if err := node.Reorg(s.Pinned - 3); err != nil {
			t.Error(err)
		}
	}
	// The suite's second name of the coin needs the first one beside it.
	s.Alias = chains.Holding{Account: s.Holdings[0].Account, Token: s.Holdings[0].Token}
	chainstest.Run(t, s)
	chainstest.NeverHeaderTrusted(t, s)
	chainstest.Reorg(t, s)
}

func TestB04_AttestedByEveryNode(t *testing.T) {
	node, block, split, plain := attestedTown(t)
	second, third := chainstest.NewProxy(t, node.URL()), chainstest.NewProxy(t, node.URL())
	holdings, err := chains.SortHoldings(devnet.EthereumChain, append(holdingsOf(devnet.EthereumChain, split), holdingsOf(devnet.EthereumChain, plain)...))
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := open(t, Options{}, node.URL(), second.URL, third.URL).Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	file, amounts := evidence.File.(Evidence), askBalances(t, node.URL(), holdings, block.Number)
	var want []BalanceClaim
	for i, h := range holdings {
		grade := chains.StateProved
		if h.Token == split {
			grade = chains.NodeAttested
			want = append(want, BalanceClaim{h.Account, amounts[i], h.Token})
		}
		if b := evidence.Balances[i]; b.Grade != grade || b.Amount.Dec() != amounts[i] {
			t.Errorf("%v: got %s, %s, want %s, %s", h, b.Amount, b.Grade, amounts[i], grade)
		}
	}
	if d := cmp.Diff([]Attestation{{want, "node 1"}, {want, "node 2"}, {want, "node 3"}}, file.Attested); d != "" {
		t.Errorf("attested (-want +got):\n%s", d)
	}
	if len(file.Tokens) != 1 || file.Tokens[0].Token != plain {
		t.Errorf("recipes: %v", file.Tokens)
	}
}

func TestB04_AttestingNodesDisagree(t *testing.T) {
	node, block, split, _ := attestedTown(t)
	contract := contractOf(split)
	liar := calling(t, node.URL(), strings.ToLower(contract.Hex()), func(said hexutil.Bytes) any {
		if said[31] != 0 || said[30] != 0 {
			said[31]++
		}
		return said
	})
	for _, urls := range [][]string{{node.URL(), liar.URL}, {liar.URL, node.URL()}} {
		_, err := open(t, Options{}, urls...).Gather(t.Context(), testSnapshot, block, holdingsOf(devnet.EthereumChain, split))
		var disagree *chains.DisagreementError
		if !errors.As(err, &disagree) || len(disagree.Answers) != 2 {
			t.Fatalf("got %v, want a DisagreementError of two", err)
		}
		for i, u := range urls {
			if got := disagree.Answers[i].Node; got != []string{"node 1", "node 2"}[i]+" ("+strings.TrimPrefix(u, "http://")+")" {
				t.Errorf("answer %d is of %q", i, got)
			}
		}
		if !strings.Contains(err.Error(), amount2) || disagree.Answers[0].Answer == disagree.Answers[1].Answer {
			t.Errorf("the answers are not told: %v", err)
		}
	}
	// A node that answers with something else than a word agrees with nobody.
	for name, answer := range map[string]hexutil.Bytes{"nothing": {}, "31 bytes": make([]byte, 31), "two words": make([]byte, 64)} {
		odd := calling(t, node.URL(), strings.ToLower(contract.Hex()), func(hexutil.Bytes) any { return answer })
		_, err := open(t, Options{}, node.URL(), odd.URL).Gather(t.Context(), testSnapshot, block, holdingsOf(devnet.EthereumChain, split))
		var refused *chains.RefusedError
		if !errors.As(err, &refused) || refused.Node != strings.TrimPrefix(odd.URL, "http://") {
			t.Errorf("%s: got %v, want a RefusedError of the second node", name, err)
		}
	}
}

// TestB18_AttestingNodeLost has a second node that is of no use for this block.
func TestB18_AttestingNodeLost(t *testing.T) {
	node, block, split, _ := attestedTown(t)
	lost := refusing(t, node.URL(), "eth_call", -32000, "missing trie node 00")
	gather := func(urls ...string) (Evidence, error) {
		evidence, err := open(t, Options{}, urls...).Gather(t.Context(), testSnapshot, block, holdingsOf(devnet.EthereumChain, split))
		file, _ := evidence.File.(Evidence)
		return file, err
	}
	for i, urls := range [][]string{{node.URL(), lost.URL}, {lost.URL, node.URL()}} {
		file, err := gather(urls...)
		if err != nil || len(file.Attested) != 1 || file.Attested[0].Node != []string{"node 1", "node 2"}[i] {
			t.Errorf("got %+v, %v, want one node's answers, by its configured name", file.Attested, err)
		}
	}
	var gone *chains.HistoryLostError
	if _, err := gather(lost.URL); !errors.As(err, &gone) {
		t.Errorf("no other node: got %v, want a HistoryLostError", err)
	}
}

func TestNodesListedTwice(t *testing.T) {
	if _, err := New(t.Context(), devnet.EthereumChain, []string{"http://127.0.0.1:1/a", "http://u:p@127.0.0.1:1/b"}, Options{}); err == nil || !strings.Contains(err.Error(), "listed twice") || strings.Contains(err.Error(), "u:p") {
		t.Errorf("got %v, want a refusal of one node under two names", err)
	}
	many := make([]string, maxNodes+1)
	for i := range many {
		many[i] = "http://127.0.0.1:" + string(rune('1'+i%9)) + strings.Repeat("0", i/9)
	}
	if _, err := New(t.Context(), devnet.EthereumChain, many, Options{}); err == nil || !strings.Contains(err.Error(), "at most 16") {
		t.Errorf("got %v, want a refusal of 17 nodes", err)
	}
}

// acceptor is a contract that answers every call with a constant: the word
// returned, cut to n bytes.
func acceptor(word []byte, n byte) types.Account {
	code := append([]byte{0x7f}, common.RightPadBytes(word, 32)...)
	return types.Account{Code: append(code, 0x60, 0x00, 0x52, 0x60, n, 0x60, 0x00, 0xf3), Balance: common.Big0, Nonce: 1}
}

func TestAccepts(t *testing.T) {
	at := func(i byte) common.Address { return common.Address{18: 0x73, 19: i} }
	cases := []struct {
		name     string
		contract types.Account
		says     string // "" where it accepts
	}{
		{"accepts all", acceptor(accepted, 32), ""},
		{"another magic", acceptor([]byte{0x20, 0xc1, 0x3b, 0x0b}, 32), "0x20c13b0b"},
		{"no", acceptor(nil, 32), "it answers 0x0000"},
		{"four bytes only", acceptor(accepted, 4), "it answers 0x1626ba7e"},
		{"more than the word", acceptor(accepted, 64), "it answers 0x1626ba7e"},
		{"a rest after the magic", acceptor([]byte{0x16, 0x26, 0xba, 0x7e, 1}, 32), "it answers 0x1626ba7e01"},
		{"reverts", types.Account{Code: []byte{0x60, 0x00, 0x60, 0x00, 0xfd}, Balance: common.Big0}, "it fails"},
		{"fails otherwise", types.Account{Code: []byte{0xfe}, Balance: common.Big0}, "it fails"},
		{"no contract", types.Account{Balance: common.Big1}, "is it a contract"},
	}
	alloc := types.GenesisAlloc{}
	for i, c := range cases {
		alloc[at(byte(i))] = c.contract
	}
	node, instant := startNode(t, alloc)
	second := chainstest.NewProxy(t, node.URL())
	s := open(t, Options{}, node.URL(), second.URL)
	block := mustPin(t, s, instant)
	for i, c := range cases {
		account := accountOf(devnet.EthereumChain, at(byte(i)))
		nodes, err := s.Accepts(t.Context(), block, account, [32]byte{1}, []byte{1, 2, 3})
		if c.says == "" {
			if d := cmp.Diff([]string{"node 1", "node 2"}, nodes); d != "" || err != nil {
				t.Errorf("%s: %v, nodes (-want +got):\n%s", c.name, err, d)
			}
			continue
		}
		var not *NotAcceptedError
		if !errors.As(err, &not) || not.Account != account || not.Node == "" || !strings.Contains(err.Error(), c.says) || nodes != nil {
			t.Errorf("%s: got %v, %v, want a NotAcceptedError with %q", c.name, nodes, err, c.says)
		}
	}
	account := accountOf(devnet.EthereumChain, at(0))
	for _, bad := range []chains.Account{"eip155:1:0x00000000000000000000000000000000000000aa"} {
		if _, err := s.Accepts(t.Context(), block, bad, [32]byte{}, nil); err == nil {
			t.Errorf("account %s was asked about", bad)
		}
	}
	liar := calling(t, node.URL(), account.Address(), func(hexutil.Bytes) any { return hexutil.Bytes(make([]byte, 32)) })
	var not *NotAcceptedError
	if _, err := open(t, Options{}, node.URL(), liar.URL).Accepts(t.Context(), block, account, [32]byte{}, nil); !errors.As(err, &not) || not.Node != strings.TrimPrefix(liar.URL, "http://") {
		t.Errorf("one node of two: got %v, want a NotAcceptedError of the second", err)
	}
	lost := refusing(t, node.URL(), "eth_call", -32000, "missing trie node 00")
	if nodes, err := open(t, Options{}, lost.URL, node.URL()).Accepts(t.Context(), block, account, [32]byte{}, nil); err != nil || !cmp.Equal(nodes, []string{"node 2"}) {
		t.Errorf("a node that lost the block: got %v, %v, want the other alone", nodes, err)
	}
	var gone *chains.HistoryLostError
	if _, err := open(t, Options{}, lost.URL).Accepts(t.Context(), block, account, [32]byte{}, nil); !errors.As(err, &gone) {
		t.Errorf("no other node: got %v, want a HistoryLostError", err)
	}
	if err := node.Reorg(60); err != nil {
		t.Fatal(err)
	}
	var reorged *chains.ReorgedError
	if _, err := s.Accepts(t.Context(), block, account, [32]byte{}, nil); !errors.As(err, &reorged) {
		t.Errorf("after a reorganisation: got %v, want a ReorgedError", err)
	}
}

// TestAcceptsSafe asks a real Safe, which takes what two of its owners signed.
func TestAcceptsSafe(t *testing.T) {
	w, safes, _ := safeTown(t, devnet.Deployer(testSeed))
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	s := open(t, Options{}, node.URL())
	block := mustPin(t, s, instant)
	hash := crypto.Keccak256Hash([]byte("what is signed"))
	for i, safe := range safes {
		domain := crypto.Keccak256(crypto.Keccak256([]byte("EIP712Domain(uint256 chainId,address verifyingContract)")), wordOf(1337), wordOf(safe))
		message := crypto.Keccak256(crypto.Keccak256([]byte("SafeMessage(bytes message)")), crypto.Keccak256(hash[:]))
		digest := crypto.Keccak256([]byte{0x19, 0x01}, domain, message)
		sign := func(names ...string) []byte {
			slices.SortFunc(names, func(a, b string) int { return safeOwner(t, a).Cmp(safeOwner(t, b)) })
			var all []byte
			for _, name := range names {
				key, err := crypto.ToECDSA(safeKey(name))
				if err != nil {
					t.Fatal(err)
				}
				signature, err := crypto.Sign(digest, key)
				if err != nil {
					t.Fatal(err)
				}
				signature[64] += 27
				all = append(all, signature...)
			}
			return all
		}
		account := accountOf(devnet.EthereumChain, safe)
		if nodes, err := s.Accepts(t.Context(), block, account, hash, sign("one", "three")); err != nil || len(nodes) != 1 {
			t.Errorf("safe %d, two owners: got %v, %v", i, nodes, err)
		}
		var not *NotAcceptedError
		for name, signature := range map[string][]byte{"one owner": sign("two"), "a stranger": sign("one", "four"), "nobody": nil} {
			if _, err := s.Accepts(t.Context(), block, account, hash, signature); !errors.As(err, &not) {
				t.Errorf("safe %d, %s: got %v, want a NotAcceptedError", i, name, err)
			}
		}
	}
}
