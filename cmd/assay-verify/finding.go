package main

import "github.com/assay-por/assay/verifier"

// finding prints what an auditor says, with its scope, and first whether the policy knows that auditor.
func (p *page) finding(f verifier.Finding, policy string) {
	who := "an auditor whom the policy does not know"
	if f.Known {
		who = "an auditor of the policy"
	}
	p.line("\nFinding by %s: %s, %s", who, f.Auditor, f.Issued) // a name may say anything of itself
	rows := [][2]string{{"scope", f.Scope}}
	for _, text := range f.Procedures {
		rows = append(rows, [2]string{"done", text})
	}
	for _, text := range f.Findings {
		rows = append(rows, [2]string{"found", text})
	}
	for _, text := range f.NotPassed {
		rows = append(rows, [2]string{"not passed", text})
	}
	other := ""
	if f.Policy != policy {
		other = ", which is not the one used here"
	}
	for _, row := range append(rows, [2]string{"made with", f.Tool + ", policy " + f.Policy + other}) {
		p.line("  %-11s %s", row[0], row[1])
	}
}
