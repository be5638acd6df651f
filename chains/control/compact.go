package control

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// A compact signature is 65 bytes: a header, r and s. The header, less 27, is
// four times the form of the address and which of four keys is meant.
const (
	compactSize = 65
	firstHeader = 27
	lastHeader  = 42
)

var formNames = [...]string{"P2PKH of the uncompressed key", "P2PKH of the compressed key", "P2SH of P2WPKH", "P2WPKH"}

// compressedForm is what Electrum writes for every address of a compressed key.
const compressedForm = 1

// asCompact tells a compact signature from a witness stack without prefix.
func asCompact(signature string) ([]byte, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(signature)
	return raw, err == nil && len(raw) == compactSize && raw[0] >= firstHeader && raw[0] <= lastHeader
}

// verifyCompact recovers the key of a signed message and compares the
// addresses of every form with the account's. The header of the form that it
// has is written into the normalized signature.
func verifyCompact(a address.Address, params *chaincfg.Params, text string, sig []byte) (Signature, error) {
	switch a.(type) {
	case *address.AddressWitnessScriptHash, *address.AddressTaproot:
		return Signature{}, errors.New("P2WSH and P2TR addresses have no compact signatures: sign with BIP-322, or for a multisig script give it before a colon")
	}
	key, err := recoverCompact(sig, params, text)
	if err != nil {
		return Signature{}, err
	}
	form, err := formOf(a, key, params)
	if err != nil {
		return Signature{}, err
	}
	said, which := (sig[0]-firstHeader)/4, (sig[0]-firstHeader)%4
	if said != form && (said != compressedForm || form < compressedForm) {
		return Signature{}, fmt.Errorf("signature is by the account's key, but its header %d says %s and the account is %s: sign again for this address", sig[0], formNames[said], formNames[form])
	}
	spelt := base64.StdEncoding.EncodeToString(append([]byte{firstHeader + 4*form + which}, sig[1:]...))
	return Signature{Method: Compact, Signature: spelt, Grade: chains.Bound}, nil
}

// recoverCompact recovers the key of a signed message.
func recoverCompact(sig []byte, params *chaincfg.Params, text string) (*btcec.PublicKey, error) {
	var r, s btcec.ModNScalar
	if r.SetByteSlice(sig[1:33]) || s.SetByteSlice(sig[33:]) || r.IsZero() || s.IsZero() || s.IsOverHalfOrder() {
		return nil, errors.New("signature: r or s is out of range (s must lie in the lower half)")
	}
	which := (sig[0] - firstHeader) % 4
	key, _, err := ecdsa.RecoverCompact(append([]byte{firstHeader + which}, sig[1:]...), messageHash(messageMagic(params), text))
	if err != nil {
		return nil, fmt.Errorf("signature: no key is recovered from it: %w", err)
	}
	return key, nil
}

func messageHash(magic, text string) []byte {
	var b bytes.Buffer
	for _, s := range []string{magic, text} {
		_ = wire.WriteVarString(&b, 0, s) // a buffer refuses nothing
	}
	return chainhash.DoubleHashB(b.Bytes())
}

// formOf says which address of a key the account's is.
func formOf(a address.Address, key *btcec.PublicKey, params *chaincfg.Params) (form byte, err error) {
	compressed := address.Hash160(key.SerializeCompressed())
	uncompressed, err := address.NewAddressPubKeyHash(address.Hash160(key.SerializeUncompressed()), params)
	if err != nil {
		return 0, err
	}
	legacy, err := address.NewAddressPubKeyHash(compressed, params)
	if err != nil {
		return 0, err
	}
	segwit, err := address.NewAddressWitnessPubKeyHash(compressed, params)
	if err != nil {
		return 0, err
	}
	redeem, err := txscript.PayToAddrScript(segwit)
	if err != nil {
		return 0, err
	}
	nested, err := address.NewAddressScriptHash(redeem, params)
	if err != nil {
		return 0, err
	}
	for form, candidate := range []address.Address{uncompressed, legacy, nested, segwit} {
		if candidate.EncodeAddress() == a.EncodeAddress() {
			return byte(form), nil
		}
	}
	return 0, fmt.Errorf("signature is not this account's over this text: it recovers to the key of %s, in none of its forms the account's address", legacy.EncodeAddress())
}
