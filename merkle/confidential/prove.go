package confidential

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

const proofMagic = "assay/v1/confidential-proof\n"

// Levels as the transcript has them.
const (
	levelShard = 0
	levelTop   = 1
)

var errChanged = errors.New("rows were not the same each time they were read")

// instance is one proof in the making (SPEC part 29, Verifying a proof, from the other side).
type instance struct {
	*work
	columns   []fr.Element // what Q opens to
	remainder fr.Element   // and its blinding
	script    *transcript
	masks     *prf
	proof     []byte

	tau, r   []fr.Element // r as far as it is drawn
	claim    fr.Element   // c_t
	blinding fr.Element   // that of [c_t]
}

// begin absorbs what is proved, but for what only one of the levels has.
func (x *instance) begin(level byte) {
	t := newTranscript(&x.params.wide)
	t.absorb("level", []byte{level})
	t.absorb("snapshot", x.snapshot[:])
	t.absorb("shard", u32(x.index))
	assets := binary.BigEndian.AppendUint16(nil, uint16(len(x.params.assets))) //nolint:gosec // at most 1,024
	for _, id := range x.params.assets {
		assets = append(append(assets, byte(len(id))), id...)
	}
	t.absorb("assets", assets)
	t.absorb("relations", appendRelations(nil, x.relations))
	t.absorb("rows", binary.BigEndian.AppendUint64(nil, uint64(x.leaves))) //nolint:gosec // at least 1
	t.absorb("root", x.root.Hash[:])
	t.absorb("sum", x.root.Sum.AppendBinary(nil))
	x.script = t
}

// prove makes the proof of what was absorbed. The masks hang on it and on fresh randomness: masks that were used under two
// challenges would give rows away.
func (x *instance) prove(random io.Reader) ([]byte, error) {
	if err := x.start(random); err != nil {
		return nil, err
	}
	if err := x.rounds(); err != nil {
		return nil, err
	}
	values, blinding, err := x.opening()
	if err != nil {
		return nil, err
	}
	if err := x.open(values, blinding); err != nil {
		return nil, err
	}
	return x.proof, nil
}

func (x *instance) start(random io.Reader) error {
	var fresh [32]byte
	if _, err := io.ReadFull(random, fresh[:]); err != nil {
		return fmt.Errorf("draw randomness for a proof's masks: %w", err)
	}
	seed := mac256(x.key[:], x.script.state[:], fresh[:])
	x.masks = newPRF(seed[:], &x.params.wide)
	x.proof = []byte(proofMagic)
	x.tau = x.script.challenges("tau", logWidth+x.params.logAssets+x.logRows())
	return nil
}

// round sends the polynomial of one variable, c0 + q1 X + q2 X², without its constant term, and binds the variable.
func (x *instance) round(q1, q2 fr.Element) {
	t := len(x.r)
	b1, b2 := x.masks.at("K1", t), x.masks.at("K2", t)
	k1, k2 := x.params.commitScalar(q1, b1), x.params.commitScalar(q2, b2)
	message := k2.AppendBinary(k1.AppendBinary(nil))
	x.proof = append(x.proof, message...)
	x.script.absorb("round", message)
	r := x.script.challenge("round")
	x.r = append(x.r, r)
	x.claim = next(x.claim, q1, q2, x.tau[t], r)
	x.blinding = next(x.blinding, b1, b2, x.tau[t], r)
}

// next is q0 + q1 r + q2 r² for q0 = claim − τ (q1 + q2).
func next(claim, q1, q2, tau, r fr.Element) fr.Element {
	var a, b fr.Element
	a.Sub(&r, &tau)
	a.Mul(&a, &q1)
	claim.Add(&claim, &a)
	b.Square(&r)
	b.Sub(&b, &tau)
	b.Mul(&b, &q2)
	return *claim.Add(&claim, &b)
}

// open is all that follows the rounds: one sigma protocol for product, opening, totals and relations. It takes what Σ R_i C_i opens to.
func (x *instance) open(values []fr.Element, blinding fr.Element) error {
	p, m := x.params, x.params.columns()
	weights := eqTable(x.r[:logWidth+p.logAssets])[:m]
	b := inner(weights, values)
	var c fr.Element
	c.Square(&b)
	if c.Sub(&b, &c); c != x.claim {
		return errChanged
	}
	y, sigma, omega := x.masks.scalar("y"), x.masks.scalar("sigma"), x.masks.scalar("omega")
	delta, delta2 := x.masks.scalar("delta"), x.masks.scalar("delta'")
	d, d2 := make([]fr.Element, m), make([]fr.Element, m)
	for i := range d {
		d[i], d2[i] = x.masks.at("d", i), x.masks.at("d'", i)
	}
	ld := inner(weights, d)
	Y := p.commitScalar(b, y)
	message := Y.AppendBinary(nil)
	message = p.commitVector(d, delta).AppendBinary(message)
	message = p.commitScalar(ld, sigma).AppendBinary(message)
	message = combine(Y, ld, Point{p.blinding}, omega).AppendBinary(message)
	message = p.commitVector(d2, delta2).AppendBinary(message)
	for j := range p.assets {
		message = appendScalars(message, weighted(d2[j*width:(j+1)*width]))
	}
	for u := range x.relations {
		message = appendScalars(message, x.relations[u].of(d))
	}
	x.proof = append(x.proof, message...)
	x.script.absorb("masks", message)
	e := x.script.challenge("e")

	// w opens Y − [c] on the base Y: w = y − s − b y.
	var w fr.Element
	w.Mul(&b, &y)
	w.Add(&w, &x.blinding)
	w.Sub(&y, &w)
	for i := range d {
		d[i] = answer(d[i], e, values[i])
		d2[i] = answer(d2[i], e, x.columns[i])
	}
	x.proof = appendScalars(x.proof, d...)
	x.proof = appendScalars(x.proof, answer(delta, e, blinding), answer(sigma, e, y), answer(omega, e, w))
	x.proof = appendScalars(x.proof, d2...)
	x.proof = appendScalars(x.proof, answer(delta2, e, x.remainder))
	return nil
}

// answer is mask + e secret.
func answer(mask, e, secret fr.Element) fr.Element {
	secret.Mul(&secret, &e)
	return *mask.Add(&mask, &secret)
}

// weighted is Σ 2^b v_b.
func weighted(v []fr.Element) (sum fr.Element) {
	for b := len(v) - 1; b >= 0; b-- {
		sum.Double(&sum)
		sum.Add(&sum, &v[b])
	}
	return sum
}

// commitScalar is s U + blinding H.
func (p *Parameters) commitScalar(s, blinding fr.Element) Point {
	return combine(Point{p.scalar}, s, Point{p.blinding}, blinding)
}

// commitVector is Σ v_c G_c + blinding H.
func (p *Parameters) commitVector(v []fr.Element, blinding fr.Element) Point {
	sum := multiply(p.generators, v)
	sum, _ = sum.Add(multiply([]grumpkin.G1Affine{p.blinding}, []fr.Element{blinding})) // never fails
	return sum
}

// combine is s p + t q.
func combine(p Point, s fr.Element, q Point, t fr.Element) Point {
	return multiply([]grumpkin.G1Affine{p.at, q.at}, []fr.Element{s, t})
}

// multiply is Σ s_i p_i.
func multiply(points []grumpkin.G1Affine, s []fr.Element) (sum Point) {
	if _, err := sum.at.MultiExp(points, s, ecc.MultiExpConfig{}); err != nil {
		panic(err) // of lengths that differ, which ours do not
	}
	return sum
}
