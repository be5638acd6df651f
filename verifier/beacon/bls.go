package beacon

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// suite is the ciphersuite of SPEC part 22: public keys in G1, signatures in G2.
const suite = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"

// points are a committee's public keys, decoded and known to be sound.
type points []bls12381.G1Affine

// points decodes the keys: each is of the prime-order subgroup and not infinity, and the aggregate is their sum (SPEC part 22). All
// processors share the keys: finding a point takes a tenth of a millisecond, and there may be 513 committees.
func (c committee) points(field string) (points, error) {
	keys, faults := make(points, committeeSize), make([]error, committeeSize)
	workers := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for first := range workers {
		all.Go(func() {
			for i := first; i < committeeSize; i += workers {
				keys[i], faults[i] = parseKey(c.key(i))
			}
		})
	}
	all.Wait()
	for i, err := range faults {
		if err != nil {
			return nil, &CheckError{Field: fmt.Sprintf("%s.keys[%d]", field, i), Problem: "no public key", Got: err.Error(), Want: "a point of the subgroup, compressed, not infinity"}
		}
	}
	sum := keys.sum(bytes.Repeat([]byte{0xff}, bitsSize))
	if got := sum.Bytes(); !bytes.Equal(got[:], c.aggregate) {
		return nil, &CheckError{Field: field + ".aggregate", Problem: "not the sum of the keys", Got: fmt.Sprintf("%x", c.aggregate), Want: fmt.Sprintf("%x", got)}
	}
	return keys, nil
}

// parseKey decodes a compressed public key. The library checks the encoding, the curve and the subgroup.
func parseKey(raw []byte) (p bls12381.G1Affine, err error) {
	if _, err = p.SetBytes(raw); err != nil {
		return p, err
	}
	if p.IsInfinity() {
		return p, errors.New("the point at infinity")
	}
	return p, nil
}

// sum adds the keys whose bit is set: bit i stands in byte i/8, lowest first.
func (p points) sum(mask []byte) (sum bls12381.G1Affine) {
	var total bls12381.G1Jac // of zeros: infinity
	for i := range p {
		if mask[i/8]>>(i%8)&1 == 1 {
			total.AddMixed(&p[i])
		}
	}
	return *sum.FromJacobian(&total)
}

// signed counts the bits that are set.
func signed(mask []byte) (n int) {
	for _, b := range mask {
		n += bits.OnesCount8(b)
	}
	return n
}

// verify checks one signature of all holders of the summed keys: e(sum, H(message)) = e(generator, signature).
func verify(sum bls12381.G1Affine, message [32]byte, signature []byte) error {
	var point bls12381.G2Affine
	if _, err := point.SetBytes(signature); err != nil {
		return err
	}
	if point.IsInfinity() || sum.IsInfinity() {
		return errors.New("the point at infinity")
	}
	hashed, err := bls12381.HashToG2(message[:], []byte(suite))
	if err != nil {
		return err
	}
	_, _, generator, _ := bls12381.Generators()
	generator.Neg(&generator)
	ok, err := bls12381.PairingCheck([]bls12381.G1Affine{sum, generator}, []bls12381.G2Affine{hashed, point})
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("a signature by other keys, or of something else")
	}
	return nil
}
