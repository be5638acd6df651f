package report_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
)

// wantZip writes a zip field by field, as SPEC part 11 lists them.
func wantZip(files map[string]string) []byte {
	var paths []string
	for p := range files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	var local, central []byte
	le := binary.LittleEndian
	for _, p := range paths {
		offset := uint32(len(local))
		fields := func(b []byte) []byte {
			b = le.AppendUint16(b, 20)     // version needed
			b = le.AppendUint16(b, 0x0800) // flags
			b = le.AppendUint16(b, 0)      // method: stored
			b = le.AppendUint16(b, 0)      // time
			b = le.AppendUint16(b, 0x0021) // date
			b = le.AppendUint32(b, crc32.ChecksumIEEE([]byte(files[p])))
			b = le.AppendUint32(b, uint32(len(files[p])))
			b = le.AppendUint32(b, uint32(len(files[p])))
			b = le.AppendUint16(b, uint16(len(p)))
			return le.AppendUint16(b, 0) // no extra fields
		}
		local = fields(le.AppendUint32(local, 0x04034b50))
		local = append(append(local, p...), files[p]...)
		central = le.AppendUint32(central, 0x02014b50)
		central = fields(le.AppendUint16(central, 20)) // made by
		central = le.AppendUint16(central, 0)          // comment
		central = le.AppendUint16(central, 0)          // disk
		central = le.AppendUint16(central, 0)          // internal attributes
		central = le.AppendUint32(central, 0)          // external attributes
		central = le.AppendUint32(central, offset)
		central = append(central, p...)
	}
	end := le.AppendUint32(nil, 0x06054b50)
	end = le.AppendUint32(end, 0) // disks
	end = le.AppendUint16(end, uint16(len(paths)))
	end = le.AppendUint16(end, uint16(len(paths)))
	end = le.AppendUint32(end, uint32(len(central)))
	end = le.AppendUint32(end, uint32(len(local)))
	end = le.AppendUint16(end, 0) // comment
	return slices.Concat(local, central, end)
}

func TestZipFieldByField(t *testing.T) {
	content := map[string]string{
		report.PathManifest: `{"a":1}`, report.PathEnvelope: "", report.PathLines: strings.Repeat("lines", 20_000),
		report.PathLeaves(3): "\x00\x01", report.PathEvidence(ethChain): "é",
	}
	var files []report.File
	for p, c := range content {
		files = append(files, report.NewBytesFile(p, []byte(c)))
	}
	var got bytes.Buffer
	if err := report.WriteZip(&got, files); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), wantZip(content)) {
		t.Errorf("the zip is not the one form of SPEC part 11:\n%s", cmp.Diff(wantZip(content), got.Bytes()))
	}
	r, err := zip.NewReader(bytes.NewReader(got.Bytes()), int64(got.Len()))
	if err != nil {
		t.Fatal(err)
	}
	back := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err := errors.Join(err, rc.Close()); err != nil {
			t.Fatal(err)
		}
		back[f.Name] = string(b)
	}
	if diff := cmp.Diff(content, back); diff != "" {
		t.Error(diff)
	}
}

// TestZipByOthers: a program that knows nothing of us finds no fault in the zip.
func TestZipByOthers(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not here: install it to have the zip read by another program")
	}
	all, _ := bundle(t, inputs(t))
	name := filepath.Join(t.TempDir(), "bundle.zip")
	if err := report.WriteFile(name, func(w io.Writer) error { return report.WriteZip(w, all) }); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-m", "zipfile", "-t", name).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Done testing") || strings.Contains(string(out), "corrupted") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestZipRefuses(t *testing.T) {
	huge := report.NewBytesFile(report.PathLeaves(0), nil)
	huge.Size = 1 << 32
	half, other := huge, huge
	half.Size, other.Size, other.Path = 1<<31, 1<<31, report.PathLeaves(1)
	many := make([]report.File, 65_535)
	for i := range many {
		many[i] = report.File{Path: report.PathLeaves(uint64(i))}
	}
	changed := report.NewBytesFile(report.PathLines, []byte("before"))
	changed.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("after!")), nil }
	longer := report.NewBytesFile(report.PathLines, []byte("before"))
	longer.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("before and more")), nil }
	gone := report.NewBytesFile(report.PathLines, []byte("before"))
	gone.Open = func() (io.ReadCloser, error) { return nil, os.ErrNotExist }
	for name, files := range map[string][]report.File{
		"E09 a file of 4 GiB":   {huge},
		"E09 4 GiB together":    {half, other},
		"E09 65,535 files":      many,
		"changed while written": {changed},
		"grew while written":    {longer},
		"gone while written":    {gone},
		"path outside":          {report.NewBytesFile("../x", nil)},
		"a path twice":          {report.NewBytesFile(report.PathLines, nil), report.NewBytesFile(report.PathLines, nil)},
	} {
		if err := report.WriteZip(io.Discard, files); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func TestPartOf(t *testing.T) {
	for path, want := range map[string]string{
		"statement.dsse.json": "core", "manifest.json": "core", "liabilities/shards.json": "core", "reserves/lines.json": "core",
		"reserves/control.json": "core", "liabilities/shard-00000.leaves": "shard", "liabilities/shard-99999.leaves": "shard", "liabilities/shard-100000.leaves": "shard",
		"liabilities/shard-00000.proof": "shard", "liabilities/shard-100000.proof": "shard", "liabilities/top.proof": "core",
		"reserves/evidence/eip155-1.json": "core", "reserves/evidence/bip122-000000000019d6689c085ae165831e93.json": "core",
	} {
		if part, ok := report.PartOf(path); !ok || part != want {
			t.Errorf("%s: %s, %v", path, part, ok)
		}
	}
	for _, bad := range []string{"", ".", "..", "../manifest.json", "/manifest.json", "./manifest.json", "manifest.json/", "Manifest.json", "liabilities",
		"liabilities/../manifest.json", "liabilities//shards.json", `liabilities\shards.json`, "liabilities/shard-0.leaves", "liabilities/shard-000000.leaves",
		"liabilities/shard-+0001.leaves", "liabilities/shard-0.proof", "liabilities/shard-1048576.proof", "liabilities/00000.proof", "top.proof", "liabilities/shard-1048576.leaves", "reserves/evidence/eip155-01.json", "reserves/evidence/eip155:1.json",
		"reserves/evidence/EIP155-1.json", "reserves/evidence/.json", "reserves/evidence/eip155-1.json.json", "ledger.csv", "shards/00000.age", "manifest.json\x00"} {
		if part, ok := report.PartOf(bad); ok {
			t.Errorf("%q is of part %s", bad, part)
		}
	}
}

func FuzzPartOf(f *testing.F) {
	f.Add("reserves/evidence/eip155-1.json")
	f.Add("liabilities/shard-00001.leaves")
	f.Add("../manifest.json")
	f.Fuzz(func(t *testing.T, path string) {
		if _, ok := report.PartOf(path); !ok {
			return
		}
		if len(path) > 128 || strings.Trim(path, "abcdefghijklmnopqrstuvwxyz0123456789._/-") != "" || !filepath.IsLocal(path) || filepath.Clean(path) != path {
			t.Fatalf("%q is a path of a bundle", path)
		}
	})
}
