package merkle_test

import (
	"fmt"

	"github.com/assay-por/assay/merkle"
)

// Three customers, one shard: from ids and balances to the root, and Carol's proof.
func Example() {
	snapshot, secret := merkle.Hash{1}, [32]byte{2}
	keys, err := merkle.DeriveKeys(secret, snapshot)
	if err != nil {
		panic(err)
	}
	const btc, usdt = 0, 1
	customers := []struct {
		id       string
		balances merkle.Plain
	}{
		{"alice@example.org", merkle.Plain{{Asset: btc, Amount: merkle.Amount{Lo: 25_000_000}}}},
		{"bob@example.org", nil},
		{"carol@example.org", merkle.Plain{{Asset: btc, Amount: merkle.Amount{Lo: 1}}, {Asset: usdt, Amount: merkle.Amount{Lo: 1_200_000_000}}}},
	}
	var leaves []merkle.Node[merkle.Plain]
	for _, c := range customers { // a build sorts them by keys.Order first
		identity := merkle.Identity(snapshot, keys.Nonce(c.id), c.id)
		leaves = append(leaves, merkle.Leaf(merkle.Shard, identity, c.balances))
	}
	shard, err := merkle.NewTree(merkle.Shard, merkle.KindPlain, leaves)
	if err != nil {
		panic(err)
	}
	top := merkle.NewBuilder[merkle.Plain](merkle.Top, merkle.KindPlain)
	if err := top.Add(shard.Root().Hash, shard.Root().Sum); err != nil {
		panic(err)
	}
	root, err := top.Root()
	if err != nil {
		panic(err)
	}
	path, err := shard.Path(2)
	if err != nil {
		panic(err)
	}
	proof := merkle.Proof[merkle.Plain]{
		Kind: merkle.KindPlain, Snapshot: snapshot, Balances: customers[2].balances, Nonce: keys.Nonce("carol@example.org"),
		Shard: merkle.Place{Count: 1, Index: 0, Leaf: 2, Leaves: 3}, Path: path,
	}
	again, err := proof.Root("carol@example.org")
	if err != nil {
		panic(err)
	}
	fmt.Println("owed:", root.Sum.Amount(btc), "satoshi,", root.Sum.Amount(usdt), "units of USDT")
	fmt.Println("Carol is in it:", again.Hash == root.Hash)
	other, err := proof.Root("bob@example.org")
	fmt.Println("Bob is shown her leaf:", other.Hash == root.Hash, err)
	// Output:
	// owed: 25000001 satoshi, 1200000000 units of USDT
	// Carol is in it: true
	// Bob is shown her leaf: false <nil>
}

func ExampleNormalizeCustomer() {
	id, err := merkle.NormalizeCustomer("  Jose\u0301@example.org ")
	fmt.Println(id, len(id), err)
	_, err = merkle.NormalizeCustomer("   ")
	fmt.Println(err)
	// Output:
	// José@example.org 17 <nil>
	// customer id is empty
}

func ExampleParseAmount() {
	a, err := merkle.ParseAmount("123456123456789012345678")
	fmt.Println(a, err)
	_, err = merkle.ParseAmount("-1")
	fmt.Println(err)
	// Output:
	// 123456123456789012345678 <nil>
	// amount has byte 0x2d at position 0, want digits only
}

func ExamplePlain_Add() {
	a := merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 5}}}
	b := merkle.Plain{{Asset: 0, Amount: merkle.Amount{Hi: 1<<64 - 1, Lo: 1<<64 - 1}}}
	_, err := a.Add(b)
	fmt.Println(err)
	// Output: sum of asset #0 reaches 2^128
}
