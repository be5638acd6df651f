package tlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Types of evidence (SPEC part 25).
const (
	ForkType         = "assay/v1/evidence/fork"
	EquivocationType = "assay/v1/evidence/equivocation"
)

// Fork is evidence that a log signed two histories (SPEC part 25).
type Fork struct {
	First, Second []byte // checkpoints, the first not larger
	Path          []Hash // as Tree.ForkPath of the second's tree gives it
}

// ParseFork reads evidence of a fork. Errors are *canon.FormatError or *canon.VersionError.
func ParseFork(raw []byte) (*Fork, error) {
	if err := tooLong(raw, maxEvidence); err != nil {
		return nil, err
	}
	f := new(Fork)
	err := canon.DecodeTyped(raw, "type", ForkType, func(r *canon.Reader) {
		r.Object(
			canon.Key("first", func() { f.First = readCheckpoint(r) }),
			canon.Key("path", func() { f.Path = readPath(r) }),
			canon.Key("second", func() { f.Second = readCheckpoint(r) }),
			canon.Key("type", func() { r.Fixed(ForkType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// JSON writes the evidence as ParseFork reads it.
func (f Fork) JSON() []byte {
	return fmt.Appendf(nil, `{"first":"%s","path":%s,"second":"%s","type":"%s"}`, text64(f.First), pathJSON(f.Path), text64(f.Second), ForkType)
}

// Check verifies the evidence (SPEC part 25). Without an error the log is caught; an error says why the evidence shows nothing.
func (f Fork) Check(t Trust) error {
	first, err := t.CheckLogOnly(f.First)
	if err != nil {
		return fmt.Errorf("first: %w", err)
	}
	second, err := t.CheckLogOnly(f.Second)
	if err != nil {
		return fmt.Errorf("second: %w", err)
	}
	if !slices.ContainsFunc(first.Logs, func(k Key) bool { return slices.Contains(second.Logs, k) }) {
		return errors.New("the two checkpoints are not signed with one key of a log of the policy")
	}
	before, after, err := RootsOf(first.Size, second.Size, f.Path)
	switch {
	case err != nil:
		return fmt.Errorf("path: %w", err)
	case after != second.Root:
		return fmt.Errorf("path: leads to root %s, the second checkpoint has %s", after, second.Root)
	case before == first.Root:
		return fmt.Errorf("the two checkpoints of log %q are of one history", first.Origin)
	}
	return nil
}

// Logged is an entry with its place in a log.
type Logged struct {
	Entry []byte
	Index uint64
	Path  []Hash
}

// Equivocation is evidence that an exchange entered two statements where only one may stand (SPEC part 25). The entries are in the order
// of the log.
type Equivocation struct {
	Checkpoint []byte
	Entries    [2]Logged
}

// ParseEquivocation reads evidence of an equivocation. Errors are *canon.FormatError or *canon.VersionError.
func ParseEquivocation(raw []byte) (*Equivocation, error) {
	if err := tooLong(raw, maxEvidence); err != nil {
		return nil, err
	}
	e := new(Equivocation)
	err := canon.DecodeTyped(raw, "type", EquivocationType, func(r *canon.Reader) {
		r.Object(
			canon.Key("checkpoint", func() { e.Checkpoint = readCheckpoint(r) }),
			canon.Key("entries", func() {
				count := 0
				r.Array(len(e.Entries), func(i int) { e.Entries[i] = readLogged(r); count++ })
				if count < len(e.Entries) || e.Entries[0].Index >= e.Entries[1].Index {
					r.Fail("want two entries, by ascending index")
				}
			}),
			canon.Key("type", func() { r.Fixed(EquivocationType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// JSON writes the evidence as ParseEquivocation reads it.
func (e Equivocation) JSON() []byte {
	var entries []string
	for _, l := range e.Entries {
		entries = append(entries, fmt.Sprintf(`{"entry":"%s","index":%d,"path":%s}`, text64(l.Entry), l.Index, pathJSON(l.Path)))
	}
	return fmt.Appendf(nil, `{"checkpoint":"%s","entries":[%s],"type":"%s"}`, text64(e.Checkpoint), strings.Join(entries, ","), EquivocationType)
}

// CheckInclusions verifies that a log of the policy signed the checkpoint and that both entries are in it (SPEC part 25). What the
// entries say is for their reader to check.
func (e Equivocation) CheckInclusions(t Trust) (*Checkpoint, error) {
	c, err := t.CheckLogOnly(e.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	for i, l := range e.Entries {
		if err := CheckInclusion(LeafHash(l.Entry), l.Index, c.Size, l.Path, c.Root); err != nil {
			return nil, fmt.Errorf("entries[%d]: %w", i, err)
		}
	}
	return c, nil
}

func readCheckpoint(r *canon.Reader) []byte {
	raw := canon.Parse(r, parseBase64)
	if r.Failed() {
		return nil
	}
	if _, err := ParseCheckpoint(raw); err != nil {
		r.Fail("%v", err)
	}
	return raw
}

func readLogged(r *canon.Reader) (l Logged) {
	r.Object(
		canon.Key("entry", func() {
			if l.Entry = canon.Parse(r, parseBase64); len(l.Entry) > maxSmall {
				r.Fail("%d bytes, the limit is %d", len(l.Entry), maxSmall)
			}
		}),
		canon.Key("index", func() { l.Index = r.Number(maxSize - 1) }),
		canon.Key("path", func() { l.Path = readPath(r) }),
	)
	return l
}

func readPath(r *canon.Reader) (path []Hash) {
	r.Array(maxPath+1, func(int) { path = append(path, r.Hash()) })
	return path
}

func pathJSON(path []Hash) string {
	var hashes []string
	for _, h := range path {
		hashes = append(hashes, `"`+h.String()+`"`)
	}
	return "[" + strings.Join(hashes, ",") + "]"
}

func text64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
