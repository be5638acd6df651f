package confidential

import (
	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
)

// adder adds many pairs of points with one inversion for all: six multiplications a pair. An adder is for one goroutine.
type adder struct{ dx, before []fp.Element }

// add sets *to[i] to *to[i] + of[i] for every i. The sums must be different variables.
func (a *adder) add(to []*grumpkin.G1Affine, of []grumpkin.G1Affine) {
	if len(a.dx) < len(of) {
		a.dx, a.before = make([]fp.Element, len(of)), make([]fp.Element, len(of))
	}
	var product fp.Element
	product.SetOne()
	for i := range of {
		p, q, dx := to[i], &of[i], &a.dx[i]
		dx.Sub(&q.X, &p.X)
		if dx.IsZero() || p.IsInfinity() || q.IsInfinity() {
			p.Add(p, q) // the formulas below do not hold
			dx.SetZero()
			continue
		}
		a.before[i] = product
		product.Mul(&product, dx)
	}
	product.Inverse(&product)
	for i := len(of) - 1; i >= 0; i-- {
		p, q, dx := to[i], &of[i], &a.dx[i]
		if dx.IsZero() {
			continue
		}
		var slope, x fp.Element
		slope.Mul(&product, &a.before[i])
		product.Mul(&product, dx)
		x.Sub(&q.Y, &p.Y)
		slope.Mul(&slope, &x)
		x.Square(&slope)
		x.Sub(&x, &p.X)
		x.Sub(&x, &q.X)
		p.X.Sub(&p.X, &x)
		p.X.Mul(&p.X, &slope)
		p.Y.Sub(&p.X, &p.Y)
		p.X = x
	}
}
