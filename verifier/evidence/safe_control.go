package evidence

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const (
	maxOwnerSignatures = 64
	signatureDigits    = 130 // hex digits of r, s and v
	maxContractBytes   = 16_384
)

// verifySafe recovers who signed, and asks for each Safe whether they are its owners and enough of them.
func (c *Control) verifySafe(text string) error {
	signers, err := recoverSigners(c.Signature, personalDigest(ethereumWords, text))
	if err != nil {
		return err
	}
	for _, account := range c.Accounts {
		if _, err := ethereumAddress(account); err != nil {
			return err
		}
		safe, proved := c.Safes[account]
		if !proved {
			return &CheckError{Field: "account", Problem: "its owners are not proved: without them it is a contract like any other", Got: account, Want: "a Safe among those of the chain's evidence"}
		}
		for _, signer := range signers {
			if !slices.Contains(safe.Owners, signer) {
				return &CheckError{Field: "signature", Problem: "a signature that no owner of the Safe made over this text", Got: "the key of " + signer, Want: "an owner of " + account}
			}
		}
		if uint64(len(signers)) < max(safe.Threshold, 1) {
			return &CheckError{Field: "signature", Problem: "fewer owners than the Safe's threshold", Got: fmt.Sprint(len(signers)), Want: fmt.Sprintf("%d owners of %s", safe.Threshold, account)}
		}
	}
	return nil
}

// recoverSigners reads the signatures of several keys, whose addresses ascend: nobody signs twice.
func recoverSigners(signature string, digest [32]byte) (signers []string, err error) {
	digits, prefixed := strings.CutPrefix(signature, "0x")
	if n := len(digits); !prefixed || n == 0 || n%signatureDigits != 0 || n/signatureDigits > maxOwnerSignatures {
		return nil, notASignature("want 0x and 130 hex digits for each of 1 to %d signatures, got %d characters", maxOwnerSignatures, len(signature))
	}
	var last [20]byte
	for i := 0; len(digits) > 0; i++ {
		compact, err := parseDigits(digits[:signatureDigits])
		if err != nil {
			return nil, err
		}
		digits = digits[signatureDigits:]
		signer, err := recoverSigner(compact, digest)
		if err != nil {
			return nil, &CheckError{Field: "signature", Problem: fmt.Sprintf("no key is recovered from number %d", i), Got: err.Error(), Want: "the key of an owner"}
		}
		if i > 0 && bytes.Compare(signer[:], last[:]) <= 0 {
			return nil, &CheckError{Field: "signature", Problem: "the signers do not ascend strictly by address", Got: fmt.Sprintf("0x%x after 0x%x", signer, last), Want: "each owner once"}
		}
		last = signer
		signers = append(signers, fmt.Sprintf("0x%x", signer))
	}
	return signers, nil
}

// checkEIP1271 looks at the form of what nodes say that a contract accepted: nothing else of it can be checked here.
func checkEIP1271(account, _, signature string) error {
	if _, err := ethereumAddress(account); err != nil {
		return err
	}
	digits, prefixed := strings.CutPrefix(signature, "0x")
	if !prefixed || len(digits) > 2*maxContractBytes {
		return notASignature("want 0x and the hex of at most %d bytes, got %d characters", maxContractBytes, len(signature))
	}
	if _, ok := decodeHex([]byte(digits)); !ok {
		return notASignature("not lower-case hex of an even length")
	}
	return nil
}
