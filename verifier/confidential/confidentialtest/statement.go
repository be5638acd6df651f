// Package confidentialtest makes proofs of the confidential tree for tests (SPEC part 29): honest ones, and those of provers who cheat.
// It is the SPEC written down as densely as it can be, and shares nothing with what checks it. Its secrets follow from a seed.
package confidentialtest

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// Point is a point of Grumpkin, the identity as (0, 0).
type Point = grumpkin.G1Affine

// Scalar is a number modulo the group order.
type Scalar = fr.Element

const width = 128

// Generators are those of a registry's columns, 128 an asset, and H and U.
type Generators struct {
	Assets  []string
	Columns []Point
	H, U    Point
}

// NewGenerators hashes them, of any registry, one that names an asset twice too.
func NewGenerators(assets ...string) *Generators {
	g := &Generators{Assets: assets, H: Hashed(nil, "assay/v1/confidential/blinding"), U: Hashed(nil, "assay/v1/confidential/scalar")}
	for _, id := range assets {
		for b := range width {
			g.Columns = append(g.Columns, Hashed(append(append([]byte{byte(len(id))}, id...), byte(b)), "assay/v1/confidential/generator"))
		}
	}
	return g
}

// Hashed is RFC 9380's hash to Grumpkin.
func Hashed(message []byte, tag string) Point {
	p, err := grumpkin.HashToG1(message, []byte(tag))
	if err != nil {
		panic(err)
	}
	return p
}

// Commit is Σ e_c G_c + r H.
func (g *Generators) Commit(entries []Scalar, r Scalar) Point {
	return multi(append([]Point{g.H}, g.Columns...), append([]Scalar{r}, entries...))
}

// com is Com(x; s) = x U + s H.
func (g *Generators) com(x, s Scalar) Point { return multi([]Point{g.U, g.H}, []Scalar{x, s}) }

func multi(points []Point, scalars []Scalar) (sum Point) {
	if _, err := sum.MultiExp(points, scalars, ecc.MultiExpConfig{}); err != nil {
		panic(err)
	}
	return sum
}

// Bits are the entries of a row with these balances.
func Bits(balances ...*big.Int) []Scalar {
	entries := make([]Scalar, width*len(balances))
	for j, a := range balances {
		for b := range width {
			entries[j*width+b].SetUint64(uint64(a.Bit(b)))
		}
	}
	return entries
}

// Encode gives the 64 bytes of a point.
func Encode(p Point) []byte {
	x, y := p.X.Bytes(), p.Y.Bytes()
	return append(x[:], y[:]...)
}

// Statement is what is proved.
type Statement struct {
	Level     byte // 0 a shard, 1 the top
	Snapshot  [32]byte
	Index     uint32
	Relations [][]*big.Int
	Rows      uint64
	Root      [32]byte
	Sum       Point
	Total     Point      // of a shard
	Totals    []*big.Int // of the top
	Surplus   *Point     // of the top, where totals are hidden
}

// absorb tells a transcript what is proved, but for one item.
func (s *Statement) absorb(t *transcript, assets []string, silent string) {
	names := binary.BigEndian.AppendUint16(nil, uint16(len(assets))) //nolint:gosec // a test has few
	for _, id := range assets {
		names = append(append(names, byte(len(id))), id...)
	}
	relations := binary.BigEndian.AppendUint16(nil, uint16(len(s.Relations))) //nolint:gosec // a test has few
	for _, relation := range s.Relations {
		for _, lambda := range relation {
			sign := byte(0)
			if lambda.Sign() < 0 {
				sign = 1
			}
			relations = append(append(relations, sign), new(big.Int).Abs(lambda).FillBytes(make([]byte, 12))...)
		}
	}
	last, data := "total", Encode(s.Total)
	if s.Level == 1 {
		last, data = "totals", encodedTotals(s.Totals)
	}
	items := []struct {
		label string
		data  []byte
	}{
		{"level", []byte{s.Level}},
		{"snapshot", s.Snapshot[:]},
		{"shard", binary.BigEndian.AppendUint32(nil, s.Index)},
		{"assets", names},
		{"relations", relations},
		{"rows", binary.BigEndian.AppendUint64(nil, s.Rows)},
		{"root", s.Root[:]},
		{"sum", Encode(s.Sum)},
		{last, data},
	}
	if s.Surplus != nil {
		items = append(items, struct {
			label string
			data  []byte
		}{"surplus", Encode(*s.Surplus)})
	}
	for _, item := range items {
		if item.label != silent {
			t.absorb(item.label, item.data)
		}
	}
}

func encodedTotals(totals []*big.Int) (b []byte) {
	for _, amount := range totals {
		b = append(b, new(big.Int).Mod(amount, fr.Modulus()).FillBytes(make([]byte, 32))...)
	}
	return b
}

// transcript is the chain of challenges, and remembers it.
type transcript struct {
	state []byte
	steps []Step
}

// Step is what was absorbed, or a challenge that was drawn; and the state after it.
type Step struct {
	Absorbed, Drawn string // one of both: the label
	Data            []byte
	Value           Scalar
	State           []byte
}

func hashed(parts ...[]byte) []byte {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func newTranscript() *transcript {
	return &transcript{state: hashed([]byte("assay/v1/confidential/transcript"), []byte{0})}
}

func (t *transcript) absorb(label string, data []byte) {
	t.state = hashed([]byte{1}, t.state, []byte{byte(len(label))}, []byte(label), binary.BigEndian.AppendUint64(nil, uint64(len(data))), data)
	t.steps = append(t.steps, Step{Absorbed: label, Data: data, State: t.state})
}

func (t *transcript) challenge(label string) (c Scalar) {
	b := append(hashed([]byte{2}, t.state, []byte{0}, []byte(label)), hashed([]byte{2}, t.state, []byte{1}, []byte(label))...)
	t.state = hashed([]byte{3}, t.state, []byte(label))
	c.SetBigInt(new(big.Int).Mod(new(big.Int).SetBytes(b), fr.Modulus()))
	t.steps = append(t.steps, Step{Drawn: label, Value: c, State: t.state})
	return c
}
