package tlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

const maxSignatures = 64

// Cosignature is what a witness of the policy signed: that it saw the checkpoint at a time (SPEC part 25).
type Cosignature struct {
	Witness string
	Time    time.Time
}

// Checkpoint is what a log says of itself: so many entries, with such a root (SPEC part 25). The last three are known once a Trust has
// checked it.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   Hash
	Text   []byte // what the log signs: three lines, the last newline included
	Raw    []byte

	Logs         []Key // the policy's keys of the origin that signed
	Cosignatures []Cosignature
	Witnessed    time.Time // so many witnesses as the quorum saw it then or before; zero if none is asked

	lines []line
}

// line is one signature of a checkpoint, whoever made it.
type line struct {
	name      string
	hash      uint32
	signature []byte
}

// ParseCheckpoint reads a checkpoint and believes nothing of it (SPEC part 25). Errors are *canon.FormatError.
func ParseCheckpoint(raw []byte) (*Checkpoint, error) {
	if err := tooLong(raw, maxSmall); err != nil {
		return nil, err
	}
	text, rest, _ := strings.Cut(string(raw), "\n\n")
	signatures, ended := strings.CutSuffix(rest, "\n")
	head := strings.Split(text, "\n")
	if len(head) != 3 || !ended {
		return nil, &canon.FormatError{Problem: "not a checkpoint: want three lines, an empty one, and lines of signatures, each ended by a newline"}
	}
	c := &Checkpoint{Origin: head[0], Text: raw[:len(text)+1], Raw: raw}
	if !validName(c.Origin) {
		return nil, &canon.FormatError{Field: "origin", Problem: "want 1-256 bytes of UTF-8 without white space and +"}
	}
	var err error
	if c.Size, err = parseNumber(head[1], maxSize); err != nil {
		return nil, &canon.FormatError{Field: "size", Problem: err.Error()}
	}
	if c.Root, err = parseHash(head[2]); err != nil {
		return nil, &canon.FormatError{Field: "root", Problem: err.Error()}
	}
	for i, s := range strings.Split(signatures, "\n") {
		if i == maxSignatures {
			return nil, &canon.FormatError{Problem: fmt.Sprintf("more than %d signatures", maxSignatures)}
		}
		l, err := parseLine(s)
		if err != nil {
			return nil, &canon.FormatError{Field: fmt.Sprintf("signatures[%d]", i), Problem: err.Error()}
		}
		c.lines = append(c.lines, l)
	}
	return c, nil
}

func parseLine(s string) (line, error) {
	rest, dashed := strings.CutPrefix(s, "— ")
	name, encoded, _ := strings.Cut(rest, " ")
	b, err := parseBase64(encoded)
	switch {
	case !dashed || !validName(name):
		return line{}, errors.New("want a dash (U+2014), a name and base64, with a space between them")
	case err != nil:
		return line{}, err
	case len(b) <= 4:
		return line{}, errors.New("want four bytes of the key's hash and a signature")
	}
	return line{name, binary.BigEndian.Uint32(b), b[4:]}, nil
}

// by finds the line of a key. Requires that none stands twice.
func (c *Checkpoint) by(k Key) (line, bool) {
	for _, l := range c.lines {
		if l.name == k.Name && l.hash == k.Hash {
			return l, true
		}
	}
	return line{}, false
}
