package evidence

import (
	"bytes"
	"cmp"
	"compress/bzip2"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// naiveBranch is the branch of one transaction by Bitcoin's own rule, straight: an odd level doubles its last hash.
func naiveBranch(ids []chainhash.Hash, index int) (branch []string, root chainhash.Hash) {
	branch = []string{}
	for len(ids) > 1 {
		if len(ids)%2 == 1 {
			ids = append(slices.Clone(ids), ids[len(ids)-1])
		}
		branch = append(branch, hex.EncodeToString(ids[index^1][:]))
		var next []chainhash.Hash
		for i := 0; i < len(ids); i += 2 {
			next = append(next, chainhash.DoubleHashH(append(append([]byte{}, ids[i][:]...), ids[i+1][:]...)))
		}
		ids, index = next, index/2
	}
	return branch, ids[0]
}

func stripped(t testing.TB, tx *wire.MsgTx) string {
	t.Helper()
	var b bytes.Buffer
	if err := tx.SerializeNoWitness(&b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b.Bytes())
}

// claim says that an output of a block belongs to an account.
type claim struct {
	height, tx, vout int
	account          string
}

// utxoFixture is a chain of blocks, and the evidence file for some outputs of it.
type utxoFixture struct {
	chain    string
	blocks   []*wire.MsgBlock
	first    int
	file     doc
	block    Block
	accounts []string
}

func (f *utxoFixture) check(t testing.TB) (UTXOResult, error) {
	t.Helper()
	parsed, err := ParseUTXO(encode(t, f.file), testSnapshot, f.chain)
	if err != nil {
		return UTXOResult{}, err
	}
	return parsed.Check(f.block, f.accounts)
}

func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(doc)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v
}

// write fills the file for these claims.
func (f *utxoFixture) write(t testing.TB, claims []claim) {
	t.Helper()
	var headers bytes.Buffer
	for _, b := range f.blocks {
		if err := b.Header.Serialize(&headers); err != nil {
			t.Fatal(err)
		}
	}
	outputs, blocks := []any{}, []any{}
	of := map[string][]any{}
	byHeight := map[int]map[int]bool{}
	for _, c := range claims {
		tx := f.blocks[c.height-f.first].Transactions[c.tx]
		txid := tx.TxHash().String()
		outputs = append(outputs, doc{"account": c.account, "amount": fmt.Sprint(tx.TxOut[c.vout].Value), "txid": txid, "vout": c.vout})
		of[c.account] = append(of[c.account], fmt.Sprintf("%s:%d", txid, c.vout))
		if byHeight[c.height] == nil {
			byHeight[c.height] = map[int]bool{}
		}
		byHeight[c.height][c.tx] = true
	}
	slices.SortFunc(outputs, func(a, b any) int {
		return cmp.Or(strings.Compare(a.(doc)["account"].(string), b.(doc)["account"].(string)), strings.Compare(a.(doc)["txid"].(string), b.(doc)["txid"].(string)), a.(doc)["vout"].(int)-b.(doc)["vout"].(int))
	})
	for i, b := range f.blocks {
		used := byHeight[f.first+i]
		if used == nil {
			continue
		}
		var ids []chainhash.Hash
		for _, tx := range b.Transactions {
			ids = append(ids, tx.TxHash())
		}
		branch, _ := naiveBranch(ids, 0)
		block := doc{"coinbase": doc{"branch": branch, "tx": stripped(t, b.Transactions[0])}, "height": f.first + i}
		transactions := []any{}
		for index := 1; index < len(ids); index++ {
			if used[index] {
				branch, _ := naiveBranch(ids, index)
				transactions = append(transactions, doc{"branch": branch, "index": index, "tx": stripped(t, b.Transactions[index])})
			}
		}
		block["transactions"] = transactions
		blocks = append(blocks, block)
	}
	f.accounts = slices.Clone(f.accounts)
	slices.Sort(f.accounts)
	var attested []any
	for _, node := range []string{"node a", "node b"} {
		answers := []any{}
		for _, account := range f.accounts {
			points := slices.Clone(of[account])
			slices.SortFunc(points, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			if points == nil {
				points = []any{}
			}
			answers = append(answers, doc{"account": account, "method": "scantxoutset", "outpoints": points})
		}
		attested = append(attested, doc{"answers": answers, "node": node})
	}
	last := f.blocks[len(f.blocks)-1]
	f.block = Block{Chain: f.chain, Hash: last.BlockHash().String(), Number: uint64(f.first + len(f.blocks) - 1), Time: last.Header.Timestamp}
	f.file = doc{
		"attested": attested, "blocks": blocks, "chain": f.chain, "first": f.first, "headers": hex.EncodeToString(headers.Bytes()),
		"outputs": outputs, "snapshot": testSnapshot, "type": kindUTXO,
	}
}

// mine finds a nonce for a header of the easiest target.
func mine(t testing.TB, b *wire.MsgBlock) { mineFor(t, b, doubleSHA256) }

func mineFor(t testing.TB, b *wire.MsgBlock, work func([]byte) [32]byte) {
	t.Helper()
	target, err := expandBits(b.Header.Bits, 255)
	if err != nil {
		t.Fatal(err)
	}
	for {
		var header bytes.Buffer
		if err := b.Header.Serialize(&header); err != nil {
			t.Fatal(err)
		}
		if atMost(work(header.Bytes()), target) {
			return
		}
		b.Header.Nonce++
	}
}

func pkScript(t testing.TB, kind int, seed byte) (script []byte, account string) {
	return pkScriptOn(t, regtest, &chaincfg.RegressionNetParams, kind, seed)
}

// litecoin spells addresses of Litecoin's regtest.
var litecoin = chaincfg.Params{PubKeyHashAddrID: 0x6f, ScriptHashAddrID: 0x3a, Bech32HRPSegwit: "rltc"}

func pkScriptOn(t testing.TB, chain string, net *chaincfg.Params, kind int, seed byte) (script []byte, account string) {
	t.Helper()
	h20, h32 := bytes.Repeat([]byte{seed}, 20), bytes.Repeat([]byte{seed}, 32)
	var a address.Address
	var err error
	switch kind % 5 {
	case 0:
		a, err = address.NewAddressPubKeyHash(h20, net)
	case 1:
		a, err = address.NewAddressScriptHashFromHash(h20, net)
	case 2:
		a, err = address.NewAddressWitnessPubKeyHash(h20, net)
	case 3:
		a, err = address.NewAddressWitnessScriptHash(h32, net)
	default:
		a, err = address.NewAddressTaproot(h32, net)
	}
	if err != nil {
		t.Fatal(err)
	}
	if script, err = txscript.PayToAddrScript(a); err != nil {
		t.Fatal(err)
	}
	return script, chain + ":" + a.EncodeAddress()
}

// newUTXOFixture mines a regtest chain from height 100: blocks of 1, 3, 4, 5, 7 and 13 transactions, every output of kind
// tx+vout mod 5. Account 5 of the list holds nothing.
func newUTXOFixture(t testing.TB, sizes ...int) *utxoFixture {
	t.Helper()
	return newFixtureOn(t, regtest, &chaincfg.RegressionNetParams, doubleSHA256, sizes...)
}

// newFixtureOn makes the same of another network, whose work is what the last argument says.
func newFixtureOn(t testing.TB, chain string, net *chaincfg.Params, work func([]byte) [32]byte, sizes ...int) *utxoFixture {
	t.Helper()
	if len(sizes) == 0 {
		sizes = []int{1, 3, 4, 5, 7, 13}
	}
	f := &utxoFixture{chain: chain, first: 100}
	scripts := make([][]byte, 5)
	for kind := range scripts {
		var account string
		scripts[kind], account = pkScriptOn(t, chain, net, kind, byte(kind+1))
		f.accounts = append(f.accounts, account)
	}
	var claims []claim
	previous := chainhash.Hash{1}
	for i, size := range sizes {
		b := &wire.MsgBlock{Header: wire.BlockHeader{Version: 4, PrevBlock: previous, Timestamp: time.Unix(1700000000+int64(i)*600, 0), Bits: 0x207fffff}}
		var ids []chainhash.Hash
		for n := range size {
			tx := wire.NewMsgTx(2)
			in := wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{byte(i), byte(n)}, Index: 1}, []byte{byte(i), byte(n), byte(n >> 8)}, nil)
			if n == 0 {
				in.PreviousOutPoint = wire.OutPoint{Index: 0xffffffff}
			}
			tx.AddTxIn(in)
			for vout := range 2 {
				tx.AddTxOut(wire.NewTxOut(int64(1e8+i*1000+n), scripts[(n+vout)%5]))
			}
			b.Transactions = append(b.Transactions, tx)
			ids = append(ids, tx.TxHash())
			if n > 0 || size == 1 {
				claims = append(claims, claim{f.first + i, n, 1, f.accounts[(n+1)%5]})
			}
			if n == size-1 {
				claims = append(claims, claim{f.first + i, n, 0, f.accounts[n%5]})
			}
		}
		_, b.Header.MerkleRoot = naiveBranch(ids, 0)
		mineFor(t, b, work)
		previous = b.BlockHash()
		f.blocks = append(f.blocks, b)
	}
	_, idle := pkScriptOn(t, chain, net, 2, 99)
	f.accounts = append(f.accounts, idle)
	f.write(t, claims)
	return f
}

// setHeaders replaces the headers and pins the last one.
func (f *utxoFixture) setHeaders(raw []byte) {
	f.file["headers"] = hex.EncodeToString(raw)
	last := raw[len(raw)-headerSize:]
	f.block.Hash = chainhash.DoubleHashH(last).String()
	f.block.Time = time.Unix(int64(binary.LittleEndian.Uint32(last[68:72])), 0)
}

// readBlocks reads a file of real blocks.
func readBlocks(t testing.TB, name string) (blocks []*wire.MsgBlock) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".bz2") {
		if raw, err = io.ReadAll(bzip2.NewReader(bytes.NewReader(raw))); err != nil {
			t.Fatal(err)
		}
	}
	for len(raw) > 0 {
		size := binary.LittleEndian.Uint32(raw[4:8])
		var b wire.MsgBlock
		if err := b.Deserialize(bytes.NewReader(raw[8 : 8+size])); err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, &b)
		raw = raw[8+size:]
	}
	return blocks
}
