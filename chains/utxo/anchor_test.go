package utxo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

var anchored = sha256.Sum256([]byte("exchange.example/log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"))

// carried returns a payment of the data that an anchor's script holds.
func carried(t *testing.T, node *devnet.Bitcoin, digest [32]byte) *wire.MsgTx {
	t.Helper()
	tx, err := node.Carry(AnchorScript(digest)[2:])
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func mustMine(t *testing.T, node *devnet.Bitcoin, n int, txs ...*wire.MsgTx) (height uint64) {
	t.Helper()
	height = node.Height() + 1
	if err := node.Mine(t.Context(), time.Now(), n, txs...); err != nil {
		t.Fatal(err)
	}
	return height
}

// checkAnchor climbs the branches and links the headers, as whoever reads the file must.
func checkAnchor(t *testing.T, a Anchor, txid string) {
	t.Helper()
	raw, err := hex.DecodeString(a.Headers)
	if err != nil || len(raw) != 6*80 {
		t.Fatalf("headers of %d bytes, %v, want six", len(raw), err)
	}
	var first wire.BlockHeader
	if err := first.Deserialize(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	climb := func(tx string, index uint64, branch []string) (id, root chainhash.Hash) {
		b, err := hex.DecodeString(tx)
		if err != nil {
			t.Fatal(err)
		}
		id = chainhash.DoubleHashH(b)
		root = id
		for _, text := range branch {
			s, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			pair := append(root.CloneBytes(), s...)
			if index%2 == 1 {
				pair = append(s, root[:]...)
			}
			root, index = chainhash.DoubleHashH(pair), index/2
		}
		return id, root
	}
	id, root := climb(a.Tx, a.Index, a.Branch)
	_, base := climb(a.Coinbase.Tx, 0, a.Coinbase.Branch)
	if id.String() != txid || root != first.MerkleRoot || base != first.MerkleRoot || a.Type != AnchorType || a.Index == 0 {
		t.Errorf("%s at %d climbs to %s, the coinbase to %s, want %s", id, a.Index, root, base, first.MerkleRoot)
	}
	for i := 1; i < len(raw)/80; i++ {
		if before := chainhash.DoubleHashH(raw[(i-1)*80 : i*80]); !bytes.Equal(raw[i*80+4:i*80+36], before[:]) {
			t.Errorf("header %d does not follow", i)
		}
	}
}

func TestAnchor(t *testing.T) {
	node, _ := startNode(t)
	s := open(t, Options{}, node.URL())
	tx := carried(t, node, anchored)
	at := Place{Txid: tx.TxHash().String()}
	other := AnchorScript(sha256.Sum256([]byte("another")))
	ours := AnchorScript(anchored)

	var unknown *UnknownTransactionError
	if _, err := s.Anchor(t.Context(), at, ours); !errors.As(err, &unknown) {
		t.Errorf("not sent: %v", err)
	}
	if err := node.Send(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	var waiting *UnconfirmedError
	if _, err := s.Anchor(t.Context(), at, ours); !errors.As(err, &waiting) {
		t.Errorf("in no block: %v", err)
	}
	height := mustMine(t, node, 4, carried(t, node, sha256.Sum256(nil)), tx, carried(t, node, sha256.Sum256([]byte{1})))
	var early *chains.NotFinalError
	if _, err := s.Anchor(t.Context(), at, ours); !errors.As(err, &early) || early.Blocks != 1 {
		t.Errorf("five confirmations: %v", err)
	}
	mustMine(t, node, 2)
	got, err := s.Anchor(t.Context(), at, other, ours)
	if err != nil {
		t.Fatal(err)
	}
	if got.Script != 1 || got.Block.Number != height || got.File.First != height || got.File.Index != 2 || got.File.Chain != devnet.BitcoinChain {
		t.Errorf("got script %d, block %d, index %d, want 1, %d, 2", got.Script, got.Block.Number, got.File.Index, height)
	}
	checkAnchor(t, got.File, at.Txid)
	at.Height = &height
	if again, err := s.Anchor(t.Context(), at, ours); err != nil || again.File.Headers != got.File.Headers {
		t.Errorf("by its height: %v", err)
	}
}

// TestC11_AnchorOfAnotherCheckpoint: a transaction anchors what its one output names, and nothing else.
func TestC11_AnchorOfAnotherCheckpoint(t *testing.T) {
	node, _ := startNode(t)
	s := open(t, Options{}, node.URL())
	tx := carried(t, node, anchored)
	two := carried(t, node, anchored)
	both := wire.NewMsgTx(2)
	both.TxOut = append(both.TxOut, tx.TxOut[0], two.TxOut[0])
	height := mustMine(t, node, 6, tx)
	at := Place{Txid: tx.TxHash().String()}
	for name, script := range map[string][]byte{
		"another checkpoint":  AnchorScript(sha256.Sum256([]byte("another"))),
		"pushed another way":  append([]byte{0x6a, 0x4c, 0x28}, AnchorScript(anchored)[2:]...),
		"without its version": append([]byte{0x6a, 0x20}, anchored[:]...),
	} {
		if got, err := s.Anchor(t.Context(), at, script); err == nil || !strings.Contains(err.Error(), "0 outputs") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if _, err := scriptOf(both, [][]byte{AnchorScript(anchored)}); err == nil || !strings.Contains(err.Error(), "2 outputs") {
		t.Errorf("two outputs: %v", err)
	}
	var absent *NotInBlockError
	for name, number := range map[string]uint64{"the block before": height - 1, "the block after": height + 1} {
		if _, err := s.Anchor(t.Context(), Place{Txid: at.Txid, Height: &number}, AnchorScript(anchored)); !errors.As(err, &absent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, txid := range []string{"", "xyz", strings.ToUpper(at.Txid), at.Txid[2:]} {
		if _, err := s.Anchor(t.Context(), Place{Txid: txid}, AnchorScript(anchored)); err == nil || !strings.Contains(err.Error(), "is no transaction id") {
			t.Errorf("%q: %v", txid, err)
		}
	}
}

// TestB02_AnchorReorganisedAway: a block that is no longer in the chain anchors nothing.
func TestB02_AnchorReorganisedAway(t *testing.T) {
	node, _ := startNode(t)
	s := open(t, Options{}, node.URL())
	tx := carried(t, node, anchored)
	height := mustMine(t, node, 6, tx)
	at := Place{Txid: tx.TxHash().String()}
	if _, err := s.Anchor(t.Context(), at, AnchorScript(anchored)); err != nil {
		t.Fatal(err)
	}
	if err := node.Reorg(t.Context(), int32(height)-1, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var waiting *UnconfirmedError
	var unknown *UnknownTransactionError
	if got, err := s.Anchor(t.Context(), at, AnchorScript(anchored)); !errors.As(err, &waiting) && !errors.As(err, &unknown) {
		t.Errorf("got %+v, %v", got.Block, err)
	}
	at.Height = &height
	var absent *NotInBlockError
	if got, err := s.Anchor(t.Context(), at, AnchorScript(anchored)); !errors.As(err, &absent) {
		t.Errorf("by its height: got %+v, %v", got.Block, err)
	}
}

// TestB17_AnchorWithoutWork and every other lie of a node: nothing is kept that does not hold.
func TestB17_AnchorWithoutWork(t *testing.T) {
	node, _ := startNode(t)
	tx := carried(t, node, anchored)
	height := mustMine(t, node, 6, tx)
	for name, alter := range map[string]func(chainstest.Call, json.RawMessage) json.RawMessage{
		"a block's Merkle root": altered("getblock", func(raw []byte) { raw[40] ^= 1 }),
		"a block's transaction": altered("getblock", func(raw []byte) { raw[len(raw)-1] ^= 1 }),
		"a header":              altered("getblockheader", func(raw []byte) { raw[40] ^= 1 }),
		"easier work":           altered("getblockheader", func(raw []byte) { raw[75] = 0x21 }),
		"a block that is none": func(c chainstest.Call, _ json.RawMessage) json.RawMessage {
			if c.Method == "getrawtransaction" {
				return json.RawMessage(`{"blockhash":"xyz"}`)
			}
			return nil
		},
	} {
		proxy := chainstest.NewProxy(t, node.URL())
		proxy.Alter = alter
		if got, err := open(t, Options{}, proxy.URL).Anchor(t.Context(), Place{Txid: tx.TxHash().String()}, AnchorScript(anchored)); err == nil {
			t.Errorf("%s: got %+v", name, got.Block)
		}
	}
	// The second node must have the same block.
	liar := chainstest.NewProxy(t, node.URL())
	liar.Alter = altered("getblockheader", func(raw []byte) { raw[40] ^= 1 })
	var differ *chains.DisagreementError
	if _, err := open(t, Options{}, node.URL(), liar.URL).Anchor(t.Context(), Place{Txid: tx.TxHash().String(), Height: &height}, AnchorScript(anchored)); !errors.As(err, &differ) {
		t.Errorf("two nodes: %v", err)
	}
}

// TestB06_AnchorTricks: a block that hashes up by doubled transactions, or a payment as long as a Merkle node, makes no anchor.
func TestB06_AnchorTricks(t *testing.T) {
	block := blockOf(3)
	if a, err := anchorFile(block, 2); err != nil || a.Index != 2 || len(a.Branch) != 2 || len(a.Coinbase.Branch) != 2 {
		t.Fatalf("got %+v, %v", a, err)
	}
	block.Transactions = append(block.Transactions, block.Transactions[2])
	if _, err := anchorFile(block, 3); err == nil || !strings.Contains(err.Error(), "CVE-2012-2459") {
		t.Errorf("doubled: %v", err)
	}
	for index := range 2 { // the coinbase, and the payment
		block = blockOf(2)
		block.Transactions[index].TxOut[0].PkScript = make([]byte, 4)
		block.Header.MerkleRoot = naiveRoot(ids(block))
		if _, err := anchorFile(block, 1); err == nil || !strings.Contains(err.Error(), "CVE-2017-12842") {
			t.Errorf("transaction %d of 64 bytes: %v", index, err)
		}
	}
}

// Litecoin Core, with an index of transactions and without.
func TestLitecoin_Anchor(t *testing.T) {
	for _, index := range []string{"-txindex=1", "-txindex=0"} {
		n := startLitecoind(t, index)
		n.ask("", "createwallet", "miner")
		n.miner = n.ask("miner", "getnewaddress", "", "bech32")
		n.ask("", "generatetoaddress", 101, n.miner)
		// As assay anchor request tells people to do it.
		var psbt struct{ PSBT, Hex string }
		for _, step := range []struct {
			method string
			params func() []any
		}{
			{"walletcreatefundedpsbt", func() []any {
				return []any{[]any{}, []any{map[string]any{"data": hex.EncodeToString(AnchorScript(anchored)[2:])}}}
			}},
			{"walletprocesspsbt", func() []any { return []any{psbt.PSBT} }},
			{"finalizepsbt", func() []any { return []any{psbt.PSBT} }},
		} {
			if err := json.Unmarshal([]byte(n.ask("miner", step.method, step.params()...)), &psbt); err != nil {
				t.Fatal(err)
			}
		}
		at := Place{Txid: n.ask("", "sendrawtransaction", psbt.Hex)}
		s := n.open(Options{}, n.url())
		var waiting *UnconfirmedError
		if _, err := s.Anchor(t.Context(), at, AnchorScript(anchored)); !errors.As(err, &waiting) {
			t.Errorf("%s: in no block: %v", index, err)
		}
		n.ask("", "generatetoaddress", 6, n.miner)
		got, err := s.Anchor(t.Context(), at, AnchorScript(anchored))
		var unknown *UnknownTransactionError
		if index == "-txindex=0" {
			if !errors.As(err, &unknown) {
				t.Errorf("%s: %v", index, err)
			}
			height := uint64(102)
			at.Height = &height
			got, err = s.Anchor(t.Context(), at, AnchorScript(anchored))
		}
		if err != nil || got.Block.Number != 102 || got.File.Chain != litecoinRegtest {
			t.Fatalf("%s: %+v, %v", index, got.Block, err)
		}
		checkAnchor(t, got.File, at.Txid)
	}
}
