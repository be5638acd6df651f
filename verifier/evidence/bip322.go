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

// maxWitness bounds a witness stack, and a transaction to_sign: 400,000 weight units, the most that Bitcoin's nodes relay.
const maxWitness = 400_000

const (
	prefixSimple = "smp"
	prefixFull   = "ful"
	prefixFunds  = "pof"
)

// verifySimple checks a simple signature of BIP-322: the witness that would spend an output to the account's address, in a
// transaction which no block can hold and which commits to the text.
func verifySimple(account, text, signature string) error {
	script, kind, err := accountScript(account)
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: err.Error()}
	}
	if kind == p2pkh || kind == p2sh {
		return &canon.FormatError{Field: "account", Problem: fmt.Sprintf("a simple signature is for P2WPKH, P2WSH and P2TR, and %q is %s", account, kind)}
	}
	raw, err := unwrap(signature, prefixSimple, "simple", maxWitness)
	if err != nil {
		return &canon.FormatError{Field: "signature", Problem: err.Error()}
	}
	witness, err := parseWitness(raw)
	if err != nil {
		return &canon.FormatError{Field: "signature", Problem: err.Error()}
	}
	_, toSign := simpleTransactions(script, text, witness)
	return judge(text, toSign, coin{script: script, kind: kind}).check(account)
}

// verifyFull checks a full signature of BIP-322: the whole transaction, which may also satisfy scripts without witness and
// those that want a lock time.
func verifyFull(account, text, signature string) error {
	script, kind, err := accountScript(account)
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: err.Error()}
	}
	raw, err := unwrap(signature, prefixFull, "full", maxWitness)
	if err != nil {
		return &canon.FormatError{Field: "signature", Problem: err.Error()}
	}
	toSign, err := parseToSign(raw)
	if err != nil {
		return &canon.FormatError{Field: "signature", Problem: err.Error()}
	}
	return judge(text, toSign, coin{script: script, kind: kind}).check(account)
}

// unwrap reads the prefix of a variant and the base64 after it.
func unwrap(signature, prefix, variant string, limit int) ([]byte, error) {
	text, ok := strings.CutPrefix(signature, prefix)
	if !ok {
		return nil, fmt.Errorf("not a %s signature: begins %q, want %q", variant, signature[:min(len(signature), 3)], prefix)
	}
	if base64.StdEncoding.DecodedLen(len(text)) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return decodeBase64(text)
}

// decodeBase64 takes the one spelling that a sequence of bytes has.
func decodeBase64(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("not base64: %w", err)
	}
	if base64.StdEncoding.EncodeToString(raw) != text {
		return nil, errors.New("not base64: line breaks inside")
	}
	return raw, nil
}

// parseWitness reads a witness stack and nothing more.
func parseWitness(raw []byte) (wire.TxWitness, error) {
	c := &cursor{left: raw}
	witness := c.witness()
	if c.err == nil && len(c.left) > 0 {
		c.err = fmt.Errorf("%d bytes follow the witness", len(c.left))
	}
	return witness, c.err
}

// witness reads a count, then each item with its length.
func (c *cursor) witness() (items wire.TxWitness) {
	count := c.count("the number of witness items")
	for i := uint64(0); i < count && c.err == nil; i++ {
		items = append(items, c.take(c.count("the length of a witness item"), "a witness item"))
	}
	return items
}

// parseToSign reads a whole transaction with its witnesses, if it has any, and nothing more.
func parseToSign(raw []byte) (*wire.MsgTx, error) {
	c := &cursor{left: raw}
	return c.wholeTransaction(bytes.HasPrefix(raw[min(4, len(raw)):], []byte{0x00, 0x01}))
}

// wholeTransaction reads what is left as one transaction. The script engine takes wire's types.
func (c *cursor) wholeTransaction(marked bool) (*wire.MsgTx, error) {
	tx := &wire.MsgTx{Version: int32(c.number("the version"))} //nolint:gosec // the same 32 bits: a version is signed
	if marked {
		c.take(2, "the witness marker")
	}
	inputs := c.count("the number of inputs")
	if c.err == nil && inputs == 0 {
		return nil, errors.New("a transaction without inputs")
	}
	for i := uint64(0); i < inputs && c.err == nil; i++ {
		in := new(wire.TxIn)
		copy(in.PreviousOutPoint.Hash[:], c.take(32, "an input's outpoint"))
		in.PreviousOutPoint.Index = c.number("an input's outpoint")
		in.SignatureScript = c.take(c.count("the length of an input's script"), "an input's script")
		in.Sequence = c.number("an input's sequence")
		tx.TxIn = append(tx.TxIn, in)
	}
	outputs := c.count("the number of outputs")
	for i := uint64(0); i < outputs && c.err == nil; i++ {
		tx.TxOut = append(tx.TxOut, c.output())
	}
	items := 0
	for _, in := range tx.TxIn {
		if marked && c.err == nil {
			in.Witness = c.witness()
			items += len(in.Witness)
		}
	}
	if c.err == nil && marked && items == 0 {
		return nil, errors.New("a witness marker, and no witness")
	}
	tx.LockTime = c.number("the lock time")
	if c.err == nil && len(c.left) > 0 {
		c.err = fmt.Errorf("%d bytes follow the transaction", len(c.left))
	}
	return tx, c.err
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
