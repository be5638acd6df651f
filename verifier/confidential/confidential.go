// Package confidential checks the proofs of the confidential tree (SPEC part 29): that every balance which a shard's rows commit to is
// one of 0 … 2^128-1, and that their sum opens to the shard's total row, or the total rows' to the stated totals.
//
//	parameters, err := confidential.New(assets)      // generators, made by hashing: dear, and the same for all proofs
//	err = parameters.Check(claim, proof, rows)       // what is proved, the proof's file, the rows again
//
// A claim says all that the proof is about, and comes from the statement, the shard list and the recomputed tree, never from the proof.
// The rows are summed with random weights in pieces, so that memory does not grow with their number.
package confidential

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"

	"github.com/assay-por/assay/verifier/tree"
)

// Limits of SPEC parts 18 and 29.
const (
	width       = 128 // bits of a balance
	bitVars     = 7   // 2^bitVars = width
	maxAssets   = 1024
	maxName     = 32 + len("debit:") // SPEC part 30
	maxRows     = 1<<31 - 1
	maxProof    = 16 << 20
	totalBits   = 200
	lambdaBits  = 96
	lambdaBytes = lambdaBits / 8
)

// Level says what the rows are (SPEC part 29).
type Level byte

// Levels: customers of one shard, or the total rows of all shards.
const (
	Shard Level = 0
	Top   Level = 1
)

// Claim is what a proof is about (SPEC part 29, "Transcript").
type Claim struct {
	Level     Level
	Snapshot  tree.Hash
	Index     uint32       // of the shard; 0 at the top
	Relations [][]*big.Int // each one number an asset, below 2^96 in magnitude: products with them are zero in every row
	Rows      uint64
	Root      tree.Hash   // of the shard's tree, or the top's
	Sum       tree.Point  // of all rows
	Total     tree.Point  // of a shard: its total row
	Totals    []*big.Int  // of the top: base units of each asset, below 2^200
	Surplus   *tree.Point // of the top, where totals are hidden: a row outside the tree, which makes up what is not owed of Totals
}

// check refuses a claim that SPEC part 29 allows nobody to make.
func (c *Claim) check(assets int) error {
	if c.Rows == 0 || c.Rows > maxRows {
		return fmt.Errorf("%d rows, want 1 to %d", c.Rows, maxRows)
	}
	for u, relation := range c.Relations {
		if len(relation) != assets {
			return fmt.Errorf("relation #%d has %d numbers, the registry %d assets", u, len(relation), assets)
		}
		for j, lambda := range relation {
			if lambda.BitLen() > lambdaBits {
				return fmt.Errorf("relation #%d, asset #%d: 2^%d or more in magnitude", u, j, lambdaBits)
			}
		}
	}
	if c.Level == Shard {
		if c.Total.IsIdentity() {
			return errors.New("the total row is the identity")
		}
		if c.Surplus != nil {
			return errors.New("a shard has no surplus")
		}
		return nil
	}
	if len(c.Relations) != 0 || c.Index != 0 {
		return errors.New("the top has no relations, and is no shard")
	}
	if c.Surplus != nil && c.Surplus.IsIdentity() {
		return errors.New("the surplus is the identity")
	}
	if len(c.Totals) != assets {
		return fmt.Errorf("%d totals, the registry has %d assets", len(c.Totals), assets)
	}
	for j, total := range c.Totals {
		if total.Sign() < 0 || total.BitLen() > totalBits {
			return fmt.Errorf("total of asset #%d: below zero, or 2^%d or more", j, totalBits)
		}
	}
	return nil
}

// rowVars is the number of variables that count the rows, and the surplus as one more: the least k with 2^k at least that.
func (c *Claim) rowVars() int {
	if c.Surplus != nil {
		return bits.Len64(c.Rows)
	}
	return bits.Len64(c.Rows - 1)
}

// Rows gives all rows of a claim in order, in pieces. It is asked once a proof; a piece is read before take returns.
type Rows func(take func([]grumpkin.G1Affine) error) error
