package confidentialtest

import (
	"errors"
	"math/big"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// Evaluation is all that a verifier computes of a proof (SPEC part 29, "Verifying a proof"), one equation after the other.
type Evaluation struct {
	Steps             []Step
	Claim, Opened, Q  Point  // [c], Σ R_i C_i and Q
	S                 Scalar // Σ L_c z_c
	Weights           [4]Scalar
	Points            []PointEquation  // (a) to (d)
	Totals, Relations []NumberEquation // (e), (f)
}

// PointEquation has both sides of an equation of points.
type PointEquation struct{ Left, Right Point }

// NumberEquation has both sides of an equation of scalars.
type NumberEquation struct{ Left, Right Scalar }

// ErrFormat is a proof that step 1 refuses.
var ErrFormat = errors.New("not a proof of this format")

// Fails names the equations that do not hold.
func (e *Evaluation) Fails() (names []string) {
	for i, x := range e.Points {
		if x.Left != x.Right {
			names = append(names, string(rune('a'+i)))
		}
	}
	for i, list := range [][]NumberEquation{e.Totals, e.Relations} {
		for _, x := range list {
			if x.Left != x.Right {
				names = append(names, string(rune('e'+i)))
				break
			}
		}
	}
	return names
}

// Evaluate computes both sides of everything that has to be equal.
func (g *Generators) Evaluate(s *Statement, rows []Point, proof []byte) (*Evaluation, error) {
	all := rows
	if s.Surplus != nil {
		all = append(append([]Point{}, rows...), *s.Surplus)
	}
	m, columns := len(g.Assets), len(g.Columns)
	columnVars := 7 + bits.Len(uint(m-1))        //nolint:gosec // at least one asset
	l := columnVars + bits.Len(uint(len(all)-1)) //nolint:gosec // at least one row
	f := &file{rest: proof}
	f.magic()
	k := f.points(2 * l)
	p := f.points(5)
	totals, relations := f.scalars(m), f.scalars(len(s.Relations))
	z := f.scalars(columns)
	blindings := f.scalars(3)
	z2, blinding2 := f.scalars(columns), f.scalars(1)
	if f.bad || len(f.rest) != 0 {
		return nil, ErrFormat
	}
	t := newTranscript()
	s.absorb(t, g.Assets, "")
	var tau, r []Scalar
	for range l {
		tau = append(tau, t.challenge("tau"))
	}
	at := len(proofMagic)
	for range l {
		t.absorb("round", proof[at:at+128])
		r, at = append(r, t.challenge("round")), at+128
	}
	end := at + 5*64 + 32*(m+len(relations))
	t.absorb("masks", proof[at:end])
	e := t.challenge("e")
	t.absorb("answers", proof[end:])
	v := &Evaluation{}
	for i := range v.Weights {
		weight := t.challenge("weight")
		raw := weight.Bytes()
		v.Weights[i].SetBytes(raw[16:])
	}
	v.Steps = t.steps
	for i := range l {
		v.Claim = plus(v.Claim, multi(k[2*i:2*i+2], []Scalar{sub(r[i], tau[i]), sub(mul(r[i], r[i]), tau[i])}))
	}
	for i, row := range all {
		v.Opened = plus(v.Opened, times(row, eq(r[columnVars:], i)))
	}
	switch v.Q = s.Sum; {
	case s.Level == 0:
		v.Q = plus(v.Q, times(s.Total, number(-1)))
	case s.Surplus != nil:
		v.Q = plus(v.Q, *s.Surplus)
	}
	for c := range z {
		v.S = line(v.S, eq(r[:columnVars], c), z[c])
	}
	v.Points = []PointEquation{
		{g.Commit(z, blindings[0]), plus(p[1], times(v.Opened, e))},
		{g.com(v.S, blindings[1]), plus(p[2], times(p[0], e))},
		{plus(times(p[0], v.S), times(g.H, blindings[2])), plus(p[3], times(plus(p[0], times(v.Claim, number(-1))), e))},
		{g.Commit(z2, blinding2[0]), plus(p[4], times(v.Q, e))},
	}
	for j := range totals {
		var total Scalar
		if s.Level == 1 {
			total.SetBigInt(s.Totals[j])
		}
		v.Totals = append(v.Totals, NumberEquation{Amount(z2[j*width : (j+1)*width]), line(totals[j], e, total)})
	}
	for u := range relations {
		v.Relations = append(v.Relations, NumberEquation{Related(s.Relations[u], z), relations[u]})
	}
	return v, nil
}

const proofMagic = "assay/v1/confidential-proof\n"

// file is what is still to be read of a proof.
type file struct {
	rest []byte
	bad  bool
}

func (f *file) take(n int) []byte {
	if len(f.rest) < n {
		f.bad, f.rest = true, nil
		return make([]byte, n)
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

func (f *file) magic() { f.bad = string(f.take(len(proofMagic))) != proofMagic }

func (f *file) points(n int) (list []Point) {
	for range n {
		p, ok := Decode(f.take(64))
		f.bad = f.bad || !ok || p.IsInfinity()
		list = append(list, p)
	}
	return list
}

func (f *file) scalars(n int) (list []Scalar) {
	for range n {
		x := new(big.Int).SetBytes(f.take(32))
		f.bad = f.bad || x.Cmp(fr.Modulus()) >= 0
		list = append(list, *new(Scalar).SetBigInt(x))
	}
	return list
}

// Decode reads a point, or the identity.
func Decode(b []byte) (p Point, ok bool) {
	x, y := new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])
	if x.Cmp(fp.Modulus()) >= 0 || y.Cmp(fp.Modulus()) >= 0 {
		return p, false
	}
	p.X.SetBigInt(x)
	p.Y.SetBigInt(y)
	left, right := new(big.Int).Mul(y, y), new(big.Int).Exp(x, big.NewInt(3), fp.Modulus())
	right.Sub(right, big.NewInt(17))
	return p, p.IsInfinity() || left.Sub(left, right).Mod(left, fp.Modulus()).Sign() == 0
}

func plus(p, q Point) (sum Point) {
	sum.Add(&p, &q)
	return sum
}

func times(p Point, s Scalar) Point { return multi([]Point{p}, []Scalar{s}) }
