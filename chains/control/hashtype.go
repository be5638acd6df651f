package control

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// checkSignatures enforces what the script engine leaves open: signatures
// commit to the whole transaction, and no script changes what they commit to.
func checkSignatures(script []byte, in *wire.TxIn) error {
	if txscript.IsPayToTaproot(script) {
		return checkTaproot(in.Witness)
	}
	items, err := txscript.PushedData(in.SignatureScript)
	if err != nil {
		return fmt.Errorf("signature: the script of its input: %w", err)
	}
	if txscript.IsPayToScriptHash(script) {
		if len(items) == 0 {
			return errors.New("signature: its input brings no redeem script")
		}
		script, items = items[len(items)-1], items[:len(items)-1]
		if err := checkScript(script); err != nil {
			return err
		}
	}
	items = append(items, in.Witness...)
	if txscript.IsPayToWitnessScriptHash(script) && len(in.Witness) > 0 {
		if err := checkScript(in.Witness[len(in.Witness)-1]); err != nil {
			return err
		}
	}
	for i, item := range items {
		if len(item) < 9 {
			continue // shorter than any signature
		}
		last := len(item) - 1
		if _, err := ecdsa.ParseDERSignature(item[:last]); err == nil && item[last] != byte(txscript.SigHashAll) {
			return hashTypeError(i, item[last])
		}
	}
	return nil
}

func checkTaproot(witness wire.TxWitness) error {
	if len(witness) > 1 {
		if last := witness[len(witness)-1]; len(last) > 0 && last[0] == txscript.TaprootAnnexTag {
			return errors.New("signature: its witness has an annex")
		}
		if err := checkScript(witness[len(witness)-2]); err != nil {
			return err
		}
		witness = witness[:len(witness)-2]
	}
	for i, item := range witness {
		if len(item) == 65 && item[64] != byte(txscript.SigHashAll) {
			return hashTypeError(i, item[64])
		}
	}
	return nil
}

func hashTypeError(item int, got byte) error {
	return fmt.Errorf("signature: item %d has signature hash type %#02x: want ALL", item, got)
}

func checkScript(script []byte) error {
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		if t.Opcode() == txscript.OP_CODESEPARATOR {
			return errors.New("signature: its script has an OP_CODESEPARATOR")
		}
	}
	return nil // a malformed script is the engine's to refuse
}
