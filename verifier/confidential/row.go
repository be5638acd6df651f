package confidential

import (
	"errors"
	"math/big"
	"runtime"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
	"golang.org/x/sync/errgroup"

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
	h, err := hashToCurve(nil, tagBlinding)
	if err != nil {
		return tree.Point{}, err
	}
	parts := make([]grumpkin.G1Jac, len(balances))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, b := range balances {
		group.Go(func() error {
			for bit := range width {
				if b.Amount[len(b.Amount)-1-bit/8]>>(bit%8)&1 == 0 {
					continue
				}
				g, err := generator(b.Asset, bit)
				if err != nil {
					return err
				}
				parts[i].AddMixed(&g)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return tree.Point{}, err
	}
	var sum grumpkin.G1Jac
	sum.FromAffine(&h)
	sum.ScalarMultiplication(&sum, r.BigInt(new(big.Int)))
	for i := range parts {
		sum.AddAssign(&parts[i])
	}
	var row grumpkin.G1Affine
	return tree.PointOf(*row.FromJacobian(&sum)), nil
}
