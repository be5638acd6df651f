package published_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/published/publishedtest"
)

// watch is a clock that each look at a shelf moves on, so that every look is a new one.
func watch() func() time.Time {
	now := publishedtest.Day
	return func() time.Time {
		now = now.Add(time.Minute)
		return now
	}
}

func shown(t *testing.T, s *published.Shelf) []string {
	t.Helper()
	all, err := s.Reports()
	if err != nil {
		t.Fatal(err)
	}
	digests := []string{}
	for _, r := range all {
		digests = append(digests, r.Digest.String())
	}
	return digests
}

func same(a, b []string) bool {
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func try(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestShelf: reports are noticed as they come and go, the newest first; hidden folders and strange files are passed over.
func TestShelf(t *testing.T) {
	dir := t.TempDir()
	s := published.Folder(dir, watch())
	if got := shown(t, s); len(got) != 0 {
		t.Fatalf("an empty folder shows %v", got)
	}
	first := publishedtest.Draft(t, 0, nil)
	second := publishedtest.Draft(t, 1, &first)
	second.Publish(t, filepath.Join(dir, "a"))
	first.Publish(t, filepath.Join(dir, "b"))
	first.Publish(t, filepath.Join(dir, "copy"))
	third := publishedtest.Draft(t, 2, &second)
	third.Publish(t, filepath.Join(dir, ".c"))
	try(t, os.WriteFile(filepath.Join(dir, "README"), nil, 0o600))
	want := []string{second.Digest.String(), first.Digest.String()}
	if got := shown(t, s); !same(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	try(t, os.Rename(filepath.Join(dir, ".c"), filepath.Join(dir, "c")))
	if got := shown(t, s); !same(got, append([]string{third.Digest.String()}, want...)) {
		t.Errorf("the third was not noticed: %v", got)
	}
	try(t, os.RemoveAll(filepath.Join(dir, "a")))
	if got := shown(t, s); !same(got, []string{third.Digest.String(), first.Digest.String()}) {
		t.Errorf("one that is gone: %v", got)
	}
	try(t, os.RemoveAll(dir))
	if _, err := s.Reports(); err == nil {
		t.Error("a folder that is gone: no error")
	}
}

// TestHalfCopied: at no moment while a bundle is copied, file by file and byte by byte at its end, is anything shown but the whole.
func TestHalfCopied(t *testing.T) {
	made := publishedtest.Draft(t, 0, nil)
	whole := t.TempDir()
	made.Publish(t, whole)
	dir := t.TempDir()
	s := published.Folder(dir, watch())
	var paths []string
	try(t, filepath.WalkDir(filepath.Join(whole, "bundle"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, err := filepath.Rel(whole, path)
			paths = append(paths, rel)
			return err
		}
		return err
	}))
	for i, path := range paths {
		raw, err := os.ReadFile(filepath.Join(whole, path))
		try(t, err)
		at := filepath.Join(dir, "x", path)
		try(t, os.MkdirAll(filepath.Dir(at), 0o755))
		try(t, os.WriteFile(at, raw[:len(raw)/2], 0o600))
		if got := shown(t, s); len(got) != 0 {
			t.Fatalf("with half of %s it is shown", path)
		}
		if len(s.Faults()) != 1 {
			t.Errorf("with half of %s nothing is said of it", path)
		}
		try(t, os.WriteFile(at, raw, 0o600))
		if got := shown(t, s); (len(got) != 0) != (i == len(paths)-1) {
			t.Errorf("with %d of %d files: %v", i+1, len(paths), got)
		}
	}
	// Leaves need not be published; some of them are no way to publish them.
	try(t, os.Remove(filepath.Join(dir, "x", "bundle", report.PathLeaves(0))))
	again := published.Folder(dir, watch())
	if got := shown(t, again); len(got) != 0 {
		t.Error("it is shown with the leaves of one shard of two")
	}
	try(t, os.Remove(filepath.Join(dir, "x", "bundle", report.PathLeaves(1))))
	if got := shown(t, again); len(got) != 1 {
		t.Error("without leaves it is not shown")
	}
}

// TestOpen: what the manifest lists is handed out as listed or not at all.
func TestOpen(t *testing.T) {
	made, dir := publishedtest.Draft(t, 0, nil), t.TempDir()
	made.Publish(t, dir)
	s := published.Single(published.Place{Bundle: filepath.Join(dir, "bundle"), Zip: filepath.Join(dir, "bundle.zip"), Page: filepath.Join(dir, "report")}, watch())
	r, err := s.Find(made.Digest)
	if err != nil || r == nil {
		t.Fatal(r, err)
	}
	for path, want := range map[string]bool{report.PathLines: true, report.PathManifest: true, report.PathEnvelope: false, report.PathLeaves(1): true} {
		f, fixed, err := r.Open(path)
		try(t, err)
		raw, err := io.ReadAll(f)
		try(t, err)
		try(t, f.Close())
		if fixed != want || int64(len(raw)) != f.Size || len(raw) == 0 {
			t.Errorf("%s: fixed %t, want %t; %d bytes of %d", path, fixed, want, len(raw), f.Size)
		}
	}
	lines := filepath.Join(dir, "bundle", filepath.FromSlash(report.PathLines))
	raw, err := os.ReadFile(lines)
	try(t, err)
	raw[10] ^= 1
	try(t, os.WriteFile(lines, raw, 0o600))
	try(t, os.Chtimes(lines, time.Time{}, time.Now().Add(time.Hour)))
	if _, _, err := r.Open(report.PathLines); !errors.Is(err, published.ErrDamaged) {
		t.Errorf("a file with one bit altered: %v", err)
	}
	if r, err := s.Find(report.Digest{9}); r != nil || err != nil {
		t.Errorf("an unknown statement: %v, %v", r, err)
	}
}

// TestZip: a zip that is not whole, or of another statement, is no zip of the report.
func TestZip(t *testing.T) {
	made, dir := publishedtest.Draft(t, 0, nil), t.TempDir()
	made.Publish(t, dir)
	other, away := publishedtest.Draft(t, 1, &made), t.TempDir()
	other.Publish(t, away)
	name := filepath.Join(dir, "bundle.zip")
	good, err := os.ReadFile(name)
	try(t, err)
	foreign, err := os.ReadFile(filepath.Join(away, "bundle.zip"))
	try(t, err)
	r, err := published.Single(published.Place{Bundle: filepath.Join(dir, "bundle"), Zip: name}, watch()).Find(made.Digest)
	try(t, err)
	for what, content := range map[string][]byte{"half": good[:len(good)/2], "but a byte": good[:len(good)-1], "another's": foreign, "empty": {}} {
		try(t, os.WriteFile(name, content, 0o600))
		if f, err := r.Zip(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v", what, f, err)
		}
	}
	try(t, os.WriteFile(name, good, 0o600))
	f, err := r.Zip()
	try(t, err)
	try(t, f.Close())
	if _, err := r.Page(); !errors.Is(err, fs.ErrNotExist) || r.HasPage() {
		t.Errorf("a page that is not there: %v", err)
	}
}

// TestStaysBelow: nothing outside of the folder is opened, by whatever name or link.
func TestStaysBelow(t *testing.T) {
	dir := t.TempDir()
	try(t, os.MkdirAll(filepath.Join(dir, "in", "sub"), 0o755))
	try(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600))
	try(t, os.WriteFile(filepath.Join(dir, "in", "file"), []byte("y"), 0o600))
	try(t, os.Symlink("../secret", filepath.Join(dir, "in", "link")))
	try(t, os.Symlink("file", filepath.Join(dir, "in", "inner")))
	try(t, os.Symlink("..", filepath.Join(dir, "in", "up")))
	var d published.Digests
	for _, name := range []string{"link", "inner", "up/secret", "../secret", "sub", "sub/../file", "", ".", "/file", "file\x00", "./file", "file/", "nothing"} {
		if f, err := d.Open(filepath.Join(dir, "in"), name); err == nil {
			t.Errorf("%q was opened: %v", name, f.Name())
		}
	}
	f, err := d.Open(filepath.Join(dir, "in"), "file")
	try(t, err)
	try(t, f.Close())
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	made := publishedtest.Draft(f, 0, nil)
	made.Publish(f, dir)
	r, err := published.Single(published.Place{Bundle: filepath.Join(dir, "bundle")}, watch()).Find(made.Digest)
	if err != nil {
		f.Fatal(err)
	}
	known := map[string]bool{}
	for _, file := range made.Files {
		known[file.Path] = true
		f.Add(file.Path)
	}
	f.Add("../bundle.zip")
	f.Add("reserves//lines.json")
	f.Fuzz(func(t *testing.T, path string) {
		file, _, err := r.Open(path)
		if err == nil {
			try(t, file.Close())
		}
		if (err == nil) != known[path] {
			t.Errorf("%q: %v", path, err)
		}
	})
}
