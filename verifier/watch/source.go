package watch

import (
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/verifier/tlog"
)

// Unreachable is what a source's error is wrapped in if nothing answered: it says nothing of the log.
type Unreachable struct{ Err error }

// Error gives the error within.
func (e *Unreachable) Error() string { return e.Err.Error() }

// Unwrap gives the error within.
func (e *Unreachable) Unwrap() error { return e.Err }

// SourceError says that a source did not give a file of the log.
type SourceError struct{ Err error }

// Error gives the error within.
func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap gives the error within.
func (e *SourceError) Unwrap() error { return e.Err }

// StaleError says that the witnesses saw a checkpoint too long ago, or so far ahead of the reader's clock that nobody knows how long ago.
type StaleError struct {
	Origin         string
	Witnessed, Now time.Time
	Fresh          time.Duration
}

const timeForm = "2006-01-02T15:04:05Z"

// Error says when it was, and how old it may be.
func (e *StaleError) Error() string {
	if e.Witnessed.After(e.Now) {
		return fmt.Sprintf("the checkpoint of log %q was cosigned at %s, %s after now; the policy takes at most %s: a clock is wrong, the witnesses' or this computer's",
			e.Origin, e.Witnessed.Format(timeForm), e.Witnessed.Sub(e.Now).Truncate(time.Second), e.Fresh)
	}
	return fmt.Sprintf("the checkpoint of log %q was last cosigned at %s, %s before now; the policy takes at most %s: the log stands still, or the source hides what came later",
		e.Origin, e.Witnessed.Format(timeForm), e.Now.Sub(e.Witnessed).Truncate(time.Second), e.Fresh)
}

// errorsOf marks what a source says as its own.
func errorsOf(src tlog.Source) tlog.Source {
	return func(path string) ([]byte, error) {
		raw, err := src(path)
		if err != nil {
			return nil, &SourceError{err}
		}
		return raw, nil
	}
}

// Latest reads the checkpoint that a source shows (SPEC part 25, "Looking at a log", step 1). With a *tlog.QuorumError or a *StaleError
// there is a checkpoint all the same: its log signed it, so it counts against the log, and for nothing else.
func Latest(src tlog.Source, trust tlog.Trust, fresh time.Duration, now time.Time) (*tlog.Checkpoint, error) {
	raw, err := errorsOf(src)(tlog.CheckpointPath)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tlog.CheckpointPath, err)
	}
	c, err := check(raw, trust)
	if err == nil && fresh > 0 && trust.Quorum > 0 && now.Sub(c.Witnessed).Abs() > fresh {
		return c, &StaleError{c.Origin, c.Witnessed, now, fresh}
	}
	return c, err
}

// check verifies a checkpoint. With a *tlog.QuorumError there is one all the same, whose witnessed time is zero.
func check(raw []byte, trust tlog.Trust) (*tlog.Checkpoint, error) {
	c, err := trust.Check(raw)
	var few *tlog.QuorumError
	if errors.As(err, &few) {
		c, _ = trust.CheckLogOnly(raw) // it got past that
	}
	return c, err
}
