package beacon

import (
	"errors"
	"fmt"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// The suite of SPEC part 22 for hashing to the curve.
var suite = []byte("BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_")

// A signers is a committee whose keys were looked at.
type signers struct {
	keys [committeeSize]bls.G1Affine
}

// open decodes a committee's keys: each a point of the prime-order subgroup and
// none the one at infinity, and the aggregate their sum (SPEC part 22).
func (c *committee) open() (*signers, error) {
	s := new(signers)
	var sum bls.G1Jac
	for i := range c.keys {
		// SetBytes takes one spelling of a point, and only points of the subgroup.
		if _, err := s.keys[i].SetBytes(c.keys[i][:]); err != nil || s.keys[i].IsInfinity() {
			return nil, fmt.Errorf("key #%d of the committee is no point of the group", i+1)
		}
		sum.AddMixed(&s.keys[i])
	}
	var all bls.G1Affine
	all.FromJacobian(&sum)
	if all.Bytes() != c.aggregate {
		return nil, errors.New("the committee's aggregate is not the sum of its keys")
	}
	return s, nil
}

// signed reports how many members signed.
func signed(bits [64]byte) int {
	n := 0
	for i := range committeeSize {
		if isSet(bits, i) {
			n++
		}
	}
	return n
}

func isSet(bits [64]byte, i int) bool { return bits[i/8]>>(i%8)&1 == 1 }

// verify checks the signature of those whose bit is set (SPEC part 22).
func (s *signers) verify(bits [64]byte, message root, signature [96]byte) error {
	var sum bls.G1Jac
	for i := range s.keys {
		if isSet(bits, i) {
			sum.AddMixed(&s.keys[i])
		}
	}
	var key, generator bls.G1Affine
	key.FromJacobian(&sum)
	if key.IsInfinity() {
		return errors.New("the signers' keys add up to nothing")
	}
	var point bls.G2Affine
	if _, err := point.SetBytes(signature[:]); err != nil || point.IsInfinity() {
		return errors.New("the signature is no point of the group")
	}
	hashed, err := bls.HashToG2(message[:], suite)
	if err != nil {
		return err
	}
	_, _, generator, _ = bls.Generators()
	generator.Neg(&generator)
	ok, err := bls.PairingCheck([]bls.G1Affine{key, generator}, []bls.G2Affine{hashed, point})
	if err != nil || !ok {
		return errors.New("the signature is not that of the committee's members whose bit is set")
	}
	return nil
}
