package report_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
)

func TestDraft(t *testing.T) {
	in := inputs(t)
	payload, manifest, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	again, sameManifest, err := report.Draft(in)
	if err != nil || string(again) != string(payload) || string(sameManifest) != string(manifest) {
		t.Error("the same run gives another statement")
	}
	s, err := report.ParseStatement(payload)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.ManifestDigest()
	if err != nil || report.NewBytesFile("", manifest).SHA256 != report.Digest(want) {
		t.Errorf("the statement names another manifest: %v", err)
	}
	if got := s.Predicate.Scope.Encumbrances; got != report.NotDeclared {
		t.Errorf("encumbrances %q", got)
	}
	var m report.Manifest
	if err := attest.Decode(manifest, &m); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, f := range m.Files {
		listed = append(listed, f.Part+" "+f.Path)
	}
	if diff := cmp.Diff([]string{
		"shard liabilities/shard-00000.leaves", "shard liabilities/shard-00001.leaves", "core liabilities/shards.json", "core reserves/claims.json", "core reserves/control.json",
		"core reserves/evidence/bip122-000000000019d6689c085ae165831e93.json", "core reserves/evidence/eip155-1.json",
		"core reserves/evidence/eip155-56.json", "core reserves/lines.json"}, listed); diff != "" {
		t.Error(diff)
	}
}

// TestDraft_Page: the page by which customers check is listed as any other file, and changes nothing else.
func TestDraft_Page(t *testing.T) {
	in := inputs(t)
	page := report.NewBytesFile(report.PathVerify, []byte("<!doctype html>"))
	in.Files = append(in.Files, page)
	all, _ := bundle(t, in)
	if err := report.Lint(all, nil); err != nil {
		t.Fatal(err)
	}
	if err := report.Lint(all, func(b []byte) bool { return string(b) == "<!doctype html>" }); err == nil {
		t.Error("a page that holds something private was let through")
	}
	for name, other := range map[string][]report.File{"changed": {report.NewBytesFile(report.PathVerify, []byte("<!doctype htm>"))}, "left out": nil} {
		files := append(slices.DeleteFunc(slices.Clone(all), func(f report.File) bool { return f.Path == report.PathVerify }), other...)
		if err := report.Lint(files, nil); err == nil {
			t.Errorf("a page that is %s was let through", name)
		}
	}
}

// TestDraftRefuses: nothing false about the run's own files is put before a signer.
func TestDraftRefuses(t *testing.T) {
	drop := func(path string) func(*report.Inputs) {
		return func(in *report.Inputs) {
			in.Files = slices.DeleteFunc(slices.Clone(in.Files), func(f report.File) bool { return f.Path == path })
		}
	}
	for name, spoil := range map[string]func(in *report.Inputs){
		"C07 scope empty":          func(in *report.Inputs) { in.Scope.Included = nil },
		"scope text empty":         func(in *report.Inputs) { in.Scope.Excluded = []string{""} },
		"scope too long":           func(in *report.Inputs) { in.Scope.Encumbrances = strings.Repeat("x", 4097) },
		"E10 scope bidi":           func(in *report.Inputs) { in.Scope.Included = []string{"a\u202eb"} },
		"tool":                     func(in *report.Inputs) { in.Tool = "assay\n" },
		"tree kind":                func(in *report.Inputs) { in.Tree.Kind = "confidential" },
		"tree empty":               func(in *report.Inputs) { in.Tree.Leaves = 0 },
		"tree without shards":      func(in *report.Inputs) { in.Tree.Shards = 0 },
		"fewer leaves than shards": func(in *report.Inputs) { in.Tree.Shards = 4 },
		"snapshot altered":         func(in *report.Inputs) { in.Snapshot.Period = "2027-01" },
		"liabilities short":        func(in *report.Inputs) { in.Liabilities = in.Liabilities[:1] },
		"liabilities strange": func(in *report.Inputs) {
			in.Liabilities = append(slices.Clone(in.Liabilities), merkle.Entry{Asset: 9, Amount: merkle.Amount{Lo: 1}})
		},
		"C04 customer dropped":    func(in *report.Inputs) { in.Ledger.Customers = 4 },
		"C04 entry dropped":       func(in *report.Inputs) { in.Ledger.Entries = 6 },
		"C04 error moved some":    func(in *report.Inputs) { in.Ledger.Negatives.Entries, in.Ledger.Entries = 1, 6 },
		"ledger rule":             func(in *report.Inputs) { in.Ledger.Duplicates.Rule = "exclude" },
		"no ledger rule":          func(in *report.Inputs) { in.Ledger.UnknownAssets.Rule = "" },
		"class name":              func(in *report.Inputs) { in.Ledger.Classes[0].Class = "Customer" },
		"class twice":             func(in *report.Inputs) { in.Ledger.Classes = append(in.Ledger.Classes, in.Ledger.Classes[0]) },
		"class order of assets":   func(in *report.Inputs) { slices.Reverse(in.Ledger.Classes[0].Sum) },
		"class with zero":         func(in *report.Inputs) { in.Ledger.Classes[0].Sum[0].Amount = report.Units{} },
		"unknown sums no entries": func(in *report.Inputs) { in.Ledger.UnknownAssets.Sums = []report.UnknownSum{{Asset: "X", Amount: "1"}} },
		"rule evidence":           func(in *report.Inputs) { in.Rule.Evidence = "" },
		"lines not those summed":  func(in *report.Inputs) { in.Lines = in.Lines[:3] },
		"X12 no lines":            drop(report.PathLines),
		"X12 no control":          drop(report.PathControl),
		"X12 no shard list":       drop(report.PathShards),
		"X12 no evidence":         drop(report.PathEvidence("eip155:56")),
		"X12 no leaves":           drop(report.PathLeaves(1)),
		"I11 a strange file":      func(in *report.Inputs) { in.Files = append(in.Files, report.NewBytesFile("ledger.csv", nil)) },
		"leaves beyond the tree":  func(in *report.Inputs) { in.Files = append(in.Files, report.NewBytesFile(report.PathLeaves(2), nil)) },
		"evidence of a stranger": func(in *report.Inputs) {
			in.Files = append(in.Files, report.NewBytesFile(report.PathEvidence("eip155:10"), nil))
		},
		"the manifest itself": func(in *report.Inputs) { in.Files = append(in.Files, report.NewBytesFile(report.PathManifest, nil)) },
		"a file twice":        func(in *report.Inputs) { in.Files = append(in.Files, in.Files[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			in := inputs(t)
			spoil(&in)
			if _, _, err := report.Draft(in); err == nil {
				t.Error("it was drafted")
			}
		})
	}
}

// TestC04_ExclusionsAreStated: what is left out moves nothing silently; count and sums stand in the statement.
func TestC04_ExclusionsAreStated(t *testing.T) {
	in := inputs(t)
	in.Ledger.Entries = 9
	in.Ledger.Negatives = report.Negatives{Rule: report.RuleExclude, Entries: 2, Sum: []report.AssetAmount{{Asset: "BTC", Amount: units(t, "17")}}}
	in.Ledger.UnknownAssets = report.UnknownAssets{Rule: report.RuleExclude, Entries: 2, Sums: []report.UnknownSum{{Asset: "LUNA", Amount: "12.5"}}}
	payload, _, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"negatives":{"entries":2,"rule":"exclude","sum":[{"amount":"17","asset":"BTC"}]}`,
		`"unknown_assets":{"entries":2,"rule":"exclude","sums":[{"amount":"12.5","asset":"LUNA"}]}`} {
		if !strings.Contains(string(payload), want) {
			t.Errorf("the statement does not say %s", want)
		}
	}
	for _, bad := range []string{"", "1.", ".5", "1.50", "01", "-1", "1e3"} {
		in.Ledger.UnknownAssets.Sums[0].Amount = bad
		if _, _, err := report.Draft(in); err == nil {
			t.Errorf("the decimal %q was taken", bad)
		}
	}
}

// TestParseStatementRefuses: a statement that contradicts itself is not read.
func TestParseStatementRefuses(t *testing.T) {
	payload, _, err := report.Draft(inputs(t))
	if err != nil {
		t.Fatal(err)
	}
	good := string(payload)
	for name, swap := range map[string][2]string{
		"shortfall made smaller":  {`"shortfall":"1000000000000000000"`, `"shortfall":"1"`},
		"shortfall called so":     {`"shortfall":"1000000000000000000"`, `"surplus":"1000000000000000000"`},
		"coverage rounded up":     {`"coverage":"90.00"`, `"coverage":"90.01"`},
		"coverage left out":       {`"coverage":"90.00",`, ``},
		"counted more":            {`"counted":"9000000000000000000","groups"`, `"counted":"9000000000000000001","groups"`},
		"group made larger":       {`"amount":"7000000000000000000"`, `"amount":"8000000000000000000"`},
		"group of another class":  {`"class":"issued","control":"bound"`, `"class":"native","control":"bound"`},
		"rule widened":            {`"control":["bound","script"]`, `"control":["bound","none","script"]`},
		"liabilities changed":     {`"liabilities":[{"amount":"140000000"`, `"liabilities":[{"amount":"140000001"`},
		"asset relabelled":        {`"liabilities":[{"amount":"140000000","asset":"BTC"`, `"liabilities":[{"amount":"140000000","asset":"ETH"`},
		"C10 instant changed":     {`"instant":"2026-11-01`, `"instant":"2026-11-02`},
		"kind":                    {`"kind":"plain","period"`, `"kind":"other","period"`},
		"predicate of version 2":  {"solvency/v1", "solvency/v2"},
		"subject":                 {`"name":"manifest.json"`, `"name":"other.json"`},
		"an empty included scope": {`"included":["Spot accounts"]`, `"included":[]`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, swap[0], swap[1], 1)
			if bad == good {
				t.Fatal("the case changes nothing")
			}
			if _, err := report.ParseStatement([]byte(bad)); err == nil {
				t.Error("it was read")
			}
		})
	}
}

// TestE11_ReadsTheSignedBytes: what is shown comes from the bytes that were signed, and the lines must give its reserves.
func TestE11_ReadsTheSignedBytes(t *testing.T) {
	in := inputs(t)
	_, envelope := bundle(t, in)
	signed, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	if len(signed.KeyIDs) != 1 || signed.KeyIDs[0] != newSigner().PublicKey().KeyID() {
		t.Errorf("signed by %v", signed.KeyIDs)
	}
	file, err := report.LinesJSON(in.Snapshot, in.Lines)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signed.Lines(file); err != nil {
		t.Error(err)
	}
	less, err := report.LinesJSON(in.Snapshot, in.Lines[:3])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signed.Lines(less); err == nil {
		t.Error("other lines were taken for those of the statement")
	}
}

func FuzzParseStatement(f *testing.F) {
	payload, _, err := report.Draft(inputs(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := report.ParseStatement(b)
		if err != nil {
			return
		}
		if again := canonical(t, s); string(again) != string(b) {
			t.Fatalf("%q became %q", b, again)
		}
	})
}

func FuzzParseLines(f *testing.F) {
	s := snapshot(f)
	file, err := report.LinesJSON(s, lines(f, s))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := report.ParseLines(s, b)
		if err != nil {
			return
		}
		if again, err := report.LinesJSON(s, all); err != nil || string(again) != string(b) {
			t.Fatalf("%q became %q, %v", b, again, err)
		}
	})
}
