package confidential

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
	"golang.org/x/sync/errgroup"
)

// hashedAtOnce is how many messages one core hashes at a time: enough for whole vectors.
const hashedAtOnce = 64

// hashToCurve is hash_to_curve of RFC 9380 (SPEC part 29) for many messages, on all cores. The points are those of grumpkin.HashToG1. One at
// a time takes twice as long: here inversions are shared, and roots are taken of whole vectors.
func hashToCurve(tag string, messages ...[]byte) ([]grumpkin.G1Affine, error) {
	points, m := make([]grumpkin.G1Affine, len(messages)), newMapping()
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(messages); from += hashedAtOnce {
		group.Go(func() error {
			part := messages[from:min(from+hashedAtOnce, len(messages))]
			var u []fp.Element
			for _, message := range part {
				pair, err := fp.Hash(message, []byte(tag), 2)
				if err != nil {
					return fmt.Errorf("hash to curve: %w", err)
				}
				u = append(u, pair...)
			}
			mapped, sums := m.points(u), make([]grumpkin.G1Jac, len(part))
			for i := range sums {
				sums[i].FromAffine(&mapped[2*i])
				sums[i].AddMixed(&mapped[2*i+1])
			}
			copy(points[from:], grumpkin.BatchJacobianToAffineG1(sums))
			return nil
		})
	}
	return points, group.Wait()
}

// mapping is the map of Shallue and van de Woestijne with Z = 1 (RFC 9380, part 6.6.1), which takes numbers to points: its constants.
type mapping struct {
	c1, c2, c3, c4, z, b fp.Element
	roots                *roots
}

func newMapping() *mapping {
	m := &mapping{roots: newRoots()}
	m.z.SetOne()
	m.b.SetInt64(-17)
	m.c1 = m.curve(&m.z)
	half := new(fp.Element).SetUint64(2)
	m.c2.Div(&m.z, half)
	m.c2.Neg(&m.c2)
	three := new(fp.Element).SetUint64(3) // 3Z² + 4A
	m.c3.Mul(&m.c1, three)
	m.c3.Neg(&m.c3)
	m.c3.Sqrt(&m.c3)
	if odd(&m.c3) {
		m.c3.Neg(&m.c3)
	}
	m.c4.Div(new(fp.Element).SetInt64(-4), three)
	m.c4.Mul(&m.c4, &m.c1)
	return m
}

// curve is g(x) = x³ - 17, which is never zero: the group's order is odd.
func (m *mapping) curve(x *fp.Element) (g fp.Element) {
	g.Square(x)
	g.Mul(&g, x)
	g.Add(&g, &m.b)
	return g
}

func odd(x *fp.Element) bool { return x.Bits()[0]&1 == 1 }

// points maps numbers. Each has three candidates for x, of which the first whose g(x) is a square is taken.
func (m *mapping) points(u []fp.Element) []grumpkin.G1Affine {
	out, candidates := make([]grumpkin.G1Affine, len(u)), m.candidates(u)
	waiting := make([]int, len(u))
	for i := range waiting {
		waiting[i] = i
	}
	for n := 0; len(waiting) > 0; n++ {
		g := make(fp.Vector, len(waiting))
		for k, i := range waiting {
			g[k] = m.curve(&candidates[i][n])
		}
		y, square := m.roots.of(g)
		var others []int
		for k, i := range waiting {
			if !square[k] {
				others = append(others, i)
				continue
			}
			if odd(&u[i]) != odd(&y[k]) {
				y[k].Neg(&y[k])
			}
			out[i] = grumpkin.G1Affine{X: candidates[i][n], Y: y[k]}
		}
		waiting = others
	}
	return out
}

func (m *mapping) candidates(u []fp.Element) [][3]fp.Element {
	plus, minus, product := make([]fp.Element, len(u)), make([]fp.Element, len(u)), make([]fp.Element, len(u))
	one := fp.One()
	for i := range u {
		var t fp.Element
		t.Square(&u[i])
		t.Mul(&t, &m.c1)
		plus[i].Add(&one, &t)
		minus[i].Sub(&one, &t)
		product[i].Mul(&plus[i], &minus[i])
	}
	out := make([][3]fp.Element, len(u))
	for i, inverse := range fp.BatchInvert(product) { // of zero: zero
		var t fp.Element
		t.Mul(&u[i], &minus[i])
		t.Mul(&t, &inverse)
		t.Mul(&t, &m.c3)
		out[i][0].Sub(&m.c2, &t)
		out[i][1].Add(&m.c2, &t)
		t.Square(&plus[i])
		t.Mul(&t, &inverse)
		t.Square(&t)
		t.Mul(&t, &m.c4)
		out[i][2].Add(&t, &m.z)
	}
	return out
}

// Numbers whose order is a power of two form a group of 2^28, which roots are found in by four digits of seven bits.
const (
	digits    = 4
	digitBits = 7
	base      = 1 << digitBits
)

// roots takes square roots of whole vectors (Sarkar's method): a power of each, and a logarithm in the group of 2^28, by tables.
type roots struct {
	exponent []bool                   // (s - 1) / 2 in bits, the highest first, where p - 1 = 2^28 s
	powers   [digits][base]fp.Element // g^(-d base^i), of a generator g of the group
	digit    map[fp.Element]uint64    // of g^(d base^3)
}

func newRoots() *roots {
	s := fp.Modulus()
	s.Rsh(s, digits*digitBits) // p - 1 = 2^28 s
	r := &roots{digit: make(map[fp.Element]uint64, base)}
	for i := s.BitLen() - 1; i > 0; i-- {
		r.exponent = append(r.exponent, s.Bit(i) == 1)
	}
	g := fp.NewElement(2)
	for one := fp.One(); g.Legendre() != -1; { // to the least number that is no square
		g.Add(&g, &one)
	}
	g.Exp(g, s)
	step := *new(fp.Element).Inverse(&g)
	for i := range digits {
		r.powers[i][0].SetOne()
		for d := 1; d < base; d++ {
			r.powers[i][d].Mul(&r.powers[i][d-1], &step)
		}
		step.Mul(&step, &r.powers[i][base-1])
	}
	for d := range uint64(base) {
		r.digit[r.powers[digits-1][(base-d)%base]] = d
	}
	return r
}

// of gives a root of each number that has one, and which have. None is zero.
func (r *roots) of(x fp.Vector) (root fp.Vector, square []bool) {
	w := slices.Clone(x) // x^((s-1)/2)
	for _, one := range r.exponent[1:] {
		w.Mul(w, w)
		if one {
			w.Mul(w, x)
		}
	}
	root, square = make(fp.Vector, len(x)), make([]bool, len(x))
	root.Mul(w, x)
	w.Mul(w, root) // x^s, whose order is a power of two
	for i := range x {
		k := r.log(w[i])
		square[i] = k%2 == 0
		for j, k := 0, k/2; j < digits; j, k = j+1, k/base {
			root[i].Mul(&root[i], &r.powers[j][k%base])
		}
	}
	return root, square
}

// log is k, where b = g^k.
func (r *roots) log(b fp.Element) (k uint64) {
	var raised [digits]fp.Element // b^(base^i)
	raised[0] = b
	for i := 1; i < digits; i++ {
		raised[i] = raised[i-1]
		for range digitBits {
			raised[i].Square(&raised[i])
		}
	}
	var found [digits]uint64
	for i := range digits { // the lowest digit first
		t := raised[digits-1-i]
		for j := range i {
			t.Mul(&t, &r.powers[digits-1-i+j][found[j]])
		}
		found[i] = r.digit[t]
		k |= found[i] << (digitBits * i)
	}
	return k
}
