package control

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// simplePrefix marks the "simple" variant of BIP-322; older wallets leave it out.
const simplePrefix = "smp"

// verifyBIP322 checks a "simple" signature: the witness that spends a virtual
// transaction which commits to the challenge and pays to the address.
func verifyBIP322(account chains.Account, challenge, signature string) (string, error) {
	script, err := segwitScript(account)
	if err != nil {
		return "", err
	}
	witness, err := decodeWitness(signature)
	if err != nil {
		return "", err
	}
	if err := checkSignatures(script, witness); err != nil {
		return "", err
	}
	toSign := virtualSpend(script, challenge)
	toSign.TxIn[0].Witness = witness
	prevOut := txscript.NewCannedPrevOutputFetcher(script, 0)
	engine, err := txscript.NewEngine(script, toSign, 0, txscript.StandardVerifyFlags, nil,
		txscript.NewTxSigHashes(toSign, prevOut), 0, prevOut)
	if err == nil {
		err = engine.Execute()
	}
	if err != nil {
		return "", fmt.Errorf("signature is not this account's over this challenge: %w", err)
	}
	var b bytes.Buffer
	if err := encodeWitness(&b, witness); err != nil {
		return "", err
	}
	return simplePrefix + base64.StdEncoding.EncodeToString(b.Bytes()), nil
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

// segwitScript returns the output script of an account's address, which must
// be one that "simple" signatures are made for.
func segwitScript(account chains.Account) ([]byte, error) {
	params := network(account.Chain())
	if params == nil {
		return nil, errors.New("its chain is no Bitcoin network that is known here")
	}
	a, err := address.DecodeAddress(account.Address(), params)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	if !a.IsForNet(params) || a.EncodeAddress() != account.Address() {
		return nil, fmt.Errorf("address is not one of %s in its one spelling", params.Name)
	}
	switch a.(type) {
	case *address.AddressWitnessPubKeyHash, *address.AddressWitnessScriptHash, *address.AddressTaproot:
		return txscript.PayToAddrScript(a)
	default:
		return nil, errors.New("only P2WPKH, P2WSH and P2TR addresses can sign: move the coins to one, or report them without control")
	}
}

func network(chain chains.Chain) *chaincfg.Params {
	for _, p := range []*chaincfg.Params{&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.RegressionNetParams, &chaincfg.SimNetParams} {
		if p.GenesisHash.String()[:32] == chain.Reference() {
			return p
		}
	}
	return nil
}

// decodeWitness reads `smp` ‖ base64 of a witness stack, or the base64 alone.
func decodeWitness(signature string) (wire.TxWitness, error) {
	for _, other := range []string{"ful", "pof"} {
		if strings.HasPrefix(signature, other) {
			return nil, fmt.Errorf("signature is of BIP-322's variant %q: want the simple one, %q", other, simplePrefix)
		}
	}
	const most = 64 << 10
	if len(signature) > most {
		return nil, fmt.Errorf("signature is longer than %d characters", most)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(signature, simplePrefix))
	if err != nil {
		return nil, fmt.Errorf("signature: want %s and base64: %w", simplePrefix, err)
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

// checkSignatures enforces what the script engine leaves open: signatures
// commit to the whole transaction, and no script changes what they commit to.
func checkSignatures(script []byte, witness wire.TxWitness) error {
	items := witness
	switch {
	case txscript.IsPayToTaproot(script):
		if last := witness[len(witness)-1]; len(witness) > 1 && len(last) > 0 && last[0] == txscript.TaprootAnnexTag {
			return errors.New("signature: its witness has an annex")
		}
		if len(witness) > 1 {
			items = witness[:len(witness)-2]
			if err := checkScript(witness[len(witness)-2]); err != nil {
				return err
			}
		}
		for i, item := range items {
			if len(item) == 65 && item[64] != byte(txscript.SigHashAll) {
				return hashTypeError(i, item[64])
			}
		}
		return nil
	case txscript.IsPayToWitnessScriptHash(script):
		items = witness[:len(witness)-1]
		if err := checkScript(witness[len(witness)-1]); err != nil {
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

func hashTypeError(item int, got byte) error {
	return fmt.Errorf("signature: witness item %d has signature hash type %#02x: want ALL", item, got)
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
