package evidence

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"
	"github.com/holiman/uint256"
)

const ethereum = "eip155:1"

// nodeBag collects the nodes of proofs by hash, as the file holds them.
type nodeBag map[string][]byte

func (b nodeBag) Put(key, value []byte) error {
	b[string(key)] = bytes.Clone(value)
	return nil
}

func (b nodeBag) Delete([]byte) error { panic("a proof deletes nothing") }

// sorted are the nodes as hex, by hash.
func (b nodeBag) sorted() []any {
	var keys []string
	for k := range b {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	nodes := []any{}
	for _, k := range keys {
		nodes = append(nodes, hex.EncodeToString(b[k]))
	}
	return nodes
}

func newTrie() *trie.Trie {
	return trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))
}

// evmFixture is a state built with go-ethereum, and the evidence file for it.
type evmFixture struct {
	file  doc
	block Block
	pins  map[string]TokenPin
}

func (f *evmFixture) check(t testing.TB) (EVMResult, error) {
	t.Helper()
	parsed, err := ParseEVM(encode(t, f.file), testSnapshot, ethereum)
	if err != nil {
		return EVMResult{}, err
	}
	return parsed.Check(f.block, f.pins)
}

// balance is the i-th balance of the file.
func (f *evmFixture) balance(i int) doc { return f.file["balances"].([]any)[i].(doc) }

func holder(i int) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte(fmt.Sprintf("holder %d", i)))[12:])
}

func lower(a common.Address) string { return strings.ToLower(a.Hex()) }

// mappingSlot is the storage key of a holder, by go-ethereum's hash.
func mappingSlot(layout string, at common.Address, slot uint64) common.Hash {
	position := common.BigToHash(new(big.Int).SetUint64(slot)).Bytes()
	padded := common.LeftPadBytes(at.Bytes(), 32)
	if layout == layoutVyper {
		return crypto.Keccak256Hash(position, padded)
	}
	return crypto.Keccak256Hash(padded, position)
}

// newEVMFixture has holders of the native token and of two ERC-20 tokens, one of each layout. Holder 0 holds no ether and no
// tokens and its account does not exist; holder 1 holds ether only. A third token has no storage at all.
func newEVMFixture(t testing.TB, holders int) *evmFixture {
	t.Helper()
	tokens := []struct {
		address common.Address
		layout  string
		slot    uint64
		code    []byte
		storage *trie.Trie
	}{
		{common.HexToAddress("0x1000000000000000000000000000000000000001"), layoutSolidity, 0, []byte("solidity code"), newTrie()},
		{common.HexToAddress("0x2000000000000000000000000000000000000002"), layoutVyper, 7, []byte("vyper code"), newTrie()},
		{common.HexToAddress("0x3000000000000000000000000000000000000003"), layoutSolidity, 3, []byte("empty token"), newTrie()},
	}
	state := newTrie()
	amount := func(i, token int) *big.Int { return new(big.Int).Mul(big.NewInt(int64(i+token)), big.NewInt(1e18)) }
	for i := range holders {
		if i >= 2 {
			for n, token := range tokens[:2] {
				value, _ := rlp.EncodeToBytes(amount(i, n))
				token.storage.MustUpdate(crypto.Keccak256(mappingSlot(token.layout, holder(i), token.slot).Bytes()), value)
			}
		}
		if i >= 1 {
			account, _ := rlp.EncodeToBytes(&types.StateAccount{Nonce: uint64(i), Balance: uint256.NewInt(uint64(i) * 1e9), Root: types.EmptyRootHash, CodeHash: types.EmptyCodeHash.Bytes()})
			state.MustUpdate(crypto.Keccak256(holder(i).Bytes()), account)
		}
	}
	bag := nodeBag{}
	f := &evmFixture{pins: map[string]TokenPin{}}
	var list []any
	for _, token := range tokens {
		account, _ := rlp.EncodeToBytes(&types.StateAccount{Nonce: 1, Balance: new(uint256.Int), Root: token.storage.Hash(), CodeHash: crypto.Keccak256(token.code)})
		state.MustUpdate(crypto.Keccak256(token.address.Bytes()), account)
		id := ethereum + "/erc20:" + lower(token.address)
		slot := fmt.Sprintf("%064x", token.slot)
		list = append(list, doc{"layout": token.layout, "slot": slot, "token": id})
		f.pins[id] = TokenPin{Layout: token.layout, Slot: slot, Code: "0x" + hex.EncodeToString(crypto.Keccak256(token.code))}
	}
	root := state.Hash()
	var balances []any
	var order []int
	for i := range holders {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(lower(holder(a)), lower(holder(b))) })
	prove := func(tr *trie.Trie, key []byte) {
		if err := tr.Prove(crypto.Keccak256(key), bag); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range order {
		account := ethereum + ":" + lower(holder(i))
		for n, token := range tokens {
			value := "0"
			if i >= 2 && n < 2 {
				value = amount(i, n).String()
			}
			balances = append(balances, doc{"account": account, "amount": value, "token": ethereum + "/erc20:" + lower(token.address)})
			if n < 2 {
				prove(token.storage, mappingSlot(token.layout, holder(i), token.slot).Bytes())
			}
			prove(state, token.address.Bytes())
		}
		balances = append(balances, doc{"account": account, "amount": fmt.Sprint(uint64(i) * 1e9), "token": ethereum + "/slip44:60"})
		prove(state, holder(i).Bytes())
	}
	header, err := rlp.EncodeToBytes(&types.Header{Root: root, Number: big.NewInt(21000000), Time: 1700000000, Difficulty: new(big.Int), BaseFee: big.NewInt(7)})
	if err != nil {
		t.Fatal(err)
	}
	f.block = Block{Chain: ethereum, Hash: crypto.Keccak256Hash(header).Hex(), Number: 21000000, Time: time.Unix(1700000000, 0)}
	f.file = doc{"balances": balances, "chain": ethereum, "header": hex.EncodeToString(header), "nodes": bag.sorted(), "snapshot": testSnapshot, "tokens": list, "type": kindEVM}
	return f
}

// setHeader replaces the header and pins the new one.
func (f *evmFixture) setHeader(raw []byte) {
	f.file["header"] = hex.EncodeToString(raw)
	f.block.Hash = crypto.Keccak256Hash(raw).Hex()
}

// usedNodes are the nodes that the file's balances need, out of those it holds.
func (f *evmFixture) usedNodes(t testing.TB) []any {
	t.Helper()
	parsed, err := ParseEVM(encode(t, f.file), testSnapshot, ethereum)
	if err != nil {
		t.Fatal(err)
	}
	root, err := parsed.stateRoot(f.block)
	if err != nil {
		t.Fatal(err)
	}
	state := &evmState{root: root, nodes: newNodeSet(parsed.hashes, parsed.nodes), accounts: map[[20]byte]account{}}
	for _, b := range parsed.balances {
		if _, err := parsed.proven(state, "", b); err != nil {
			t.Fatal(err)
		}
	}
	nodes := []any{}
	for i, used := range state.nodes.used {
		if used {
			nodes = append(nodes, f.file["nodes"].([]any)[i])
		}
	}
	return nodes
}
