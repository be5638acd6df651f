package utxo

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
)

// ourScript is what blockOf pays to.
var ourScript = []byte{0x51, 0x51, 0x51, 0x51, 0x51}

// blockOf returns a block of n transactions with a right Merkle root.
func blockOf(n int) *wire.MsgBlock {
	block := wire.NewMsgBlock(&wire.BlockHeader{})
	for i := range n {
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: uint32(i)}})
		tx.AddTxOut(wire.NewTxOut(int64(i), ourScript))
		block.Transactions = append(block.Transactions, tx)
	}
	block.Header.MerkleRoot = naiveRoot(ids(block))
	return block
}

func ids(block *wire.MsgBlock) []chainhash.Hash {
	var ids []chainhash.Hash
	for _, tx := range block.Transactions {
		ids = append(ids, tx.TxHash())
	}
	return ids
}

// naiveRoot is Bitcoin's Merkle root as its rule is told: double the last one
// of an odd level, hash in pairs, again.
func naiveRoot(level []chainhash.Hash) chainhash.Hash {
	if len(level) == 1 {
		return level[0]
	}
	if len(level)%2 == 1 {
		level = append(level[:len(level):len(level)], level[len(level)-1])
	}
	var up []chainhash.Hash
	for i := 0; i < len(level); i += 2 {
		up = append(up, chainhash.DoubleHashH(append(level[i][:], level[i+1][:]...)))
	}
	return naiveRoot(up)
}

// climb is what a verifier does with a branch.
func climb(id chainhash.Hash, index int, branch []chainhash.Hash) chainhash.Hash {
	for _, sibling := range branch {
		if index%2 == 1 {
			id = chainhash.DoubleHashH(append(sibling[:], id[:]...))
		} else {
			id = chainhash.DoubleHashH(append(id[:], sibling[:]...))
		}
		index /= 2
	}
	return id
}

func TestB06_MerkleBranches(t *testing.T) {
	for n := 1; n <= 33; n++ {
		block := blockOf(n)
		tree, err := newMerkleTree(block)
		if err != nil {
			t.Fatalf("%d transactions: %v", n, err)
		}
		depth := len(tree.branch(0))
		for i, id := range ids(block) {
			branch := tree.branch(i)
			if got := climb(id, i, branch); got != block.Header.MerkleRoot || len(branch) != depth || i >= 1<<depth {
				t.Errorf("%d transactions, number %d: its branch of %d climbs to %s", n, i, len(branch), got)
			}
		}
	}
}

func TestB06_MerkleTricks(t *testing.T) {
	doubled := blockOf(3)
	doubled.Transactions = append(doubled.Transactions, doubled.Transactions[2]) // the same root (CVE-2012-2459)
	pair := blockOf(6)
	pair.Transactions = append(pair.Transactions, pair.Transactions[4], pair.Transactions[5])
	wrongRoot := blockOf(3)
	wrongRoot.Header.MerkleRoot[0] ^= 1
	for name, c := range map[string]struct {
		block *wire.MsgBlock
		says  string
	}{
		"last transaction doubled": {doubled, "CVE-2012-2459"},
		"last pair doubled":        {pair, "CVE-2012-2459"},
		"another root":             {wrongRoot, "Merkle root"},
	} {
		if _, err := newMerkleTree(c.block); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
	// A transaction as long as two hashes (CVE-2017-12842): 60 bytes and a script of 4.
	short := wire.NewMsgTx(2)
	short.AddTxIn(&wire.TxIn{})
	short.AddTxOut(wire.NewTxOut(1, []byte{0x51, 0x51, 0x51, 0x51}))
	block := blockOf(1)
	block.Transactions = append(block.Transactions, short)
	block.Header.MerkleRoot = naiveRoot(ids(block))
	at := wire.OutPoint{Hash: short.TxHash()}
	if _, err := proveBlock(block, 1, []*coin{{outpoint: at, owner: owner{script: short.TxOut[0].PkScript}}}); short.SerializeSize() != 64 || err == nil || !strings.Contains(err.Error(), "CVE-2017-12842") {
		t.Errorf("a transaction of %d bytes: got %v", short.SerializeSize(), err)
	}
	if _, err := proveBlock(blockOf(2), 1, []*coin{{outpoint: wire.OutPoint{Hash: chainhash.Hash{1}}}}); err == nil {
		t.Error("a transaction that is not in the block was proved")
	}
	two := blockOf(2)
	for name, c := range map[string]coin{
		"an output that is not there":  {outpoint: wire.OutPoint{Hash: two.Transactions[1].TxHash(), Index: 1}, owner: owner{script: ourScript}},
		"an output of somebody else's": {outpoint: wire.OutPoint{Hash: two.Transactions[1].TxHash()}, owner: owner{script: []byte{0x52}}},
	} {
		if _, err := proveBlock(two, 1, []*coin{&c}); err == nil || !strings.Contains(err.Error(), "does not pay") {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
}

func TestProveBlock(t *testing.T) {
	block := blockOf(5)
	block.Transactions[3].TxIn[0].Witness = wire.TxWitness{{1, 2, 3}} // no part of its id
	coins := []*coin{}
	for _, i := range []int{3, 1, 0, 3} { // of the coinbase too, and two of number 3
		coins = append(coins, &coin{outpoint: wire.OutPoint{Hash: block.Transactions[i].TxHash()}, owner: owner{script: ourScript}})
	}
	proved, err := proveBlock(block, 7, coins)
	if err != nil {
		t.Fatal(err)
	}
	if coins[0].amount != 3 || coins[1].amount != 1 || coins[2].amount != 0 {
		t.Errorf("amounts %d, %d, %d, want those of the transactions: 3, 1, 0", coins[0].amount, coins[1].amount, coins[2].amount)
	}
	var indexes []uint64
	for _, tx := range proved.Transactions {
		indexes = append(indexes, tx.Index)
		raw, err := hex.DecodeString(tx.Tx)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := chainhash.DoubleHashH(raw), block.Transactions[tx.Index].TxHash(); got != want {
			t.Errorf("transaction %d: the bytes hash to %s, want its id %s", tx.Index, got, want)
		}
	}
	if d := cmp.Diff([]uint64{1, 3}, indexes); d != "" || proved.Height != 7 || len(proved.Coinbase.Branch) != 3 {
		t.Errorf("got indexes %v, height %d, coinbase branch %d", indexes, proved.Height, len(proved.Coinbase.Branch))
	}
}

func TestB17_ProofOfWork(t *testing.T) {
	genesis := chaincfg.MainNetParams.GenesisBlock.Header
	bitcoin, litecoin := networkOf(mainnet), networkOf(litecoinMainnet)
	if err := bitcoin.checkWork(&genesis); err != nil {
		t.Errorf("the genesis block: %v", err)
	}
	for name, edit := range map[string]func(h *wire.BlockHeader){
		"another nonce":        func(h *wire.BlockHeader) { h.Nonce++ },
		"easier than allowed":  func(h *wire.BlockHeader) { h.Bits = 0x207fffff },
		"target zero":          func(h *wire.BlockHeader) { h.Bits = 0x1d000000 },
		"target below zero":    func(h *wire.BlockHeader) { h.Bits = 0x1d80ffff },
		"harder than was done": func(h *wire.BlockHeader) { h.Bits = 0x1800ffff },
	} {
		h := genesis
		edit(&h)
		if err := bitcoin.checkWork(&h); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// The same rule with the other chain's hash, and the other way round.
	if err := litecoin.checkWork(&genesis); err == nil || !strings.Contains(err.Error(), "has not the work") {
		t.Errorf("Bitcoin's genesis block on Litecoin: got %v, want its scrypt to be above the target", err)
	}
	theirs := litecoinGenesis(t)
	if err := litecoin.checkWork(&theirs); err != nil {
		t.Errorf("Litecoin's genesis block: %v", err)
	}
	easy := *bitcoin
	easy.powLimit = litecoin.powLimit // so that its target is in range, and the work alone decides
	if err := easy.checkWork(&theirs); err == nil || !strings.Contains(err.Error(), "has not the work") {
		t.Errorf("Litecoin's genesis block on Bitcoin: got %v, want its double SHA-256 to be above the target", err)
	}
	if err := bitcoin.checkWork(&theirs); err == nil {
		t.Error("a target beyond Bitcoin's limit: accepted")
	}
	theirs.Nonce++
	if err := litecoin.checkWork(&theirs); err == nil {
		t.Error("Litecoin's genesis block with another nonce: accepted")
	}
}

// litecoinGenesis is the first header of Litecoin's main network.
func litecoinGenesis(t *testing.T) (h wire.BlockHeader) {
	t.Helper()
	raw, err := hex.DecodeString("010000000000000000000000000000000000000000000000000000000000000000000000d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97b9aa8e4ef0ff0f1ecd513f7c")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Deserialize(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	if got := h.BlockHash().String(); chainOf(got) != litecoinMainnet {
		t.Fatalf("its id is %s", got)
	}
	return h
}

func TestExpand(t *testing.T) {
	for bits, want := range map[uint32]string{
		0x1d00ffff: "ffff0000000000000000000000000000000000000000000000000000",
		0x207fffff: "7fffff0000000000000000000000000000000000000000000000000000000000",
		0x03123456: "123456", 0x02123456: "1234", 0x01123456: "12", 0x00123456: "0", 0x04923456: "-12345600",
	} {
		target, ok := new(big.Int).SetString(want, 16)
		if got := expand(bits); !ok || got.Cmp(target) != 0 {
			t.Errorf("bits %08x: got %x, want %s", bits, got, want)
		}
	}
}

func TestLinked(t *testing.T) {
	a := wire.BlockHeader{Nonce: 1}
	b := wire.BlockHeader{PrevBlock: a.BlockHash()}
	if err := linked([]wire.BlockHeader{a, b}); err != nil {
		t.Error(err)
	}
	if err := linked([]wire.BlockHeader{b, a}); err == nil {
		t.Error("headers the wrong way round are linked")
	}
}

func FuzzBlock(f *testing.F) {
	var raw bytes.Buffer
	if err := blockOf(3).Serialize(&raw); err != nil {
		f.Fatal(err)
	}
	f.Add(raw.Bytes(), false)
	f.Add(raw.Bytes(), true)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, raw []byte, mweb bool) {
		block, err := parseBlock(hex.EncodeToString(raw), mweb)
		if err != nil || len(block.Transactions) == 0 {
			return
		}
		tree, err := newMerkleTree(block)
		if err != nil {
			return
		}
		for i, id := range ids(block) {
			if climb(id, i, tree.branch(i)) != block.Header.MerkleRoot {
				t.Errorf("branch of %d does not climb to the root", i)
			}
		}
	})
}
