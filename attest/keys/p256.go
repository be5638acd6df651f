package keys

import (
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"

	"github.com/assay-por/assay/attest"
)

// lowS returns a P-256 signature r ‖ s with s at most half the group order (SPEC part
// 10): of s and order − s, which are both right, the smaller one.
func lowS(sig []byte) ([]byte, error) {
	if len(sig) != attest.SignatureSize {
		return nil, errors.New("a P-256 signature that is not of 64 bytes")
	}
	order := elliptic.P256().Params().N
	s := new(big.Int).SetBytes(sig[32:])
	if s.Cmp(order) >= 0 {
		return nil, errors.New("a P-256 signature whose s is not below the group order")
	}
	if other := new(big.Int).Sub(order, s); other.Cmp(s) < 0 {
		s = other
	}
	out := make([]byte, attest.SignatureSize)
	copy(out, sig[:32])
	s.FillBytes(out[32:])
	return out, nil
}

// fromDER spells the signature of [crypto.Signer] as an envelope stores it (SPEC part 10).
func fromDER(der []byte) ([]byte, error) {
	var n struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &n); err != nil || len(rest) > 0 {
		return nil, errors.New("a P-256 signature that is no pair of numbers")
	}
	sig := make([]byte, attest.SignatureSize)
	n.R.FillBytes(sig[:32])
	n.S.FillBytes(sig[32:])
	return lowS(sig)
}
