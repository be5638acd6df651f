package verifier

import (
	"fmt"
	"strings"
)

// Attachments are the files of a bundle that were made after the statement was signed (SPEC part 11).
const (
	attachments      = "attachments/"
	entryPath        = attachments + "entry.dsse.json"
	logProofPath     = attachments + "log.tlog-proof"
	anchorPath       = attachments + "anchor.json"
	anchorProofPath  = attachments + "anchor.tlog-proof"
	timestampsPrefix = attachments + "timestamps/"
	findingsPrefix   = attachments + "findings/"
)

func timestampPath(n int) string { return fmt.Sprintf("%s%d.tsr", timestampsPrefix, n) }
func findingPath(n int) string   { return fmt.Sprintf("%s%d.dsse.json", findingsPrefix, n) }

const (
	maxTimestamps = 16 // SPEC part 11
	maxFindings   = 32
)

// numbered counts the attachments of one kind up to the first gap, which `bundle.files` refuses.
func (b *bundleRun) numbered(path func(int) string) (n int) {
	for {
		if _, ok := b.files.byPath[path(n)]; !ok {
			return n
		}
		n++
	}
}

// checkAttachments is what `bundle.files` asks of attachments (SPEC part 11): they are of the table, and together where it says so.
func (b *bundleRun) checkAttachments() (faults []error) {
	pairs := [][2]string{{entryPath, logProofPath}, {logProofPath, entryPath}, {anchorPath, anchorProofPath}, {anchorProofPath, anchorPath}, {anchorPath, entryPath}}
	table := map[string]bool{entryPath: true, logProofPath: true, anchorPath: true, anchorProofPath: true}
	for n := range maxTimestamps {
		table[timestampPath(n)] = true
		pairs = append(pairs, [2]string{timestampPath(n), timestampPath(max(n-1, 0))})
	}
	for n := range maxFindings {
		table[findingPath(n)] = true
		pairs = append(pairs, [2]string{findingPath(n), findingPath(max(n-1, 0))})
	}
	for _, p := range pairs {
		faults = append(faults, b.together(p[0], p[1]))
	}
	for _, l := range b.files.list {
		switch {
		case !strings.HasPrefix(l.path, attachments):
		case !table[l.path]:
			faults = append(faults, fmt.Errorf("%q is not an attachment that a bundle may have", l.path))
		case l.size > limitOf(l.path):
			faults = append(faults, &unreadable{fmt.Sprintf("%s: %d bytes, the limit is %d", l.path, l.size, limitOf(l.path))})
		default:
			faults = append(faults, b.checkSum(l))
		}
	}
	return faults
}

// together makes sure that where one attachment is, another is too.
func (b *bundleRun) together(path, other string) error {
	_, here := b.files.byPath[path]
	_, there := b.files.byPath[other]
	if here && !there {
		return &unreadable{fmt.Sprintf("%s: the file is missing, without which there is no %s", other, path)}
	}
	return nil
}
