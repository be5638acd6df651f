package evidence

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/assay-por/assay/verifier/canon"
)

// anchorOf is an anchor in the first block of a fixture that has a transaction beside the coinbase, and the script that is looked for.
func anchorOf(t testing.TB, f *utxoFixture) (file doc, script []byte, block Block) {
	t.Helper()
	for i, b := range f.blocks {
		if len(b.Transactions) < 3 {
			continue
		}
		var ids []chainhash.Hash
		for _, tx := range b.Transactions {
			ids = append(ids, tx.TxHash())
		}
		own, _ := naiveBranch(ids, 1)
		coinbase, _ := naiveBranch(ids, 0)
		var headers bytes.Buffer
		for _, later := range f.blocks[i:] {
			if err := later.Header.Serialize(&headers); err != nil {
				t.Fatal(err)
			}
		}
		file = doc{
			"branch": own, "chain": f.chain, "coinbase": doc{"branch": coinbase, "tx": stripped(t, b.Transactions[0])}, "first": f.first + i,
			"headers": hex.EncodeToString(headers.Bytes()), "index": 1, "tx": stripped(t, b.Transactions[1]), "type": kindAnchor,
		}
		return file, b.Transactions[1].TxOut[0].PkScript, Block{Chain: f.chain, Hash: b.BlockHash().String(), Number: uint64(f.first + i), Time: b.Header.Timestamp}
	}
	t.Fatal("no block of the fixture has three transactions")
	return nil, nil, Block{}
}

func TestAnchor(t *testing.T) {
	f := newUTXOFixture(t)
	file, script, block := anchorOf(t, f)
	anchor, err := ParseAnchor(encode(t, file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := anchor.Check(script)
	if err != nil || got.Chain != block.Chain || got.Hash != block.Hash || got.Number != block.Number || !got.Time.Equal(block.Time) {
		t.Errorf("got %+v, %v, want %+v", got, err, block)
	}
	skip := int(block.Number) - f.first
	for i, b := range f.blocks {
		hash, here := anchor.Hash(uint64(f.first + i))
		if here != (i >= skip) || here && hash != b.BlockHash().String() {
			t.Errorf("height %d: got %q, %v", f.first+i, hash, here)
		}
	}
	if _, here := anchor.Hash(uint64(f.first + len(f.blocks))); here || anchor.Headers() != len(f.blocks)-skip {
		t.Errorf("a header after the last of %d", anchor.Headers())
	}
	_, err = anchor.Check([]byte{0x6a})
	wantCheck(t, err, "tx", "it does not hold the log's checkpoint: got 0 outputs")
}

func TestAnchor_Refused(t *testing.T) {
	zero := hex.EncodeToString(make([]byte, 32))
	for _, tt := range []struct {
		name, field, problem string
		edit                 func(file doc)
	}{
		{"another branch", "tx", "it is not under its header's Merkle root", func(file doc) { file["branch"].([]string)[0] = zero }},
		{"a branch too short", "tx", "its branch has another length", func(file doc) { file["branch"] = file["branch"].([]string)[1:] }},
		{"another coinbase", "coinbase", "it is not under its header's Merkle root", func(file doc) { file["coinbase"].(doc)["branch"].([]string)[0] = zero }},
		{"another place", "tx", "it is not under its header's Merkle root", func(file doc) { file["index"] = 2 }},
		{"no transaction", "tx.tx", "not a transaction", func(file doc) { file["tx"] = file["tx"].(string) + "00" }},
		{"another header first", "coinbase", "it is not under its header's Merkle root", func(file doc) { file["headers"] = file["headers"].(string)[160:] }},
	} {
		file, script, _ := anchorOf(t, newUTXOFixture(t))
		tt.edit(file)
		anchor, err := ParseAnchor(encode(t, file))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		_, err = anchor.Check(script)
		wantCheck(t, err, tt.field, tt.problem)
	}
}

func FuzzParseAnchor(f *testing.F) {
	file, script, _ := anchorOf(f, newUTXOFixture(f))
	f.Add(encode(f, file))
	f.Fuzz(func(t *testing.T, raw []byte) {
		anchor, err := ParseAnchor(raw)
		if err != nil {
			wantTyped(t, err)
			return
		}
		if err := canon.Check(raw); err != nil {
			t.Fatalf("taken, and not canonical: %v", err)
		}
		if _, err := anchor.Check(script); err != nil {
			wantTyped(t, err)
		}
	})
}
