package evidence

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
)

func TestUTXO_GoodEvidence(t *testing.T) {
	f := newUTXOFixture(t)
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]*big.Int{}
	for _, account := range f.accounts {
		want[account] = new(big.Int)
	}
	for _, o := range f.file["outputs"].([]any) {
		n, _ := new(big.Int).SetString(o.(doc)["amount"].(string), 10)
		want[o.(doc)["account"].(string)].Add(want[o.(doc)["account"].(string)], n)
	}
	if len(result.Balances) != 6 {
		t.Fatalf("got %d balances, want 6", len(result.Balances))
	}
	zero := 0
	for i, b := range result.Balances {
		if b.Account != f.accounts[i] || b.Token != regtest+"/slip44:0" || b.Amount.Cmp(want[b.Account]) != 0 {
			t.Errorf("got %v, want %s of %s", b, want[b.Account], f.accounts[i])
		}
		if b.Amount.Sign() == 0 {
			zero++
		}
	}
	if zero != 1 {
		t.Errorf("got %d accounts with nothing, want 1", zero)
	}
}

func TestUTXO_WithoutOutputs(t *testing.T) {
	f := newUTXOFixture(t)
	raw := f.file["headers"].(string)
	f.file["headers"], f.file["first"] = raw[len(raw)-160:], f.block.Number
	f.file["blocks"], f.file["outputs"] = []any{}, []any{}
	for _, a := range f.file["attested"].([]any) {
		for _, answer := range a.(doc)["answers"].([]any) {
			answer.(doc)["outpoints"] = []any{}
		}
	}
	result, err := f.check(t)
	if err != nil || len(result.Balances) != 6 {
		t.Fatalf("got %v, %v", result, err)
	}
	f.file["headers"], f.file["first"] = raw, 100
	_, err = f.check(t)
	wantFormat(t, err, "headers", "without outputs the file holds the pinned block's header alone, got 6 headers")
}

// A coin that was spent passes every check of inclusion: the verdict must say whose word unspentness is.
func TestB05_SpentCoinIsSaid(t *testing.T) {
	f := newUTXOFixture(t)
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	want := regtest + `: that these coins were created is proved; that none was spent by block 105 is the word of 2 nodes, "node a", "node b", as the exchange recorded it`
	if len(result.Notes) != 1 || result.Notes[0] != want {
		t.Errorf("got %q, want %q", result.Notes, want)
	}
	f.file["attested"] = f.file["attested"].([]any)[:1]
	if result, err = f.check(t); err != nil || !strings.Contains(result.Notes[0], `the word of one node, "node a", as`) {
		t.Errorf("got %q, %v", result.Notes, err)
	}
	// One of the nodes says that a coin is spent.
	f = newUTXOFixture(t)
	answer := at(f.file, "attested", 1, "answers", 0).(doc)
	answer["outpoints"] = answer["outpoints"].([]any)[1:]
	_, err = f.check(t)
	wantCheck(t, err, "attested[1].answers[0]", `node "node b" names other outputs`)
}

func TestUTXO_Attested(t *testing.T) {
	f := newUTXOFixture(t)
	answers := at(f.file, "attested", 0, "answers").([]any)
	idle := slices.IndexFunc(answers, func(a any) bool { return len(a.(doc)["outpoints"].([]any)) == 0 })
	f.file["attested"].([]any)[0].(doc)["answers"] = slices.Delete(slices.Clone(answers), idle, idle+1)
	_, err := f.check(t)
	wantCheck(t, err, "attested[0]", `node "node a" did not answer for every account: got no answer for `+answers[idle].(doc)["account"].(string))
	f = newUTXOFixture(t)
	at(f.file, "attested", 0, "answers", 0).(doc)["outpoints"] = []any{strings.Repeat("0", 64) + ":0"}
	_, err = f.check(t)
	wantCheck(t, err, "attested[0].answers[0]", "names other outputs")
	f = newUTXOFixture(t)
	_, other := pkScript(t, 0, 77)
	f.accounts = append(f.accounts, other)
	_, err = f.check(t)
	wantCheck(t, err, "attested[0]", "no answer for "+other)
}

func TestUTXO_Headers(t *testing.T) {
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *utxoFixture)
	}{
		{"another chain's block", "headers", "another chain than the pinned block's", func(f *utxoFixture) { f.block.Chain = simnet }},
		{"another hash", "headers[5]", "its id is not the pinned block's", func(f *utxoFixture) { f.block.Hash = strings.Repeat("0", 64) }},
		{"another height", "headers[5]", "its height is not the pinned one: got 105, want 106", func(f *utxoFixture) { f.block.Number++ }},
		{"another first", "headers[5]", "its height is not the pinned one: got 106, want 105", func(f *utxoFixture) { f.file["first"] = 101 }},
		{"another time", "headers[5]", "its time is not the pinned one", func(f *utxoFixture) { f.block.Time = f.block.Time.Add(time.Second) }},
		{"a gap", "headers[3]", "it does not follow the header before it", func(f *utxoFixture) {
			h := f.file["headers"].(string)
			f.file["headers"] = h[:480] + h[640:]
		}},
		{"last header cut off", "headers[4]", "its id is not the pinned block's", func(f *utxoFixture) { h := f.file["headers"].(string); f.file["headers"] = h[:len(h)-160] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newUTXOFixture(t)
			tt.change(f)
			_, err := f.check(t)
			wantCheck(t, err, tt.field, tt.problem)
			parsed, err := ParseUTXO(encode(t, f.file), testSnapshot, f.chain)
			if err != nil {
				t.Fatal(err)
			}
			wantCheck(t, parsed.CheckHeaders(f.block), tt.field, tt.problem)
		})
	}
}

// Each header is of the network of its chain: a chain with the easy target of regtest is none of mainnet.
func TestB17_ProofOfWork(t *testing.T) {
	headers := func(f *utxoFixture) []byte { raw, _ := hex.DecodeString(f.file["headers"].(string)); return raw }
	t.Run("no work", func(t *testing.T) {
		f := newUTXOFixture(t)
		raw := headers(f)
		last := raw[len(raw)-headerSize:]
		easy, _ := expandBits(0x207fffff, 255)
		for atMost(doubleSHA256(last), easy) {
			last[76]++
		}
		f.setHeaders(raw)
		_, err := f.check(t)
		wantCheck(t, err, "headers[5]", "it has no proof of work")
	})
	for _, tt := range []struct {
		name string
		bits uint32
		got  string
	}{
		{"negative", 0x20ffffff, "a negative target"}, {"minus zero", 0x01800000, "a negative target"}, {"zero", 0x20000000, "a target of 0"}, {"shifted to zero", 0x02000001, "a target of 0"},
		{"above the limit", 0x2100ffff, "a target of 256 bits"}, {"overflow", 0xff7fffff, "bits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newUTXOFixture(t)
			raw := headers(f)
			binary.LittleEndian.PutUint32(raw[len(raw)-8:], tt.bits)
			f.setHeaders(raw)
			_, err := f.check(t)
			wantCheck(t, err, "headers[5]", "give no target of this network: got "+map[bool]string{true: "a target of", false: tt.got}[tt.got == "bits"])
		})
	}
	t.Run("regtest's target on mainnet", func(t *testing.T) {
		if _, err := expandBits(0x207fffff, 224); err == nil {
			t.Error("taken")
		}
		if _, err := expandBits(0x1d00ffff, 224); err != nil {
			t.Error(err)
		}
	})
}

func TestExpandBits_Values(t *testing.T) {
	for _, tt := range []struct {
		bits uint32
		want string
	}{
		{0x1d00ffff, "ffff0000000000000000000000000000000000000000000000000000"}, {0x207fffff, "7fffff0000000000000000000000000000000000000000000000000000000000"},
		{0x03123456, "123456"}, {0x02123456, "1234"}, {0x01123456, "12"}, {0x04123456, "12345600"},
	} {
		got, err := expandBits(tt.bits, 255)
		want, _ := new(big.Int).SetString(tt.want, 16)
		got = reversed(got)
		if err != nil || new(big.Int).SetBytes(got[:]).Cmp(want) != 0 {
			t.Errorf("bits %08x: got %x, %v; want %s", tt.bits, got, err, tt.want)
		}
	}
}

func TestB06_MerkleBranchTricks(t *testing.T) {
	for _, tt := range []struct {
		name, field, problem string
		change               func(t *testing.T, f *utxoFixture)
	}{
		{"hash of the branch changed", "blocks[2].transactions[0]", "not under its header's Merkle root", func(_ *testing.T, f *utxoFixture) {
			at(f.file, "blocks", 2, "transactions", 0).(doc)["branch"].([]string)[1] = strings.Repeat("0", 64)
		}},
		{"branches swapped", "blocks[2].transactions[0]", "not under its header's Merkle root", func(_ *testing.T, f *utxoFixture) {
			a, b := at(f.file, "blocks", 2, "transactions", 0).(doc), at(f.file, "blocks", 2, "transactions", 1).(doc)
			a["branch"], b["branch"] = b["branch"], a["branch"]
		}},
		{"another place", "blocks[2].transactions[0]", "not under its header's Merkle root", func(_ *testing.T, f *utxoFixture) {
			transactions := at(f.file, "blocks", 2).(doc)
			transactions["transactions"] = transactions["transactions"].([]any)[1:2]
			at(f.file, "blocks", 2, "transactions", 0).(doc)["index"] = 3
		}},
		{"index beyond the tree", "blocks[2].transactions[2].branch", "index 4 is beyond a tree of 2 levels", func(_ *testing.T, f *utxoFixture) { at(f.file, "blocks", 2, "transactions", 2).(doc)["index"] = 4 }},
		{"branch longer than the coinbase's", "blocks[2].transactions[0]", "another length than the coinbase's: got 3, want 2", func(_ *testing.T, f *utxoFixture) {
			b := at(f.file, "blocks", 2, "transactions", 0).(doc)
			b["branch"] = append(b["branch"].([]string), strings.Repeat("0", 64))
		}},
		{"coinbase's branch cut", "blocks[2].coinbase", "not under its header's Merkle root", func(_ *testing.T, f *utxoFixture) {
			b := at(f.file, "blocks", 2, "coinbase").(doc)
			b["branch"] = b["branch"].([]string)[:1]
		}},
		{"another transaction as coinbase", "blocks[0].coinbase", "the transaction at place 0 is no coinbase", func(t *testing.T, f *utxoFixture) {
			f.blocks[0].Transactions[0].TxIn[0].PreviousOutPoint.Index = 0
			f.reseal(t, 0)
		}},
		{"coinbase with two inputs", "blocks[0].coinbase", "is no coinbase", func(t *testing.T, f *utxoFixture) {
			tx := f.blocks[0].Transactions[0]
			tx.TxIn = append(tx.TxIn, tx.TxIn[0])
			f.reseal(t, 0)
		}},
		{"phantom place of a doubled transaction", "blocks[1].transactions[1].branch", "level 0: a node equals the one on its left", func(_ *testing.T, f *utxoFixture) { at(f.file, "blocks", 1, "transactions", 1).(doc)["index"] = 3 }},
		{"height without header", "blocks[5]", "its height has no header here: got 106, want 100 to 105", func(_ *testing.T, f *utxoFixture) { at(f.file, "blocks", 5).(doc)["height"] = 106 }},
		{"another height", "blocks[0].coinbase", "not under its header's Merkle root", func(_ *testing.T, f *utxoFixture) {
			f.file["blocks"] = f.file["blocks"].([]any)[1:2]
			at(f.file, "blocks", 0).(doc)["height"] = 100
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newUTXOFixture(t)
			tt.change(t, f)
			_, err := f.check(t)
			wantCheck(t, err, tt.field, tt.problem)
		})
	}
}

// reseal mines the chain again from a block whose transactions changed, and writes the same claims.
func (f *utxoFixture) reseal(t testing.TB, from int) {
	t.Helper()
	for i := from; i < len(f.blocks); i++ {
		b := f.blocks[i]
		var ids []chainhash.Hash
		for _, tx := range b.Transactions {
			ids = append(ids, tx.TxHash())
		}
		_, b.Header.MerkleRoot = naiveBranch(ids, 0)
		if i > 0 {
			b.Header.PrevBlock = f.blocks[i-1].BlockHash()
		}
		mine(t, b)
	}
	f.write(t, []claim{{f.first, 0, 1, f.accounts[0]}})
}

func TestB06_SixtyFourBytes(t *testing.T) {
	// version, one input with a script of 3 bytes, one output with an empty script: 4+1+36+1+3+4+1+8+1+4 = 63; one byte more.
	raw := make([]byte, 64)
	raw[4], raw[41] = 1, 4
	raw[50] = 1
	_, err := parseTransaction(raw)
	if err == nil || !strings.Contains(err.Error(), "as long as an inner node") {
		t.Errorf("got %v", err)
	}
	shorter := append(slices.Clone(raw[:42]), raw[43:]...)
	shorter[41] = 3
	if _, err := parseTransaction(shorter); err != nil {
		t.Errorf("63 bytes: %v", err)
	}
	f := newUTXOFixture(t)
	at(f.file, "blocks", 2, "transactions", 0).(doc)["tx"] = hex.EncodeToString(raw)
	_, err = f.check(t)
	wantCheck(t, err, "blocks[2].transactions[0].tx", "as long as an inner node")
}

// Bitcoin doubles the last hash of an odd level. climb takes exactly the branches that this rule makes, for every place of
// every tree, and refuses each where one hash is doubled that Bitcoin does not double (CVE-2012-2459).
func TestB06_DoubledHashes(t *testing.T) {
	for size := 1; size <= 40; size++ {
		ids := make([]chainhash.Hash, size)
		for i := range ids {
			ids[i] = chainhash.HashH([]byte{byte(i), byte(size)})
		}
		for index := range ids {
			hexed, want := naiveBranch(ids, index)
			branch := make([][32]byte, len(hexed))
			for i, h := range hexed {
				raw, _ := hex.DecodeString(h)
				branch[i] = [32]byte(raw)
			}
			got, err := climb(ids[index], uint64(index), branch)
			if err != nil || got != want {
				t.Fatalf("%d of %d: got %x, %v; want %x", index, size, got, err, want)
			}
			node := [32]byte(ids[index])
			for level := range branch {
				forged := slices.Clone(branch)
				forged[level] = node
				wasDoubled := branch[level] == node
				place := index >> level
				isLast := place == (size-1)>>level
				_, err := climb(ids[index], uint64(index), forged)
				if !wasDoubled && (place%2 == 1 || place == 0) && err == nil {
					t.Errorf("%d of %d, level %d doubled: taken", index, size, level)
				}
				if wasDoubled && !isLast {
					t.Fatalf("the oracle doubles a hash that is not the last")
				}
				node = step(node, branch[level], place)
			}
		}
	}
	id := [32]byte{1}
	doubled := step(id, id, 2)
	for _, tt := range []struct {
		name, problem string
		index         uint64
		branch        [][32]byte
	}{
		{"the first with itself", "the first node equals the one on its right", 0, [][32]byte{id}},
		{"on the right", "a node equals the one on its left", 3, [][32]byte{id, {9}}},
		{"doubled, and not the last above", "the last of its level and has another above it on its right", 4, [][32]byte{id, {9}, {8}}},
		{"doubled, then the first", "the first node equals", 2, [][32]byte{id, {9}, step([32]byte{9}, doubled, 0)}},
		{"too long", "a branch of 33 hashes", 0, make([][32]byte, 33)},
	} {
		if _, err := climb(id, tt.index, tt.branch); err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: got %v, want …%s…", tt.name, err, tt.problem)
		}
	}
}

func step(node, sibling [32]byte, place int) [32]byte {
	left, right := node, sibling
	if place%2 == 1 {
		left, right = right, left
	}
	return chainhash.DoubleHashH(append(left[:], right[:]...))
}

func TestUTXO_Outputs(t *testing.T) {
	out := func(f *utxoFixture, i int) doc { return at(f.file, "outputs", i).(doc) }
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *utxoFixture)
	}{
		{"another amount", "outputs[0]", "the file's amount is not what the transaction pays", func(f *utxoFixture) { out(f, 0)["amount"] = "1" }},
		{"transaction not here", "outputs[0]", "its transaction is in no block of the file", func(f *utxoFixture) { out(f, 0)["txid"] = strings.Repeat("0", 64) }},
		{"output not there", "outputs[0]", "its transaction has no such output: got 2, want below 2", func(f *utxoFixture) { out(f, 0)["vout"] = 2 }},
		{"another account of the same kind", "outputs[0]", "it does not pay to its account", func(f *utxoFixture) {
			_, other := pkScript(t, 2, 0)
			for i := range f.file["outputs"].([]any) {
				if o := out(f, i); i == 0 {
					o["account"] = other
				}
			}
			f.file["outputs"] = f.file["outputs"].([]any)[:1]
		}},
		{"transaction without output", "blocks[1].transactions[0]", "a transaction that proves nothing", func(f *utxoFixture) {
			txid := f.blocks[1].Transactions[1].TxHash().String()
			f.file["outputs"] = slices.DeleteFunc(f.file["outputs"].([]any), func(o any) bool { return o.(doc)["txid"] == txid })
		}},
		{"block without output", "blocks[0]", "a block that proves nothing", func(f *utxoFixture) {
			txid := f.blocks[0].Transactions[0].TxHash().String()
			f.file["outputs"] = slices.DeleteFunc(f.file["outputs"].([]any), func(o any) bool { return o.(doc)["txid"] == txid })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newUTXOFixture(t)
			tt.change(f)
			_, err := f.check(t)
			wantCheck(t, err, tt.field, tt.problem)
		})
	}
}

// One outpoint for two accounts: the sort key allows it, the script and the set of outpoints do not.
func TestB10_OutpointTwice(t *testing.T) {
	f := newUTXOFixture(t)
	_, other := pkScript(t, 4, 200)
	last := doc{}
	outputs := f.file["outputs"].([]any)
	for k, v := range outputs[0].(doc) {
		last[k] = v
	}
	last["account"] = other
	outputs = append(outputs, last)
	slices.SortStableFunc(outputs, func(a, b any) int { return strings.Compare(a.(doc)["account"].(string), b.(doc)["account"].(string)) })
	f.file["outputs"] = outputs
	_, err := f.check(t)
	i := slices.IndexFunc(outputs, func(o any) bool { return o.(doc)["account"] == other })
	if i == 0 {
		t.Fatal("the copy stands first: choose another seed")
	}
	wantCheck(t, err, fmt.Sprintf("outputs[%d]", i), "an outpoint stands here twice")
}

func TestUTXO_TransactionTwice(t *testing.T) {
	f := newUTXOFixture(t, 1, 1)
	f.blocks[1].Transactions = f.blocks[0].Transactions
	f.reseal(t, 1)
	f.write(t, []claim{{101, 0, 1, f.accounts[0]}})
	again := at(f.file, "blocks", 0).(doc)
	f.file["blocks"] = []any{doc{"coinbase": again["coinbase"], "height": 100, "transactions": []any{}}, again}
	_, err := f.check(t)
	wantCheck(t, err, "blocks[1].coinbase", "a transaction stands here twice")
}

// Real outputs of Bitcoin's main network. The one of block 5219 is the last of three transactions, so its hash is doubled.
func TestUTXO_Mainnet(t *testing.T) {
	for _, tt := range []struct {
		file   string
		first  int
		claims [][3]int // height, transaction, output
		bits   string
	}{
		{"mainnet-2812-2831.blk", 2812, [][3]int{{2812, 1, 0}, {2812, 2, 0}, {2817, 1, 0}, {2817, 2, 0}, {2817, 3, 0}}, ""},
		{"mainnet-5219-5228.blk", 5219, [][3]int{{5219, 2, 0}}, ""},
	} {
		f := &utxoFixture{chain: mainnet, first: tt.first, blocks: readBlocks(t, tt.file)}
		var claims []claim
		for _, c := range tt.claims {
			script := f.blocks[c[0]-tt.first].Transactions[c[1]].TxOut[c[2]].PkScript
			account := mainnetAccount(t, script)
			claims = append(claims, claim{c[0], c[1], c[2], account})
			if !slices.Contains(f.accounts, account) {
				f.accounts = append(f.accounts, account)
			}
		}
		f.write(t, claims)
		result, err := f.check(t)
		if err != nil || len(result.Balances) != len(f.accounts) {
			t.Errorf("%s: got %v, %v", tt.file, result, err)
		}
	}
}

func TestUTXO_MainnetHeaders(t *testing.T) {
	raw, err := os.ReadFile("testdata/mainnet-0-255.headers")
	if err != nil {
		t.Fatal(err)
	}
	net, _ := networkOf(mainnet)
	last := raw[len(raw)-headerSize:]
	u := &UTXO{chain: mainnet, network: net, headers: raw}
	block := Block{Chain: mainnet, Hash: chainhash.DoubleHashH(last).String(), Number: 255, Time: time.Unix(int64(binary.LittleEndian.Uint32(last[68:72])), 0)}
	if err := u.CheckHeaders(block); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(raw); i += 13 {
		u.headers = bytes.Clone(raw)
		u.headers[i] ^= 1
		if err := u.CheckHeaders(block); err == nil {
			t.Fatalf("byte %d changed: verified", i)
		}
	}
	if got := doubleSHA256(raw[:headerSize]); !strings.HasPrefix(printed(got), strings.TrimPrefix(mainnet, "bip122:")) {
		t.Errorf("block 0 is %s", printed(got))
	}
}

func TestUTXO_MainnetBranches(t *testing.T) {
	for _, file := range []string{"mainnet-277647.blk.bz2", "mainnet-2812-2831.blk"} {
		for _, b := range readBlocks(t, file) {
			var ids []chainhash.Hash
			var plain [][32]byte
			for _, tx := range b.Transactions {
				ids, plain = append(ids, tx.TxHash()), append(plain, tx.TxHash())
			}
			if root, err := merkleRoot(plain); err != nil || root != b.Header.MerkleRoot {
				t.Fatalf("%s: got root %x, %v; want %s", file, root, err, b.Header.MerkleRoot)
			}
			for i, tx := range b.Transactions {
				raw, _ := hex.DecodeString(stripped(t, tx))
				parsed, err := parseTransaction(raw)
				if err != nil || parsed.id != ids[i] || parsed.isCoinbase != (i == 0) || len(parsed.outputs) != len(tx.TxOut) {
					t.Fatalf("%s, transaction %d: got %+v, %v", file, i, parsed, err)
				}
				hexed, _ := naiveBranch(ids, i)
				var branch [][32]byte
				for _, h := range hexed {
					raw, _ := hex.DecodeString(h)
					branch = append(branch, [32]byte(raw))
				}
				if root, err := climb(parsed.id, uint64(i), branch); err != nil || root != b.Header.MerkleRoot {
					t.Fatalf("%s, transaction %d of %d: got %x, %v; want %s", file, i, len(ids), root, err, b.Header.MerkleRoot)
				}
			}
		}
	}
}

func TestAddress_ScriptsOfEveryKind(t *testing.T) {
	params := map[string]*chaincfg.Params{mainnet: &chaincfg.MainNetParams, testnet: &chaincfg.TestNet3Params, regtest: &chaincfg.RegressionNetParams, simnet: &chaincfg.SimNetParams}
	for chain, net := range params {
		if !strings.HasPrefix(net.GenesisHash.String(), strings.TrimPrefix(chain, "bip122:")) {
			t.Errorf("%s: genesis is %s", chain, net.GenesisHash)
		}
		for kind, want := range []scriptKind{p2pkh, p2sh, p2wpkh, p2wsh, p2tr} {
			for seed := range byte(30) {
				script, _ := pkScript(t, kind, seed)
				_, addrs, _, err := txscript.ExtractPkScriptAddrs(script, net)
				if err != nil || len(addrs) != 1 {
					t.Fatal(err)
				}
				got, gotKind, err := accountScript(chain + ":" + addrs[0].EncodeAddress())
				if err != nil || gotKind != want || !bytes.Equal(got, script) {
					t.Errorf("%s %s: got %x %s, %v; want %x %s", chain, addrs[0], got, gotKind, err, script, want)
				}
			}
		}
	}
}
