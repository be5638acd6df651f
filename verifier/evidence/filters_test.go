package evidence

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/gcs"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// spendClaimed makes the last transaction of block 104 spendClaimed the output of block 103 that the file claims.
func spendClaimed(blocks []*wire.MsgBlock) {
	txs := blocks[4].Transactions
	txs[len(txs)-1].TxIn[0].PreviousOutPoint = wire.OutPoint{Hash: blocks[3].Transactions[1].TxHash(), Index: 0}
}

func TestFilters_Good(t *testing.T) {
	f := newFilteredFixture(t, nil)
	if n := len(at(f.file, "filters", "blocks").([]any)); n != 3 {
		t.Fatalf("the fixture has %d matching blocks, want 3", n)
	}
	parsed, err := ParseUTXO(encode(t, f.file), testSnapshot, f.chain)
	if err != nil {
		t.Fatal(err)
	}
	result, err := parsed.Check(f.block, f.accounts)
	if err != nil || !parsed.HasFilters() || len(result.Balances) != 4 {
		t.Fatalf("got %+v, %v, filters %v", result, err, parsed.HasFilters())
	}
	want := regtest + `: that these coins were created is proved, and no block from 100 to 105 spends one, if the compact filters are the chain's: ` +
		`that is the word of 2 nodes, "node a", "node b", as the exchange recorded it`
	if len(result.Notes) != 1 || result.Notes[0] != want {
		t.Errorf("got %q, want %q", result.Notes, want)
	}
	delete(f.file, "filters")
	if parsed, err = ParseUTXO(encode(t, f.file), testSnapshot, f.chain); err != nil || parsed.HasFilters() {
		t.Errorf("without filters: got %v, filters %v", err, parsed.HasFilters())
	}
}

// Without outputs there is nothing to match: one filter, and no block.
func TestFilters_WithoutOutputs(t *testing.T) {
	f := newFilteredFixture(t, nil)
	raw := f.file["headers"].(string)
	f.file["headers"], f.file["first"] = raw[len(raw)-160:], f.block.Number
	f.file["blocks"], f.file["outputs"] = []any{}, []any{}
	for _, a := range f.file["attested"].([]any) {
		for _, answer := range a.(doc)["answers"].([]any) {
			answer.(doc)["outpoints"] = []any{}
		}
	}
	part := f.file["filters"].(doc)
	whole := part["blocks"].([]any)[2]
	part["filters"], part["blocks"] = part["filters"].([]any)[5:], []any{}
	f.attestAnew(t)
	if result, err := f.check(t); err != nil || len(result.Balances) != 4 {
		t.Fatalf("got %v, %v", result, err)
	}
	part["blocks"] = []any{whole}
	_, err := f.check(t)
	wantCheck(t, err, "filters.blocks[0]", "its filter does not match: got block 105")
}

func TestFilters_Litecoin(t *testing.T) {
	f := newFixtureOn(t, litecoinRegtest, &litecoin, scryptWork, 1, 3)
	f.addFilters(t)
	if _, err := f.check(t); err != nil {
		t.Fatal(err)
	}
	at(f.file, "filters").(doc)["blocks"] = at(f.file, "filters", "blocks").([]any)[:1]
	_, err := f.check(t)
	wantCheck(t, err, "filters.blocks", "a block whose filter matches is left out: got no block 101")
}

// What one dishonest node, or a file cut short, can do to the filters: nothing.
func TestB19_DishonestOrTruncatedFilters(t *testing.T) {
	part := func(f *utxoFixture) doc { return f.file["filters"].(doc) }
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *utxoFixture)
	}{
		{"two nodes disagree", "filters.attested[1].header", `node "node b" answered another filter header`, func(f *utxoFixture) {
			at(f.file, "filters", "attested", 1).(doc)["header"] = strings.Repeat("0", 64)
		}},
		{"header in hashing order", "filters.attested[0].header", "another filter header", func(f *utxoFixture) {
			h, _ := chainhash.NewHashFromStr(at(f.file, "filters", "attested", 0).(doc)["header"].(string))
			at(f.file, "filters", "attested", 0).(doc)["header"] = hex.EncodeToString(h[:])
		}},
		{"a filter of another block", "filters.attested[0].header", "another filter header", func(f *utxoFixture) {
			list := part(f)["filters"].([]any)
			list[4] = list[1]
		}},
		{"an empty filter in a filter's place", "filters.attested[0].header", "another filter header", func(f *utxoFixture) {
			part(f)["filters"].([]any)[4] = "00"
		}},
		{"two filters in each other's place", "filters.attested[0].header", "another filter header", func(f *utxoFixture) {
			list := part(f)["filters"].([]any)
			list[1], list[2] = list[2], list[1]
		}},
		{"another previous header", "filters.attested[0].header", "another filter header", func(f *utxoFixture) {
			part(f)["previous"] = strings.Repeat("1", 64)
		}},
		{"the creating block's filter forged, and attested by all", "filters.filters[3]", "block 103 created an output of the file and its filter does not say so", func(f *utxoFixture) {
			part(f)["filters"].([]any)[3] = "00"
			part(f)["blocks"] = slices.Delete(part(f)["blocks"].([]any), 1, 2)
			f.attestAnew(t)
		}},
		{"a creating block left out", "filters.blocks", "a block whose filter matches is left out: got no block 100", func(f *utxoFixture) {
			part(f)["blocks"] = part(f)["blocks"].([]any)[1:]
		}},
		{"a matching block left out", "filters.blocks", "a block whose filter matches is left out: got no block 105", func(f *utxoFixture) {
			part(f)["blocks"] = part(f)["blocks"].([]any)[:2]
		}},
		{"a block that does not match", "filters.blocks[1]", "its filter does not match: got block 101", func(f *utxoFixture) {
			b := doc{"height": 101, "transactions": []any{stripped(t, f.blocks[1].Transactions[0])}}
			part(f)["blocks"] = slices.Insert(part(f)["blocks"].([]any), 1, any(b))
		}},
		{"a block above the pinned one", "filters.blocks[3]", "its height has no header here: got 106, want 100 to 105", func(f *utxoFixture) {
			part(f)["blocks"] = append(part(f)["blocks"].([]any), doc{"height": 106, "transactions": []any{}})
		}},
		{"a block below the first", "filters.blocks[0]", "its height has no header here: got 99, want 100 to 105", func(f *utxoFixture) {
			part(f)["blocks"] = slices.Insert(part(f)["blocks"].([]any), 0, any(doc{"height": 99, "transactions": []any{}}))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFilteredFixture(t, nil)
			tt.change(f)
			_, err := f.check(t)
			wantCheck(t, err, tt.field, tt.problem)
		})
	}
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *utxoFixture)
	}{
		{"one node", "filters.attested", "at least two nodes attest them, got 1", func(f *utxoFixture) { part(f)["attested"] = part(f)["attested"].([]any)[:1] }},
		{"no node", "filters.attested", "at least two nodes attest them, got 0", func(f *utxoFixture) { part(f)["attested"] = []any{} }},
		{"one node twice", "filters.attested[1]", "not in ascending order of node, or twice", func(f *utxoFixture) { at(f.file, "filters", "attested", 1).(doc)["node"] = "node a" }},
		{"no label", "filters.attested[0].node", "1 to 64 printable ASCII", func(f *utxoFixture) { at(f.file, "filters", "attested", 0).(doc)["node"] = "" }},
		{"the first filter missing", "filters.filters", "5 filters for 6 headers", func(f *utxoFixture) { part(f)["filters"] = part(f)["filters"].([]any)[1:] }},
		{"the last filter missing", "filters.filters", "5 filters for 6 headers", func(f *utxoFixture) { part(f)["filters"] = part(f)["filters"].([]any)[:5] }},
		{"a filter too many", "filters.filters", "7 filters for 6 headers", func(f *utxoFixture) { part(f)["filters"] = append(part(f)["filters"].([]any), "00") }},
		{"a filter of no bytes", "filters.filters[2]", "not a compact filter: ends inside the number of items", func(f *utxoFixture) { part(f)["filters"].([]any)[2] = "" }},
		{"a count in three bytes", "filters.filters[2]", "not a compact filter: the number of items: count 1 is not in its shortest form", func(f *utxoFixture) {
			part(f)["filters"].([]any)[2] = "fd0100ffffff"
		}},
		{"more items than fit", "filters.filters[2]", "2 items do not fit into 4 bytes", func(f *utxoFixture) { part(f)["filters"].([]any)[2] = "0200000000" }},
		{"2^32 items", "filters.filters[2]", "4294967296 items do not fit", func(f *utxoFixture) { part(f)["filters"].([]any)[2] = "ff0000000001000000" }},
		{"2^64-1 items", "filters.filters[2]", "items do not fit", func(f *utxoFixture) { part(f)["filters"].([]any)[2] = "ffffffffffffffffff" }},
		{"bytes after no items", "filters.filters[2]", "1 bytes follow a filter without items", func(f *utxoFixture) { part(f)["filters"].([]any)[2] = "0000" }},
		{"blocks out of order", "filters.blocks[1]", "not in ascending order of height", func(f *utxoFixture) {
			list := part(f)["blocks"].([]any)
			list[0], list[1] = list[1], list[0]
		}},
		{"a block twice", "filters.blocks[1]", "or twice", func(f *utxoFixture) {
			list := part(f)["blocks"].([]any)
			part(f)["blocks"] = slices.Insert(list, 0, list[0])
		}},
		{"unknown key", "filters", `unknown key "type"`, func(f *utxoFixture) { part(f)["type"] = "basic" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFilteredFixture(t, nil)
			tt.change(f)
			_, err := f.check(t)
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
}

// Before block 0 there is no filter.
func TestFilters_PreviousOfGenesis(t *testing.T) {
	f := newFilteredFixture(t, nil)
	part := f.file["filters"].(doc)
	f.file["first"] = 0
	_, err := f.check(t)
	wantFormat(t, err, "filters.previous", "no filter is before that of block 0")
	part["previous"] = strings.Repeat("0", 64)
	f.attestAnew(t)
	f.block.Number = 5
	for _, list := range []any{f.file["blocks"], part["blocks"]} {
		for _, b := range list.([]any) {
			b.(doc)["height"] = b.(doc)["height"].(int) - 100
		}
	}
	if _, err := f.check(t); err != nil {
		t.Error(err)
	}
}

// The nodes of step 5 all say that the coin is unspent; the filters find the block that spends it. Whatever the exchange then does
// to hide it is refused.
func TestB05_SpentCoin(t *testing.T) {
	blockOf := func(f *utxoFixture, height int) (int, doc) {
		list := at(f.file, "filters", "blocks").([]any)
		i := slices.IndexFunc(list, func(b any) bool { return b.(doc)["height"] == height })
		return i, list[i].(doc)
	}
	f := newFilteredFixture(t, spendClaimed)
	i, _ := blockOf(f, 104)
	spent := at(f.file, "outputs").([]any)
	coin := slices.IndexFunc(spent, func(o any) bool { return o.(doc)["txid"] == f.blocks[3].Transactions[1].TxHash().String() })
	_, err := f.check(t)
	wantCheck(t, err, fmt.Sprintf("filters.blocks[%d].transactions[4]", i), fmt.Sprintf("it spends outputs[%d]: got %s:0 spent in block 104", coin, f.blocks[3].Transactions[1].TxHash()))
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *utxoFixture, i int, b doc)
	}{
		{"the block left out", "filters.blocks", "a block whose filter matches is left out: got no block 104", func(f *utxoFixture, i int, _ doc) {
			part := f.file["filters"].(doc)
			part["blocks"] = slices.Delete(part["blocks"].([]any), i, i+1)
		}},
		{"the transaction dropped", "filters.blocks[2].transactions", "they are not those of the header's Merkle root", func(_ *utxoFixture, _ int, b doc) {
			b["transactions"] = b["transactions"].([]any)[:4]
		}},
		{"no transactions", "filters.blocks[2].transactions", "no transactions", func(_ *utxoFixture, _ int, b doc) { b["transactions"] = []any{} }},
		{"another transaction in its place", "filters.blocks[2].transactions", "they are not those of the header's Merkle root", func(_ *utxoFixture, _ int, b doc) {
			list := b["transactions"].([]any)
			list[4] = list[1]
		}},
		{"nodes of the tree instead of transactions", "filters.blocks[2].transactions[0]", "as long as an inner node", func(f *utxoFixture, _ int, b doc) {
			var ids []chainhash.Hash
			for _, tx := range f.blocks[4].Transactions {
				ids = append(ids, tx.TxHash())
			}
			pair := func(i, j int) string { return hex.EncodeToString(slices.Concat(ids[i][:], ids[j][:])) }
			b["transactions"] = []any{pair(0, 1), pair(2, 3), pair(4, 4)}
		}},
		{"a filter without it, which the nodes did not attest", "filters.attested[0].header", "another filter header", func(f *utxoFixture, i int, _ doc) {
			part := f.file["filters"].(doc)
			part["filters"].([]any)[4] = part["filters"].([]any)[1]
			part["blocks"] = slices.Delete(part["blocks"].([]any), i, i+1)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFilteredFixture(t, spendClaimed)
			i, b := blockOf(f, 104)
			tt.change(f, i, b)
			_, err := f.check(t)
			wantCheck(t, err, tt.field, tt.problem)
		})
	}
	t.Run("in the block that created it", func(t *testing.T) {
		f := newFilteredFixture(t, func(blocks []*wire.MsgBlock) {
			blocks[0].Transactions[3].TxIn[0].PreviousOutPoint = wire.OutPoint{Hash: blocks[0].Transactions[2].TxHash(), Index: 1}
		})
		_, err := f.check(t)
		wantCheck(t, err, "filters.blocks[0].transactions[3]", "spent in block 100")
	})
}

// Of two lists of transactions with one Merkle root only the shorter one is a block's (CVE-2012-2459).
func TestB06_DoubledTransactions(t *testing.T) {
	f := newFilteredFixture(t, nil) // block 105 has three transactions
	b := at(f.file, "filters", "blocks", 2).(doc)
	list := b["transactions"].([]any)
	b["transactions"] = append(list, list[2])
	_, err := f.check(t)
	wantCheck(t, err, "filters.blocks[2].transactions", "level 0: node 3 equals the one on its left")

	for size := 1; size <= 40; size++ {
		ids := make([]chainhash.Hash, size)
		plain := make([][32]byte, size)
		for i := range ids {
			ids[i] = chainhash.HashH([]byte{byte(i), byte(size)})
			plain[i] = ids[i]
		}
		_, want := naiveBranch(ids, 0)
		if got, err := merkleRoot(slices.Clone(plain)); err != nil || got != want {
			t.Fatalf("%d transactions: got %x, %v; want %x", size, got, err, want)
		}
		// Every list that Bitcoin's rule hashes to the same root is refused: the last 2^k, doubled, where the tree has an odd level.
		for k, width := 0, size; width > 1; k, width = k+1, (width+1)/2 {
			if width%2 == 0 {
				continue
			}
			forged := slices.Clone(plain)
			forged = append(forged, forged[len(forged)-(size-(width-1)<<k):]...)
			if got, err := merkleRoot(forged); err == nil && got == want {
				t.Errorf("%d transactions and the last %d again: taken", size, len(forged)-size)
			}
		}
	}
}

// An honest filter of a transaction list says nothing of OP_RETURN and of empty scripts; a block of nothing else has an empty filter.
func TestFilters_Empty(t *testing.T) {
	f := newFilteredFixture(t, func(blocks []*wire.MsgBlock) {
		for _, tx := range blocks[2].Transactions {
			for _, out := range tx.TxOut {
				out.PkScript = []byte{0x6a}
			}
		}
	})
	if got := at(f.file, "filters", "filters", 2); got != "00" {
		t.Fatalf("the filter is %v", got)
	}
	if _, err := f.check(t); err != nil {
		t.Error(err)
	}
}

// The vectors of BIP-158 for testnet: hashes of filters up their chain, and each script of a block in its filter.
func TestFilters_BIP158(t *testing.T) {
	for _, v := range readBIP158(t) {
		coded, err := parseFilter(v.filter)
		if err != nil {
			t.Errorf("block %d: %v", v.height, err)
			continue
		}
		part := filters{coded: []codedFilter{coded}, previous: v.previous, attested: []filterAttestation{{"a", v.header}, {"b", v.header}}}
		if err := part.checkChain(); err != nil {
			t.Errorf("block %d: %v", v.height, err)
		}
		id := doubleSHA256(v.block[:headerSize])
		for _, script := range v.scripts {
			if ok, err := coded.match(id, [][]byte{script, {1, 2, 3}}); err != nil || !ok {
				t.Errorf("block %d: script %x is not found: %v", v.height, script, err)
			}
		}
		if ok, err := coded.match(id, [][]byte{{1, 2, 3}, {0x6a}}); err != nil || ok {
			t.Errorf("block %d: found what is not there: %v", v.height, err)
		}
	}
}

// The library's own choice of a way to match finds what is not there where a filter has many items: it compares 32 bits of numbers that
// have more. Ours finds what is there, and this list not.
func TestFilters_MatchIsExact(t *testing.T) {
	const items = 50_000 // 50,000 × 784,931 is above 2^35
	var key [gcs.KeySize]byte
	var data, others [][]byte
	for i := range items {
		data = append(data, fmt.Appendf(nil, "in %d", i))
	}
	for i := range 100_000 {
		others = append(others, fmt.Appendf(nil, "out %d", i))
	}
	filter, err := gcs.BuildGCSFilter(filterBits, filterSpread, key, data)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := filter.NBytes()
	if err != nil {
		t.Fatal(err)
	}
	coded, err := parseFilter(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < items; i += 997 {
		if ok, err := coded.match([32]byte{}, [][]byte{{1}, data[i]}); err != nil || !ok {
			t.Fatalf("item %d is not found: %v", i, err)
		}
	}
	if ok, err := coded.match([32]byte{}, others); err != nil || ok {
		t.Errorf("found what is not there: %v", err)
	}
	if ok, err := filter.MatchAny(key, others); err != nil || !ok {
		t.Errorf("MatchAny found nothing: choose another list, or the reason to avoid it is gone: %v", err)
	}
}

func FuzzFilter(f *testing.F) {
	for _, v := range readBIP158(f) {
		f.Add(v.filter, v.block[:headerSize])
	}
	f.Add([]byte{0}, []byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, []byte{})
	f.Fuzz(func(t *testing.T, raw, header []byte) {
		coded, err := parseFilter(raw)
		if err != nil {
			return
		}
		filter, err := gcs.FromNBytes(filterBits, filterSpread, raw)
		if err != nil || filter.N() != coded.items {
			t.Fatalf("%x: %d items, the library says %v", raw, coded.items, err)
		}
		again, err := filter.NBytes()
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x: again %x, %v", raw, again, err)
		}
		id := doubleSHA256(header)
		if _, err := coded.match(id, [][]byte{header, {1}}); err != nil {
			t.Fatalf("%x: %v", raw, err)
		}
	})
}

func FuzzFilters(f *testing.F) {
	fixture := newFilteredFixture(f, nil)
	f.Add(encode(f, fixture.file))
	spent := newFilteredFixture(f, spendClaimed)
	f.Add(encode(f, spent.file))
	f.Fuzz(func(t *testing.T, raw []byte) {
		parsed, err := ParseUTXO(raw, testSnapshot, regtest)
		if err != nil {
			wantTyped(t, err)
			return
		}
		if _, err := parsed.Check(fixture.block, fixture.accounts); err != nil {
			wantTyped(t, err)
		}
	})
}
