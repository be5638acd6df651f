package confidential

import (
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// errOpening is a proof that is of its format and not true.
var errOpening = errors.New("the proof does not hold: some balance is not one of 0 to 2^128-1, or the totals are not those of the rows, or the proof is for other rows")

// challenges are what the verifier, had it been asked, would have said.
type challenges struct {
	tau, round []fr.Element
	e          fr.Element
	weights    [4]fr.Element // of equations (a) to (d)
}

// Check verifies a proof over rows (SPEC part 29, "Verifying a proof"). A proof that is not of its format gives a *canon.FormatError or
// *canon.VersionError; an error of rows is handed on. Points are multiplied by so many threads.
func (p *Parameters) Check(c Claim, raw []byte, rows Rows, threads int) error {
	if err := c.check(len(p.assets)); err != nil {
		return err
	}
	variables := p.columnVars() + c.rowVars()
	proof, err := parseProof(raw, variables, len(p.columns), len(p.assets), len(c.Relations))
	if err != nil {
		return err
	}
	drawn := p.draw(&c, proof)
	if err := p.checkScalars(&c, proof, &drawn); err != nil {
		return err
	}
	row := drawn.round[p.columnVars():]
	opened, err := combine(row, c.Rows, rows, threads)
	if err != nil {
		return err
	}
	return p.checkPoints(&c, proof, &drawn, opened, threads)
}

// draw rebuilds the transcript: each message is absorbed before the challenges after it are drawn.
func (p *Parameters) draw(c *Claim, proof *proof) (drawn challenges) {
	t := newTranscript()
	t.claim(p.assets, c)
	for range proof.rounds {
		drawn.tau = append(drawn.tau, t.challenge("tau"))
	}
	for _, message := range proof.rawRounds {
		t.absorb("round", message)
		drawn.round = append(drawn.round, t.challenge("round"))
	}
	t.absorb("masks", proof.rawMasks)
	drawn.e = t.challenge("e")
	t.absorb("answers", proof.rawAnswers)
	for i := range drawn.weights {
		drawn.weights[i] = t.weight()
	}
	return drawn
}

// checkScalars checks equations (e) and (f): the totals of the columns and the relations of the rows.
func (p *Parameters) checkScalars(c *Claim, proof *proof, drawn *challenges) error {
	for j, id := range p.assets {
		var want fr.Element
		if c.Level == Top {
			want.SetBigInt(c.Totals[j])
			want.Mul(&want, &drawn.e)
		}
		want.Add(&want, &proof.totals[j])
		if got := amount(proof.z2[j*width : (j+1)*width]); !got.Equal(&want) {
			return fmt.Errorf("the proof does not hold: the rows' total of %s is not the stated one", id)
		}
	}
	for u, relation := range c.Relations {
		var got fr.Element
		for j, lambda := range relation {
			var factor fr.Element
			factor.SetBigInt(lambda)
			value := amount(proof.z[j*width : (j+1)*width])
			got.Add(&got, factor.Mul(&factor, &value))
		}
		if !got.Equal(&proof.relations[u]) {
			return fmt.Errorf("the proof does not hold: relation #%d is not zero in every row", u)
		}
	}
	return nil
}

// amount is the sum of one asset's columns by powers of two.
func amount(columns []fr.Element) (sum fr.Element) {
	for b := len(columns) - 1; b >= 0; b-- {
		sum.Double(&sum)
		sum.Add(&sum, &columns[b])
	}
	return sum
}

// checkPoints checks equations (a) to (d) as one sum of points, each with a weight of its own. opened is the rows' weighted sum.
func (p *Parameters) checkPoints(c *Claim, proof *proof, drawn *challenges, opened grumpkin.G1Affine, threads int) error {
	a, b, product, d := &drawn.weights[0], &drawn.weights[1], &drawn.weights[2], &drawn.weights[3]
	column := eqTable(drawn.round[:p.columnVars()])
	var s sum
	var inner, blinding fr.Element
	for i := range p.columns {
		inner.Add(&inner, mul(&column[i], &proof.z[i]))
		s.add(p.columns[i], add(mul(a, &proof.z[i]), mul(d, &proof.z2[i])))
	}
	for _, term := range [][2]*fr.Element{{a, &proof.zDelta}, {b, &proof.zSigma}, {product, &proof.zOmega}, {d, &proof.z2Delta}} {
		blinding.Add(&blinding, mul(term[0], term[1]))
	}
	s.add(p.h, &blinding)
	s.add(p.u, mul(b, &inner))
	for _, mask := range []struct {
		point  grumpkin.G1Affine
		weight *fr.Element
	}{{proof.d, a}, {proof.e, b}, {proof.f, product}, {proof.d2, d}} {
		s.subtract(mask.point, mask.weight)
	}
	s.subtract(opened, mul(a, &drawn.e))
	s.subtract(proof.y, mul(b, &drawn.e))
	s.add(proof.y, mul(product, &inner))
	s.subtract(proof.y, mul(product, &drawn.e))
	s.addClaim(proof, drawn, mul(product, &drawn.e))
	s.subtract(c.Sum.Affine(), mul(d, &drawn.e))
	if c.Level == Shard {
		s.add(c.Total.Affine(), mul(d, &drawn.e))
	}
	if c.Surplus != nil {
		weight := eqAt(drawn.round[p.columnVars():], c.Rows) // it is row n of (a), and part of Q
		weight.Mul(&weight, a)
		s.subtract(c.Surplus.Affine(), mul(add(&weight, d), &drawn.e))
	}
	zero, err := s.isZero(threads)
	if err == nil && !zero {
		return errOpening
	}
	return err
}

// addClaim adds factor times the claim that the last round leaves, the commitment [c].
func (s *sum) addClaim(proof *proof, drawn *challenges, factor *fr.Element) {
	for t, k := range proof.rounds {
		var first, second fr.Element
		first.Sub(&drawn.round[t], &drawn.tau[t])
		second.Square(&drawn.round[t])
		second.Sub(&second, &drawn.tau[t])
		s.add(k[0], mul(factor, &first))
		s.add(k[1], mul(factor, &second))
	}
}

// sum is a sum of points times scalars, to be done at once.
type sum struct {
	points  []grumpkin.G1Affine
	scalars []fr.Element
}

func (s *sum) add(p grumpkin.G1Affine, k *fr.Element) {
	if p.IsInfinity() {
		return
	}
	s.points, s.scalars = append(s.points, p), append(s.scalars, *k)
}

func (s *sum) subtract(p grumpkin.G1Affine, k *fr.Element) {
	var minus fr.Element
	s.add(p, minus.Neg(k))
}

func (s *sum) isZero(threads int) (bool, error) {
	var total grumpkin.G1Jac
	if _, err := total.MultiExp(s.points, s.scalars, ecc.MultiExpConfig{NbTasks: threads}); err != nil {
		return false, fmt.Errorf("multi-scalar multiplication: %w", err)
	}
	return total.Z.IsZero(), nil
}

func mul(x, y *fr.Element) *fr.Element { return new(fr.Element).Mul(x, y) }

func add(x, y *fr.Element) *fr.Element { return new(fr.Element).Add(x, y) }
