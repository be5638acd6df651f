package claim

import (
	"math/big"

	"github.com/assay-por/assay/verifier/canon"
)

// Name and type of SPEC part 15.
const (
	LinesPath = "reserves/lines.json"
	LinesType = "assay/v1/lines"
)

const (
	maxLines   = 256 << 20 // bytes; SPEC part 18
	maxEntries = 1 << 24
)

// Line is what one account holds of one token (SPEC part 15).
type Line struct {
	Account  string
	Amount   *big.Int // in the token's base units
	Control  string
	Custody  string
	Evidence string
	Token    string
}

// Lines is `reserves/lines.json` (SPEC part 15).
type Lines struct {
	Lines    []Line
	Snapshot Hash
}

// ParseLines reads reserve lines. Errors are *canon.FormatError or *canon.VersionError.
func ParseLines(raw []byte) (*Lines, error) {
	if len(raw) > maxLines {
		return nil, &canon.FormatError{Problem: "over 256 MiB"}
	}
	l := new(Lines)
	err := canon.DecodeTyped(raw, "type", LinesType, func(r *canon.Reader) {
		r.Object(
			canon.Key("lines", func() {
				var last string
				r.Array(maxEntries, func(i int) {
					var x Line
					r.Object(
						canon.Key("account", func() { x.Account = canon.Parse(r, parseAccount) }),
						canon.Key("amount", func() { x.Amount = canon.Parse(r, parseWide) }),
						canon.Key("control", func() { x.Control = canon.Parse(r, parseControl) }),
						canon.Key("custody", func() { x.Custody = canon.Parse(r, parseCustody) }),
						canon.Key("evidence", func() { x.Evidence = canon.Parse(r, parseClaimed) }),
						canon.Key("token", func() { x.Token = canon.Parse(r, parseToken) }),
					)
					ascending(r, i, &last, x.Account+"\x00"+x.Token)
					l.Lines = append(l.Lines, x)
				})
			}),
			canon.Key("snapshot", func() { l.Snapshot = r.Hash() }),
			canon.Key("type", func() { r.Fixed(LinesType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}
