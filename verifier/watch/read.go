package watch

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
)

// Reading is how the entries of a log are read: by what policy, and with what was known before.
type Reading struct {
	Policy *claim.Policy
	Trust  tlog.Trust
	Times  []*tlog.Checkpoint // at hand beside the source's: those with a witnessed time show by when entries were there
	Known  uint64             // entries before this index are no news

	// Others is given what the record passes over, and by when it was there, zero if no witness says so; nil: nobody asks.
	Others func(index uint64, raw []byte, notAfter time.Time)
}

// Log is a log as a source shows it: a checkpoint, and entries that give its root.
type Log struct {
	Checkpoint *tlog.Checkpoint
	Tree       *tlog.Tree
	Record     *claim.Record
	News       []News

	reading Reading
}

// News is an entry of the exchange that changed something, from the first that was not known before.
type News struct {
	Index uint64
	Entry *claim.Entry
}

// Known is the index from which entries are news.
func (l *Log) Known() uint64 { return l.reading.Known }

// RootError says that entries are not what a checkpoint counts.
type RootError struct {
	Size      uint64
	Got, Want tlog.Hash
}

// Error gives both roots.
func (e *RootError) Error() string {
	return fmt.Sprintf("the %d entries give root %s, the checkpoint has %s: an entry was altered, left out or put in", e.Size, e.Got, e.Want)
}

// Hash reads all entries that a checkpoint counts, and makes sure that they give its root (SPEC part 25, step 2). each, unless it is nil,
// is given every entry before that is known.
func Hash(src tlog.Source, c *tlog.Checkpoint, each func(index uint64, entry []byte)) (*tlog.Tree, error) {
	tree := new(tlog.Tree)
	err := tlog.Entries(errorsOf(src), c.Size, func(index uint64, entry []byte) error {
		tree.Append(tlog.LeafHash(entry))
		if each != nil {
			each(index, entry)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	root, err := tree.Root(c.Size)
	switch {
	case err != nil:
		return nil, err
	case root != c.Root:
		return nil, &RootError{c.Size, root, c.Root}
	}
	return tree, nil
}

// Read is Hash, and follows what the exchange entered (SPEC part 24, "Verifying a log's entries"). The record holds for its own checkpoint,
// and with regard to time only if the log extends every one of r.Times.
func (r Reading) Read(src tlog.Source, c *tlog.Checkpoint) (*Log, error) {
	log := &Log{Checkpoint: c, Record: claim.NewRecord(r.Policy), reading: r}
	seen := seenBy(append(slices.Clone(r.Times), c), c.Size)
	var err error
	log.Tree, err = Hash(src, c, func(index uint64, raw []byte) {
		before, others := log.Record.Entries, log.Record.PassedOver
		log.Record.Add(index, raw, seen.at(index))
		if r.Others != nil && log.Record.PassedOver > others {
			r.Others(index, raw, seen.at(index))
		}
		if index >= r.Known && log.Record.Entries > before {
			log.news(index, raw)
		}
	})
	if err != nil {
		return nil, err
	}
	return log, nil
}

// news keeps an entry that the record took as new.
func (l *Log) news(index uint64, raw []byte) {
	e, err := claim.ParseEntry(raw)
	if err != nil {
		return // a breach, which the record has
	}
	s, entered := l.Record.Standing(e.Statement)
	if !entered {
		return
	}
	switch last := len(s.Errata) - 1; {
	case s.Index == index, s.By == index && e.Kind == claim.KindWithdrawal, e.Kind == claim.KindErratum && last >= 0 && s.Errata[last].Index == index:
		l.News = append(l.News, News{index, e})
	}
}

// times are checkpoints by ascending size, each with the earliest time at which witnesses had seen so many entries.
type times []sighting

type sighting struct {
	size uint64
	at   time.Time
}

// seenBy leaves out checkpoints of more entries: that they are of this log is not known.
func seenBy(list []*tlog.Checkpoint, size uint64) (out times) {
	for _, c := range list {
		if !c.Witnessed.IsZero() && c.Size <= size {
			out = append(out, sighting{c.Size, c.Witnessed})
		}
	}
	slices.SortFunc(out, func(a, b sighting) int { return cmp.Compare(a.size, b.size) })
	for i := len(out) - 2; i >= 0; i-- {
		if out[i+1].at.Before(out[i].at) {
			out[i].at = out[i+1].at // who saw more entries saw these too
		}
	}
	return out
}

// at gives by when an entry was there, zero if no witness says so.
func (t times) at(index uint64) time.Time {
	i, _ := slices.BinarySearchFunc(t, index+1, func(s sighting, size uint64) int { return cmp.Compare(s.size, size) })
	if i == len(t) {
		return time.Time{}
	}
	return t[i].at
}
