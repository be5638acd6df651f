package confidential

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// Relation has a factor λ for each asset, in registry order, whose magnitude is below 2^96: the sum of λ times balance is zero in
// every row (SPEC part 29, Transcript and Verifying a proof). So a column can be proved to be what others make it, a margin account's net
// equity above all; that it is a balance proves it to be at least zero.
type Relation []*big.Int

// relation is a Relation as a proof needs it.
type relation struct {
	encoded []byte
	factors []fr.Element
}

// relations checks and encodes relations.
func (p *Parameters) relations(all []Relation) ([]relation, error) {
	out := make([]relation, len(all))
	for u, factors := range all {
		if len(factors) != len(p.assets) {
			return nil, fmt.Errorf("relation #%d has %d factors, want one for each of %d assets", u, len(factors), len(p.assets))
		}
		r := relation{factors: make([]fr.Element, len(factors))}
		for j, n := range factors {
			if n.BitLen() > 96 {
				return nil, fmt.Errorf("relation #%d has a factor of %d bits for asset #%d, want at most 96", u, n.BitLen(), j)
			}
			sign := byte(0)
			if n.Sign() < 0 {
				sign = 1
			}
			var magnitude [12]byte
			r.encoded = append(append(r.encoded, sign), n.FillBytes(magnitude[:])...)
			r.factors[j].SetBigInt(n)
		}
		out[u] = r
	}
	return out, nil
}

func appendRelations(b []byte, all []relation) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(all))) //nolint:gosec // those of a statement, a few
	for _, r := range all {
		b = append(b, r.encoded...)
	}
	return b
}

// related refuses a row that does not satisfy a relation. No sum wraps: it is below 1024 · 2^128 · 2^96.
func (w *work) related(c *chunk) error {
	for u := range w.relations {
		for i := range c.rows() {
			var sum, v fr.Element
			for _, e := range c.row(i) {
				b := e.Amount.Bytes16()
				v.SetBytes(b[:])
				sum.Add(&sum, v.Mul(&v, &w.relations[u].factors[e.Asset]))
			}
			if !sum.IsZero() {
				return fmt.Errorf("row #%d does not satisfy relation #%d", c.first+i, u)
			}
		}
	}
	return nil
}

// of is Σ λ'_c v_c: λ_j times the number whose bits are an asset's columns.
func (r *relation) of(v []fr.Element) (sum fr.Element) {
	for j := range r.factors {
		n := weighted(v[j*width : (j+1)*width])
		sum.Add(&sum, n.Mul(&n, &r.factors[j]))
	}
	return sum
}
