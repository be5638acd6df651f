package claim

import (
	"errors"

	"github.com/assay-por/assay/verifier/canon"
)

// Series is a statement's place among those of its kind (SPEC part 24). Two of them are the same if they are equal.
type Series struct {
	Name       string
	Number     uint64
	Follows    bool // previous is there
	Previous   Hash
	Supersedes Hash
	Reason     string // for superseding; empty if it supersedes none
}

func readSeries(r *canon.Reader) (s Series) {
	r.Object(
		canon.Key("name", func() { s.Name = canon.Parse(r, parseSeries) }),
		canon.Key("number", func() { s.Number = r.Number(canon.MaxInteger) }),
		canon.Optional("previous", func() { s.Follows, s.Previous = true, r.Hash() }),
		canon.Optional("supersedes", func() {
			r.Object(
				canon.Key("reason", func() { s.Reason = canon.Parse(r, sized(1024)) }),
				canon.Key("statement", func() { s.Supersedes = r.Hash() }),
			)
		}),
	)
	return s
}

func parseSeries(s string) (string, error) {
	if len(s) > 32 || !only(s, "abcdefghijklmnopqrstuvwxyz"+digits+"-") {
		return "", errors.New("not the name of a series: want 1-32 of a-z 0-9 -")
	}
	return s, nil
}

// Check is what one statement alone can show of the check `statement.series` (SPEC part 24).
func (s Series) Check() error {
	switch {
	case s.Number > 0 && !s.Follows:
		return errors.New("series: a number above 0, and no previous statement")
	case s.Number == 0 && s.Follows:
		return errors.New("series: number 0, and yet a previous statement")
	case s.Number == 0 && s.Reason != "":
		return errors.New("series: number 0, and yet it supersedes a statement")
	}
	return nil
}
