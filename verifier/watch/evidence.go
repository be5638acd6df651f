package watch

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
)

// ForkError says that a log signed two histories. Without Evidence nobody else can check it, and Why says so.
type ForkError struct {
	First, Second *tlog.Checkpoint // the first not larger
	Evidence      *tlog.Fork
	Why           error
}

// Error names both checkpoints.
func (e *ForkError) Error() string {
	text := fmt.Sprintf("the log %q signed two histories: one of %d entries with root %s, and one of %d entries with root %s, which does not begin with it",
		e.First.Origin, e.First.Size, e.First.Root, e.Second.Size, e.Second.Root)
	if e.Why != nil {
		text += "; no evidence for others: " + e.Why.Error()
	}
	return text
}

// Extends makes sure that an earlier checkpoint, or another source's, is the root of this log's first entries. The error is a *ForkError,
// or says that the checkpoint is of another log. Requires that it counts no more entries than the log's own.
func (l *Log) Extends(earlier *tlog.Checkpoint) error {
	if earlier.Origin != l.Checkpoint.Origin {
		return fmt.Errorf("the log is %q, a checkpoint of another was seen before: %q", l.Checkpoint.Origin, earlier.Origin)
	}
	root, err := l.Tree.Root(earlier.Size)
	if err != nil || root == earlier.Root {
		return err
	}
	path, err := l.Tree.ForkPath(earlier.Size, l.Checkpoint.Size)
	return forked(earlier, l.Checkpoint, path, err, l.reading.Trust)
}

// At is the log as an earlier checkpoint of it has it. Requires that the log extends that checkpoint.
func (l *Log) At(c *tlog.Checkpoint) *Log {
	return &Log{Checkpoint: c, Tree: l.Tree, reading: l.reading}
}

// SameSize is Extends for two checkpoints of one size, whose entries need not be known.
func SameSize(a, b *tlog.Checkpoint, trust tlog.Trust) error {
	if a.Root == b.Root {
		return nil
	}
	return forked(a, b, []tlog.Hash{b.Root}, nil, trust)
}

func forked(first, second *tlog.Checkpoint, path []tlog.Hash, err error, trust tlog.Trust) *ForkError {
	fork := &tlog.Fork{First: first.Raw, Second: second.Raw, Path: path}
	if err == nil {
		err = fork.Check(trust)
	}
	if err != nil {
		return &ForkError{First: first, Second: second, Why: err}
	}
	return &ForkError{First: first, Second: second, Evidence: fork}
}

// Equivocation makes evidence of what the record found. Its checkpoint is the one at hand that was witnessed first of those that count
// both entries: it shows most.
func (l *Log) Equivocation(found claim.Equivocation) (*tlog.Equivocation, error) {
	checkpoint := l.Checkpoint
	for _, c := range l.reading.Times {
		if c.Size <= found.Second || c.Size > l.Checkpoint.Size || c.Witnessed.IsZero() || l.Extends(c) != nil {
			continue
		}
		if checkpoint.Witnessed.IsZero() || c.Witnessed.Before(checkpoint.Witnessed) {
			checkpoint = c
		}
	}
	e := &tlog.Equivocation{Checkpoint: checkpoint.Raw}
	for i, index := range []uint64{found.First, found.Second} {
		path, err := l.Tree.InclusionPath(index, checkpoint.Size)
		if err != nil {
			return nil, err
		}
		e.Entries[i] = tlog.Logged{Entry: found.Entries[i].JSON(), Index: index, Path: path}
	}
	return e, nil
}

// Judge checks a file of evidence (SPEC part 25). caught says what it shows; without it, nothing says why it shows nothing. Errors are
// *canon.FormatError or *canon.VersionError: the file is no evidence of a kind known here.
func Judge(raw []byte, policy *claim.Policy, trust tlog.Trust) (caught string, nothing, err error) {
	switch kind := canon.TypeOf(raw, "type"); {
	case strings.HasSuffix(kind, "/evidence/equivocation"): // of whatever version
		e, err := tlog.ParseEquivocation(raw)
		if err != nil {
			return "", nil, err
		}
		caught, nothing = CheckEquivocation(*e, policy, trust)
		return caught, nothing, nil
	case !strings.HasSuffix(kind, "/evidence/fork"):
		return "", nil, &canon.FormatError{Field: "type", Problem: "not evidence of a fork or an equivocation"}
	}
	f, err := tlog.ParseFork(raw)
	if err != nil {
		return "", nil, err
	}
	if nothing := f.Check(trust); nothing != nil {
		return "", nothing, nil
	}
	first, _ := trust.CheckLogOnly(f.First) // they passed
	second, _ := trust.CheckLogOnly(f.Second)
	return (&ForkError{First: first, Second: second}).Error(), nil, nil
}

// CheckEquivocation verifies evidence that the policy's exchange said two things where only one may stand (SPEC part 25). Keys' limits hold
// as for every entry, and what is known of its time is the evidence's own checkpoint.
func CheckEquivocation(e tlog.Equivocation, policy *claim.Policy, trust tlog.Trust) (caught string, err error) {
	c, err := e.CheckInclusions(trust)
	if err != nil {
		return "", err
	}
	var notAfter time.Time
	if witnessed, err := trust.Check(e.Checkpoint); err == nil {
		notAfter = witnessed.Witnessed
	}
	var entries [2]*claim.Entry
	for i, l := range e.Entries {
		if entries[i], err = claim.ParseEntry(l.Entry); err != nil {
			return "", fmt.Errorf("entries[%d]: %w", i, err)
		}
		if err := entries[i].Verify(policy, notAfter); err != nil {
			return "", fmt.Errorf("entries[%d]: %w", i, err)
		}
	}
	twice, err := contradict(entries[0], entries[1])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s entered in the log %q, at %d and %d, two statements %s: %s and %s", policy.Exchange, c.Origin, e.Entries[0].Index, e.Entries[1].Index,
		twice, entries[0].Statement, entries[1].Statement), nil
}

// contradict says where two entries leave room for one statement only. Their order in the log shows nothing: an entry may have been put in
// again after what superseded it.
func contradict(a, b *claim.Entry) (string, error) {
	last := a
	if b.Series.Number > a.Series.Number {
		last = b
	}
	switch {
	case a.Kind != claim.KindStatement || b.Kind != claim.KindStatement:
		return "", errors.New("one of the entries enters no statement")
	case a.Series.Name != b.Series.Name:
		return "", fmt.Errorf("the entries are of two series, %s and %s", a.Series.Name, b.Series.Name)
	case a.Statement == b.Statement:
		return "", errors.New("both entries are about one statement")
	case a.Series.Number == b.Series.Number:
		return fmt.Sprintf("with number %d of the series %s", a.Series.Number, a.Series.Name), nil
	case a.Period != b.Period:
		return "", fmt.Errorf("the entries have two numbers, %d and %d, and are of two periods, %s and %s", a.Series.Number, b.Series.Number, a.Period, b.Period)
	case last.Series.Reason == "":
		return fmt.Sprintf("of the period %s in the series %s, and the one of the higher number supersedes nothing", b.Period, b.Series.Name), nil
	case a.Series.Reason != "" && a.Series.Supersedes == b.Series.Supersedes:
		return fmt.Sprintf("of the period %s in the series %s, and both supersede %s", b.Period, b.Series.Name, b.Series.Supersedes), nil
	}
	return "", errors.New("the statement of the higher number supersedes, and not what the other does: that is how a statement is replaced")
}
