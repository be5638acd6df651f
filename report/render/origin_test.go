package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
)

// TestOriginIsShown: when it was drawn up, its place among others, and who approved it, or that nobody did.
func TestOriginIsShown(t *testing.T) {
	in := inputs(t)
	in.Series.Supersedes = &report.Supersedes{Reason: "a wallet was missing", Statement: report.Digest{7, 7}}
	p := cells(page(t, in))
	for _, want := range []string{
		"Drawn up 2 November 2026, 02:00:00 UTC , by the exchange’s clock", "main, statement number 11; the one before is 0707", "Takes the place of 0707", "because: a wallet was missing",
		"Approved by 2 of 3 before it was signed; 2 had to.", "Approved by key id " + newSigner('d').PublicKey().KeyID(), "nobody could know it earlier", "23,708,801",
	} {
		if !strings.Contains(p, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	_, verify, _ := strings.Cut(p, "Decide whom you believe.")
	verify, _, _ = strings.Cut(verify, "Verify the whole report.")
	if !strings.Contains(verify, newSigner('a').PublicKey().KeyID()) || strings.Contains(verify, newSigner('d').PublicKey().KeyID()) {
		t.Errorf("the page tells a reader to believe an approver's key: %s", verify)
	}
	in = inputs(t)
	in.Approvals, in.Moment = report.Approvals{}, report.Moment{}
	p = cells(page(t, in))
	if !strings.Contains(p, "Unattended: nobody approved it.") || strings.Contains(p, "Approved by") || strings.Contains(p, "nobody could know it earlier") {
		t.Error("an unattended report is not said to be one, or a moment is shown that is none")
	}
}

// TestFindingsAreShown: in the auditor's words, with every check that did not pass; one about another statement is not shown.
func TestFindingsAreShown(t *testing.T) {
	in := inputs(t)
	envelope, lines := signed(t, in)
	files := render.Files{Envelope: envelope, Lines: lines, Bands: bandLines(t, in), Findings: [][]byte{exampleFinding(t, envelope)}}
	var b bytes.Buffer
	if err := render.HTML(&b, files, english(t)); err != nil {
		t.Fatal(err)
	}
	p := cells(b.String())
	for _, want := range []string{"Auditors’ findings", "Example Accountants", "Drew 200 customers by lot", "Two of 200 customers", "1 of 2 passed; liabilities.full : skipped", newSigner('g').PublicKey().KeyID()} {
		if !strings.Contains(p, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page(t, in), "Auditors’ findings") {
		t.Error("a report without findings speaks of them")
	}
	other := inputs(t)
	other.Tool = "assay other"
	others, _ := signed(t, other)
	for name, bad := range map[string][]byte{"about another": exampleFinding(t, others), "a statement": envelope, "nothing": nil} {
		files.Findings = [][]byte{bad}
		b.Reset()
		if err := render.HTML(&b, files, english(t)); err == nil || b.Len() > 0 {
			t.Errorf("%s: a page was drawn (%v)", name, err)
		}
	}
}
