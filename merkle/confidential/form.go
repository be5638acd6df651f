package confidential

import "github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

// form is all that a few rounds need to know of the rows. Let h_0 … h_{size−1} be the values of B where the variables of these
// rounds are the bits of an index and those before them are bound; then linear[s] is the sum of h_s, and gram[s][t] for s ≤ t that of h_s h_t,
// over the later variables, with their eq as the weight. Each round's polynomial is linear and quadratic in h.
type form struct {
	size   int
	linear [8]fr.Element
	gram   [8][8]fr.Element
	full   *places // those still to be added
}

// places are values of h and their weights, place after place: many are added faster as vectors, zeros among them.
type places struct {
	count   int
	weights fr.Vector
	h       [8]fr.Vector
	used    [8]bool
	product fr.Vector
}

// manyPlaces is how many places are added at once, and manyValues from how many values on a place waits for others.
const (
	manyPlaces = 1 << 8
	manyValues = 4
)

// add adds a place's values, with its weight, at ascending indexes of which others are zero.
func (f *form) add(weight *fr.Element, at []int, h []fr.Element) {
	if len(h) >= manyValues {
		f.wait(weight, at, h)
		return
	}
	for i := range h {
		var v, product fr.Element
		v.Mul(weight, &h[i])
		f.linear[at[i]].Add(&f.linear[at[i]], &v)
		row := &f.gram[at[i]]
		for j := i; j < len(h); j++ {
			product.Mul(&v, &h[j])
			row[at[j]].Add(&row[at[j]], &product)
		}
	}
}

// wait is add for a place that has many values.
func (f *form) wait(weight *fr.Element, at []int, h []fr.Element) {
	if f.full == nil {
		f.full = &places{weights: make(fr.Vector, manyPlaces), product: make(fr.Vector, manyPlaces)}
		for s := range f.size {
			f.full.h[s] = make(fr.Vector, manyPlaces)
		}
	}
	p := f.full
	p.weights[p.count] = *weight
	for s := range f.size {
		p.h[s][p.count] = fr.Element{}
	}
	for i, s := range at {
		p.h[s][p.count], p.used[s] = h[i], true
	}
	if p.count++; p.count == manyPlaces {
		f.flush()
	}
}

// flush adds what waits.
func (f *form) flush() {
	p := f.full
	if p == nil {
		return
	}
	v := p.product[:p.count]
	for s := range f.size {
		if !p.used[s] {
			continue
		}
		v.Mul(p.weights[:p.count], p.h[s][:p.count])
		sum := v.Sum()
		f.linear[s].Add(&f.linear[s], &sum)
		for t := s; t < f.size; t++ {
			if p.used[t] {
				sum = v.InnerProduct(p.h[t][:p.count])
				f.gram[s][t].Add(&f.gram[s][t], &sum)
			}
		}
	}
	p.count, p.used = 0, [8]bool{}
}

// join adds another's sums.
func (f *form) join(g *form) {
	g.flush()
	for s := range f.size {
		f.linear[s].Add(&f.linear[s], &g.linear[s])
		for t := s; t < f.size; t++ {
			f.gram[s][t].Add(&f.gram[s][t], &g.gram[s][t])
		}
	}
}

// round returns q1 and q2 of the next variable, where later are the τ of those that follow it in this form. With
// B = a + X d, B (1 − B) is (a − a²) + (d − 2 a d) X − d² X².
func (f *form) round(later []fr.Element) (q1, q2 fr.Element) {
	eq := eqTable(later)
	for x := range f.size / 2 {
		aa, ab, bb := f.gram[2*x][2*x], f.gram[2*x][2*x+1], f.gram[2*x+1][2*x+1]
		var linear, ad, dd fr.Element
		linear.Sub(&f.linear[2*x+1], &f.linear[2*x])
		ad.Sub(&ab, &aa)
		dd.Sub(&bb, &ab)
		dd.Sub(&dd, &ad)
		linear.Sub(&linear, ad.Double(&ad))
		q1.Add(&q1, linear.Mul(&linear, &eq[x]))
		q2.Sub(&q2, dd.Mul(&dd, &eq[x]))
	}
	return q1, q2
}

// bind sets the next variable to r: half as many values remain, h_2x + r (h_{2x+1} − h_2x).
func (f *form) bind(r *fr.Element) {
	g := form{size: f.size / 2}
	for x := range g.size {
		g.linear[x] = mix(f.linear[2*x], f.linear[2*x+1], r)
		for y := x; y < g.size; y++ {
			g.gram[x][y] = mix(mix(f.at(2*x, 2*y), f.at(2*x, 2*y+1), r), mix(f.at(2*x+1, 2*y), f.at(2*x+1, 2*y+1), r), r)
		}
	}
	*f = g
}

func (f *form) at(s, t int) fr.Element { return f.gram[min(s, t)][max(s, t)] }

// mix is a + r (b − a).
func mix(a, b fr.Element, r *fr.Element) fr.Element {
	b.Sub(&b, &a)
	b.Mul(&b, r)
	return *a.Add(&a, &b)
}
