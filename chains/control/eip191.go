package control

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"
)

// eip191Hash is what personal_sign signs (SPEC part 14).
func eip191Hash(text string) []byte {
	return crypto.Keccak256([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(text)) + text))
}

// verifyEIP191 takes r ‖ s ‖ v in hex, v as 27 or 28, or as 0 or 1 as some
// wallets write it.
func verifyEIP191(address, challenge, signature string) (string, error) {
	sig, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	if err != nil || len(sig) != 65 {
		return "", errors.New("signature: want 0x and 130 hex digits, as personal_sign gives them")
	}
	if sig[64] >= 27 {
		sig[64] -= 27
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])
	if !crypto.ValidateSignatureValues(sig[64], r, s, true) {
		return "", errors.New("signature: r, s or v is out of range (s must lie in the lower half)")
	}
	key, err := crypto.SigToPub(eip191Hash(challenge), sig)
	if err != nil {
		return "", fmt.Errorf("signature: no key is recovered from it: %w", err)
	}
	if got := strings.ToLower(crypto.PubkeyToAddress(*key).Hex()); got != address {
		return "", fmt.Errorf("signature is not this account's over this challenge: it recovers to %s", got)
	}
	sig[64] += 27
	return "0x" + hex.EncodeToString(sig), nil
}
