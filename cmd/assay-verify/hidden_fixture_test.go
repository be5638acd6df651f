package main

import (
	"bytes"
	"encoding/hex"
	"math/big"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

func (h holdings) kind() string {
	if h.hidden {
		return "confidential"
	}
	return "plain"
}

// hiddenTree is what another kind of tree changes in a report.
type hiddenTree struct {
	files map[string][]byte
	proof obj // Alice's, beside what is the same
	root  []byte
}

// hide makes the confidential tree of two customers.
func hide(snapshot, alice, bob []byte, owedAlice, owedBob int64) hiddenTree {
	generators := confidentialtest.NewGenerators("BTC")
	shard := confidentialtest.New(generators, "shard", 0, [][]*big.Int{{big.NewInt(owedAlice)}, {big.NewInt(owedBob)}})
	rows, sum, total := shard.Rows(), confidentialtest.Encode(shard.Statement.Sum), confidentialtest.Encode(shard.Statement.Total)
	first, second := confidentialtest.Encode(rows[0]), confidentialtest.Encode(rows[1])
	leafA, leafB := h([]byte{0}, alice, first), h([]byte{0}, bob, second)
	shardRoot := h([]byte{2, 2}, u64(2), h([]byte{1}, leafA, first, leafB, second), sum)
	root := h([]byte{0x12, 2}, u64(1), h([]byte{0x10}, shardRoot, total), total)
	shard.Statement.Snapshot, shard.Statement.Index, shard.Statement.Root = [32]byte(snapshot), 0, [32]byte(shardRoot)
	top := confidentialtest.New(generators, "top", 1, [][]*big.Int{{big.NewInt(owedAlice + owedBob)}})
	top.Blindings[0] = shard.TotalBlinding
	top.Settle()
	top.Statement.Snapshot, top.Statement.Root = [32]byte(snapshot), [32]byte(root)
	blinding := shard.Blindings[0].Bytes()
	return hiddenTree{
		root: root,
		files: map[string][]byte{
			"liabilities/shards.json": encode(obj{
				"kind": "confidential", "shards": []obj{{"leaves": 2, "root": hex.EncodeToString(shardRoot), "total": hex.EncodeToString(total)}},
				"snapshot": hex.EncodeToString(snapshot), "type": "assay/v1/shards",
			}),
			"liabilities/shard-00000.leaves": bytes.Join([][]byte{[]byte("assay/v1/leaves\n"), snapshot, {0, 0, 0, 0}, u64(2), alice, first, bob, second}, nil),
			"liabilities/shard-00000.proof":  shard.Prove(),
			"liabilities/top.proof":          top.Prove(),
		},
		proof: obj{
			"blinding": hex.EncodeToString(blinding[:]), "path": []obj{{"hash": hex.EncodeToString(leafB), "sum": hex.EncodeToString(second)}}, "total": hex.EncodeToString(total),
		},
	}
}
