package confidential

import (
	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/merkle"
)

// blockRows is how many rows one batch of additions is over.
const blockRows = batch

// committer commits to rows, a block at a time: every step adds one point to every row (SPEC part 29, Row). It is for one goroutine.
type committer struct {
	p     *Parameters
	adder *adder
	picks []int // indexes into Parameters.bytes, row by row
	ends  []int
}

func newCommitter(p *Parameters) *committer { return &committer{p: p, adder: newAdder()} }

// commit returns the commitments to the rows of c, whose blindings are r.
func (k *committer) commit(c *chunk, r []fr.Element) []grumpkin.G1Affine {
	points := make([]grumpkin.G1Affine, c.rows())
	for start := 0; start < len(points); start += blockRows {
		end := min(start+blockRows, len(points))
		k.blind(points[start:end], r[start:end])
		k.picks, k.ends = k.picks[:0], k.ends[:0]
		for i := start; i < end; i++ {
			for _, e := range c.row(i) {
				for at, v := range amountBytes(e.Amount) {
					if v != 0 {
						k.picks = append(k.picks, tableIndex(int(e.Asset), at, v))
					}
				}
			}
			k.ends = append(k.ends, len(k.picks))
		}
		k.addPicks(points[start:end])
	}
	return points
}

// blind adds r H to each point, one digit of all blindings after the other.
func (k *committer) blind(points []grumpkin.G1Affine, r []fr.Element) {
	var digits [windowCount][blockRows]int32
	for i := range r {
		for w, d := range signedDigits(&r[i]) {
			digits[w][i] = d
		}
	}
	for w := range windowCount {
		for i := range points {
			if d := int(digits[w][i]); d > 0 {
				k.adder.add(&points[i], &k.p.windows[w*windowHalf+d-1])
			} else if d < 0 {
				k.adder.sub(&points[i], &k.p.windows[w*windowHalf-d-1])
			}
		}
		k.adder.flush()
	}
}

// addPicks adds to each row what was picked for it, one of every row at a time.
func (k *committer) addPicks(points []grumpkin.G1Affine) {
	for step, more := 0, true; more; step++ {
		more = false
		start := 0
		for i, end := range k.ends {
			if start+step < end {
				k.adder.add(&points[i], &k.p.bytes[k.picks[start+step]])
				more = true
			}
			start = end
		}
		k.adder.flush()
	}
}

// signedDigits takes a scalar apart: it is Σ d_w 2^(16 w), with −2^15 < d ≤ 2^15.
func signedDigits(s *fr.Element) (d [windowCount]int32) {
	limbs, carry := s.Bits(), int32(0)
	for w := range d {
		d[w] = int32(limbs[w/4]>>(w%4*windowBits)&(1<<windowBits-1)) + carry //nolint:gosec // 16 bits
		if carry = 0; d[w] > windowHalf {
			d[w], carry = d[w]-1<<windowBits, 1
		}
	}
	return d // scalars are below 2^254, so that the last digit carries nothing
}

// amountBytes returns the bytes of a balance, the least significant first.
func amountBytes(a merkle.Amount) (b [bytesWide]byte) {
	for i := range 8 {
		b[i], b[8+i] = byte(a.Lo>>(8*i)), byte(a.Hi>>(8*i))
	}
	return b
}

// subtree returns the top of the tree over a run of leaves (SPEC part 6), its sums added a whole row of nodes at a time.
func (k *committer) subtree(level merkle.Level, identities []merkle.Hash, points []grumpkin.G1Affine) merkle.Node[Point] {
	h := merkle.NewHasher[Point](level)
	row := make([]merkle.Node[Point], len(points))
	for i := range row {
		row[i] = h.Leaf(identities[i], Point{points[i]})
	}
	sums := make([]grumpkin.G1Affine, (len(row)+1)/2)
	for len(row) > 1 {
		pairs := len(row) / 2
		for i := range pairs {
			sums[i] = row[2*i].Sum.at
			k.adder.add(&sums[i], &row[2*i+1].Sum.at)
		}
		k.adder.flush()
		for i := range pairs {
			row[i] = h.Parent(row[2*i], row[2*i+1], Point{sums[i]})
		}
		if len(row)%2 == 1 { // an odd last node rises as it is
			row[pairs] = row[len(row)-1]
			pairs++
		}
		row = row[:pairs]
	}
	return row[0]
}
