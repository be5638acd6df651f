package tree

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/canon"
)

// PointSize is the length of a point's encoding: x and y, 32 bytes each.
const PointSize = 2 * fp.Bytes

// Point is the sum of kind confidential (SPEC part 29): a point of Grumpkin, or the identity, which is the zero value.
type Point struct{ affine grumpkin.G1Affine }

var (
	errPoint    = errors.New("not a point: want x and y below the field's prime, 32 bytes each, on Grumpkin")
	errIdentity = errors.New("the identity, where only a point may stand")
	curveB      = new(fp.Element).SetInt64(-17)
)

// ParsePoint reads the one encoding of a point, which is not the identity. Requires PointSize bytes.
func ParsePoint(b []byte) (p Point, err error) {
	if len(b) != PointSize || p.affine.X.SetBytesCanonical(b[:fp.Bytes]) != nil || p.affine.Y.SetBytesCanonical(b[fp.Bytes:]) != nil {
		return Point{}, errPoint
	}
	if p.IsIdentity() {
		return Point{}, errIdentity
	}
	var left, right fp.Element
	left.Square(&p.affine.Y)
	right.Square(&p.affine.X)
	right.Mul(&right, &p.affine.X)
	right.Add(&right, curveB)
	if !left.Equal(&right) {
		return Point{}, errPoint
	}
	return p, nil
}

func parseKind(s string) (string, error) {
	if s != KindPlain && s != KindConfidential {
		return "", fmt.Errorf("not a kind of tree: want %s or %s", KindPlain, KindConfidential)
	}
	return s, nil
}

func parsePointHex(s string) (Point, error) {
	b, err := hex.DecodeString(s)
	if err != nil || hex.EncodeToString(b) != s {
		return Point{}, errPoint
	}
	return ParsePoint(b)
}

// parseSumHex reads a point or the identity, which only the sum of a node may be.
func parseSumHex(s string) (Point, error) {
	p, err := parsePointHex(s)
	if errors.Is(err, errIdentity) {
		return Point{}, nil
	}
	return p, err
}

// parseScalar reads a scalar below the group order, as hex32.
func parseScalar(s string) ([fr.Bytes]byte, error) {
	b, err := canon.ParseHash(s)
	if err != nil {
		return b, err
	}
	var x fr.Element
	if x.SetBytesCanonical(b[:]) != nil {
		return b, errors.New("not a scalar: want a number below the group order")
	}
	return b, nil
}

// PointOf takes a point of the group, the identity as (0, 0).
func PointOf(p grumpkin.G1Affine) Point { return Point{p} }

// Affine gives the point to compute with, the identity as (0, 0).
func (p Point) Affine() grumpkin.G1Affine { return p.affine }

// IsIdentity reports whether the point is the group's zero.
func (p Point) IsIdentity() bool { return p.affine.IsInfinity() }

// Bytes gives the encoding of SPEC part 29.
func (p Point) Bytes() (b [PointSize]byte) {
	x, y := p.affine.X.Bytes(), p.affine.Y.Bytes()
	copy(b[:fp.Bytes], x[:])
	copy(b[fp.Bytes:], y[:])
	return b
}

func (p Point) kind() byte { return 0x02 }

func (p Point) appendBinary(b []byte) []byte {
	raw := p.Bytes()
	return append(b, raw[:]...)
}

func (p Point) plus(q Point) (sum Point, err error) { //nolint:unparam // as other sums, which may reach their limit
	sum.affine.Add(&p.affine, &q.affine)
	return sum, nil
}

// An adder adds many pairs of points with one inversion.
type adder struct{ slopes, running []fp.Element }

// pairs replaces points by the sums of its neighbours, two by two; a last one without a neighbour stays.
func (a *adder) pairs(points []Point) []Point {
	half := len(points) / 2
	if cap(a.slopes) < half {
		a.slopes, a.running = make([]fp.Element, half), make([]fp.Element, half)
	}
	slopes, running := a.slopes[:half], a.running[:half]
	var product fp.Element
	product.SetOne()
	for i := range half {
		p, q := &points[2*i].affine, &points[2*i+1].affine
		slopes[i].Sub(&q.X, &p.X)
		if special(p, q, &slopes[i]) {
			slopes[i].SetOne()
		}
		running[i] = product
		product.Mul(&product, &slopes[i])
	}
	product.Inverse(&product)
	for i := half - 1; i >= 0; i-- {
		running[i].Mul(&running[i], &product) // the inverse of slopes[i]
		product.Mul(&product, &slopes[i])
	}
	for i := range half {
		points[i] = add(points[2*i], points[2*i+1], &running[i])
	}
	if len(points)%2 == 1 {
		points[half] = points[len(points)-1]
		half++
	}
	return points[:half]
}

// special reports whether the sum of p and q is not that of a chord: equal, opposite, or one is the identity.
func special(p, q *grumpkin.G1Affine, difference *fp.Element) bool {
	return difference.IsZero() || p.IsInfinity() || q.IsInfinity()
}

// add is p + q, given 1 / (q.x - p.x) where the sum is that of a chord.
func add(p, q Point, inverse *fp.Element) (sum Point) {
	var slope, dx fp.Element
	dx.Sub(&q.affine.X, &p.affine.X)
	if special(&p.affine, &q.affine, &dx) {
		sum.affine.Add(&p.affine, &q.affine)
		return sum
	}
	slope.Sub(&q.affine.Y, &p.affine.Y)
	slope.Mul(&slope, inverse)
	sum.affine.X.Square(&slope)
	sum.affine.X.Sub(&sum.affine.X, &p.affine.X)
	sum.affine.X.Sub(&sum.affine.X, &q.affine.X)
	sum.affine.Y.Sub(&p.affine.X, &sum.affine.X)
	sum.affine.Y.Mul(&sum.affine.Y, &slope)
	sum.affine.Y.Sub(&sum.affine.Y, &p.affine.Y)
	return sum
}
