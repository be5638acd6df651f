package confidential

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// transcript is the chain of hashes that challenges come from (SPEC part 29, Transcript).
type transcript struct {
	state [32]byte
	wide  *wide
}

func newTranscript(w *wide) *transcript {
	return &transcript{sha256.Sum256([]byte("assay/v1/confidential/transcript\x00")), w}
}

func (t *transcript) absorb(label string, data []byte) {
	b := append([]byte{0x01}, t.state[:]...)
	b = append(b, byte(len(label)))
	b = append(b, label...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(data)))
	t.state = sha256.Sum256(append(b, data...))
}

func (t *transcript) challenge(label string) fr.Element {
	half := func(n byte) [32]byte {
		return sha256.Sum256(append(append(append([]byte{0x02}, t.state[:]...), n), label...))
	}
	var b [64]byte
	low, high := half(1), half(0)
	copy(b[:32], high[:])
	copy(b[32:], low[:])
	t.state = sha256.Sum256(append(append([]byte{0x03}, t.state[:]...), label...))
	return t.wide.scalar(&b)
}

func (t *transcript) challenges(label string, n int) []fr.Element {
	c := make([]fr.Element, n)
	for i := range c {
		c[i] = t.challenge(label)
	}
	return c
}
