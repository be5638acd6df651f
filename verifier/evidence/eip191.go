package evidence

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/assay-por/assay/verifier/canon"
)

// verifyEIP191 recovers the key of a personal message's signature and compares its address with the account's.
func verifyEIP191(account, challenge, signature string) error {
	chain, address, _ := strings.Cut(account, ":0x")
	number, ours := strings.CutPrefix(chain, "eip155:")
	want, ok := evmAddress("0x" + address)
	if !ours || !isNumber(number) || !ok {
		return &canon.FormatError{Field: "account", Problem: fmt.Sprintf("%q is not eip155:<number>:0x and 40 lower-case hex digits, which eip191 is for", account)}
	}
	compact, err := parseEVMSignature(signature)
	if err != nil {
		return err
	}
	digest := keccak256([]byte("\x19Ethereum Signed Message:\n"+strconv.Itoa(len(challenge))), []byte(challenge))
	key, _, err := ecdsa.RecoverCompact(compact[:], digest[:])
	if err != nil {
		return &CheckError{Field: "signature", Problem: "no key is recovered from it", Got: err.Error(), Want: "the key of " + account}
	}
	hash := keccak256(key.SerializeUncompressed()[1:])
	if got := [20]byte(hash[12:]); got != want {
		return &CheckError{Field: "signature", Problem: "not this account's signature of this challenge", Got: fmt.Sprintf("the key of 0x%x", got), Want: fmt.Sprintf("the key of 0x%x", want)}
	}
	return nil
}

// parseEVMSignature reads `0x` and 65 bytes r, s, v and returns them as v, r, s. Of the two values of s that verify only the
// lower one is taken, so that a signature has one spelling.
func parseEVMSignature(signature string) (compact [65]byte, err error) {
	fault := func(format string, args ...any) ([65]byte, error) {
		return compact, &canon.FormatError{Field: "signature", Problem: fmt.Sprintf(format, args...)}
	}
	digits, prefixed := strings.CutPrefix(signature, "0x")
	if !prefixed || len(digits) != 130 {
		return fault("want 0x and 130 hex digits, got %d characters", len(signature))
	}
	raw, ok := decodeHex([]byte(digits))
	if !ok {
		return fault("not lower-case hex")
	}
	if v := raw[64]; v != 27 && v != 28 {
		return fault("v is %d, want 27 or 28", v)
	}
	var r, s secp256k1.ModNScalar
	if r.SetByteSlice(raw[:32]) || r.IsZero() {
		return fault("r is 0 or not below the group order")
	}
	if s.SetByteSlice(raw[32:64]) || s.IsZero() {
		return fault("s is 0 or not below the group order")
	}
	if s.IsOverHalfOrder() {
		return fault("s is in the upper half: want the lower of its two values")
	}
	compact[0] = raw[64]
	copy(compact[1:], raw[:64])
	return compact, nil
}
