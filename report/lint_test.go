package report_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// TestI11_BundleLint: only files of the table, of their type and of this snapshot, are published, and none with something private.
func TestI11_BundleLint(t *testing.T) {
	in := inputs(t)
	all, _ := bundle(t, in)
	if err := report.Lint(all, nil); err != nil {
		t.Fatal(err)
	}
	if err := report.Lint(all, func(b []byte) bool { return bytes.Contains(b, []byte("carol@example.org")) }); err != nil {
		t.Error(err)
	}
	withoutLeaves := slices.DeleteFunc(slices.Clone(all), func(f report.File) bool { return f.Path == report.PathLeaves(0) })
	if err := report.Lint(withoutLeaves, nil); err != nil {
		t.Errorf("leaves may be absent: %v", err)
	}
	for _, private := range []string{"Spot accounts", wallet1} { // in the statement only, in a file
		if err := report.Lint(all, func(b []byte) bool { return bytes.Contains(b, []byte(private)) }); err == nil {
			t.Errorf("a bundle that holds %q was let through", private)
		}
	}
}

// respell replaces a file of the run before it is drafted, so that the manifest lists what is wrong with it.
func respell(in *report.Inputs, path string, change func(string) string) {
	for i, f := range in.Files {
		if f.Path == path {
			in.Files[i] = report.NewBytesFile(path, []byte(change(content(f))))
		}
	}
}

func content(f report.File) string {
	r, err := f.Open()
	if err != nil {
		return err.Error()
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestLintRefusesFiles(t *testing.T) {
	replace := func(old, with string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, with, 1) }
	}
	evidence := report.PathEvidence(chains.Chain(ethChain))
	for name, c := range map[string]struct {
		path   string
		change func(string) string
	}{
		"evidence not canonical":    {evidence, replace(":", ": ")},
		"evidence of another chain": {evidence, replace("eip155:1", "eip155:5")},
		"evidence of other type":    {evidence, replace("evidence/evm", "evidence/evm2")},
		"evidence is a list":        {evidence, func(string) string { return "[]" }},
		"C13 evidence of other snapshot": {evidence, func(s string) string {
			at := strings.Index(s, `"snapshot":"`) + len(`"snapshot":"`)
			return s[:at] + strings.Repeat("0", 64) + s[at+64:]
		}},
		"I11 a list of customers":  {report.PathShards, func(string) string { return `{"customers":["carol@example.org"]}` }},
		"I11 ids beside shards":    {report.PathShards, replace(`{"leaves":1`, `{"ids":["carol@example.org"],"leaves":1`)},
		"shards of other kind":     {report.PathShards, replace("plain", "blind")},
		"control of other type":    {report.PathControl, replace("v1/control", "v2/control")},
		"control with a line feed": {report.PathControl, func(s string) string { return s + "\n" }},
		"leaves of other shard":    {report.PathLeaves(1), replace("\x00\x00\x00\x01", "\x00\x00\x00\x02")},
		"leaves are a CSV file":    {report.PathLeaves(1), func(string) string { return strings.Repeat("customer,asset,balance\n", 9) }},
		"leaves cut off":           {report.PathLeaves(1), func(s string) string { return s[:20] }},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputs(t)
			respell(&in, c.path, c.change)
			all, _ := bundle(t, in)
			if err := report.Lint(all, nil); err == nil {
				t.Error("it was let through")
			} else if !strings.Contains(err.Error(), c.path) {
				t.Errorf("%v does not name %s", err, c.path)
			}
		})
	}
}

// TestX12_PartialPublication: a bundle is whole or it is not published.
func TestX12_PartialPublication(t *testing.T) {
	in := inputs(t)
	all, _ := bundle(t, in)
	for _, f := range all {
		if part, _ := report.PartOf(f.Path); part == report.PartShard {
			continue
		}
		less := slices.DeleteFunc(slices.Clone(all), func(g report.File) bool { return g.Path == f.Path })
		if err := report.Lint(less, nil); err == nil {
			t.Errorf("a bundle without %s was let through", f.Path)
		}
	}
	for name, extra := range map[string]report.File{
		"I11 a ledger":     report.NewBytesFile("ledger/rows.csv", []byte("carol@example.org,BTC,1")),
		"I11 a shard file": report.NewBytesFile("shards/00000.age", nil),
		"unlisted leaves":  report.NewBytesFile(report.PathLeaves(7), nil),
	} {
		if err := report.Lint(append(slices.Clone(all), extra), nil); err == nil {
			t.Errorf("%s was let through", name)
		}
	}
	other := inputs(t)
	other.Tool = "assay other"
	respell(&other, report.PathShards, func(s string) string { return strings.Replace(s, `"leaves":2`, `"leaves":3`, 1) })
	others, _ := bundle(t, other)
	for i, f := range all {
		for _, g := range others {
			if f.Path == g.Path && f.SHA256 != g.SHA256 {
				mixed := slices.Clone(all)
				mixed[i] = g
				if err := report.Lint(mixed, nil); err == nil {
					t.Errorf("the %s of another run was let through", f.Path)
				}
			}
		}
	}
}
