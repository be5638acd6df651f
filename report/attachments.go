package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/assay-por/assay/attest"
)

// The paths of attachments, which are made after the statement was signed (SPEC part 11).
const (
	PathEntry       = "attachments/entry.dsse.json"
	PathLogProof    = "attachments/log.tlog-proof"
	PathAnchor      = "attachments/anchor.json"
	PathAnchorProof = "attachments/anchor.tlog-proof"

	timestampPrefix = "attachments/timestamps/"
	timestampSuffix = ".tsr"
	findingPrefix   = "attachments/findings/"
	findingSuffix   = ".dsse.json"
)

// MaxTimestamps and MaxFindings are how many of them a bundle holds (SPEC part 11).
const (
	MaxTimestamps = 16
	MaxFindings   = 32
)

const (
	maxProof   = 64 << 10 // SPEC part 18: a log proof, a time stamp
	typeAnchor = "assay/v1/anchor"
	proofHead  = "c2sp.org/tlog-proof@v1\n" // SPEC part 25
)

// PathTimestamp returns the path of time stamp n, from 0 (SPEC part 11).
func PathTimestamp(n int) string { return timestampPrefix + strconv.Itoa(n) + timestampSuffix }

// PathFinding returns the path of finding n, from 0 (SPEC part 11).
func PathFinding(n int) string { return findingPrefix + strconv.Itoa(n) + findingSuffix }

// numbered reads the number out of a path that one of the two functions above makes.
func numbered(path, prefix, suffix string, most int) bool {
	number, ok := strings.CutPrefix(path, prefix)
	number, ends := strings.CutSuffix(number, suffix)
	n, err := strconv.Atoi(number)
	return ok && ends && err == nil && n >= 0 && n < most && strconv.Itoa(n) == number
}

// isAttachment reports whether the table of SPEC part 11 has the path as an attachment's.
func isAttachment(path string) bool {
	switch path {
	case PathEntry, PathLogProof, PathAnchor, PathAnchorProof:
		return true
	}
	return numbered(path, timestampPrefix, timestampSuffix, MaxTimestamps) || numbered(path, findingPrefix, findingSuffix, MaxFindings)
}

// checkTogether: attachments that are of use only beside each other, and numbers without a gap (SPEC part 11).
func checkTogether(files []File) error {
	has := map[string]bool{}
	for _, f := range files {
		has[f.Path] = isAttachment(f.Path)
	}
	for _, pair := range [][2]string{{PathEntry, PathLogProof}, {PathLogProof, PathEntry}, {PathAnchor, PathAnchorProof}, {PathAnchorProof, PathAnchor}, {PathAnchor, PathEntry}} {
		if has[pair[0]] && !has[pair[1]] {
			return fmt.Errorf("bundle: %s stands without %s", pair[0], pair[1])
		}
	}
	for _, list := range []struct {
		path func(int) string
		most int
	}{{PathTimestamp, MaxTimestamps}, {PathFinding, MaxFindings}} {
		for n := 1; n < list.most; n++ {
			if has[list.path(n)] && !has[list.path(n-1)] {
				return fmt.Errorf("bundle: %s stands without %s", list.path(n), list.path(n-1))
			}
		}
	}
	return nil
}

// lintAttachment checks that an attachment is of its format, as far as this room knows
// it, and about the statement of the bundle.
func lintAttachment(f File, frame frame, secret func([]byte) bool) error {
	limit := maxProof
	switch {
	case f.Path == PathAnchor:
		limit = maxFile
	case strings.HasPrefix(f.Path, findingPrefix):
		limit = maxFinding
	}
	b, err := f.read(limit)
	if err != nil {
		return err
	}
	if secret != nil && secret(b) {
		return errPrivate
	}
	switch {
	case f.Path == PathEntry:
		e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, b)
		if err != nil {
			return err
		}
		entry, err := ParseEntry(e.Payload)
		if err != nil {
			return err
		}
		return entry.About(frame.envelope)
	case f.Path == PathLogProof || f.Path == PathAnchorProof:
		if !bytes.HasPrefix(b, []byte(proofHead)) {
			return errors.New("it is no proof of a log")
		}
	case f.Path == PathAnchor:
		return lintAnchor(b)
	case strings.HasPrefix(f.Path, timestampPrefix):
		if !bytes.HasPrefix(b, []byte{0x30}) {
			return errors.New("it is no time stamp")
		}
	default:
		return lintFinding(b, frame.signed, secret)
	}
	return nil
}

func lintAnchor(b []byte) error {
	if err := attest.CheckCanonical(b); err != nil {
		return err
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return fmt.Errorf("not of its format: %w", err)
	}
	if head.Type != typeAnchor {
		return fmt.Errorf("it is of type %q, want %q", clip(head.Type), typeAnchor)
	}
	return nil
}

func lintFinding(b []byte, signed Signed, secret func([]byte) bool) error {
	f, about, err := ReadFinding(b)
	if err != nil {
		return err
	}
	if payload, err := attest.Canonical(f); err != nil || secret != nil && secret(payload) { // in the envelope it stands as base64
		return errors.Join(err, errPrivate)
	}
	if about != signed.Digest {
		return fmt.Errorf("finding: it is about the statement %s, this is %s", about, signed.Digest)
	}
	return nil
}
