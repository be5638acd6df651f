package report_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

func finding() report.Finding {
	return report.Finding{
		Auditor: "Example Accountants", Checks: []report.CheckResult{{Name: "snapshot", Result: report.ResultPass}, {Name: "liabilities.full", Result: report.ResultSkipped}},
		Findings: []string{}, Issued: issued(), Key: signerOf(50).PublicKey(), Policy: report.Digest{5}, Procedures: []string{"Ran the verifier over the whole bundle."},
		Scope: "The bundle of November 2026.", Tool: "assay-verify 0.1.0",
	}
}

// signedFinding is a finding about a statement, signed by a key.
func signedFinding(t testing.TB, f report.Finding, about report.Digest, by ...attest.Signer) []byte {
	t.Helper()
	payload, err := f.Payload(about)
	if err != nil {
		t.Fatal(err)
	}
	e, err := attest.Sign(attest.PayloadType, payload, by...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestReadFinding(t *testing.T) {
	want := finding()
	got, about, err := report.ReadFinding(signedFinding(t, want, report.Digest{8}, signerOf(50)))
	if err != nil || about != (report.Digest{8}) {
		t.Fatalf("about %s, %v", about, err)
	}
	want.Checks[0], want.Checks[1] = want.Checks[1], want.Checks[0] // sorted by name
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b attest.PublicKey) bool { return a == b })); d != "" {
		t.Error(d)
	}
}

func TestC12_FindingRefuses(t *testing.T) {
	for name, by := range map[string][]attest.Signer{
		"by another key":     {signerOf(51)},
		"by another as well": {signerOf(50), signerOf(51)},
	} {
		if _, _, err := report.ReadFinding(signedFinding(t, finding(), report.Digest{8}, by...)); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	_, envelope := signed(t, inputs(t))
	if _, _, err := report.ReadFinding(envelope); err == nil {
		t.Error("a solvency statement was taken for a finding")
	}
	for name, spoil := range map[string]func(*report.Finding){
		"no auditor":         func(f *report.Finding) { f.Auditor = "" },
		"no tool":            func(f *report.Finding) { f.Tool = "" },
		"no scope":           func(f *report.Finding) { f.Scope = "" },
		"no procedures":      func(f *report.Finding) { f.Procedures = nil },
		"an empty finding":   func(f *report.Finding) { f.Findings = []string{""} },
		"257 findings":       func(f *report.Finding) { f.Findings = strings.Split(strings.Repeat("x", 257), "") },
		"a strange result":   func(f *report.Finding) { f.Checks[0].Result = "passed" },
		"a check twice":      func(f *report.Finding) { f.Checks[0].Name = f.Checks[1].Name },
		"a check of no name": func(f *report.Finding) { f.Checks[0].Name = "" },
		"a check of blanks":  func(f *report.Finding) { f.Checks[0].Name = "a b" },
		"a check in Greek":   func(f *report.Finding) { f.Checks[0].Name = "έλεγχος" },
		"a long check":       func(f *report.Finding) { f.Checks[0].Name = strings.Repeat("a", 129) },
	} {
		f := finding()
		spoil(&f)
		if _, err := f.Payload(report.Digest{8}); err == nil {
			t.Errorf("%s: it was drawn up", name)
		}
	}
}

func FuzzReadFinding(f *testing.F) {
	f.Add(signedFinding(f, finding(), report.Digest{8}, signerOf(50)))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, about, err := report.ReadFinding(b)
		if err != nil {
			return
		}
		e, err := attest.ParseEnvelope(b)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := got.Payload(about); err != nil || string(again) != string(e.Payload) {
			t.Fatalf("%q became %q, %v", e.Payload, again, err)
		}
	})
}
