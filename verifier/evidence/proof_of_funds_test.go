package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// TestBIP322_FundsVectors: the official proofs of funds, which are all of lock time 123 and sequence 456. Their further inputs are the
// accounts' that our list names.
func TestBIP322_FundsVectors(t *testing.T) {
	ran := 0
	for _, v := range readBIP322(t).Proofs {
		scripts := map[string]bool{}
		for _, group := range v.Additional {
			for _, in := range group {
				scripts[string(mustHex(t, in.PkScript))] = true
			}
		}
		accounts := []string{mainnet + ":" + v.Address}
		for script := range scripts {
			accounts = append(accounts, mainnetAccount(t, []byte(script)))
		}
		for _, signature := range v.Signatures {
			ran++
			p, err := parsePSBT(mustBase64(t, strings.TrimPrefix(signature, "pof")), false)
			if err != nil {
				t.Fatal(err)
			}
			script, kind, err := accountScript(accounts[0])
			if err != nil {
				t.Fatal(err)
			}
			further, err := p.further(accounts[1:], nil)
			if err != nil || len(further) < 2 {
				t.Fatalf("%d further inputs, %v", len(further), err)
			}
			j := judge(v.Message, p.tx, append([]coin{{script: script, kind: kind}}, further...)...)
			if j.state != valid || j.lockTime != v.LockTime || j.sequence != v.Sequence || j.locked != nil {
				t.Errorf("%s: got %+v, want %s at %d and %d", v.Type, j, valid, v.LockTime, v.Sequence)
			}
			c := Control{Accounts: accounts, Method: MethodFunds, Challenge: v.Message, Signature: signature}
			_, err = c.Verify()
			wantCheck(t, err, "signature", "becomes valid only later and does not show control now: got valid at time 123 and age 456")
			c.Challenge += "."
			_, err = c.Verify()
			wantCheck(t, err, "signature", "and to_spend of this text is")
			c.Challenge, c.Accounts = v.Message, accounts[:len(accounts)-1]
			_, err = c.Verify()
			wantCheck(t, err, "signature", "spends from a script of no account that is named")
		}
	}
	if ran != 3 {
		t.Errorf("%d proofs of funds ran, want 3", ran)
	}
}

// TestBIP322_EveryErrorVector: each of the 36 is refused by the method that its prefix names, and by every other.
func TestBIP322_EveryErrorVector(t *testing.T) {
	ran := map[string]int{}
	for _, v := range readBIP322(t).Errors {
		prefix := v.Signature[:min(3, len(v.Signature))]
		if prefix != prefixSimple && prefix != prefixFull {
			prefix = "none"
		}
		ran[prefix]++
		for _, method := range []string{MethodBIP322, MethodFull, MethodFunds} {
			if grade, err := verifyOne(method, mainnet+":"+v.Address, v.Message, v.Signature); err == nil {
				t.Errorf("%s as %s: verified as %s", v.Description, method, grade)
			}
		}
	}
	if ran[prefixSimple] != 12 || ran[prefixFull] != 21 || ran["none"] != 3 {
		t.Errorf("ran %v", ran)
	}
}

// spend is an input of a PSBT and how it is signed.
type spend struct {
	pk       []byte
	value    int64
	script   []byte // the script of P2WSH
	redeem   []byte // the redeem script of P2SH that holds a witness program
	hashType txscript.SigHashType
	items    func(sig []byte) [][]byte // of the witness before the script
	sequence uint32
	whole    bool // Non-Witness UTXO, instead of Witness UTXO
}

func (s signer) p2wpkh() []byte { return append([]byte{0x00, 0x14}, address.Hash160(s.pub())...) }
func (s signer) p2pkh() []byte {
	return append(append([]byte{0x76, 0xa9, 0x14}, address.Hash160(s.pub())...), 0x88, 0xac)
}
func (s signer) p2tr(t testing.TB) []byte {
	t.Helper()
	pk, err := txscript.PayToTaprootScript(txscript.ComputeTaprootKeyNoScript(s.key.PubKey()))
	if err != nil {
		t.Fatal(err)
	}
	return pk
}

// funded gives a transaction a further input that spends an output of a transaction made for it.
func funded(tx *wire.MsgTx, s spend) *wire.MsgTx {
	before := wire.NewMsgTx(2)
	before.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: uint32(len(tx.TxIn))}, SignatureScript: []byte{txscript.OP_TRUE}})
	before.AddTxOut(wire.NewTxOut(5, []byte{txscript.OP_RETURN}))
	before.AddTxOut(wire.NewTxOut(s.value, s.pk))
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: before.TxHash(), Index: 1}, Sequence: s.sequence})
	return before
}

// packet signs every input from a place on and makes the finalised PSBT with btcd's own writer.
func (s signer) packet(t testing.TB, tx *wire.MsgTx, befores []*wire.MsgTx, spends []spend, from int) *psbt.Packet {
	t.Helper()
	outputs := map[wire.OutPoint]*wire.TxOut{}
	for i, in := range tx.TxIn {
		outputs[in.PreviousOutPoint] = wire.NewTxOut(spends[i].value, spends[i].pk)
	}
	fetcher := txscript.NewMultiPrevOutFetcher(outputs)
	hashes := txscript.NewTxSigHashes(tx, fetcher)
	p, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range spends {
		in := &p.Inputs[i]
		if x.whole {
			in.NonWitnessUtxo = befores[i]
		} else {
			in.WitnessUtxo = wire.NewTxOut(x.value, x.pk)
		}
		if i < from {
			continue
		}
		scriptSig, witness := s.spends(t, tx, hashes, i, x)
		if scriptSig != nil {
			in.FinalScriptSig = scriptSig
		}
		if witness != nil {
			in.FinalScriptWitness = witnessBytes(witness)
		}
	}
	return p
}

// spends signs one input, whatever its kind.
func (s signer) spends(t testing.TB, tx *wire.MsgTx, hashes *txscript.TxSigHashes, i int, x spend) (scriptSig []byte, witness [][]byte) {
	t.Helper()
	must := func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	switch {
	case x.script != nil:
		sig := must(txscript.RawTxInWitnessSignature(tx, hashes, i, x.value, x.script, x.hashType, s.key))
		return nil, append(x.items(sig), x.script)
	case txscript.IsPayToTaproot(x.pk):
		hashType := x.hashType
		if hashType == txscript.SigHashAll {
			hashType = txscript.SigHashDefault
		}
		return nil, [][]byte{must(txscript.RawTxInTaprootSignature(tx, hashes, i, x.value, x.pk, nil, hashType, s.key))}
	case txscript.IsPayToPubKeyHash(x.pk):
		return must(txscript.SignatureScript(tx, i, x.pk, x.hashType, s.key, true)), nil
	case x.redeem != nil:
		sig := must(txscript.RawTxInWitnessSignature(tx, hashes, i, x.value, x.redeem, x.hashType, s.key))
		return append([]byte{byte(len(x.redeem))}, x.redeem...), [][]byte{sig, s.pub()}
	}
	sig := must(txscript.RawTxInWitnessSignature(tx, hashes, i, x.value, x.pk, x.hashType, s.key))
	return nil, [][]byte{sig, s.pub()}
}

func witnessBytes(items [][]byte) []byte {
	raw := compactSize(uint64(len(items)))
	for _, item := range items {
		raw = append(append(raw, compactSize(uint64(len(item)))...), item...)
	}
	return raw
}

func encoded(t testing.TB, prefix string, p *psbt.Packet) string {
	t.Helper()
	text, err := p.B64Encode()
	if err != nil {
		t.Fatal(err)
	}
	return prefix + text
}

// funds makes a proof of funds for the first script, with the others as further inputs.
func (s signer) funds(t testing.TB, edit func(tx *wire.MsgTx), spends ...spend) *psbt.Packet {
	t.Helper()
	toSpend, tx := simpleTransactions(spends[0].pk, s.message, nil)
	befores := []*wire.MsgTx{toSpend}
	for _, x := range spends[1:] {
		befores = append(befores, funded(tx, x))
	}
	if edit != nil {
		edit(tx)
	}
	return s.packet(t, tx, befores, spends, 0)
}

// bip127 makes a proof of the older form, with input 0 unsigned.
func (s signer) bip127(t testing.TB, edit func(tx *wire.MsgTx), spends ...spend) *psbt.Packet {
	t.Helper()
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: sha256.Sum256([]byte("Proof-of-Reserves: " + s.message))}, Sequence: wire.MaxTxInSequenceNum})
	befores := []*wire.MsgTx{nil}
	total := int64(0)
	for _, x := range spends {
		befores = append(befores, funded(tx, x))
		total += x.value
	}
	tx.AddTxOut(wire.NewTxOut(total, []byte{txscript.OP_TRUE}))
	if edit != nil {
		edit(tx)
	}
	return s.packet(t, tx, befores, append([]spend{{pk: []byte{txscript.OP_TRUE}}}, spends...), 1)
}

func all(pk []byte) spend { return spend{pk: pk, value: 345_678, hashType: txscript.SigHashAll} }

// accountsOf are the accounts of scripts, each once. Their order binds the text, and is the parser's to check.
func accountsOf(t testing.TB, spends ...spend) (accounts []string) {
	t.Helper()
	for _, x := range spends {
		if account := mainnetAccount(t, x.pk); !slices.Contains(accounts, account) {
			accounts = append(accounts, account)
		}
	}
	return accounts
}

func wantFunds(t testing.TB, method string, accounts []string, signature, want string) {
	t.Helper()
	grade, err := (&Control{Accounts: accounts, Method: method, Challenge: testChallenge, Signature: signature}).Verify()
	if want != "" {
		wantCheck(t, err, "signature", want)
	} else if err != nil || grade != GradeScript {
		t.Errorf("got %q, %v; want %q", grade, err, GradeScript)
	}
}

// kinds are one spend of every kind of script, all by one key.
func (s signer) kinds(t testing.TB) map[string]spend {
	t.Helper()
	wsh := scriptOf(t, func(b *txscript.ScriptBuilder) { b.AddData(s.pub()).AddOp(txscript.OP_CHECKSIG) })
	one := func(sig []byte) [][]byte { return [][]byte{sig} }
	whole := all(s.p2pkh())
	whole.whole = true
	return map[string]spend{
		"P2PKH":              all(s.p2pkh()),
		"P2PKH, whole":       whole,
		"P2WPKH":             all(s.p2wpkh()),
		"P2SH-P2WPKH":        {pk: p2shScript(s.p2wpkh()), value: 9, redeem: s.p2wpkh(), hashType: txscript.SigHashAll},
		"P2WSH":              {pk: wshScript(wsh), value: 1 << 40, script: wsh, items: one, hashType: txscript.SigHashAll},
		"P2TR":               all(s.p2tr(t)),
		"P2TR, whole":        {pk: s.p2tr(t), value: 7, hashType: txscript.SigHashDefault, whole: true},
		"P2WPKH, a sequence": {pk: s.p2wpkh(), value: 1, hashType: txscript.SigHashAll, sequence: 0xfffffffd},
	}
}

func TestFunds_EveryKind(t *testing.T) {
	s, other := newSigner(testChallenge), newSigner(testChallenge)
	other.key, _ = btcec.PrivKeyFromBytes(bytes.Repeat([]byte{7}, 32))
	for name, x := range s.kinds(t) {
		t.Run(name, func(t *testing.T) {
			first := x
			first.value, first.sequence = 0, 0
			p := s.funds(t, nil, first)
			wantFunds(t, MethodFunds, accountsOf(t, first), encoded(t, "pof", p), "")
			for _, y := range s.kinds(t) {
				if bytes.Equal(x.pk, y.pk) {
					continue
				}
				accounts := accountsOf(t, first, y)
				wantFunds(t, MethodFunds, accounts, encoded(t, "pof", s.funds(t, nil, first, y)), "")
				wantFunds(t, MethodFunds, accounts, encoded(t, "pof", s.funds(t, nil, first, y, y)), "") // two outputs of one account
			}
			wantFunds(t, MethodBIP127, accountsOf(t, x), encoded(t, "", s.bip127(t, nil, x)), "")
			if !x.whole {
				wantFunds(t, MethodBIP127, accountsOf(t, x, all(s.p2wpkh())), encoded(t, "", s.bip127(t, nil, x, all(s.p2wpkh()), x)), "")
			}
			y := all(other.p2wpkh()) // by another key: its input is signed by the wrong one
			wantFunds(t, MethodFunds, accountsOf(t, first, y), encoded(t, "pof", s.funds(t, nil, first, y)), "input 1: OP_EQUALVERIFY failed")
			wantFunds(t, MethodBIP127, accountsOf(t, y), encoded(t, "", s.bip127(t, nil, y)), "input 1: OP_EQUALVERIFY failed")
		})
	}
}

// furtherFaults are further inputs that break one rule each, with what they are refused for.
func (s signer) furtherFaults(t testing.TB) map[string]struct {
	spend spend
	want  string
} {
	t.Helper()
	type fault = struct {
		spend spend
		want  string
	}
	out := map[string]fault{}
	for hashType, want := range map[txscript.SigHashType]string{
		txscript.SigHashNone: "hash type 0x02", txscript.SigHashSingle: "hash type 0x03", txscript.SigHashAll | txscript.SigHashAnyOneCanPay: "hash type 0x81",
	} {
		for kind, pk := range map[string][]byte{"P2PKH ": s.p2pkh(), "P2WPKH ": s.p2wpkh(), "P2TR ": s.p2tr(t)} {
			if kind == "P2TR " && hashType == txscript.SigHashSingle {
				continue // there is no output beside the input: nobody can sign so
			}
			out[kind+want] = fault{spend{pk: pk, value: 3, hashType: hashType}, want}
		}
	}
	script := func(name, want string, sequence uint32, build func(b *txscript.ScriptBuilder), items func(sig []byte) [][]byte) {
		x := scriptOf(t, build)
		out[name] = fault{spend{pk: wshScript(x), value: 3, script: x, hashType: txscript.SigHashAll, items: items, sequence: sequence}, want}
	}
	one := func(sig []byte) [][]byte { return [][]byte{sig} }
	checkSig := func(b *txscript.ScriptBuilder) { b.AddData(s.pub()).AddOp(txscript.OP_CHECKSIG) }
	script("codeseparator", "OP_CODESEPARATOR", 0, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_CODESEPARATOR); checkSig(b) }, one)
	script("anyone", "no signature is checked", 0, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_1) }, func([]byte) [][]byte { return nil })
	script("unclean stack", "clean stack", 0, checkSig, func(sig []byte) [][]byte { return [][]byte{{1}, sig} })
	script("high s", "unnecessarily high S", 0, checkSig, func(sig []byte) [][]byte { return [][]byte{highDER(t, sig)} })
	script("upgradable nop", "inconclusive", 0, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_NOP10); checkSig(b) }, one)
	script("age", "becomes valid only later", 144, func(b *txscript.ScriptBuilder) {
		b.AddInt64(144).AddOp(txscript.OP_CHECKSEQUENCEVERIFY).AddOp(txscript.OP_DROP)
		checkSig(b)
	}, one)
	script("age not met", "requirement not satisfied", 0, func(b *txscript.ScriptBuilder) {
		b.AddInt64(144).AddOp(txscript.OP_CHECKSEQUENCEVERIFY).AddOp(txscript.OP_DROP)
		checkSig(b)
	}, one)
	script("lock of 0 is none", "", 0, func(b *txscript.ScriptBuilder) {
		b.AddInt64(0).AddOp(txscript.OP_CHECKSEQUENCEVERIFY).AddOp(txscript.OP_DROP)
		b.AddInt64(0).AddOp(txscript.OP_CHECKLOCKTIMEVERIFY).AddOp(txscript.OP_DROP)
		b.AddInt64(1<<31 + 144).AddOp(txscript.OP_CHECKSEQUENCEVERIFY).AddOp(txscript.OP_DROP)
		checkSig(b)
	}, one)
	script("lock in a branch not taken", "", 0, func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_IF).AddInt64(144).AddOp(txscript.OP_CHECKSEQUENCEVERIFY).AddOp(txscript.OP_DROP).AddOp(txscript.OP_ENDIF)
		checkSig(b)
	}, func(sig []byte) [][]byte { return [][]byte{sig, nil} })
	return out
}

// Each rule holds for the further inputs as for the first.
func TestB13_FundsFurtherInputs(t *testing.T) {
	s := newSigner(testChallenge)
	first := spend{pk: s.p2wpkh(), hashType: txscript.SigHashAll}
	for name, tt := range s.furtherFaults(t) {
		t.Run(name, func(t *testing.T) {
			if !bytes.Equal(first.pk, tt.spend.pk) {
				wantFunds(t, MethodFunds, accountsOf(t, first, tt.spend), encoded(t, "pof", s.funds(t, func(tx *wire.MsgTx) { tx.Version = 2 }, first, tt.spend)), tt.want)
			}
			wantFunds(t, MethodBIP127, accountsOf(t, tt.spend), encoded(t, "", s.bip127(t, nil, tt.spend)), tt.want)
		})
	}
	lock := scriptOf(t, func(b *txscript.ScriptBuilder) {
		b.AddInt64(800_000).AddOp(txscript.OP_CHECKLOCKTIMEVERIFY).AddOp(txscript.OP_DROP).AddData(s.pub()).AddOp(txscript.OP_CHECKSIG)
	})
	x := spend{pk: wshScript(lock), value: 3, script: lock, hashType: txscript.SigHashAll, items: func(sig []byte) [][]byte { return [][]byte{sig} }}
	at := func(tx *wire.MsgTx) { tx.LockTime = 800_000 }
	wantFunds(t, MethodBIP127, accountsOf(t, x), encoded(t, "", s.bip127(t, at, x)), "becomes valid only later")
	wantFunds(t, MethodFunds, accountsOf(t, first, x), encoded(t, "pof", s.funds(t, at, first, x)), "becomes valid only later")
}

func TestB13_FundsTransaction(t *testing.T) {
	s := newSigner(testChallenge)
	first, x := spend{pk: s.p2pkh(), hashType: txscript.SigHashAll}, all(s.p2wpkh())
	const later, open = "becomes valid only later", "inconclusive: today's rules do not decide it"
	for _, tt := range []struct {
		name string
		edit func(tx *wire.MsgTx)
		want string
	}{
		{"version 2", func(tx *wire.MsgTx) { tx.Version = 2 }, ""},
		{"version 1", func(tx *wire.MsgTx) { tx.Version = 1 }, open},
		{"lock time", func(tx *wire.MsgTx) { tx.LockTime = 1 }, later},
		{"sequence", func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = 1 }, later},
		{"value", func(tx *wire.MsgTx) { tx.TxOut[0].Value = 1 }, "not of value 0"},
		{"two outputs", func(tx *wire.MsgTx) { tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN})) }, "2 outputs, want 1"},
		{"another text", func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Hash[0] ^= 1 }, "and to_spend of this text is"},
		{"one output twice", func(tx *wire.MsgTx) { tx.TxIn[2].PreviousOutPoint = tx.TxIn[1].PreviousOutPoint }, "two inputs spend"},
		{"to_spend twice", func(tx *wire.MsgTx) { tx.TxIn[2].PreviousOutPoint = tx.TxIn[0].PreviousOutPoint }, "two inputs spend"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantFunds(t, MethodFunds, accountsOf(t, first, x), encoded(t, "pof", s.funds(t, tt.edit, first, x, x)), tt.want)
		})
	}
	for _, tt := range []struct {
		name string
		edit func(tx *wire.MsgTx)
		want string
	}{
		{"version 1", func(tx *wire.MsgTx) { tx.Version = 1 }, ""},
		{"lock time and sequence", func(tx *wire.MsgTx) { tx.LockTime, tx.TxIn[1].Sequence = 900_000, 5 }, ""},
		{"two outputs", func(tx *wire.MsgTx) { tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN})) }, "not one output: got 2"},
		{"another text", func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Hash[31] ^= 1 }, "the commitment of another text"},
		{"another index", func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Index = 1 }, "the commitment of another text"},
		{"one output twice", func(tx *wire.MsgTx) { tx.TxIn[2].PreviousOutPoint = tx.TxIn[1].PreviousOutPoint }, "two inputs spend"},
	} {
		t.Run("bip127 "+tt.name, func(t *testing.T) {
			wantFunds(t, MethodBIP127, accountsOf(t, x), encoded(t, "", s.bip127(t, tt.edit, x, x)), tt.want)
		})
	}
}

// What an input spends is what the accounts say, no more and no less.
func TestB13_FundsNames(t *testing.T) {
	s := newSigner(testChallenge)
	first, x, y := spend{pk: s.p2pkh(), hashType: txscript.SigHashAll}, all(s.p2wpkh()), all(s.p2tr(t))
	signature := encoded(t, "pof", s.funds(t, nil, first, x))
	const unnamed, absent = "input 1 spends from a script of no account that is named", "an account is named, and no input spends from its script"
	wantFunds(t, MethodFunds, accountsOf(t, first), signature, unnamed)
	wantFunds(t, MethodFunds, accountsOf(t, first, y), signature, unnamed)
	wantFunds(t, MethodFunds, accountsOf(t, first, x, y), signature, absent)
	wantFunds(t, MethodFunds, accountsOf(t, x, first), signature, "input 0 spends is not to_spend's output")
	again := first
	again.value = 5
	wantFunds(t, MethodFunds, accountsOf(t, first), encoded(t, "pof", s.funds(t, nil, first, again)), "")

	signature = encoded(t, "", s.bip127(t, nil, x))
	wantFunds(t, MethodBIP127, accountsOf(t, y), signature, unnamed)
	wantFunds(t, MethodBIP127, accountsOf(t, x, y), signature, absent)
	wantFunds(t, MethodBIP127, accountsOf(t, x), encoded(t, "", s.bip127(t, nil)), absent)

	valued := first
	valued.value = 1
	wantFunds(t, MethodFunds, accountsOf(t, first), encoded(t, "pof", s.funds(t, nil, valued)), "is not to_spend's output")
	for _, method := range []string{MethodFunds, MethodBIP127} {
		_, err := (&Control{Accounts: []string{accountsOf(t, first)[0], "eip155:1:0x00"}, Method: method, Challenge: testChallenge, Signature: map[string]string{
			MethodFunds: encoded(t, "pof", s.funds(t, nil, first, x)), MethodBIP127: signature,
		}[method]}).Verify()
		wantFormat(t, err, "account", "is not a network")
	}
	_, err := verifyOne(MethodFunds, "eip155:1:0x00", testChallenge, encoded(t, "pof", s.funds(t, nil, first)))
	wantFormat(t, err, "account", "is not a network")
}

// The global field 0x09 may say the text again; what else a PSBT says of itself changes nothing.
func TestFunds_Fields(t *testing.T) {
	s := newSigner(testChallenge)
	first, x := spend{pk: s.p2pkh(), hashType: txscript.SigHashAll}, all(s.p2tr(t))
	accounts := accountsOf(t, first, x)
	global := func(key, value string) *psbt.Packet {
		p := s.funds(t, nil, first, x)
		p.Unknowns = append(p.Unknowns, &psbt.Unknown{Key: []byte(key), Value: []byte(value)})
		return p
	}
	input := func(i int, key, value string) *psbt.Packet {
		p := s.funds(t, nil, first, x)
		p.Inputs[i].Unknowns = append(p.Inputs[i].Unknowns, &psbt.Unknown{Key: []byte(key), Value: []byte(value)})
		return p
	}
	output := func(key, value string) *psbt.Packet {
		p := s.funds(t, nil, first, x)
		p.Outputs[0].Unknowns = append(p.Outputs[0].Unknowns, &psbt.Unknown{Key: []byte(key), Value: []byte(value)})
		return p
	}
	for name, p := range map[string]*psbt.Packet{
		"the text": global("\x09", testChallenge), "version 0": global("\xfb", "\x00\x00\x00\x00"), "proprietary": global("\xfcabc", "x"),
		"commitment": input(0, "\x09", "x"), "preimage": input(1, "\x0aabc", "x"), "proprietary input": input(1, "\xfcabc", "x"), "proprietary output": output("\xfcabc", "x"),
	} {
		t.Run(name, func(t *testing.T) { wantFunds(t, MethodFunds, accounts, encoded(t, "pof", p), "") })
	}
	wantFunds(t, MethodFunds, accounts, encoded(t, "pof", global("\x09", "another text")), "the PSBT names another message")
	wantFunds(t, MethodFunds, accounts, encoded(t, "pof", global("\x09", "")), "the PSBT names another message")
	for name, p := range map[string]*psbt.Packet{
		"field 0x0a is unknown":                  global("\x0a", "x"),
		"the key of field 0x0961 says more":      global("\x09a", testChallenge),
		"a PSBT of version 0x02000000":           global("\xfb", "\x02\x00\x00\x00"),
		"a PSBT of version 0x00":                 global("\xfb", "\x00"),
		"input 1: field 0x0e is unknown":         input(1, "\x0e", strings.Repeat("x", 32)),
		"input 0: field 0x19 is unknown":         input(0, "\x19", "x"),
		"input 0: field 0xfd0001 is unknown":     input(0, "\xfd\x00\x01", "x"),
		"input 1: field 0x0aab is there twice":   twice(input(1, "\x0a\xab", "x")),
		"input 0: the key of field 0x0361 says":  input(0, "\x03a", "x"),
		"the map of output 0: field 0x03 is":     output("\x03", "x"),
		"the key of field 0x0061 says more than": output("\x00a", "x"),
	} {
		_, err := (&Control{Accounts: accounts, Method: MethodFunds, Challenge: testChallenge, Signature: encoded(t, "pof", p)}).Verify()
		wantFormat(t, err, "signature", name)
	}
	p := s.bip127(t, nil, x)
	p.Unknowns = append(p.Unknowns, &psbt.Unknown{Key: []byte{9}, Value: []byte(testChallenge)})
	_, err := verifyOne(MethodBIP127, accounts[1], testChallenge, encoded(t, "", p))
	wantFormat(t, err, "signature", "the global map: field 0x09 is unknown")
}

// twice repeats the last unknown field of the input that has one, with another value.
func twice(p *psbt.Packet) *psbt.Packet {
	for i, in := range p.Inputs {
		if n := len(in.Unknowns); n > 0 {
			p.Inputs[i].Unknowns = append(in.Unknowns, &psbt.Unknown{Key: in.Unknowns[n-1].Key, Value: []byte("y")})
		}
	}
	return p
}

// A whole transaction may serve the inputs after it; nothing else may be left out.
func TestFunds_Outputs(t *testing.T) {
	s := newSigner(testChallenge)
	first, x := spend{pk: s.p2pkh(), hashType: txscript.SigHashAll, whole: true}, all(s.p2wpkh())
	x.whole = true
	accounts := accountsOf(t, first, x)
	// two outputs of one transaction
	make2 := func() *psbt.Packet {
		toSpend, tx := simpleTransactions(first.pk, s.message, nil)
		before := funded(tx, x)
		before.TxOut[0] = wire.NewTxOut(x.value, x.pk)
		tx.TxIn[1].PreviousOutPoint = wire.OutPoint{Hash: before.TxHash(), Index: 1}
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: before.TxHash(), Index: 0}})
		return s.packet(t, tx, []*wire.MsgTx{toSpend, before, before}, []spend{first, x, x}, 0)
	}
	for name, tt := range map[string]struct {
		edit func(p *psbt.Packet)
		want string // empty when it must verify
	}{
		"as it is":                    {func(*psbt.Packet) {}, ""},
		"left out after it":           {func(p *psbt.Packet) { p.Inputs[2].NonWitnessUtxo = nil }, ""},
		"both":                        {func(p *psbt.Packet) { p.Inputs[1].WitnessUtxo = wire.NewTxOut(x.value, x.pk) }, ""},
		"left out before it":          {func(p *psbt.Packet) { p.Inputs[1].NonWitnessUtxo = nil }, "input 1: neither Witness UTXO nor"},
		"both, of different values":   {func(p *psbt.Packet) { p.Inputs[1].WitnessUtxo = wire.NewTxOut(x.value+1, x.pk) }, "input 1: its two UTXOs differ"},
		"both, of different scripts":  {func(p *psbt.Packet) { p.Inputs[2].WitnessUtxo = wire.NewTxOut(x.value, first.pk) }, "input 2: its two UTXOs differ"},
		"of another transaction":      {func(p *psbt.Packet) { p.Inputs[2].NonWitnessUtxo = p.Inputs[0].NonWitnessUtxo }, "input 2: its Non-Witness UTXO is"},
		"an output that is not there": {func(p *psbt.Packet) { p.UnsignedTx.TxIn[2].PreviousOutPoint.Index = 2 }, "input 2: it spends output 2 of 2"},
		"to_spend's left out":         {func(p *psbt.Packet) { p.Inputs[0].NonWitnessUtxo = nil }, "input 0: neither"},
		"not finalised":               {func(p *psbt.Packet) { p.Inputs[1].FinalScriptWitness = nil }, "input 1 is not finalised"},
		"a witness that goes on":      {func(p *psbt.Packet) { w := &p.Inputs[1].FinalScriptWitness; *w = append(*w, 0) }, "input 1: its final witness: 1 bytes follow"},
		"a witness count in a long form": {func(p *psbt.Packet) {
			w := &p.Inputs[1].FinalScriptWitness
			*w = append([]byte{0xfd, 2, 0}, (*w)[1:]...)
		}, "not in its shortest form"},
		"a signed transaction as its own": {nil, "the PSBT's transaction is signed already"},
	} {
		t.Run(name, func(t *testing.T) {
			p := make2()
			var signature string
			if tt.edit != nil {
				tt.edit(p)
				signature = encoded(t, "pof", p)
			} else {
				raw := mustBase64(t, encoded(t, "", p))
				tx := p.UnsignedTx.Copy()
				tx.TxIn[1].SignatureScript = []byte{txscript.OP_1}
				var old, signed bytes.Buffer
				if err := p.UnsignedTx.SerializeNoWitness(&old); err != nil {
					t.Fatal(err)
				}
				if err := tx.SerializeNoWitness(&signed); err != nil {
					t.Fatal(err)
				}
				raw = bytes.Replace(raw, append([]byte{byte(old.Len())}, old.Bytes()...), append([]byte{byte(signed.Len())}, signed.Bytes()...), 1)
				signature = "pof" + base64.StdEncoding.EncodeToString(raw)
			}
			_, err := (&Control{Accounts: accounts, Method: MethodFunds, Challenge: testChallenge, Signature: signature}).Verify()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFormat(t, err, "signature", tt.want)
		})
	}
}

// BIP-127's first input spends nothing: what it lacks, or says, is not looked at, but signatures of taproot cover what it says.
func TestBIP127_Commitment(t *testing.T) {
	s := newSigner(testChallenge)
	x := all(s.p2wpkh())
	account := accountsOf(t, x)
	for name, edit := range map[string]func(p *psbt.Packet){
		"nothing":          func(p *psbt.Packet) { p.Inputs[0] = psbt.PInput{} },
		"a final script":   func(p *psbt.Packet) { p.Inputs[0].FinalScriptSig = []byte{} },
		"a UTXO of no use": func(p *psbt.Packet) { p.Inputs[0].NonWitnessUtxo = p.UnsignedTx },
		"its commitment":   func(p *psbt.Packet) { p.Inputs[0].Unknowns = []*psbt.Unknown{{Key: []byte{9}, Value: []byte("x")}} },
	} {
		p := s.bip127(t, nil, x)
		edit(p)
		t.Run(name, func(t *testing.T) { wantFunds(t, MethodBIP127, account, encoded(t, "", p), "") })
	}
	y := all(s.p2tr(t))
	p := s.bip127(t, nil, y)
	wantFunds(t, MethodBIP127, accountsOf(t, y), encoded(t, "", p), "")
	p.Inputs[0] = psbt.PInput{}
	wantFunds(t, MethodBIP127, accountsOf(t, y), encoded(t, "", p), "the schnorr signature does not verify")
}

// The two UTXO fields hold one whole transaction and one whole output, and nothing more.
func TestE07_FundsUTXO(t *testing.T) {
	s := newSigner(testChallenge)
	first, x := spend{pk: s.p2pkh(), hashType: txscript.SigHashAll}, all(s.p2wpkh())
	for want, edit := range map[string]func(p *psbt.Packet){
		"input 1: its Witness UTXO: 1 bytes follow it": func(p *psbt.Packet) {
			p.Inputs[1].WitnessUtxo = nil
			p.Inputs[1].Unknowns = []*psbt.Unknown{{Key: []byte{1}, Value: append(outputBytes(x), 0)}}
		},
		"input 1: its Witness UTXO: ends inside": func(p *psbt.Packet) {
			p.Inputs[1].WitnessUtxo = nil
			p.Inputs[1].Unknowns = []*psbt.Unknown{{Key: []byte{1}, Value: outputBytes(x)[:20]}}
		},
		"input 1: its Non-Witness UTXO: ends inside": func(p *psbt.Packet) {
			p.Inputs[1].Unknowns = []*psbt.Unknown{{Key: []byte{0}, Value: []byte{2, 0, 0, 0}}}
		},
	} {
		p := s.funds(t, nil, first, x)
		edit(p)
		_, err := (&Control{Accounts: accountsOf(t, first, x), Method: MethodFunds, Challenge: testChallenge, Signature: encoded(t, "pof", p)}).Verify()
		wantFormat(t, err, "signature", want)
	}
}

func outputBytes(x spend) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(x.value)), byte(len(x.pk))), x.pk...)
}

// BenchmarkFunds is a proof of funds for a thousand accounts' worth of inputs without witness, the slowest to hash.
func BenchmarkFunds(b *testing.B) {
	s := newSigner(testChallenge)
	spends := []spend{{pk: s.p2wpkh(), hashType: txscript.SigHashAll}}
	for range 999 {
		spends = append(spends, all(s.p2pkh()))
	}
	c := Control{Accounts: accountsOf(b, spends[:2]...), Method: MethodFunds, Challenge: testChallenge, Signature: encoded(b, "pof", s.funds(b, nil, spends...))}
	for b.Loop() {
		if _, err := c.Verify(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestE07_FundsEncoding(t *testing.T) {
	s := newSigner(testChallenge)
	first := spend{pk: s.p2pkh(), hashType: txscript.SigHashAll}
	account := accountsOf(t, first)[0]
	good := encoded(t, "pof", s.funds(t, nil, first))
	raw := mustBase64(t, good[3:])
	again := func(b []byte) string { return "pof" + base64.StdEncoding.EncodeToString(b) }
	for _, tt := range []struct{ name, signature, problem string }{
		{"empty", "", "not a proof of funds signature"},
		{"no prefix", good[3:], "not a proof of funds signature"},
		{"full", "ful" + good[3:], "not a proof of funds signature"},
		{"nothing", "pof", "begins with the bytes psbt"},
		{"another magic", again(append([]byte("PSBT\xff"), raw[5:]...)), "begins with the bytes psbt"},
		{"trailing byte", again(append(bytes.Clone(raw), 0)), "1 bytes follow the PSBT"},
		{"cut short", again(raw[:len(raw)-1]), "ends inside the map of output 0"},
		{"nothing but the magic", again(raw[:5]), "ends inside the global map"},
		{"no transaction", again([]byte("psbt\xff\x00")), "its transaction: ends inside the version"},
		{"line break", good[:20] + "\n" + good[20:], "line breaks"},
		{"trailing bits", "pofAB==", "not base64"},
		{"too large", "pof" + strings.Repeat("A", 4*maxPSBT/3+8), "more than 1000000 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyOne(MethodFunds, account, testChallenge, tt.signature)
			wantFormat(t, err, "signature", tt.problem)
		})
	}
	_, err := verifyOne(MethodBIP127, account, testChallenge, "x")
	wantFormat(t, err, "signature", "not base64")
	_, err = verifyOne(MethodBIP127, account, testChallenge, "")
	wantFormat(t, err, "signature", "begins with the bytes psbt")
	huge := s.funds(t, func(tx *wire.MsgTx) { tx.TxOut[0].PkScript = bytes.Repeat([]byte{txscript.OP_RETURN}, maxWitness) }, first)
	_, err = verifyOne(MethodFunds, account, testChallenge, encoded(t, "pof", huge))
	wantFormat(t, err, "signature", "more than 400000")
}

// FuzzParsePSBT: what is accepted here, btcd's reader accepts too, and sees the same transaction.
func FuzzParsePSBT(f *testing.F) {
	s := newSigner(testChallenge)
	for _, x := range s.kinds(f) {
		f.Add(mustBase64(f, encoded(f, "", s.bip127(f, nil, x))), true)
		f.Add(mustBase64(f, encoded(f, "", s.funds(f, nil, spend{pk: s.p2pkh(), hashType: txscript.SigHashAll}, x))), false)
	}
	for _, v := range readBIP322(f).Proofs {
		f.Add(mustBase64(f, strings.TrimPrefix(v.Signatures[0], "pof")), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, commitment bool) {
		p, err := parsePSBT(raw, commitment)
		if err != nil {
			return
		}
		for i, out := range p.spent {
			if out == nil && !(commitment && i == 0) {
				t.Fatalf("input %d has no output", i)
			}
		}
		if len(p.spent) != len(p.tx.TxIn) || len(p.tx.TxIn) == 0 {
			t.Fatalf("%d outputs for %d inputs", len(p.spent), len(p.tx.TxIn))
		}
		theirs, err := psbt.NewFromRawBytes(bytes.NewReader(raw), false)
		if err == nil && theirs.UnsignedTx.TxHash() != legacyID(unsigned(p.tx)) {
			t.Fatalf("another transaction: %v", theirs.UnsignedTx)
		}
	})
}

func unsigned(tx *wire.MsgTx) *wire.MsgTx {
	out := tx.Copy()
	for _, in := range out.TxIn {
		in.SignatureScript, in.Witness = nil, nil
	}
	return out
}
