// Package opinion makes the checks of a customer's proof that need nothing but the proof, the policy and what the customer typed (SPEC part 8),
// and so little else that it can stand in a page as WebAssembly. It is the second opinion there: the same rooms as package verifier's, called
// in the same order, with the same results and exit codes.
//
// It looks at no log, dates nothing by time stamps, knows no server's answers and reads no shard's proof, which would take more of the page than
// there is: an auditor's finding counts a row of a confidential tree, or nobody does and it says so.
package opinion

import (
	"errors"
	"fmt"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/tree"
	"github.com/assay-por/assay/verifier/watch"
)

// Exit codes of SPEC part 17 that an opinion can have.
const (
	ExitProven      = 0
	ExitFalse       = 1
	ExitUnreadable  = 3
	ExitUnsupported = 4
)

// Result is the outcome of one check (SPEC part 17).
type Result string

// Results of a check. Skipped means that it was not made, never that it passed.
const (
	Pass    Result = "pass"
	Fail    Result = "fail"
	Skipped Result = "skipped"
)

// Input is what a customer's check needs. Customer is what the person typed, never anything from a file.
type Input struct {
	Proof     []byte
	Policy    []byte // a trust policy's text (SPEC part 16)
	Customer  string
	Statement []byte   // an envelope of its own, nil if the proof's is to be used
	Findings  [][]byte // auditors' envelopes (SPEC part 27)
	Elsewhere bool     // files of the customer's shard are checked elsewhere: whether the row is counted is not asked of this package
}

// Check is one check by name, with a sentence. One that is not Required may be skipped in a proven opinion.
type Check struct {
	Name     string
	Result   Result
	Required bool
	Detail   string
	exit     int
}

// Opinion is proven only if every required check was made and passed.
type Opinion struct {
	Proven bool
	Exit   int
	Checks []Check
}

// unreadable is input that is missing.
type unreadable struct{ problem string }

func (e *unreadable) Error() string { return e.problem }

// notRun says that a check was not made, though nothing that it needs failed.
type notRun struct{ because string }

func (e *notRun) Error() string { return "not run: " + e.because }

// A run makes checks one after another, and remembers which passed.
type run struct {
	Opinion
	input     Input
	policy    *claim.Policy
	trust     *tlog.Trust // nil: the policy knows no log
	passed    map[string]bool
	proof     *tree.Proof
	envelopes []*Opened // that verified, all with one payload
	statement *claim.Statement
	unread    error  // why the signed payload is no statement
	place     *place // in a log, nil: none is shown, or unplaced says what is wrong
	unplaced  error
	tree      tree.Commitment
}

// Proof makes the checks of SPEC part 8. A policy that cannot be read is a failed check `policy`, after which there is none.
func Proof(input Input) Opinion {
	r := run{input: input, passed: map[string]bool{}}
	var err error
	if r.policy, r.trust, err = readPolicy(input.Policy); err != nil {
		r.check("policy", nil, func() (string, error) { return "", err })
		return r.conclude()
	}
	r.check("proof.format", nil, r.checkFormat)
	r.check("statement.signature", []string{"proof.format"}, r.checkSignature)
	r.checkStatement()
	r.checkLog()
	r.check("proof.statement", []string{"statement.format"}, r.checkMeant)
	rests := []string{"proof.statement", "snapshot", "statement.exchange"}
	if r.statement != nil && r.statement.Snapshot.Margin != nil {
		r.check("proof.margin", []string{"proof.statement", "snapshot"}, r.checkMargin)
		rests = append([]string{"proof.margin"}, rests...)
	}
	r.check("proof.root", rests, r.checkRoot)
	if r.tree.Kind == tree.KindConfidential {
		r.checkCounted()
	}
	return r.conclude()
}

func readPolicy(raw []byte) (*claim.Policy, *tlog.Trust, error) {
	policy, err := claim.ParsePolicy(raw)
	if err != nil {
		return nil, nil, err
	}
	trust, err := watch.TrustOf(policy.Log)
	if errors.Is(err, watch.ErrNoLog) {
		return policy, nil, nil
	}
	return policy, &trust, err
}

// check makes one check, if those it needs have passed.
func (r *run) check(name string, needs []string, work func() (string, error)) {
	c := Check{Name: name, Required: true}
	for _, need := range needs {
		if !r.passed[need] {
			c.Result, c.Detail = Skipped, "not run: the check "+need+" did not pass"
			r.Checks = append(r.Checks, c)
			return
		}
	}
	detail, err := work()
	var skipped *notRun
	switch {
	case err == nil:
		c.Result, c.Detail = Pass, detail
		r.passed[name] = true
	case errors.As(err, &skipped):
		c.Result, c.Detail = Skipped, err.Error()
	default:
		c.Result, c.Detail, c.exit = Fail, err.Error(), exitOf(err)
	}
	r.Checks = append(r.Checks, c)
}

// exitOf gives the exit code for why a check failed.
func exitOf(err error) int {
	var (
		version *canon.VersionError
		format  *canon.FormatError
		missing *unreadable
	)
	switch {
	case errors.As(err, &version):
		return ExitUnsupported
	case errors.As(err, &format), errors.As(err, &missing):
		return ExitUnreadable
	}
	return ExitFalse
}

// conclude weighs the checks: what is false comes before an unsupported version, and that before unreadable input. What was skipped and had to be
// made is not proven, and false if nothing else is wrong.
func (r *run) conclude() Opinion {
	r.Proven = true
	for _, c := range r.Checks {
		if c.Result == Fail || c.Result == Skipped && c.Required {
			r.Proven = false
		}
		switch {
		case c.exit == ExitFalse || r.Exit == ExitFalse:
			r.Exit = ExitFalse
		case c.exit > r.Exit:
			r.Exit = c.exit
		}
	}
	if !r.Proven && r.Exit == ExitProven {
		r.Exit = ExitFalse
	}
	return r.Opinion
}

func in(file string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", file, err)
}
