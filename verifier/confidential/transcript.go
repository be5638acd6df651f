package confidential

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// transcript is the chain of SHA-256 from which the challenges are drawn (SPEC part 29).
type transcript struct{ state [sha256.Size]byte }

func newTranscript() *transcript {
	return &transcript{sha256.Sum256([]byte("assay/v1/confidential/transcript\x00"))}
}

func (t *transcript) absorb(label string, parts ...[]byte) {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	h := sha256.New()
	h.Write([]byte{0x01})
	h.Write(t.state[:])
	h.Write([]byte{byte(len(label))})
	h.Write([]byte(label))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(size))) //nolint:gosec // a length is not negative
	for _, part := range parts {
		h.Write(part)
	}
	h.Sum(t.state[:0])
}

func (t *transcript) challenge(label string) (c fr.Element) {
	draw := func(prefix ...byte) []byte {
		b := append([]byte{prefix[0]}, t.state[:]...)
		b = append(b, prefix[1:]...)
		sum := sha256.Sum256(append(b, label...))
		return sum[:]
	}
	c.SetBytes(append(draw(0x02, 0x00), draw(0x02, 0x01)...))
	copy(t.state[:], draw(0x03))
	return c
}

// weight is a challenge's low 128 bits, for sums of equations.
func (t *transcript) weight() (w fr.Element) {
	b := t.challenge("weight")
	raw := b.Bytes()
	w.SetBytes(raw[fr.Bytes-16:])
	return w
}

// claim absorbs what is proved.
func (t *transcript) claim(assets []string, c *Claim) {
	root, sum, total := c.Root, c.Sum.Bytes(), c.Total.Bytes()
	t.absorb("level", []byte{byte(c.Level)})
	t.absorb("snapshot", c.Snapshot[:])
	t.absorb("shard", binary.BigEndian.AppendUint32(nil, c.Index))
	names := binary.BigEndian.AppendUint16(nil, uint16(len(assets))) //nolint:gosec // at most 1,024 assets
	for _, id := range assets {
		names = append(append(names, byte(len(id))), id...)
	}
	t.absorb("assets", names)
	relations := binary.BigEndian.AppendUint16(nil, uint16(len(c.Relations))) //nolint:gosec // as many as a statement has
	for _, relation := range c.Relations {
		for _, lambda := range relation {
			relations = appendLambda(relations, lambda)
		}
	}
	t.absorb("relations", relations)
	t.absorb("rows", binary.BigEndian.AppendUint64(nil, c.Rows))
	t.absorb("root", root[:])
	t.absorb("sum", sum[:])
	if c.Level == Shard {
		t.absorb("total", total[:])
		return
	}
	var totals []byte
	for _, amount := range c.Totals {
		totals = append(totals, amount.FillBytes(make([]byte, 32))...)
	}
	t.absorb("totals", totals)
	if c.Surplus != nil {
		surplus := c.Surplus.Bytes()
		t.absorb("surplus", surplus[:])
	}
}

func appendLambda(b []byte, lambda *big.Int) []byte {
	sign := byte(0)
	if lambda.Sign() < 0 {
		sign = 1
	}
	return append(append(b, sign), new(big.Int).Abs(lambda).FillBytes(make([]byte, lambdaBytes))...)
}
