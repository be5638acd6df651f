package evidence

import (
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

const tronVersion = 0x41 // of base58check

func verifyTron(account, text, signature string) error {
	return verifyTronKey(account, signature, personalDigest(tronWords, text))
}

func verifyTronV1(account, text, signature string) error {
	return verifyTronKey(account, signature, hashedDigest(tronWords, text))
}

// verifyTronKey: a Tron address is that of Ethereum for the same key, in another spelling.
func verifyTronKey(account, signature string, digest [32]byte) error {
	text, err := addressOf(account, "tron")
	if err != nil {
		return err
	}
	hash, version, err := base58Hash(text)
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: fmt.Sprintf("address %q is not base58check: %s", text, err)}
	}
	if version != tronVersion {
		return &canon.FormatError{Field: "account", Problem: fmt.Sprintf("address %q is of version 0x%02x, want 0x%02x on Tron", text, version, tronVersion)}
	}
	return wantSigner(account, signature, digest, hash)
}

// addressOf cuts the address off an account of a namespace.
func addressOf(account, namespace string) (string, error) {
	rest, ours := strings.CutPrefix(account, namespace+":")
	reference, address, two := strings.Cut(rest, ":")
	if !ours || !two || reference == "" {
		return "", &canon.FormatError{Field: "account", Problem: fmt.Sprintf("%q is not of %s, which this method is for", account, namespace)}
	}
	return address, nil
}
