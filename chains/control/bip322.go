package control

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// maxSigned is the most that a witness or a transaction may take (SPEC part
// 18).
const maxSigned = 400_000

// verifySimple checks a "simple" signature: the witness that spends a virtual
// transaction which commits to the challenge and pays to the address.
func verifySimple(a address.Address, challenge, signature string) (string, error) {
	switch a.(type) {
	case *address.AddressPubKeyHash, *address.AddressScriptHash:
		return "", errors.New("only P2WPKH, P2WSH and P2TR addresses have simple signatures: sign with BIP-322's full variant, or, for one key, a signed message of 65 bytes")
	}
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		return "", fmt.Errorf("address: %w", err)
	}
	witness, err := decodeWitness(signature)
	if err != nil {
		return "", err
	}
	toSign := virtualSpend(script, challenge)
	toSign.TxIn[0].Witness = witness
	if err := showsControl(script, challenge, toSign); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := encodeWitness(&b, witness); err != nil {
		return "", err
	}
	return simplePrefix + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// verifyFull checks a "full" signature: the whole virtual transaction.
func verifyFull(a address.Address, challenge, signature string) (string, error) {
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		return "", fmt.Errorf("address: %w", err)
	}
	raw, err := decodeBase64(signature, fullPrefix)
	if err != nil {
		return "", err
	}
	if len(raw) > maxSigned {
		return "", fmt.Errorf("signature: its transaction is longer than %d bytes", maxSigned)
	}
	r, toSign := bytes.NewReader(raw), new(wire.MsgTx)
	if err := toSign.Deserialize(r); err != nil {
		return "", fmt.Errorf("signature holds no whole transaction: %w", err)
	}
	if r.Len() > 0 {
		return "", fmt.Errorf("signature: %d bytes are left over after its transaction", r.Len())
	}
	if err := showsControl(script, challenge, toSign); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := toSign.Serialize(&b); err != nil {
		return "", err
	}
	return fullPrefix + base64.StdEncoding.EncodeToString(b.Bytes()), nil
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

// showsControl accepts a transaction to_sign that is valid now, at time 0 and
// age 0, and refuses what is invalid, inconclusive or valid only later (SPEC
// part 14).
func showsControl(script []byte, challenge string, toSign *wire.MsgTx) error {
	template := virtualSpend(script, challenge)
	if len(toSign.TxIn) != 1 {
		return fmt.Errorf("signature: its transaction has %d inputs, want 1: a proof of funds is no method of control", len(toSign.TxIn))
	}
	in := toSign.TxIn[0]
	if in.PreviousOutPoint != template.TxIn[0].PreviousOutPoint {
		return errors.New("signature is not this account's over this challenge: its transaction spends another output")
	}
	if len(toSign.TxOut) != 1 || toSign.TxOut[0].Value != 0 || !bytes.Equal(toSign.TxOut[0].PkScript, template.TxOut[0].PkScript) {
		return errors.New("signature: its transaction must have one output, of value 0, with the script OP_RETURN")
	}
	if err := checkSignatures(script, in); err != nil {
		return err
	}
	if err := execute(script, toSign); err != nil {
		if slices.ContainsFunc(keptForLater, func(code txscript.ErrorCode) bool { return txscript.IsErrorCode(err, code) }) {
			return fmt.Errorf("signature is inconclusive, it rests on what Bitcoin keeps for later rules: %w", err)
		}
		return fmt.Errorf("signature is not this account's over this challenge: %w", err)
	}
	// Whoever signed, signed for this challenge; what satisfies the script
	// with another outpoint too is no signature.
	other := toSign.Copy()
	other.TxIn[0].PreviousOutPoint.Hash[0] ^= 1
	if execute(script, other) == nil {
		return errors.New("signature: no signature is checked by the script, it would fit every challenge")
	}
	if v := toSign.Version; v != 0 && v != 2 {
		return fmt.Errorf("signature is inconclusive: its transaction has version %d, want 0 or 2", v)
	}
	if toSign.LockTime != 0 || in.Sequence != 0 {
		return fmt.Errorf("signature becomes valid only at time %d and age %d, which does not show control now: sign with lock time 0 and sequence 0",
			toSign.LockTime, in.Sequence)
	}
	return nil
}

var keptForLater = []txscript.ErrorCode{
	txscript.ErrDiscourageOpSuccess,
	txscript.ErrDiscourageUpgradableNOPs,
	txscript.ErrDiscourageUpgradableWitnessProgram,
	txscript.ErrDiscourageUpgradeablePubKeyType,
	txscript.ErrDiscourageUpgradeableTaprootVersion,
}

func execute(script []byte, toSign *wire.MsgTx) error {
	prevOut := txscript.NewCannedPrevOutputFetcher(script, 0)
	engine, err := txscript.NewEngine(script, toSign, 0, txscript.StandardVerifyFlags|txscript.ScriptVerifySigPushOnly, nil,
		txscript.NewTxSigHashes(toSign, prevOut), 0, prevOut)
	if err != nil {
		return err
	}
	return engine.Execute()
}

// decodeWitness reads `smp` ‖ base64 of a witness stack, or the base64 alone.
func decodeWitness(signature string) (wire.TxWitness, error) {
	raw, err := decodeBase64(signature, simplePrefix)
	if err != nil {
		return nil, err
	}
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
