package control

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

func full(t *testing.T, tx *wire.MsgTx) string {
	t.Helper()
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return fullPrefix + base64.StdEncoding.EncodeToString(b.Bytes())
}

func script(t *testing.T, build func(b *txscript.ScriptBuilder)) []byte {
	t.Helper()
	b := txscript.NewScriptBuilder()
	build(b)
	s, err := b.Script()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// legacySigned is a P2PKH to_sign, edited before it is signed.
func legacySigned(t *testing.T, w wallet, text string, key *btcec.PrivateKey, hashType txscript.SigHashType, edit func(tx *wire.MsgTx)) *wire.MsgTx {
	t.Helper()
	tx, _ := w.toSign(text)
	edit(tx)
	sig, err := txscript.SignatureScript(tx, 0, w.script, hashType, key, true)
	if err != nil {
		t.Fatal(err)
	}
	tx.TxIn[0].SignatureScript = sig
	return tx
}

func legacyWallet(t *testing.T, key *btcec.PrivateKey) wallet {
	t.Helper()
	a, err := address.NewAddressPubKeyHash(address.Hash160(key.PubKey().SerializeCompressed()), &chaincfg.MainNetParams)
	return walletOf(t, a, err)
}

// TestB13_FullTransaction breaks one field of to_sign at a time; each time the
// signature itself is good.
func TestB13_FullTransaction(t *testing.T) {
	key := bitcoinKey(t)
	w := legacyWallet(t, key)
	text := demoChallenge(w.account).Text()
	for name, c := range map[string]struct {
		edit func(tx *wire.MsgTx)
		says string
	}{
		"as it is":         {func(*wire.MsgTx) {}, ""},
		"version 2":        {func(tx *wire.MsgTx) { tx.Version = 2 }, ""},
		"version 1":        {func(tx *wire.MsgTx) { tx.Version = 1 }, "inconclusive: its transaction has version 1"},
		"version 3":        {func(tx *wire.MsgTx) { tx.Version = 3 }, "inconclusive"},
		"version below 0":  {func(tx *wire.MsgTx) { tx.Version = -2 }, "inconclusive"},
		"a lock time":      {func(tx *wire.MsgTx) { tx.LockTime = 900_000 }, "valid only at time 900000 and age 0"},
		"an age":           {func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = 144 }, "valid only at time 0 and age 144"},
		"final":            {func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = wire.MaxTxInSequenceNum }, "valid only at"},
		"another input":    {func(tx *wire.MsgTx) { tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 7}}) }, "has 2 inputs"},
		"another output":   {func(tx *wire.MsgTx) { tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN})) }, "must have one output"},
		"no output":        {func(tx *wire.MsgTx) { tx.TxOut = nil }, "must have one output"},
		"a value":          {func(tx *wire.MsgTx) { tx.TxOut[0].Value = 1 }, "must have one output"},
		"a script more":    {func(tx *wire.MsgTx) { tx.TxOut[0].PkScript = []byte{txscript.OP_RETURN, txscript.OP_0} }, "must have one output"},
		"another outpoint": {func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Hash[31] ^= 1 }, "not this account's over this text"},
		"another index":    {func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Index = 1 }, "not this account's over this text"},
	} {
		expect(t, name, w.account, text, full(t, legacySigned(t, w, text, key, txscript.SigHashAll, c.edit)), c.says)
	}
	same := func(*wire.MsgTx) {}
	for _, hashType := range []txscript.SigHashType{txscript.SigHashNone, txscript.SigHashSingle, txscript.SigHashAll | txscript.SigHashAnyOneCanPay} {
		expect(t, hashTypeError(0, byte(hashType)).Error(), w.account, text, full(t, legacySigned(t, w, text, key, hashType, same)), "hash type")
	}
	good := legacySigned(t, w, text, key, txscript.SigHashAll, same)
	expect(t, "another text", w.account, text+" ", full(t, good), "spends another output")
	other := good.Copy()
	other.TxIn[0].SignatureScript = append([]byte{txscript.OP_1}, other.TxIn[0].SignatureScript...)
	expect(t, "an unclean stack", w.account, text, full(t, other), "not this account's")
	other.TxIn[0].SignatureScript = append([]byte{txscript.OP_NOP}, good.TxIn[0].SignatureScript...)
	expect(t, "more than pushes", w.account, text, full(t, other), "not push only")
	other = good.Copy()
	other.TxIn[0].Witness = wire.TxWitness{{1}}
	expect(t, "a witness for P2PKH", w.account, text, full(t, other), "cannot have a witness")
	raw := decoded(t, full(t, good))
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"bytes left over": {append(bytes.Clone(raw), 0), "1 bytes are left over"}, "cut off": {raw[:len(raw)-1], "no whole transaction"}, "empty": {nil, "no whole transaction"},
	} {
		expect(t, name, w.account, text, fullPrefix+base64.StdEncoding.EncodeToString(c.raw), c.says)
	}
	expect(t, "simple for P2PKH", w.account, text, encoded(t, wire.TxWitness{{1}}), "only P2WPKH, P2WSH and P2TR")
}

// TestB13_FullP2SH goes through redeem scripts, with and without witness.
func TestB13_FullP2SH(t *testing.T) {
	key := bitcoinKey(t)
	pub := key.PubKey().SerializeCompressed()
	checkSig := func(b *txscript.ScriptBuilder) { b.AddData(pub).AddOp(txscript.OP_CHECKSIG) }
	multisig := func(b *txscript.ScriptBuilder) {
		b.AddInt64(1).AddData(pub).AddData(bytes.Repeat([]byte{2}, 33)).AddInt64(2).AddOp(txscript.OP_CHECKMULTISIG)
	}
	for name, c := range map[string]struct {
		build    func(b *txscript.ScriptBuilder)
		hashType txscript.SigHashType
		before   [][]byte
		unsigned bool
		says     string
	}{
		"a signature":           {checkSig, txscript.SigHashAll, nil, false, ""},
		"multisig":              {multisig, txscript.SigHashAll, [][]byte{nil}, false, ""},
		"multisig of NONE":      {multisig, txscript.SigHashNone, [][]byte{nil}, false, "hash type"},
		"CODESEPARATOR":         {func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_CODESEPARATOR); checkSig(b) }, txscript.SigHashAll, nil, false, "OP_CODESEPARATOR"},
		"an upgradable NOP":     {func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_NOP10); checkSig(b) }, txscript.SigHashAll, nil, false, "inconclusive"},
		"anyone":                {func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_1) }, txscript.SigHashAll, nil, true, "no signature is checked"},
		"a signature not taken": {func(b *txscript.ScriptBuilder) { checkSig(b); b.AddOp(txscript.OP_NOT) }, txscript.SigHashAll, [][]byte{nil}, true, "no signature is checked"},
		"a lock": {func(b *txscript.ScriptBuilder) {
			b.AddInt64(500).AddOp(txscript.OP_CHECKLOCKTIMEVERIFY).AddOp(txscript.OP_DROP)
			checkSig(b)
		}, txscript.SigHashAll, nil, false, "locktime requirement"},
	} {
		inner := script(t, c.build)
		// P2SH: the input's script brings items and redeem script.
		a, err := address.NewAddressScriptHash(inner, &chaincfg.MainNetParams)
		w := walletOf(t, a, err)
		text := demoChallenge(w.account).Text()
		tx, _ := w.toSign(text)
		items := c.before
		if !c.unsigned {
			sig, err := txscript.RawTxInSignature(tx, 0, inner, c.hashType, key)
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, sig)
		}
		tx.TxIn[0].SignatureScript = script(t, func(b *txscript.ScriptBuilder) {
			for _, item := range append(items, inner) {
				b.AddData(item)
			}
		})
		expect(t, "P2SH "+name, w.account, text, full(t, tx), c.says)

		// P2SH of P2WSH: the witness brings them.
		hash := chainhash.HashB(inner)
		program := append([]byte{txscript.OP_0, txscript.OP_DATA_32}, hash...)
		a, err = address.NewAddressScriptHash(program, &chaincfg.MainNetParams)
		w = walletOf(t, a, err)
		text = demoChallenge(w.account).Text()
		tx, hashes := w.toSign(text)
		items = c.before
		if !c.unsigned {
			sig, err := txscript.RawTxInWitnessSignature(tx, hashes, 0, 0, inner, c.hashType, key)
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, sig)
		}
		tx.TxIn[0].SignatureScript = script(t, func(b *txscript.ScriptBuilder) { b.AddData(program) })
		tx.TxIn[0].Witness = append(items, inner)
		expect(t, "P2SH-P2WSH "+name, w.account, text, full(t, tx), c.says)
	}
	later := append([]byte{txscript.OP_2, txscript.OP_DATA_32}, bytes.Repeat([]byte{7}, 32)...)
	a, err := address.NewAddressScriptHash(later, &chaincfg.MainNetParams)
	w := walletOf(t, a, err)
	text := demoChallenge(w.account).Text()
	tx, _ := w.toSign(text)
	tx.TxIn[0].SignatureScript = script(t, func(b *txscript.ScriptBuilder) { b.AddData(later) })
	expect(t, "a later witness version", w.account, text, full(t, tx), "inconclusive")
	tx.TxIn[0].SignatureScript = nil
	expect(t, "no redeem script", w.account, text, full(t, tx), "no redeem script")
}

// TestB13_FullLock: a script that wants a lock time is satisfied by a signature
// for later only, which shows no control now.
func TestB13_FullLock(t *testing.T) {
	key := bitcoinKey(t)
	inner := script(t, func(b *txscript.ScriptBuilder) {
		b.AddInt64(500).AddOp(txscript.OP_CHECKLOCKTIMEVERIFY).AddOp(txscript.OP_DROP).AddData(key.PubKey().SerializeCompressed()).AddOp(txscript.OP_CHECKSIG)
	})
	a, err := address.NewAddressWitnessScriptHash(chainhash.HashB(inner), &chaincfg.MainNetParams)
	w := walletOf(t, a, err)
	text := demoChallenge(w.account).Text()
	for lockTime, says := range map[uint32]string{0: "locktime requirement", 499: "locktime requirement", 500: "valid only at time 500 and age 0", 600: "valid only at time 600 and age 0"} {
		tx, _ := w.toSign(text)
		tx.LockTime = lockTime
		hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(w.script, 0))
		sig, err := txscript.RawTxInWitnessSignature(tx, hashes, 0, 0, inner, txscript.SigHashAll, key)
		if err != nil {
			t.Fatal(err)
		}
		tx.TxIn[0].Witness = wire.TxWitness{sig, inner}
		expect(t, "a lock", w.account, text, full(t, tx), says)
	}
}
