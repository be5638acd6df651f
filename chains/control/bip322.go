package control

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// maxSigned is the most that a witness or a transaction may take (SPEC part
// 18).
const maxSigned = 400_000

// verifySimple checks a "simple" signature: the witness that spends a virtual
// transaction which commits to the text and pays to the address.
func verifySimple(a address.Address, text, signature string) (Signature, error) {
	switch a.(type) {
	case *address.AddressPubKeyHash, *address.AddressScriptHash:
		return Signature{}, errors.New("only P2WPKH, P2WSH and P2TR addresses have simple signatures: sign with BIP-322's full variant, or, for one key, a signed message of 65 bytes")
	}
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		return Signature{}, fmt.Errorf("address: %w", err)
	}
	raw, err := decodeBase64(signature, simplePrefix)
	if err != nil {
		return Signature{}, err
	}
	witness, err := decodeWitness(raw)
	if err != nil {
		return Signature{}, err
	}
	toSign := virtualSpend(script, text)
	toSign.TxIn[0].Witness = witness
	if err := showsControl(script, text, toSign); err != nil {
		return Signature{}, err
	}
	var b bytes.Buffer
	if err := encodeWitness(&b, witness); err != nil {
		return Signature{}, err
	}
	return Signature{Method: BIP322Simple, Signature: simplePrefix + base64.StdEncoding.EncodeToString(b.Bytes()), Grade: chains.Script}, nil
}

// verifyFull checks a "full" signature: the whole virtual transaction.
func verifyFull(a address.Address, text, signature string) (Signature, error) {
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		return Signature{}, fmt.Errorf("address: %w", err)
	}
	raw, err := decodeBase64(signature, fullPrefix)
	if err != nil {
		return Signature{}, err
	}
	if len(raw) > maxSigned {
		return Signature{}, fmt.Errorf("signature: its transaction is longer than %d bytes", maxSigned)
	}
	r, toSign := bytes.NewReader(raw), new(wire.MsgTx)
	if err := toSign.Deserialize(r); err != nil {
		return Signature{}, fmt.Errorf("signature holds no whole transaction: %w", err)
	}
	if r.Len() > 0 {
		return Signature{}, fmt.Errorf("signature: %d bytes are left over after its transaction", r.Len())
	}
	if len(toSign.TxIn) != 1 {
		return Signature{}, fmt.Errorf("signature: its transaction has %d inputs, want 1: more are a proof of funds, which is a PSBT", len(toSign.TxIn))
	}
	if err := showsControl(script, text, toSign); err != nil {
		return Signature{}, err
	}
	var b bytes.Buffer
	if err := toSign.Serialize(&b); err != nil {
		return Signature{}, err
	}
	return Signature{Method: BIP322Full, Signature: fullPrefix + base64.StdEncoding.EncodeToString(b.Bytes()), Grade: chains.Script}, nil
}

// virtualSpend returns BIP-322's to_sign transaction for a script and text,
// without its witness.
func virtualSpend(script []byte, text string) *wire.MsgTx {
	digest := chainhash.TaggedHash([]byte("BIP0322-signed-message"), []byte(text))
	toSpend := wire.NewMsgTx(0)
	toSpend.AddTxIn(&wire.TxIn{
		PreviousOutPoint: wire.OutPoint{Index: 0xffffffff},
		SignatureScript:  append([]byte{txscript.OP_0, txscript.OP_DATA_32}, digest[:]...),
	})
	toSpend.AddTxOut(wire.NewTxOut(0, script))
	toSign := wire.NewMsgTx(0)
	toSign.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: toSpend.TxHash()}})
	toSign.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN}))
	return toSign
}

// showsControl checks a to_sign of one input.
func showsControl(script []byte, text string, toSign *wire.MsgTx) error {
	return checkToSign(spend{tx: toSign, spent: []*wire.TxOut{wire.NewTxOut(0, script)}}, text)
}

// checkToSign accepts a transaction to_sign that is valid now, at time 0 and
// age 0, and refuses what is invalid, inconclusive or valid only later (SPEC
// part 14).
func checkToSign(s spend, text string) error {
	template, first := virtualSpend(s.spent[0].PkScript, text), s.tx.TxIn[0]
	if first.PreviousOutPoint != template.TxIn[0].PreviousOutPoint {
		return errors.New("signature is not this account's over this text: its transaction spends another output")
	}
	if len(s.tx.TxOut) != 1 || s.tx.TxOut[0].Value != 0 || !bytes.Equal(s.tx.TxOut[0].PkScript, template.TxOut[0].PkScript) {
		return errors.New("signature: its transaction must have one output, of value 0, with the script OP_RETURN")
	}
	if err := s.check(0); err != nil {
		return err
	}
	if v := s.tx.Version; v != 0 && v != 2 {
		return fmt.Errorf("signature is inconclusive: its transaction has version %d, want 0 or 2", v)
	}
	if s.tx.LockTime != 0 || first.Sequence != 0 {
		return fmt.Errorf("signature becomes valid only at time %d and age %d, which does not show control now: sign with lock time 0 and sequence 0",
			s.tx.LockTime, first.Sequence)
	}
	return nil
}

// decodeWitness reads a witness stack and nothing after it.
func decodeWitness(raw []byte) (wire.TxWitness, error) {
	if len(raw) > maxSigned {
		return nil, fmt.Errorf("signature: its witness is longer than %d bytes", maxSigned)
	}
	r := bytes.NewReader(raw)
	count, err := wire.ReadVarInt(r, 0)
	if err != nil || count == 0 || count > uint64(len(raw)) {
		return nil, errors.New("signature holds no witness stack")
	}
	witness := make(wire.TxWitness, count)
	for i := range witness {
		if witness[i], err = wire.ReadVarBytes(r, 0, uint32(len(raw)), "witness item"); err != nil { //nolint:gosec // a signature is short
			return nil, fmt.Errorf("signature: its witness stack is cut off: %w", err)
		}
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("signature: %d bytes are left over after its witness stack", r.Len())
	}
	return witness, nil
}

func encodeWitness(b *bytes.Buffer, witness wire.TxWitness) error {
	if err := wire.WriteVarInt(b, 0, uint64(len(witness))); err != nil {
		return err
	}
	for _, item := range witness {
		if err := wire.WriteVarBytes(b, 0, item); err != nil {
			return err
		}
	}
	return nil
}
