package respsig

import (
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

const headType = "assay/v1/audit-head"

// Head says how far a server's audit log reached (SPEC part 28).
type Head struct {
	At   time.Time
	Hash [32]byte // of the last row
	Seq  uint64   // its number, from 1
}

// ParseHead reads the payload of a head's envelope. Errors are *canon.FormatError or *canon.VersionError.
func ParseHead(payload []byte) (Head, error) {
	var h Head
	err := canon.DecodeTyped(payload, "type", headType, func(r *canon.Reader) {
		r.Object(
			canon.Key("at", func() { h.At = canon.Parse(r, parseTime) }),
			canon.Key("hash", func() { h.Hash = r.Hash() }),
			canon.Key("seq", func() {
				if h.Seq = r.Number(1<<53 - 1); h.Seq == 0 {
					r.Fail("0, and rows are numbered from 1")
				}
			}),
			canon.Key("type", func() { r.Fixed(headType) }),
		)
	})
	return h, err
}
