package evidence

import (
	"bytes"
	"encoding/base64"
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

// sorted are the nodes as base64, by hash.
func (b nodeBag) sorted() []any {
	var keys []string
	for k := range b {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	nodes := []any{}
	for _, k := range keys {
		nodes = append(nodes, base64.StdEncoding.EncodeToString(b[k]))
	}
	return nodes
}

// fakeState is a state in the making: every account, and every storage value of every account, is one that the evidence reads.
// So the nodes of the evidence are all nodes of all its tries.
type fakeState map[common.Address]*fakeAccount

type fakeAccount struct {
	balance  *big.Int
	codeHash []byte
	storage  map[common.Hash]*big.Int
}

func (s fakeState) at(a common.Address) *fakeAccount {
	if s[a] == nil {
		s[a] = &fakeAccount{new(big.Int), types.EmptyCodeHash.Bytes(), map[common.Hash]*big.Int{}}
	}
	return s[a]
}

func (a *fakeAccount) code(text string) *fakeAccount {
	a.codeHash = crypto.Keccak256([]byte(text))
	return a
}

// put sets a storage value; 0 clears it.
func (a *fakeAccount) put(slot common.Hash, value *big.Int) {
	delete(a.storage, slot)
	if value.Sign() != 0 {
		a.storage[slot] = value
	}
}

// tries builds the tries and puts all their nodes into the bag.
func (s fakeState) tries(t testing.TB, bag nodeBag) (root common.Hash) {
	t.Helper()
	prove := func(tr *trie.Trie, key []byte) {
		if err := tr.Prove(crypto.Keccak256(key), bag); err != nil {
			t.Fatal(err)
		}
	}
	state := newTrie()
	for address, a := range s {
		storage := newTrie()
		for slot, value := range a.storage {
			raw, _ := rlp.EncodeToBytes(value)
			storage.MustUpdate(crypto.Keccak256(slot.Bytes()), raw)
		}
		for slot := range a.storage {
			prove(storage, slot.Bytes())
		}
		leaf, _ := rlp.EncodeToBytes(&types.StateAccount{Nonce: 1, Balance: uint256.MustFromBig(a.balance), Root: storage.Hash(), CodeHash: a.codeHash})
		state.MustUpdate(crypto.Keccak256(address.Bytes()), leaf)
	}
	for address := range s {
		prove(state, address.Bytes())
	}
	return state.Hash()
}

func newTrie() *trie.Trie {
	return trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))
}

// evmFixture is a state built with go-ethereum, the evidence file for it, and lines of account, amount and token.
type evmFixture struct {
	state fakeState
	file  doc
	lines []any
	block Block
	pins  map[string]TokenPin
}

const fixtureTime = 1_700_000_000

// seal builds the tries anew, with a header over them, and pins it.
func (f *evmFixture) seal(t testing.TB) {
	t.Helper()
	bag := nodeBag{}
	root := f.state.tries(t, bag)
	header, err := rlp.EncodeToBytes(&types.Header{Root: root, Number: big.NewInt(21000000), Time: fixtureTime, Difficulty: new(big.Int), BaseFee: big.NewInt(7)})
	if err != nil {
		t.Fatal(err)
	}
	f.block = Block{Chain: ethereum, Number: 21000000, Time: time.Unix(fixtureTime, 0)}
	f.file["nodes"] = bag.sorted()
	f.setHeader(header)
}

// check proves the lines, and refuses one whose amount is another, as the check reserves.lines does.
func (f *evmFixture) check(t testing.TB) (EVMResult, error) {
	t.Helper()
	parsed, err := ParseEVM(encode(t, f.file), testSnapshot, ethereum)
	if err != nil {
		return EVMResult{}, err
	}
	result, err := parsed.Check(f.block, Trust{Tokens: f.pins}, f.holdings())
	if err != nil {
		return EVMResult{}, err
	}
	if len(result.Balances) != len(f.lines) {
		t.Errorf("%d balances of %d lines", len(result.Balances), len(f.lines))
	}
	for i, b := range result.Balances {
		want := f.line(i)
		if b.Account != want["account"] || b.Token != want["token"] {
			t.Errorf("balance %d is of %s with %s, line %v", i, b.Account, b.Token, want)
		}
		if b.Amount.String() != want["amount"] {
			return result, &CheckError{Field: fmt.Sprintf("lines[%d]", i), Problem: "another amount than the evidence gives", Got: want["amount"].(string), Want: b.Amount.String()}
		}
	}
	return result, nil
}

// holdings are what the lines ask for.
func (f *evmFixture) holdings() (list []Holding) {
	for i := range f.lines {
		l := f.line(i)
		list = append(list, Holding{l["account"].(string), l["token"].(string)})
	}
	return list
}

func (f *evmFixture) line(i int) doc { return f.lines[i].(doc) }

// named is a line as errors do.
func (f *evmFixture) named(i int) string {
	return f.line(i)["account"].(string) + " with " + f.line(i)["token"].(string)
}

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
	f := &evmFixture{state: fakeState{}, pins: map[string]TokenPin{}}
	tokens := []struct {
		address common.Address
		layout  string
		slot    uint64
		code    string
	}{
		{common.HexToAddress("0x1000000000000000000000000000000000000001"), layoutSolidity, 0, "solidity code"},
		{common.HexToAddress("0x2000000000000000000000000000000000000002"), layoutVyper, 7, "vyper code"},
		{common.HexToAddress("0x3000000000000000000000000000000000000003"), layoutSolidity, 3, "empty token"},
	}
	list := []any{}
	for _, token := range tokens {
		f.state.at(token.address).code(token.code)
		id, slot := ethereum+"/erc20:"+lower(token.address), fmt.Sprintf("%064x", token.slot)
		list = append(list, doc{"layout": token.layout, "slot": slot, "token": id})
		f.pins[id] = TokenPin{Layout: token.layout, Slot: slot, Code: "0x" + hex.EncodeToString(crypto.Keccak256([]byte(token.code)))}
	}
	var order []int
	for i := range holders {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(lower(holder(a)), lower(holder(b))) })
	for _, i := range order {
		account := ethereum + ":" + lower(holder(i))
		for n, token := range tokens {
			value := new(big.Int)
			if i >= 2 && n < 2 {
				value.Mul(big.NewInt(int64(i+n)), big.NewInt(1e18))
			}
			f.state.at(token.address).put(mappingSlot(token.layout, holder(i), token.slot), value)
			f.lines = append(f.lines, doc{"account": account, "amount": value.String(), "token": ethereum + "/erc20:" + lower(token.address)})
		}
		if i >= 1 {
			f.state.at(holder(i)).balance = big.NewInt(int64(i) * 1e9)
		}
		f.lines = append(f.lines, doc{"account": account, "amount": fmt.Sprint(uint64(i) * 1e9), "token": ethereum + "/slip44:60"})
	}
	f.file = doc{"attested": []any{}, "chain": ethereum, "safes": []any{}, "snapshot": testSnapshot, "tokens": list, "type": kindEVM}
	f.seal(t)
	return f
}

// setHeader replaces the header and pins the new one.
func (f *evmFixture) setHeader(raw []byte) {
	f.file["header"] = hex.EncodeToString(raw)
	f.block.Hash = crypto.Keccak256Hash(raw).Hex()
}
