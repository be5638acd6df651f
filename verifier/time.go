package verifier

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
	"github.com/assay-por/assay/verifier/timestamp"
	"github.com/assay-por/assay/verifier/tlog"
)

// Bound is before or after what the statement was signed, and what shows it (SPEC part 26).
type Bound struct {
	Time     string `json:"time,omitempty"` // empty for a log: its size is no time
	By       string `json:"by"`
	Believed bool   `json:"believed"` // false: that it is so is the exchange's word
}

// Timestamp is a time stamp of the statement (SPEC part 26).
type Timestamp struct {
	Authority string `json:"authority"`
	Time      string `json:"time"`
	Believed  bool   `json:"believed"` // its authority is one of the policy's
	doubt     error  // why it is not
}

// Anchored is a block of Bitcoin in which the log stands (SPEC part 26).
type Anchored struct {
	Chain    string `json:"chain"`
	Number   uint64 `json:"number"`
	Hash     string `json:"hash"`
	Time     string `json:"time"`     // may be two hours off
	Headers  int    `json:"headers"`  // from that block on, each with its work
	Believed bool   `json:"believed"` // an anchor of the policy names one of them
}

// A dated is bytes that were there at a time, by evidence that the policy believes.
type dated struct {
	digest claim.Hash
	at     time.Time
	by     string
}

// A dating is what was made after the statement and shows by when it was there (SPEC parts 25 and 26). It is read as bytes before the
// statement is, since signatures of a revoked key rest on it.
type dating struct {
	place    *place // nil: none is shown, or unplaced says what is wrong
	unplaced error
	dates    []dated
}

func (d *dating) date(at time.Time, by string, digests ...claim.Hash) {
	for _, digest := range digests {
		d.dates = append(d.dates, dated{digest, at, by})
	}
}

// earliest gives the earliest date of any of these.
func (d *dating) earliest(digests ...claim.Hash) (found dated) {
	for _, candidate := range d.dates {
		if slices.Contains(digests, candidate.digest) && (found.at.IsZero() || candidate.at.Before(found.at)) {
			found = candidate
		}
	}
	return found
}

// notAfter is when bytes were there, zero if nothing shows it.
func (d *dating) notAfter(digest claim.Hash) time.Time { return d.earliest(digest).at }

// readOutside reads what dates the statement. What is wrong with it, the checks `log`, `timestamps` and `anchor` say.
func (b *bundleRun) readOutside(envelope claim.Hash) {
	if b.has(entryPath) && b.has(logProofPath) {
		if files, err := b.readAll(entryPath, logProofPath); err != nil {
			b.unplaced = err
		} else {
			b.enter(files[0], files[1], envelope)
		}
	}
	b.stamps, b.unstamped = b.readTimestamps(envelope)
	if b.has(entryPath) && b.has(anchorPath) && b.has(anchorProofPath) {
		b.anchor, b.unmoored = b.readAnchor(envelope)
	}
}

func (b *bundleRun) has(path string) bool {
	_, ok := b.files.byPath[path]
	return ok
}

func (b *bundleRun) readAll(paths ...string) (list []file, err error) {
	for _, path := range paths {
		raw, err := b.files.read(path, limitOf(path))
		if err != nil {
			return nil, err
		}
		list = append(list, file{path, raw})
	}
	return list, nil
}

// authorities gives the certificates of a policy's [[timestamp]]. Errors are *canon.FormatError.
func authorities(policy *claim.Policy) (list []*x509.Certificate, err error) {
	for i, a := range policy.Timestamps {
		c, err := x509.ParseCertificate(a.Certificate)
		if err != nil {
			return nil, &canon.FormatError{Field: fmt.Sprintf("timestamp[%d].certificate", i), Problem: "not a certificate that can be read"}
		}
		list = append(list, c)
	}
	return list, nil
}

// readTimestamps reads time stamps, and keeps the times of those that the policy believes (SPEC part 26).
func (b *bundleRun) readTimestamps(envelope claim.Hash) (list []Timestamp, err error) {
	believed, err := authorities(b.policy)
	if err != nil {
		return nil, in("the policy", err)
	}
	for n := range min(b.numbered(timestampPath), maxTimestamps) {
		path := timestampPath(n)
		raw, err := b.files.read(path, limitOf(path))
		if err != nil {
			return nil, err
		}
		token, err := timestamp.Parse(raw)
		if err == nil {
			err = token.Check(envelope)
		}
		if err != nil {
			return nil, in(path, err)
		}
		doubt := token.Trusted(believed)
		list = append(list, Timestamp{token.Authority, token.Time.Format(timeForm), doubt == nil, doubt})
		if doubt == nil {
			b.date(token.Time, "a time stamp of "+token.Authority, envelope)
		}
	}
	return list, nil
}

// checkTimestamps is the check `timestamps` (SPEC part 26).
func (b *bundleRun) checkTimestamps() (string, error) {
	if b.unstamped != nil {
		return "", b.unstamped
	}
	b.verdict.Timestamps = b.stamps
	believed := 0
	for n, s := range b.stamps {
		if s.Believed {
			believed++
			continue
		}
		b.note("%s, a time stamp of %s at %s, is not believed: %v", timestampPath(n), s.Authority, s.Time, s.doubt)
	}
	return fmt.Sprintf("%d of %d time stamps by authorities of the policy", believed, len(b.stamps)), nil
}

// blockSlack is how far the time of a block may be off: miners set it (SPEC part 26).
const blockSlack = 2 * time.Hour

// readAnchor makes the check `anchor` but for the entry itself, which `log` checks (SPEC part 26).
func (b *bundleRun) readAnchor(envelope claim.Hash) (*Anchored, error) {
	files, err := b.readAll(entryPath, anchorProofPath, anchorPath)
	if err != nil {
		return nil, err
	}
	p, err := b.readPlace(files[0], files[1], envelope, tlog.Trust.CheckLogOnly)
	if err != nil {
		return nil, err
	}
	anchor, err := evidence.ParseAnchor(files[2].raw)
	if err != nil {
		return nil, in(anchorPath, err)
	}
	text := sha256.Sum256(p.checkpoint.Text)
	block, err := anchor.Check(bytes.Join([][]byte{{0x6a, 0x28}, []byte("assay/v1"), text[:]}, nil))
	if err != nil {
		return nil, in(anchorPath, err)
	}
	believed, err := b.confirmed(block.Chain, anchor)
	if err != nil {
		return nil, in(anchorPath, err)
	}
	if believed {
		b.date(block.Time.Add(blockSlack), fmt.Sprintf("block %d of %s, two hours after its time, which may be so far off", block.Number, block.Chain), p.digest, p.entry.Envelope)
	}
	return &Anchored{block.Chain, block.Number, block.Hash, block.Time.Format(timeForm), anchor.Headers(), believed}, nil
}

// confirmed reports whether an anchor of the policy names one of the headers. None may name another block of a height that is here.
func (b *bundleRun) confirmed(chain string, anchor *evidence.Anchor) (found bool, err error) {
	for _, known := range b.policy.Anchors {
		if known.Chain != chain {
			continue
		}
		hash, here := anchor.Hash(known.Number)
		if here && hash != known.Hash {
			return false, fmt.Errorf("the policy's anchor for block %d is %s, the file has %s", known.Number, known.Hash, hash)
		}
		found = found || here
	}
	return found, nil
}

// checkAnchor is the check `anchor` (SPEC part 26).
func (b *bundleRun) checkAnchor() (string, error) {
	if b.unmoored != nil {
		return "", b.unmoored
	}
	a := b.anchor
	b.verdict.Anchor = a
	b.note("the time of block %d of %s may be two hours off: miners set it", a.Number, a.Chain)
	detail := fmt.Sprintf("block %d of %s, of %s, under %d headers", a.Number, a.Chain, a.Time, a.Headers)
	if a.Believed {
		return detail + ", one of them an anchor of the policy", nil
	}
	b.note("no anchor of the policy names block %d of %s, or one of those after it that are here: that it is the chain's, and its time, is the exchange's word, under the work of %d headers", a.Number, a.Chain, a.Headers)
	return detail + "; no anchor of the policy confirms one of them", nil
}

// checkOutside makes the checks of what was made after the statement (SPEC parts 25 and 26).
func (b *bundleRun) checkOutside() {
	b.checkLog("statement.format", "bundle.files")
	if b.has(timestampPath(0)) {
		b.check("timestamps", []string{"statement.format", "bundle.files"}, b.checkTimestamps)
	}
	if b.has(anchorPath) {
		b.check("anchor", []string{"log"}, b.checkAnchor)
	}
}
