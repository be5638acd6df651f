package verifier

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcutil/v2/gcs/builder"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/verifier/evidence"
)

// Real blocks of Bitcoin's main network. The first 14,132, of January to May 2009, are test data of btcd, whose module lies in the
// cache of every machine that built it; the last 85 of them are also here.

const (
	mainnetChain = "bip122:000000000019d6689c085ae165831e93"
	btcdModule   = "github.com/btcsuite/btcd@v0.26.2"
	lastBlock    = "00000000b3e750f37fdb42e1018799a9f44b546d393b130b369590a072430a1c"
	lastHeight   = 14_131

	filtersBeforeLate = "22c05708edc4a59d7692ead17f8f9aa2f4ae49d9640e6e1d63969a7d1a88ff0d" // filter header of block 14,046
)

// mainnetBlocks reads blocks 0 to 14,131, or skips.
func mainnetBlocks(t testing.TB) []*wire.MsgBlock {
	t.Helper()
	download := exec.Command("go", "mod", "download", "-json", btcdModule)
	download.Dir = t.TempDir() // go.mod is to stay as it is
	out, err := download.Output()
	var module struct{ Dir string }
	if err != nil || json.Unmarshal(out, &module) != nil || module.Dir == "" {
		t.Skipf("skipped: the real blocks are test data of %s, which cannot be had here: go mod download: %v", btcdModule, err)
	}
	raw, err := os.ReadFile(filepath.Join(module.Dir, "blockchain", "testdata", "blk_0_to_14131.dat"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := storedBlocks(t, raw)
	if len(blocks) != lastHeight+1 || blocks[lastHeight].BlockHash().String() != lastBlock {
		t.Fatalf("%d blocks", len(blocks))
	}
	return blocks
}

// lateBlocks are blocks 14,047 to 14,131.
func lateBlocks(t testing.TB) []*wire.MsgBlock {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("evidence", "testdata", "mainnet-14047-14131.blk"))
	if err != nil {
		t.Fatal(err)
	}
	return storedBlocks(t, raw)
}

// storedBlocks reads blocks as nodes store them: magic, length, block.
func storedBlocks(t testing.TB, raw []byte) (blocks []*wire.MsgBlock) {
	t.Helper()
	for len(raw) > 8 && binary.LittleEndian.Uint32(raw) == uint32(wire.MainNet) {
		size := binary.LittleEndian.Uint32(raw[4:])
		b := new(wire.MsgBlock)
		if err := b.Deserialize(bytes.NewReader(raw[8 : 8+size])); err != nil {
			t.Fatal(err)
		}
		blocks, raw = append(blocks, b), raw[8+size:]
	}
	return blocks
}

// mainnetCoin is an output that pays to an address.
type mainnetCoin struct {
	height, index int
	outpoint      wire.OutPoint
	value         int64
	account       string
}

// coinsOf finds the P2PKH outputs of consecutive blocks, those that were spent there apart, and the scripts that each block spends.
func coinsOf(blocks []*wire.MsgBlock, first int) (unspent, spent []mainnetCoin, previous [][][]byte) {
	scripts, coins := map[wire.OutPoint][]byte{}, map[wire.OutPoint]mainnetCoin{}
	for i, b := range blocks {
		var spends [][]byte
		for index, tx := range b.Transactions {
			for _, in := range tx.TxIn {
				if script, ok := scripts[in.PreviousOutPoint]; ok {
					spends = append(spends, script)
				}
				if c, ok := coins[in.PreviousOutPoint]; ok {
					spent = append(spent, c)
					delete(coins, in.PreviousOutPoint)
				}
			}
			for vout, out := range tx.TxOut {
				at := wire.OutPoint{Hash: tx.TxHash(), Index: uint32(vout)}
				scripts[at] = out.PkScript
				if s := out.PkScript; len(s) == 25 && bytes.HasPrefix(s, []byte{0x76, 0xa9, 20}) {
					coins[at] = mainnetCoin{first + i, index, at, out.Value, mainnetChain + ":" + base58.CheckEncode(s[3:23], 0)}
				}
			}
		}
		previous = append(previous, spends)
	}
	for _, c := range coins {
		unspent = append(unspent, c)
	}
	slices.SortFunc(unspent, func(a, b mainnetCoin) int {
		return cmp.Or(strings.Compare(a.account, b.account), strings.Compare(a.outpoint.Hash.String(), b.outpoint.Hash.String()), cmp.Compare(a.outpoint.Index, b.outpoint.Index))
	})
	return unspent, spent, previous
}

func bareHex(tx *wire.MsgTx) string {
	var b bytes.Buffer
	if err := tx.SerializeNoWitness(&b); err != nil {
		panic(err)
	}
	return hex.EncodeToString(b.Bytes())
}

// branchOf is the branch of one transaction by Bitcoin's rule, straight.
func branchOf(b *wire.MsgBlock, index int) []string {
	var level [][]byte
	for _, tx := range b.Transactions {
		id := tx.TxHash()
		level = append(level, id[:])
	}
	branch := []string{}
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		branch = append(branch, hex.EncodeToString(level[index^1]))
		var next [][]byte
		for i := 0; i < len(level); i += 2 {
			next = append(next, sha2(slices.Concat(level[i], level[i+1])))
		}
		level, index = next, index/2
	}
	return branch
}

// mainnetFixture writes the evidence of coins in consecutive blocks, of which the last is pinned, with the filters of these blocks.
func mainnetFixture(blocks []*wire.MsgBlock, first int, coins []mainnetCoin, previous [][][]byte) chainFixture {
	var headers bytes.Buffer
	coded, whole, proofs := []string{}, []obj{}, []obj{}
	ours, byHeight := map[string]bool{}, map[int][]int{}
	for _, c := range coins {
		ours[string(payToKeyHash(must(accountHash(c.account))))] = true
		byHeight[c.height] = append(byHeight[c.height], c.index)
	}
	for i, b := range blocks {
		if err := b.Header.Serialize(&headers); err != nil {
			panic(err)
		}
		filter := must(builder.BuildBasicFilter(b, previous[i]))
		coded = append(coded, hex.EncodeToString(must(filter.NBytes())))
		matches := slices.ContainsFunc(previous[i], func(s []byte) bool { return ours[string(s)] })
		transactions := []string{}
		for _, tx := range b.Transactions {
			matches = matches || slices.ContainsFunc(tx.TxOut, func(out *wire.TxOut) bool { return ours[string(out.PkScript)] })
			transactions = append(transactions, bareHex(tx))
		}
		if matches {
			whole = append(whole, obj{"height": first + i, "transactions": transactions})
		}
		if used := byHeight[first+i]; used != nil {
			slices.Sort(used)
			list := []obj{}
			for _, index := range slices.Compact(used) {
				list = append(list, obj{"branch": branchOf(b, index), "index": index, "tx": transactions[index]})
			}
			proofs = append(proofs, obj{"coinbase": obj{"branch": branchOf(b, 0), "tx": transactions[0]}, "height": first + i, "transactions": list})
		}
	}
	filters := obj{"attested": []obj{{"node": "node a"}, {"node": "node b"}}, "blocks": whole, "filters": coded, "previous": strings.Repeat("0", 64)}
	attest(filters)
	outputs, answers, lines := []obj{}, []obj{}, []obj{}
	for _, c := range coins {
		txid, value := c.outpoint.Hash.String(), strconv.FormatInt(c.value, 10)
		outputs = append(outputs, obj{"account": c.account, "amount": value, "txid": txid, "vout": int(c.outpoint.Index)})
		if n := len(lines); n > 0 && lines[n-1]["account"] == c.account {
			sum := amount(lines[n-1]["amount"].(string))
			lines[n-1]["amount"] = sum.Add(sum, amount(value)).String()
			answers[n-1]["outpoints"] = append(answers[n-1]["outpoints"].([]string), c.outpoint.String())
			continue
		}
		answers = append(answers, obj{"account": c.account, "method": "blocks of btcd's test data", "outpoints": []string{c.outpoint.String()}})
		lines = append(lines, obj{"account": c.account, "amount": value, "control": "none", "custody": "own-other", "evidence": "filter-checked", "token": mainnetChain + "/slip44:0"})
	}
	last := blocks[len(blocks)-1]
	return chainFixture{
		block: obj{"chain": mainnetChain, "hash": last.BlockHash().String(), "number": first + len(blocks) - 1, "time": last.Header.Timestamp.UTC().Format(time.RFC3339)},
		evidence: obj{
			"attested": []obj{{"answers": answers, "node": "own node"}}, "blocks": proofs, "chain": mainnetChain, "filters": filters, "first": first,
			"headers": hex.EncodeToString(headers.Bytes()), "outputs": outputs, "type": "assay/v1/evidence/utxo",
		},
		lines: lines,
	}
}

func accountHash(account string) ([]byte, error) {
	hash, _, err := base58.CheckDecode(strings.TrimPrefix(account, mainnetChain+":"))
	return hash, err
}

// newMainnetWorld has the coins as its only reserves. Nobody here has their keys.
func newMainnetWorld(fixture chainFixture) *world {
	w := newWorld()
	w.assets[0]["tokens"] = []obj{{"class": "native", "decimals": 8, "id": mainnetChain + "/slip44:0"}}
	w.blocks, w.lines = []obj{fixture.block}, fixture.lines
	w.evidence = map[string]obj{mainnetChain: fixture.evidence}
	w.policy = strings.Replace(w.policy, `["bound", "none"]`, `["bound", "script"]`, 1)
	w.snapshot = func(s obj) { s["instant"], s["period"] = "2009-05-12T07:00:00Z", "2009-05" }
	w.full = "[[anchor]]\nchain = \"" + mainnetChain + "\"\nnumber = 14131\nhash = \"" + lastBlock + "\"\n"
	return w
}

// TestMainnet_WholeBundle makes a bundle of all 14,132 headers and of every P2PKH coin that was unspent at block 14,131, with the
// filters of all blocks. Everything in it is proved, and it counts for nothing: nobody signed for it.
func TestMainnet_WholeBundle(t *testing.T) {
	blocks := mainnetBlocks(t)
	coins, _, previous := coinsOf(blocks, 0)
	fixture := mainnetFixture(blocks, 0, coins, previous)
	m := newMainnetWorld(fixture).make(t)
	begin := time.Now()
	v := verify(t, m)
	took := time.Since(begin)
	proven(t, v)
	if c := find(v, "headers."+mainnetChain); c.Detail != "block 14131, confirmed by an anchor of the policy" || len(v.Unanchored) != 0 {
		t.Errorf("headers: %q, unanchored %q", c.Detail, v.Unanchored)
	}
	if c := find(v, "evidence."+mainnetChain); c.Detail != "balances: 14 of grade filter-checked" {
		t.Errorf("evidence: %q", c.Detail)
	}
	want := Coverage{Asset: "BTC", Liabilities: "1.50001002", Counted: "0", Coverage: "0.00", Shortfall: "1.50001002", StatedCounted: "0", StatedCoverage: "0.00", StatedShortfall: "1.50001002"}
	if v.Coverage[0] != want {
		t.Errorf("got %+v, want %+v", v.Coverage[0], want)
	}
	matching := len(at(fixture.evidence, "filters")["blocks"].([]obj))
	t.Logf("%d headers, %d coins of %d addresses in %d blocks, %d filters, %d of them matching: the whole bundle in %s",
		len(blocks), len(coins), len(fixture.lines), len(fixture.evidence["blocks"].([]obj)), len(previous), matching, took.Round(time.Millisecond))
	if len(coins) != 54 || len(fixture.lines) != 14 || matching != 48 {
		t.Errorf("got %d coins of %d addresses, %d blocks", len(coins), len(fixture.lines), matching)
	}
	// The same coins, for a reader who takes reserves that nobody signed for.
	w := newMainnetWorld(fixture)
	w.policy = strings.Replace(w.policy, `["bound", "script"]`, `["none"]`, 1)
	v = verify(t, w.make(t))
	proven(t, v)
	if got := v.Coverage[0].Counted; got != "33,229.4" {
		t.Errorf("counted %s BTC", got)
	}
	if header := at(mainnetFixture(blocks[:14_047], 0, nil, previous).evidence, "filters")["attested"].([]obj)[0]["header"]; header != filtersBeforeLate {
		t.Errorf("the filter header of block 14,046 is %s", header)
	}
}

// TestMainnet_Headers checks the chain of all 14,132 headers.
func TestMainnet_Headers(t *testing.T) {
	blocks := mainnetBlocks(t)
	coins, _, previous := coinsOf(blocks, 0)
	e := mainnetFixture(blocks, 0, coins[:1], previous).evidence
	e["snapshot"] = strings.Repeat("5", 64)
	file, err := evidence.ParseUTXO(encode(e), strings.Repeat("5", 64), mainnetChain)
	if err != nil {
		t.Fatal(err)
	}
	pinned := evidence.Block{Chain: mainnetChain, Hash: lastBlock, Number: lastHeight, Time: blocks[lastHeight].Header.Timestamp}
	begin := time.Now()
	if err := file.CheckHeaders(pinned); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d headers in %s", len(blocks), time.Since(begin).Round(time.Microsecond))
	pinned.Number--
	if err := file.CheckHeaders(pinned); err == nil || !strings.Contains(err.Error(), "its height is not the pinned one") {
		t.Errorf("another height: got %v", err)
	}
}

// The network's own filters of the first eleven blocks, and the header of the first, are what the fixture makes.
func TestMainnet_FiltersAreTheNetworks(t *testing.T) {
	blocks := mainnetBlocks(t)[:11]
	_, _, previous := coinsOf(blocks, 0)
	got := at(mainnetFixture(blocks, 0, nil, previous).evidence, "filters")
	want := []string{"017fa880", "018c3b10", "018c78d8", "0113ff10", "013fb670", "01383a30", "010c71b0", "0193ccd8", "017505a0", "018d3db8", "019b9b98"}
	if !slices.Equal(got["filters"].([]string), want) {
		t.Errorf("got %v, want %v", got["filters"], want)
	}
	genesis := at(mainnetFixture(blocks[:1], 0, nil, previous).evidence, "filters")
	if got := genesis["attested"].([]obj)[0]["header"]; got != "02c2392180d0ce2b5b6f8b08d39a11ffe831c673311a3ecf77b97fc3f0303c9f" {
		t.Errorf("the first filter header is %s", got)
	}
}

// A real coin that was really spent: all that the old evidence asks for is there, and the filters give it away.
func TestB05_RealSpentCoin(t *testing.T) {
	blocks := mainnetBlocks(t)
	_, spent, previous := coinsOf(blocks, 0)
	if len(spent) == 0 {
		t.Fatal("no P2PKH coin was spent in these blocks")
	}
	c := spent[0]
	w := newMainnetWorld(mainnetFixture(blocks[c.height:], c.height, []mainnetCoin{c}, previous[c.height:]))
	refused(t, verify(t, w.make(t)), "evidence."+mainnetChain, "it spends outputs[0]: got "+c.outpoint.String()+" spent in block ")
	delete(w.evidence[mainnetChain], "filters")
	w.lines[0]["evidence"] = "inclusion-proved"
	proven(t, verify(t, w.make(t)))
}

// lateMainnetWorld holds the coin of blocks 14,047 to 14,131 that is unspent at the last one.
func lateMainnetWorld(t testing.TB) *world {
	t.Helper()
	blocks := lateBlocks(t)
	coins, _, previous := coinsOf(blocks, 14_047)
	w := newMainnetWorld(mainnetFixture(blocks, 14_047, coins, previous))
	at(w.evidence[mainnetChain], "filters")["previous"] = filtersBeforeLate
	attest(at(w.evidence[mainnetChain], "filters"))
	return w
}

// Whatever byte of the real data is changed, and whoever signs the result, it is refused.
func TestMainnet_OneByteChanged(t *testing.T) {
	proven(t, verify(t, lateMainnetWorld(t).make(t)))
	flip := func(s string, at int) string {
		raw := must(hex.DecodeString(s))
		raw[at%len(raw)] ^= 1
		return hex.EncodeToString(raw)
	}
	one := func(e obj, key string) obj { return e[key].([]obj)[0] }
	tampered := 0
	for name, edit := range map[string]func(e obj, at int){
		"a header":        func(e obj, at int) { e["headers"] = flip(e["headers"].(string), at*311) },
		"the coinbase":    func(e obj, at int) { c := one(e, "blocks")["coinbase"].(obj); c["tx"] = flip(c["tx"].(string), at) },
		"the transaction": func(e obj, at int) { x := one(one(e, "blocks"), "transactions"); x["tx"] = flip(x["tx"].(string), at) },
		"its branch": func(e obj, at int) {
			b := one(one(e, "blocks"), "transactions")["branch"].([]string)
			b[0] = flip(b[0], at)
		},
		"the coin's id":     func(e obj, at int) { o := one(e, "outputs"); o["txid"] = flip(o["txid"].(string), at) },
		"a filter":          func(e obj, n int) { f := at(e, "filters")["filters"].([]string); f[n%len(f)] = flip(f[n%len(f)], n) },
		"the filter before": func(e obj, n int) { f := at(e, "filters"); f["previous"] = flip(f["previous"].(string), n) },
		"a header of filters": func(e obj, n int) {
			a := one(at(e, "filters"), "attested")
			a["header"] = flip(a["header"].(string), n)
		},
		"a whole block": func(e obj, n int) {
			list := one(at(e, "filters"), "blocks")["transactions"].([]string)
			list[n%len(list)] = flip(list[n%len(list)], n)
		},
	} {
		for i := range 40 {
			w := lateMainnetWorld(t)
			edit(w.evidence[mainnetChain], i)
			v := verify(t, w.make(t))
			h, e := find(v, "headers."+mainnetChain), find(v, "evidence."+mainnetChain)
			if v.Proven || h.Result == Pass && e.Result != Fail {
				t.Errorf("%s, byte %d: %s: headers %s, evidence %s", name, i, v.Summary, h.Result, e.Result)
			}
			tampered++
		}
	}
	t.Logf("%d changes of one byte, all refused", tampered)
}
