package evidence

import (
	"bytes"
	"crypto/sha512"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/assay-por/assay/verifier/canon"
)

// The 58 digits of Bitcoin's addresses and of the XRP Ledger's, from 0 on.
const (
	bitcoinDigits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	rippleDigits  = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
)

const (
	xrplVersion = 0x00 // of base58check
	edwardsMark = 0xed // begins the public keys of Ed25519
)

// verifyXRPL checks a public key and its signature: the address is the key's hash, so the key must come along.
func verifyXRPL(account, text, signature string) error {
	owner, err := xrplHash(account)
	if err != nil {
		return err
	}
	digits, signed, two := strings.Cut(signature, ":")
	key, ok := decodeHex([]byte(digits))
	if !two || !ok || len(key) != 33 {
		return notASignature("want 66 lower-case hex digits of the public key, a colon and a signature")
	}
	if got := address.Hash160(key); !bytes.Equal(got, owner[:]) {
		return &CheckError{Field: "signature", Problem: "the public key is not this account's", Got: fmt.Sprintf("a key of hash %x", got), Want: fmt.Sprintf("%x, which is %s", owner, account)}
	}
	if key[0] == edwardsMark {
		return verifyEdwards(account, key[1:], []byte(text), signed)
	}
	return verifyRippleKey(account, key, text, signed)
}

// verifyRippleKey checks a signature of secp256k1, in DER, over the first half of SHA-512.
func verifyRippleKey(account string, key []byte, text, signature string) error {
	public, err := secp256k1.ParsePubKey(key)
	if err != nil {
		return notASignature("the public key: %s", err)
	}
	raw, ok := decodeHex([]byte(signature))
	if !ok {
		return notASignature("not lower-case hex")
	}
	parsed, err := ecdsa.ParseDERSignature(raw)
	if err != nil {
		return notASignature("not DER in its one form: %s", err)
	}
	if s := parsed.S(); s.IsOverHalfOrder() {
		return notASignature("s is in the upper half: want the lower of its two values")
	}
	if digest := sha512.Sum512([]byte(text)); !parsed.Verify(digest[:32], public) {
		return &CheckError{Field: "signature", Problem: "not this account's signature of this text", Got: "one that does not verify", Want: "the key of " + account}
	}
	return nil
}

// xrplHash is the hash in an account's address.
func xrplHash(account string) (hash [20]byte, err error) {
	text, err := addressOf(account, "xrpl")
	if err != nil {
		return hash, err
	}
	hash, version, err := base58Hash(strings.Map(bitcoinDigit, text))
	if err != nil {
		return hash, &canon.FormatError{Field: "account", Problem: fmt.Sprintf("address %q, read in the ledger's own alphabet: %s", text, err)}
	}
	if version != xrplVersion {
		return hash, &canon.FormatError{Field: "account", Problem: fmt.Sprintf("address %q is of version 0x%02x, want 0x%02x on the XRP Ledger", text, version, xrplVersion)}
	}
	return hash, nil
}

// bitcoinDigit is the digit of the same value in Bitcoin's alphabet; what is no digit stays none.
func bitcoinDigit(r rune) rune {
	if at := strings.IndexRune(rippleDigits, r); at >= 0 {
		return rune(bitcoinDigits[at])
	}
	return '0' // no digit of either
}
