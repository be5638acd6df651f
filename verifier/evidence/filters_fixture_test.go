package evidence

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/gcs/builder"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// prevScripts are the scripts of what a block spends, as far as these blocks created it.
func prevScripts(blocks []*wire.MsgBlock, spender *wire.MsgBlock) (scripts [][]byte) {
	created := map[wire.OutPoint][]byte{}
	for _, b := range blocks {
		for _, tx := range b.Transactions {
			for vout, out := range tx.TxOut {
				created[wire.OutPoint{Hash: tx.TxHash(), Index: uint32(vout)}] = out.PkScript
			}
		}
	}
	for _, tx := range spender.Transactions {
		for _, in := range tx.TxIn {
			if script, ok := created[in.PreviousOutPoint]; ok {
				scripts = append(scripts, script)
			}
		}
	}
	return scripts
}

// addFilters puts into the file what honest nodes say: the filters as btcd makes them, and whole the blocks that hold a script of
// the outputs.
func (f *utxoFixture) addFilters(t testing.TB) {
	t.Helper()
	previous := chainhash.Hash{7}
	ours := map[string]bool{}
	for _, o := range f.file["outputs"].([]any) {
		script, _, err := accountScript(o.(doc)["account"].(string))
		if err != nil {
			t.Fatal(err)
		}
		ours[string(script)] = true
	}
	header, coded, blocks := previous, []any{}, []any{}
	for i, b := range f.blocks {
		spent := prevScripts(f.blocks, b)
		filter, err := builder.BuildBasicFilter(b, spent)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := filter.NBytes()
		if err != nil {
			t.Fatal(err)
		}
		if header, err = builder.MakeHeaderForFilter(filter, header); err != nil {
			t.Fatal(err)
		}
		coded = append(coded, hex.EncodeToString(raw))
		found := slices.ContainsFunc(spent, func(script []byte) bool { return ours[string(script)] })
		transactions := []any{}
		for _, tx := range b.Transactions {
			transactions = append(transactions, stripped(t, tx))
			for _, out := range tx.TxOut {
				found = found || ours[string(out.PkScript)]
			}
		}
		if found {
			blocks = append(blocks, doc{"height": f.first + i, "transactions": transactions})
		}
	}
	f.file["filters"] = doc{
		"attested": []any{doc{"header": header.String(), "node": "node a"}, doc{"header": header.String(), "node": "node b"}},
		"blocks":   blocks, "filters": coded, "previous": previous.String(),
	}
}

// attestAnew makes all nodes attest the filters that the file has now: what dishonest or deceived nodes do.
func (f *utxoFixture) attestAnew(t testing.TB) {
	t.Helper()
	part := f.file["filters"].(doc)
	header, err := chainhash.NewHashFromStr(part["previous"].(string))
	if err != nil {
		t.Fatal(err)
	}
	for _, coded := range part["filters"].([]any) {
		raw, err := hex.DecodeString(coded.(string))
		if err != nil {
			t.Fatal(err)
		}
		hash := chainhash.DoubleHashH(raw)
		*header = chainhash.DoubleHashH(slices.Concat(hash[:], header[:]))
	}
	for _, a := range part["attested"].([]any) {
		a.(doc)["header"] = header.String()
	}
}

// newFilteredFixture has six blocks from height 100. Two hold the three outputs of the file, in 100 and 103; 101, 102 and 104 have
// nothing to do with their accounts; 105 pays one of them once more, which is not claimed. change edits the blocks before they are mined.
func newFilteredFixture(t testing.TB, change func(blocks []*wire.MsgBlock)) *utxoFixture {
	t.Helper()
	f := newUTXOFixture(t, 4, 3, 1, 2, 5, 3)
	foreign := func(b *wire.MsgBlock) {
		for _, tx := range b.Transactions {
			for _, out := range tx.TxOut {
				out.PkScript = bytes.Clone(out.PkScript)
				out.PkScript[len(out.PkScript)-3] ^= 0x55
			}
		}
	}
	for _, i := range []int{1, 2, 4, 5} {
		foreign(f.blocks[i])
	}
	_, wpkh := pkScript(t, 2, 3)
	_, wsh := pkScript(t, 3, 4)
	_, sh := pkScript(t, 1, 2)
	again, _ := pkScript(t, 2, 3)
	f.blocks[5].Transactions[2].TxOut[1].PkScript = again
	if change != nil {
		change(f.blocks)
	}
	f.reseal(t, 0)
	_, idle := pkScript(t, 2, 99)
	f.accounts = []string{wpkh, wsh, sh, idle}
	f.write(t, []claim{{100, 1, 1, wpkh}, {100, 2, 1, wsh}, {103, 1, 0, sh}})
	f.addFilters(t)
	return f
}

// bip158 is a vector of BIP-158: a header of testnet, its block's filter, and scripts that it holds.
type bip158 struct {
	height           int
	block, filter    []byte
	previous, header [32]byte
	scripts          [][]byte
}

func readBIP158(t testing.TB) (list []bip158) {
	t.Helper()
	raw, err := os.ReadFile("testdata/bip158-testnet.json")
	if err != nil {
		t.Fatal(err)
	}
	var file []struct {
		Height                          int
		Block, Previous, Filter, Header string
		Scripts                         []string
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, v := range file {
		x := bip158{height: v.Height, block: unhex(v.Block), filter: unhex(v.Filter), previous: reversed([32]byte(unhex(v.Previous))), header: reversed([32]byte(unhex(v.Header)))}
		for _, script := range v.Scripts {
			x.scripts = append(x.scripts, unhex(script))
		}
		list = append(list, x)
	}
	if len(list) < 7 {
		t.Fatalf("%d vectors", len(list))
	}
	return list
}
