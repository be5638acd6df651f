package chains

import (
	"fmt"
	"slices"
)

// An EvidenceGrade says how well a balance is shown (SPEC part 15).
type EvidenceGrade string

// The evidence grades of SPEC part 15, weakest first. A statement never claims
// HeaderTrusted: a verifier gives it, under its own policy.
const (
	Claimed         EvidenceGrade = "claimed"
	NodeAttested    EvidenceGrade = "node-attested"
	InclusionProved EvidenceGrade = "inclusion-proved"
	FilterChecked   EvidenceGrade = "filter-checked"
	StateProved     EvidenceGrade = "state-proved"
	HeaderTrusted   EvidenceGrade = "header-trusted"
)

// EvidenceGrades lists all evidence grades, weakest first (SPEC part 15).
func EvidenceGrades() []EvidenceGrade {
	return []EvidenceGrade{Claimed, NodeAttested, InclusionProved, FilterChecked, StateProved, HeaderTrusted}
}

// ParseEvidenceGrade returns the grade of that name (SPEC part 15).
func ParseEvidenceGrade(s string) (EvidenceGrade, error) {
	if g := EvidenceGrade(s); slices.Contains(EvidenceGrades(), g) {
		return g, nil
	}
	return "", fmt.Errorf("evidence grade %q: want one of %v", clip(s), EvidenceGrades())
}

// AtLeast reports whether g is as strong as least (SPEC part 15). A text that
// is no grade is as strong as none and reached by none.
func (g EvidenceGrade) AtLeast(least EvidenceGrade) bool {
	all := EvidenceGrades()
	have, want := slices.Index(all, g), slices.Index(all, least)
	return have >= 0 && want >= 0 && have >= want
}

// A ControlGrade says how it is shown that an account can be moved by the
// exchange (SPEC part 15). Control grades have no order: a rule names those
// that it accepts.
type ControlGrade string

// The control grades of SPEC part 15.
const (
	NoControl          ControlGrade = "none"
	Static             ControlGrade = "static"
	Bound              ControlGrade = "bound"
	Script             ControlGrade = "script"
	OwnerProved        ControlGrade = "owner-proved"
	ContractAttested   ControlGrade = "contract-attested"
	Spend              ControlGrade = "spend"
	CustodianStatement ControlGrade = "custodian-statement"
)

// ControlGrades lists all control grades (SPEC part 15).
func ControlGrades() []ControlGrade {
	return []ControlGrade{NoControl, Static, Bound, Script, OwnerProved, ContractAttested, Spend, CustodianStatement}
}

// ParseControlGrade returns the grade of that name (SPEC part 15).
func ParseControlGrade(s string) (ControlGrade, error) {
	if g := ControlGrade(s); slices.Contains(ControlGrades(), g) {
		return g, nil
	}
	return "", fmt.Errorf("control grade %q: want one of %v", clip(s), ControlGrades())
}
