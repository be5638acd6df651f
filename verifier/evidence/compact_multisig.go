package evidence

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/assay-por/assay/verifier/canon"
)

// maxRedeemScript is what one push can bring: a longer script of P2SH can never be spent.
const maxRedeemScript = 520

// multisig is a script of k keys out of several.
type multisig struct {
	script   []byte
	required int
	keys     [][]byte // as they stand in the script
}

// verifyCompactMultisig checks signed messages by keys of a script, and that the script is the account's.
func verifyCompactMultisig(account, message, signature string) error {
	net, text, err := accountNetwork(account)
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: err.Error()}
	}
	paid, kind, err := net.script(text)
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: err.Error()}
	}
	if kind != p2sh && kind != p2wsh {
		return &canon.FormatError{Field: "account", Problem: fmt.Sprintf("a multisig script is for P2SH, P2WSH and P2SH-P2WSH, and %q is %s", account, kind)}
	}
	digits, list, two := strings.Cut(signature, ":")
	script, ok := decodeHex([]byte(digits))
	if !two || !ok {
		return notASignature("want lower-case hex of the script, a colon and signatures with commas between")
	}
	m, err := parseMultisig(script)
	if err != nil {
		return notASignature("the script: %s", err)
	}
	if err := m.paidBy(paid); err != nil {
		return &CheckError{Field: "signature", Problem: "the script is not this account's", Got: err.Error(), Want: "the script of " + account}
	}
	signatures := strings.Split(list, ",")
	if len(signatures) > len(m.keys) {
		return notASignature("%d signatures for %d keys", len(signatures), len(m.keys))
	}
	digest := doubleSHA256(compactText(net.message, message))
	next, signed := 0, make(map[string]bool)
	for i, x := range signatures {
		if next, err = m.signer(x, digest, next, signed); err != nil {
			return fmt.Errorf("signature %d of %d: %w", i+1, len(signatures), err)
		}
	}
	if len(signatures) < m.required {
		return &CheckError{Field: "signature", Problem: "fewer keys than the script asks for", Got: fmt.Sprint(len(signatures)), Want: fmt.Sprintf("%d of %d", m.required, len(m.keys))}
	}
	return nil
}

// signer finds the key of a signature in the script, from a place on, and returns the place after it. signed are the keys so far, by
// their compressed form: a script may hold one twice, or in both forms.
func (m *multisig) signer(signature string, digest [32]byte, from int, signed map[string]bool) (next int, err error) {
	raw, err := parseCompact(signature)
	if err != nil {
		return 0, notASignature("%s", err)
	}
	if raw[0] > 34 {
		return 0, notASignature("header %d, want 27 to 30 for an uncompressed key, 31 to 34 for a compressed one", raw[0])
	}
	key, compressed, err := ecdsa.RecoverCompact(raw, digest[:])
	if err != nil {
		return 0, &CheckError{Field: "signature", Problem: "no key is recovered from it", Got: err.Error(), Want: "a key of the script"}
	}
	form, once := key.SerializeUncompressed(), string(key.SerializeCompressed())
	if compressed {
		form = key.SerializeCompressed()
	}
	same := func(k []byte) bool { return bytes.Equal(k, form) }
	at := slices.IndexFunc(m.keys[from:], same)
	switch {
	case signed[once]:
		return 0, &CheckError{Field: "signature", Problem: "one key signed twice", Got: fmt.Sprintf("%x", form), Want: "each key once"}
	case at < 0 && slices.ContainsFunc(m.keys, same):
		return 0, &CheckError{Field: "signature", Problem: "not in the order of the script's keys", Got: fmt.Sprintf("%x", form), Want: fmt.Sprintf("key %d of the script or a later one", from+1)}
	case at < 0:
		return 0, &CheckError{Field: "signature", Problem: "not made over this text by a key of the script", Got: fmt.Sprintf("the key %x", form), Want: "a key of the script, in the form that the header says"}
	}
	signed[once] = true
	return from + at + 1, nil
}

// paidBy refuses a script that the account's output script does not stand for.
func (m *multisig) paidBy(paid []byte) error {
	hash := sha256.Sum256(m.script)
	program := append([]byte{txscript.OP_0, txscript.OP_DATA_32}, hash[:]...)
	switch {
	case bytes.Equal(paid, program), bytes.Equal(paid, payToScript(program)):
		for _, k := range m.keys {
			if len(k) != 33 {
				return errors.New("an uncompressed key, which no witness may hold")
			}
		}
		return nil
	case bytes.Equal(paid, payToScript(m.script)):
		if len(m.script) > maxRedeemScript {
			return fmt.Errorf("%d bytes, more than the %d of a redeem script", len(m.script), maxRedeemScript)
		}
		return nil
	}
	return fmt.Errorf("%d of %d keys", m.required, len(m.keys))
}

func payToScript(script []byte) []byte {
	return append(append([]byte{txscript.OP_HASH160, txscript.OP_DATA_20}, address.Hash160(script)...), txscript.OP_EQUAL)
}

// parseMultisig reads k, the keys, their number and OP_CHECKMULTISIG, each in its one shortest form.
func parseMultisig(script []byte) (*multisig, error) {
	m := &multisig{script: script}
	n := len(script)
	if n < 3 || script[n-1] != txscript.OP_CHECKMULTISIG {
		return nil, errors.New("it does not end with OP_CHECKMULTISIG")
	}
	m.required = smallInteger(script[0])
	for rest := script[1 : n-2]; len(rest) > 0; {
		size := int(rest[0])
		if size != 33 && size != 65 || len(rest) <= size {
			return nil, errors.New("want keys of 33 or 65 bytes between its two numbers")
		}
		key := rest[1 : size+1]
		if size == 33 && key[0] != 2 && key[0] != 3 || size == 65 && key[0] != 4 {
			return nil, fmt.Errorf("a key of %d bytes begins 0x%02x", size, key[0])
		}
		m.keys, rest = append(m.keys, key), rest[size+1:]
	}
	if m.required < 1 || m.required > len(m.keys) || smallInteger(script[n-2]) != len(m.keys) {
		return nil, fmt.Errorf("it says %d of %d, and holds %d keys", m.required, smallInteger(script[n-2]), len(m.keys))
	}
	return m, nil
}

// smallInteger is the value of OP_1 to OP_16, and 0 of any other opcode.
func smallInteger(op byte) int {
	if op < txscript.OP_1 || op > txscript.OP_16 {
		return 0
	}
	return int(op-txscript.OP_1) + 1
}
