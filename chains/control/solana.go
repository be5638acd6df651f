package control

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

const okxWords = "OKX Signed Message:\n"

// verifySolana checks a signature by the key that the address is, over the
// text, or over the text as one exchange's published lists have it.
func verifySolana(address, text, signature string) (Signature, error) {
	key := base58.Decode(address)
	if len(key) != ed25519.PublicKeySize || base58.Encode(key) != address {
		return Signature{}, fmt.Errorf("address %s is none of Solana: want base58 of 32 bytes", address)
	}
	if smallOrder(key) {
		return Signature{}, errSmallOrder
	}
	sig, err := parseEd25519(signature)
	if err != nil {
		return Signature{}, err
	}
	ways := []struct {
		method string
		signed []byte
	}{{Ed25519, []byte(text)}, {Ed25519OKX, okxMessage(text)}}
	for _, w := range ways {
		if ed25519.Verify(key, w.signed, sig) {
			return Signature{Method: w.method, Signature: hex.EncodeToString(sig), Grade: chains.Bound}, nil
		}
	}
	return Signature{}, errors.New("signature is not this account's over this text")
}

var errSmallOrder = errors.New("signature: the account's key is of small order: anybody can sign for it")

// lowOrder are the second coordinates of the curve's points of which eight
// times themselves are nothing, as keys write them; 0 and 1 also as no key
// should write them, with the field's order added.
var lowOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// smallOrder reports whether a signature by the key shows nothing (SPEC part
// 14). The last bit of a key is the sign of its first coordinate.
func smallOrder(key []byte) bool {
	second := bytes.Clone(key)
	second[len(second)-1] &= 0x7f
	return slices.Contains(lowOrder, hex.EncodeToString(second))
}

// parseEd25519 takes 64 bytes in hex, or in base58 or base64 as wallets show
// them.
func parseEd25519(signature string) ([]byte, error) {
	if raw, err := hex.DecodeString(strings.TrimPrefix(signature, "0x")); err == nil && len(raw) == ed25519.SignatureSize {
		return raw, nil
	}
	if len(signature) <= 90 {
		if raw := base58.Decode(signature); len(raw) == ed25519.SignatureSize {
			return raw, nil
		}
		if raw, err := base64.StdEncoding.Strict().DecodeString(signature); err == nil && len(raw) == ed25519.SignatureSize {
			return raw, nil
		}
	}
	return nil, errors.New("signature: want 64 bytes in hex, base58 or base64")
}

func okxMessage(text string) []byte {
	var b bytes.Buffer
	for _, s := range []string{okxWords, text} {
		_ = wire.WriteVarString(&b, 0, s) // a buffer refuses nothing
	}
	return b.Bytes()
}
