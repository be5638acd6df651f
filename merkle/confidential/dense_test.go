package confidential

import (
	"bytes"
	"encoding/hex"
	"io"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// denseProve is the proof that the SPEC describes, from the whole matrix of bits, one entry after the other. With the same masks it is
// to be the same as [instance.prove]'s, byte for byte.
func (x *instance) denseProve(random io.Reader) ([]byte, error) { return x.traced(random, new(trace)) }

// trace is what a proof is made of on the way, in hex.
type trace struct {
	Rounds   []traceRound
	Values   string
	Blinding string // that of the opened row
	B        string
	Claim    string // the blinding of [c]
}

type traceRound struct {
	Q1, Q2, Blinding1, Blinding2 string
}

func hexes(s []fr.Element) (out []string) {
	for i := range s {
		out = append(out, hex.EncodeToString(appendScalars(nil, s[i])))
	}
	return out
}

// traced is denseProve, and fills in a trace.
func (x *instance) traced(random io.Reader, v *trace) ([]byte, error) {
	if err := x.start(random); err != nil {
		return nil, err
	}
	bits, err := x.matrix()
	if err != nil {
		return nil, err
	}
	columns := width << x.params.logAssets
	h := bits
	for t := range x.tau {
		var q1, q2 fr.Element
		eq := eqTable(x.tau[t+1:])
		for i := range len(h) / 2 {
			// B (1 − B) of B = a + X d, coefficient by coefficient.
			a, d := h[2*i], h[2*i+1]
			d.Sub(&d, &a)
			var one, two, ad fr.Element
			ad.Mul(&a, &d)
			one.Sub(&d, ad.Double(&ad))
			two.Square(&d)
			q1.Add(&q1, one.Mul(&one, &eq[i]))
			q2.Sub(&q2, two.Mul(&two, &eq[i]))
		}
		x.round(q1, q2)
		round := hexes([]fr.Element{q1, q2, x.masks.at("K1", t), x.masks.at("K2", t)})
		v.Rounds = append(v.Rounds, traceRound{round[0], round[1], round[2], round[3]})
		half := make([]fr.Element, len(h)/2)
		for i := range half {
			half[i] = mix(h[2*i], h[2*i+1], &x.r[t])
		}
		h = half
	}
	values, blinding := make([]fr.Element, x.params.columns()), fr.Element{}
	for i, w := range eqTable(x.r[logWidth+x.params.logAssets:])[:x.table.count] {
		var product fr.Element
		for c := range values {
			product.Mul(&w, &bits[i*columns+c])
			values[c].Add(&values[c], &product)
		}
		product.Mul(&w, &x.blindings[i])
		blinding.Add(&blinding, &product)
	}
	if err := x.open(values, blinding); err != nil {
		return nil, err
	}
	v.Values, v.Blinding, v.B = hex.EncodeToString(appendScalars(nil, values...)), hexes([]fr.Element{blinding})[0], hexes(h)[0]
	v.Claim = hexes([]fr.Element{x.blinding})[0]
	return bytes.Clone(x.proof), nil
}

// matrix returns all bits as scalars, in the order bit, asset, row, with the zeros that fill it up.
func (x *instance) matrix() ([]fr.Element, error) {
	columns := width << x.params.logAssets
	bits := make([]fr.Element, columns<<x.logRows())
	at := 0
	for r, err := range x.table.rows {
		if err != nil {
			return nil, err
		}
		for _, e := range r.Balances {
			for b := range width {
				if bit(e.Amount, b) {
					bits[at*columns+int(e.Asset)*width+b].SetOne()
				}
			}
		}
		at++
	}
	return bits, nil
}
