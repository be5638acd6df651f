package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-por/assay/attest"
)

// PredicateFinding names what an auditor's statement says (SPEC part 27).
const PredicateFinding = "https://github.com/assay-por/assay/finding/v1"

const (
	subjectStatement = "statement" // SPEC part 27
	maxFindings      = 256         // SPEC part 27: texts in a list
	maxFinding       = 1 << 20     // SPEC part 18
	maxCheckName     = 128         // SPEC part 27
)

// The results of a verifier's check (SPEC part 17).
const (
	ResultPass    = "pass"
	ResultFail    = "fail"
	ResultSkipped = "skipped"
)

// Finding is what an auditor checked and found: the auditor's word, beside a statement
// and about it (SPEC part 27).
type Finding struct {
	Auditor    string           `json:"auditor"`
	Checks     []CheckResult    `json:"checks"`
	Findings   []string         `json:"findings"`
	Issued     Time             `json:"issued"`
	Key        attest.PublicKey `json:"key"`
	Policy     Digest           `json:"policy"`
	Procedures []string         `json:"procedures"`
	Scope      string           `json:"scope"`
	Tool       string           `json:"tool"`
}

// CheckResult is how a check of the auditor's own verifier ended (SPEC part 27).
type CheckResult struct {
	Name   string `json:"name"`
	Result string `json:"result"`
}

// Payload returns what the auditor signs about the statement of that digest (SPEC part
// 27). Checks are put in order.
func (f Finding) Payload(statement Digest) ([]byte, error) {
	f.Checks = notNil(slices.Clone(f.Checks))
	slices.SortFunc(f.Checks, func(a, b CheckResult) int { return strings.Compare(a.Name, b.Name) })
	f.Findings, f.Procedures = notNil(f.Findings), notNil(f.Procedures)
	if err := f.check(); err != nil {
		return nil, err
	}
	return attest.Canonical(attest.NewStatement(PredicateFinding, f, subjectStatement, statement))
}

// ReadFinding reads a signed finding, which must be by the key that it names, and
// returns the digest of the statement that it is about (SPEC part 27). Whether that key
// is the auditor's is not the report's to say.
func ReadFinding(envelope []byte) (f Finding, statement Digest, err error) {
	if len(envelope) > maxFinding {
		return f, statement, fmt.Errorf("finding: larger than %d bytes", maxFinding)
	}
	e, err := attest.ParseEnvelope(envelope)
	if err != nil {
		return f, statement, fmt.Errorf("finding: %w", err)
	}
	s, err := attest.DecodeStatement[Finding](e.Payload, PredicateFinding, subjectStatement)
	if err != nil {
		return f, statement, fmt.Errorf("finding: %w", err)
	}
	about, err := s.ManifestDigest() // its one subject
	if err != nil {
		return f, statement, fmt.Errorf("finding: %w", err)
	}
	f, statement = s.Predicate, about
	if err := f.check(); err != nil {
		return f, statement, err
	}
	if len(e.Signatures) != 1 {
		return f, statement, fmt.Errorf("finding: %d signatures, want the auditor's alone", len(e.Signatures))
	}
	if err := e.Verify(f.Key); err != nil {
		return f, statement, fmt.Errorf("finding: %w", err)
	}
	return f, statement, nil
}

// check holds the finding to its format (SPEC part 27).
func (f Finding) check() error {
	if !isPrintable(f.Auditor) || !isPrintable(f.Tool) {
		return fmt.Errorf("finding: auditor %q or tool %q is not 1 to 64 printable ASCII characters without a blank at either end", clip(f.Auditor), clip(f.Tool))
	}
	if err := checkText(f.Scope, maxText); err != nil {
		return fmt.Errorf("finding: scope: %w", err)
	}
	if len(f.Procedures) == 0 {
		return errors.New("finding: procedures: there are none; say what was done")
	}
	for _, list := range []struct {
		name  string
		texts []string
	}{{"findings", f.Findings}, {"procedures", f.Procedures}} {
		if len(list.texts) > maxFindings {
			return fmt.Errorf("finding: %s: %d texts, want at most %d", list.name, len(list.texts), maxFindings)
		}
		for i, text := range list.texts {
			if err := checkText(text, maxText); err != nil {
				return fmt.Errorf("finding: %s: text #%d: %w", list.name, i, err)
			}
		}
	}
	for i, c := range f.Checks {
		if c.Name == "" || len(c.Name) > maxCheckName || strings.ContainsFunc(c.Name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("finding: checks: name #%d: %q is not 1 to %d printable ASCII characters without blanks", i, clip(c.Name), maxCheckName)
		}
		if i > 0 && f.Checks[i-1].Name >= c.Name {
			return fmt.Errorf("finding: checks: %s stands twice or out of order", clip(c.Name))
		}
		if !slices.Contains([]string{ResultPass, ResultFail, ResultSkipped}, c.Result) {
			return fmt.Errorf("finding: checks: %s: result %q, want %s, %s or %s", clip(c.Name), clip(c.Result), ResultPass, ResultFail, ResultSkipped)
		}
	}
	return nil
}
