package confidential

import (
	"errors"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/tree"
)

// Balance is an amount of an asset: 16 bytes, big-endian.
type Balance struct {
	Asset  string
	Amount [width / 8]byte
}

// Row is the commitment to one customer's balances, no asset twice (SPEC part 29, "Row"). It makes no other generators than it needs.
func Row(balances []Balance, blinding [fr.Bytes]byte) (tree.Point, error) {
	var r fr.Element
	if r.SetBytesCanonical(blinding[:]) != nil {
		return tree.Point{}, errors.New("a blinding that is not below the group order")
	}
	h, err := onePoint(tagBlinding)
	if err != nil {
		return tree.Point{}, err
	}
	var messages [][]byte
	for _, b := range balances {
		for bit := range width {
			if b.Amount[len(b.Amount)-1-bit/8]>>(bit%8)&1 == 1 {
				messages = append(messages, message(b.Asset, bit))
			}
		}
	}
	points, err := hashToCurve(tagGenerator, messages...)
	if err != nil {
		return tree.Point{}, err
	}
	var sum grumpkin.G1Jac
	sum.FromAffine(&h)
	sum.ScalarMultiplication(&sum, r.BigInt(new(big.Int)))
	for i := range points {
		sum.AddMixed(&points[i])
	}
	var row grumpkin.G1Affine
	return tree.PointOf(*row.FromJacobian(&sum)), nil
}
