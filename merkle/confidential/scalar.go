package confidential

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// wide turns 512 bits, as a big-endian integer, into a scalar modulo q (SPEC part 29). It holds what 248 bits each, read as they
// are, are to be multiplied with.
type wide [3]fr.Element

func newWide() (w wide) {
	for i := range w {
		w[i].SetBigInt(new(big.Int).Lsh(big.NewInt(1), uint(256+248*i))) //nolint:gosec // i is small
	}
	return w
}

// scalar needs no big integers, since it is called for every row: an element of raw limbs is a Montgomery form still to be multiplied.
func (w *wide) scalar(b *[64]byte) (s fr.Element) {
	for i := range w {
		var limbs fr.Element
		for j := range limbs {
			// Bits 248 i + 64 j and up, 64 of them, or 56 in the last; the number ends at bit 512.
			low := 64 - 31*i - 8*j
			size := min(8, 31-8*j)
			for at := max(0, low-size); at < low; at++ {
				limbs[j] = limbs[j]<<8 | uint64(b[at])
			}
		}
		s.Add(&s, limbs.Mul(&limbs, &w[i]))
	}
	return s
}

// eqTable returns eq(t, x) for all x of len(t) bits, the first variable least significant (SPEC part 29).
func eqTable(t []fr.Element) []fr.Element {
	e := make([]fr.Element, 1, 1<<len(t))
	e[0].SetOne()
	for i := range t {
		e = e[:2<<i]
		for x := range 1 << i {
			e[x|1<<i].Mul(&e[x], &t[i])
			e[x].Sub(&e[x], &e[x|1<<i])
		}
	}
	return e
}

// inner returns the inner product of two vectors of one length.
func inner(a, b []fr.Element) fr.Element {
	v := fr.Vector(a)
	return v.InnerProduct(b)
}

func appendScalars(b []byte, s ...fr.Element) []byte {
	for i := range s {
		e := s[i].Bytes()
		b = append(b, e[:]...)
	}
	return b
}
