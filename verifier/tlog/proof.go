package tlog

import (
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

const proofType = "c2sp.org/tlog-proof@v1"

// Proof shows that an entry stands in a log (SPEC part 25). Its checkpoint is of its format, and not verified.
type Proof struct {
	Index      uint64
	Path       []Hash // lowest first
	Checkpoint []byte
}

// ParseProof reads a proof (SPEC part 25). Errors are *canon.FormatError.
func ParseProof(raw []byte) (*Proof, error) {
	if err := tooLong(raw, maxSmall); err != nil {
		return nil, err
	}
	text, checkpoint, _ := strings.Cut(string(raw), "\n\n")
	lines := strings.Split(text, "\n")
	switch {
	case lines[0] != proofType:
		return nil, &canon.FormatError{Problem: fmt.Sprintf("not a proof: the first line is not %q", proofType)}
	case len(lines) < 2:
		return nil, &canon.FormatError{Field: "index", Problem: "is missing"}
	case len(lines) > 2+maxPath:
		return nil, &canon.FormatError{Field: "path", Problem: fmt.Sprintf("more than %d hashes", maxPath)}
	}
	p := &Proof{Checkpoint: []byte(checkpoint)}
	index, ok := strings.CutPrefix(lines[1], "index ")
	if !ok {
		return nil, &canon.FormatError{Field: "index", Problem: "the second line is not the index: want no line of extra data"}
	}
	var err error
	if p.Index, err = parseNumber(index, maxSize-1); err != nil {
		return nil, &canon.FormatError{Field: "index", Problem: err.Error()}
	}
	for i, s := range lines[2:] {
		h, err := parseHash(s)
		if err != nil {
			return nil, &canon.FormatError{Field: fmt.Sprintf("path[%d]", i), Problem: err.Error()}
		}
		p.Path = append(p.Path, h)
	}
	if err := checkpointFormat("checkpoint", p.Checkpoint); err != nil {
		return nil, err
	}
	return p, nil
}

// checkpointFormat says in which field of a file a checkpoint is broken.
func checkpointFormat(field string, raw []byte) error {
	if _, err := ParseCheckpoint(raw); err != nil {
		return &canon.FormatError{Field: field, Problem: err.Error()}
	}
	return nil
}
