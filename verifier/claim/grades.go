package claim

import "slices"

// HeaderTrusted is the grade that only a verifier gives: a state-proved line whose pinned block its policy anchors (SPEC part 15).
const HeaderTrusted = "header-trusted"

// Grades that the checks of evidence and control reach in version 1 (SPEC parts 12 to 15).
const (
	StateProved     = "state-proved"
	FilterChecked   = "filter-checked"
	NodeAttested    = "node-attested"
	InclusionProved = "inclusion-proved"
	NoControl       = "none"
)

// evidenceGrades, weakest first (SPEC part 15).
func evidenceGrades() []string {
	return []string{"claimed", NodeAttested, InclusionProved, FilterChecked, StateProved, HeaderTrusted}
}

func controlGrades() []string {
	return []string{NoControl, "static", "bound", "script", "owner-proved", "contract-attested", "spend", "custodian-statement"}
}

func parseEvidence(s string) (string, error) {
	return parseOne("evidence grade", evidenceGrades()...)(s)
}

func parseControl(s string) (string, error) { return parseOne("control grade", controlGrades()...)(s) }

// parseClaimed reads an evidence grade that a statement may claim for a line: neither the weakest nor the strongest.
func parseClaimed(s string) (string, error) {
	return parseOne("evidence grade that a statement may claim", evidenceGrades()[1:5]...)(s)
}

var parseCustody = parseOne("custody", "own-hot", "own-cold", "own-other")

// Rule says which reserves count (SPEC part 15): token classes, control grades and the least evidence grade.
type Rule struct {
	Classes, Control []string
	Evidence         string
}

// counts reports whether a line or group of this class and these grades counts.
func (r Rule) counts(class, control, evidence string) bool {
	order := evidenceGrades()
	return slices.Contains(r.Classes, class) && slices.Contains(r.Control, control) &&
		slices.Index(order, evidence) >= slices.Index(order, r.Evidence)
}
