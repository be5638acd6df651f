package evm

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

// proofsOf rewrites the proofs in an answer to eth_getProof.
func proofsOf(t *testing.T, result json.RawMessage, edit func(account []string, storage [][]string) ([]string, [][]string)) json.RawMessage {
	t.Helper()
	var answer map[string]json.RawMessage
	var account []string
	var slots []map[string]json.RawMessage
	unmarshal(t, result, &answer)
	unmarshal(t, answer["accountProof"], &account)
	unmarshal(t, answer["storageProof"], &slots)
	storage := make([][]string, len(slots))
	for i := range slots {
		unmarshal(t, slots[i]["proof"], &storage[i])
	}
	account, storage = edit(account, storage)
	for i := range slots {
		slots[i]["proof"] = marshal(t, storage[i])
	}
	answer["accountProof"], answer["storageProof"] = marshal(t, account), marshal(t, slots)
	return marshal(t, answer)
}

func unmarshal(t *testing.T, raw json.RawMessage, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Errorf("%s: %v", raw, err)
	}
}

func marshal(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return raw
}

func TestB04_LyingNode(t *testing.T) {
	node, instant := startNode(t, nil)
	holdings := demoHoldings(t, node)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	flip := func(blob string) string { // one bit of the last byte but some
		b, _ := hexutil.Decode(blob)
		b[len(b)-4] ^= 1
		return hexutil.Encode(b)
	}
	for name, edit := range map[string]func(account []string, storage [][]string) ([]string, [][]string){
		"account leaf altered": func(a []string, s [][]string) ([]string, [][]string) {
			a[len(a)-1] = flip(a[len(a)-1])
			return a, s
		},
		"account leaf left out":  func(a []string, s [][]string) ([]string, [][]string) { return a[:len(a)-1], s },
		"account proof left out": func(_ []string, s [][]string) ([]string, [][]string) { return []string{}, s },
		"storage leaf altered": func(a []string, s [][]string) ([]string, [][]string) {
			return a, each(s, func(p []string) []string { p[len(p)-1] = flip(p[len(p)-1]); return p })
		},
		"storage leaf left out": func(a []string, s [][]string) ([]string, [][]string) {
			return a, each(s, func(p []string) []string { return p[:len(p)-1] })
		},
		"storage proofs left out": func(a []string, s [][]string) ([]string, [][]string) {
			return a, each(s, func([]string) []string { return []string{} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := chainstest.NewProxy(t, node.URL())
			proxy.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
				if c.Method != "eth_getProof" {
					return nil
				}
				return proofsOf(t, result, edit)
			}
			_, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
			var proof *chains.ProofError
			if !errors.As(err, &proof) || proof.Block != block {
				t.Errorf("got %v, want a ProofError", err)
			}
			// An honest node behind it is no excuse: the operator must know.
			if _, err := open(t, Options{}, proxy.URL, node.URL()).Gather(t.Context(), testSnapshot, block, holdings); !errors.As(err, &proof) {
				t.Errorf("beside an honest node: got %v, want a ProofError", err)
			}
		})
	}
}

func each(storage [][]string, edit func([]string) []string) [][]string {
	for i := range storage {
		if len(storage[i]) > 0 {
			storage[i] = edit(storage[i])
		}
	}
	return storage
}

func TestB04_NodesDisagree(t *testing.T) {
	node, instant := startNode(t, nil)
	other := common.HexToHash("0xbad").Hex()
	proxy := chainstest.NewProxy(t, node.URL())
	proxy.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		if c.Method == "eth_getBlockByNumber" && string(c.Params[0]) == `"0x40"` {
			var h map[string]json.RawMessage
			unmarshal(t, result, &h)
			h["hash"] = marshal(t, other)
			return marshal(t, h)
		}
		return nil
	}
	honest := mustPin(t, open(t, Options{}, node.URL()), instant)
	for _, urls := range [][]string{{node.URL(), proxy.URL}, {proxy.URL, node.URL()}} {
		_, err := open(t, Options{}, urls...).Pin(t.Context(), instant)
		var disagree *chains.DisagreementError
		if !errors.As(err, &disagree) || len(disagree.Answers) != 2 || !strings.Contains(err.Error(), honest.Hash) || !strings.Contains(err.Error(), other) {
			t.Errorf("got %v, want a DisagreementError with both hashes", err)
		}
		var reorged *chains.ReorgedError
		if _, err := open(t, Options{}, urls...).Gather(t.Context(), testSnapshot, honest, nil); !errors.As(err, &reorged) {
			t.Errorf("gather: got %v, want a ReorgedError of the node that has another block", err)
		}
	}
}

func TestB04_LyingHeader(t *testing.T) {
	node, instant := startNode(t, nil)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	for name, alter := range map[string]func(raw []byte) []byte{
		"another byte": func(raw []byte) []byte { raw[100] ^= 1; return raw },
		"cut off":      func(raw []byte) []byte { return raw[:len(raw)-1] },
		"none":         func([]byte) []byte { return nil },
	} {
		proxy := chainstest.NewProxy(t, node.URL())
		proxy.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
			if c.Method != "debug_getRawHeader" {
				return nil
			}
			var raw hexutil.Bytes
			unmarshal(t, result, &raw)
			return marshal(t, hexutil.Bytes(alter(raw)))
		}
		_, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, nil)
		var proof *chains.ProofError
		if !errors.As(err, &proof) {
			t.Errorf("%s: got %v, want a ProofError", name, err)
		}
	}
	block.Time = block.Time.Add(1)
	block.Number--
	if _, err := open(t, Options{}, node.URL()).Gather(t.Context(), testSnapshot, block, nil); err == nil {
		t.Error("a pinned block with another number was taken")
	}
}

func TestB07_AbsenceIsNotFailure(t *testing.T) {
	node, instant := startNode(t, nil)
	s := open(t, Options{}, node.URL())
	block := mustPin(t, s, instant)
	nothing := []chains.Holding{{Account: stranger1, Token: node.Token()}, {Account: stranger1, Token: devnet.EthereumNative}}
	evidence, err := s.Gather(t.Context(), testSnapshot, block, nothing)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range evidence.Balances {
		if !b.Amount.IsZero() || b.Grade != chains.StateProved {
			t.Errorf("%s: got %s, %s, want a proved 0", b.Token, b.Amount, b.Grade)
		}
	}
	// Three outcomes: proved absent, not proved, and a value.
	file := evidence.File.(Evidence)
	full := newNodeSet()
	for _, blob := range file.Nodes {
		full.add(blob)
	}
	raw, _ := hex.DecodeString(file.Header)
	root := common.BytesToHash(raw[3+33+33+21+1 : 3+33+33+21+33])
	address := common.HexToAddress(stranger1.Address())
	if a, err := full.account(root, address); a != nil || err != nil {
		t.Errorf("absent account: got %v, %v", a, err)
	}
	if a, err := newNodeSet().account(root, address); a != nil || err == nil {
		t.Errorf("no proof at all: got %v, %v, want an error", a, err)
	}
	if a, err := full.account(common.HexToHash("0x01"), address); a != nil || err == nil {
		t.Errorf("another root: got %v, %v, want an error", a, err)
	}
	contract, _ := node.Token().Contract()
	if a, err := full.account(root, common.HexToAddress(contract)); a == nil || err != nil || !hasCode(a) {
		t.Errorf("the token's account: got %v, %v", a, err)
	}
}

func TestB09_OnlyProvenBytesAreRead(t *testing.T) {
	node, instant := startNode(t, nil)
	holdings := demoHoldings(t, node)
	honest := open(t, Options{}, node.URL())
	block := mustPin(t, honest, instant)
	want, err := honest.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	proxy := chainstest.NewProxy(t, node.URL())
	proxy.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		if c.Method != "eth_getProof" {
			return nil
		}
		var answer map[string]any
		unmarshal(t, result, &answer)
		answer["balance"], answer["nonce"] = "0xffffffffffffffffffffffff", "0x0"
		answer["storageHash"], answer["codeHash"] = common.HexToHash("0x1"), common.HexToHash("0x2")
		for _, slot := range answer["storageProof"].([]any) {
			slot.(map[string]any)["value"] = "0xffffffffffff"
			slot.(map[string]any)["key"] = "0x0"
		}
		return marshal(t, answer)
	}
	got, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.File, got.File); d != "" {
		t.Errorf("the numbers beside the proofs were read (-want +got):\n%s", d)
	}
}

func TestB18_HistoryLost(t *testing.T) {
	node, instant := startNode(t, nil)
	holdings := demoHoldings(t, node)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	for _, said := range []string{
		"missing trie node 56e81f171bcc55a6ff8345e692c0f86e (path ) state 0x56e8 is not available",
		"historical state 0x6a1c is not available",
		"required historical state unavailable (reexec=0)",
		"old data not available due to pruning",
		"distance to target block exceeds maximum proof window",
		"No state available for block 64",
		"World state unavailable",
	} {
		for nth := 1; nth <= 3; nth++ { // at once, and in the middle
			proxy := chainstest.NewProxy(t, node.URL())
			proxy.Refuse = func(c chainstest.Call) (int, string) {
				if c.Method == "eth_getProof" && proxy.Count("eth_getProof") >= nth {
					return -32000, said
				}
				return 0, ""
			}
			evidence, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
			var lost *chains.HistoryLostError
			if !errors.As(err, &lost) || lost.Block != block || evidence.File != nil || evidence.Balances != nil {
				t.Errorf("%q at call %d: got %v, want a HistoryLostError and nothing else", said, nth, err)
			}
			// Another node that still has it is as good.
			if _, err := open(t, Options{}, proxy.URL, node.URL()).Gather(t.Context(), testSnapshot, block, holdings); err != nil {
				t.Errorf("beside an archive node: %v", err)
			}
		}
	}
	proxy := chainstest.NewProxy(t, node.URL())
	proxy.Refuse = func(c chainstest.Call) (int, string) {
		if c.Method == "eth_getProof" {
			return -32601, "the method eth_getProof does not exist"
		}
		return 0, ""
	}
	var lost *chains.HistoryLostError
	var refused *chains.RefusedError
	if _, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings); errors.As(err, &lost) || !errors.As(err, &refused) {
		t.Errorf("a node without the method: got %v, want a RefusedError", err)
	}
}

func TestNotFinal(t *testing.T) {
	node, instant := startNode(t, nil)
	s := open(t, Options{}, node.URL())
	if err := node.Finalize(64); err != nil {
		t.Fatal(err)
	}
	// Block 64 is final, but another one may yet follow it before the instant.
	var notFinal *chains.NotFinalError
	if _, err := s.Pin(t.Context(), instant); !errors.As(err, &notFinal) || notFinal.Final != 64 || notFinal.Blocks != 1 {
		t.Errorf("got %v, want a NotFinalError of 1 block after 64", err)
	}
	if err := node.Finalize(60); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pin(t.Context(), instant); !errors.As(err, &notFinal) || notFinal.Final != 60 || notFinal.Blocks != 5 {
		t.Errorf("got %v, want a NotFinalError of 5 blocks after 60", err)
	}
	// With confirmations the tag is not asked for: the head is block 74.
	for confirmations, ok := range map[uint64]bool{1: true, 10: true, 11: false, 1000: false} {
		block, err := open(t, Options{Confirmations: confirmations}, node.URL()).Pin(t.Context(), instant)
		if ok && (err != nil || block.Number != 64) || !ok && !errors.As(err, &notFinal) {
			t.Errorf("%d confirmations: got block %d, %v", confirmations, block.Number, err)
		}
	}
	if err := node.Mine(1); err != nil {
		t.Fatal(err)
	}
	if block, err := open(t, Options{Confirmations: 11}, node.URL()).Pin(t.Context(), instant); err != nil || block.Number != 64 {
		t.Errorf("11 confirmations a block later: got block %d, %v", block.Number, err)
	}
	proxy := chainstest.NewProxy(t, node.URL())
	proxy.Refuse = func(c chainstest.Call) (int, string) {
		if c.Method == "eth_getBlockByNumber" && string(c.Params[0]) == `"finalized"` {
			return -32000, "finalized block not found"
		}
		return 0, ""
	}
	if _, err := open(t, Options{}, proxy.URL).Pin(t.Context(), instant); err == nil || !strings.Contains(err.Error(), "number of confirmations") {
		t.Errorf("a chain without finality: got %v, want the hint to set confirmations", err)
	}
}

// TestPlainerNodes runs against nodes that lack what geth has.
func TestPlainerNodes(t *testing.T) {
	node, instant := startNode(t, nil)
	holdings := demoHoldings(t, node)
	honest := open(t, Options{}, node.URL())
	block := mustPin(t, honest, instant)
	want, err := honest.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	for name, refuse := range map[string]func(chainstest.Call) (int, string){
		"no debug_getRawHeader": func(c chainstest.Call) (int, string) {
			if c.Method == "debug_getRawHeader" {
				return -32601, "the method debug_getRawHeader does not exist"
			}
			return 0, ""
		},
		"no EIP-1898": func(c chainstest.Call) (int, string) {
			if len(c.Params) > 0 && strings.Contains(string(c.Params[len(c.Params)-1]), "blockHash") {
				return -32602, "invalid argument 1: json: cannot unmarshal object"
			}
			return 0, ""
		},
	} {
		proxy := chainstest.NewProxy(t, node.URL())
		proxy.Refuse = refuse
		got, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if d := cmp.Diff(want.File, got.File); d != "" {
			t.Errorf("%s: other evidence (-want +got):\n%s", name, d)
		}
	}
}

func TestEveryNodeIsUsed(t *testing.T) {
	node, instant := startNode(t, nil)
	s := open(t, Options{}, node.URL())
	holdings := demoHoldings(t, node)
	block := mustPin(t, s, instant)
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	file := evidence.File.(Evidence)
	var hashes []string
	for _, blob := range file.Nodes {
		hashes = append(hashes, crypto.Keccak256Hash(blob).Hex())
	}
	if !slices.IsSorted(hashes) || len(slices.Compact(slices.Clone(hashes))) != len(hashes) {
		t.Errorf("nodes are not sorted by Keccak-256, or one is there twice: %v", hashes)
	}
	everyNodeIsNeeded(t, s, block, evidence)

	// The published file says each thing once: the balances stand in the lines.
	var published map[string]json.RawMessage
	unmarshal(t, marshal(t, file), &published)
	want := []string{"attested", "chain", "header", "nodes", "safes", "snapshot", "tokens", "type"}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(published))); d != "" {
		t.Errorf("keys of the file (-want +got):\n%s", d)
	}
	var nodes []string
	unmarshal(t, published["nodes"], &nodes)
	for i, n := range nodes {
		if blob, err := base64.StdEncoding.Strict().DecodeString(n); err != nil || !bytes.Equal(blob, file.Nodes[i]) {
			t.Errorf("node %d is %q, %v", i, n, err)
		}
	}
}

// tokenCode is a contract whose every call answers with the word of its
// argument under a layout, as balanceOf does, changed by ops.
func tokenCode(order string, slot common.Hash, ops ...byte) []byte {
	holderAt, slotAt := byte(0x00), byte(0x20)
	if order == Vyper {
		holderAt, slotAt = slotAt, holderAt
	}
	code := []byte{0x60, 0x04, 0x35, 0x60, holderAt, 0x52, 0x7f} // mstore(holderAt, calldataload(4)); push32
	code = append(code, slot[:]...)
	code = append(code, 0x60, slotAt, 0x52, 0x60, 0x40, 0x60, 0x00, 0x20, 0x54) // mstore; sload(keccak256(0, 64))
	code = append(code, ops...)
	return append(code, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3) // return the word
}

func TestLayouts(t *testing.T) {
	holder := common.HexToAddress("0x00000000000000000000000000000000000000aa")
	at := func(n int64) common.Address { return common.BigToAddress(uint256.NewInt(0x70000 + uint64(n)).ToBig()) }
	word := common.BytesToHash([]byte{0x12, 0x34})
	account := func(code []byte, l layout) types.Account {
		return types.Account{Code: code, Balance: common.Big0, Nonce: 1, Storage: map[common.Hash]common.Hash{l.key(holder): word}}
	}
	solidity5, vyper2 := layout{Solidity, common.Hash{31: 5}}, layout{Vyper, common.Hash{31: 2}}
	far := layout{Solidity, common.Hash{30: 1, 31: 44}}
	upgradeable := layout{Solidity, erc7201Slot}
	tokens := []struct {
		name     string
		account  types.Account
		want     *layout
		attested string // amount that the node attests where there is no recipe
		says     string
	}{
		{"Solidity, slot 5", account(tokenCode(Solidity, solidity5.slot), solidity5), &solidity5, "", ""},
		{"Vyper, slot 2", account(tokenCode(Vyper, vyper2.slot), vyper2), &vyper2, "", ""},
		{"OpenZeppelin upgradeable", account(tokenCode(Solidity, erc7201Slot), upgradeable), &upgradeable, "", ""},
		{"slot 300", account(tokenCode(Solidity, far.slot), far), nil, "4660", ""},
		{"twice the word", account(tokenCode(Solidity, solidity5.slot, 0x80, 0x01), solidity5), nil, "9320", ""},
		{"one word for all", types.Account{Code: []byte{0x60, 0x05, 0x54, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3}, Balance: common.Big0}, nil, "0", ""},
		{"reverts", types.Account{Code: []byte{0x60, 0x00, 0x60, 0x00, 0xfd}, Balance: common.Big0}, nil, "", "balanceOf fails"},
		{"answers nothing", types.Account{Code: []byte{0x00}, Balance: common.Big0}, nil, "", "one word"},
		{"no contract", types.Account{Balance: common.Big1}, nil, "", "no contract"},
		{"no account", types.Account{}, nil, "", "no contract"},
	}
	alloc := types.GenesisAlloc{}
	for i, c := range tokens {
		if c.name != "no account" {
			alloc[at(int64(i))] = c.account
		}
	}
	node, instant := startNode(t, alloc)
	s := open(t, Options{}, node.URL())
	block := mustPin(t, s, instant)
	for i, c := range tokens {
		t.Run(c.name, func(t *testing.T) {
			token := chains.Token(fmt.Sprintf("%s/erc20:%s", devnet.EthereumChain, strings.ToLower(at(int64(i)).Hex())))
			evidence, err := s.Gather(t.Context(), testSnapshot, block, []chains.Holding{{Account: stranger1, Token: token}})
			if c.says != "" {
				var unknown *chains.UnknownLayoutError
				if !errors.As(err, &unknown) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want an UnknownLayoutError about %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			file, amount, grade := evidence.File.(Evidence), c.attested, chains.NodeAttested
			want, attested := []Recipe{}, []Attestation{{Answers: []BalanceClaim{{stranger1, amount, token}}, Node: "node 1"}}
			if c.want != nil {
				amount, grade, attested = "4660", chains.StateProved, []Attestation{}
				want = append(want, Recipe{Layout: c.want.order, Slot: hex.EncodeToString(c.want.slot[:]), Token: token})
			}
			if d := cmp.Diff(want, file.Tokens); d != "" {
				t.Errorf("recipes (-want +got):\n%s", d)
			}
			if d := cmp.Diff(attested, file.Attested); d != "" {
				t.Errorf("attested (-want +got):\n%s", d)
			}
			if got := evidence.Balances[0]; got.Amount.Dec() != amount || got.Grade != grade {
				t.Errorf("got %s, %s, want %s, %s", got.Amount, got.Grade, amount, grade)
			}
			if grade == chains.NodeAttested && len(file.Nodes) != 0 {
				t.Errorf("%d trie nodes prove nothing", len(file.Nodes))
			}
		})
	}
}

func TestERC7201Slot(t *testing.T) {
	// keccak256(abi.encode(uint256(keccak256(name)) - 1)) & ~0xff, as ERC-7201 has it.
	name := new(uint256.Int).SetBytes(crypto.Keccak256([]byte("openzeppelin.storage.ERC20")))
	base := name.SubUint64(name, 1).Bytes32()
	want := crypto.Keccak256Hash(base[:])
	want[31] = 0
	if erc7201Slot != want {
		t.Errorf("got %s, want %s", erc7201Slot, want)
	}
}

// TestManyHolders gathers a thousand holders in few calls.
func TestManyHolders(t *testing.T) {
	const holders = 1000
	contract := common.HexToAddress("0x70000")
	l := layout{Solidity, common.Hash{}}
	storage := map[common.Hash]common.Hash{}
	token := chains.Token(string(devnet.EthereumChain) + "/erc20:" + strings.ToLower(contract.Hex()))
	alloc := types.GenesisAlloc{}
	var holdings []chains.Holding
	for i := range uint64(holders) {
		holder := common.BigToAddress(uint256.NewInt(0x990000 + i).ToBig())
		storage[l.key(holder)] = common.Hash(uint256.NewInt(i + 1).Bytes32())
		alloc[holder] = types.Account{Balance: uint256.NewInt(i + 7).ToBig()}
		account := chains.Account(string(devnet.EthereumChain) + ":" + strings.ToLower(holder.Hex()))
		holdings = append(holdings, chains.Holding{Account: account, Token: token}, chains.Holding{Account: account, Token: devnet.EthereumNative})
	}
	alloc[contract] = types.Account{Code: tokenCode(Solidity, l.slot), Balance: common.Big0, Storage: storage}
	node, instant := startNode(t, alloc)
	proxy := chainstest.NewProxy(t, node.URL())
	s := open(t, Options{}, proxy.URL)
	block, began := mustPin(t, s, instant), time.Now()
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d balances in %d nodes after %s", len(holdings), len(evidence.File.(Evidence).Nodes), time.Since(began))
	for i, b := range evidence.Balances {
		want := uint64(i/2 + 1)
		if i%2 == 1 {
			want += 6
		}
		if b.Amount.Uint64() != want {
			t.Fatalf("balance %d: got %s, want %d", i, b.Amount, want)
		}
	}
	// A call for each account that holds coin, one for the token's account, and
	// one for every 256 of its holders.
	if got := proxy.Count("eth_getProof"); got > holders+1+5 {
		t.Errorf("asked for %d proofs of %d holders", got, holders)
	}
}

func FuzzNodeSet(f *testing.F) {
	root := common.HexToHash("0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544")
	f.Add([]byte{0xc0}, []byte{0x80})
	f.Add([]byte{0xf8, 0x51, 0x80}, []byte{})
	f.Fuzz(func(_ *testing.T, a, b []byte) {
		set := newNodeSet()
		set.add(a)
		set.add(b)
		for _, root := range []common.Hash{root, crypto.Keccak256Hash(a), crypto.Keccak256Hash(b)} {
			account, err := set.account(root, common.Address{1})
			if err == nil && account != nil {
				_, _ = set.storage(account, common.Hash{2}) // must not panic
			}
		}
	})
}
