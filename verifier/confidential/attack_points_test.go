package confidential

import (
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
	"github.com/assay-por/assay/verifier/tree"
)

// Points that are none, in each place of a proof, and scalars of two spellings.
func TestZ14_BadPointsAndScalars(t *testing.T) {
	p, _ := parameters(t, 1)
	v := newProver(t, Shard, amounts(2, 9))
	good, rows := v.Prove(), given(v.Rows())
	points := 2*(bitVars+1) + 5
	spoil := func(at int, with []byte) error {
		bad := slices.Clone(good)
		copy(bad[at:], with)
		return p.Check(claimed(v), bad, rows, 1)
	}
	prime := big.NewInt(0)
	prime.SetString("21888242871839275222246405745257275088548364400416034343698204186575808495617", 10)
	for i := range points {
		at := len(proofMagic) + i*tree.PointSize
		refused(t, spoil(at, make([]byte, tree.PointSize)), "the identity, where only a point may stand")
		off := slices.Clone(good[at : at+tree.PointSize])
		off[tree.PointSize-1] ^= 1
		refused(t, spoil(at, off), "not a point")
		for _, half := range []int{0, 32} {
			again := slices.Clone(good[at : at+tree.PointSize])
			x := new(big.Int).SetBytes(again[half : half+32])
			x.Add(x, prime).FillBytes(again[half : half+32])
			refused(t, spoil(at, again), "not a point")
		}
	}
	for i := range 2*width + 1 + 4 {
		at := len(proofMagic) + points*tree.PointSize + i*fr.Bytes
		x := new(big.Int).SetBytes(good[at : at+fr.Bytes])
		refused(t, spoil(at, x.Add(x, fr.Modulus()).FillBytes(make([]byte, fr.Bytes))), "not below the group order")
	}
	refused(t, p.Check(claimed(v), append(slices.Clone(good), 0), rows, 1), "bytes, a proof over these rows")
	refused(t, p.Check(claimed(v), good[:len(good)-1], rows, 1), "bytes, a proof over these rows")
	refused(t, p.Check(claimed(v), good[:20], rows, 1), "does not begin with")
	refused(t, p.Check(claimed(v), slices.Concat([]byte("assay/v2/confidential-proof\n"), good[len(proofMagic):]), rows, 1), "assay/v2")
	refused(t, p.Check(claimed(v), make([]byte, maxProof+1), rows, 1), "the limit is")
}

// One bit of any point or scalar that a true proof holds is enough to refuse it.
func TestZ14_EveryPartOfAProofCounts(t *testing.T) {
	p, _ := parameters(t, 1)
	v := newProver(t, Shard, amounts(2, 9))
	good, rows := v.Prove(), given(v.Rows())
	points := 2*(bitVars+1) + 5
	for i := range points {
		at := len(proofMagic) + i*tree.PointSize
		other, err := tree.ParsePoint(good[at : at+tree.PointSize])
		if err != nil {
			t.Fatal(err)
		}
		affine := other.Affine()
		negative := confidentialtest.Encode(*affine.Neg(&affine))
		bad := slices.Clone(good)
		copy(bad[at:], negative)
		refused(t, p.Check(claimed(v), bad, rows, 1), notTrue)
	}
	for i := range 2*width + 1 + 4 {
		at := len(proofMagic) + points*tree.PointSize + i*fr.Bytes
		bad := slices.Clone(good)
		bad[at+fr.Bytes-1] ^= 1
		refused(t, p.Check(claimed(v), bad, rows, 1), notTrue)
	}
}
