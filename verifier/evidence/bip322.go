package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/verifier/canon"
)

// maxWitness bounds a witness stack: 400,000 weight units, the most that Bitcoin's nodes relay.
const maxWitness = 400_000

const prefixSimple = "smp"

// verifyBIP322 checks a simple signature of BIP-322: the witness that would spend an output to the account's address, in a
// transaction which no block can hold and which commits to the challenge.
func verifyBIP322(account, challenge, signature string) error {
	script, kind, err := accountScript(account)
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: err.Error()}
	}
	if kind == p2pkh || kind == p2sh {
		return &canon.FormatError{Field: "account", Problem: fmt.Sprintf("a simple signature is for P2WPKH, P2WSH and P2TR, and %q is %s", account, kind)}
	}
	witness, err := parseSimple(signature)
	if err != nil {
		return &canon.FormatError{Field: "signature", Problem: err.Error()}
	}
	if err := verifySimple(script, kind, challenge, witness); err != nil {
		return &CheckError{Field: "signature", Problem: "not this account's signature of this challenge", Got: err.Error(), Want: "a witness that satisfies the " + string(kind) + " script of " + account}
	}
	return nil
}

// parseSimple reads the prefix and the base64 of a witness stack.
func parseSimple(signature string) (wire.TxWitness, error) {
	text, ok := strings.CutPrefix(signature, prefixSimple)
	if !ok {
		return nil, fmt.Errorf("not a simple signature: begins %q, want %q", signature[:min(len(signature), 3)], prefixSimple)
	}
	if base64.StdEncoding.DecodedLen(len(text)) > maxWitness {
		return nil, fmt.Errorf("a witness of more than %d bytes", maxWitness)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("not base64: %w", err)
	}
	if base64.StdEncoding.EncodeToString(raw) != text {
		return nil, errors.New("not base64: line breaks inside")
	}
	return parseWitness(raw)
}

// parseWitness reads a witness stack: a count, then each item with its length.
func parseWitness(raw []byte) (wire.TxWitness, error) {
	c := &cursor{left: raw}
	count := c.count("the number of witness items")
	var witness wire.TxWitness
	for i := uint64(0); i < count && c.err == nil; i++ {
		witness = append(witness, c.take(c.count("the length of a witness item"), "a witness item"))
	}
	if c.err == nil && len(c.left) > 0 {
		c.err = fmt.Errorf("%d bytes follow the witness", len(c.left))
	}
	return witness, c.err
}

// simpleTransactions builds the two transactions of BIP-322: to_spend pays to the script and commits to the message, to_sign
// spends it. The script engine takes their parts, so wire's types carry them.
func simpleTransactions(script []byte, message string, witness wire.TxWitness) (toSpend, toSign *wire.MsgTx) {
	tag := sha256.Sum256([]byte("BIP0322-signed-message"))
	hash := sha256.Sum256(append(append(tag[:], tag[:]...), message...))
	toSpend = &wire.MsgTx{
		TxIn: []*wire.TxIn{{
			PreviousOutPoint: wire.OutPoint{Index: 0xffffffff},
			SignatureScript:  append([]byte{txscript.OP_0, txscript.OP_DATA_32}, hash[:]...),
		}},
		TxOut: []*wire.TxOut{{PkScript: script}},
	}
	toSign = &wire.MsgTx{
		TxIn:  []*wire.TxIn{{PreviousOutPoint: wire.OutPoint{Hash: legacyID(toSpend)}, Witness: witness}},
		TxOut: []*wire.TxOut{{PkScript: []byte{txscript.OP_RETURN}}},
	}
	return toSpend, toSign
}

// legacyID is the id of a transaction without witness.
func legacyID(tx *wire.MsgTx) chainhash.Hash {
	var b bytes.Buffer
	b.Grow(tx.SerializeSizeStripped())
	_ = tx.SerializeNoWitness(&b) // a buffer refuses nothing
	return doubleSHA256(b.Bytes())
}

// verifySimple runs the script under Bitcoin's standard verification flags, and under what BIP-322 asks beyond them.
func verifySimple(script []byte, kind scriptKind, message string, witness wire.TxWitness) error {
	inner, tapscript, err := innerScript(kind, witness)
	if err != nil {
		return err
	}
	toSpend, toSign := simpleTransactions(script, message, witness)
	fetcher := txscript.NewCannedPrevOutputFetcher(script, toSpend.TxOut[0].Value)
	hashes := txscript.NewTxSigHashes(toSign, fetcher)
	engine, err := txscript.NewEngine(script, toSign, 0, txscript.StandardVerifyFlags, nil, hashes, 0, fetcher)
	if err != nil {
		return err
	}
	if kind == p2tr && !tapscript {
		return keySpend(engine, witness[0])
	}
	watch := &signatureWatch{tapscript: tapscript}
	return watch.run(engine, inner)
}

// keySpend runs a taproot key spend, whose witness is one signature.
func keySpend(engine *txscript.Engine, signature []byte) error {
	if err := schnorrHashType(signature); err != nil {
		return err
	}
	if err := engine.Execute(); err != nil {
		return fmt.Errorf("the schnorr signature does not verify %w", err)
	}
	return nil
}

// innerScript is the script that the witness brings, or that a public key hash stands for. Nothing in it may be an
// OP_CODESEPARATOR, executed or not.
func innerScript(kind scriptKind, witness wire.TxWitness) (script []byte, tapscript bool, err error) {
	if len(witness) == 0 {
		return nil, false, errors.New("an empty witness")
	}
	last := witness[len(witness)-1]
	switch kind {
	case p2wpkh:
		hash := make([]byte, 20) // the place of the key's hash; only the opcodes are looked at
		return append(append([]byte{txscript.OP_DUP, txscript.OP_HASH160, txscript.OP_DATA_20}, hash...), txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG), false, nil
	case p2tr:
		if len(witness) == 1 {
			return nil, false, nil
		}
		if len(last) > 0 && last[0] == txscript.TaprootAnnexTag {
			return nil, false, errors.New("a witness with an annex, which is not standard")
		}
		script, tapscript = witness[len(witness)-2], true
	case p2wsh:
		script = last
	case p2pkh, p2sh:
		return nil, false, fmt.Errorf("a %s script takes no simple signature", kind)
	}
	tokens := txscript.MakeScriptTokenizer(0, script)
	for tokens.Next() {
		if tokens.Opcode() == txscript.OP_CODESEPARATOR {
			return nil, tapscript, errors.New("the script holds OP_CODESEPARATOR")
		}
	}
	return script, tapscript, nil
}
