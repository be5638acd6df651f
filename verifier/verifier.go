// Package verifier tells whether an exchange's report is proven. It reads a bundle, or one customer's inclusion proof, with a
// trust policy of the reader's own, makes every check of SPEC.md, and returns a Verdict: a list of named checks, each passed,
// failed or skipped with a sentence.
//
//	policy, err := verifier.ReadPolicy(own)                     // what the reader believes
//	files, err := verifier.Folder(os.DirFS("bundle"))           // or verifier.Zip
//	verdict := verifier.Bundle(files, policy, verifier.Options{})
//	if verdict.Proven { … }
//
// The package is written from SPEC.md alone and shares no code with the builder. It has no network, no clock and no state: the
// same bytes give the same verdict. Eight of its rooms check one thing each: tree the liabilities, confidential the proofs over their sums,
// evidence the reserves, beacon whether a block of Ethereum is final, tlog what stands in a log, timestamp when somebody saw it, respsig
// what a server answered, claim what is claimed of all. They read files through canon. Package opinion has what a customer's proof needs and
// a page can hold. This package joins them, and is where it shows if they disagree.
package verifier

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/opinion"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/tree"
	"github.com/assay-por/assay/verifier/watch"
)

// Exit codes of SPEC part 17.
const (
	ExitProven      = 0
	ExitFalse       = 1
	ExitUsage       = 2
	ExitUnreadable  = 3
	ExitUnsupported = 4
	ExitNetwork     = 5
)

// Result is the outcome of one check (SPEC part 17).
type Result string

// Results of a check (SPEC part 17). Skipped means that it was not made, never that it passed.
const (
	Pass    Result = "pass"
	Fail    Result = "fail"
	Skipped Result = "skipped"
)

// Check is one named check of SPEC.md with its result and a sentence. A check that is not Required may be skipped in a proven
// verdict: the policy did not ask for it.
type Check struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Result   Result `json:"result"`
	Required bool   `json:"required"`
	Detail   string `json:"detail"`
	exit     int
}

// Verdict is what a verifier says (SPEC part 17). It is proven only if every required check was made and passed.
type Verdict struct {
	Proven        bool         `json:"proven"`
	Exit          int          `json:"exit"`
	Summary       string       `json:"summary"`
	Checks        []Check      `json:"checks"`
	Notes         []string     `json:"notes"`
	Policy        string       `json:"policy"`  // the policy's digest
	Signers       []string     `json:"signers"` // ids of the keys that signed
	Statement     *Statement   `json:"statement,omitempty"`
	Coverage      []Coverage   `json:"coverage,omitempty"`
	Margin        *Margin      `json:"margin,omitempty"`
	Reserves      []Reserves   `json:"reserves,omitempty"`
	Claims        []ThirdParty `json:"claims,omitempty"`
	Approvals     *Approvals   `json:"approvals,omitempty"`
	Log           *Log         `json:"log,omitempty"`
	Timestamps    []Timestamp  `json:"timestamps,omitempty"`
	Anchor        *Anchored    `json:"anchor,omitempty"`
	NotBefore     []Bound      `json:"not_before,omitempty"`
	NotAfter      *Bound       `json:"not_after,omitempty"` // the earliest that the policy believes
	Findings      []Finding    `json:"findings,omitempty"`
	Flows         []Flow       `json:"flows,omitempty"`
	Unanchored    []string     `json:"unanchored,omitempty"`     // chains whose pinned block neither an anchor nor a light client confirms
	NotRecomputed string       `json:"not_recomputed,omitempty"` // shards without leaves here
	Customer      *Customer    `json:"customer,omitempty"`
	Answer        *Answered    `json:"answer,omitempty"`   // by a server of the exchange, once its signature verified
	State         *LogState    `json:"state,omitempty"`    // of the statement, by the log that the reader looked at
	Evidence      []Evidence   `json:"evidence,omitempty"` // against that log
	NotShown      []string     `json:"not_shown"`          // what a proven verdict does not show (SPEC part 31)
}

// Statement says what was signed, from the payload that the signatures cover.
type Statement struct {
	Digest       string   `json:"digest"`
	Exchange     string   `json:"exchange"`
	Entity       string   `json:"entity"`
	Period       string   `json:"period"`
	Instant      string   `json:"instant"`
	Issued       string   `json:"issued"`
	Series       string   `json:"series"`
	Number       uint64   `json:"number"`
	Previous     string   `json:"previous,omitempty"`
	Supersedes   string   `json:"supersedes,omitempty"`
	Reason       string   `json:"reason,omitempty"` // for superseding
	Snapshot     string   `json:"snapshot"`
	Root         string   `json:"root"`
	Leaves       uint64   `json:"leaves"`
	Shards       uint64   `json:"shards"`
	HiddenTotals bool     `json:"hidden_totals,omitempty"` // of each asset no more is said than what is owed at most
	Included     []string `json:"included"`
	Excluded     []string `json:"excluded"`
	Encumbrances string   `json:"encumbrances"`
	Tool         string   `json:"tool"`
}

// Reserves is what is held of one asset, by what shows it (SPEC part 15).
type Reserves struct {
	Asset  string  `json:"asset"`
	Groups []Group `json:"groups"`
}

// Group is the reserves in one token with the same custody and the same grades (SPEC part 15). Evidence is the grade that this verifier
// reached: header-trusted where the policy anchors the block. Counted is by the policy's rule.
type Group struct {
	Accounts uint64 `json:"accounts"`
	Amount   string `json:"amount"`
	Class    string `json:"class"`
	Control  string `json:"control"`
	Counted  bool   `json:"counted"`
	Custody  string `json:"custody"`
	Evidence string `json:"evidence"`
	Token    string `json:"token"`
}

// unreadable is input that is missing or cannot be read.
type unreadable struct{ problem string }

func (e *unreadable) Error() string { return e.problem }

// refusals are verdicts that were not proven, and the exit code that comes first among theirs.
type refusals struct {
	text string
	exit int
}

func (e *refusals) Error() string { return e.text }

// notRun says that a check could not be made, because something that it needs did not pass.
type notRun struct{ because string }

func (e *notRun) Error() string { return "not run: " + e.because }

// ExitCode gives the exit code of SPEC part 17 for an error of this package and its rooms: unsupported version, unreadable input,
// a source that does not answer, or false.
func ExitCode(err error) int {
	var (
		version *canon.VersionError
		format  *canon.FormatError
		missing *unreadable
		others  *refusals
		silent  *watch.Unreachable
		source  *watch.SourceError
		system  *fs.PathError // of a file that could be opened, and then not read; or of a scratch
	)
	switch {
	case err == nil:
		return ExitProven
	case errors.As(err, &others):
		return others.exit
	case errors.As(err, &silent):
		return ExitNetwork
	case errors.As(err, &source):
		return ExitUnreadable
	case errors.As(err, &version):
		return ExitUnsupported
	case errors.As(err, &format), errors.As(err, &missing), errors.As(err, &system):
		return ExitUnreadable
	}
	return ExitFalse
}

// A run makes checks one after another and remembers which passed.
type run struct {
	verdict   Verdict
	policy    *claim.Policy
	passed    map[string]bool
	envelopes []*opinion.Opened // that verified, all with one payload
	dating
	trust     *tlog.Trust              // nil: the policy knows no log
	untrusted error                    // why the policy's logs cannot be known
	statement *claim.Statement         // nil until statement.format passed
	unread    error                    // why the signed payload is no statement
	surplus   *tree.Point              // where totals are hidden, once statement.format passed
	columns   *confidential.Parameters // of a confidential tree, made when first needed
}

func newRun(policy *claim.Policy) run {
	r := run{
		policy:  policy,
		passed:  make(map[string]bool),
		verdict: Verdict{Policy: policy.Digest.String(), Notes: []string{}, Signers: []string{}},
	}
	r.trust, r.untrusted = LogTrust(policy)
	return r
}

// check makes one check, if those it needs have passed. The work returns a sentence for its success, or why it is not so.
func (r *run) check(name string, needs []string, work func() (string, error)) {
	c := Check{Name: name, Title: title(name), Required: true}
	for _, need := range needs {
		if !r.passed[need] {
			c.Result, c.Detail = Skipped, "not run: the check "+need+" did not pass"
			r.verdict.Checks = append(r.verdict.Checks, c)
			return
		}
	}
	detail, err := work()
	var skipped *notRun
	switch code := ExitCode(err); {
	case err == nil:
		c.Result, c.Detail = Pass, detail
		r.passed[name] = true
	case errors.As(err, &skipped):
		c.Result, c.Detail = Skipped, err.Error()
	case code == ExitNetwork:
		c.Result, c.Detail, c.exit = Skipped, "not run: "+err.Error(), code
	default:
		c.Result, c.Detail, c.exit = Fail, err.Error(), code
	}
	r.verdict.Checks = append(r.verdict.Checks, c)
}

func (r *run) note(format string, args ...any) {
	r.verdict.Notes = append(r.verdict.Notes, fmt.Sprintf(format, args...))
}

// titles say in plain words what each check asks.
func title(name string) string {
	if chain, ok := strings.CutPrefix(name, "headers."); ok {
		return "the pinned block of " + chain + " is a block of that chain"
	}
	if chain, ok := strings.CutPrefix(name, "evidence."); ok {
		return "the reserves on " + chain + " follow from its pinned block"
	}
	if text := titleOfTrees(name) + titleOfOthers(name) + titleOfLogs(name) + titleOfAnswers(name); text != "" {
		return text
	}
	switch name {
	case "statement.signature":
		return "the exchange signed the statement"
	case "statement.format":
		return "the statement is well formed"
	case "statement.exchange":
		return "the statement is by the exchange of the policy"
	case "statement.approvals":
		return "those who had to approve the statement did"
	case "statement.series":
		return "the statement has its place in its series"
	case "statement.moment":
		return "what the statement names as the latest of its time fits the snapshot"
	case "snapshot":
		return "the snapshot is what its id says, and its blocks fit its instant"
	case "bundle.files":
		return "the bundle holds the signed files, all of them and no others"
	case "control":
		return "signatures of control are by the accounts they name"
	case "reserves.lines":
		return "every reserve line has its evidence, and reaches its grades"
	case "reserves.totals":
		return "the stated reserves follow from the lines"
	case "reserves.claims":
		return "what others hold for the exchange is stated as they signed it"
	case "bands":
		return "the same wallets at other instants held what is stated"
	case "coverage.stated":
		return "the stated coverage follows from reserves and liabilities"
	case "coverage.policy":
		return "coverage by the policy's own rule"
	case "recheck.lines":
		return "the signed lines and outputs to ask nodes about can be read"
	}
	return name
}

// titleOfTrees is title for checks of the liabilities and of a customer's place in them.
func titleOfTrees(name string) string {
	switch name {
	case "liabilities.root":
		return "the shards add up to the signed root and liabilities"
	case "liabilities.totals":
		return "the shards' total rows open to the signed liabilities, or to no more where totals are hidden"
	case "liabilities.full":
		return "every leaf, recomputed, gives the shards"
	case "liabilities.margin":
		return "the totals' net equity is collateral less debts, at the stated prices"
	case "liabilities.ledger":
		return "the ledger is accounted for"
	case "proof.format":
		return "the proof is well formed"
	case "proof.statement":
		return "the proof is for this statement"
	case "proof.margin":
		return "the customer's collateral covers their debts, at the stated prices"
	case "proof.root":
		return "from this customer and these balances to what was signed"
	case "proof.counted":
		return "the customer's row is counted in their shard's total row"
	}
	return ""
}

// titleOfOthers is title for checks of what others signed, and of many statements together.
func titleOfOthers(name string) string {
	switch name {
	case "log":
		return "the statement stands in a log"
	case "timestamps":
		return "time stamps are about this statement"
	case "anchor":
		return "the log stands in a block of Bitcoin"
	case "findings":
		return "findings are about this statement, and signed by those who made them"
	case "history.chain":
		return "each statement follows from the one before"
	case "history.complete":
		return "no statement is missing between the first and the last"
	case "history.proofs":
		return "each of the customer's proofs holds against its own statement"
	}
	return ""
}

// titleOfAnswers is title for checks of what a server signed.
func titleOfAnswers(name string) string {
	switch name {
	case "response.format":
		return "the receipt is of an answer that is signed as it has to be"
	case "response.digest":
		return "the content is the one that was digested"
	case "response.keys":
		return "the exchange signed the list of its servers' keys"
	case "response.signature":
		return "a server of the exchange signed the answer"
	case "response.time":
		return "the answer's times are possible"
	case "response.content":
		return "the proof is what was answered"
	}
	return ""
}

// conclude draws the verdict from the checks: what is false weighs most, then an unsupported version, then unreadable input, then a source
// that does not answer.
func (r *run) conclude(proven string) Verdict {
	v := &r.verdict
	v.Exit = ExitProven
	var failed, skipped []string
	for _, c := range v.Checks {
		v.Exit = graver(v.Exit, c.exit)
		switch {
		case c.Result == Fail:
			failed = append(failed, c.Name)
		case c.Result == Skipped && c.Required:
			skipped = append(skipped, c.Name)
		}
	}
	v.Proven = len(failed) == 0 && len(skipped) == 0
	if v.Proven {
		v.Summary = proven
		return *v
	}
	if v.Exit == ExitProven {
		v.Exit = ExitFalse
	}
	if len(failed) > 0 {
		v.Summary = "failed: " + strings.Join(failed, ", ")
	}
	if len(skipped) > 0 {
		v.Summary += "; not run: " + strings.Join(skipped, ", ")
	}
	v.Summary = v.State.begin() + strings.TrimPrefix(v.Summary, "; ")
	first := slices.IndexFunc(v.Checks, func(c Check) bool { return c.Result == Fail || c.exit == ExitNetwork })
	if first < 0 {
		first = slices.IndexFunc(v.Checks, func(c Check) bool { return c.Result == Skipped && c.Required })
	}
	v.Summary += ". First: " + v.Checks[first].Detail
	return *v
}
