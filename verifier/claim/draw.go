package claim

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

// Draw says how an instant was picked that the exchange could not choose (SPEC part 21).
type Draw struct {
	Chain, Hash      string // of the block whose hash took part
	Number           uint64
	Commitment, Seed Hash
	From, To         time.Time
}

func readDraw(r *canon.Reader) *Draw {
	d := new(Draw)
	r.Object(
		canon.Key("chain", func() { d.Chain = canon.Parse(r, parseChain) }),
		canon.Key("commitment", func() { d.Commitment = r.Hash() }),
		canon.Key("from", func() { d.From = canon.Parse(r, parseTime) }),
		canon.Key("hash", func() {
			d.Hash = r.Text()
			if err := checkBlockHash(d.Chain, d.Hash); err != nil {
				r.Fail("%v", err)
			}
		}),
		canon.Key("number", func() { d.Number = r.Number(canon.MaxInteger) }),
		canon.Key("seed", func() { d.Seed = r.Hash() }),
		canon.Key("to", func() { d.To = canon.Parse(r, parseTime) }),
	)
	return d
}

// CheckDraw is the draw's part of the check `snapshot` (SPEC part 21): the instant follows from seed and block. anchored reports
// whether the policy knows the block. A snapshot without a draw passes.
func (s *Snapshot) CheckDraw(p *Policy) (anchored bool, err error) {
	d := s.Draw
	if d == nil {
		return false, nil
	}
	if !d.From.Before(d.To) {
		return false, fmt.Errorf("draw: from %s is not before to %s", d.From.Format(timeForm), d.To.Format(timeForm))
	}
	if got := Hash(sha256.Sum256(append([]byte("assay/v1/draw\x00"), d.Seed[:]...))); got != d.Commitment {
		return false, errors.New("draw: the seed is not the one that was committed to")
	}
	drawn := sha256.Sum256(append(append([]byte("assay/v1/instant\x00"), d.Seed[:]...), d.Hash...))
	span := uint64(d.To.Unix()-d.From.Unix()) + 1                                         //nolint:gosec // from is before to
	at := time.Unix(d.From.Unix()+int64(binary.BigEndian.Uint64(drawn[:])%span), 0).UTC() //nolint:gosec // below span, some 2^39
	if !at.Equal(s.Instant) {
		return false, fmt.Errorf("draw: seed and block give the instant %s, the snapshot's is %s", at.Format(timeForm), s.Instant.Format(timeForm))
	}
	for _, a := range p.Anchors {
		if a.Chain != d.Chain || a.Number != d.Number {
			continue
		}
		if a.Hash != d.Hash {
			return false, fmt.Errorf("draw: the policy's anchor for block %d is %s, the draw has %s", d.Number, a.Hash, d.Hash)
		}
		return true, nil
	}
	return false, nil
}
