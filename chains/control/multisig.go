package control

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/assay-por/assay/chains"
)

const (
	maxMultisigKeys = 16
	maxRedeemKeys   = 15  // as P2SH, SPEC part 14
	maxRedeem       = 520 // bytes that a P2SH script may have to be spendable
)

// verifyMultisig takes the script in hex, a colon, and compact signatures in
// any order.
func verifyMultisig(a address.Address, params *chaincfg.Params, text, signature string) (Signature, error) {
	scriptText, sigText, _ := strings.Cut(signature, ":")
	script, err := hex.DecodeString(strings.TrimSpace(strings.ToLower(scriptText)))
	if err != nil {
		return Signature{}, errors.New("signature: want the script in hex, a colon, and compact signatures joined by commas")
	}
	need, keys, err := parseMultisig(script)
	if err != nil {
		return Signature{}, err
	}
	legacy, err := multisigForm(a, params, script)
	if err != nil {
		return Signature{}, err
	}
	if err := fitsForm(script, keys, legacy); err != nil {
		return Signature{}, err
	}
	parts := strings.FieldsFunc(sigText, separates)
	if len(parts) < need || len(parts) > len(keys) {
		return Signature{}, fmt.Errorf("signature: %d compact signatures, the script asks for %d of %d keys", len(parts), need, len(keys))
	}
	inOrder := make([]string, len(keys))
	for i, part := range parts {
		at, spelt, err := multisigSigner(keys, params, text, part)
		if err != nil {
			return Signature{}, fmt.Errorf("signature %d of %d: %w", i+1, len(parts), err)
		}
		if inOrder[at] != "" {
			return Signature{}, fmt.Errorf("signature %d of %d: key %d of the script signed twice", i+1, len(parts), at+1)
		}
		inOrder[at] = spelt
	}
	given := make([]string, 0, len(parts))
	for _, s := range inOrder {
		if s != "" {
			given = append(given, s)
		}
	}
	return Signature{Method: CompactMultisig, Signature: hex.EncodeToString(script) + ":" + strings.Join(given, ","), Grade: chains.Script}, nil
}

// parseMultisig reads k OP_n-keys OP_n OP_CHECKMULTISIG in its one shortest
// form.
func parseMultisig(script []byte) (need int, keys [][]byte, err error) {
	bad := errors.New("signature: its script is no k-of-n OP_CHECKMULTISIG in its shortest form")
	t := txscript.MakeScriptTokenizer(0, script)
	small := func() int {
		if !t.Next() || t.Opcode() < txscript.OP_1 || t.Opcode() > txscript.OP_16 {
			return 0
		}
		return int(t.Opcode()) - txscript.OP_1 + 1
	}
	if need = small(); need == 0 {
		return 0, nil, bad
	}
	for t.Next() && (t.Opcode() == txscript.OP_DATA_33 || t.Opcode() == txscript.OP_DATA_65) {
		if _, err := btcec.ParsePubKey(t.Data()); err != nil {
			return 0, nil, fmt.Errorf("signature: key %d of its script: %w", len(keys)+1, err)
		}
		keys = append(keys, t.Data())
	}
	// The number of keys is where the loop ended.
	if t.Err() != nil || len(keys) == 0 || len(keys) > maxMultisigKeys || need > len(keys) || int(t.Opcode()) != txscript.OP_1+len(keys)-1 {
		return 0, nil, bad
	}
	if !t.Next() || t.Opcode() != txscript.OP_CHECKMULTISIG || !t.Done() {
		return 0, nil, bad
	}
	return need, keys, nil
}

// multisigForm says whether the account is the script's P2SH; it is P2WSH or
// P2SH of P2WSH if not, or not the script's at all.
func multisigForm(a address.Address, params *chaincfg.Params, script []byte) (legacy bool, err error) {
	program := chainhash.HashB(script)
	witness, err := address.NewAddressWitnessScriptHash(program, params)
	if err != nil {
		return false, err
	}
	plain, err := address.NewAddressScriptHash(script, params)
	if err != nil {
		return false, err
	}
	nested, err := address.NewAddressScriptHash(append([]byte{txscript.OP_0, txscript.OP_DATA_32}, program...), params)
	if err != nil {
		return false, err
	}
	switch a.EncodeAddress() {
	case plain.EncodeAddress():
		return true, nil
	case witness.EncodeAddress(), nested.EncodeAddress():
		return false, nil
	}
	return false, fmt.Errorf("signature: its script is that of %s, %s or %s, not of this account", plain.EncodeAddress(), witness.EncodeAddress(), nested.EncodeAddress())
}

func fitsForm(script []byte, keys [][]byte, legacy bool) error {
	if legacy {
		if len(keys) > maxRedeemKeys || len(script) > maxRedeem {
			return fmt.Errorf("signature: a script of %d keys and %d bytes cannot be spent as P2SH, at most %d keys and %d bytes can", len(keys), len(script), maxRedeemKeys, maxRedeem)
		}
		return nil
	}
	for i, key := range keys {
		if len(key) != btcec.PubKeyBytesLenCompressed {
			return fmt.Errorf("signature: key %d of its script is not compressed, which P2WSH cannot spend", i+1)
		}
	}
	return nil
}

// multisigSigner finds the key of one compact signature in the script, and
// spells the signature with the header for that key.
func multisigSigner(keys [][]byte, params *chaincfg.Params, text, part string) (at int, spelt string, err error) {
	sig, ok := asCompact(part)
	if !ok {
		return 0, "", errors.New("want 65 bytes in base64, the first of them 27 to 42")
	}
	key, err := recoverCompact(sig, params, text)
	if err != nil {
		return 0, "", err
	}
	for i, k := range keys {
		form := byte(1)
		if len(k) != btcec.PubKeyBytesLenCompressed {
			form = 0
		}
		if bytes.Equal(k, key.SerializeCompressed()) || bytes.Equal(k, key.SerializeUncompressed()) {
			header := firstHeader + 4*form + (sig[0]-firstHeader)%4
			return i, base64.StdEncoding.EncodeToString(append([]byte{header}, sig[1:]...)), nil
		}
	}
	return 0, "", fmt.Errorf("it recovers to the key %x, which is none of the script's", key.SerializeCompressed())
}
