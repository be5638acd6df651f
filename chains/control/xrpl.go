package control

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"github.com/assay-por/assay/chains"
)

// The XRP Ledger's base58 has Bitcoin's digits in another order.
const (
	rippleAlphabet  = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
	bitcoinAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
)

func xrplAddress(key []byte) string {
	return strings.Map(func(r rune) rune {
		return rune(rippleAlphabet[strings.IndexRune(bitcoinAlphabet, r)])
	}, base58.CheckEncode(address.Hash160(key), 0))
}

// verifyXRPL takes the public key, which an address of that ledger does not
// tell, a colon, and the signature, both in hex.
func verifyXRPL(account, text, signature string) (Signature, error) {
	keyText, sigText, ok := strings.Cut(strings.ToLower(signature), ":")
	key, err := hex.DecodeString(strings.TrimSpace(keyText))
	sig, err2 := hex.DecodeString(strings.TrimSpace(sigText))
	if !ok || err != nil || err2 != nil || len(key) != btcec.PubKeyBytesLenCompressed {
		return Signature{}, errors.New("signature: want the public key in 66 hex digits, a colon, and the signature in hex")
	}
	if got := xrplAddress(key); got != account {
		return Signature{}, fmt.Errorf("signature: its public key is that of %s", got)
	}
	switch key[0] {
	case 0xed:
		if smallOrder(key[1:]) {
			return Signature{}, errSmallOrder
		}
		if len(sig) != ed25519.SignatureSize || !ed25519.Verify(key[1:], []byte(text), sig) {
			return Signature{}, errors.New("signature is not this account's over this text")
		}
	case 0x02, 0x03:
		if err := checkRippleECDSA(key, text, sig); err != nil {
			return Signature{}, err
		}
	default:
		return Signature{}, fmt.Errorf("signature: its public key begins %02x, want ed, 02 or 03", key[0])
	}
	return Signature{Method: XRPL, Signature: hex.EncodeToString(key) + ":" + hex.EncodeToString(sig), Grade: chains.Bound}, nil
}

func checkRippleECDSA(key []byte, text string, sig []byte) error {
	public, err := btcec.ParsePubKey(key)
	if err != nil {
		return fmt.Errorf("signature: its public key: %w", err)
	}
	parsed, err := ecdsa.ParseDERSignature(sig)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	// Serialize writes the lower s in the shortest form.
	if !bytes.Equal(parsed.Serialize(), sig) {
		return errors.New("signature: s must lie in the lower half, in the shortest form of DER")
	}
	digest := sha512.Sum512([]byte(text))
	if !parsed.Verify(digest[:32], public) {
		return errors.New("signature is not this account's over this text")
	}
	return nil
}
