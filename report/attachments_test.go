package report_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// attachments are one of each kind, about the statement of an envelope.
func attachments(t testing.TB, envelope []byte) map[string][]byte {
	t.Helper()
	s, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := report.NewEntry(envelope, issued())
	if err != nil {
		t.Fatal(err)
	}
	e, err := attest.Sign(attest.PayloadEntry, canonical(t, entry), newSigner())
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		report.PathEntry: canonical(t, e), report.PathLogProof: []byte("c2sp.org/tlog-proof@v1\nindex 0\n"),
		report.PathAnchor: []byte(`{"type":"assay/v1/anchor"}`), report.PathAnchorProof: []byte("c2sp.org/tlog-proof@v1\nindex 0\n"),
		report.PathTimestamp(0): {0x30, 0x03}, report.PathFinding(0): signedFinding(t, finding(), s.Digest, signerOf(50)),
	}
}

func asFiles(contents map[string][]byte) []report.File {
	var all []report.File
	for path, b := range contents {
		all = append(all, report.NewBytesFile(path, b))
	}
	return all
}

func TestAttachmentsAreNotListed(t *testing.T) {
	all, envelope := bundle(t, inputs(t))
	all = append(all, asFiles(attachments(t, envelope))...)
	if err := report.Lint(all, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{report.PathTimestamp(0), report.PathTimestamp(15), report.PathFinding(31), report.PathEntry} {
		if part, ok := report.PartOf(path); !ok || part != report.PartAttachment {
			t.Errorf("%s: part %q, %v", path, part, ok)
		}
	}
	for _, path := range []string{report.PathTimestamp(16), report.PathFinding(32), "attachments/findings/00.dsse.json", "attachments/findings/-1.dsse.json",
		"attachments/findings/+1.dsse.json", "attachments/timestamps/0.tsr.gz", "attachments/notes.txt", "attachments/log.tlog-proof/0"} {
		if part, ok := report.PartOf(path); ok {
			t.Errorf("%s is taken for part %s", path, part)
		}
	}
	in := inputs(t)
	in.Files = append(in.Files, report.NewBytesFile(report.PathTimestamp(0), []byte{0x30}))
	if _, _, err := report.Draft(in); err == nil {
		t.Error("an attachment was listed in the manifest")
	}
}

func TestLintRefusesAttachments(t *testing.T) {
	all, envelope := bundle(t, inputs(t))
	other := inputs(t)
	other.Tool = "assay other"
	_, others := bundle(t, other)
	foreign := attachments(t, others)
	drop := func(path string) func(map[string][]byte) { return func(m map[string][]byte) { delete(m, path) } }
	put := func(path string, b []byte) func(map[string][]byte) { return func(m map[string][]byte) { m[path] = b } }
	for name, tt := range map[string]struct {
		spoil func(map[string][]byte)
		want  string
	}{
		"an entry without its proof":      {drop(report.PathLogProof), "stands without"},
		"a proof without its entry":       {drop(report.PathEntry), "stands without"},
		"an anchor without its proof":     {drop(report.PathAnchorProof), "stands without"},
		"an anchor's proof alone":         {drop(report.PathAnchor), "stands without"},
		"a gap in the time stamps":        {put(report.PathTimestamp(2), []byte{0x30}), "stands without attachments/timestamps/1.tsr"},
		"a gap in the findings":           {put(report.PathFinding(2), nil), "stands without attachments/findings/1.dsse.json"},
		"C12 an entry of another":         {put(report.PathEntry, foreign[report.PathEntry]), "about another statement"},
		"C12 a finding about another":     {put(report.PathFinding(0), foreign[report.PathFinding(0)]), "about the statement"},
		"C12 a statement as a finding":    {put(report.PathFinding(0), envelope), "finding: statement"},
		"C12 a statement as an entry":     {put(report.PathEntry, envelope), "payload type"},
		"a proof of nothing":              {put(report.PathLogProof, []byte("index 0")), "no proof of a log"},
		"an anchor of another type":       {put(report.PathAnchor, []byte(`{"type":"assay/v2/anchor"}`)), "of type"},
		"an anchor that is not canonical": {put(report.PathAnchor, []byte(`{ }`)), "canonical"},
		"a time stamp that is none":       {put(report.PathTimestamp(0), []byte("time")), "no time stamp"},
		"a time stamp too large":          {put(report.PathTimestamp(0), bytes.Repeat([]byte{0x30}, 65<<10)), "at most"},
	} {
		contents := attachments(t, envelope)
		tt.spoil(contents)
		if err := report.Lint(append(slices.Clone(all), asFiles(contents)...), nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	secret := func(b []byte) bool { return bytes.Contains(b, []byte("Ran the verifier")) }
	if err := report.Lint(append(slices.Clone(all), asFiles(attachments(t, envelope))...), secret); err == nil {
		t.Error("a finding with something private was let through")
	}
}

// TestAttach: attachments come into a folder all or none, and nothing else of it is touched.
func TestAttach(t *testing.T) {
	all, envelope := bundle(t, inputs(t))
	base := t.TempDir()
	dir := filepath.Join(base, "bundle")
	if err := report.Attach(dir, report.NewBytesFile(report.PathTimestamp(0), []byte{0x30})); err == nil {
		t.Error("something was attached to no bundle")
	}
	if err := report.WriteDir(dir, all); err != nil {
		t.Fatal(err)
	}
	want := tree(t, base)
	contents := attachments(t, envelope)
	first, second := maps.Clone(contents), maps.Clone(contents)
	maps.DeleteFunc(first, func(path string, _ []byte) bool { return path == report.PathAnchor || path == report.PathAnchorProof })
	maps.DeleteFunc(second, func(path string, _ []byte) bool { return path != report.PathAnchor && path != report.PathAnchorProof })
	second[report.PathTimestamp(0)] = []byte{0x30, 0x04} // in place of the older one
	for _, some := range []map[string][]byte{first, second} {
		if err := report.Attach(dir, asFiles(some)...); err != nil {
			t.Fatal(err)
		}
		for path, b := range some {
			want["bundle/"+path] = string(b)
		}
	}
	if d := cmp.Diff(want, tree(t, base)); d != "" {
		t.Error(d)
	}
	for name, bad := range map[string]report.File{
		"a file of the bundle": report.NewBytesFile(report.PathLines, nil),
		"a gap":                report.NewBytesFile(report.PathFinding(2), nil),
		"a broken file":        {Path: report.PathFinding(1), Size: 1, Open: report.NewBytesFile("", nil).Open},
	} {
		if err := report.Attach(dir, bad); err == nil {
			t.Errorf("%s was attached", name)
		}
		if d := cmp.Diff(want, tree(t, base)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	files, err := report.ReadDir(dir)
	if err != nil || len(files) != len(all)+len(contents) {
		t.Errorf("%d files, %v, want %d", len(files), err, len(all)+len(contents))
	}
	if err := report.Lint(files, nil); err != nil {
		t.Error(err)
	}
}

// TestX11_InterruptedAttach: between two renames the older attachments lie beside the bundle, and are put back.
func TestX11_InterruptedAttach(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "bundle")
	stamp := func(b byte) report.File { return report.NewBytesFile(report.PathTimestamp(0), []byte{0x30, b}) }
	if err := errors.Join(report.WriteDir(dir, two("1", "one")), report.Attach(dir, stamp(1))); err != nil {
		t.Fatal(err)
	}
	want := tree(t, base)
	aside := filepath.Join(base, ".bundle.attachments.old")
	if err := os.Rename(filepath.Join(dir, "attachments"), aside); err != nil {
		t.Fatal(err)
	}
	if err := report.RestoreDir(dir); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, tree(t, base)); d != "" {
		t.Error(d)
	}
	// A bundle that takes another's place does not inherit them.
	if err := os.Rename(filepath.Join(dir, "attachments"), aside); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(dir), report.WriteDir(dir, two("2", "two"))); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"bundle/manifest.json": "2", "bundle/reserves/lines.json": "two"}, tree(t, base)); d != "" {
		t.Error(d)
	}
}

func TestReadDirRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := report.WriteDir(dir, two("1", "one")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "reserves", "control.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := report.ReadDir(dir); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("got %v", err)
	}
}
