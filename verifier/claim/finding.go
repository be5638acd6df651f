package claim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	findingType    = "https://github.com/assay-por/assay/finding/v1"
	findingSubject = "statement"
	maxFinding     = 1 << 20 // SPEC part 18
	maxTexts       = 256     // SPEC part 27
)

// Finding is what an auditor checked and found (SPEC part 27).
type Finding struct {
	Auditor              string
	Checks               []FindingCheck
	Findings, Procedures []string
	Issued               time.Time
	Key                  Key
	Policy               Hash // digest of the auditor's
	Scope                string
	Statement            Hash // the subject
	Tool                 string
	signed               *Envelope
}

// FindingCheck is a check of the auditor's own verifier and its result (SPEC part 27).
type FindingCheck struct{ Name, Result string }

// ParseFinding reads a finding in its envelope. Errors are *canon.FormatError or *canon.VersionError.
func ParseFinding(raw []byte) (*Finding, error) {
	if len(raw) > maxFinding {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit of a finding is %d", len(raw), maxFinding)}
	}
	envelope, err := ParseEnvelope(raw)
	if err != nil {
		return nil, err
	}
	if len(envelope.Signatures) != 1 {
		return nil, &canon.FormatError{Field: "signatures", Problem: "a finding has one signature"}
	}
	f := &Finding{signed: envelope}
	err = canon.DecodeTyped(envelope.Payload, "predicateType", findingType, func(r *canon.Reader) {
		r.Object(
			canon.Key("_type", func() { r.Fixed(statementType) }),
			canon.Key("predicate", func() { f.read(r) }),
			canon.Key("predicateType", func() { r.Fixed(findingType) }),
			canon.Key("subject", func() { f.Statement = readSubject(r, findingSubject) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Finding) read(r *canon.Reader) {
	texts := func(to *[]string) func() {
		return func() { r.Array(maxTexts, func(int) { *to = append(*to, canon.Parse(r, sized(4096))) }) }
	}
	r.Object(
		canon.Key("auditor", func() { f.Auditor = canon.Parse(r, parsePrintable) }),
		canon.Key("checks", func() {
			var last string
			r.Array(maxEntries, func(i int) {
				var c FindingCheck
				r.Object(
					canon.Key("name", func() { c.Name = canon.Parse(r, parseCheckName) }),
					canon.Key("result", func() { c.Result = canon.Parse(r, parseOne("result", "pass", "fail", "skipped")) }),
				)
				ascending(r, i, &last, c.Name)
				f.Checks = append(f.Checks, c)
			})
		}),
		canon.Key("findings", texts(&f.Findings)),
		canon.Key("issued", func() { f.Issued = canon.Parse(r, parseTime) }),
		canon.Key("key", func() { f.Key = canon.Parse(r, parseKey) }),
		canon.Key("policy", func() { f.Policy = r.Hash() }),
		canon.Key("procedures", texts(&f.Procedures)),
		canon.Key("scope", func() { f.Scope = canon.Parse(r, sized(4096)) }),
		canon.Key("tool", func() { f.Tool = canon.Parse(r, parsePrintable) }),
	)
	if len(f.Procedures) == 0 {
		r.Fail("procedures: empty")
	}
}

// parseCheckName reads the name of a check (SPEC part 17), which may hold a chain.
func parseCheckName(s string) (string, error) {
	if len(s) > 128 || strings.ContainsRune(s, ' ') || s == "" || !printable(s) {
		return "", errors.New("not the name of a check: want 1-128 printable ASCII characters without blanks")
	}
	return s, nil
}

// Passed reports whether the auditor's verifier passed a check of that name.
func (f *Finding) Passed(name string) bool {
	for _, c := range f.Checks {
		if c.Name == name {
			return c.Result == "pass"
		}
	}
	return false
}

// CheckFinding is the check `findings` of one finding (SPEC part 27). known reports whether the policy has this auditor: otherwise
// anybody may have made it.
func (s *Statement) CheckFinding(f *Finding, p *Policy) (known bool, err error) {
	if f.Statement != s.Digest {
		return false, fmt.Errorf("it is about the statement %s, this one is %s", f.Statement, s.Digest)
	}
	if sig := f.signed.Signatures[0]; sig.KeyID != f.Key.ID {
		return false, fmt.Errorf("it is signed by key %s, and names the key %s", sig.KeyID, f.Key.ID)
	} else if !f.Key.verifies(f.signed.signed(), sig.Sig) {
		return false, fmt.Errorf("the signature by key %s does not verify", f.Key.ID)
	}
	auditor, known := p.auditor(f.Auditor)
	if !known {
		return false, nil
	}
	if _, own := keyOf(auditor.Keys, f.Key.ID); !own {
		return false, fmt.Errorf("key %s is not one that the policy has of the auditor %q", f.Key.ID, f.Auditor)
	}
	return true, p.CheckLimits(f.Key, f.Issued, time.Time{})
}
