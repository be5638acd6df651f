package claim

import "math/big"

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

// ParseLines reads reserve lines. Errors are *FormatError or *VersionError.
func ParseLines(raw []byte) (*Lines, error) {
	if len(raw) > maxLines {
		return nil, &FormatError{"", "over 256 MiB"}
	}
	l := new(Lines)
	err := decode(raw, "type", LinesType, func(r *reader) {
		r.object(
			must("lines", func() {
				var last string
				r.array(maxEntries, func(i int) {
					var x Line
					r.object(
						must("account", func() { x.Account = parsed(r, parseAccount) }),
						must("amount", func() { x.Amount = parsed(r, parseWide) }),
						must("control", func() { x.Control = parsed(r, parseControl) }),
						must("custody", func() { x.Custody = parsed(r, parseCustody) }),
						must("evidence", func() { x.Evidence = parsed(r, parseClaimed) }),
						must("token", func() { x.Token = parsed(r, parseToken) }),
					)
					r.ascending(i, &last, x.Account+"\x00"+x.Token)
					l.Lines = append(l.Lines, x)
				})
			}),
			must("snapshot", func() { l.Snapshot = parsed(r, parseHash) }),
			must("type", func() { r.fixed(LinesType) }),
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

// ParseControl reads signatures of control. Errors are *FormatError or *VersionError.
func ParseControl(raw []byte) (*Control, error) {
	if len(raw) > maxLines {
		return nil, &FormatError{"", "over 256 MiB"}
	}
	c := new(Control)
	err := decode(raw, "type", ControlType, func(r *reader) {
		r.object(
			must("signatures", func() {
				var last string
				r.array(maxEntries, func(i int) {
					var s ControlSignature
					r.object(
						must("account", func() { s.Account = parsed(r, parseAccount) }),
						must("method", func() { s.Method = parsed(r, parseOne("method", "eip191", "bip322-simple")) }),
						must("signature", func() { s.Signature = parsed(r, sized(1<<20)) }),
					)
					r.ascending(i, &last, s.Account)
					c.Signatures = append(c.Signatures, s)
				})
			}),
			must("snapshot", func() { c.Snapshot = parsed(r, parseHash) }),
			must("type", func() { r.fixed(ControlType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}
