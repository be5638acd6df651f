package confidential

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/merkle"
)

// public is what a verifier knows of a proof.
type public struct {
	assets    []string
	snapshot  merkle.Hash
	index     uint32
	rows      []Point
	root      merkle.Hash
	total     *Point       // of a shard
	totals    merkle.Plain // of the top
	surplus   *Point       // of the top, where totals are hidden
	relations []Relation
}

// reader takes a proof apart.
type reader struct {
	b   []byte
	err error
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.err = errors.New("proof ends early")
		return make([]byte, n)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) point() Point {
	p, err := ParsePoint(r.take(PointSize))
	if err != nil {
		r.err = err
	}
	if p.IsIdentity() {
		r.err = errors.New("identity")
	}
	return p
}

func (r *reader) scalars(n int) []fr.Element {
	s := make([]fr.Element, n)
	for i := range s {
		if err := s[i].SetBytesCanonical(r.take(fr.Bytes)); err != nil {
			r.err = err
		}
	}
	return s
}

// check is SPEC part 29, Verifying a proof, as it stands there. It is for tests: the verifier is another program.
func check(v public, proof []byte) error {
	p, err := NewParameters(v.assets)
	if err != nil {
		return err
	}
	m, columns := len(v.assets), p.columns()
	tree := v.rows
	if v.surplus != nil {
		v.rows = append(slices.Clone(tree), *v.surplus)
	}
	logRows := 0
	for 1<<logRows < len(v.rows) {
		logRows++
	}
	l := 7 + p.logAssets + logRows
	var sum Point
	for _, c := range tree {
		sum, _ = sum.Add(c)
	}
	relations, err := p.relations(v.relations)
	if err != nil {
		return err
	}
	x := &instance{work: &work{params: p, relations: relations, leaves: len(tree), snapshot: v.snapshot, index: v.index, root: merkle.Node[Point]{Hash: v.root, Sum: sum}}}
	var t fr.Element
	q := sum
	totals := make([]fr.Element, m)
	if v.total != nil {
		x.begin(levelShard)
		x.script.absorb("total", v.total.AppendBinary(nil))
		t.SetInt64(-1)
		q, _ = q.Add(times(*v.total, t))
	} else {
		x.begin(levelTop)
		var b []byte
		for j := range totals {
			amount := v.totals.Amount(j).Bytes16()
			totals[j].SetBytes(amount[:])
			b = append(append(b, make([]byte, 16)...), amount[:]...)
		}
		x.script.absorb("totals", b)
		if v.surplus != nil {
			x.script.absorb("surplus", v.surplus.AppendBinary(nil))
			q = plus(q, *v.surplus)
		}
	}
	if len(proof) < len(proofMagic) || string(proof[:len(proofMagic)]) != proofMagic {
		return errors.New("magic")
	}
	r := &reader{b: proof[len(proofMagic):]}
	tau := x.script.challenges("tau", l)
	var claim Point
	var bound []fr.Element
	for t := range l {
		message := r.b[:min(len(r.b), 128)]
		k1, k2 := r.point(), r.point()
		x.script.absorb("round", message)
		c := x.script.challenge("round")
		bound = append(bound, c)
		var a, b fr.Element
		a.Sub(&c, &tau[t])
		b.Square(&c)
		b.Sub(&b, &tau[t])
		claim, _ = claim.Add(times(k1, a))
		claim, _ = claim.Add(times(k2, b))
	}
	message := r.b[:min(len(r.b), 5*PointSize+(m+len(relations))*fr.Bytes)]
	Y, D, E, F, D2 := r.point(), r.point(), r.point(), r.point(), r.point()
	f, g := r.scalars(m), r.scalars(len(relations))
	x.script.absorb("masks", message)
	e := x.script.challenge("e")
	z, zs, z2, z2delta := r.scalars(columns), r.scalars(3), []fr.Element(nil), []fr.Element(nil)
	z2, z2delta = r.scalars(columns), r.scalars(1)
	if r.err != nil {
		return r.err
	}
	if len(r.b) != 0 {
		return errors.New("something is left over")
	}
	S := inner(eqTable(bound[:7+p.logAssets])[:columns], z)
	affine := make([]grumpkin.G1Affine, len(v.rows))
	for i := range affine {
		affine[i] = v.rows[i].at
	}
	star := multiply(affine, eqTable(bound[7+p.logAssets:])[:len(v.rows)])
	minus := fr.NewElement(1)
	minus.Neg(&minus)
	rest, _ := Y.Add(times(claim, minus))
	H, U := Point{p.blinding}, Point{p.scalar}
	for _, c := range []struct {
		name        string
		left, right Point
	}{
		{"a", p.commitVector(z, zs[0]), plus(D, times(star, e))},
		{"b", plus(times(U, S), times(H, zs[1])), plus(E, times(Y, e))},
		{"c", plus(times(Y, S), times(H, zs[2])), plus(F, times(rest, e))},
		{"d", p.commitVector(z2, z2delta[0]), plus(D2, times(q, e))},
	} {
		if c.left != c.right {
			return fmt.Errorf("(%s) does not hold", c.name)
		}
	}
	for j := range m {
		var left, power, product, right fr.Element
		power.SetOne()
		for b := range 128 {
			left.Add(&left, product.Mul(&power, &z2[128*j+b]))
			power.Double(&power)
		}
		right.Mul(&e, &totals[j])
		if right.Add(&right, &f[j]); left != right {
			return fmt.Errorf("(e) does not hold for asset #%d", j)
		}
	}
	for u := range v.relations {
		var left fr.Element
		for c := range z {
			var factor, power fr.Element
			power.SetBigInt(new(big.Int).Lsh(big.NewInt(1), uint(c%128)))
			factor.SetBigInt(v.relations[u][c/128])
			factor.Mul(&factor, &power)
			left.Add(&left, factor.Mul(&factor, &z[c]))
		}
		if left != g[u] {
			return fmt.Errorf("(f) does not hold for relation #%d", u)
		}
	}
	return nil
}

func times(p Point, s fr.Element) (product Point) {
	product.at.ScalarMultiplication(&p.at, s.BigInt(new(big.Int)))
	return product
}

func plus(p, q Point) Point {
	sum, _ := p.Add(q)
	return sum
}
