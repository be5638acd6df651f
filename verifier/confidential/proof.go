package confidential

import (
	"bytes"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/tree"
)

const proofMagic = "assay/v1/confidential-proof\n"

// proof is a proof's file, in its order (SPEC part 29, "Files"). The scalars beside it in the file are those of one sigma protocol.
type proof struct {
	rounds                 [][2]grumpkin.G1Affine // K1, K2
	y, d, e, f, d2         grumpkin.G1Affine
	totals, relations      []fr.Element // f, g
	z                      []fr.Element
	zDelta, zSigma, zOmega fr.Element
	z2                     []fr.Element
	z2Delta                fr.Element
	rawRounds              [][]byte // as they stand in the file, for the transcript
	rawMasks, rawAnswers   []byte
}

// parseProof reads a proof of so many variables, columns, assets and relations, strictly. Errors are *canon.FormatError or
// *canon.VersionError.
func parseProof(raw []byte, variables, columns, assets, relations int) (*proof, error) {
	points, scalars := 2*variables+5, 2*columns+assets+relations+4
	if len(raw) > maxProof {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxProof)}
	}
	if len(raw) < len(proofMagic) || string(raw[:len(proofMagic)]) != proofMagic {
		if at := len("assay/v"); len(raw) >= len(proofMagic) && bytes.HasPrefix(raw, []byte("assay/v")) && string(raw[at+1:len(proofMagic)]) == proofMagic[at+1:] {
			return nil, &canon.VersionError{Got: string(raw[:len(proofMagic)-1]), Want: proofMagic[:len(proofMagic)-1]}
		}
		return nil, &canon.FormatError{Problem: "does not begin with \"assay/v1/confidential-proof\""}
	}
	if want := len(proofMagic) + points*tree.PointSize + scalars*fr.Bytes; len(raw) != want {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, a proof over these rows and assets has %d", len(raw), want)}
	}
	r := &proofReader{rest: raw[len(proofMagic):]}
	p := new(proof)
	for range variables {
		p.rawRounds = append(p.rawRounds, r.rest[:2*tree.PointSize])
		p.rounds = append(p.rounds, [2]grumpkin.G1Affine{r.point(), r.point()})
	}
	p.rawMasks = r.rest[:5*tree.PointSize+(assets+relations)*fr.Bytes]
	for _, at := range []*grumpkin.G1Affine{&p.y, &p.d, &p.e, &p.f, &p.d2} {
		*at = r.point()
	}
	p.totals, p.relations = r.scalars(assets), r.scalars(relations)
	p.rawAnswers = r.rest
	p.z = r.scalars(columns)
	p.zDelta, p.zSigma, p.zOmega = r.scalar(), r.scalar(), r.scalar()
	p.z2, p.z2Delta = r.scalars(columns), r.scalar()
	return p, r.err
}

// proofReader reads points and scalars in turn; the first fault sticks.
type proofReader struct {
	rest            []byte
	points, numbers int
	err             error
}

func (r *proofReader) point() grumpkin.G1Affine {
	p, err := tree.ParsePoint(r.rest[:tree.PointSize])
	if err != nil && r.err == nil {
		r.err = &canon.FormatError{Field: fmt.Sprintf("point #%d", r.points), Problem: err.Error()}
	}
	r.rest = r.rest[tree.PointSize:]
	r.points++
	return p.Affine()
}

func (r *proofReader) scalar() (s fr.Element) {
	if err := s.SetBytesCanonical(r.rest[:fr.Bytes]); err != nil && r.err == nil {
		r.err = &canon.FormatError{Field: fmt.Sprintf("scalar #%d", r.numbers), Problem: "not below the group order"}
	}
	r.rest = r.rest[fr.Bytes:]
	r.numbers++
	return s
}

func (r *proofReader) scalars(n int) []fr.Element {
	list := make([]fr.Element, n)
	for i := range list {
		list[i] = r.scalar()
	}
	return list
}
