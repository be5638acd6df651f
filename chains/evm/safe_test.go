package evm

import (
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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

const npm = "../../build/npm/node_modules/"

// The npm packages of Safe's contracts, whose licence keeps them out of this
// repository.
const (
	safe141 = npm + "@safe-global/safe-contracts/build/artifacts/contracts/"
	safe130 = npm + "@gnosis.pm/safe-contracts/build/artifacts/contracts/"
)

// artefact reads a compiled contract, or skips the test.
func artefact(t *testing.T, path string) (initCode, code hexutil.Bytes) {
	t.Helper()
	var a struct {
		Bytecode         hexutil.Bytes `json:"bytecode"`
		DeployedBytecode hexutil.Bytes `json:"deployedBytecode"`
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("skipped: Safe's contracts are not there; type: make anvil")
	}
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSuffix(filepath.Base(path), ".json")
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return a.Bytecode, a.DeployedBytecode
}

// TestSafeCodes holds the tables against the contracts themselves, and against
// what Safe publishes of its deployments. A proxy is deployed by a factory that
// holds its code.
func TestSafeCodes(t *testing.T) {
	for name, path := range map[string][2]string{
		"Safe 1.4.1":         {safe141 + "Safe.sol/Safe.json", "v1.4.1/safe.json"},
		"SafeL2 1.4.1":       {safe141 + "SafeL2.sol/SafeL2.json", "v1.4.1/safe_l2.json"},
		"GnosisSafe 1.3.0":   {safe130 + "GnosisSafe.sol/GnosisSafe.json", "v1.3.0/gnosis_safe.json"},
		"GnosisSafeL2 1.3.0": {safe130 + "GnosisSafeL2.sol/GnosisSafeL2.json", "v1.3.0/gnosis_safe_l2.json"},
	} {
		_, code := artefact(t, path[0])
		hash := crypto.Keccak256Hash(code)
		if safeSingletons[hash] != name || !deployed(t, path[1], hash) {
			t.Errorf("%s has code %s: known as %q, deployed: %v", name, hash, safeSingletons[hash], deployed(t, path[1], hash))
		}
	}
	for name, path := range map[string][3]string{
		"SafeProxy 1.4.1":       {safe141 + "proxies/SafeProxy.sol/SafeProxy.json", safe141 + "proxies/SafeProxyFactory.sol/SafeProxyFactory.json", "v1.4.1/safe_proxy_factory.json"},
		"GnosisSafeProxy 1.3.0": {safe130 + "proxies/GnosisSafeProxy.sol/GnosisSafeProxy.json", safe130 + "proxies/GnosisSafeProxyFactory.sol/GnosisSafeProxyFactory.json", "v1.3.0/proxy_factory.json"},
	} {
		_, code := artefact(t, path[0])
		_, factory := artefact(t, path[1])
		if got := safeProxies[crypto.Keccak256Hash(code)]; got != name {
			t.Errorf("%s has code %s, known as %q", name, crypto.Keccak256Hash(code), got)
		}
		if !strings.Contains(string(factory), string(code)) || !deployed(t, path[2], crypto.Keccak256Hash(factory)) {
			t.Errorf("%s is not what the deployed factory makes", name)
		}
	}
	if len(safeSingletons) != 4 || len(safeProxies) != 2 {
		t.Errorf("%d singletons and %d proxies, want 4 and 2", len(safeSingletons), len(safeProxies))
	}
}

// deployed reports whether Safe's list of deployments has the code.
func deployed(t *testing.T, path string, hash common.Hash) bool {
	t.Helper()
	raw, err := os.ReadFile(npm + "@safe-global/safe-deployments/dist/assets/" + path)
	if err != nil {
		t.Skip("skipped: Safe's deployments are not there; type: make anvil")
	}
	var list struct {
		Deployments map[string]struct {
			CodeHash string `json:"codeHash"`
		} `json:"deployments"`
	}
	unmarshal(t, raw, &list)
	return list.Deployments["canonical"].CodeHash == hash.Hex()
}

var safeKeys = []string{"one", "two", "three"}

func safeKey(name string) []byte { return crypto.Keccak256([]byte("owner " + name)) }

func safeOwner(t *testing.T, name string) common.Address {
	t.Helper()
	key, err := crypto.ToECDSA(safeKey(name))
	if err != nil {
		t.Fatal(err)
	}
	return crypto.PubkeyToAddress(key.PublicKey)
}

// safe puts a Safe of three owners on the chain, two of whom must sign.
func (w *town) safe(root, proxies, singleton, proxy string) common.Address {
	w.t.Helper()
	var code hexutil.Bytes
	code, _ = artefact(w.t, root+singleton+".sol/"+singleton+".json")
	logic := w.send(nil, code, nil)
	code, _ = artefact(w.t, root+"handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json")
	handler := w.send(nil, code, nil)
	code, _ = artefact(w.t, root+proxies+proxy+".sol/"+proxy+".json")
	safe := w.send(nil, code, []any{logic})
	nobody := common.Address{}
	args := []any{256, 2, nobody, 256 + 32*4, handler, nobody, 0, nobody, 3}
	for _, k := range safeKeys {
		args = append(args, safeOwner(w.t, k))
	}
	w.call(safe, "setup(address[],uint256,address,bytes,address,address,uint256,address)", append(args, 0)...)
	return safe
}

// safeTown is a Safe of each version, that hold a token, and one of them coin.
func safeTown(t *testing.T, sender common.Address) (w *town, safes []common.Address, token common.Address) {
	w = newTown(t, sender)
	safes = []common.Address{w.safe(safe141, "proxies/", "Safe", "SafeProxy"), w.safe(safe130, "proxies/", "GnosisSafeL2", "GnosisSafeProxy")}
	token = w.mint(w.deploy("Plain"))
	w.call(token, "mint(address,uint256)", safes[0], amount1)
	w.call(token, "mint(address,uint256)", safes[1], amount2)
	return w, safes, token
}

func wantOwners(t *testing.T) chains.Owners {
	var want []string
	for _, k := range safeKeys {
		want = append(want, strings.ToLower(safeOwner(t, k).Hex()))
	}
	slices.Sort(want)
	return chains.Owners{Addresses: want, Threshold: 2}
}

func TestB11_SafeOwners(t *testing.T) {
	w, safes, contract := safeTown(t, devnet.Deployer(testSeed))
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	checkSafes(t, devnet.EthereumChain, node.URL(), mustPin(t, open(t, Options{}, node.URL()), instant), safes, contract)
}

func TestSafeOwnersAnvil(t *testing.T) {
	w, safes, contract := safeTown(t, anvilSender)
	a := startAnvil(t, w.txs, "--code-size-limit", "30000")
	checkSafes(t, anvilChain, a.url, mustPin(t, a.open(a.url), a.instant), safes, contract)
}

func checkSafes(t *testing.T, chain chains.Chain, url string, block chains.BlockRef, safes []common.Address, contract common.Address) {
	t.Helper()
	s, err := New(t.Context(), chain, []string{url}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	token, native := tokenCase{token: contract}.id(chain), chains.Token(string(chain)+"/slip44:60")
	holdings, err := chains.SortHoldings(chain, []chains.Holding{
		{Account: accountOf(chain, safes[0]), Token: token}, {Account: accountOf(chain, safes[0]), Token: native},
		{Account: accountOf(chain, safes[1]), Token: token}, {Account: accountOf(chain, holders[0]), Token: token},
	})
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	want := map[chains.Account]chains.Owners{accountOf(chain, safes[0]): wantOwners(t), accountOf(chain, safes[1]): wantOwners(t)}
	if d := cmp.Diff(want, evidence.Owners); d != "" {
		t.Errorf("owners (-want +got):\n%s", d)
	}
	file := evidence.File.(Evidence)
	if !slices.IsSorted(file.Safes) || len(file.Safes) != 2 {
		t.Errorf("safes: %v", file.Safes)
	}
	everyNodeIsNeeded(t, s, block, evidence)
}

// TestB11_SafesThatAreNone changes one word of a Safe's storage each: none of
// them is shown to be anybody's.
func TestB11_SafesThatAreNone(t *testing.T) {
	_, code := artefact(t, safe141+"proxies/SafeProxy.sol/SafeProxy.json")
	_, logic := artefact(t, safe141+"Safe.sol/Safe.json")
	singleton, other := common.HexToAddress("0x5afe"), common.HexToAddress("0x5aff")
	at := func(i int) common.Address { return common.BigToAddress(uint256.NewInt(0x72000 + uint64(i)).ToBig()) }
	owner := func(i int) common.Address { return common.BigToAddress(uint256.NewInt(0x0e000 + uint64(i)).ToBig()) }
	word := func(a common.Address) common.Hash { return common.BytesToHash(a[:]) }
	number := func(n int) common.Hash { return common.BigToHash(big.NewInt(int64(n))) }
	// wallet is a Safe's storage, as setup writes it.
	wallet := func(owners, threshold int) map[common.Hash]common.Hash {
		storage := map[common.Hash]common.Hash{safeSingleton: word(singleton), safeCount: number(owners), safeThreshold: number(threshold)}
		last := ringStart
		for i := range owners {
			storage[ownerKey(last)] = word(owner(i))
			last = owner(i)
		}
		storage[ownerKey(last)] = word(ringStart)
		return storage
	}
	dirty := word(owner(1))
	dirty[0] = 1
	cases := []struct {
		name    string
		storage map[common.Hash]common.Hash
		set     map[common.Hash]common.Hash
		owners  int // that are proved, 0 for none
	}{
		{"2 of 3", wallet(3, 2), nil, 3},
		{"1 of 1", wallet(1, 1), nil, 1},
		{"256 owners", wallet(256, 256), nil, 256},
		{"257 owners", wallet(257, 1), nil, 0},
		{"threshold 0", wallet(3, 0), nil, 0},
		{"threshold above the owners", wallet(3, 4), nil, 0},
		{"never set up", map[common.Hash]common.Hash{safeSingleton: word(singleton)}, nil, 0},
		{"count too low", wallet(3, 2), map[common.Hash]common.Hash{safeCount: number(2)}, 0},
		{"count too high", wallet(3, 2), map[common.Hash]common.Hash{safeCount: number(4)}, 0},
		{"an owner twice", wallet(3, 2), map[common.Hash]common.Hash{ownerKey(owner(2)): word(owner(0))}, 0},
		{"an owner who is their own next", wallet(3, 2), map[common.Hash]common.Hash{ownerKey(owner(1)): word(owner(1))}, 0},
		{"a ring that breaks off", wallet(3, 2), map[common.Hash]common.Hash{ownerKey(owner(2)): {}}, 0},
		{"more than an address", wallet(3, 2), map[common.Hash]common.Hash{ownerKey(owner(0)): dirty}, 0},
		{"another singleton", wallet(3, 2), map[common.Hash]common.Hash{safeSingleton: word(other)}, 0},
		{"no singleton", wallet(3, 2), map[common.Hash]common.Hash{safeSingleton: word(owner(0))}, 0},
		{"a singleton with more than an address", wallet(3, 2), map[common.Hash]common.Hash{safeSingleton: dirty}, 0},
		{"threshold beyond 64 bits", wallet(3, 2), map[common.Hash]common.Hash{safeThreshold: dirty}, 0},
	}
	alloc := types.GenesisAlloc{singleton: {Code: logic, Balance: common.Big0}, other: {Code: logic[:len(logic)-1], Balance: common.Big0}}
	for i, c := range cases {
		for k, v := range c.set {
			c.storage[k] = v
		}
		alloc[at(i)] = types.Account{Code: code, Balance: common.Big1, Nonce: 1, Storage: c.storage}
	}
	alloc[at(len(cases))] = types.Account{Code: code[1:], Balance: common.Big1, Nonce: 1, Storage: wallet(3, 2)}
	node, instant := startNode(t, alloc)
	s := open(t, Options{}, node.URL())
	block := mustPin(t, s, instant)
	var holdings []chains.Holding
	want := map[chains.Account]int{}
	for i := range len(cases) + 1 {
		holdings = append(holdings, chains.Holding{Account: accountOf(devnet.EthereumChain, at(i)), Token: devnet.EthereumNative})
		if i < len(cases) && cases[i].owners > 0 {
			want[holdings[i].Account] = cases[i].owners
		}
	}
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	got := map[chains.Account]int{}
	for account, o := range evidence.Owners {
		got[account] = len(o.Addresses)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("proved owners (-want +got):\n%s", d)
	}
}

func TestSafeHidden(t *testing.T) {
	w, safes, contract := safeTown(t, devnet.Deployer(testSeed))
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	proxy := chainstest.NewProxy(t, node.URL())
	s := open(t, Options{}, proxy.URL)
	block := mustPin(t, s, instant)
	holding := []chains.Holding{{Account: accountOf(devnet.EthereumChain, safes[0]), Token: tokenCase{token: contract}.id(devnet.EthereumChain)}}
	// A node may say that an account is a Safe, but the proof says that it is none.
	_, code := artefact(t, safe141+"proxies/SafeProxy.sol/SafeProxy.json")
	proxy.Alter = func(c chainstest.Call, _ json.RawMessage) json.RawMessage {
		if c.Method == "eth_getCode" {
			return marshal(t, code)
		}
		return nil
	}
	holding[0].Account = accountOf(devnet.EthereumChain, holders[0])
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holding)
	if err != nil || len(evidence.Owners) != 0 || len(evidence.File.(Evidence).Safes) != 0 {
		t.Errorf("an account that is no Safe: got %v, %v", evidence.Owners, err)
	}
}
