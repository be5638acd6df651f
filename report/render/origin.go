package render

import (
	"fmt"

	"github.com/assay-por/assay/report"
)

// origin is by whose leave a statement was signed, and when at the earliest.
type origin struct {
	Approvers []string // key ids of those who approved
	Last      []block  // what could not be known earlier
}

// newOrigin parts the signatures: those of approvers, and those of the exchange, whose ids it returns.
func newOrigin(w Words, s report.Signed) (o origin, exchange []string) {
	p := s.Statement.Predicate
	o = origin{Last: newBlocks(w, p.Moment.Blocks)}
	may := map[string]bool{}
	for _, k := range p.Approvals.Keys {
		may[k.KeyID()] = true
	}
	for _, id := range s.KeyIDs {
		if may[id] {
			o.Approvers = append(o.Approvers, id)
		} else {
			exchange = append(exchange, id)
		}
	}
	return o, exchange
}

// finding is an auditor's, as the page shows it.
type finding struct {
	report.Finding
	KeyID  string
	Passed int
	Open   []report.CheckResult // checks that did not pass
}

// newFindings reads findings and refuses one that is about another statement.
func newFindings(about report.Digest, envelopes [][]byte) ([]finding, error) {
	var out []finding
	for n, b := range envelopes {
		f, statement, err := report.ReadFinding(b)
		if err != nil {
			return nil, fmt.Errorf("finding #%d: %w", n, err)
		}
		if statement != about {
			return nil, fmt.Errorf("finding #%d is about the statement %s", n, statement)
		}
		shown := finding{Finding: f, KeyID: f.Key.KeyID()}
		for _, c := range f.Checks {
			if c.Result != report.ResultPass {
				shown.Open = append(shown.Open, c)
			}
		}
		shown.Passed = len(f.Checks) - len(shown.Open)
		out = append(out, shown)
	}
	return out, nil
}
