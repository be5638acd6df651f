package verifier

import (
	"fmt"
	"slices"

	"github.com/assay-por/assay/verifier/claim"
)

// Finding is what an auditor says of the statement, as signed (SPEC part 27).
type Finding struct {
	Auditor    string   `json:"auditor"`
	Key        string   `json:"key"`   // its id
	Known      bool     `json:"known"` // the policy has this auditor, and the key is one of its keys
	Issued     string   `json:"issued"`
	Scope      string   `json:"scope"`
	Procedures []string `json:"procedures"`
	Findings   []string `json:"findings"`
	NotPassed  []string `json:"not_passed"` // checks that the auditor's verifier did not pass, with their results
	Policy     string   `json:"policy"`     // digest of the auditor's policy
	Tool       string   `json:"tool"`
}

// checkFindings is the check `findings` (SPEC part 27): every finding is about this statement and signed. What auditors found is shown,
// and decides nothing, but that they may vouch for leaves that are not here.
func (b *bundleRun) checkFindings() (string, error) {
	count, known := b.numbered(findingPath), 0
	var found []Finding
	vouched := false
	for n := range count {
		path := findingPath(n)
		raw, err := b.files.read(path, limitOf(path))
		if err != nil {
			return "", err
		}
		f, err := claim.ParseFinding(raw)
		if err != nil {
			return "", in(path, err)
		}
		believed, err := b.statement.CheckFinding(f, b.policy)
		if err != nil {
			return "", in(path, err)
		}
		if found = append(found, describeFinding(f, believed)); believed {
			known++
			vouched = vouched || f.Passed("liabilities.full")
			continue
		}
		b.note("the policy does not know the auditor %s: anybody may have made that finding", f.Auditor)
	}
	b.verdict.Findings, b.vouched = found, vouched
	if count == 0 {
		return "there are none", nil
	}
	return fmt.Sprintf("%d findings, %d by auditors of the policy", count, known), nil
}

func describeFinding(f *claim.Finding, known bool) Finding {
	out := Finding{
		Auditor: f.Auditor, Key: f.Key.ID, Known: known, Issued: f.Issued.Format(timeForm), Scope: f.Scope,
		Procedures: slices.Clone(f.Procedures), Findings: append([]string{}, f.Findings...), NotPassed: []string{}, Policy: f.Policy.String(), Tool: f.Tool,
	}
	for _, c := range f.Checks {
		if c.Result != string(Pass) {
			out.NotPassed = append(out.NotPassed, c.Name+": "+c.Result)
		}
	}
	return out
}
