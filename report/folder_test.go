package report_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report"
)

// tree lists the files below dir with their content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, p))
		got[p] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func two(manifest, lines string) []report.File {
	return []report.File{report.NewBytesFile(report.PathManifest, []byte(manifest)), report.NewBytesFile(report.PathLines, []byte(lines))}
}

func TestWriteDirReplaces(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "bundle")
	for _, files := range [][]report.File{append(two("1", "one"), report.NewBytesFile(report.PathLeaves(0), nil)), two("2", "two")} {
		if err := report.WriteDir(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]string{"bundle/manifest.json": "2", "bundle/reserves/lines.json": "two"}, tree(t, base)); diff != "" {
		t.Error(diff)
	}
}

// TestX11_InterruptedWriteDir: whatever stops the writing, a whole bundle is there: the older one or the new.
func TestX11_InterruptedWriteDir(t *testing.T) {
	old := map[string]string{"bundle/manifest.json": "1", "bundle/reserves/lines.json": "one"}
	fresh := map[string]string{"bundle/manifest.json": "2", "bundle/reserves/lines.json": "two"}
	start := func(t *testing.T) (base, dir string) {
		base = t.TempDir()
		dir = filepath.Join(base, "bundle")
		if err := report.WriteDir(dir, two("1", "one")); err != nil {
			t.Fatal(err)
		}
		return base, dir
	}
	t.Run("a file fails", func(t *testing.T) {
		base, dir := start(t)
		broken := two("2", "two")
		broken[1].Open = func() (io.ReadCloser, error) { return nil, errors.New("the disk is gone") }
		if err := report.WriteDir(dir, broken); err == nil {
			t.Fatal("no error")
		}
		if diff := cmp.Diff(old, tree(t, base)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("killed while filling", func(t *testing.T) {
		base, dir := start(t)
		half := filepath.Join(base, ".bundle.new", "reserves")
		if err := errors.Join(os.MkdirAll(half, 0o755), os.WriteFile(filepath.Join(half, "lines.json"), []byte("tw"), 0o644)); err != nil {
			t.Fatal(err)
		}
		if err := report.WriteDir(dir, two("2", "two")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fresh, tree(t, base)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("killed between the renames", func(t *testing.T) {
		base, dir := start(t)
		if err := os.Rename(dir, filepath.Join(base, ".bundle.old")); err != nil {
			t.Fatal(err)
		}
		if err := report.RestoreDir(dir); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(old, tree(t, base)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("killed before the older is removed", func(t *testing.T) {
		base, dir := start(t)
		if err := errors.Join(os.Rename(dir, filepath.Join(base, ".bundle.old")), os.MkdirAll(filepath.Join(dir, "reserves"), 0o755),
			os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("2"), 0o644), os.WriteFile(filepath.Join(dir, "reserves", "lines.json"), []byte("two"), 0o644)); err != nil {
			t.Fatal(err)
		}
		if err := report.RestoreDir(dir); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fresh, tree(t, base)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("nothing was there", func(t *testing.T) {
		if err := report.RestoreDir(filepath.Join(t.TempDir(), "bundle")); err != nil {
			t.Error(err)
		}
	})
}

func TestWriteDirLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	diary := filepath.Join(dir, "diary.txt")
	if err := os.WriteFile(diary, []byte("dear diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteDir(dir, two("1", "one")); err == nil {
		t.Error("a folder that is no bundle was replaced")
	}
	if _, err := os.Stat(diary); err != nil {
		t.Error(err)
	}
	if err := report.WriteDir(diary, two("1", "one")); err == nil {
		t.Error("a file was replaced by a folder")
	}
	empty := t.TempDir()
	if err := report.WriteDir(empty, two("1", "one")); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "bundle.zip")
	write := func(s string, err error) error {
		return report.WriteFile(name, func(w io.Writer) error {
			_, werr := io.WriteString(w, s)
			return errors.Join(werr, err)
		})
	}
	if err := write("one", nil); err != nil {
		t.Fatal(err)
	}
	if err := write("tw", errors.New("stopped")); err == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff(map[string]string{"bundle.zip": "one"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	if err := write("two", nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"bundle.zip": "two"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestNewDiskFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, []byte("leaves"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := report.NewDiskFile(report.PathLeaves(0), name)
	if err != nil {
		t.Fatal(err)
	}
	want := report.NewBytesFile(report.PathLeaves(0), []byte("leaves"))
	if got.Size != want.Size || got.SHA256 != want.SHA256 || got.CRC32 != want.CRC32 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := report.NewDiskFile(report.PathLeaves(0), name+"y"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
