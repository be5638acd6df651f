package verifier

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/gcs"
	"golang.org/x/crypto/scrypt"
)

const litecoinChain = "bip122:530827f38f93b43ed12af0b3ad25a288"

// filterChain is a chain of four blocks from height 700. 700 pays the account the coin that is claimed, 702 another one, which 703 spends
// again; 701 has nothing to do with it.
type filterChain struct {
	chain   string
	blocks  [][][]byte // transactions
	scripts [][][]byte // what each block's filter holds
	coin    []byte     // the transaction of the claimed coin, whose output 0 it is
	account string
}

func newFilterChain(chain string) *filterChain {
	owner := h([]byte("owner"))[:20]
	ours, other := payToKeyHash(owner), payToKeyHash(h([]byte("somebody"))[:20])
	coinbase := func(height int) []byte {
		return transactionOf(make([]byte, 32), 0xffffffff, uint64(5_000_000_000+height), other)
	}
	coin := transactionOf(h([]byte("earlier")), 0, 200_000_000, ours)
	second := transactionOf(h([]byte("later")), 1, 70_000_000, ours)
	foreign := transactionOf(h([]byte("foreign")), 0, 1_000, other)
	spend := transactionOf(sha2(second), 0, 69_000_000, other)
	return &filterChain{
		chain: chain, coin: coin, account: chain + ":" + base58check(owner),
		blocks:  [][][]byte{{coinbase(700), coin}, {coinbase(701)}, {coinbase(702), foreign, second}, {coinbase(703), spend}},
		scripts: [][][]byte{{other, ours}, {other}, {other, ours}, {other, ours}},
	}
}

// merkleRootOf is the Merkle root of a block by Bitcoin's rule, straight.
func merkleRootOf(block [][]byte) []byte {
	var level [][]byte
	for _, tx := range block {
		level = append(level, sha2(tx))
	}
	for len(level) > 1 {
		var next [][]byte
		for i := 0; i < len(level); i += 2 {
			next = append(next, sha2(slices.Concat(level[i], level[min(i+1, len(level)-1)])))
		}
		level = next
	}
	return level[0]
}

func (c *filterChain) work(header []byte) []byte {
	if c.chain == litecoinChain {
		return must(scrypt.Key(header, header, 1024, 1, 1, 32))
	}
	return sha2(header)
}

// fixture mines the chain and writes the evidence, its filters attested by two nodes.
func (c *filterChain) fixture() chainFixture {
	le := binary.LittleEndian
	var headers, last []byte
	previous, coded := h([]byte("previous")), []string{}
	for i, block := range c.blocks {
		for nonce := uint32(0); ; nonce++ {
			last = append(le.AppendUint32(nil, 2), previous...)
			last = le.AppendUint32(append(last, merkleRootOf(block)...), uint32(1793491190-600*(3-i)))
			last = le.AppendUint32(le.AppendUint32(last, 0x207fffff), nonce)
			if reversed(c.work(last))[0] < 0x7f {
				break
			}
		}
		previous, headers = sha2(last), append(headers, last...)
		coded = append(coded, hex.EncodeToString(filterOf(previous, c.scripts[i])))
	}
	txid := hex.EncodeToString(reversed(sha2(c.coin)))
	answer := []obj{{"account": c.account, "method": "scantxoutset", "outpoints": []string{txid + ":0"}}}
	whole := []obj{}
	for _, i := range []int{0, 2, 3} {
		transactions := []string{}
		for _, tx := range c.blocks[i] {
			transactions = append(transactions, hex.EncodeToString(tx))
		}
		whole = append(whole, obj{"height": 700 + i, "transactions": transactions})
	}
	filters := obj{"attested": []obj{{"node": "node a"}, {"node": "node b"}}, "blocks": whole, "filters": coded, "previous": hex.EncodeToString(h([]byte("filters before")))}
	attest(filters)
	pay, base := hex.EncodeToString(c.coin), hex.EncodeToString(c.blocks[0][0])
	return chainFixture{
		block: obj{"chain": c.chain, "hash": hex.EncodeToString(reversed(sha2(last))), "number": 703, "time": "2026-10-31T23:59:50Z"},
		evidence: obj{
			"attested": []obj{{"answers": answer, "node": "own node"}},
			"blocks": []obj{{
				"coinbase": obj{"branch": []string{hex.EncodeToString(sha2(c.coin))}, "tx": base}, "height": 700,
				"transactions": []obj{{"branch": []string{hex.EncodeToString(sha2(c.blocks[0][0]))}, "index": 1, "tx": pay}},
			}},
			"chain": c.chain, "filters": filters, "first": 700, "headers": hex.EncodeToString(headers),
			"outputs": []obj{{"account": c.account, "amount": "200000000", "txid": txid, "vout": 0}}, "type": "assay/v1/evidence/utxo",
		},
		lines: []obj{{"account": c.account, "amount": "200000000", "control": "none", "custody": "own-cold", "evidence": "filter-checked", "token": c.chain + "/slip44:1"}},
	}
}

// filterOf is BIP-158's basic filter of a block.
func filterOf(block []byte, scripts [][]byte) []byte {
	return must(must(gcs.BuildGCSFilter(19, 784931, [16]byte(block[:16]), scripts)).NBytes())
}

// attest makes all nodes answer the header that the filters give.
func attest(filters obj) {
	header := reversed(must(hex.DecodeString(filters["previous"].(string))))
	for _, coded := range filters["filters"].([]string) {
		header = sha2(slices.Concat(sha2(must(hex.DecodeString(coded))), header))
	}
	for _, node := range filters["attested"].([]obj) {
		node["header"] = hex.EncodeToString(reversed(header))
	}
}

// newFilteredWorld has one line, whose coin the filters show unspent.
func newFilteredWorld(c *filterChain) *world {
	w := newWorld()
	fixture := c.fixture()
	w.assets[0]["tokens"] = []obj{{"class": "native", "decimals": 8, "id": fixture.lines[0]["token"]}}
	w.blocks, w.lines = []obj{fixture.block}, fixture.lines
	w.evidence = map[string]obj{c.chain: fixture.evidence}
	return w
}

func filterVectors(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, w *world) {
		m := w.make(t)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	add("happy-filters", "", "pass", 0, "a coin of block 700; the filters of 700 to 703, and whole the three blocks that match", newFilteredWorld(newFilterChain(utxoChain)))
	add("happy-filters-litecoin", "", "pass", 0, "the same on Litecoin's regtest, whose work is scrypt", newFilteredWorld(newFilterChain(litecoinChain)))
	add("happy-mainnet", "", "pass", 0, "a real coin of Bitcoin's block 14,047 and the 85 blocks up to 14,131, of May 2009: proved, and it counts for nothing, as nobody signed for it", lateMainnetWorld(t))
	const headers, proof = "headers." + utxoChain, "evidence." + utxoChain
	fault := func(name, attack, check string, exit int, comment string, edit func(w *world, filters obj)) {
		w := newFilteredWorld(newFilterChain(utxoChain))
		edit(w, at(w.evidence[utxoChain], "filters"))
		add(name, attack, check, exit, comment, w)
	}
	blocks := func(f obj) []obj { return f["blocks"].([]obj) }

	fault("filters-one-node", "B19", headers, 3, "filters are not in consensus: one node's word is not enough", func(_ *world, f obj) { f["attested"] = f["attested"].([]obj)[:1] })
	fault("filters-one-node-twice", "B19", headers, 3, "two answers under one label", func(_ *world, f obj) { f["attested"].([]obj)[1]["node"] = "node a" })
	fault("filters-nodes-disagree", "B19", proof, 1, "two nodes, two filter headers", func(_ *world, f obj) { f["attested"].([]obj)[1]["header"] = strings.Repeat("0", 64) })
	fault("filter-altered", "B19", proof, 1, "the filter of block 701 in the place of 703's", func(_ *world, f obj) { f["filters"].([]string)[3] = f["filters"].([]string)[1] })
	fault("filters-previous-header-wrong", "B19", proof, 1, "", func(_ *world, f obj) { f["previous"] = strings.Repeat("0", 64) })
	fault("filter-missing", "B19", headers, 3, "three filters for four headers", func(_ *world, f obj) { f["filters"] = f["filters"].([]string)[:3] })
	fault("filter-with-too-many-items", "E9", headers, 3, "2^32-1 items in no bytes", func(_ *world, f obj) { f["filters"].([]string)[1] = "feffffffff" })
	fault("filter-of-creating-block-forged", "B19", proof, 1, "all nodes attest a filter of block 700 that does not hold the coin's script", func(_ *world, f obj) {
		f["filters"].([]string)[0], f["blocks"] = "00", blocks(f)[1:]
		attest(f)
	})
	fault("creating-block-left-out", "B19", proof, 1, "block 700 matches and is not there", func(_ *world, f obj) { f["blocks"] = blocks(f)[1:] })
	fault("matching-block-left-out", "B19", proof, 1, "block 702 matches and is not there", func(_ *world, f obj) { f["blocks"] = slices.Delete(blocks(f), 1, 2) })
	fault("block-that-does-not-match", "B19", proof, 1, "block 701", func(_ *world, f obj) {
		f["blocks"] = slices.Insert(blocks(f), 1, obj{"height": 701, "transactions": []string{hex.EncodeToString(newFilterChain(utxoChain).blocks[1][0])}})
	})
	fault("block-without-a-transaction", "B5", proof, 1, "the last transaction of block 703 is left out", func(_ *world, f obj) {
		blocks(f)[2]["transactions"] = blocks(f)[2]["transactions"].([]string)[:1]
	})
	fault("block-with-a-transaction-doubled", "B6", proof, 1, "the last of three once more: the same Merkle root (CVE-2012-2459)", func(_ *world, f obj) {
		list := blocks(f)[1]["transactions"].([]string)
		blocks(f)[1]["transactions"] = append(list, list[2])
	})
	fault("block-of-tree-nodes", "B6", proof, 1, "64 bytes of two hashes in the place of two transactions (CVE-2017-12842)", func(_ *world, f obj) {
		b := newFilterChain(utxoChain).blocks[3]
		blocks(f)[2]["transactions"] = []string{hex.EncodeToString(slices.Concat(sha2(b[0]), sha2(b[1])))}
	})
	fault("line-of-filters-without-filters", "B19", "reserves.lines", 1, "called filter-checked, on the word of a node", func(w *world, _ obj) { delete(w.evidence[utxoChain], "filters") })
	spent := newFilterChain(utxoChain)
	spent.blocks[3] = append(spent.blocks[3], transactionOf(sha2(spent.coin), 0, 199_000_000, payToKeyHash(h([]byte("somebody"))[:20])))
	add("coin-spent", "B5", proof, 1, "a transaction of block 703 spends the coin, and a node says that it is unspent", newFilteredWorld(spent))
}

// Dishonest or truncated filters never give a verdict, whoever signs the bundle.
func TestB19_DishonestFilters(t *testing.T) {
	const name = "evidence." + utxoChain
	v := verify(t, newFilteredWorld(newFilterChain(utxoChain)).make(t))
	proven(t, v)
	if c := find(v, name); c.Detail != "balances: 1 of grade filter-checked" || !strings.Contains(strings.Join(v.Notes, "\n"), `no block from 700 to 703 spends one, if the compact filters are the chain's: that is the word of 2 nodes, "node a", "node b"`) {
		t.Errorf("got %q, notes %q", c.Detail, v.Notes)
	}
	for _, c := range []struct {
		check, reason string
		edit          func(f obj)
	}{
		{name, `node "node b" answered another filter header`, func(f obj) { f["attested"].([]obj)[1]["header"] = strings.Repeat("0", 64) }},
		{"headers." + utxoChain, "at least two nodes attest them, got 1", func(f obj) { f["attested"] = f["attested"].([]obj)[:1] }},
		{"headers." + utxoChain, "3 filters for 4 headers", func(f obj) { f["filters"] = f["filters"].([]string)[1:] }},
		{name, "a block whose filter matches is left out: got no block 703", func(f obj) { f["blocks"] = f["blocks"].([]obj)[:2] }},
	} {
		w := newFilteredWorld(newFilterChain(utxoChain))
		c.edit(at(w.evidence[utxoChain], "filters"))
		refused(t, verify(t, w.make(t)), c.check, c.reason)
	}
	// A policy may ask for filters: then the word of a node alone does not count.
	for _, c := range []struct{ grade, counted string }{{"filter-checked", "2"}, {"inclusion-proved", "0"}} {
		w := newFilteredWorld(newFilterChain(utxoChain))
		w.policy = strings.Replace(w.policy, "inclusion-proved", "filter-checked", 1)
		if w.lines[0]["evidence"] = c.grade; c.grade == "inclusion-proved" {
			delete(w.evidence[utxoChain], "filters")
		}
		v := verify(t, w.make(t))
		proven(t, v)
		if v.Coverage[0].Counted != c.counted {
			t.Errorf("%s: counted %s, want %s", c.grade, v.Coverage[0].Counted, c.counted)
		}
	}
}

func TestB05_SpentSincePaid(t *testing.T) {
	spent := newFilterChain(utxoChain)
	spend := transactionOf(sha2(spent.coin), 0, 199_000_000, payToKeyHash(h([]byte("somebody"))[:20]))
	spent.blocks[3] = append(spent.blocks[3], spend)
	refused(t, verify(t, newFilteredWorld(spent).make(t)), "evidence."+utxoChain, "filters.blocks[2].transactions[2]: it spends outputs[0]")
	w := newFilteredWorld(spent)
	block := at(w.evidence[utxoChain], "filters")["blocks"].([]obj)[2]
	block["transactions"] = block["transactions"].([]string)[:2]
	refused(t, verify(t, w.make(t)), "evidence."+utxoChain, "they are not those of the header's Merkle root")
	// Without filters nobody can tell: the verdict says whose word it is.
	w = newFilteredWorld(spent)
	delete(w.evidence[utxoChain], "filters")
	w.lines[0]["evidence"] = "inclusion-proved"
	v := verify(t, w.make(t))
	proven(t, v)
	if !strings.Contains(strings.Join(v.Notes, "\n"), `that none was spent by block 703 is the word of one node, "own node"`) {
		t.Errorf("notes %q", v.Notes)
	}
}
