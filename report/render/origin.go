package render

import (
	"fmt"

	"github.com/assay-por/assay/report"
)

// origin is when a statement was drawn up, by whose leave, and its place among others.
type origin struct {
	Issued, IssuedText string
	Series             string
	Approval           string
	Approvers          []string // key ids of those who approved
	Last               []block  // what could not be known earlier
}

// newOrigin parts the signatures: those of approvers, and those of the exchange, whose ids it returns.
func newOrigin(s report.Signed) (o origin, exchange []string) {
	p := s.Statement.Predicate
	o = origin{Issued: p.Issued.String(), IssuedText: p.Issued.Format("2 January 2006, 15:04:05 UTC"), Last: newBlocks(p.Moment.Blocks)}
	o.Series = fmt.Sprintf("%s, statement number %d", p.Series.Name, p.Series.Number)
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
	o.Approval = "Unattended: nobody approved it."
	if p.Approvals.Required > 0 {
		o.Approval = fmt.Sprintf("Approved by %d of %d before it was signed; %d had to.", len(o.Approvers), len(p.Approvals.Keys), p.Approvals.Required)
	}
	return o, exchange
}

// finding is an auditor's, as the page shows it.
type finding struct {
	report.Finding
	KeyID, Checked string
	Open           []report.CheckResult // checks that did not pass
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
		shown.Checked = passed(len(f.Checks)-len(shown.Open), len(f.Checks))
		out = append(out, shown)
	}
	return out, nil
}

func passed(n, of int) string {
	if n == of {
		return fmt.Sprintf("all %d passed", of)
	}
	return fmt.Sprintf("%d of %d passed", n, of)
}
