package verifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/verifier/evidence"
)

// bitcoinSigner writes down the Bitcoin methods of SPEC part 14, for one key on regtest.
type bitcoinSigner struct {
	key                   *btcec.PrivateKey
	block, snapshot, root string
}

// challenge is what an account signs.
func (s bitcoinSigner) challenge(account string) string {
	return evidence.Challenge("Demo Exchange", s.snapshot, s.root, evidence.Pinned{Chain: utxoChain, Account: account, Block: s.block})
}

func (s bitcoinSigner) hash() []byte { return address.Hash160(s.key.PubKey().SerializeCompressed()) }

// keyAccount is the P2PKH account of a serialized key.
func keyAccount(pub []byte) string {
	return utxoChain + ":" + base58.CheckEncode(address.Hash160(pub), 0x6f)
}

func scriptAccount(redeem []byte) string {
	return utxoChain + ":" + base58.CheckEncode(address.Hash160(redeem), 0xc4)
}

// segwitAccount is the account of a witness program of version 0.
func segwitAccount(program []byte) string {
	words := must(bech32.ConvertBits(program, 8, 5, true))
	return utxoChain + ":" + must(bech32.Encode("bcrt", append([]byte{0}, words...)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func payToKeyHash(hash []byte) []byte {
	return append(append([]byte{txscript.OP_DUP, txscript.OP_HASH160, txscript.OP_DATA_20}, hash...), txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG)
}

func payToScriptHash(redeem []byte) []byte {
	return append(append([]byte{txscript.OP_HASH160, txscript.OP_DATA_20}, address.Hash160(redeem)...), txscript.OP_EQUAL)
}

// toSign is BIP-322's transaction over a text, not signed yet.
func toSign(script []byte, text string) *wire.MsgTx {
	tag := sha256.Sum256([]byte("BIP0322-signed-message"))
	message := sha256.Sum256(append(append(tag[:], tag[:]...), text...))
	spent := &wire.MsgTx{
		TxIn:  []*wire.TxIn{{PreviousOutPoint: wire.OutPoint{Index: 0xffffffff}, SignatureScript: append([]byte{0x00, 0x20}, message[:]...)}},
		TxOut: []*wire.TxOut{{PkScript: script}},
	}
	return &wire.MsgTx{TxIn: []*wire.TxIn{{PreviousOutPoint: wire.OutPoint{Hash: spent.TxHash()}}}, TxOut: []*wire.TxOut{{PkScript: []byte{txscript.OP_RETURN}}}}
}

func fullText(tx *wire.MsgTx) string {
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		panic(err)
	}
	return "ful" + base64.StdEncoding.EncodeToString(b.Bytes())
}

// full is a full signature for the P2PKH account, signed after an edit.
func (s bitcoinSigner) full(text string, hashType txscript.SigHashType, edit func(tx *wire.MsgTx)) string {
	script := payToKeyHash(s.hash())
	tx := toSign(script, text)
	edit(tx)
	tx.TxIn[0].SignatureScript = must(txscript.SignatureScript(tx, 0, script, hashType, s.key, true))
	return fullText(tx)
}

// fullMultisig is a full signature for P2SH with a redeem script of one key out of two.
func (s bitcoinSigner) fullMultisig(redeem []byte, text string) string {
	tx := toSign(payToScriptHash(redeem), text)
	sig := must(txscript.RawTxInSignature(tx, 0, redeem, txscript.SigHashAll, s.key))
	tx.TxIn[0].SignatureScript = must(txscript.NewScriptBuilder().AddOp(txscript.OP_0).AddData(sig).AddData(redeem).Script())
	return fullText(tx)
}

// simple is a simple signature for the P2WPKH account.
func (s bitcoinSigner) simple(text string) string {
	script := append([]byte{0x00, 0x14}, s.hash()...)
	tx := toSign(script, text)
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(script, 0))
	witness := must(txscript.WitnessSignature(tx, hashes, 0, 0, script, txscript.SigHashAll, s.key, true))
	raw := []byte{byte(len(witness))}
	for _, item := range witness {
		raw = append(append(raw, byte(len(item))), item...)
	}
	return "smp" + base64.StdEncoding.EncodeToString(raw)
}

// compact signs a message; form is the row of the SPEC's table.
func (s bitcoinSigner) compact(text string, form byte) string {
	var b bytes.Buffer
	for _, part := range []string{"Bitcoin Signed Message:\n", text} {
		if err := wire.WriteVarString(&b, 0, part); err != nil {
			panic(err)
		}
	}
	once := sha256.Sum256(b.Bytes())
	twice := sha256.Sum256(once[:])
	sig := ecdsa.SignCompact(s.key, twice[:], false)
	sig[0] += 4 * form
	return base64.StdEncoding.EncodeToString(sig)
}

func bitcoinVectors(put putter) {
	key, _ := btcec.PrivKeyFromBytes(h([]byte("wallet")))
	s := bitcoinSigner{key: key, block: strings.Repeat("b", 64), snapshot: strings.Repeat("5", 64), root: strings.Repeat("7", 64)}
	compressed, uncompressed, segwit := keyAccount(key.PubKey().SerializeCompressed()), keyAccount(key.PubKey().SerializeUncompressed()), segwitAccount(s.hash())
	nested := scriptAccount(append([]byte{0x00, 0x14}, s.hash()...))
	redeem := must(txscript.NewScriptBuilder().AddInt64(1).AddData(key.PubKey().SerializeCompressed()).AddData(bytes.Repeat([]byte{2}, 33)).AddInt64(2).AddOp(txscript.OP_CHECKMULTISIG).Script())
	vectorOf := func(name, attack, comment, expect, method, account, signature string) {
		v := vector{
			Attack: attack, Comment: comment, Expect: expect, Accounts: []string{account}, Blocks: map[string]string{utxoChain: s.block}, Exchange: "Demo Exchange",
			Method: method, Root: s.root, Snapshot: s.snapshot, Signature: signature,
		}
		if expect == "pass" {
			v.Text, v.Grade = s.challenge(account), map[bool]string{true: "bound", false: "script"}[method == "compact"]
		}
		put("control", name, v)
	}
	happy := func(name, comment, method, account, signature string) {
		vectorOf("happy-"+name, "", comment, "pass", method, account, signature)
	}
	fault := func(name, attack, comment, method, account, signature string) {
		vectorOf(name, attack, comment, "refused", method, account, signature)
	}
	same := func(*wire.MsgTx) {}
	legacy := s.challenge(compressed)
	const simple, full, compact = "bip322-simple", "bip322-full", "compact"

	happy("bip322-simple", "the witness of a P2WPKH account", simple, segwit, s.simple(s.challenge(segwit)))
	happy("bip322-full", "a whole transaction for a P2PKH account", full, compressed, s.full(legacy, txscript.SigHashAll, same))
	happy("bip322-full-version-2", "version 2 is as good as 0", full, compressed, s.full(legacy, txscript.SigHashAll, func(tx *wire.MsgTx) { tx.Version = 2 }))
	happy("bip322-full-multisig", "one key of two in P2SH", full, scriptAccount(redeem), s.fullMultisig(redeem, s.challenge(scriptAccount(redeem))))
	for form, account := range []string{uncompressed, compressed, nested, segwit} {
		name := []string{"p2pkh-uncompressed", "p2pkh", "p2sh-p2wpkh", "p2wpkh"}[form]
		happy("compact-"+name, "a signed message of 65 bytes, whose header says the form", compact, account, s.compact(s.challenge(account), byte(form)))
	}

	fault("full-for-another-root", "B24", "signed before the tree was rebuilt", full, compressed,
		s.full(strings.Replace(legacy, "root: 7", "root: 8", 1), txscript.SigHashAll, same))
	for _, c := range []struct {
		name, attack, comment string
		edit                  func(tx *wire.MsgTx)
	}{
		{"full-lock-time", "B13", "valid at time 900,000: not now", func(tx *wire.MsgTx) { tx.LockTime = 900_000 }},
		{"full-age", "B13", "valid at age 144: not now", func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = 144 }},
		{"full-sequence-final", "B13", "an age that disables the lock is not 0 either", func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = 0xffffffff }},
		{"full-version-1", "B13", "inconclusive: neither 0 nor 2", func(tx *wire.MsgTx) { tx.Version = 1 }},
		{"full-two-inputs", "B13", "a proof of funds", func(tx *wire.MsgTx) { tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 7}}) }},
		{"full-two-outputs", "B13", "", func(tx *wire.MsgTx) { tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN})) }},
		{"full-output-value", "B13", "one satoshi", func(tx *wire.MsgTx) { tx.TxOut[0].Value = 1 }},
		{"full-output-script", "B13", "OP_RETURN and a byte", func(tx *wire.MsgTx) { tx.TxOut[0].PkScript = []byte{txscript.OP_RETURN, txscript.OP_0} }},
	} {
		fault(c.name, c.attack, c.comment, full, compressed, s.full(legacy, txscript.SigHashAll, c.edit))
	}
	fault("full-hash-type-none", "B13", "a signature that leaves the output open", full, compressed, s.full(legacy, txscript.SigHashNone, same))
	anyone := []byte{txscript.OP_1}
	tx := toSign(payToScriptHash(anyone), s.challenge(scriptAccount(anyone)))
	tx.TxIn[0].SignatureScript = []byte{txscript.OP_DATA_1, txscript.OP_1}
	fault("full-nobody-signed", "B13", "a redeem script that asks for no signature fits every challenge", full, scriptAccount(anyone), fullText(tx))
	raw := must(base64.StdEncoding.DecodeString(s.full(legacy, txscript.SigHashAll, same)[3:]))
	fault("full-trailing-byte", "E7", "", full, compressed, "ful"+base64.StdEncoding.EncodeToString(append(raw[:len(raw):len(raw)], 0)))
	fault("full-prefix-of-a-proof-of-funds", "B13", "", full, compressed, "pof"+base64.StdEncoding.EncodeToString(raw))
	fault("simple-for-p2pkh", "B12", "a P2PKH account has no witness", simple, compressed, s.simple(legacy))

	fault("compact-header-of-p2pkh", "B12", "the right key, and the header that some wallets write for every form", compact, segwit, s.compact(s.challenge(segwit), 1))
	fault("compact-header-of-p2wpkh", "B12", "the right key, and the header of another form", compact, compressed, s.compact(legacy, 3))
	fault("compact-other-account", "B12", "the key of another account", compact, keyAccount([]byte("another")), s.compact(s.challenge(keyAccount([]byte("another"))), 1))
	fault("compact-for-p2wsh", "B12", "one key says nothing of a script", compact, segwitAccount(h([]byte("script"))), s.compact(s.challenge(segwitAccount(h([]byte("script")))), 3))
	fault("compact-static-text", "B1", "a text without date, block or snapshot", compact, compressed, s.compact("I am an OKX address", 1))
	sig := must(base64.StdEncoding.DecodeString(s.compact(legacy, 1)))
	other := must(hex.DecodeString(highS("0x" + hex.EncodeToString(append(sig[1:65:65], 27)))[2:]))
	fault("compact-high-s", "B13", "s in the upper half of the order", compact, compressed, base64.StdEncoding.EncodeToString(append([]byte{27 + ((sig[0] - 27) ^ 1)}, other[:64]...)))
	fault("compact-line-break", "E2", "one signature, one spelling", compact, compressed, s.compact(legacy, 1)+"\n")
}
