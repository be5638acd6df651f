package evidence

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"

	"github.com/btcsuite/btcd/address/v2/base58"

	"github.com/assay-por/assay/verifier/canon"
)

const okxWords = "OKX Signed Message:\n"

func verifyEd25519(account, text, signature string) error {
	return verifySolana(account, signature, []byte(text))
}

// verifyEd25519OKX checks what the lists of OKX hold: words and the text, each with its length.
func verifyEd25519OKX(account, text, signature string) error {
	return verifySolana(account, signature, compactText(okxWords, text))
}

// verifySolana: a Solana address is the key itself.
func verifySolana(account, signature string, signed []byte) error {
	text, err := addressOf(account, "solana")
	if err != nil {
		return err
	}
	key := base58.Decode(text)
	if len(key) != ed25519.PublicKeySize || base58.Encode(key) != text {
		return &canon.FormatError{Field: "account", Problem: fmt.Sprintf("address %q is not base58 of 32 bytes", text)}
	}
	return verifyEdwards(account, key, signed, signature)
}

// verifyEdwards checks 128 hex digits of Ed25519 (RFC 8032). A key of small order is nobody's: one signature fits every text, or
// every eighth.
func verifyEdwards(account string, key, signed []byte, signature string) error {
	raw, ok := decodeHex([]byte(signature))
	if !ok || len(raw) != ed25519.SignatureSize {
		return notASignature("want 128 lower-case hex digits, got %d characters", len(signature))
	}
	if isSmallOrder([32]byte(key)) {
		return &canon.FormatError{Field: "account", Problem: "its key is of small order: everybody can sign for it"}
	}
	if !ed25519.Verify(key, signed, raw) {
		return &CheckError{Field: "signature", Problem: "not this account's signature of this text", Got: "one that does not verify", Want: "the key of " + account}
	}
	return nil
}

// isSmallOrder: the point is one of the eight of the curve's torsion group, in any of their spellings. The sign of x aside, they have
// five values of y, two of which can also be written above the field's order.
func isSmallOrder(key [32]byte) bool {
	key[31] &= 0x7f
	switch hex.EncodeToString(key[:]) {
	case "0000000000000000000000000000000000000000000000000000000000000000", // order 4
		"0100000000000000000000000000000000000000000000000000000000000000", // order 1
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 4, above the field's order
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f": // order 1, above the field's order
		return true
	}
	return false
}
