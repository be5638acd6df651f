package confidential

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// somePoints are multiples of a generator that differ.
func somePoints(n int) []grumpkin.G1Affine {
	_, g := grumpkin.Generators()
	scalars := make([]fr.Element, n)
	for i := range scalars {
		scalars[i].SetUint64(uint64(3*i + 1))
	}
	return grumpkin.BatchScalarMultiplicationG1(&g, scalars)
}

func TestParsePoint(t *testing.T) {
	good := Point{somePoints(3)[2]}
	b := good.AppendBinary(nil)
	if p, err := ParsePoint(b); err != nil || p != good {
		t.Errorf("got %v (%v), want %v", p, err, good)
	}
	if p, err := ParsePoint(make([]byte, PointSize)); err != nil || !p.IsIdentity() {
		t.Errorf("64 zero bytes: got %v (%v), want the identity", p, err)
	}
	text, err := good.MarshalText()
	var again Point
	if err != nil || again.UnmarshalText(text) != nil || again != good || again.UnmarshalText(text[1:]) == nil {
		t.Errorf("text %s: got %v, want %v", text, again, good)
	}
	if j, err := good.AppendJSON([]byte("x"), nil); err != nil || string(j) != `x"`+good.String()+`"` {
		t.Errorf("JSON: got %s (%v)", j, err)
	}
	change := func(do func([]byte)) []byte {
		c := bytes.Clone(b)
		do(c)
		return c
	}
	for name, bad := range map[string][]byte{
		"short":         b[:63],
		"long":          append(bytes.Clone(b), 0),
		"off the curve": change(func(c []byte) { c[63] ^= 1 }),
		"x alone":       change(func(c []byte) { clear(c[32:]) }),
		"y alone":       change(func(c []byte) { clear(c[:32]) }),
		"x from p up":   change(func(c []byte) { n := new(big.Int).SetBytes(c[:32]); n.Add(n, fp.Modulus()).FillBytes(c[:32]) }),
	} {
		if p, err := ParsePoint(bad); err == nil {
			t.Errorf("%s: got %v, want an error", name, p)
		}
	}
}

func FuzzParsePoint(f *testing.F) {
	f.Add(Point{somePoints(1)[0]}.AppendBinary(nil))
	f.Add(make([]byte, PointSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePoint(b)
		if err == nil && !bytes.Equal(p.AppendBinary(nil), b) {
			t.Errorf("%x became %v", b, p)
		}
	})
}

// Sums added many at once are those added one by one, the awkward ones among them.
func TestAdder(t *testing.T) {
	points := somePoints(8)
	var negative, identity grumpkin.G1Affine
	negative.Neg(&points[3])
	left := []grumpkin.G1Affine{points[0], points[1], points[2], identity, points[3], identity, points[4], points[5]}
	right := []grumpkin.G1Affine{points[7], points[1], identity, points[2], negative, identity, points[6], points[0]}
	more := somePoints(3000)
	left, right = append(left, more[:1300]...), append(right, more[1300:2600]...)
	got := make([]grumpkin.G1Affine, len(left))
	a := newAdder()
	for i := range left {
		got[i] = left[i]
		a.add(&got[i], &right[i])
	}
	a.flush()
	for i := range left {
		var p, q, want grumpkin.G1Jac
		want.Set(p.FromAffine(&left[i])).AddAssign(q.FromAffine(&right[i]))
		var sum grumpkin.G1Affine
		if sum.FromJacobian(&want); sum != got[i] {
			t.Errorf("sum #%d: got %v, want %v", i, got[i], sum)
		}
	}
}

func TestWideScalar(t *testing.T) {
	w := newWide()
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 100 {
		var b [64]byte
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		switch n {
		case 0:
			clear(b[:])
		case 1:
			b = [64]byte(bytes.Repeat([]byte{255}, 64))
		}
		want := new(big.Int).SetBytes(b[:])
		want.Mod(want, fr.Modulus())
		s := w.scalar(&b)
		if got := s.BigInt(new(big.Int)); got.Cmp(want) != 0 {
			t.Errorf("%x: got %v, want %v", b, got, want)
		}
	}
}

// Generators are RFC 9380's, computed here from its text alone.
func TestGenerators(t *testing.T) {
	p := parameters(t, 2)
	for name, c := range map[string]struct {
		got          grumpkin.G1Affine
		message, tag string
	}{
		"G":      {p.generators[0], "\x0aASSET-0000\x00", "assay/v1/confidential/generator"},
		"G last": {p.generators[255], "\x0aASSET-0001\x7f", "assay/v1/confidential/generator"},
		"H":      {p.blinding, "", "assay/v1/confidential/blinding"},
		"U":      {p.scalar, "", "assay/v1/confidential/scalar"},
	} {
		if want := hashToCurve(c.message, c.tag); !bytes.Equal(Point{c.got}.AppendBinary(nil), want) {
			t.Errorf("%s: got %v, want %x", name, Point{c.got}, want)
		}
	}
}

// hashToCurve is hash_to_curve of RFC 9380 in plain integers.
func hashToCurve(message, tag string) []byte {
	_, _, mapped := hashSteps(message, tag)
	return plus(mapped[0], mapped[1]).AppendBinary(nil)
}

// hashSteps gives what is on the way: the uniform bytes, the two field elements, and the points that these are mapped to.
func hashSteps(message, tag string) (uniform []byte, elements [2]*big.Int, mapped [2]Point) {
	dst := append([]byte(tag), byte(len(tag)))
	block := func(parts ...[]byte) []byte {
		d := sha256.Sum256(bytes.Join(append(parts, dst), nil))
		return d[:]
	}
	b0 := block(make([]byte, 64), []byte(message), []byte{0, 96, 0})
	b1 := block(b0, []byte{1})
	uniform = b1
	last := b1
	for i := byte(2); i <= 3; i++ {
		x := make([]byte, 32)
		for j := range x {
			x[j] = b0[j] ^ last[j]
		}
		last = block(x, []byte{i})
		uniform = append(uniform[:len(uniform):len(uniform)], last...)
	}
	q := fp.Modulus()
	for i := range 2 {
		u := new(big.Int).SetBytes(uniform[48*i : 48*i+48])
		elements[i] = u.Mod(u, q)
		x, y := shallueVanDeWoestijne(u, q)
		mapped[i].at.X.SetBigInt(x)
		mapped[i].at.Y.SetBigInt(y)
	}
	return uniform, elements, mapped
}

// shallueVanDeWoestijne is part 6.6.1 of RFC 9380 for y² = x³ − 17 and Z = 1.
func shallueVanDeWoestijne(u, q *big.Int) (x, y *big.Int) {
	n := func(v int64) *big.Int { return new(big.Int).Mod(big.NewInt(v), q) }
	mul := func(a, b *big.Int) *big.Int { m := new(big.Int).Mul(a, b); return m.Mod(m, q) }
	add := func(a, b *big.Int) *big.Int { s := new(big.Int).Add(a, b); return s.Mod(s, q) }
	neg := func(a *big.Int) *big.Int { s := new(big.Int).Neg(a); return s.Mod(s, q) }
	inv := func(a *big.Int) *big.Int {
		if a.Sign() == 0 {
			return new(big.Int)
		}
		return new(big.Int).ModInverse(a, q)
	}
	g := func(x *big.Int) *big.Int { return add(mul(mul(x, x), x), n(-17)) }
	gz := g(n(1))
	tv1 := mul(mul(u, u), gz)
	tv2 := add(n(1), tv1)
	tv1 = add(n(1), neg(tv1))
	tv3 := inv(mul(tv1, tv2))
	tv4 := new(big.Int).ModSqrt(mul(neg(gz), n(3)), q)
	if tv4.Bit(0) == 1 {
		tv4 = neg(tv4)
	}
	tv5 := mul(mul(mul(u, tv1), tv3), tv4)
	tv6 := mul(mul(n(-4), gz), inv(n(3)))
	half := neg(inv(n(2)))
	x1, x2 := add(half, neg(tv5)), add(half, tv5)
	s := mul(mul(tv2, tv2), tv3)
	x = add(n(1), mul(tv6, mul(s, s)))
	for _, candidate := range []*big.Int{x2, x1} {
		if big.Jacobi(g(candidate), q) >= 0 {
			x = candidate
		}
	}
	y = new(big.Int).ModSqrt(g(x), q)
	if y.Bit(0) != u.Bit(0) {
		y = neg(y)
	}
	return x, y
}
