package evidence

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/assay-por/assay/verifier/canon"
)

// compactForm is one way to make an address of a key, and the first of the four headers that say so.
type compactForm struct {
	name   string
	header byte
	script func(key *secp256k1.PublicKey) []byte
}

// compactForms are the four forms of SPEC part 14, in the order of their headers.
func compactForms() []compactForm {
	return []compactForm{
		{"P2PKH of the uncompressed key", 27, func(key *secp256k1.PublicKey) []byte { return payToKeyHash(key.SerializeUncompressed()) }},
		{"P2PKH of the compressed key", 31, func(key *secp256k1.PublicKey) []byte { return payToKeyHash(key.SerializeCompressed()) }},
		{"P2SH of P2WPKH", 35, func(key *secp256k1.PublicKey) []byte {
			return append(append([]byte{0xa9, 0x14}, address.Hash160(payToWitnessKeyHash(key))...), 0x87)
		}},
		{"P2WPKH", 39, payToWitnessKeyHash},
	}
}

func payToKeyHash(key []byte) []byte {
	return append(append([]byte{0x76, 0xa9, 0x14}, address.Hash160(key)...), 0x88, 0xac)
}

func payToWitnessKeyHash(key *secp256k1.PublicKey) []byte {
	return append([]byte{0x00, 0x14}, address.Hash160(key.SerializeCompressed())...)
}

// verifyCompact recovers the key of a signed message, makes every kind of address of it that the method knows, and takes the
// one that the header names.
func verifyCompact(account, message, signature string) error {
	net, text, err := accountNetwork(account)
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: err.Error()}
	}
	script, kind, err := net.script(text)
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: err.Error()}
	}
	if kind == p2wsh || kind == p2tr {
		return &canon.FormatError{Field: "account", Problem: fmt.Sprintf("a compact signature is for P2PKH, P2SH-P2WPKH and P2WPKH, and %q is %s", account, kind)}
	}
	raw, err := parseCompact(signature)
	if err != nil {
		return &canon.FormatError{Field: "signature", Problem: err.Error()}
	}
	said := (raw[0] - 27) / 4
	raw[0] = 27 + (raw[0]-27)%4
	digest := doubleSHA256(compactText(net.message, message))
	key, _, err := ecdsa.RecoverCompact(raw, digest[:])
	if err != nil {
		return &CheckError{Field: "signature", Problem: "no key is recovered from it", Got: err.Error(), Want: "the key of " + account}
	}
	forms := compactForms()
	for i, form := range forms {
		if !bytes.Equal(form.script(key), script) {
			continue
		}
		if i != int(said) {
			return &CheckError{Field: "signature", Problem: "the account's key, and a header for another kind of address",
				Got: forms[said].name, Want: fmt.Sprintf("%s, header %d to %d", form.name, form.header, form.header+3)}
		}
		return nil
	}
	return &CheckError{Field: "signature", Problem: "not this account's signature of this text",
		Got: fmt.Sprintf("the key %x", key.SerializeCompressed()), Want: "the key of " + account}
}

// compactText is what is hashed twice: the words that mark a message, and the message, each with its length.
func compactText(magic, message string) []byte {
	text := append([]byte{byte(len(magic))}, magic...)
	switch n := uint64(len(message)); {
	case n < 0xfd:
		text = append(text, byte(n))
	case n <= 0xffff:
		text = binary.LittleEndian.AppendUint16(append(text, 0xfd), uint16(n))
	case n <= 0xffffffff:
		text = binary.LittleEndian.AppendUint32(append(text, 0xfe), uint32(n))
	default:
		text = binary.LittleEndian.AppendUint64(append(text, 0xff), n)
	}
	return append(text, message...)
}

// parseCompact reads header, r and s. Of the two values of s that verify only the lower one is taken.
func parseCompact(signature string) ([]byte, error) {
	if len(signature) != 88 {
		return nil, fmt.Errorf("want 88 characters of base64, got %d", len(signature))
	}
	raw, err := decodeBase64(signature)
	if err != nil {
		return nil, err
	}
	if len(raw) != 65 {
		return nil, fmt.Errorf("want 65 bytes, got %d", len(raw))
	}
	if raw[0] < 27 || raw[0] > 42 {
		return nil, fmt.Errorf("header %d, want 27 to 42", raw[0])
	}
	if err := checkScalars(raw[1:33], raw[33:]); err != nil {
		return nil, err
	}
	return raw, nil
}
