package evidence

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/wire/v2"
)

func TestE05_MalformedUTXO(t *testing.T) {
	swap := func(list any, i, j int) {
		l := list.([]any)
		l[i], l[j] = l[j], l[i]
	}
	zero := strings.Repeat("0", 64)
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *utxoFixture)
	}{
		{"missing key", "file", `key "first" is missing`, func(f *utxoFixture) { delete(f.file, "first") }},
		{"unknown key", "file", `unknown key "grade"`, func(f *utxoFixture) { f.file["grade"] = "" }},
		{"no node", "attested", "at least one", func(f *utxoFixture) { f.file["attested"] = []any{} }},
		{"nodes out of order", "attested[1]", "not in ascending order of node", func(f *utxoFixture) { swap(f.file["attested"], 0, 1) }},
		{"one node twice", "attested[1]", "or twice", func(f *utxoFixture) { at(f.file, "attested", 1).(doc)["node"] = "node a" }},
		{"node without a label", "attested[0].node", "1 to 64 printable ASCII", func(f *utxoFixture) { at(f.file, "attested", 0).(doc)["node"] = "" }},
		{"long label", "attested[0].node", "1 to 64 printable ASCII", func(f *utxoFixture) { at(f.file, "attested", 0).(doc)["node"] = strings.Repeat("a", 65) }},
		{"label not ASCII", "attested[1].node", "1 to 64 printable ASCII", func(f *utxoFixture) { at(f.file, "attested", 1).(doc)["node"] = "nöde" }},
		{"no method", "attested[0].answers[0].method", "1 to 64 printable ASCII", func(f *utxoFixture) { at(f.file, "attested", 0, "answers", 0).(doc)["method"] = "" }},
		{"answers out of order", "attested[0].answers[1]", "not in ascending order of account", func(f *utxoFixture) { swap(at(f.file, "attested", 0, "answers"), 0, 1) }},
		{"outpoints out of order", "attested[0].answers[0].outpoints[1]", "not in ascending order of outpoint", func(f *utxoFixture) { swap(at(f.file, "attested", 0, "answers", 0, "outpoints"), 0, 1) }},
		{"outpoint without vout", "attested[0].answers[0].outpoints[0]", "is not txid:vout", func(f *utxoFixture) { at(f.file, "attested", 0, "answers", 0, "outpoints").([]any)[0] = zero }},
		{"vout with a leading zero", "attested[0].answers[0].outpoints[0]", "is not txid:vout", func(f *utxoFixture) { at(f.file, "attested", 0, "answers", 0, "outpoints").([]any)[0] = zero + ":00" }},
		{"vout above 2^32", "attested[0].answers[0].outpoints[0]", "is not txid:vout", func(f *utxoFixture) {
			at(f.file, "attested", 0, "answers", 0, "outpoints").([]any)[0] = zero + ":4294967296"
		}},
		{"txid in capitals", "attested[0].answers[0].outpoints[0]", "is not txid:vout", func(f *utxoFixture) {
			at(f.file, "attested", 0, "answers", 0, "outpoints").([]any)[0] = strings.Repeat("A", 64) + ":0"
		}},
		{"short txid", "attested[0].answers[0].outpoints[0]", "is not txid:vout", func(f *utxoFixture) { at(f.file, "attested", 0, "answers", 0, "outpoints").([]any)[0] = "00:0" }},
		{"account of another chain", "attested[0].answers[0].account", "is not an account of " + regtest, func(f *utxoFixture) { at(f.file, "attested", 0, "answers", 0).(doc)["account"] = mainnet + ":x" }},
		{"account in capitals", "attested[0].answers[4].account", "neither bech32", func(f *utxoFixture) {
			a := at(f.file, "attested", 0, "answers", 4).(doc)
			a["account"] = regtest + ":" + strings.ToUpper(strings.TrimPrefix(a["account"].(string), regtest+":"))
		}},
		{"blocks out of order", "blocks[1]", "not in ascending order of height", func(f *utxoFixture) { swap(f.file["blocks"], 0, 1) }},
		{"transactions out of order", "blocks[2].transactions[1]", "not in ascending order of index", func(f *utxoFixture) { swap(at(f.file, "blocks", 2, "transactions"), 0, 1) }},
		{"transaction at place 0", "blocks[2].transactions[0].index", "index 0 is the coinbase's", func(f *utxoFixture) { at(f.file, "blocks", 2, "transactions", 0).(doc)["index"] = 0 }},
		{"index above 2^32", "blocks[2].transactions[0].index", "above 4294967295", func(f *utxoFixture) { at(f.file, "blocks", 2, "transactions", 0).(doc)["index"] = 1 << 32 }},
		{"short hash in a branch", "blocks[2].coinbase.branch[0]", "want 64 lower-case hex digits", func(f *utxoFixture) { at(f.file, "blocks", 2, "coinbase").(doc)["branch"] = []string{"00"} }},
		{"coinbase with an index", "blocks[2].coinbase", `unknown key "index"`, func(f *utxoFixture) { at(f.file, "blocks", 2, "coinbase").(doc)["index"] = 0 }},
		{"headers cut", "headers", "are not whole headers", func(f *utxoFixture) { f.file["headers"] = f.file["headers"].(string)[2:] }},
		{"no headers", "headers", "0 bytes are not whole headers", func(f *utxoFixture) { f.file["headers"] = "" }},
		{"outputs out of order", "outputs[1]", "not in ascending order of account, txid and vout", func(f *utxoFixture) { swap(f.file["outputs"], 0, 1) }},
		{"output twice", "outputs[1]", "or twice", func(f *utxoFixture) {
			o := f.file["outputs"].([]any)
			f.file["outputs"] = slices.Insert(o, 0, o[0])
		}},
		{"amount above 2^64", "outputs[0].amount", "more than 64", func(f *utxoFixture) { at(f.file, "outputs", 0).(doc)["amount"] = "18446744073709551616" }},
		{"amount with decimals", "outputs[0].amount", "want an amount", func(f *utxoFixture) { at(f.file, "outputs", 0).(doc)["amount"] = "1.5" }},
		{"vout is text", "outputs[0].vout", "want an integer", func(f *utxoFixture) { at(f.file, "outputs", 0).(doc)["vout"] = "0" }},
		{"type of another thing", "type", "got \"assay/v1/evidence/evm\"", func(f *utxoFixture) { f.file["type"] = kindEVM }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newUTXOFixture(t)
			tt.change(f)
			_, err := f.check(t)
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
}

func TestUTXO_AnotherSubject(t *testing.T) {
	raw := encode(t, newUTXOFixture(t).file)
	_, err := ParseUTXO(raw, strings.Repeat("0", 64), regtest)
	wantCheck(t, err, "snapshot", "evidence of another snapshot")
	_, err = ParseUTXO(raw, testSnapshot, "bip122:1a91e3dace36e2be3bf030a65679fe82")
	wantFormat(t, err, "chain", "is not a network with Bitcoin's rules known here")
	_, err = ParseUTXO(raw, testSnapshot, "eip155:1")
	wantFormat(t, err, "chain", "is not a network with Bitcoin's rules known here")
	f := newUTXOFixture(t)
	f.file["chain"] = simnet
	_, err = f.check(t)
	wantCheck(t, err, "chain", "evidence of another chain: got "+simnet+", want "+regtest)
}

func TestE09_UTXOLimits(t *testing.T) {
	f := newUTXOFixture(t)
	long := slices.Repeat([]string{strings.Repeat("0", 64)}, maxBranch)
	at(f.file, "blocks", 2, "coinbase").(doc)["branch"] = long
	_, err := f.check(t)
	wantCheck(t, err, "blocks[2].coinbase", "not under its header's Merkle root") // 32 are read
	at(f.file, "blocks", 2, "coinbase").(doc)["branch"] = append(long, strings.Repeat("0", 64))
	_, err = f.check(t)
	wantFormat(t, err, "blocks[2].coinbase.branch[32]", "a branch longer than 32")
	f = newUTXOFixture(t)
	at(f.file, "blocks", 2, "coinbase").(doc)["tx"] = strings.Repeat("00", maxTransaction+1)
	_, err = f.check(t)
	wantFormat(t, err, "blocks[2].coinbase.tx", "4000001 bytes, more than 4000000")
}

func TestTransaction_Strict(t *testing.T) {
	raw := func() []byte {
		b, _ := hex.DecodeString(stripped(t, newUTXOFixture(t).blocks[1].Transactions[1]))
		return b
	}
	// version 4 · count 1 · outpoint 36 · length 1 · script 3 · sequence 4 · count 1 · …
	splice := func(at int, cut int, with ...byte) []byte { return slices.Replace(raw(), at, at+cut, with...) }
	if _, err := parseTransaction(raw()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, problem string
		raw           []byte
	}{
		{"nothing", "ends inside the version", nil},
		{"a byte left over", "1 bytes are left over", append(raw(), 0)},
		{"lock time cut", "ends inside the lock time", raw()[:len(raw())-1]},
		{"witness marker", "no inputs: a witness marker", splice(4, 0, 0, 1)},
		{"no inputs", "no inputs", splice(4, 1, 0)},
		{"input count in three bytes", "the number of inputs: count 1 is not in its shortest form", splice(4, 1, 0xfd, 1, 0)},
		{"input count in five bytes", "count 1 is not in its shortest form", splice(4, 1, 0xfe, 1, 0, 0, 0)},
		{"input count in nine bytes", "count 1 is not in its shortest form", splice(4, 1, 0xff, 1, 0, 0, 0, 0, 0, 0, 0)},
		{"too many inputs", "ends inside", splice(4, 1, 0xfe, 0xff, 0xff, 0xff, 0xff)},
		{"endless inputs", "ends inside", splice(4, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)},
		{"script length in three bytes", "the length of an input's script: count 3 is not in its shortest form", splice(41, 1, 0xfd, 3, 0)},
		{"script beyond the end", "ends inside an input's script", splice(41, 1, 0xfd, 0xff, 0xff)},
		{"no outputs", "no outputs", splice(49, 1, 0)},
		{"output count in three bytes", "the number of outputs: count 2 is not in its shortest form", splice(49, 1, 0xfd, 2, 0)},
		{"three outputs", "ends inside", splice(49, 1, 3)},
		{"count cut", "ends inside the number of inputs", raw()[:4]},
		{"wide count cut", "ends inside the number of inputs", append(raw()[:4], 0xfd, 1)},
	} {
		if _, err := parseTransaction(tt.raw); err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: got %v, want …%s…", tt.name, err, tt.problem)
		}
	}
}

func TestAddress_Refused(t *testing.T) {
	net, _ := networkOf(mainnet)
	segwit := func(hrp string, version byte, size int, m bool) string {
		data, _ := bech32.ConvertBits(make([]byte, size), 8, 5, true)
		encode := bech32.Encode
		if m {
			encode = bech32.EncodeM
		}
		a, err := encode(hrp, append([]byte{version}, data...))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	good := segwit("bc", 0, 20, false)
	if _, _, err := net.script(good); err != nil {
		t.Fatal(err)
	}
	padded, _ := bech32.ConvertBits(make([]byte, 20), 8, 5, true)
	longer, _ := bech32.Encode("bc", append(append([]byte{0}, padded...), 0))
	data33, _ := bech32.ConvertBits(make([]byte, 32), 8, 5, true)
	dirty32 := append([]byte{0}, data33...)
	dirty32[len(dirty32)-1] |= 1
	dirtyPad, _ := bech32.Encode("bc", dirty32)
	empty, _ := bech32.Encode("bc", nil)
	pay := base58.CheckEncode(make([]byte, 20), 0)
	for _, tt := range []struct{ name, address, problem string }{
		{"nothing", "", "neither bech32"},
		{"capitals", strings.ToUpper(good), "neither bech32"},
		{"mixed case", "bc1" + strings.ToUpper(good[3:]), "not in lower case"},
		{"checksum", good[:len(good)-1] + "q", "is not bech32"},
		{"version 0 with bech32m", segwit("bc", 0, 20, true), "not the checksum of a known kind"},
		{"taproot with bech32", segwit("bc", 1, 32, false), "not the checksum of a known kind"},
		{"version 0 of 25 bytes", segwit("bc", 0, 25, false), "a program of 25 bytes"},
		{"version 1 of 20 bytes", segwit("bc", 1, 20, true), "a program of 20 bytes"},
		{"version 2", segwit("bc", 2, 32, true), "witness version 2"},
		{"testnet's", segwit("tb", 0, 20, false), "neither bech32 with \"bc\""},
		{"regtest's", segwit("bcrt", 0, 20, false), "neither bech32 with \"bc\""},
		{"hrp that begins alike", segwit("bc1", 0, 20, false), "begins \"bc1\""},
		{"a group too many", longer, "holds no whole bytes"},
		{"padding bits", dirtyPad, "holds no whole bytes"},
		{"no witness version", empty, "holds no witness version"},
		{"too long", "bc1" + strings.Repeat("q", 88), "91 characters"},
		{"base58 checksum", pay[:len(pay)-1] + "3", "neither bech32"},
		{"base58 with zero", "0" + pay[1:], "neither bech32"},
		{"base58 with a leading 1 more", "1" + pay, "neither bech32"},
		{"base58 of 21 bytes", base58.CheckEncode(make([]byte, 21), 0), "holds 21 bytes, want 20"},
		{"testnet's version", base58.CheckEncode(make([]byte, 20), 0x6f), "is of version 0x6f, want 0x00 or 0x05"},
		{"a blank", pay + " ", "neither bech32"},
	} {
		if _, _, err := net.script(tt.address); err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: %q: got %v, want …%s…", tt.name, tt.address, err, tt.problem)
		}
	}
}

func FuzzParseUTXO(f *testing.F) {
	fixture := newUTXOFixture(f, 1)
	f.Add(encode(f, fixture.file))
	fixture.file["outputs"] = []any{}
	f.Add(encode(f, fixture.file))
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

func FuzzTransaction(f *testing.F) {
	for _, b := range newUTXOFixture(f).blocks {
		for _, tx := range b.Transactions {
			raw, _ := hex.DecodeString(stripped(f, tx))
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := parseTransaction(raw)
		if err != nil {
			return
		}
		var tx wire.MsgTx
		if err := tx.DeserializeNoWitness(strings.NewReader(string(raw))); err != nil {
			t.Fatalf("%x: taken, and btcd says %v", raw, err)
		}
		if tx.TxHash() != got.id || len(tx.TxOut) != len(got.outputs) || stripped(t, &tx) != hex.EncodeToString(raw) {
			t.Fatalf("%x: got %x with %d outputs, btcd says %s with %d", raw, got.id, len(got.outputs), tx.TxHash(), len(tx.TxOut))
		}
		for i, in := range tx.TxIn {
			want := output{txid: in.PreviousOutPoint.Hash, vout: uint64(in.PreviousOutPoint.Index)}.spentAs()
			if len(got.inputs) != len(tx.TxIn) || [36]byte(got.inputs[i]) != want {
				t.Fatalf("%x: input %d spends %x, btcd says %s", raw, i, got.inputs[i], in.PreviousOutPoint)
			}
		}
	})
}

func FuzzAddress(f *testing.F) {
	for kind := range 5 {
		_, account := pkScript(f, kind, 7)
		f.Add(strings.TrimPrefix(account, regtest+":"))
	}
	f.Add("bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l")
	f.Fuzz(func(t *testing.T, address string) {
		for _, chain := range []string{mainnet, testnet, regtest, simnet, litecoinMainnet, litecoinTestnet, litecoinRegtest} {
			net, _ := networkOf(chain)
			script, kind, err := net.script(address)
			if err == nil && (kind == "" || len(script) < 22 || len(script) > 34) {
				t.Errorf("%s on %s: script %x of kind %q", address, chain, script, kind)
			}
			if err != nil && (script != nil || kind != "") {
				t.Errorf("%s on %s: a script beside an error", address, chain)
			}
		}
	})
}

func BenchmarkUTXO1000(b *testing.B) {
	f := newUTXOFixture(b, slices.Repeat([]int{26}, 40)...) // 40 blocks, 26 claimed outputs each
	raw := encode(b, f.file)
	if n := len(f.file["outputs"].([]any)); n < 1000 {
		b.Fatalf("%d outputs", n)
	}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		parsed, err := ParseUTXO(raw, testSnapshot, regtest)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := parsed.Check(f.block, f.accounts); err != nil {
			b.Fatal(err)
		}
	}
}
