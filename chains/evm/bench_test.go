package evm

import (
	"encoding/json"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
)

// manyHolders are n accounts with some of a token each.
func manyHolders(n uint64) (types.GenesisAlloc, []chains.Holding) {
	contract, l := common.HexToAddress("0x70000"), layout{Solidity, common.Hash{}}
	token := tokenCase{token: contract}.id(devnet.EthereumChain)
	storage := map[common.Hash]common.Hash{}
	var holdings []chains.Holding
	for i := range n {
		holder := common.BigToAddress(uint256.NewInt(0x990000 + i).ToBig())
		storage[l.key(holder)] = common.Hash(uint256.NewInt((i + 1) * 1_000_000).Bytes32())
		holdings = append(holdings, chains.Holding{Account: accountOf(devnet.EthereumChain, holder), Token: token})
	}
	return types.GenesisAlloc{contract: {Code: tokenCode(Solidity, l.slot), Balance: common.Big0, Storage: storage}}, holdings
}

// BenchmarkGather gathers 1,000 holders of an ERC-20 token from a node on this
// machine, and says how large their evidence is.
func BenchmarkGather(b *testing.B) {
	alloc, holdings := manyHolders(1000)
	node, instant := startNodeWith(b, devnet.EthereumOptions{Alloc: alloc})
	s, err := New(b.Context(), devnet.EthereumChain, []string{node.URL()}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	block, err := s.Pin(b.Context(), instant)
	if err != nil {
		b.Fatal(err)
	}
	var evidence chains.Evidence
	for b.Loop() {
		if evidence, err = s.Gather(b.Context(), testSnapshot, block, holdings); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	file := evidence.File.(Evidence)
	if len(evidence.Balances) != len(holdings) || len(file.Tokens) != 1 {
		b.Fatalf("%d balances by %d recipes", len(evidence.Balances), len(file.Tokens))
	}
	raw, err := json.Marshal(file)
	if err != nil {
		b.Fatal(err)
	}
	trie := 0
	for _, n := range file.Nodes {
		trie += len(n)
	}
	b.ReportMetric(float64(len(raw)), "evidence-bytes")
	b.ReportMetric(float64(trie), "trie-bytes")
	b.ReportMetric(float64(len(file.Nodes)), "trie-nodes")
}
