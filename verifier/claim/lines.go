package claim

import (
	"math/big"

	"github.com/assay-por/assay/verifier/canon"
)

// Names and types of SPEC parts 14 and 15.
const (
	LinesPath   = "reserves/lines.json"
	LinesType   = "assay/v1/lines"
	ControlPath = "reserves/control.json"
	ControlType = "assay/v1/control"
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

// ControlSignature is one signature over the challenge of an account (SPEC part 14).
type ControlSignature struct{ Account, Method, Signature string }

// Control is `reserves/control.json` (SPEC part 14).
type Control struct {
	Signatures []ControlSignature
	Snapshot   Hash
}

// ParseControl reads signatures of control. Errors are *canon.FormatError or *canon.VersionError.
func ParseControl(raw []byte) (*Control, error) {
	if len(raw) > maxLines {
		return nil, &canon.FormatError{Problem: "over 256 MiB"}
	}
	c := new(Control)
	err := canon.DecodeTyped(raw, "type", ControlType, func(r *canon.Reader) {
		r.Object(
			canon.Key("signatures", func() {
				var last string
				r.Array(maxEntries, func(i int) {
					var s ControlSignature
					r.Object(
						canon.Key("account", func() { s.Account = canon.Parse(r, parseAccount) }),
						canon.Key("method", func() {
							s.Method = canon.Parse(r, parseOne("method", "eip191", "bip322-simple", "bip322-full", "compact"))
						}),
						canon.Key("signature", func() { s.Signature = canon.Parse(r, sized(1<<20)) }),
					)
					ascending(r, i, &last, s.Account)
					c.Signatures = append(c.Signatures, s)
				})
			}),
			canon.Key("snapshot", func() { c.Snapshot = r.Hash() }),
			canon.Key("type", func() { r.Fixed(ControlType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}
