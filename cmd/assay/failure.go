package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

// Exit codes, the same for every verb.
const (
	exitDone       = 0
	exitRefused    = 1
	exitUsage      = 2
	exitUnreadable = 3
	exitNetwork    = 5
)

// failure is an error with an exit code and, where the operator can do something, what to do.
type failure struct {
	code    int
	err     error
	hint    string
	waiting bool // nothing is wrong: somebody else has to do something first
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func refused(format string, args ...any) error {
	return &failure{code: exitRefused, err: fmt.Errorf(format, args...)}
}

func usage(format string, args ...any) error {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...), hint: "see assay --help"}
}

func unreadable(format string, args ...any) error {
	return &failure{code: exitUnreadable, err: fmt.Errorf(format, args...)}
}

// waiting ends a run that did what it could.
func waiting(hint, format string, args ...any) error {
	return &failure{code: exitRefused, err: fmt.Errorf(format, args...), hint: hint, waiting: true}
}

func isWaiting(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.waiting
}

// joinWaiting says in one sentence all that a run waits for. Requires that each error is of waiting, or nil.
func joinWaiting(errs ...error) error {
	var texts, hints []string
	for _, err := range errs {
		var f *failure
		if errors.As(err, &f) {
			texts, hints = append(texts, strings.TrimPrefix(f.Error(), "waiting for ")), append(hints, f.hint)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return waiting(strings.Join(hints, "; "), "waiting for %s", strings.Join(texts, ", and for "))
}

// hinted adds what to do to an error and keeps its exit code.
func hinted(err error, format string, args ...any) error {
	return &failure{code: exitCode(err), err: err, hint: fmt.Sprintf(format, args...)}
}

// exitCode says by which code the process ends: the code of a failure, or the one that the rooms' own errors stand for.
func exitCode(err error) int {
	var f *failure
	if errors.As(err, &f) {
		return f.code
	}
	var row *ledger.RowError
	var unreachable *chains.UnreachableError
	switch {
	case errors.As(err, &unreachable), errors.Is(err, keys.ErrUnreachable), errors.Is(err, store.ErrUnreachable):
		return exitNetwork
	case errors.As(err, &row), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return exitUnreadable
	}
	return exitRefused
}
