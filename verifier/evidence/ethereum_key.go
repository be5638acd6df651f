package evidence

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/assay-por/assay/verifier/canon"
)

// The magic of wallets' personal messages: a byte that begins no transaction, and words.
const (
	ethereumWords = "\x19Ethereum Signed Message:\n"
	tronWords     = "\x19TRON Signed Message:\n"
)

// personalDigest is what wallets sign for a text (EIP-191), after their words and the text's length.
func personalDigest(words, text string) [32]byte {
	return keccak256([]byte(words+strconv.Itoa(len(text))), []byte(text))
}

// hashedDigest is the same over the hash of the text, in place of the text.
func hashedDigest(words, text string) [32]byte {
	hash := keccak256([]byte(text))
	return personalDigest(words, string(hash[:]))
}

// typedDigest is the digest of EIP-712 for SPEC part 14's one struct.
func typedDigest(text string) [32]byte {
	hash := func(s string) []byte {
		h := keccak256([]byte(s))
		return h[:]
	}
	domain := keccak256(hash("EIP712Domain(string name,string version)"), hash("Assay"), hash("1"))
	control := keccak256(hash("Control(string challenge)"), hash(text))
	return keccak256([]byte{0x19, 0x01}, domain[:], control[:])
}

func verifyEIP191(account, text, signature string) error {
	return verifyEthereum(account, signature, personalDigest(ethereumWords, text))
}

func verifyEIP191Hash(account, text, signature string) error {
	return verifyEthereum(account, signature, hashedDigest(ethereumWords, text))
}

func verifyEIP712(account, text, signature string) error {
	return verifyEthereum(account, signature, typedDigest(text))
}

// verifyEthereum recovers the key of a digest's signature and compares its address with the account's.
func verifyEthereum(account, signature string, digest [32]byte) error {
	want, err := ethereumAddress(account)
	if err != nil {
		return err
	}
	return wantSigner(account, signature, digest, want)
}

// ethereumAddress is the address of an account of the namespace eip155.
func ethereumAddress(account string) (address [20]byte, err error) {
	chain, digits, _ := strings.Cut(account, ":0x")
	number, ours := strings.CutPrefix(chain, "eip155:")
	address, ok := evmAddress("0x" + digits)
	if !ours || !isNumber(number) || !ok {
		return address, &canon.FormatError{Field: "account", Problem: fmt.Sprintf("%q is not eip155:<number>:0x and 40 lower-case hex digits, which this method is for", account)}
	}
	return address, nil
}

// wantSigner refuses a signature by another key than the one whose Ethereum address is given.
func wantSigner(account, signature string, digest [32]byte, want [20]byte) error {
	compact, err := parseRSV(signature)
	if err != nil {
		return err
	}
	got, err := recoverSigner(compact, digest)
	if err != nil {
		return &CheckError{Field: "signature", Problem: "no key is recovered from it", Got: err.Error(), Want: "the key of " + account}
	}
	if got != want {
		return &CheckError{Field: "signature", Problem: "not this account's signature of this text", Got: fmt.Sprintf("the key of 0x%x", got), Want: fmt.Sprintf("the key of 0x%x", want)}
	}
	return nil
}

// recoverSigner is the Ethereum address of the key that signed a digest.
func recoverSigner(compact [65]byte, digest [32]byte) (address [20]byte, err error) {
	key, _, err := ecdsa.RecoverCompact(compact[:], digest[:])
	if err != nil {
		return address, err
	}
	hash := keccak256(key.SerializeUncompressed()[1:])
	return [20]byte(hash[12:]), nil
}

// parseRSV reads `0x` and 65 bytes r, s, v and returns them as v, r, s. Of the two values of s that verify only the
// lower one is taken, so that a signature has one spelling.
func parseRSV(signature string) (compact [65]byte, err error) {
	digits, prefixed := strings.CutPrefix(signature, "0x")
	if !prefixed || len(digits) != 130 {
		return compact, notASignature("want 0x and 130 hex digits, got %d characters", len(signature))
	}
	return parseDigits(digits)
}

// parseDigits reads the 130 digits of r, s and v.
func parseDigits(digits string) (compact [65]byte, err error) {
	raw, ok := decodeHex([]byte(digits))
	if !ok {
		return compact, notASignature("not lower-case hex")
	}
	if v := raw[64]; v != 27 && v != 28 {
		return compact, notASignature("v is %d, want 27 or 28", v)
	}
	if err := checkScalars(raw[:32], raw[32:64]); err != nil {
		return compact, notASignature("%s", err)
	}
	compact[0] = raw[64]
	copy(compact[1:], raw[:64])
	return compact, nil
}

// checkScalars: r and s are of the group, and s is the lower of its two values.
func checkScalars(r, s []byte) error {
	var a, b secp256k1.ModNScalar
	if a.SetByteSlice(r) || a.IsZero() {
		return errors.New("r is 0 or not below the group order")
	}
	if b.SetByteSlice(s) || b.IsZero() {
		return errors.New("s is 0 or not below the group order")
	}
	if b.IsOverHalfOrder() {
		return errors.New("s is in the upper half: want the lower of its two values")
	}
	return nil
}

// notASignature refuses a signature that is not of its method's format.
func notASignature(format string, args ...any) error {
	return &canon.FormatError{Field: "signature", Problem: fmt.Sprintf(format, args...)}
}
