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
	sum       *Point     // if it is told; else that of the rows
	total     *Point     // of a shard
	totals    []*big.Int // of the top
	surplus   *Point     // of the top, where totals are hidden
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

// sides are what a verifier computes of a proof, both sides of each equation among it.
type sides struct {
	challenges       []fr.Element // τ, r and e
	claim, opened, q Point        // [c], Σ R_i C_i and Q
	s                fr.Element
	points           map[string][2]string // (a) to (d)
	numbers          [][2]string          // (e), (f)
	fault            error                // the first that does not hold
}

// check is SPEC part 29, Verifying a proof, as it stands there. It is for tests: the verifier is another program.
func check(v public, proof []byte) error { return evaluate(v, proof, new(sides)) }

func evaluate(v public, proof []byte, s *sides) error {
	p, err := parametersOf(v.assets)
	if err != nil {
		return err
	}
	relations, err := p.relations(v.relations)
	if err != nil {
		return err
	}
	if len(v.rows) == 0 || v.total == nil && len(v.totals) != len(v.assets) || v.total != nil && v.surplus != nil || v.total == nil && len(v.relations) > 0 {
		return errors.New("no rows, totals of other assets, a shard with a surplus, or a top with relations")
	}
	tree := v.rows
	if v.surplus != nil {
		v.rows = append(slices.Clone(tree), *v.surplus)
	}
	logRows := 0
	for 1<<logRows < len(v.rows) {
		logRows++
	}
	if v.sum == nil {
		v.sum = new(Point)
		for _, c := range tree {
			*v.sum = plus(*v.sum, c)
		}
	}
	x := &instance{work: &work{params: p, relations: relations, leaves: len(tree), snapshot: v.snapshot, index: v.index, root: merkle.Node[Point]{Hash: v.root, Sum: *v.sum}}}
	totals, err := v.begin(x, s)
	if err != nil {
		return err
	}
	if len(proof) < len(proofMagic) || string(proof[:len(proofMagic)]) != proofMagic {
		return errors.New("magic")
	}
	r := &reader{b: proof[len(proofMagic):]}
	m, columns, l := len(v.assets), p.columns(), 7+p.logAssets+logRows
	tau := x.script.challenges("tau", l)
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
		s.claim = plus(plus(s.claim, times(k1, a)), times(k2, b))
	}
	message := r.b[:min(len(r.b), 5*PointSize+(m+len(relations))*fr.Bytes)]
	Y, D, E, F, D2 := r.point(), r.point(), r.point(), r.point(), r.point()
	f, g := r.scalars(m), r.scalars(len(relations))
	x.script.absorb("masks", message)
	e := x.script.challenge("e")
	s.challenges = slices.Concat(tau, bound, []fr.Element{e})
	z, zs := r.scalars(columns), r.scalars(3)
	z2, z2delta := r.scalars(columns), r.scalars(1)
	if r.err != nil {
		return r.err
	}
	if len(r.b) != 0 {
		return errors.New("something is left over")
	}
	s.s = inner(eqTable(bound[:7+p.logAssets])[:columns], z)
	affine := make([]grumpkin.G1Affine, len(v.rows))
	for i := range affine {
		affine[i] = v.rows[i].at
	}
	s.opened = multiply(affine, eqTable(bound[7+p.logAssets:])[:len(v.rows)])
	minus := fr.NewElement(1)
	rest := plus(Y, times(s.claim, *minus.Neg(&minus)))
	H, U := Point{p.blinding}, Point{p.scalar}
	s.point("a", p.commitVector(z, zs[0]), plus(D, times(s.opened, e)))
	s.point("b", plus(times(U, s.s), times(H, zs[1])), plus(E, times(Y, e)))
	s.point("c", plus(times(Y, s.s), times(H, zs[2])), plus(F, times(rest, e)))
	s.point("d", p.commitVector(z2, z2delta[0]), plus(D2, times(s.q, e)))
	for j := range m {
		s.number("e", weightedSum(z2, func(c int) *big.Int { return columnWeight(c, j) }), answer(f[j], e, totals[j]))
	}
	for u := range v.relations {
		s.number("f", weightedSum(z, func(c int) *big.Int { return new(big.Int).Mul(columnWeight(c, c/128), v.relations[u][c/128]) }), g[u])
	}
	return s.fault
}

// begin starts the transcript; it leaves Q, and gives T.
func (v *public) begin(x *instance, s *sides) ([]fr.Element, error) {
	totals := make([]fr.Element, len(v.assets))
	s.q = *v.sum
	if v.total != nil {
		x.begin(levelShard)
		x.script.absorb("total", v.total.AppendBinary(nil))
		s.q = plus(s.q, times(*v.total, *new(fr.Element).SetInt64(-1)))
		return totals, nil
	}
	var b []byte
	for j, t := range v.totals {
		if t.Sign() < 0 || t.BitLen() > 200 {
			return nil, fmt.Errorf("total of asset #%d is out of range", j)
		}
		totals[j].SetBigInt(t)
		b = append(b, t.FillBytes(make([]byte, 32))...)
	}
	x.begin(levelTop)
	x.script.absorb("totals", b)
	if v.surplus != nil {
		x.script.absorb("surplus", v.surplus.AppendBinary(nil))
		s.q = plus(s.q, *v.surplus)
	}
	return totals, nil
}

func (s *sides) point(name string, left, right Point) {
	if s.points == nil {
		s.points = map[string][2]string{}
	}
	if s.points[name] = [2]string{left.String(), right.String()}; left != right && s.fault == nil {
		s.fault = fmt.Errorf("(%s) does not hold", name)
	}
}

func (s *sides) number(name string, left, right fr.Element) {
	if s.numbers = append(s.numbers, [2]string(hexes([]fr.Element{left, right}))); left != right && s.fault == nil {
		s.fault = fmt.Errorf("(%s) does not hold", name)
	}
}

// columnWeight is w_{j,c}.
func columnWeight(c, j int) *big.Int {
	if c/128 != j {
		return new(big.Int)
	}
	return new(big.Int).Lsh(big.NewInt(1), uint(c%128))
}

func weightedSum(z []fr.Element, weight func(c int) *big.Int) (sum fr.Element) {
	for c := range z {
		var w fr.Element
		w.SetBigInt(weight(c))
		sum.Add(&sum, w.Mul(&w, &z[c]))
	}
	return sum
}

// numbersOf are the amounts of m assets.
func numbersOf(p merkle.Plain, m int) (list []*big.Int) {
	for j := range m {
		b := p.Amount(j).Bytes16()
		list = append(list, new(big.Int).SetBytes(b[:]))
	}
	return list
}

func times(p Point, s fr.Element) (product Point) {
	product.at.ScalarMultiplication(&p.at, s.BigInt(new(big.Int)))
	return product
}

func plus(p, q Point) Point {
	sum, _ := p.Add(q)
	return sum
}
