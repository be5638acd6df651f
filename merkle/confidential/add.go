package confidential

import (
	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
)

// batch is how many additions are done at once: their coordinates stay in a core's cache.
const batch = 1 << 10

// adder adds many pairs of points with one inversion for all: six multiplications a pair, all of them of whole vectors. The sums of one
// flush must be different variables. An adder is for one goroutine.
type adder struct {
	to             []*grumpkin.G1Affine
	px, py, qx, qy fp.Vector
	dx, slope      fp.Vector
	odd            []int // of the sums for which the formulas do not hold
	levels         fp.Vector
}

func newAdder() *adder {
	v := func(n int) fp.Vector { return make(fp.Vector, n) }
	return &adder{make([]*grumpkin.G1Affine, 0, batch), v(batch), v(batch), v(batch), v(batch), v(batch), v(batch), nil, v(batch + 64)}
}

// add has *to become *to + *of at the next flush, or at once if enough wait for it.
func (a *adder) add(to, of *grumpkin.G1Affine) {
	i := len(a.to)
	a.to = append(a.to, to)
	a.qx[i], a.qy[i] = of.X, of.Y
	if i == batch-1 {
		a.flush()
	}
}

// sub is add of −*of.
func (a *adder) sub(to, of *grumpkin.G1Affine) {
	negative := *of
	a.add(to, negative.Neg(&negative))
}

// flush adds. What is hashed afterwards is not slower for it.
func (a *adder) flush() {
	n := len(a.to)
	if n == 0 {
		return
	}
	px, py, qx, qy, dx, slope := a.px[:n], a.py[:n], a.qx[:n], a.qy[:n], a.dx[:n], a.slope[:n]
	for i, p := range a.to {
		px[i], py[i] = p.X, p.Y
	}
	dx.Sub(qx, px)
	a.odd = a.odd[:0]
	for i := range dx {
		if dx[i].IsZero() || px[i].IsZero() && py[i].IsZero() || qx[i].IsZero() && qy[i].IsZero() {
			a.odd = append(a.odd, i)
			dx[i].SetOne()
			a.to[i].Add(a.to[i], &grumpkin.G1Affine{X: qx[i], Y: qy[i]})
		}
	}
	a.invert(dx, a.levels)
	slope.Sub(qy, py)
	slope.Mul(slope, dx)
	x, y := dx, qy
	x.Mul(slope, slope)
	x.Sub(x, px)
	x.Sub(x, qx)
	y.Sub(px, x)
	y.Mul(y, slope)
	y.Sub(y, py)
	for _, i := range a.odd {
		x[i], y[i] = a.to[i].X, a.to[i].Y
	}
	for i, p := range a.to {
		p.X, p.Y = x[i], y[i]
	}
	a.to = a.to[:0]
	clean()
}

// invert inverts each of v, none of which is zero: products of pairs are inverted, and so on. Space is for what is computed above v.
func (a *adder) invert(v, space fp.Vector) {
	n := len(v)
	if n == 1 {
		v[0].Inverse(&v[0])
		return
	}
	half := (n + 1) / 2
	low, high, above := v[:n-half], v[half:], space[:half]
	above[half-1] = v[half-1] // has no pair if n is odd
	pairs := above[:n-half]
	pairs.Mul(low, high)
	a.invert(above, space[half:])
	product := a.slope[:n-half]
	product.Mul(pairs, low)
	low.Mul(pairs, high)
	copy(high, product)
	if n%2 == 1 {
		v[half-1] = above[half-1]
	}
}
