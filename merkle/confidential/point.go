package confidential

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
)

// PointSize is the size of an encoded point: x and y, 32 bytes each (SPEC part 29).
const PointSize = 2 * fp.Bytes

// Point is a point of Grumpkin: a commitment, or a sum of commitments (SPEC part 29). The zero Point is the identity. Points are
// comparable with ==.
type Point struct{ at grumpkin.G1Affine }

// ParsePoint reads 64 bytes and refuses what is not on the curve; the identity is 64 zero bytes (SPEC part 29, Group).
func ParsePoint(b []byte) (Point, error) {
	if len(b) != PointSize {
		return Point{}, fmt.Errorf("point has %d bytes, want %d", len(b), PointSize)
	}
	var p Point
	if p.at.X.SetBytesCanonical(b[:fp.Bytes]) != nil || p.at.Y.SetBytesCanonical(b[fp.Bytes:]) != nil {
		return Point{}, errors.New("a point's coordinate is not below the field's modulus")
	}
	if !p.IsIdentity() && !p.at.IsOnCurve() {
		return Point{}, errors.New("point is not on the curve")
	}
	return p, nil
}

// IsIdentity reports whether p is the group's identity, which is the sum of nothing.
func (p Point) IsIdentity() bool { return p.at.IsInfinity() }

// Add returns p + q. It never fails.
func (p Point) Add(q Point) (Point, error) {
	var sum Point
	sum.at.Add(&p.at, &q.at)
	return sum, nil
}

// AppendBinary appends the 64 bytes of p (SPEC part 29, Group).
func (p Point) AppendBinary(b []byte) []byte {
	x, y := p.at.X.Bytes(), p.at.Y.Bytes()
	return append(append(b, x[:]...), y[:]...)
}

// AppendJSON appends the hex of p's 64 bytes, between quotes (SPEC part 29, In a customer's proof). No asset stands in it.
func (p Point) AppendJSON(b []byte, _ []string) ([]byte, error) {
	return append(hex.AppendEncode(append(b, '"'), p.AppendBinary(nil)), '"'), nil
}

// MarshalText returns the hex of p's 64 bytes.
func (p Point) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, p.AppendBinary(nil)), nil }

// UnmarshalText reads what [Point.MarshalText] wrote, as [ParsePoint] does.
func (p *Point) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil {
		return errors.New("a point is not in hex")
	}
	*p, err = ParsePoint(b)
	return err
}

// String returns the hex of p's 64 bytes.
func (p Point) String() string { return hex.EncodeToString(p.AppendBinary(nil)) }
