package report_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

func beaconFile(t *testing.T, in report.Inputs, path, chain, kind string) report.File {
	t.Helper()
	return report.NewBytesFile(path, canonical(t, map[string]any{"chain": chain, "headers": []string{}, "snapshot": in.Snapshot.ID, "type": kind}))
}

// Light client evidence is optional, of part core, and of a pinned eip155 chain.
func TestBeaconFile(t *testing.T) {
	in := inputs(t)
	path := report.PathBeacon(ethChain)
	if path != "reserves/beacon/eip155-1.json" {
		t.Errorf("path %s", path)
	}
	in.Files = append(in.Files, beaconFile(t, in, path, ethChain, report.TypeBeacon))
	all, _ := bundle(t, in)
	if err := report.Lint(all, nil); err != nil {
		t.Error(err)
	}
	_, manifest, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	var m report.Manifest
	if err := attest.Decode(manifest, &m); err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(m.Files, func(f report.ManifestFile) bool { return f.Path == path }); i < 0 || m.Files[i].Part != report.PartCore {
		t.Errorf("the manifest does not list %s as core", path)
	}
	without := slices.DeleteFunc(slices.Clone(all), func(f report.File) bool { return f.Path == path })
	if err := report.Lint(without, nil); err == nil {
		t.Error("a bundle without the file that its manifest lists was let through")
	}
}

func TestBeaconFileRefused(t *testing.T) {
	path := report.PathBeacon(ethChain)
	for name, tt := range map[string]struct{ path, chain, kind string }{
		"other type":  {path, ethChain, report.TypeEvidenceEVM},
		"other chain": {path, bscChain, report.TypeBeacon},
	} {
		in := inputs(t)
		in.Files = append(in.Files, beaconFile(t, in, tt.path, tt.chain, tt.kind))
		all, _ := bundle(t, in)
		if err := report.Lint(all, nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	in := inputs(t)
	respell(&in, report.PathEvidence(ethChain), func(s string) string { return strings.Replace(s, "evidence/evm", "evidence/beacon", 1) })
	all, _ := bundle(t, in)
	if err := report.Lint(all, nil); err == nil {
		t.Error("light client evidence was taken for evidence of balances")
	}
	for _, bad := range []string{"reserves/beacon/eip155-5.json", "reserves/beacon/bip122-000000000019d6689c085ae165831e93.json", "reserves/beacon/eip155-01.json",
		"reserves/beacon/eip155:1.json", "reserves/beacon/eip155-1", "reserves/beacon/"} {
		in := inputs(t)
		in.Files = append(in.Files, report.NewBytesFile(bad, []byte("{}")))
		if _, _, err := report.Draft(in); err == nil {
			t.Errorf("%s was listed", bad)
		}
	}
}
