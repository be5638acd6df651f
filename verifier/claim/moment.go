package claim

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/assay-por/assay/verifier/canon"
)

const maxLog = 1 << 32 // entries of a log, SPEC part 18

// Moment is what the statement's maker could not have known earlier (SPEC part 26).
type Moment struct {
	Blocks     []Block
	Checkpoint *LogPoint // nil: none
}

// LogPoint is a log as one of its checkpoints has it (SPEC part 26).
type LogPoint struct {
	Origin string
	Root   Hash
	Size   uint64
}

func readMoment(r *canon.Reader) (m Moment) {
	r.Object(
		canon.Key("blocks", func() { m.Blocks = readBlocks(r) }),
		canon.Optional("checkpoint", func() {
			m.Checkpoint = new(LogPoint)
			r.Object(
				canon.Key("origin", func() { m.Checkpoint.Origin = canon.Parse(r, parseOrigin) }),
				canon.Key("root", func() { m.Checkpoint.Root = r.Hash() }),
				canon.Key("size", func() { m.Checkpoint.Size = r.Number(maxLog) }),
			)
		}),
	)
	return m
}

// parseOrigin reads the name of a log's key (SPEC part 25).
func parseOrigin(s string) (string, error) {
	if s == "" || len(s) > 256 || strings.ContainsRune(s, '+') || strings.ContainsFunc(s, unicode.IsSpace) {
		return "", errors.New("not the origin of a log: want 1-256 bytes without white space and +")
	}
	return s, nil
}

// CheckMoment is the check `statement.moment`, but for what only a log's proof can show (SPEC part 26). It returns the blocks that no
// anchor of the policy confirms.
func (s *Statement) CheckMoment(p *Policy) (unanchored []Block, err error) {
	for _, b := range s.Moment.Blocks {
		pinned, ok := s.Snapshot.pinned(b.Chain)
		switch {
		case !ok:
			return nil, fmt.Errorf("moment: %s is not a chain that the snapshot pins", b.Chain)
		case b.Number < pinned.Number || b.Time.Before(pinned.Time):
			return nil, fmt.Errorf("moment: block %d of %s, of %s, is before the pinned block %d, of %s", b.Number, b.Chain, b.Time.Format(timeForm), pinned.Number, pinned.Time.Format(timeForm))
		case b.Number == pinned.Number && (b.Hash != pinned.Hash || !b.Time.Equal(pinned.Time)):
			return nil, fmt.Errorf("moment: block %d of %s is another one than the snapshot pins", b.Number, b.Chain)
		}
		anchored, err := p.CheckAnchor(b)
		if err != nil {
			return nil, fmt.Errorf("moment: %s: %w", b.Chain, err)
		}
		if !anchored {
			unanchored = append(unanchored, b)
		}
	}
	return unanchored, nil
}

// pinned gives the pinned block of a chain.
func (s *Snapshot) pinned(chain string) (Block, bool) {
	for _, b := range s.Blocks {
		if b.Chain == chain {
			return b, true
		}
	}
	return Block{}, false
}
