package report_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
)

// hidden is the run of inputs with a confidential tree, of which one leaf is a decoy.
func hidden(t testing.TB) report.Inputs {
	t.Helper()
	in := inputs(t)
	s, err := report.NewSnapshot(exchange(), "2026-11", instant, registry())
	if err == nil {
		s, err = s.WithKind(report.KindConfidential)
	}
	if err == nil {
		s, err = s.WithBlocks(refs()...)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.ID == in.Snapshot.ID {
		t.Error("snapshots of two kinds have one id")
	}
	in.Snapshot, in.Tree.Kind, in.Tree.Leaves = s, report.KindConfidential, 4
	in.Files = files(t, in)
	respell(&in, report.PathShards, func(string) string {
		list := report.HiddenShardsFile{Kind: s.Kind, Snapshot: s.ID, Type: report.TypeShards}
		for i := range byte(2) {
			list.Shards = append(list.Shards, report.HiddenShard{Leaves: 2, Root: report.Digest{i}, Total: strings.Repeat("ab", 64)})
		}
		return string(canonical(t, list))
	})
	for _, path := range []string{report.PathTopProof, report.PathProof(0), report.PathProof(1)} {
		in.Files = append(in.Files, report.NewBytesFile(path, []byte("assay/v1/confidential-proof\n"+strings.Repeat("z", 96))))
	}
	return in
}

// TestConfidentialBundle: it has a proof for each shard and one for the top; leaves and proof of a shard go together.
func TestConfidentialBundle(t *testing.T) {
	all, _ := bundle(t, hidden(t))
	if err := report.Lint(all, nil); err != nil {
		t.Fatal(err)
	}
	without := func(paths ...string) []report.File {
		return slices.DeleteFunc(slices.Clone(all), func(f report.File) bool { return slices.Contains(paths, f.Path) })
	}
	if err := report.Lint(without(report.PathLeaves(1), report.PathProof(1)), nil); err != nil {
		t.Errorf("what there is of a shard may be absent: %v", err)
	}
	for _, path := range []string{report.PathLeaves(1), report.PathProof(1), report.PathTopProof} {
		if err := report.Lint(without(path), nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("without %s: %v", path, err)
		}
	}
}

// TestConfidentialDraftRefuses: what the files of the other kind would be, and what does not add up.
func TestConfidentialDraftRefuses(t *testing.T) {
	drop := func(path string) func(*report.Inputs) {
		return func(in *report.Inputs) {
			in.Files = slices.DeleteFunc(in.Files, func(f report.File) bool { return f.Path == path })
		}
	}
	for name, spoil := range map[string]func(*report.Inputs){
		"X12 no proof":         drop(report.PathProof(0)),
		"X12 no proof on top":  drop(report.PathTopProof),
		"proofs beyond":        func(in *report.Inputs) { in.Files = append(in.Files, report.NewBytesFile(report.PathProof(2), nil)) },
		"C04 more customers":   func(in *report.Inputs) { in.Tree.Leaves = 2 },
		"tree of another kind": func(in *report.Inputs) { in.Tree.Kind = report.KindPlain },
	} {
		in := hidden(t)
		spoil(&in)
		if _, _, err := report.Draft(in); err == nil {
			t.Errorf("%s: it was drafted", name)
		}
	}
	plain := inputs(t)
	plain.Files = append(plain.Files, report.NewBytesFile(report.PathProof(0), nil))
	if _, _, err := report.Draft(plain); err == nil {
		t.Error("a plain tree's bundle with a proof was drafted")
	}
	if _, err := snapshot(t).WithKind("secret"); err == nil {
		t.Error("a snapshot of a kind that is none")
	}
}

// TestConfidentialLint: no sum is published of a shard, and a proof looks like one.
func TestConfidentialLint(t *testing.T) {
	replace := func(old, with string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, with, 1) }
	}
	for name, c := range map[string]struct {
		path   string
		change func(string) string
	}{
		"I11 a sum beside it":  {report.PathShards, replace(`"total"`, `"sum":[],"total"`)},
		"a list of plain kind": {report.PathShards, replace("confidential", "plain")},
		"no point":             {report.PathShards, replace("abab", "AbaB")},
		"no proof":             {report.PathProof(1), replace("confidential-proof", "confidential-poem")},
		"cut off":              {report.PathProof(1), func(s string) string { return s[:len(s)-1] }},
		"nothing in it":        {report.PathTopProof, func(s string) string { return s[:len(s)-96] }},
		"its beginning":        {report.PathTopProof, func(s string) string { return s[:9] }},
	} {
		in := hidden(t)
		respell(&in, c.path, c.change)
		all, _ := bundle(t, in)
		if err := report.Lint(all, nil); err == nil || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
